//! Which model a node asks, and how a transaction may be run other than the network would.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Moment, Stake};

/// How a provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plugin {
    /// Chat completions as `OpenAI` defined them, below a base address.
    OpenaiCompatible,
    /// Anthropic's messages.
    Anthropic,
    /// Google's `generateContent`.
    Google,
    /// Ollama's chat.
    Ollama,
    /// Chat completions at exactly the address that is given.
    Custom,
    /// Answers from a script.
    Scripted,
    /// Invented answers of the right shape.
    Simulated,
}

/// A model and how it is reached, in the fields of `reference/studio.md` section 2.2.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ModelChoice {
    /// Who runs the model, such as `openai`.
    pub provider: String,
    /// The provider's name of the model.
    pub model: String,
    /// Sampling: `temperature` (a number, or null to send none), `max_tokens`,
    /// `use_max_completion_tokens`, and for Ollama its own options.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// How the provider is spoken to.
    pub plugin: Plugin,
    /// `api_url`, `api_key_env_var`, and mocks: `mocks` as a script lists them, or
    /// Studio's `mock_response`. A choice with mocks asks nobody else.
    #[serde(default)]
    pub plugin_config: Map<String, Value>,
}

impl ModelChoice {
    /// The provider that invents its answers.
    pub fn simulated() -> Self {
        Self {
            provider: "simulated".to_owned(),
            model: "simulated".to_owned(),
            config: Map::new(),
            plugin: Plugin::Simulated,
            plugin_config: Map::new(),
        }
    }

    /// A text of `plugin_config`.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.plugin_config.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// Does it answer from mocks of its own, and ask nobody else?
    pub fn is_mocked(&self) -> bool {
        has_mocks(&self.plugin_config)
    }

    /// The environment variable with the key; none where no key is needed.
    pub fn key_variable(&self) -> Option<&str> {
        self.setting("api_key_env_var").filter(|name| *name != "<no-key>")
    }
}

/// Does a `plugin_config` have mocks for prompts?
pub(super) fn has_mocks(plugin_config: &Map<String, Value>) -> bool {
    let is_there = |name| plugin_config.get(name).is_some_and(|mocks: &Value| !mocks.is_null());
    is_there("mocks") || is_there("mock_response")
}

/// Whom a node asks first, and whom when that fails.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NodeModels {
    /// Asked first.
    pub primary: ModelChoice,
    /// Asked when the first gives no answer.
    #[serde(default)]
    pub fallback: Option<ModelChoice>,
}

impl NodeModels {
    /// One model and nothing to fall back on.
    pub const fn only(primary: ModelChoice) -> Self {
        Self { primary, fallback: None }
    }
}

/// How a sender wants its transaction or call to be run, other than as the network would: what
/// clients call `sim_config` (`reference/clients.md` section 4.4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunContext {
    /// Who judges, in place of the network's validators; empty for those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validators: Vec<ContextValidator>,
    /// What the contract's clock shows, in place of when the transaction was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Moment>,
}

/// A validator that exists for one transaction or call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextValidator {
    /// Its weight in the draws.
    pub stake: Stake,
    /// Whom its node asks; whom nodes ask by the network's settings when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<NodeModels>,
}

/// Why a choice of a model was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the model `{provider}/{model}` cannot be used: {reason}")]
pub struct InvalidChoice {
    /// Who was to run it.
    pub provider: String,
    /// Its name.
    pub model: String,
    /// Where in the choice the fault is, such as `plugin_config.api_url`.
    pub field: String,
    /// What is wrong, in words.
    pub reason: String,
    /// What would be right.
    pub valid: String,
}
