//! Which models contracts ask and which web they see, by the settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::CliError;
use crate::domain::Address;
use crate::execution::nondeterminism::Services;
use crate::execution::nondeterminism::models::{
    ModelChoice, ModelRouter, ModelSettings, NodeModels, Registry, Script, ScriptedModels, Secrets,
};
use crate::execution::nondeterminism::recording::{Recording, Replay};
use crate::execution::nondeterminism::web::{AddressGuard, Fetcher, MockWeb, WebSettings};

/// What the settings say of models and the web; all of it optional.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources<'a> {
    /// Whom every node asks, as PROVIDER/MODEL.
    pub(super) model: Option<&'a str>,
    /// Whom when that fails.
    pub(super) model_fallback: Option<&'a str>,
    /// Nodes that ask others, in a file.
    pub(super) models_file: Option<&'a Path>,
    /// How often a simulated model is of another opinion.
    pub(super) model_disagreement: Option<f64>,
    /// Keys, besides those in the environment.
    pub(super) secrets_file: Option<&'a Path>,
    /// Answers that are made up.
    pub(super) mocks: Option<&'a Path>,
    /// Hosts and networks that may be reached although they are private.
    pub(super) web_allow: &'a [String],
    /// The browser's program.
    pub(super) browser: Option<&'a Path>,
    /// Where every exchange is written.
    pub(super) record: Option<&'a Path>,
    /// From where every answer is taken.
    pub(super) replay: Option<&'a Path>,
}

/// Made-up answers, as a file has them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mocks {
    prompts: Option<Value>,
    web: Option<Value>,
}

/// A model as a file names it: in short, or with all that belongs to it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Named {
    Short(String),
    Whole(Box<ModelChoice>),
}

/// The models of one node, as a file has them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeEntry {
    primary: Named,
    fallback: Option<Named>,
}

impl Sources<'_> {
    /// What contracts reach.
    pub(super) fn open(&self) -> Result<Services, CliError> {
        if let Some(path) = self.replay {
            if self.record.is_some() {
                return Err("a network cannot record and replay at the same time".into());
            }
            let replay =
                Replay::open(path).map_err(|error| unreadable("recording", path, &error))?;
            let replay = Arc::new(replay);
            return Ok(Services { models: replay.clone(), web: replay });
        }
        let secrets = self.secrets()?;
        let services = self.mocked(self.real(secrets.clone())?)?;
        let Some(path) = self.record else { return Ok(services) };
        let Services { models, web } = services;
        let recording = Recording::open(models, web, path, secrets)
            .map_err(|error| format!("cannot record into `{}`: {error}", path.display()))?;
        let recording = Arc::new(recording);
        Ok(Services { models: recording.clone(), web: recording })
    }

    fn secrets(&self) -> Result<Secrets, CliError> {
        let registry = Registry::embedded();
        let secrets = Secrets::from_environment(registry.key_variables());
        let Some(path) = self.secrets_file else { return Ok(secrets) };
        let own = Secrets::from_file(path)
            .map_err(|error| format!("the secrets file `{}`: {error}", path.display()))?;
        Ok(secrets.merged(own))
    }

    fn real(&self, secrets: Secrets) -> Result<Services, CliError> {
        let router = ModelRouter::new(ModelSettings::default(), secrets)?;
        if let Some(primary) = self.model {
            let primary = choice(primary)?;
            let fallback = self.model_fallback.map(choice).transpose()?;
            router.set_otherwise(NodeModels { primary, fallback })?;
        } else if self.model_fallback.is_some() {
            return Err("`model_fallback` needs a `model` to fall back from".into());
        }
        if let Some(path) = self.models_file {
            router.replace(nodes(path)?)?;
        }
        router.simulated().set_disagreement(self.model_disagreement.unwrap_or(0.0));
        let mut guard = AddressGuard::default();
        for allowed in self.web_allow {
            guard.allowed.push(allowed.parse()?);
        }
        let browser = self.browser.map(PathBuf::from);
        let web = Fetcher::new(WebSettings { guard, browser, ..WebSettings::default() })?;
        Ok(Services { models: Arc::new(router), web: Arc::new(web) })
    }

    /// Where a file has mocks, nobody else is asked.
    fn mocked(&self, mut services: Services) -> Result<Services, CliError> {
        let Some(path) = self.mocks else { return Ok(services) };
        let mocks: Mocks = read(path)?;
        let wrong = |error: String| format!("the mocks in `{}`: {error}", path.display());
        if let Some(prompts) = mocks.prompts {
            let script = Script::from_json(&prompts).map_err(|error| wrong(error.to_string()))?;
            services.models = Arc::new(ScriptedModels::new(script));
        }
        if let Some(web) = mocks.web {
            let web = MockWeb::from_json(&web).map_err(|error| wrong(error.to_string()))?;
            services.web = Arc::new(web);
        }
        Ok(services)
    }
}

fn unreadable(what: &str, path: &Path, error: &std::io::Error) -> String {
    format!("cannot read the {what} `{}`: {error}", path.display())
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, CliError> {
    let text = std::fs::read_to_string(path).map_err(|error| unreadable("file", path, &error))?;
    let parsed = serde_json::from_str(&text);
    Ok(parsed.map_err(|error| format!("`{}` is not as expected: {error}", path.display()))?)
}

/// PROVIDER/MODEL by the registry; a model that it does not have takes after its provider's others.
fn choice(name: &str) -> Result<ModelChoice, CliError> {
    if name == "simulated" {
        return Ok(ModelChoice::simulated());
    }
    let registry = Registry::embedded();
    let found =
        name.split_once('/').and_then(|(provider, model)| registry.template(provider, model));
    Ok(found.ok_or_else(|| {
        let mut providers: Vec<_> =
            registry.entries().iter().map(|entry| entry.provider.as_str()).collect();
        providers.dedup();
        let known = providers.join(", ");
        format!(
            "`{name}` is no model: write `simulated`, or PROVIDER/MODEL with one of the providers \
             {known}"
        )
    })?)
}

impl Named {
    fn choice(self) -> Result<ModelChoice, CliError> {
        match self {
            Self::Short(name) => choice(&name),
            Self::Whole(choice) => Ok(*choice),
        }
    }
}

fn nodes(path: &Path) -> Result<BTreeMap<Address, NodeModels>, CliError> {
    let entries: BTreeMap<Address, NodeEntry> = read(path)?;
    let models = entries.into_iter().map(|(node, entry)| {
        let primary = entry.primary.choice()?;
        let fallback = entry.fallback.map(Named::choice).transpose()?;
        Ok((node, NodeModels { primary, fallback }))
    });
    models.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(sources: &Sources<'_>) -> String {
        sources.open().unwrap_err().to_string()
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn without_settings_models_are_simulated_and_the_web_is_real() {
        let services = format!("{:?}", Sources::default().open().unwrap());
        assert!(services.contains("simulated"), "{services}");
    }

    #[test]
    fn wrong_settings_are_named_with_what_is_valid() {
        let model = Sources { model: Some("openia/gpt-4o"), ..Sources::default() };
        let error = refused(&model);
        assert!(error.contains("`openia/gpt-4o`") && error.contains("openai"), "{error}");
        let lonely = Sources { model_fallback: Some("openai/gpt-4o"), ..Sources::default() };
        assert!(refused(&lonely).contains("needs a `model`"));
        let allow = ["300.0.0.0/8".to_owned()];
        let allow = Sources { web_allow: &allow, ..Sources::default() };
        assert!(refused(&allow).contains("300.0.0.0"));
        let path = Path::new("/nowhere");
        for sources in [
            Sources { mocks: Some(path), ..Sources::default() },
            Sources { replay: Some(path), ..Sources::default() },
            Sources { models_file: Some(path), ..Sources::default() },
            Sources { secrets_file: Some(path), ..Sources::default() },
        ] {
            let error = refused(&sources);
            assert!(error.contains("/nowhere"), "{error}");
        }
        let both = Sources { record: Some(path), replay: Some(path), ..Sources::default() };
        assert!(refused(&both).contains("record and replay"));
    }

    #[test]
    fn files_of_models_and_mocks_are_checked() {
        let good = file(
            r#"{"0x00000000000000000000000000000000000000aa":
                {"primary": "openai/gpt-4o", "fallback": "simulated"}}"#,
        );
        Sources { models_file: Some(good.path()), ..Sources::default() }.open().unwrap();
        let good = file(
            r#"{"prompts": [{"contains": "coin", "answer": "no"}],
                "web": [{"url": "https://a.example", "body": "b"}]}"#,
        );
        Sources { mocks: Some(good.path()), ..Sources::default() }.open().unwrap();
        for (text, words) in [
            ("{", "not as expected"),
            (r#"{"promts": []}"#, "promts"),
            (r#"{"prompts": [{"answer": "no"}]}"#, "mocks[0]"),
            (r#"{"web": [{"url": 7}]}"#, "web_mocks"),
        ] {
            let bad = file(text);
            let error = refused(&Sources { mocks: Some(bad.path()), ..Sources::default() });
            assert!(error.contains(words), "{error}");
        }
    }
}
