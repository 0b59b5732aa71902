//! The providers and models that are known by name.

use super::scripted::Script;
use crate::domain::{InvalidChoice, ModelChoice, Plugin};
use crate::execution::nondeterminism::web::MockWeb;

const KNOWN: &str = include_str!("registry.json");

/// Is a choice complete and free of contradictions? Asks nobody.
pub(in crate::execution) fn check_choice(choice: &ModelChoice) -> Result<(), InvalidChoice> {
    if choice.provider.is_empty() {
        return Err(invalid(choice, "provider", "it must not be empty", "a provider's name"));
    }
    if choice.model.is_empty() {
        return Err(invalid(choice, "model", "it must not be empty", "a model's name"));
    }
    check_plugin(choice)?;
    let script = Script::of_choice(choice).map_err(|error| {
        let field = format!("plugin_config.{}", error.place);
        invalid(choice, &field, &error.to_string(), MOCKS)
    })?;
    let is_asked =
        script.is_none() && !matches!(choice.plugin, Plugin::Scripted | Plugin::Simulated);
    if is_asked || choice.plugin_config.contains_key("api_url") {
        check_address(choice)?;
    }
    check_texts(choice)?;
    check_web_mocks(choice)?;
    let temperature = choice.config.get("temperature");
    if temperature.is_some_and(|value| !(value.is_number() || value.is_null())) {
        return Err(invalid(choice, "config.temperature", "it is no number", "a number or null"));
    }
    Ok(())
}

const MOCKS: &str = "mocks as the README describes them";

fn invalid(choice: &ModelChoice, field: &str, reason: &str, valid: &str) -> InvalidChoice {
    InvalidChoice {
        provider: choice.provider.clone(),
        model: choice.model.clone(),
        field: field.to_owned(),
        reason: format!("`{field}`: {reason}"),
        valid: valid.to_owned(),
    }
}

fn check_plugin(choice: &ModelChoice) -> Result<(), InvalidChoice> {
    let wanted = match choice.provider.as_str() {
        "ollama" => Plugin::Ollama,
        "anthropic" => Plugin::Anthropic,
        "google" => Plugin::Google,
        "openai" => Plugin::OpenaiCompatible,
        "simulated" => Plugin::Simulated,
        "scripted" => Plugin::Scripted,
        _ => return Ok(()),
    };
    if wanted == choice.plugin {
        return Ok(());
    }
    let (wanted, found) = (plugin_name(wanted), plugin_name(choice.plugin));
    let reason = format!("it is `{found}` and must be `{wanted}`");
    Err(invalid(choice, "plugin", &reason, &format!("`{wanted}`")))
}

/// The address of a provider may hold nothing secret: everybody can read it.
fn check_address(choice: &ModelChoice) -> Result<(), InvalidChoice> {
    let wrong = |reason: &str| {
        let valid = "an http or https address without a user's name and password";
        invalid(choice, "plugin_config.api_url", reason, valid)
    };
    let url = choice.setting("api_url").ok_or_else(|| wrong("it is missing"))?;
    let url = url::Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("it is no http or https address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("it names a user"));
    }
    Ok(())
}

fn check_texts(choice: &ModelChoice) -> Result<(), InvalidChoice> {
    for name in ["api_url", "api_key_env_var"] {
        let value = choice.plugin_config.get(name);
        if value.is_some_and(|value| !(value.is_string() || value.is_null())) {
            let field = format!("plugin_config.{name}");
            return Err(invalid(choice, &field, "it is no text", "a text"));
        }
    }
    Ok(())
}

fn check_web_mocks(choice: &ModelChoice) -> Result<(), InvalidChoice> {
    let Some(tables) = choice.plugin_config.get("mock_web_response") else { return Ok(()) };
    MockWeb::from_studio(tables).map(drop).map_err(|error| {
        let field = "plugin_config.mock_web_response";
        invalid(choice, field, &error.to_string(), MOCKS)
    })
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
        entries.iter().try_for_each(check_choice).map_err(|error| error.to_string())?;
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
        ModelChoice::template(&self.entries, provider, model)
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
        let cold = serde_json::json!({"temperature": "cold"});
        let cold = cold.as_object().unwrap().clone();
        for (choice, field, wanted) in [
            (ModelChoice { plugin: Plugin::Google, ..good.clone() }, "plugin", "must be `ollama`"),
            (ModelChoice { provider: String::new(), ..good.clone() }, "provider", "not be empty"),
            (ModelChoice { model: String::new(), ..good.clone() }, "model", "not be empty"),
            (with("api_url", "".into()), "plugin_config.api_url", "is missing"),
            (with("api_url", "nowhere".into()), "plugin_config.api_url", "relative URL"),
            (with("api_url", "file:///etc".into()), "plugin_config.api_url", "no http or https"),
            (with("api_url", "https://me:key@a.example".into()), "plugin_config.api_url", "user"),
            (with("api_key_env_var", 7.into()), "plugin_config.api_key_env_var", "no text"),
            (with("mocks", 1.into()), "plugin_config.mocks", "list"),
            (with("mock_response", 1.into()), "plugin_config.mock_response", "object"),
            (with("mock_web_response", 1.into()), "plugin_config.mock_web_response", "object"),
            (
                with("mock_web_response", serde_json::json!({"web": {}})),
                "plugin_config.mock_web_response",
                "`nondet_web_request`",
            ),
            (ModelChoice { config: cold, ..good.clone() }, "config.temperature", "no number"),
        ] {
            let error = check_choice(&choice).unwrap_err();
            let text = error.to_string();
            assert_eq!(error.field, field, "{text}");
            assert!(text.contains(wanted) && !error.valid.is_empty(), "{text} without {wanted}");
        }
    }

    #[test]
    fn a_mocked_choice_needs_no_address_but_a_good_one_where_it_has_one() {
        let mut choice = Registry::embedded().find("openai", "gpt-4o").unwrap().clone();
        choice.plugin_config.clear();
        assert!(check_choice(&choice).is_err());
        let mocks = serde_json::json!({"response": {"": "yes"}});
        choice.plugin_config.insert("mock_response".to_owned(), mocks);
        assert_eq!(check_choice(&choice), Ok(()));
        choice.plugin_config.insert("api_url".to_owned(), "file:///etc".into());
        assert!(check_choice(&choice).is_err());
    }
}
