//! The same request gives the same execution: again, elsewhere, and after other work.

use std::sync::Arc;

use agora::domain::ledger::Snapshot;
use agora::domain::{Cost, Digest, Execution};
use agora::execution::nondeterminism::Services;
use agora::execution::python::PythonExecutor;
use agora::execution::{Executor, PageSource};

use crate::harness::*;

const PROBE: &str = r#"
import json, random, time
from datetime import datetime, timezone
from genlayer import *

class Probe(gl.Contract):
    seen: DynArray[str]

    def __init__(self):
        pass

    @gl.public.write
    def go(self) -> dict:
        words = {"b", "a", "c", str(random.random())}
        self.seen.append(json.dumps(sorted(words)))
        print(hash("text"), list(words), random.randint(0, 10**9))
        return {
            "time": int(time.time() * 1000),
            "now": datetime.now(timezone.utc).isoformat(),
            "raw": gl.message_raw["datetime"],
            "local": time.strftime("%Y-%m-%d %H:%M", time.localtime()),
            "random": str(random.random()),
            "words": list(words),
        }
"#;

/// Texts and orders that come from where objects lie, in other interpreters.
const OBJECTS: &str = r#"
from genlayer import *

class Thing:
    def __init__(self, number):
        self.number = number

def steps():
    yield 1

class Objects(gl.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def texts(self) -> list[str]:
        values = [object(), Thing(1), Thing, steps, steps(), self.texts, lambda: 1, [].append, self]
        return [repr(value) for value in values] + [f"{Thing(2)}", str(Thing(2)), "%r" % Thing(3)]

    @gl.public.view
    def order(self) -> list[int]:
        things = [thing.number for thing in {Thing(number) for number in range(40)}]
        errors = [error.args[0] for error in {ValueError(number) for number in range(40)}]
        return things + errors + [hash(object()), hash(Thing(1)), object.__hash__(Thing(1))]
"#;

/// Texts of objects of modules.
const OF_MODULES: &str = r#"
from genlayer import *
import contextvars, hashlib, hmac, weakref

class Thing:
    pass

class OfModules(gl.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def go(self) -> list[str]:
        thing = Thing()
        made = hmac.new(b"k", b"m", "sha256")
        values = [weakref.ref(thing), weakref.WeakMethod(self.go), contextvars.ContextVar("a", default=1),
                  hashlib.sha256(), hashlib.shake_128(), hashlib.blake2b(), hashlib.md5(), made,
                  getattr(made, "_hmac", None), thing, contextvars.copy_context()]
        return [repr(value) for value in values]
"#;

/// The same, with `id`, whose callers have a process of their own.
const IDS: &str = r"
from genlayer import *

class Ids(gl.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def go(self) -> list[int]:
        one, other = object(), object()
        return [id(one), id(other), id(one), id(Ids), id(id(one))]
";

fn without_cost(execution: Execution) -> Execution {
    assert!(execution.outcome.is_success(), "{execution:?}");
    assert!(execution.cost.cpu_micros > 0);
    Execution { cost: Cost::default(), ..execution }
}

#[tokio::test]
async fn every_run_on_every_worker_is_the_same() {
    let (one, many) = (executor(), PythonExecutor::start(settings(3), Services::none()).unwrap());
    let first = without_cost(one.execute(request(PROBE, Some("go"), vec![])).await.unwrap());
    let again = (0..6).flat_map(|_| [&one, &many]);
    let again = again.map(|executor| executor.execute(request(PROBE, Some("go"), vec![])));
    for execution in futures_util::future::join_all(again).await {
        assert_eq!(without_cost(execution.unwrap()), first);
    }
    let value = format!("{:?}", returned(&first));
    assert!(value.contains("2023-11-14T22:13:20.123456+00:00"), "{value}");
    assert!(value.contains("2023-11-14T22:13:20.123456Z"), "{value}");
    assert!(value.contains("2023-11-14 22:13"), "{value}");
}

#[tokio::test]
async fn objects_do_not_tell_where_they_lie() {
    let (one, many) = (executor(), PythonExecutor::start(settings(3), Services::none()).unwrap());
    let sources = [(OBJECTS, "texts"), (OBJECTS, "order"), (OF_MODULES, "go"), (IDS, "go")];
    for (source, method) in sources {
        let first = without_cost(one.execute(request(source, Some(method), vec![])).await.unwrap());
        let text = format!("{:?}", returned(&first));
        assert!(!text.contains("0x7f") && !text.contains("0x5"), "an address: {text}");
        for executor in [&one, &many, &one, &many, &many] {
            // Other objects come and go in between.
            executor.execute(request(PROBE, Some("go"), vec![])).await.unwrap();
            let again = executor.execute(request(source, Some(method), vec![])).await.unwrap();
            assert_eq!(without_cost(again), first, "{method}");
        }
    }
}

#[tokio::test]
async fn another_seed_is_another_chance() {
    let executor = executor();
    let mut other = request(PROBE, Some("go"), vec![]);
    other.seed = Digest::new([8; 32]);
    let first = executor.execute(request(PROBE, Some("go"), vec![])).await.unwrap();
    let second = executor.execute(other).await.unwrap();
    assert_ne!(returned(&first), returned(&second));
}

#[tokio::test]
async fn pages_that_were_not_sent_along_are_fetched_and_change_nothing() {
    let executor = executor();
    let mut contract = Contract::deploy(&executor, PROBE, vec![]).await;
    contract.call("go", vec![]).await;
    let complete = contract.request(Some("go"), vec![]);
    let remote = Arc::new(Remote { pages: contract.state.clone(), ..Remote::default() });
    let mut partial = complete.clone();
    partial.snapshot = Snapshot { pages: Arc::default(), complete: false };
    let pages: Arc<dyn PageSource> = remote.clone();
    partial.pages = pages;
    let expected = without_cost(executor.execute(complete).await.unwrap());
    assert_eq!(without_cost(executor.execute(partial).await.unwrap()), expected);
    let asked = remote.asked.lock().unwrap().clone();
    assert!(contract.state.keys().any(|key| asked.contains(key)));
    let once: std::collections::BTreeSet<_> = asked.iter().collect();
    assert_eq!(once.len(), asked.len(), "no page is asked for twice");
}

#[tokio::test]
async fn what_a_method_asked_for_once_is_sent_along_the_next_time() {
    let executor = executor();
    let mut contract = Contract::deploy(&executor, PROBE, vec![]).await;
    contract.call("go", vec![]).await;
    let mut times_asked = Vec::new();
    for _ in 0..3 {
        let remote = Arc::new(Remote { pages: contract.state.clone(), ..Remote::default() });
        let mut partial = contract.request(Some("go"), vec![]);
        partial.snapshot = Snapshot { pages: Arc::default(), complete: false };
        let pages: Arc<dyn PageSource> = remote.clone();
        partial.pages = pages;
        let execution = executor.execute(partial).await.unwrap();
        assert!(!execution.state.is_empty());
        times_asked.push(*remote.times.lock().unwrap());
    }
    assert!(times_asked[0] > 1, "{times_asked:?}");
    assert_eq!(times_asked[1..], [1, 1], "everything at once, before it begins");
}

#[tokio::test]
async fn a_thousand_runs_in_changing_processes_are_the_same() {
    let executor = PythonExecutor::start(settings(2), Services::none()).unwrap();
    // Between them work that leaves workers unusable, so that new ones take over.
    let spoils = "from genlayer import *\nimport json\njson.leak = 1\n\n\
                  class Spoils(gl.Contract):\n    def __init__(self):\n        pass\n";
    let first = without_cost(executor.execute(request(PROBE, Some("go"), vec![])).await.unwrap());
    for round in 0..20 {
        let runs = (0..50).map(|_| executor.execute(request(PROBE, Some("go"), vec![])));
        for execution in futures_util::future::join_all(runs).await {
            assert_eq!(without_cost(execution.unwrap()), first, "round {round}");
        }
        let ended = executor.execute(request(spoils, None, vec![])).await.unwrap();
        assert!(ended.outcome.is_success(), "{ended:?}");
    }
}

#[test]
fn executions_can_be_asked_for_from_any_thread_and_runtime() {
    let executor = executor();
    let threads = (0..3).map(|_| {
        let executor = executor.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(executor.execute(request(PROBE, Some("go"), vec![]))).unwrap()
        })
    });
    let threads: Vec<_> = threads.collect();
    for thread in threads {
        without_cost(thread.join().unwrap());
    }
}

/// A contract that changes what numpy and the vectors of texts are, as far as it can.
const CHANGES: &str = r#"
from genlayer import *
import numpy as np
import genlayer_embeddings as gle

class Changes(gl.Contract):
    def __init__(self):
        pass

    @gl.public.write
    def go(self) -> str:
        found = f"{np.pi} {np.float32.dtype.name} {np.sum([1, 2])} {gle.MODEL} {np.float32(1) + 1}"
        np.pi = 3
        np.float32.dtype.name = "other"
        np.float32.dtype.itemsize = 8
        np.sum = gle.MODEL
        gle.MODEL = "other"
        return found
"#;

#[tokio::test]
async fn what_an_execution_makes_of_numpy_no_other_one_finds() {
    let executor = PythonExecutor::start(settings(1), Services::none()).unwrap();
    for _ in 0..3 {
        let execution = executor.execute(request(CHANGES, Some("go"), vec![])).await.unwrap();
        let expected = "3.141592653589793 float32 3 all-MiniLM-L6-v2 2.0";
        assert_eq!(returned(&execution), text(expected));
    }
}

/// Keeps in the library what an execution brought, or asks what others left there and what the machine
/// does: each call would see more than its own.
const TRACES: &str = r#"from genlayer import *
import dataclasses
import hashlib
import random
import typing
import urllib.parse


class Traces(gl.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def sets(self, word: str) -> str:
        hashlib.algorithms_guaranteed.add(word)
        return str(len(hashlib.algorithms_guaranteed))

    @gl.public.view
    def modules(self, word: str) -> str:
        return str(dataclasses.sys.getrefcount(hashlib))

    @gl.public.view
    def caches(self, word: str) -> str:
        urllib.parse.urlsplit("http://a/b")
        return str(urllib.parse.urlsplit.cache_info())

    @gl.public.view
    def kinds(self, word: str) -> str:
        return str(typing.Literal[-0.0 if word == "a" else 0.0])
"#;

/// Asks for chance and time by ways that lead to the machine's.
const ENTROPY: &str = r#"from genlayer import *
import random
import sys


class Entropy(gl.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def go(self) -> str:
        own = random.Random()
        first = own.random()
        super(random.Random, own).seed()
        times = [name for name in ("get_stats", "get_count", "callbacks") if hasattr(sys.modules["gc"], name)]
        return f"{first} {own.random()} {random._random.Random().random()} {times}"
"#;

#[tokio::test]
async fn what_an_execution_leaves_in_the_library_no_other_one_finds() {
    for method in ["sets", "modules", "caches", "kinds"] {
        // A contract's methods are tame together or not at all.
        let mut source = String::new();
        for part in TRACES.split("    @gl.public.view\n") {
            if !part.contains("(self, word") || part.contains(&format!("def {method}(")) {
                source += if part.contains("(self, word") { "    @gl.public.view\n" } else { "" };
                source += part;
            }
        }
        let executor = PythonExecutor::start(settings(1), Services::none()).unwrap();
        let mut seen = Vec::new();
        for word in ["a", "b", "a"] {
            let request = request(&source, Some(method), vec![text(word)]);
            seen.push(returned(&executor.execute(request).await.unwrap()));
        }
        assert_eq!(seen.first(), seen.last(), "{method}");
    }
}

#[tokio::test]
async fn chance_and_time_are_not_the_machines_whoever_asks() {
    let mut seen = Vec::new();
    for _ in 0..2 {
        let executor = PythonExecutor::start(settings(1), Services::none()).unwrap();
        let execution = executor.execute(request(ENTROPY, Some("go"), vec![])).await.unwrap();
        seen.push(returned(&execution));
    }
    assert_eq!(seen.first(), seen.last());
    assert!(format!("{:?}", seen.first()).contains(" []"), "{seen:?}");
}
