//! What a linter says of a contract's source.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The contract cannot work as it is.
    Error,
    /// The contract may do what its author does not expect.
    Warning,
    /// Worth knowing.
    Info,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        })
    }
}

/// One finding and its place; lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule, such as `E015`.
    #[serde(rename = "rule_id")]
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// What to write instead.
    pub suggestion: Option<String>,
}

/// Everything found in one file, by place.
///
/// Serialised as clients of `sim_lintContract` expect it: `results`, and a `summary` that counts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LintReport {
    /// The findings, by line, column and rule.
    pub findings: Vec<Finding>,
}

impl LintReport {
    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Adds a finding at its place.
    pub fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
        self.findings.sort_by_key(|finding| (finding.line, finding.column, finding.code));
    }
}

#[derive(Serialize)]
struct Summary {
    total: usize,
    by_severity: Counts,
}

#[derive(Serialize)]
struct Counts {
    error: usize,
    warning: usize,
    info: usize,
}

impl Serialize for LintReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let by_severity = Counts {
            error: self.count(Severity::Error),
            warning: self.count(Severity::Warning),
            info: self.count(Severity::Info),
        };
        let mut report = serializer.serialize_struct("LintReport", 2)?;
        report.serialize_field("results", &self.findings)?;
        report.serialize_field("summary", &Summary { total: self.findings.len(), by_severity })?;
        report.end()
    }
}
