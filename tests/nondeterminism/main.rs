//! Models and the web against servers on loopback, never against the internet.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unnecessary_wraps,
    reason = "helpers of tests fail as tests do; clippy sees only functions marked as tests"
)]

mod browser;
mod fetch;
mod mocks;
mod models;
mod providers;
mod recording;
mod secrecy;
mod server;
mod shapes;

use agora::domain::{Address, Digest};
use agora::execution::nondeterminism::{AnswerFormat, Asker, Prompt};

/// An address that is not zero.
pub(crate) const NODE: Address = Address::new([7; 20]);

/// Somebody's first question.
pub(crate) fn asker() -> Asker {
    Asker { node: NODE, seed: Digest::new([1; 32]), leads: true, number: 0, models: None }
}

/// A prompt that wants text.
pub(crate) fn text(text: &str) -> Prompt {
    Prompt::Free { text: text.to_owned(), format: AnswerFormat::Text, images: Vec::new() }
}

/// A prompt that wants JSON.
pub(crate) fn json(text: &str) -> Prompt {
    Prompt::Free { text: text.to_owned(), format: AnswerFormat::Json, images: Vec::new() }
}
