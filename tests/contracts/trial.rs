//! Puts a hostile contract next to an innocent one, and looks at both and at what comes after.

use std::time::Duration;

use agora::domain::{Cost, Execution, ExecutionOutcome};
use agora::execution::nondeterminism::Services;
use agora::execution::python::PythonExecutor;
use agora::execution::{ExecutionError, ExecutionRequest, Executor};

use futures_util::future::join_all;

use crate::harness::*;

/// How a hostile contract must end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verdict {
    /// It is stopped at its deadline.
    Stopped,
    /// As this machine error, with these words in the traceback.
    Fails(&'static str, &'static str),
    /// As one of these machine errors, or stopped: which one the machine decides.
    FailsOrStopped(&'static [&'static str]),
    /// It returns this text.
    Returns(&'static str),
    /// Whatever it returns or fails with harms nobody else.
    Harmless,
}

/// When those are stopped that may have to be, in milliseconds.
const LIMIT_MS: u64 = 400;

/// What an innocent contract sees of its surroundings: everything another one could have changed.
const WITNESS: &str = r#"
import abc, collections.abc, contextlib, copyreg, datetime, decimal, enum, functools, hashlib, json
import random, re, sys, time, types, typing, warnings
from dataclasses import dataclass
from genlayer import *

PLAIN = (str, bytes, int, float, bool, type(None))

def plain(value):
    return repr(value) if type(value) in PLAIN else type(value).__qualname__

def told(value):
    if isinstance(value, types.FunctionType):
        return [value.__name__, value.__qualname__, value.__module__, plain(value.__doc__),
                len(value.__defaults__ or ()), sorted(value.__kwdefaults__ or ()),
                sorted(value.__dict__), len(value.__code__.co_code)]
    if isinstance(value, type):
        return [value.__name__, value.__qualname__, [base.__name__ for base in value.__bases__],
                [[name, plain(item)] for name, item in vars(value).items()]]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [type(value).__name__, len(value), [plain(item) for item in list(value)[:9]]]
    if isinstance(value, dict):
        return [len(value), [plain(key) for key in list(value)[:9]]]
    return [plain(value), [[name, plain(item)] for name, item in getattr(value, "__dict__", {}).items()]]

def surroundings():
    for name, module in sys.modules.items():
        if name != "contract":
            for entry, value in vars(module).items():
                yield [name, entry, told(value)]

@allow_storage
@dataclass
class Row:
    owner: Address
    count: u256

class Colour(enum.Enum):
    RED = 1

class Innocent(gl.Contract):
    rows: DynArray[Row]
    names: TreeMap[str, u256]

    def __init__(self):
        pass

    @gl.public.write
    def go(self) -> typing.Any:
        digest = hashlib.sha256()
        for seen in surroundings():
            digest.update(repr(seen).encode("utf-8", "surrogatepass"))
        self.rows.append(Row(gl.message.sender_address, len(self.rows) + 1))
        self.names["a"] = self.names.get("a", 0) + 1
        with contextlib.suppress(KeyError):
            self.names["b"]
        zero, sender = Address(bytes(20)), gl.message.sender_address
        print(sender, zero == Address.ZERO, hash(zero) == hash(Address.ZERO), Colour.RED)
        return {
            "surroundings": digest.hexdigest(),
            "classes": len(object.__subclasses__()),
            "threads": sys.getrecursionlimit(),
            "zero": str(Address.ZERO),
            "json": json.dumps({"a": [1, 2.5, None]}, sort_keys=True),
            "regex": re.sub(r"a+|b", "c", "aaabd"),
            "random": str(random.random()),
            "gauss": str(random.gauss(0, 1)),
            "time": str(time.time()),
            "decimal": str(decimal.Decimal(1) / 3),
            "sequence": isinstance(5, collections.abc.Sequence),
            "filters": len(warnings.filters),
            "date": datetime.datetime.strptime("2024-02-29", "%Y-%m-%d").isoformat(),
            "hint": repr(typing.get_type_hints(Row)),
            "rows": [row.count for row in self.rows],
            "hash": str(hash("text")),
            "error": repr(b"\xff".decode(errors="backslashreplace")),
        }
"#;

/// An executor, and what an innocent contract says in a fresh worker.
pub(crate) struct Trial {
    executor: PythonExecutor,
    workers: usize,
    untouched: Execution,
}

fn without_cost(execution: Result<Execution, ExecutionError>) -> Execution {
    let execution = execution.unwrap();
    assert!(execution.outcome.is_success(), "{execution:?}");
    Execution { cost: Cost::default(), ..execution }
}

fn witness() -> ExecutionRequest {
    request(WITNESS, Some("go"), vec![])
}

/// A contract whose method `go` has this body; a view when its first line says so.
pub(crate) fn hostile(body: &str) -> String {
    let (top, body) = body.split_once("\n---\n").unwrap_or(("", body));
    let access = if body.starts_with("# view\n") { "view" } else { "write" };
    let body = body.replace('\n', "\n        ");
    format!(
        "import sys\nfrom genlayer import *\n{top}\n\nclass Hostile(gl.Contract):\n    n: u256\n    \
         words: TreeMap[str, str]\n\n    def __init__(self):\n        pass\n\n    \
         @gl.public.{access}\n    def go(self):\n        {body}\n"
    )
}

impl Trial {
    /// With one worker, the attack and what comes after it meet in the same one; with two, an
    /// innocent contract also runs beside the attack.
    pub(crate) async fn new(workers: usize) -> Self {
        let executor = PythonExecutor::start(settings(workers), Services::none()).unwrap();
        let untouched = without_cost(executor.execute(witness()).await);
        Self { executor, workers, untouched }
    }

    /// Runs a hostile body, and the innocent contract beside and after it.
    pub(crate) async fn check(&self, body: &str, verdict: Verdict) {
        self.check_source(&hostile(body), verdict).await;
    }

    /// As [`Trial::check`], for a whole file.
    pub(crate) async fn check_source(&self, source: &str, verdict: Verdict) {
        let mut attack = request(source, Some("go"), vec![]);
        let may_stop = matches!(verdict, Verdict::Stopped | Verdict::FailsOrStopped(_));
        attack.time_limit = Duration::from_millis(if may_stop { LIMIT_MS } else { 60_000 });
        let beside = (1..self.workers).map(|_| self.executor.execute(witness()));
        let (ended, beside) = tokio::join!(self.executor.execute(attack), join_all(beside));
        judge(source, ended, verdict);
        // All workers are asked: one of them ran the attack, or took its place.
        let after = (0..self.workers).map(|_| self.executor.execute(witness()));
        for innocent in beside.into_iter().chain(join_all(after).await) {
            assert_eq!(without_cost(innocent), self.untouched, "beside or after {source}");
        }
    }

    /// Checks many.
    pub(crate) async fn check_all(&self, cases: &[(&str, Verdict)]) {
        for (body, verdict) in cases {
            self.check(body, *verdict).await;
        }
    }
}

fn judge(source: &str, ended: Result<Execution, ExecutionError>, verdict: Verdict) {
    let execution = match (verdict, ended) {
        (
            Verdict::Stopped | Verdict::FailsOrStopped(_),
            Err(ExecutionError::TimedOut { limit_ms: LIMIT_MS }),
        ) => return,
        (_, ended) => ended.unwrap_or_else(|error| panic!("{error:?}: {source}")),
    };
    let Execution { outcome, stderr, state, .. } = &execution;
    if !outcome.is_success() {
        assert!(state.is_empty() && execution.messages.is_empty(), "effects of {source}");
    }
    match (verdict, outcome) {
        (Verdict::Fails(code, words), ExecutionOutcome::VmError(found)) => {
            assert_eq!(found, code, "{source}\n{stderr}");
            assert!(stderr.contains(words), "{source}\n{stderr}");
        }
        (Verdict::FailsOrStopped(codes), ExecutionOutcome::VmError(found)) => {
            assert!(codes.contains(&found.as_str()), "{found}: {source}\n{stderr}");
        }
        (Verdict::Returns(expected), ExecutionOutcome::Return(_)) => {
            assert_eq!(returned(&execution), text(expected), "{source}");
        }
        (Verdict::Harmless, _) => {}
        _ => panic!("{outcome:?}: {source}\n{stderr}"),
    }
}
