//! Contracts that want to do harm: each ends in its exact outcome, and the executor goes on.

use std::time::Duration;

use agora::domain::{Execution, ExecutionOutcome};
use agora::execution::nondeterminism::Services;
use agora::execution::python::{PythonExecutor, PythonSettings};
use agora::execution::{ExecutionError, Executor};

use crate::harness::*;

/// A contract whose method `go` has this body.
fn contract(imports: &str, body: &str) -> String {
    let body = body.replace('\n', "\n        ");
    format!(
        "from genlayer import *\n{imports}\n\nclass Hostile(gl.Contract):\n    n: u256\n\n    \
         def __init__(self):\n        pass\n\n    @gl.public.write\n    def go(self):\n        {body}\n"
    )
}

/// The executor still works, and nothing of the contract before is left.
async fn still_works(executor: &PythonExecutor) {
    let probe = contract(
        "import json\nimport random",
        "return [json.dumps({'a': [1]}), random.random() < 2, hasattr(json, 'leak'), self.n]",
    );
    let execution = executor.execute(request(&probe, Some("go"), vec![])).await.unwrap();
    let expected = [
        text("{\"a\": [1]}"),
        agora::domain::calldata::Value::Bool(true),
        agora::domain::calldata::Value::Bool(false),
        int(0),
    ];
    assert_eq!(returned(&execution), agora::domain::calldata::Value::Array(expected.into()));
}

async fn run(imports: &str, body: &str) -> Result<Execution, ExecutionError> {
    let executor = executor();
    let mut request = request(&contract(imports, body), Some("go"), vec![]);
    request.time_limit = Duration::from_secs(15);
    let ended = executor.execute(request).await;
    still_works(&executor).await;
    ended
}

/// Ends as the machine error `code`, with `words` in the traceback, and without effect.
async fn check(imports: &str, body: &str, code: &str, words: &str) {
    let execution = run(imports, body).await.unwrap();
    let stderr = &execution.stderr;
    assert_eq!(execution.outcome, ExecutionOutcome::VmError(code.into()), "{imports} {stderr}");
    assert!(stderr.contains(words), "{stderr}");
    assert!(execution.state.is_empty());
}

async fn check_timeout(body: &str) {
    let executor = executor();
    still_works(&executor).await;
    let mut request = request(&contract("import re", body), Some("go"), vec![]);
    request.time_limit = Duration::from_millis(700);
    let started = tokio::time::Instant::now();
    let ended = executor.execute(request).await;
    assert_eq!(ended, Err(ExecutionError::TimedOut { limit_ms: 700 }));
    assert!(started.elapsed() < Duration::from_secs(5));
    still_works(&executor).await;
}

#[tokio::test]
async fn an_endless_loop_is_killed() {
    check_timeout("while True:\n    try:\n        pass\n    except BaseException:\n        pass")
        .await;
}

#[tokio::test]
async fn a_regular_expression_without_end_is_killed() {
    check_timeout("return re.match('(a+)+$', 'a' * 64 + 'b') is None").await;
}

#[tokio::test]
async fn arithmetic_without_end_is_killed() {
    check_timeout("return str(7 ** (10 ** 8))").await;
}

#[tokio::test]
async fn a_memory_bomb_runs_out_of_memory() {
    let body = "held = []\nwhile True:\n    held.append(bytearray(1000000))";
    check("", body, "OOM", "memory").await;
}

#[tokio::test]
async fn a_list_that_doubles_runs_out_of_memory() {
    check("", "held = [1]\nwhile True:\n    held = held + held", "OOM", "memory").await;
}

#[tokio::test]
async fn deep_recursion_is_an_error() {
    let body = "def dive(n):\n    return dive(n + 1)\nreturn dive(0)";
    check("", body, "exit_code 1", "RecursionError").await;
}

#[tokio::test]
async fn modules_of_the_host_are_not_there() {
    for module in
        ["tempfile", "socket", "subprocess", "threading", "ctypes", "posix", "signal", "gc"]
    {
        let words = format!("ModuleNotFoundError: No module named '{module}': contracts run");
        check(&format!("import {module}"), "pass", "exit_code 1", &words).await;
    }
}

#[tokio::test]
async fn what_needs_a_host_is_refused_where_it_is_used() {
    let words = "contracts run without files, network, processes and threads";
    for (imports, body) in [
        ("import os", "os.listdir('/')"),
        ("import os", "os.system('true')"),
        ("import os", "os.fork()"),
        ("import os", "os.remove('a')"),
        ("from os import *", "popen('true')"),
        ("import os.path", "os.path.getsize('/etc/passwd')"),
        ("from pathlib import Path", "Path('/etc/passwd').read_text()"),
        ("from pathlib import Path", "Path('a').write_text('b')"),
        ("from pathlib import Path", "list(Path('/').iterdir())"),
        ("import urllib.request", "urllib.request.urlopen('http://localhost')"),
        ("from urllib.request import Request", "Request('http://localhost')"),
    ] {
        check(imports, body, "exit_code 1", words).await;
    }
    check("import zoneinfo", "zoneinfo.ZoneInfo('Europe/Paris')", "exit_code 1", "NotFound").await;
}

#[tokio::test]
async fn files_cannot_be_opened() {
    check("", "open('/etc/passwd').read()", "exit_code 1", "contracts run without files").await;
    check("import io", "io.open('/etc/passwd')", "exit_code 1", "Error").await;
    check("import io", "io.FileIO('/etc/passwd')", "exit_code 1", "Error").await;
}

#[tokio::test]
async fn stubs_found_in_other_modules_do_nothing() {
    let body = "return sys.modules['os'].open('/etc/passwd', 0)";
    check("import sys", body, "exit_code 1", "PermissionError").await;
    let body = "return sys.modules['_thread'].start_new_thread(print, ())";
    check("import sys", body, "exit_code 1", "PermissionError").await;
}

#[tokio::test]
async fn a_walk_over_all_classes_finds_no_way_out() {
    let body = "found = [c for c in object.__subclasses__() if 'Popen' in c.__name__]\n\
                return found[0](['/bin/true'])";
    check("", body, "exit_code 1", "IndexError").await;
}

#[tokio::test]
async fn leaving_the_interpreter_is_an_exit_code() {
    check("import sys", "sys.exit(3)", "exit_code 3", "SystemExit").await;
    check("", "raise SystemExit", "exit_code 0", "SystemExit").await;
    check("", "raise KeyboardInterrupt", "exit_code 1", "KeyboardInterrupt").await;
}

#[tokio::test]
async fn huge_prints_are_cut() {
    let body = "for _ in range(20000):\n    print('ä' * 99)\nreturn 1";
    let execution = run("", body).await.unwrap();
    assert_eq!(returned(&execution), int(1));
    assert!(execution.stdout.len() <= (64 << 10) + 32, "{}", execution.stdout.len());
    assert!(execution.stdout.ends_with("[truncated]\n"));
}

#[tokio::test]
async fn huge_results_and_errors_are_refused() {
    check("", "return 'x' * 2000000", "exit_code 1", "returned value has 2000").await;
    check("", "raise gl.vm.UserError('x' * 2000000)", "exit_code 1", "error text has").await;
    check("", "return 10 ** 5000", "exit_code 1", "integer of calldata is too large").await;
}

#[tokio::test]
async fn an_error_whose_text_fails_is_still_an_error() {
    let body = "class Odd(Exception):\n    def __str__(self):\n        raise self\nraise Odd()";
    check("", body, "exit_code 1", "Odd").await;
}

#[tokio::test]
async fn patches_do_not_outlive_the_contract() {
    let leaks = [
        "json.dumps = lambda value: 'patched'",
        "json.leak = 1",
        "json.encoder.JSONEncoder.encode = lambda self, value: 'patched'",
        "json._default_encoder.leak = 1\njson._default_encoder.encode = lambda value: 'patched'",
        "json.dumps.__code__ = (lambda value, **k: 'patched').__code__",
        "setattr(json.dumps, '__co' + 'de__', getattr(lambda v, **k: 'patched', '__co' + 'de__'))",
        "setattr(json.dumps, '__kwde' + 'faults__', {'indent': 4})",
        "getattr(json.dumps, '__kwde' + 'faults__')['indent'] = 4",
        "import random\nrandom.random = lambda: 3",
        "gl.Contract.n = 5",
        "TreeMap.get = 1",
        "__builtins__['__import__'] = None",
        "import sys\nsys.stdout = None",
        "import sys\nsys.modules['json'] = None",
        "import sys\nsys.setrecursionlimit(10)",
        "import decimal\ndecimal.getcontext().prec = 1",
    ];
    let executor = executor();
    for leak in leaks {
        let source = contract("import json", &format!("{leak}\nreturn 'done'"));
        let execution = executor.execute(request(&source, Some("go"), vec![])).await.unwrap();
        assert_eq!(returned(&execution), text("done"), "{leak}");
        still_works(&executor).await;
    }
}

#[tokio::test]
async fn a_worker_that_crashes_is_replaced() {
    // The parser gives up on this nesting in its own way; whichever it is, it is a result.
    let executor = executor();
    let source = format!("x = {}", "(".repeat(400_000));
    let execution = executor.execute(request(&source, Some("go"), vec![])).await.unwrap();
    assert!(matches!(execution.outcome, ExecutionOutcome::VmError(_)), "{execution:?}");
    still_works(&executor).await;
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_told_in_words() {
    for program in ["/no/such/program", "/bin/true"] {
        let settings = PythonSettings::new(program.into());
        let executor = PythonExecutor::start(settings, Services::none()).unwrap();
        let ended = executor.execute(request("", None, vec![])).await;
        let Err(ExecutionError::Infrastructure(reason)) = ended else { panic!("{ended:?}") };
        assert!(reason.contains(program), "{reason}");
    }
}

#[tokio::test]
async fn executions_queue_when_all_workers_are_busy() {
    let executor = executor();
    let source = contract("", "return 1");
    let requests = (0..20).map(|_| executor.execute(request(&source, Some("go"), vec![])));
    for ended in futures_util::future::join_all(requests).await {
        assert_eq!(returned(&ended.unwrap()), int(1));
    }
}
