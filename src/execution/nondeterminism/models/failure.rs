//! Why one model gave no answer, and what that makes of the question.

use crate::execution::nondeterminism::{NoAnswer, codes};

/// Why one model gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) code: &'static str,
    pub(super) reason: String,
    /// Would asking again help?
    pub(super) passes: bool,
}

impl Failure {
    fn new(code: &'static str, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into(), passes: false }
    }

    /// The provider failed.
    pub(super) fn provider(reason: impl Into<String>) -> Self {
        Self::new(codes::LLM_PROVIDER_ERROR, reason)
    }

    /// The provider cannot be reached just now.
    pub(super) fn connection(reason: impl Into<String>) -> Self {
        Self { passes: true, ..Self::provider(reason) }
    }

    /// The prompt is at fault.
    pub(super) fn prompt(reason: impl Into<String>) -> Self {
        Self::new(codes::LLM_INVALID_PROMPT, reason)
    }

    /// There is no key, or it is wrong.
    pub(super) fn key(reason: impl Into<String>) -> Self {
        Self::new(codes::LLM_INVALID_API_KEY, reason)
    }

    /// The provider took too long.
    pub(super) fn timeout(reason: impl Into<String>) -> Self {
        Self::new(codes::LLM_TIMEOUT, reason)
    }

    /// An error status, with what the provider says of it.
    pub(super) fn status(status: u16, said: &str) -> Self {
        const KEY: [&str; 3] = ["api_key_invalid", "api key not valid", "invalid api key"];
        const PROMPT: [&str; 8] = [
            "context_length",
            "context length",
            "maximum context",
            "too long",
            "content_policy",
            "content_filter",
            "invalid_prompt",
            "could not process image",
        ];
        let lower = said.to_lowercase();
        let reason = format!("status {status}: {}", beginning(said, 300));
        match status {
            401 | 403 => Self::key(reason),
            429 => Self { passes: true, ..Self::new(codes::LLM_RATE_LIMITED, reason) },
            500..=599 => Self::connection(reason),
            400 if KEY.iter().any(|words| lower.contains(words)) => Self::key(reason),
            413 => Self::prompt(reason),
            400 | 422 if PROMPT.iter().any(|words| lower.contains(words)) => Self::prompt(reason),
            _ => Self::provider(reason),
        }
    }

    const fn blames_the_prompt(&self) -> bool {
        matches!(self.code.as_bytes(), b"LLM_INVALID_PROMPT")
    }

    /// What the asker hears when every model has failed, first to last.
    ///
    /// A model that refuses the prompt has at least read it, so its word counts most. Models that
    /// fail in different ways leave no provider.
    pub(super) fn conclude(failures: &[Self]) -> NoAnswer {
        if let Some(refusal) = failures.iter().find(|failure| failure.blames_the_prompt()) {
            return NoAnswer::refused(refusal.code, refusal.reason.clone());
        }
        let reasons: Vec<&str> = failures.iter().map(|failure| failure.reason.as_str()).collect();
        let code = match failures {
            [first, rest @ ..] if rest.iter().all(|other| other.code == first.code) => first.code,
            _ => codes::LLM_NO_PROVIDER,
        };
        NoAnswer::unavailable(code, reasons.join("; then "))
    }
}

/// The first `limit` characters of a text, on one line.
pub(super) fn beginning(text: &str, limit: usize) -> String {
    let mut shown: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = shown.char_indices().nth(limit) {
        shown.truncate(end);
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whose_fault_it_is() {
        for (status, said, code, passes) in [
            (401, "", codes::LLM_INVALID_API_KEY, false),
            (403, "", codes::LLM_INVALID_API_KEY, false),
            (400, "API key not valid. Pass one.", codes::LLM_INVALID_API_KEY, false),
            (400, "context_length_exceeded", codes::LLM_INVALID_PROMPT, false),
            (400, "unknown field", codes::LLM_PROVIDER_ERROR, false),
            (404, "no such model", codes::LLM_PROVIDER_ERROR, false),
            (413, "", codes::LLM_INVALID_PROMPT, false),
            (429, "slow down", codes::LLM_RATE_LIMITED, true),
            (500, "", codes::LLM_PROVIDER_ERROR, true),
            (529, "overloaded", codes::LLM_PROVIDER_ERROR, true),
        ] {
            let failure = Failure::status(status, said);
            assert_eq!((failure.code, failure.passes), (code, passes), "{status} {said}");
        }
    }

    #[test]
    fn a_refusal_counts_more_than_an_outage() {
        let (outage, refusal) = (Failure::timeout("slow"), Failure::prompt("no"));
        let answer = Failure::conclude(&[outage.clone(), refusal]);
        assert_eq!(answer, NoAnswer::refused(codes::LLM_INVALID_PROMPT, "no"));
        let answer = Failure::conclude(&[outage.clone(), Failure::key("bad")]);
        assert_eq!(answer.code(), codes::LLM_NO_PROVIDER);
        assert_eq!(answer.reason(), "slow; then bad");
        assert_eq!(Failure::conclude(&[outage]).code(), codes::LLM_TIMEOUT);
    }
}
