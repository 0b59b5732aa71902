//! The linter: what is wrong with a contract's source, found without running it.
//!
//! The rules carry the codes that users of GenLayer know (`reference/studio.md` section 6.4):
//! `W…` are warnings, `E…` errors. Each concern has a file. [`lint_and_load`] adds what only the
//! interpreter can tell.

mod depth;
mod header;
mod names;
mod nondet;
mod safety;
mod storage;
mod structure;

use std::future::Future;

use rustpython_ruff_python_parser::parse_module;
use rustpython_ruff_source_file::LineIndex;
use rustpython_ruff_text_size::TextSize;

use super::package::{self, Package};
use super::{ExecutionError, Executor};
use crate::domain::{Code, Finding, LintReport, Severity};
use names::Names;

/// Stack of the thread that walks a source: several times what [`depth::DEPTH_MAX`] levels take.
const STACK_BYTES: usize = 256 << 20;

/// Applies every rule to a source, which can be anything.
///
/// The work is done on a thread of its own, whose stack holds the deepest source that is read.
pub fn lint(source: &[u8]) -> LintReport {
    if package::is_archive(source) {
        return match Package::read(source) {
            Ok(package) => lint_package(&package),
            Err(words) => only(at_line("E001", &words, 1)),
        };
    }
    let Ok(text) = std::str::from_utf8(source) else {
        let valid = String::from_utf8_lossy(source);
        let before = valid.find(char::REPLACEMENT_CHARACTER).unwrap_or_default();
        let line = valid.get(..before).unwrap_or_default().matches('\n').count() + 1;
        return only(at_line("E001", "the source is not UTF-8", line));
    };
    // The parser removes no byte order mark, and Python ignores one.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    on_deep_stack(|| rules(text, true))
}

/// Applies every rule to each module; findings outside the main one name the file.
fn lint_package(package: &Package) -> LintReport {
    let mut report = LintReport::default();
    header::check_package(&package.runner, &mut report);
    for (name, module) in &package.modules {
        let found = on_deep_stack(|| rules(&module.source, false));
        for mut finding in found.findings {
            if name != package::MAIN {
                finding.message = format!("`{}`: {}", module.file, finding.message);
            }
            report.add(finding);
        }
    }
    report
}

fn on_deep_stack(walk: impl FnOnce() -> LintReport + Send) -> LintReport {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("lint".into()).stack_size(STACK_BYTES);
        let report = thread.spawn_scoped(scope, walk).ok().and_then(|walk| walk.join().ok());
        report.unwrap_or_else(|| only(at_line("E001", "the source cannot be read", 1)))
    })
}

/// May this source be nested too deep to be read?
pub(crate) fn is_too_deep(text: &str) -> bool {
    depth::too_deep(text).is_some()
}

/// The rules for one file; the modules of a package have no header.
fn rules(text: &str, has_header: bool) -> LintReport {
    let index = LineIndex::from_source_text(text);
    let mut findings = Findings { text, index: &index, report: LintReport::default() };
    if let Some(line) = depth::too_deep(text) {
        let message = format!("the source may be nested deeper than {} levels", depth::DEPTH_MAX);
        return only(at_line("E001", &message, line));
    }
    let parsed = match parse_module(text) {
        Ok(parsed) => parsed,
        Err(error) => {
            header::check(text, has_header, &mut findings);
            let message = format!("this is not Python: {}", error.error);
            findings.add("E001", error.location.start(), message, None);
            return findings.report;
        }
    };
    let body = &parsed.syntax().body;
    let names = Names::of(body);
    header::check(text, has_header && !names.is_oldest_generation(), &mut findings);
    safety::check(body, &names, &mut findings);
    structure::check(body, &names, &mut findings);
    nondet::check(body, &names, &mut findings);
    findings.report
}

/// Applies every rule, and where they let the source pass as Python, asks the executor to load it:
/// `E101` says that it cannot be loaded, `E102` that it cannot be described.
pub async fn lint_and_load(
    executor: &dyn Executor,
    code: Code,
) -> Result<LintReport, ExecutionError> {
    executor.lint(code).await
}

/// [`lint_and_load`] with a schema that is asked for already.
pub(super) async fn with_schema<S>(code: Code, schema: S) -> Result<LintReport, ExecutionError>
where
    S: Future<Output = Result<Result<serde_json::Value, String>, ExecutionError>>,
{
    let source = code.source.clone();
    let walked = tokio::task::spawn_blocking(move || lint(&source)).await;
    let mut report =
        walked.map_err(|error| ExecutionError::Infrastructure(format!("the linter: {error}")))?;
    if report.findings.iter().any(|finding| finding.code == "E001") {
        return Ok(report);
    }
    match schema.await {
        Ok(Ok(_)) => {}
        Ok(Err(traceback)) => report.add(of_traceback(&traceback)),
        Err(ExecutionError::TimedOut { limit_ms }) => {
            let message = format!("loading the contract took longer than {limit_ms} ms");
            report.add(at_line("E101", &message, 1));
        }
        Err(error) => return Err(error),
    }
    Ok(report)
}

/// The finding that a traceback of the executor amounts to.
fn of_traceback(traceback: &str) -> Finding {
    let places: Vec<(usize, &str)> = traceback
        .lines()
        .filter_map(|line| line.trim().strip_prefix("File \"")?.split_once("\", line "))
        .filter(|(file, _)| file.rsplit_once('.').is_some_and(|(_, kind)| kind == "py"))
        .filter_map(|(_, rest)| {
            let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
            Some((digits.parse().ok()?, rest))
        })
        .collect();
    let line = places.last().map_or(1, |(line, _)| *line);
    let is_load =
        places.iter().any(|(_, rest)| !rest.contains(" in ") || rest.contains("<module>"));
    let message = traceback.lines().rev().find(|line| !line.trim().is_empty());
    let message = message.unwrap_or("the contract cannot be loaded").trim();
    at_line(if is_load { "E101" } else { "E102" }, message, line)
}

fn at_line(code: &'static str, message: &str, line: usize) -> Finding {
    let message = message.to_owned();
    Finding { code, severity: Severity::Error, message, line, column: 1, suggestion: None }
}

fn only(finding: Finding) -> LintReport {
    LintReport { findings: vec![finding] }
}

/// Findings of one source on their way into the report.
struct Findings<'a> {
    text: &'a str,
    index: &'a LineIndex,
    report: LintReport,
}

impl Findings<'_> {
    fn add(
        &mut self,
        code: &'static str,
        place: TextSize,
        message: impl Into<String>,
        suggestion: Option<&str>,
    ) {
        let place = self.index.line_column(place.min(TextSize::of(self.text)), self.text);
        let severity = if code.starts_with('W') { Severity::Warning } else { Severity::Error };
        self.report.add(Finding {
            code,
            severity,
            message: message.into(),
            line: place.line.get(),
            column: place.column.get(),
            suggestion: suggestion.map(str::to_owned),
        });
    }
}
