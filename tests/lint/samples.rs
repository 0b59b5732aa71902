//! Contracts of all generations of the API that no rule may call wrong.

use agora::domain::Severity;
use agora::execution::lint::lint;
use agora::execution::python::examples;

/// Name and source; none has an error, and warnings only of the rules named last.
const SAMPLES: [(&str, &str, &[&str]); 17] = [
    (
        "2024: IContract, asynchronous",
        r#"
import json
from backend.node.genvm.icontract import IContract
from backend.node.genvm.equivalence_principle import call_llm_with_principle, EquivalencePrinciple

class Wizard(IContract):
    def __init__(self, have_coin: bool):
        self.have_coin: bool = have_coin
        self.log: list = []

    async def ask(self, request: str) -> None:
        if not self.have_coin:
            raise Exception("no coin")
        result = await call_llm_with_principle(f"Give the coin? {request}", eq_principle="same")
        self.have_coin = json.loads(result)["keep"]

    def get_have_coin(self) -> bool:
        return self.have_coin
"#,
        &[],
    ),
    (
        "2024: IContract with the web",
        r#"
from backend.node.genvm.icontract import IContract
from backend.node.genvm.equivalence_principle import EquivalencePrinciple

class Scores(IContract):
    scores: dict

    def __init__(self, game: str):
        self.game = game
        self.scores = {}

    async def resolve(self, url: str) -> dict:
        final = {}
        async with EquivalencePrinciple(result=final, principle="same", comparative=True) as eq:
            page = await eq.get_webpage(url)
            eq.set(await eq.call_llm(page))
        self.scores[self.game] = final["output"]
        return final
"#,
        &[],
    ),
    (
        "early 2025: decorator, flat names",
        r#"# { "Depends": "genlayer-py-std:test" }
from genlayer import *
import genlayer.std as gl2

@gl.contract
class Storage:
    storage: str

    def __init__(self, initial: str):
        self.storage = initial

    @gl.public.view
    def get(self) -> str:
        return self.storage

    @gl.public.write
    def ask(self) -> None:
        def run():
            return gl.exec_prompt("say yes")
        self.storage = gl.eq_principle_strict_eq(run)
"#,
        &[],
    ),
    (
        "early 2025: imported as gsdk",
        r#"# { "Depends": "py-genlayer:test" }
import genlayer.std as gsdk

@gsdk.contract
class Page:
    @gsdk.public.write
    def fetch(self, url: str) -> str:
        return gsdk.eq_principle_prompt_comparative(lambda: gsdk.get_webpage(url, mode="text"), "same")
"#,
        &[],
    ),
    (
        "v0.1: class style, flat names",
        r#"# v0.1.0
# { "Depends": "py-genlayer:latest" }
from genlayer import *
import typing

class Oracle(gl.Contract):
    answer: str
    prices: TreeMap[str, bigint]

    def __init__(self):
        self.answer = ""

    @gl.public.write
    def resolve(self, url: str) -> typing.Any:
        def nondet() -> str:
            web = gl.get_webpage(url, mode="text")
            task = f"Who won? {web}"
            return gl.exec_prompt(task).replace("```json", "").replace("```", "")
        self.answer = gl.eq_principle_prompt_non_comparative(nondet, task="x", criteria="y")
        if not self.answer:
            raise gl.Rollback("no answer")
        return self.answer
"#,
        &[],
    ),
    (
        "v0.2: prompt comparative",
        r#"# v0.2.16
# { "Depends": "py-genlayer:1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6" }
from genlayer import *
import json

class Bets(gl.Contract):
    bets: TreeMap[Address, TreeMap[str, u256]]
    open: bool

    def __init__(self):
        self.open = True

    def _result(self, url: str) -> dict:
        def get_result() -> str:
            page = gl.nondet.web.render(url, mode="text")
            found = gl.nondet.exec_prompt(f"Score? {page}", response_format="json")
            return json.dumps(found, sort_keys=True)
        return json.loads(gl.eq_principle.prompt_comparative(get_result, "the same score"))

    @gl.public.write.payable
    def bet(self, on: str) -> None:
        if gl.message.value == u256(0):
            raise gl.vm.UserError("no value")
        self.bets.get_or_insert_default(gl.message.sender_address)[on] = gl.message.value

    @gl.public.write
    def resolve(self, url: str) -> None:
        self.open = self._result(url)["winner"] < 0
"#,
        &[],
    ),
    (
        "v0.2: leader and validator",
        r#"# { "Depends": "py-genlayer:test" }
from genlayer import *

class Judge(gl.Contract):
    verdict: str

    def __init__(self):
        pass

    @gl.public.write
    def judge(self, case: str) -> None:
        def ask() -> str:
            return gl.nondet.exec_prompt(case)

        def leader_fn() -> str:
            return ask().strip()

        def validator_fn(leader: gl.vm.Result) -> bool:
            if not isinstance(leader, gl.vm.Return):
                return False
            return ask().strip() == leader.calldata

        self.verdict = gl.vm.run_nondet_unsafe(leader_fn, validator_fn)
"#,
        &[],
    ),
    (
        "v0.2: methods as leader and validator",
        r#"# { "Depends": "py-genlayer:test" }
from genlayer import gl, u256, TreeMap

class Prices(gl.Contract):
    prices: TreeMap[str, u256]

    def __init__(self):
        pass

    def _fetch(self, url):
        response = gl.nondet.web.get(url)
        if response.status != 200:
            raise gl.vm.UserError("down")
        return response.body.decode()

    @gl.public.write
    def update(self, url: str) -> None:
        price = gl.vm.run_nondet(lambda: self._fetch(url), lambda res: res.calldata == self._fetch(url))
        self.prices[url] = int(price)
"#,
        &[],
    ),
    (
        "v0.2: stored structs",
        r#"# { "Seq": [ { "Depends": "py-lib-genlayer-embeddings:test" },
#   { "Depends": "py-genlayer:test" } ] }
from dataclasses import dataclass
from genlayer import *
import genlayer_embeddings as gle
import numpy as np
import typing

@allow_storage
@dataclass
class Log:
    log_id: u256
    text: str

class Logs(gl.Contract):
    store: gle.VecDB[np.float32, typing.Literal[384], Log]
    all: DynArray[Log]
    seed: Array[u8, typing.Literal[32]]

    @gl.public.view
    def count(self) -> int:
        return len(self.all)
"#,
        &[],
    ),
    (
        "v0.2: other contracts and events",
        r#"# { "Depends": "py-genlayer:test" }
from genlayer import *

@gl.contract_interface
class Token:
    class View:
        def balance_of(self, owner: Address) -> int: ...
    class Write:
        def transfer(self, to: Address, amount: int) -> None: ...

class Moved(gl.Event):
    def __init__(self, to: Address, /, **blob): ...

class Safe(gl.Contract):
    token: Address

    def __init__(self, token: Address):
        self.token = token

    @gl.public.write
    def pay(self, to: Address, amount: u256) -> None:
        Token(self.token).emit(on="finalized").transfer(to, amount)
        gl.get_contract_at(to).emit_transfer(value=amount)
        Moved(to, amount=amount).emit()

    @gl.public.write.payable
    def __receive__(self) -> None:
        pass

    @gl.public.write.payable
    def __on_errored_message__(self) -> None:
        pass
"#,
        &[],
    ),
    (
        "v0.2: time and hashes",
        r#"# { "Depends": "py-genlayer:test" }
from datetime import datetime, timezone
import hashlib, re, base64
from urllib.parse import urlparse
from genlayer import *

class Clock(gl.Contract):
    seen: TreeMap[bytes, str]

    @gl.public.write
    def see(self, url: str) -> None:
        key = hashlib.sha256(urlparse(url).netloc.encode()).digest()
        self.seen[key] = datetime.now(timezone.utc).isoformat()

    @staticmethod
    def clean(text: str) -> str:
        return re.sub(r"\s+", " ", base64.b64decode(text).decode())
"#,
        &[],
    ),
    (
        "v0.2: errors that stay inside",
        r#"# { "Depends": "py-genlayer:test" }
from genlayer import *

class Wrong(Exception):
    pass

def parse(text: str) -> int:
    if not text:
        raise ValueError("empty")
    return int(text)

class Parser(gl.Contract):
    last: i64

    @gl.public.write
    def read(self, text: str) -> None:
        try:
            if len(text) > 9:
                raise ValueError("long")
            self.last = parse(text)
        except ValueError as error:
            raise gl.vm.UserError(str(error)) from error
"#,
        &[],
    ),
    (
        "v0.2: helper of the module",
        r#"# { "Depends": "py-genlayer:test" }
from genlayer import *

def weather(city: str) -> str:
    return gl.nondet.web.get(f"https://example.org/{city}").body.decode("utf-8")

class Weather(gl.Contract):
    now: str

    @gl.public.write
    def update(self, city: str) -> None:
        self.now = gl.eq_principle.strict_eq(lambda: weather(city))
"#,
        &[],
    ),
    (
        "v0.2: inheritance in one file",
        r#"# { "Depends": "py-genlayer:test" }
from genlayer import *

class Owned(gl.Contract):
    owner: Address

    def _only_owner(self):
        if gl.message.sender_address != self.owner:
            raise gl.vm.UserError("not yours")

class Box(Owned):
    value: str

    def __init__(self):
        self.owner = gl.message.sender_address

    @gl.public.write
    def put(self, value: str) -> None:
        self._only_owner()
        self.value = value
"#,
        &[],
    ),
    (
        "v0.3: import as gl",
        r#"# v0.3.0
# { "Depends": "py-genlayer:@RUNNER_LATEST_v0.3_py-genlayer@" }
import genlayer as gl
from genlayer.types import u256, Address

@gl.storage.allow
class Vote:
    voter: Address
    weight: u256

class Poll(gl.contract.Contract):
    votes: gl.storage.DynArray[Vote]
    by_name: gl.storage.TreeMap[str, gl.u256]

    @gl.public.view
    def count(self) -> int:
        return len(self.votes)

    @gl.public.write
    def judge(self, text: str) -> str:
        return gl.eq_principle.strict_eq(lambda: gl.nondet.exec_prompt(text))
"#,
        &[],
    ),
    (
        "v0.3: names from submodules",
        r#"# { "Depends": "py-genlayer:test" }
from genlayer.contract import Contract
from genlayer.storage import TreeMap, allow
from genlayer.gl import public, vm, nondet
from genlayer.types import *

class Notes(Contract):
    notes: TreeMap[str, str]

    @public.write
    def summarise(self, text: str) -> None:
        def leader():
            return nondet.exec_prompt(text)
        self.notes[text] = vm.run_nondet_unsafe(leader, lambda result: True)

    @public.view
    def get(self, text: str) -> str:
        return self.notes[text]
"#,
        &[],
    ),
    (
        "careless, but no error",
        r#"from genlayer import *
import random

class Dice(gl.Contract):
    last: u8

    @gl.public.view
    def roll(self):
        if self.last == 0:
            raise Exception("not yet")
        return random.randint(1, 6)
"#,
        &["W001", "W004", "W010", "W020"],
    ),
];

#[test]
fn contracts_of_all_generations_have_no_error() {
    for (name, source, warnings) in SAMPLES {
        let report = lint(source.as_bytes());
        let errors = report.count(Severity::Error);
        let mut found: Vec<&str> = report.findings.iter().map(|finding| finding.code).collect();
        found.sort_unstable();
        assert!(errors == 0 && found == warnings, "{name}: {:#?}", report.findings);
    }
}

#[test]
fn the_examples_are_clean() {
    assert!(examples().len() > 5);
    for example in examples() {
        let report = lint(example.source.as_bytes());
        assert!(report.findings.is_empty(), "{}: {:#?}", example.name, report.findings);
    }
}
