//! Which locks hold, and what becomes of worker processes.

use agora::domain::{Execution, ExecutionOutcome};
use agora::execution::nondeterminism::Services;
use agora::execution::python::{PythonExecutor, PythonSettings, examples};
use agora::execution::{ExecutionError, Executor};

use crate::harness::*;

/// Worker processes of this executor: those whose argument is its memory limit.
pub(crate) fn workers(limit: u64) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter(|id| {
        let line = std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default();
        line.contains(&format!("worker\0{limit}\0"))
    })
    .collect()
}

fn kill(signal: &str, process: u32) {
    let status = std::process::Command::new("kill").args([signal, &process.to_string()]).status();
    assert!(status.unwrap().success());
}

#[tokio::test]
async fn locks_are_reported_and_can_be_required() {
    let settings = PythonSettings { require_sandbox: true, ..settings(1) };
    let executor = PythonExecutor::start(settings, Services::none()).unwrap();
    let ended = executor.execute(request(examples()[0].source, None, vec![])).await;
    let report = executor.sandbox_report();
    assert!(report.known);
    if cfg!(target_os = "linux") {
        assert!(report.seccomp && report.rlimits && report.no_new_privs, "{report:?}");
    }
    match report.missing().as_slice() {
        [] => assert!(ended.unwrap().outcome.is_success()),
        missing => {
            let Err(ExecutionError::Infrastructure(reason)) = ended else { panic!("{ended:?}") };
            assert!(reason.contains(&missing.join(", ")), "{reason}");
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn workers_that_are_killed_are_replaced_and_leave_no_zombies() {
    let limit = 192_000_001;
    let settings = PythonSettings { memory_limit_bytes: limit, ..settings(1) };
    let executor = PythonExecutor::start(settings, Services::none()).unwrap();
    let source = examples()[0].source;
    let deploy = || executor.execute(request(source, None, vec![]));
    assert!(deploy().await.unwrap().outcome.is_success());
    // The worker, and the copy of it that runs jobs and goes with it.
    let idle = workers(limit);
    assert_eq!(idle.len(), 2);
    kill("-ILL", idle[0].min(idle[1]));
    // Ended with all its threads, and waiting to be noticed.
    while idle.iter().any(|process| is_alive(*process)) {
        tokio::task::yield_now().await;
    }
    assert!(deploy().await.unwrap().outcome.is_success());

    // In the middle of a job, it is the contract's fault: nothing else runs in there. But when the
    // system's memory runs out, it ends what it likes.
    for (signal, fault) in [("-ILL", Some("exit_code 132")), ("-KILL", None)] {
        let ended = ended_in_the_middle(&executor, limit, signal).await;
        match fault {
            Some(code) => {
                assert_eq!(ended.unwrap().outcome, ExecutionOutcome::VmError(code.into()));
            }
            None => assert!(matches!(ended, Err(ExecutionError::Infrastructure(_))), "{ended:?}"),
        }
        assert!(deploy().await.unwrap().outcome.is_success());
    }
}

/// What comes of an endless job whose process gets a signal; it is gone then.
#[cfg(target_os = "linux")]
async fn ended_in_the_middle(
    executor: &PythonExecutor,
    limit: u64,
    signal: &str,
) -> Result<Execution, ExecutionError> {
    while workers(limit).iter().any(|process| executor_is_busy(*process)) {
        tokio::task::yield_now().await; // It still cleans up after the job before.
    }
    let before = workers(limit);
    let endless = "while True: pass";
    let running = tokio::spawn(executor.execute(request(endless, None, vec![])));
    // Other code has a process of its own.
    let busy = loop {
        let new = workers(limit).into_iter().find(|process| !before.contains(process));
        if let Some(process) = new.filter(|process| executor_is_busy(*process)) {
            break process;
        }
        tokio::task::yield_now().await;
    };
    kill(signal, busy);
    let ended = running.await.unwrap();
    assert!(!std::path::Path::new(&format!("/proc/{busy}")).exists(), "reaped");
    ended
}

const ORDINARY: &str = r#"
import base64, collections, datetime, decimal, enum, functools, hashlib, json, random, re, typing
from dataclasses import dataclass
from genlayer import *

class Colour(enum.Enum):
    RED = 1

@allow_storage
@dataclass
class Row:
    name: str
    when: str

Pair = collections.namedtuple("Pair", "a b")

class Ordinary(gl.Contract):
    rows: DynArray[Row]
    names: TreeMap[str, u256]

    def __init__(self):
        self.go()

    @gl.public.write
    def go(self) -> typing.Any:
        @functools.lru_cache
        def twice(n):
            return 2 * n

        now = datetime.datetime.strptime("2024-02-29", "%Y-%m-%d")
        self.rows.append(Row("a", now.isoformat()))
        self.names["b"] = self.names.get("b", 0) + 1
        text = json.dumps({"a": [1, 2.5, None]}, sort_keys=True, indent=2)
        return [re.sub(r"\d+", "n", text), str(decimal.Decimal("1.10") / 3), Colour.RED, twice(4),
                hashlib.sha256(b"x").hexdigest(), base64.b64encode(b"x"), Pair(1, 2),
                f"{random.random():.3f}", [row.name for row in self.rows], dict(self.names)]
"#;

#[cfg(target_os = "linux")]
#[tokio::test]
async fn ordinary_contracts_keep_their_process_and_share_it_with_no_other() {
    let limit = 192_000_005;
    let settings = PythonSettings { memory_limit_bytes: limit, ..settings(1) };
    let executor = PythonExecutor::start(settings, Services::none()).unwrap();
    let mut sources: Vec<&str> = examples().iter().map(|example| example.source).collect();
    sources.push(ORDINARY);
    let (mut worker, mut copies) = (None, Vec::new());
    for source in sources {
        let code = request(source, None, vec![]).code;
        assert!(executor.schema(code).await.unwrap().is_ok());
        let mut processes = workers(limit);
        processes.sort_unstable();
        executor.execute(request(source, None, vec![])).await.unwrap();
        executor.execute(request(source, Some("go"), vec![])).await.unwrap();
        let mut after = workers(limit);
        after.sort_unstable();
        assert_eq!(after, processes, "{source}");
        let [first, copy] = *processes else { panic!("a worker and its copy: {processes:?}") };
        assert_eq!(*worker.get_or_insert(first), first, "{source}");
        assert!(!copies.contains(&copy), "a process of another contract's: {source}");
        copies.push(copy);
    }
    let last = executor.execute(request(ORDINARY, Some("go"), vec![])).await.unwrap();
    assert!(last.outcome.is_success(), "{last:?}");
}

/// Does this process still run something?
#[cfg(target_os = "linux")]
fn is_alive(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"));
    let tasks = std::fs::read_dir(format!("/proc/{process}/task"));
    stat.is_ok_and(|stat| !stat.contains(") Z ")) || tasks.is_ok_and(|tasks| tasks.count() > 1)
}

/// Does a thread of this process run?
#[cfg(target_os = "linux")]
fn executor_is_busy(process: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten();
    threads.filter_map(Result::ok).any(|thread| {
        let status = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
        status.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" R"))
    })
}

/// Counts what is there, of whoever made it.
const COUNTING: &str = r"
import sys
from genlayer import *

class Counting(gl.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def go(self) -> list:
        waiting = [object]
        for cls in waiting:
            waiting += [cls for cls in type.__subclasses__(cls) if cls not in waiting]
        return [len(waiting), len(sys.modules), id(waiting)]
";

#[tokio::test]
async fn who_looks_around_finds_no_traces_of_others() {
    let executor = executor();
    let counting = || executor.execute(request(COUNTING, Some("go"), vec![]));
    let first = returned(&counting().await.unwrap());
    for _ in 0..3 {
        executor.execute(request(ORDINARY, Some("go"), vec![])).await.unwrap();
    }
    assert_eq!(returned(&counting().await.unwrap()), first);
}
