//! `agora contract lint`: what is wrong with contracts, with the lines that are meant.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value as Json, json};

use super::executor;
use crate::cli::{CliError, EXIT_FAILURE, EXIT_OK, EXIT_UNREADABLE, say, say_aside};
use crate::domain::{Bytes, Code, Finding, LintReport, Severity};
use crate::execution::lint::{lint, lint_and_load};
use crate::execution::nondeterminism::Services;
use crate::execution::python::PythonExecutor;

/// Most characters of a line that are shown.
const SHOWN_CHARS: usize = 200;

/// Check contract files: imports, storage types, methods, equivalence principles.
///
/// Each file is read by the rules first and then loaded in the sandbox, which finds what only
/// Python can tell. Ends with 0 when there is no error, with 1 when there is one, and with 2 when a
/// file cannot be read.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    agora contract lint token.py              look at one file\n  \
    agora contract lint contracts/*.py        look at many\n  \
    agora contract lint --strict token.py     let warnings fail too, as a CI job does\n  \
    agora contract lint --static token.py     only read it, do not load it\n  \
    agora contract lint --json token.py       for programs: what sim_lintContract answers\n\n\
    Codes: W001 import, W002 call that differs from node to node, W004 exception without a \
    message,\n  W010 and W011 header, W020 view without a result type, E001 not Python, E010 model \
    or web\n  outside an equivalence principle, E011 to E013 class and names, E014 to E018 storage, \
    E019\n  special methods, E021 and E022 parameters, E101 cannot be loaded, E102 cannot be \
    described.")]
pub(in crate::cli) struct LintArguments {
    /// The Python files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print one JSON object in place of text.
    #[arg(long)]
    json: bool,
    /// Fail on warnings too.
    #[arg(long)]
    strict: bool,
    /// Apply the rules only; do not load the files.
    #[arg(long = "static")]
    is_static: bool,
}

pub(super) fn run(arguments: &LintArguments) -> Result<u8, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let executor = if arguments.is_static { None } else { Some(executor(Services::none())?) };
    let (mut total, mut results, mut is_unreadable) = (LintReport::default(), Vec::new(), false);
    for file in &arguments.files {
        let source = match std::fs::read(file) {
            Ok(source) => source,
            Err(error) => {
                say_aside(format_args!("error: cannot read `{}`: {error}", file.display()));
                is_unreadable = true;
                continue;
            }
        };
        let report = match &executor {
            None => lint(&source),
            Some(executor) => runtime.block_on(load(executor, &source))?,
        };
        for finding in &report.findings {
            if arguments.json {
                results.push(with_file(finding, file)?);
            } else {
                say(shown(finding, file, &source));
            }
        }
        total.findings.extend(report.findings);
    }
    if arguments.json {
        let summary = serde_json::to_value(&total)?.get("summary").cloned();
        say(serde_json::to_string_pretty(&json!({ "results": results, "summary": summary }))?);
    } else {
        say(summary(&total, arguments.files.len()));
    }
    let (errors, warnings) = (total.count(Severity::Error), total.count(Severity::Warning));
    Ok(if is_unreadable {
        EXIT_UNREADABLE
    } else if errors > 0 || (arguments.strict && warnings > 0) {
        EXIT_FAILURE
    } else {
        EXIT_OK
    })
}

async fn load(executor: &PythonExecutor, source: &[u8]) -> Result<LintReport, CliError> {
    let code = Code::new(Bytes::copy_from_slice(source));
    Ok(lint_and_load(executor, code).await?)
}

fn with_file(finding: &Finding, file: &Path) -> Result<Json, CliError> {
    let mut json = serde_json::to_value(finding)?;
    if let Some(fields) = json.as_object_mut() {
        fields.insert("filename".to_owned(), file.display().to_string().into());
    }
    Ok(json)
}

fn summary(total: &LintReport, files: usize) -> String {
    let some =
        |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    format!(
        "{} and {} in {}",
        some(total.count(Severity::Error), "error"),
        some(total.count(Severity::Warning), "warning"),
        some(files, "file")
    )
}

/// A finding with its line and a mark below the place.
fn shown(finding: &Finding, file: &Path, source: &[u8]) -> String {
    let Finding { code, severity, message, line, column, suggestion } = finding;
    let mut text = format!("{severity}[{code}]: {message}\n");
    let _infallible = writeln!(text, "  --> {}:{line}:{column}", file.display());
    let source = String::from_utf8_lossy(source);
    if let Some(content) = source.lines().nth(line - 1).filter(|content| !content.is_empty()) {
        let is_word = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '.');
        let width = content.chars().skip(column - 1).take_while(is_word).count().max(1);
        let (content, gap, width) = around(content, column - 1, width);
        let margin = " ".repeat(line.to_string().len());
        let (gap, marks) = (" ".repeat(gap), "^".repeat(width));
        let _infallible = write!(text, "{margin} |\n{line} | {content}\n{margin} | {gap}{marks}\n");
    }
    if let Some(suggestion) = suggestion {
        let _infallible = writeln!(text, "  help: {suggestion}");
    }
    text
}

/// What is shown of a line: what lies around a place in it, and where that is in what is shown.
fn around(line: &str, place: usize, width: usize) -> (String, usize, usize) {
    let length = line.chars().count();
    let width = width.min(SHOWN_CHARS / 2);
    let last = length.saturating_sub(SHOWN_CHARS);
    let start = place.saturating_sub((SHOWN_CHARS - width) / 2).min(last);
    let mut shown: String = line.chars().skip(start).take(SHOWN_CHARS).map(visible).collect();
    let mut gap = place - start;
    if start > 0 {
        shown.insert(0, '…');
        gap += 1;
    }
    if start + SHOWN_CHARS < length {
        shown.push('…');
    }
    (shown, gap, width)
}

/// Control characters would act on the terminal.
fn visible(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_around_the_place() {
        assert_eq!(around("a = b", 4, 1), ("a = b".into(), 4, 1));
        let line = format!("{}here{}", "x".repeat(500), "y".repeat(500));
        for (place, marked) in [(500, "here"), (0, "xxxx"), (1000, "yyyy")] {
            let (shown, gap, width) = around(&line, place, 4);
            let under: String = shown.chars().skip(gap).take(width).collect();
            assert_eq!(under, marked);
            assert_eq!(shown.starts_with('…'), place > 0);
            assert_eq!(shown.ends_with('…'), place < 1000);
            assert!((SHOWN_CHARS..=SHOWN_CHARS + 2).contains(&shown.chars().count()));
        }
        let (shown, gap, width) = around(&line, 0, 1004);
        assert!(gap + width <= shown.chars().count());
        assert_eq!(around("ab", 2, 1), ("ab".into(), 2, 1));
    }
}
