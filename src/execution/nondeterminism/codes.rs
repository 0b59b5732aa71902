//! The codes of [`NoAnswer`](super::NoAnswer), as clients know them (`reference/studio.md` 7.1).

/// The provider wants fewer requests.
pub const LLM_RATE_LIMITED: &str = "LLM_RATE_LIMITED";
/// No model is left to ask.
pub const LLM_NO_PROVIDER: &str = "LLM_NO_PROVIDER";
/// The provider failed, or said something that is no answer.
pub const LLM_PROVIDER_ERROR: &str = "LLM_PROVIDER_ERROR";
/// The provider does not accept the key, or there is none.
pub const LLM_INVALID_API_KEY: &str = "LLM_INVALID_API_KEY";
/// The model cannot answer this prompt in the form that is wanted.
pub const LLM_INVALID_PROMPT: &str = "LLM_INVALID_PROMPT";
/// The provider took too long.
pub const LLM_TIMEOUT: &str = "LLM_TIMEOUT";
/// The request could not be made, or got no whole response.
pub const WEB_REQUEST_FAILED: &str = "WEB_REQUEST_FAILED";
/// The address is one that contracts may not reach.
pub const WEB_TLD_FORBIDDEN: &str = "WEB_TLD_FORBIDDEN";

const ALL: [&str; 8] = [
    LLM_RATE_LIMITED,
    LLM_NO_PROVIDER,
    LLM_PROVIDER_ERROR,
    LLM_INVALID_API_KEY,
    LLM_INVALID_PROMPT,
    LLM_TIMEOUT,
    WEB_REQUEST_FAILED,
    WEB_TLD_FORBIDDEN,
];

/// The code that is spelt so, or none.
pub fn known(spelling: &str) -> Option<&'static str> {
    ALL.into_iter().find(|code| *code == spelling)
}
