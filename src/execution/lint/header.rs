//! The comment on top of a contract: `# { "Depends": "py-genlayer:test" }`.

use rustpython_ruff_text_size::TextSize;
use serde_json::Value as Json;

use super::{Findings, at_line};
use crate::domain::{Finding, LintReport, Severity};

const EXAMPLE: &str = "write `# { \"Depends\": \"py-genlayer:test\" }` as the first line";

/// W010 where a header is missing or cannot be read, W011 where it names no runner of contracts.
pub(super) fn check(text: &str, is_needed: bool, findings: &mut Findings<'_>) {
    let is_version = |comment: &str| {
        let comment = comment.trim();
        comment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let comments: Vec<&str> = text
        .lines()
        .map_while(|line| line.trim_end().strip_prefix('#'))
        .filter(|comment| !is_version(comment))
        .collect();
    let joined = comments.join("\n");
    let place = TextSize::default();
    let Some(json) = joined.find('{').and_then(|start| joined.get(start..)) else {
        if is_needed {
            let is_late =
                text.lines().any(|line| line.starts_with('#') && line.contains("\"Depends\""));
            let message = if is_late {
                "the header with `Depends` is not at the top of the file"
            } else {
                "the file has no header that says which runner it depends on"
            };
            findings.add("W010", place, message, Some(EXAMPLE));
        }
        return;
    };
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<Json>();
    match values.next() {
        Some(Ok(header)) => {
            let mut runners = Vec::new();
            collect(&header, &mut runners);
            if runners.is_empty() {
                findings.add("W010", place, "the header has no `Depends`", Some(EXAMPLE));
            } else if !runners.iter().any(|runner| is_python(runner)) {
                let message = "the header does not depend on `py-genlayer`";
                findings.add("W011", place, message, Some(EXAMPLE));
            }
        }
        Some(Err(error)) if is_needed && json.contains("Depends") => {
            let message = format!("the header is not JSON: {error}");
            findings.add("W010", place, message, Some(EXAMPLE));
        }
        _ if is_needed => {
            let message = "the file has no header that says which runner it depends on";
            findings.add("W010", place, message, Some(EXAMPLE));
        }
        _ => {}
    }
}

/// W011 where `runner.json` of a package names no runner of contracts.
pub(super) fn check_package(runner: &str, report: &mut LintReport) {
    let header = serde_json::from_str::<Json>(runner).unwrap_or_default();
    let mut runners = Vec::new();
    collect(&header, &mut runners);
    if !runners.iter().any(|runner| is_python(runner)) {
        let message = "`runner.json` does not depend on a runner of contracts";
        let severity = Severity::Warning;
        report.add(Finding { severity, ..at_line("W011", message, 1) });
    }
}

/// The runners of a header and of what it puts in sequence.
fn collect<'a>(header: &'a Json, runners: &mut Vec<&'a str>) {
    if let Some(runner) = header.get("Depends").and_then(Json::as_str) {
        runners.push(runner);
    }
    for part in header.get("Seq").and_then(Json::as_array).into_iter().flatten() {
        collect(part, runners);
    }
    let old = header.get("depends").and_then(Json::as_array).into_iter().flatten();
    runners.extend(old.filter_map(Json::as_str));
}

/// Runners that bring Python and the SDK, by their names through the generations.
fn is_python(runner: &str) -> bool {
    ["py-genlayer:", "py-genlayer-multi:", "genlayer-py-std:", "py-genlayer-std:"]
        .iter()
        .any(|name| runner.starts_with(name))
}
