//! What public contracts use, feature by feature, as with `CPython` and GenVM's SDK.
//!
//! Each public method of a contract in `features/` takes no arguments, uses one feature or a few of
//! a kind, and fails when one of them does not do what it should. The files of the standard library
//! and of the language hold with `CPython` 3.13, too, and that of arrays with numpy 2.4 but for its last
//! two methods.

use agora::domain::ExecutionOutcome;
use agora::domain::calldata::Value;
use agora::execution::Executor;
use agora::execution::python::PythonExecutor;

use crate::harness::*;

/// The last line of the contract in a traceback, and the error.
fn words(stderr: &str) -> String {
    let place = stderr.lines().rev().find(|line| line.trim_start().starts_with("File \"contract"));
    let line = place.and_then(|place| stderr.lines().skip_while(|line| *line != place).nth(1));
    let error = stderr.lines().rev().find(|line| !line.trim().is_empty());
    [place, line, error].into_iter().flatten().map(str::trim).collect::<Vec<_>>().join(" | ")
}

/// Calls every method of a contract, and tells which do not return.
async fn failures(executor: &PythonExecutor, source: &str) -> Vec<String> {
    let schema = executor.schema(request(source, None, vec![]).code).await.unwrap();
    let schema = match schema {
        Ok(schema) => schema,
        Err(error) => return vec![error],
    };
    let contract = Contract::deploy(executor, source, vec![]).await;
    let mut failures = Vec::new();
    for name in schema.get("methods").unwrap().as_object().unwrap().keys() {
        let execution = executor.execute(contract.request(Some(name), vec![])).await.unwrap();
        if !matches!(execution.outcome, ExecutionOutcome::Return(_)) {
            failures.push(format!("{name}: {}", words(&execution.stderr)));
        }
    }
    failures
}

async fn check(source: &str) {
    let failures = failures(&executor(), source).await;
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[tokio::test]
async fn texts_of_the_standard_library() {
    check(include_str!("features/stdlib_text.py")).await;
}

#[tokio::test]
async fn data_of_the_standard_library() {
    check(include_str!("features/stdlib_data.py")).await;
}

#[tokio::test]
async fn numbers_of_the_standard_library() {
    check(include_str!("features/stdlib_numbers.py")).await;
}

#[tokio::test]
async fn the_language() {
    check(include_str!("features/language.py")).await;
}

#[tokio::test]
async fn storage_of_the_sdk() {
    check(include_str!("features/sdk_storage.py")).await;
}

#[tokio::test]
async fn collections_and_records_where_plain_ones_differ() {
    check(include_str!("features/sdk_collections.py")).await;
}

#[tokio::test]
async fn what_public_contracts_use() {
    check(include_str!("features/in_public.py")).await;
    check(include_str!("features/in_public_v3.py")).await;
}

#[tokio::test]
async fn a_contract_of_2024_names_its_attributes_and_methods_as_it_likes() {
    let executor = executor();
    let mut shop = Contract::deploy(&executor, include_str!("features/in_2024.py"), vec![]).await;
    assert_eq!(shop.call("list_item", vec![Value::from("a")]).await, Value::from(1_u64));
    assert_eq!(shop.call("is_cheap", vec![]).await, Value::Bool(true));
    assert_eq!(shop.call("list_item", vec![Value::from("b")]).await, Value::from(2_u64));
}

#[tokio::test]
async fn names_of_the_sdk() {
    check(include_str!("features/sdk_names.py")).await;
}

#[tokio::test]
async fn images() {
    check(include_str!("features/images.py")).await;
}

#[tokio::test]
async fn arrays_of_numpy() {
    check(include_str!("features/arrays.py")).await;
}

#[tokio::test]
async fn databases_of_vectors() {
    check(include_str!("features/vectors.py")).await;
}

#[tokio::test]
async fn names_of_the_newest_sdk() {
    check(include_str!("features/sdk_newest.py")).await;
}

#[tokio::test]
async fn what_is_printed_and_traced_is_kept() {
    let executor = executor();
    let other = "0x0E0e0e0E0e0E0E0e0E0e0e0E0e0e0e0e0e0e0e0E";
    let printing = format!("a, 1, {other}!\nseen 1\n");
    for (source, method, printed) in [
        (include_str!("features/sdk_names.py"), "printing", printing.as_str()),
        (include_str!("features/sdk_newest.py"), "tracing", "seen, 1\n"),
    ] {
        let contract = Contract::deploy(&executor, source, vec![]).await;
        let execution = executor.execute(contract.request(Some(method), vec![])).await.unwrap();
        assert_eq!(execution.stdout, printed, "{method}");
    }
}
