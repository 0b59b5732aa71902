//! The providers and models that are known by name.

use super::scripted::Script;
use crate::domain::{ModelChoice, Plugin};

const KNOWN: &str = include_str!("registry.json");

/// Why a choice of a model was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the model `{provider}/{model}` cannot be used: {reason}")]
pub struct InvalidChoice {
    provider: String,
    model: String,
    reason: String,
}

/// Is a choice complete and free of contradictions? Asks nobody.
pub(super) fn validate(choice: &ModelChoice) -> Result<(), InvalidChoice> {
    let invalid = |reason: String| InvalidChoice {
        provider: choice.provider.clone(),
        model: choice.model.clone(),
        reason,
    };
    if choice.provider.is_empty() || choice.model.is_empty() {
        return Err(invalid("provider and model must not be empty".to_owned()));
    }
    let wanted = match choice.provider.as_str() {
        "ollama" => Some(Plugin::Ollama),
        "anthropic" => Some(Plugin::Anthropic),
        "google" => Some(Plugin::Google),
        "openai" => Some(Plugin::OpenaiCompatible),
        "simulated" => Some(Plugin::Simulated),
        "scripted" => Some(Plugin::Scripted),
        _ => None,
    };
    if let Some(wanted) = wanted.filter(|wanted| *wanted != choice.plugin) {
        let (wanted, found) = (plugin_name(wanted), plugin_name(choice.plugin));
        return Err(invalid(format!("its plugin is `{found}` and must be `{wanted}`")));
    }
    if !matches!(choice.plugin, Plugin::Scripted | Plugin::Simulated) {
        let url = choice
            .setting("api_url")
            .ok_or_else(|| invalid("`plugin_config.api_url` is missing".to_owned()))?;
        let scheme = url::Url::parse(url).map(|url| url.scheme().to_owned());
        if !matches!(scheme.as_deref(), Ok("http" | "https")) {
            return Err(invalid("`plugin_config.api_url` is no http or https address".to_owned()));
        }
    }
    let temperature = choice.config.get("temperature");
    if temperature.is_some_and(|value| !(value.is_number() || value.is_null())) {
        return Err(invalid("`config.temperature` must be a number or null".to_owned()));
    }
    Script::of_choice(choice).map(drop).map_err(|error| invalid(error.to_string()))
}

fn plugin_name(plugin: Plugin) -> String {
    let named = serde_json::to_value(plugin).ok();
    named.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The providers and models that are known by name.
#[derive(Debug, Clone)]
pub struct Registry {
    entries: Vec<ModelChoice>,
}

impl Registry {
    /// The registry that the program brings along: `reference/studio.md` section 2.6, and the
    /// simulated provider.
    pub fn embedded() -> Self {
        #[expect(clippy::expect_used, reason = "a test reads the embedded file")]
        let entries = serde_json::from_str(KNOWN).expect("BUG: the embedded registry is not valid");
        Self { entries }
    }

    /// Reads a registry of one's own and checks every entry.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries: Vec<ModelChoice> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        entries.iter().try_for_each(validate).map_err(|error| error.to_string())?;
        Ok(Self { entries })
    }

    /// All entries, in the order of the file.
    pub fn entries(&self) -> &[ModelChoice] {
        &self.entries
    }

    /// The entry of this name.
    pub fn find(&self, provider: &str, model: &str) -> Option<&ModelChoice> {
        self.entries.iter().find(|entry| entry.provider == provider && entry.model == model)
    }

    /// The entry, or another one of the provider under the name of the wanted model.
    pub fn template(&self, provider: &str, model: &str) -> Option<ModelChoice> {
        let sibling = || self.entries.iter().find(|entry| entry.provider == provider);
        let found = self.find(provider, model).or_else(sibling)?;
        Some(ModelChoice { model: model.to_owned(), ..found.clone() })
    }

    /// The environment variables that hold keys, each once.
    pub fn key_variables(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.entries.iter().filter_map(ModelChoice::key_variable).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_registry_is_whole_and_valid() {
        let registry = Registry::embedded();
        assert_eq!(Registry::parse(KNOWN).unwrap().entries(), registry.entries());
        let of = |name: &str| registry.entries().iter().filter(|e| e.provider == name).count();
        let counts = [
            ("anthropic", 4),
            ("chutesai", 8),
            ("google", 3),
            ("heuristai", 3),
            ("ionet", 2),
            ("libertai", 2),
            ("ollama", 3),
            ("openai", 10),
            ("openrouter", 20),
            ("xai", 1),
            ("simulated", 1),
        ];
        assert_eq!(counts.map(|(name, _)| (name, of(name))), counts);
        assert_eq!(registry.entries().len(), 57);
        assert_eq!(registry.key_variables().len(), 9);
        let mut names: Vec<_> =
            registry.entries().iter().map(|entry| (&entry.provider, &entry.model)).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 57);
    }

    #[test]
    fn gpt_5_keeps_its_temperature_and_ollama_its_misspelt_options() {
        let registry = Registry::embedded();
        for model in ["gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-5.1", "gpt-5.1-nano"] {
            let config = &registry.find("openai", model).unwrap().config;
            assert_eq!(config["temperature"], 1);
            assert_eq!(config["use_max_completion_tokens"], true);
        }
        let llama = registry.find("ollama", "llama3").unwrap();
        assert_eq!((llama.config.len(), llama.key_variable()), (16, None));
        assert!(llama.config.contains_key("microstat_tau"));
    }

    #[test]
    fn an_unknown_model_is_made_after_a_sibling() {
        let registry = Registry::embedded();
        let template = registry.template("openai", "gpt-9").unwrap();
        assert_eq!(template.model, "gpt-9");
        assert_eq!(template.key_variable(), Some("OPENAIKEY"));
        assert_eq!(registry.template("nobody", "x"), None);
    }

    #[test]
    fn contradictions_are_refused_in_words() {
        let good = Registry::embedded().find("ollama", "gemma").unwrap().clone();
        let with = |key: &str, value: serde_json::Value| {
            let mut choice = good.clone();
            choice.plugin_config.insert(key.to_owned(), value);
            choice
        };
        for (choice, wanted) in [
            (ModelChoice { plugin: Plugin::Google, ..good.clone() }, "must be `ollama`"),
            (ModelChoice { model: String::new(), ..good.clone() }, "must not be empty"),
            (with("api_url", "".into()), "api_url` is missing"),
            (with("api_url", "file:///etc".into()), "no http or https"),
            (with("mocks", 1.into()), "list"),
        ] {
            let error = validate(&choice).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error} does not say {wanted}");
        }
    }
}
