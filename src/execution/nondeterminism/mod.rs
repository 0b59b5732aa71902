//! What a contract may ask beyond its own state: language models and the web.
//!
//! Contracts reach both through two ports, [`Models`] and [`Web`]. Each has real, scripted and
//! simulated implementations, and both can be recorded and replayed. Who asks is part of every
//! question, so that an answer can depend on the node, and a replay finds it again.

mod absent;
mod aside;
pub mod codes;
mod http;
mod limits;
pub mod models;
mod own_mocks;
pub mod recording;
pub mod web;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use crate::domain::{
    Address, Bytes, Digest, InvalidChoice, ModelChoice, NodeModels, Plugin, keccak256,
};

/// Who asks, in which execution, and for the how manieth time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Asker {
    /// The node's validator; the zero address for a reader.
    pub node: Address,
    /// Fixes everything random in the execution: the same for every node of a transaction.
    pub seed: Digest,
    /// Does the node execute as the leader?
    pub leads: bool,
    /// Which question of the execution this is. The same function asks under the same numbers in
    /// the leader and in a validator, whatever is asked around it: a thousand numbers belong to each
    /// non-deterministic block, the upper half of them to judgements of the leader's output.
    pub number: u32,
    /// Which models the node asks; those that the settings name for it when there are none.
    pub models: Option<Arc<NodeModels>>,
}

/// In which form an answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerFormat {
    /// Any text.
    Text,
    /// A JSON object.
    Json,
}

/// A question to a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prompt {
    /// `gl.nondet.exec_prompt`.
    Free {
        /// The prompt.
        text: String,
        /// The form of the answer.
        format: AnswerFormat,
        /// Pictures that belong to it, each a whole file.
        images: Vec<Bytes>,
    },
    /// Do two answers agree by a principle? Answered by a [`Answer::Verdict`].
    Comparative {
        /// What the leader said.
        leader_answer: String,
        /// What this validator found.
        validator_answer: String,
        /// By which they are compared.
        principle: String,
    },
    /// The leader's part of `prompt_non_comparative`: does the task. Answered by text.
    NonComparativeLeader {
        /// What is to be done.
        task: String,
        /// With what.
        input: String,
        /// What a good answer fulfils.
        criteria: String,
    },
    /// The validator's part: does the output fulfil the criteria? A [`Answer::Verdict`].
    NonComparativeValidator {
        /// What was to be done.
        task: String,
        /// With what, as this validator found it.
        input: String,
        /// What the leader answered.
        output: String,
        /// What a good answer fulfils.
        criteria: String,
    },
}

impl Prompt {
    /// Its texts; the one that names it comes first.
    fn parts(&self) -> Vec<&str> {
        match self {
            Self::Free { text, .. } => vec![text],
            Self::Comparative { leader_answer, validator_answer, principle } => {
                vec![principle, leader_answer, validator_answer]
            }
            Self::NonComparativeLeader { task, input, criteria } => vec![task, criteria, input],
            Self::NonComparativeValidator { task, input, output, criteria } => {
                vec![task, criteria, input, output]
            }
        }
    }
}

/// A model's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To a text prompt.
    Text(String),
    /// To a prompt that wants JSON: an object.
    Json(serde_json::Value),
    /// Yes or no.
    Verdict(bool),
}

/// A request to a server in the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebRequest {
    /// `http` or `https`.
    pub url: String,
    /// GET, POST, PUT, DELETE, HEAD, OPTIONS or PATCH.
    pub method: String,
    /// Header lines.
    pub headers: BTreeMap<String, Bytes>,
    /// What is sent.
    pub body: Option<Bytes>,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebResponse {
    /// The status code.
    pub status: u16,
    /// Header lines, names in lower case.
    pub headers: BTreeMap<String, Bytes>,
    /// What came.
    pub body: Bytes,
}

/// What of a page is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenderMode {
    /// The text a reader sees.
    Text,
    /// The document after its scripts ran.
    Html,
    /// A picture, as PNG.
    Screenshot,
}

/// A page to be shown in a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderRequest {
    /// `http` or `https`.
    pub url: String,
    /// What is wanted.
    pub mode: RenderMode,
    /// How long scripts may run after the document is loaded.
    pub wait: Duration,
}

/// A page as it was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rendered {
    /// Text or HTML.
    Text(String),
    /// A PNG file.
    Image(Bytes),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The question is at fault, or what it asks for: raised in the contract, which may handle it.
    #[error("{code}: {reason}")]
    Refused {
        /// One of the codes of `reference/studio.md` section 7.1, such as `WEB_REQUEST_FAILED`.
        code: &'static str,
        /// In words for the contract's author.
        reason: String,
    },
    /// The node's provider or network is at fault: this node has no result at all.
    #[error("{code}: {reason}")]
    Unavailable {
        /// One of the codes of `reference/studio.md` section 7.1, such as `LLM_RATE_LIMITED`.
        code: &'static str,
        /// In words for who runs the node.
        reason: String,
    },
}

impl NoAnswer {
    /// The question is at fault.
    pub fn refused(code: &'static str, reason: impl Into<String>) -> Self {
        Self::Refused { code, reason: reason.into() }
    }

    /// The node is at fault.
    pub fn unavailable(code: &'static str, reason: impl Into<String>) -> Self {
        Self::Unavailable { code, reason: reason.into() }
    }

    /// The machine-readable part.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused { code, .. } | Self::Unavailable { code, .. } => code,
        }
    }

    /// The part for people.
    pub fn reason(&self) -> &str {
        match self {
            Self::Refused { reason, .. } | Self::Unavailable { reason, .. } => reason,
        }
    }
}

impl Asker {
    /// Sixteen bytes that depend on the execution and the question's number, and on the node only
    /// when `own`: the one source of chance of everything in this folder.
    pub(crate) fn chance(&self, label: &[u8], own: bool, turn: u32) -> u128 {
        let node = if own { self.node } else { Address::ZERO };
        let digest = keccak256(&[
            label,
            self.seed.as_bytes(),
            &self.number.to_be_bytes(),
            node.as_bytes(),
            &turn.to_be_bytes(),
        ]);
        digest.as_bytes().iter().take(16).fold(0, |value, byte| (value << 8) | u128::from(*byte))
    }
}

/// Answers prompts, and knows which models there are.
pub trait Models: Debug + Send + Sync {
    /// The answer to a prompt, of the kind the prompt wants.
    fn ask(&self, asker: Asker, prompt: Prompt) -> BoxFuture<'static, Result<Answer, NoAnswer>>;

    /// The models that the program knows by name.
    fn known(&self) -> Vec<ModelChoice> {
        models::Registry::embedded().entries().to_vec()
    }

    /// Is a choice complete and free of contradictions? Asks nobody.
    fn check(&self, choice: &ModelChoice) -> Result<(), InvalidChoice> {
        models::check_choice(choice)
    }

    /// Whom a node asks that has no models of its own.
    fn of_settings(&self, _node: &Address) -> Arc<NodeModels> {
        Arc::new(NodeModels::only(ModelChoice::simulated()))
    }

    /// Is the key there that a choice needs?
    fn has_key(&self, choice: &ModelChoice) -> bool {
        choice.key_variable().is_none()
    }

    /// Does the model answer? Takes no longer than a limit of its own.
    fn probe(&self, choice: ModelChoice) -> BoxFuture<'static, bool> {
        let answers = matches!(choice.plugin, Plugin::Simulated | Plugin::Scripted);
        ready(answers).boxed()
    }
}

/// Reaches the web.
pub trait Web: Debug + Send + Sync {
    /// Sends a request; an error status is a response, no error.
    fn fetch(
        &self,
        asker: Asker,
        request: WebRequest,
    ) -> BoxFuture<'static, Result<WebResponse, NoAnswer>>;

    /// Shows a page in a browser.
    fn render(
        &self,
        asker: Asker,
        request: RenderRequest,
    ) -> BoxFuture<'static, Result<Rendered, NoAnswer>>;
}

/// What stands behind both ports of one network.
#[derive(Debug, Clone)]
pub struct Services {
    /// Answers prompts.
    pub models: Arc<dyn Models>,
    /// Reaches the web.
    pub web: Arc<dyn Web>,
}

impl Services {
    /// The same, with the mocks of whoever asks before them, and the limits of a prompt before both.
    #[must_use]
    pub fn with_own_mocks(self) -> Self {
        let own = Arc::new(own_mocks::OwnMocks::over(self));
        Self { models: own.clone(), web: own }
    }

    /// Refuses everything, in words.
    pub fn none() -> Self {
        Self { models: Arc::new(absent::Absent), web: Arc::new(absent::Absent) }
    }
}
