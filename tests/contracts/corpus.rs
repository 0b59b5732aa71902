//! Contracts in the styles of public ones, over all generations of the SDK.
//!
//! Each file of `corpus/` ends with its script: `#> deploy ARGS`, then `#> call METHOD ARGS =>
//! RESULT`, `#> user METHOD ARGS => TEXT` for an error of the contract's own, or `#> fail METHOD
//! ARGS => WORDS` for words of the traceback. Arguments and results are JSON; `"@aa"` is the
//! address of twenty bytes 0xaa.

use agora::domain::ExecutionOutcome;
use agora::domain::calldata::Value;
use agora::execution::python::PythonExecutor;

use crate::harness::*;

fn value_of(json: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => int(number.as_i64().unwrap()),
        Json::String(string) => match string.strip_prefix('@') {
            Some(byte) => Value::Address(account(u8::from_str_radix(byte, 16).unwrap())),
            None => text(string),
        },
        Json::Array(items) => Value::Array(items.iter().map(value_of).collect()),
        Json::Object(entries) => {
            Value::map(entries.iter().map(|(key, item)| (key.as_str(), value_of(item))))
        }
    }
}

fn parsed(json: &str) -> Value {
    value_of(&serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}")))
}

fn arguments(json: &str) -> Vec<Value> {
    match parsed(json) {
        Value::Array(items) => items,
        other => panic!("{other:?}"),
    }
}

async fn follow(executor: &PythonExecutor, file: &str, source: &str) -> usize {
    let mut contract: Option<Contract> = None;
    let mut steps = 0;
    for line in source.lines().filter_map(|line| line.strip_prefix("#> ")) {
        steps += 1;
        if let Some(args) = line.strip_prefix("deploy ") {
            contract = Some(Contract::deploy(executor, source, arguments(args)).await);
            continue;
        }
        let (call, expected) = line.split_once(" => ").unwrap();
        let mut parts = call.splitn(3, ' ');
        let mut part = || parts.next().unwrap();
        let (kind, method, args) = (part(), part(), part());
        let contract = contract.as_mut().unwrap();
        let execution = contract.run(Some(method), arguments(args)).await;
        match (kind, &execution.outcome) {
            ("call", ExecutionOutcome::Return(data)) => {
                assert_eq!(Value::decode(data).unwrap(), parsed(expected), "{file}: {line}");
            }
            ("user", ExecutionOutcome::UserError(error)) => {
                assert_eq!(text(error), parsed(expected), "{file}: {line}");
            }
            ("fail", ExecutionOutcome::VmError(_)) => {
                assert!(execution.stderr.contains(expected), "{file}: {}", execution.stderr);
            }
            (_, outcome) => panic!("{file}: {line}: {outcome:?} {}", execution.stderr),
        }
    }
    steps
}

/// Follows the scripts of all files whose names begin so.
async fn follow_all(prefix: &str, files_min: usize) {
    let executor = executor();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contracts/corpus");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut files = 0;
    for path in paths {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with(prefix) {
            continue;
        }
        files += 1;
        let steps = follow(&executor, &name, &std::fs::read_to_string(&path).unwrap()).await;
        assert!(steps >= 2, "{name} has no script");
    }
    assert!(files >= files_min, "{files} files begin with `{prefix}`");
}

#[tokio::test]
async fn nested_names_of_v0_2_work() {
    follow_all("v02_", 10).await;
}

#[tokio::test]
async fn the_package_of_v0_3_works() {
    follow_all("v03_", 4).await;
}

#[tokio::test]
async fn flat_names_of_v0_1_work() {
    follow_all("v01_", 2).await;
}

#[tokio::test]
async fn decorated_classes_of_v0_0_work() {
    follow_all("v00_", 3).await;
}

#[tokio::test]
async fn contracts_of_2024_work() {
    follow_all("i2024_", 3).await;
}

#[tokio::test]
async fn odd_files_work() {
    follow_all("odd_", 2).await;
}
