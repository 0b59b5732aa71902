//! Linting source before it is deployed.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, no_query};
use crate::api::error::ApiError;
use crate::api::input::{Body, Fields};
use crate::api::server::Api;
use crate::domain::{Bytes, Code, Finding, LintReport, Severity};

/// Bytes of a file's name, at most.
const FILENAME_BYTES_MAX: usize = 255;

/// A source to look at.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "code": "from genlayer import *\nimport random\n" }))]
pub struct LintBody {
    /// The Python source.
    #[schema(min_length = 1)]
    pub code: String,
    /// What the findings call the file; `contract.py` by default.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    pub filename: String,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub struct LintView {
    /// The findings, by place.
    pub results: Vec<FindingView>,
    /// How many there are.
    pub summary: LintSummary,
}

/// One finding and its place.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingView {
    /// The rule.
    #[schema(example = "E015")]
    pub rule_id: &'static str,
    /// What is wrong.
    pub message: String,
    /// `error`, `warning` or `info`.
    #[schema(value_type = String, pattern = "^(error|warning|info)$")]
    pub severity: Severity,
    /// The line, from 1 on.
    pub line: usize,
    /// The column, from 1 on, in characters.
    pub column: usize,
    /// The file.
    pub filename: String,
    /// What to write instead.
    pub suggestion: Option<String>,
}

/// How many findings there are.
#[derive(Debug, Serialize, ToSchema)]
pub struct LintSummary {
    /// All of them.
    pub total: usize,
    /// By severity.
    pub by_severity: SeverityCounts,
}

/// How many findings there are of each severity.
#[derive(Debug, Serialize, ToSchema)]
pub struct SeverityCounts {
    /// Contracts with one of these cannot work.
    pub error: usize,
    /// What may be unexpected.
    pub warning: usize,
    /// What is worth knowing.
    pub info: usize,
}

impl LintBody {
    fn read(mut fields: Fields) -> Result<Self, ApiError> {
        let code = fields.text("code", 1..=usize::MAX)?;
        let body = Self {
            code: code.ok_or_else(|| ApiError::missing("code", "Python source"))?,
            filename: fields
                .text("filename", 1..=FILENAME_BYTES_MAX)?
                .unwrap_or_else(|| "contract.py".to_owned()),
        };
        fields.finish()?;
        Ok(body)
    }
}

impl LintView {
    fn of(report: LintReport, filename: &str) -> Self {
        let by_severity = SeverityCounts {
            error: report.count(Severity::Error),
            warning: report.count(Severity::Warning),
            info: report.count(Severity::Info),
        };
        let summary = LintSummary { total: report.findings.len(), by_severity };
        let view = |finding: Finding| FindingView {
            rule_id: finding.code,
            message: finding.message,
            severity: finding.severity,
            line: finding.line,
            column: finding.column,
            filename: filename.to_owned(),
            suggestion: finding.suggestion,
        };
        Self { results: report.findings.into_iter().map(view).collect(), summary }
    }
}

/// A report as JSON, the same over every protocol.
pub(in crate::api) fn report_json(report: LintReport, filename: &str) -> serde_json::Value {
    serde_json::to_value(LintView::of(report, filename)).unwrap_or_default()
}

/// Look for mistakes in a contract's source.
///
/// The source is read by the rules of the linter and then loaded; nothing is deployed. Findings are
/// an answer and no refusal: the status is 200 whatever is found.
#[utoipa::path(post, path = "/v1/contracts/lint", tag = "contracts", request_body = LintBody,
    responses((status = 200, description = "What was found", body = LintView)))]
pub(super) async fn lint(api: Data<Api>, request: HttpRequest, body: Body) -> Answer {
    no_query(&request)?;
    let body = LintBody::read(body.0)?;
    let code = Code::new(Bytes::from(body.code.into_bytes()));
    let report = api.handles.lint(code).await?;
    Ok(HttpResponse::Ok().json(LintView::of(report, &body.filename)))
}
