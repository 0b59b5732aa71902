//! How `agora contract run` shows what a call did.

use std::fmt::Write;

use serde_json::{Value as Json, json};

use crate::cli::CliError;
use crate::domain::calldata::Value;
use crate::domain::{Bytes, Code, EmittedEvent, Execution, ExecutionOutcome, Page, Pages, to_json};

/// Changed bytes of a page that are shown, at most.
const SHOWN_MAX: usize = 32;

/// One call that was run.
pub(super) struct Step<'a> {
    /// The call, as it was typed.
    pub(super) title: &'a str,
    /// What it did.
    pub(super) execution: &'a Execution,
    /// The state before it.
    pub(super) before: &'a Pages,
    /// The code before it.
    pub(super) code_before: &'a Code,
}

/// Calldata for reading; bytes that are none are shown as they are.
fn decoded(bytes: &Bytes) -> Json {
    Value::decode(bytes).map_or_else(|_| json!({ "$calldata": bytes }), |value| to_json(&value))
}

fn event(event: &EmittedEvent) -> Json {
    json!({ "topics": event.topics, "data": decoded(&event.data) })
}

/// A call for programs.
pub(super) fn json_of(step: &Step<'_>) -> Result<Json, CliError> {
    let execution = step.execution;
    let outcome = match &execution.outcome {
        ExecutionOutcome::Return(bytes) => json!({ "return": decoded(bytes) }),
        ExecutionOutcome::UserError(text) => json!({ "user_error": text }),
        ExecutionOutcome::VmError(code) => json!({ "vm_error": code }),
    };
    let state: Vec<Json> = execution
        .state
        .0
        .iter()
        .map(|(key, page)| {
            let before = step.before.get(key).cloned().unwrap_or_default();
            json!({ "slot": key.slot, "index": key.index, "before": before, "after": page })
        })
        .collect();
    Ok(json!({
        "call": step.title,
        "outcome": outcome,
        "stdout": execution.stdout,
        "traceback": execution.stderr,
        "state": state,
        "code": execution.code.as_ref().map(|code| {
            json!({ "before": step.code_before.hash, "after": code.hash, "bytes": code.source.len() })
        }),
        "messages": serde_json::to_value(&execution.messages)?,
        "events": execution.events.iter().map(event).collect::<Vec<_>>(),
        "cost": serde_json::to_value(execution.cost)?,
    }))
}

/// A call for people.
pub(super) fn shown(step: &Step<'_>) -> String {
    let execution = step.execution;
    let mut text = format!("{}\n", step.title);
    let mut line = |words: std::fmt::Arguments<'_>| {
        let _infallible = writeln!(text, "  {words}");
    };
    for printed in execution.stdout.lines() {
        line(format_args!("| {printed}"));
    }
    match &execution.outcome {
        ExecutionOutcome::Return(bytes) => line(format_args!("returns {}", decoded(bytes))),
        ExecutionOutcome::UserError(message) => line(format_args!("user error: {message}")),
        ExecutionOutcome::VmError(code) => line(format_args!("VM error: {code}")),
    }
    if !execution.outcome.is_success() {
        for traced in execution.stderr.lines() {
            line(format_args!("{traced}"));
        }
    }
    for message in &execution.messages {
        let message = serde_json::to_value(message).unwrap_or_default();
        line(format_args!("sends {message}"));
    }
    for emitted in &execution.events {
        line(format_args!("emits {}", event(emitted)));
    }
    for (key, page) in &execution.state.0 {
        let before = step.before.get(key).cloned().unwrap_or_default();
        line(format_args!("slot {} page {}: {}", key.slot.0, key.index, difference(&before, page)));
    }
    if let Some(code) = &execution.code {
        let (before, after) = (step.code_before.source.len(), code.source.len());
        line(format_args!("code: {before} bytes -> {after} bytes, with hash {}", code.hash));
    }
    text.trim_end().to_owned()
}

/// The bytes from the first to the last that differ.
fn difference(before: &Page, after: &Page) -> String {
    let length = before.len().max(after.len());
    let byte = |page: &Page, at: usize| page.get(at).copied().unwrap_or_default();
    let mut differing = (0..length).filter(|at| byte(before, *at) != byte(after, *at));
    let Some(first) = differing.next() else { return "no change".to_owned() };
    let last = differing.next_back().unwrap_or(first);
    let end = last.min(first + SHOWN_MAX - 1);
    let digits = |page: &Page| {
        let bytes: Vec<u8> = (first..=end).map(|at| byte(page, at)).collect();
        format!("0x{}{}", alloy_primitives::hex::encode(bytes), if end < last { "…" } else { "" })
    };
    format!("bytes {first} to {last}: {} -> {}", digits(before), digits(after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Digest;

    #[test]
    fn a_difference_is_shown_from_its_first_byte_to_its_last() {
        let page = |bytes: &[u8]| Page::copy_from_slice(bytes);
        assert_eq!(difference(&page(&[]), &page(&[0, 5])), "bytes 1 to 1: 0x00 -> 0x05");
        assert_eq!(difference(&page(&[1, 2, 3]), &page(&[1])), "bytes 1 to 2: 0x0203 -> 0x0000");
        let long = difference(&page(&[]), &page(&[7; 100]));
        assert!(long.starts_with("bytes 0 to 99: 0x00") && long.ends_with("07…"), "{long}");
    }

    #[test]
    fn events_are_told_to_people_and_to_programs() {
        let (before, pages) = (Code::new(Bytes::new()), Pages::new());
        let fields = [("note".to_owned(), Value::from("hello"))].into_iter().collect();
        let event = EmittedEvent {
            topics: vec![Digest::new([7; 32])],
            data: Value::Map(fields).encode().into(),
        };
        let execution = Execution {
            events: vec![event],
            ..Execution::ending(ExecutionOutcome::Return(Bytes::new()))
        };
        let (title, execution) = ("go()", &execution);
        let step = Step { title, execution, before: &pages, code_before: &before };
        let topic = format!("0x{}", "07".repeat(32));
        let told = shown(&step);
        let expected = format!(r#"emits {{"topics":["{topic}"],"data":{{"note":"hello"}}}}"#);
        assert!(told.contains(&expected), "{told}");
        let told = json_of(&step).unwrap();
        assert_eq!(told["events"], json!([{ "topics": [topic], "data": { "note": "hello" } }]));
    }

    #[test]
    fn code_that_a_call_replaced_is_told_to_people_and_to_programs() {
        let code = |text: &'static str| Code::new(Bytes::from_static(text.as_bytes()));
        let ended = Execution::ending(ExecutionOutcome::Return(Bytes::new()));
        let (before, pages) = (code("old"), Pages::new());
        let step =
            |execution| Step { title: "go()", execution, before: &pages, code_before: &before };
        let execution = Execution { code: Some(code("newer")), ..ended.clone() };
        let told = shown(&step(&execution));
        let expected = format!("code: 3 bytes -> 5 bytes, with hash {}", code("newer").hash);
        assert!(told.ends_with(&expected), "{told}");
        let told = json_of(&step(&execution)).unwrap();
        assert_eq!(told["code"]["after"], code("newer").hash.to_string());
        assert_eq!(json_of(&step(&ended)).unwrap()["code"], Json::Null);
    }
}
