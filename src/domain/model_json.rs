//! Models and run contexts as clients write them (`reference/studio.md` section 2.2 and
//! `reference/clients.md` section 4.4).

use serde_json::{Map, Value};

use super::model::has_mocks;
use super::{
    ContextValidator, InvalidChoice, ModelChoice, Moment, NodeModels, Plugin, RunContext, Stake,
};

/// What can be wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldFault {
    /// It must be there.
    Missing,
    /// There is no such field.
    Unknown,
    /// Its value cannot be.
    Invalid,
}

/// Why models or a context were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct InvalidField {
    /// What kind of fault it is.
    pub fault: FieldFault,
    /// Which part is wrong, such as `validators[0].plugin`.
    pub field: String,
    /// What is wrong with it, in words.
    pub reason: String,
    /// What would be right.
    pub valid: String,
}

impl InvalidField {
    fn new(field: &str, reason: impl Into<String>, valid: &str) -> Self {
        let (field, reason, valid) = (field.to_owned(), reason.into(), valid.to_owned());
        Self { fault: FieldFault::Invalid, field, reason, valid }
    }

    /// The same fault in something that is part of `place`.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        self.field = match self.field.as_str() {
            "" => place.to_owned(),
            field => format!("{place}.{field}"),
        };
        self
    }
}

impl From<InvalidChoice> for InvalidField {
    fn from(error: InvalidChoice) -> Self {
        let reason = error.to_string();
        Self { fault: FieldFault::Invalid, field: error.field, reason, valid: error.valid }
    }
}

/// Validators of one transaction or call, at most.
const CONTEXT_VALIDATORS_MAX: usize = 100;

const PLUGINS: &str = "openai-compatible, anthropic, google, ollama, custom, scripted or simulated";
const INSTANT: &str = "an ISO 8601 instant from 1970 to 9999, such as 2024-01-01T00:00:00Z";
const STAKE: &str = "an integer from 1 to 9223372036854775807";

/// The fields of an object; each is taken by name, and what is left is unknown.
struct Fields {
    values: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Fields {
    fn of(json: &Value) -> Result<Self, InvalidField> {
        let object = json.as_object().cloned();
        let values = object.ok_or_else(|| InvalidField::new("", unfit(json), "an object"))?;
        Ok(Self { values, known: Vec::new() })
    }

    /// Null counts as absent.
    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.values.shift_remove(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &'static str) -> Result<Option<String>, InvalidField> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(other) => Err(InvalidField::new(name, unfit(&other), "a text that is not empty")),
        }
    }

    fn required(&mut self, name: &'static str) -> Result<String, InvalidField> {
        let text = self.text(name)?;
        text.ok_or_else(|| InvalidField {
            fault: FieldFault::Missing,
            ..InvalidField::new(name, "it is missing", "a text that is not empty")
        })
    }

    fn object(&mut self, name: &'static str) -> Result<Option<Map<String, Value>>, InvalidField> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(other) => Err(InvalidField::new(name, unfit(&other), "an object")),
        }
    }

    fn plugin(&mut self) -> Result<Option<Plugin>, InvalidField> {
        let Some(name) = self.take("plugin") else { return Ok(None) };
        let plugin: Option<Plugin> = serde_json::from_value(name.clone()).ok();
        plugin.map(Some).ok_or_else(|| InvalidField::new("plugin", unfit(&name), PLUGINS))
    }

    fn finish(self) -> Result<(), InvalidField> {
        match self.values.keys().next() {
            None => Ok(()),
            Some(unknown) => Err(InvalidField {
                fault: FieldFault::Unknown,
                ..InvalidField::new(unknown, "it is unknown", &self.known.join(", "))
            }),
        }
    }
}

/// The beginning of a value, as the reason of a refusal.
fn unfit(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("`{}…` is not valid", text.get(..end).unwrap_or_default()),
        None => format!("`{text}` is not valid"),
    }
}

fn unknown_provider(provider: &str, known: &[ModelChoice]) -> InvalidField {
    let mut names: Vec<&str> = known.iter().map(|entry| entry.provider.as_str()).collect();
    names.dedup();
    let valid = format!("one of {}; or give `plugin` and `plugin_config`", names.join(", "));
    InvalidField::new("provider", format!("`{provider}` is not known"), &valid)
}

impl ModelChoice {
    /// The entry of this name among those that are known; or else another one of the provider,
    /// under the name of the wanted model.
    pub fn template(known: &[Self], provider: &str, model: &str) -> Option<Self> {
        let mut of_provider = known.iter().filter(|entry| entry.provider == provider);
        let first = of_provider.clone().next();
        let found = of_provider.find(|entry| entry.model == model).or(first)?;
        Some(Self { model: model.to_owned(), ..found.clone() })
    }

    /// Takes the fields of a choice; what is not given is as with the known models.
    fn take(fields: &mut Fields, known: &[Self]) -> Result<Self, InvalidField> {
        let (provider, model) = (fields.required("provider")?, fields.required("model")?);
        let template = Self::template(known, &provider, &model);
        let (config, own) = (fields.object("config")?, fields.object("plugin_config")?);
        let of_template = |part: fn(&Self) -> &Map<String, Value>| {
            template.as_ref().map(part).cloned().unwrap_or_default()
        };
        let config = config.unwrap_or_else(|| of_template(|template| &template.config));
        let mut plugin_config = of_template(|template| &template.plugin_config);
        // Null says as little as nothing.
        let own = own.unwrap_or_default().into_iter().filter(|(_, value)| !value.is_null());
        plugin_config.extend(own);
        let of_template = template.as_ref().map(|template| template.plugin);
        let of_mocks = has_mocks(&plugin_config).then_some(Plugin::Scripted);
        let plugin = fields.plugin()?.or(of_template).or(of_mocks);
        let plugin = plugin.ok_or_else(|| unknown_provider(&provider, known))?;
        Ok(Self { provider, model, config, plugin, plugin_config })
    }

    /// Reads a choice; what it does not say is as with the known models.
    pub fn from_json(json: &Value, known: &[Self]) -> Result<Self, InvalidField> {
        let mut fields = Fields::of(json)?;
        let choice = Self::take(&mut fields, known)?;
        fields.finish()?;
        Ok(choice)
    }
}

impl NodeModels {
    /// Reads a choice that may have a `fallback`, which is another.
    pub fn from_json(json: &Value, known: &[ModelChoice]) -> Result<Self, InvalidField> {
        let mut fields = Fields::of(json)?;
        let models = Self::take(&mut fields, known)?;
        fields.finish()?;
        Ok(models)
    }

    fn take(fields: &mut Fields, known: &[ModelChoice]) -> Result<Self, InvalidField> {
        let primary = ModelChoice::take(fields, known)?;
        let fallback = fields.take("fallback");
        let fallback = fallback.map(|json| ModelChoice::from_json(&json, known)).transpose();
        let fallback = fallback.map_err(|error| error.within("fallback"))?;
        Ok(Self { primary, fallback })
    }

    /// As it is read, with every field.
    pub fn to_json(&self) -> Value {
        let mut json = serde_json::json!(self.primary);
        if let (Some(object), Some(fallback)) = (json.as_object_mut(), &self.fallback) {
            object.insert("fallback".to_owned(), serde_json::json!(fallback));
        }
        json
    }

    /// Its choices, each with where it stands.
    pub fn choices(&self) -> impl Iterator<Item = (&'static str, &ModelChoice)> {
        let fallback = self.fallback.as_ref().map(|fallback| ("fallback", fallback));
        std::iter::once(("", &self.primary)).chain(fallback)
    }
}

impl RunContext {
    /// Reads what clients call `sim_config`: `validators`, each a choice of a model and perhaps a
    /// `stake`, and `genvm_datetime`. What a choice does not say is as with the known models.
    pub fn from_json(json: &Value, known: &[ModelChoice]) -> Result<Self, InvalidField> {
        let mut fields = Fields::of(json)?;
        let now = match fields.take("genvm_datetime") {
            None => None,
            Some(value) => Some(
                value
                    .as_str()
                    .and_then(Moment::from_iso8601)
                    .ok_or_else(|| InvalidField::new("genvm_datetime", unfit(&value), INSTANT))?,
            ),
        };
        // One executor runs the contracts of all versions.
        if let Some(selector) = fields.take("genvm_executor_selector").filter(|it| !it.is_string())
        {
            let valid = "a version of GenVM, which changes nothing here";
            return Err(InvalidField::new("genvm_executor_selector", unfit(&selector), valid));
        }
        let validators = fields.take("validators").unwrap_or_else(|| Value::Array(Vec::new()));
        let list = validators.as_array().filter(|list| list.len() <= CONTEXT_VALIDATORS_MAX);
        let list = list.ok_or_else(|| {
            let valid = format!("a list of at most {CONTEXT_VALIDATORS_MAX} objects");
            InvalidField::new("validators", unfit(&validators), &valid)
        })?;
        let validators = list.iter().enumerate().map(|(index, json)| {
            let place = format!("validators[{index}]");
            ContextValidator::from_json(json, known).map_err(|error| error.within(&place))
        });
        let validators = validators.collect::<Result<_, _>>()?;
        fields.finish()?;
        Ok(Self { validators, now })
    }

    /// As it is read, with every field.
    pub fn to_json(&self) -> Value {
        let validator = |validator: &ContextValidator| {
            let mut json =
                validator.models.as_ref().map_or_else(|| Map::new().into(), NodeModels::to_json);
            if let Some(object) = json.as_object_mut() {
                object.insert("stake".to_owned(), validator.stake.get().into());
            }
            json
        };
        let mut json = Map::new();
        if !self.validators.is_empty() {
            let validators: Vec<Value> = self.validators.iter().map(validator).collect();
            json.insert("validators".to_owned(), validators.into());
        }
        if let Some(now) = self.now {
            json.insert("genvm_datetime".to_owned(), now.to_iso8601().into());
        }
        json.into()
    }

    /// Does it ask for nothing?
    pub const fn is_empty(&self) -> bool {
        self.validators.is_empty() && self.now.is_none()
    }

    /// The choices of its validators, each with where it stands.
    pub fn choices(&self) -> impl Iterator<Item = (String, &ModelChoice)> {
        self.validators.iter().enumerate().flat_map(|(index, validator)| {
            let choices = validator.models.iter().flat_map(NodeModels::choices);
            choices.map(move |(place, choice)| {
                let dot = if place.is_empty() { "" } else { "." };
                (format!("validators[{index}]{dot}{place}"), choice)
            })
        })
    }
}

impl ContextValidator {
    fn from_json(json: &Value, known: &[ModelChoice]) -> Result<Self, InvalidField> {
        let mut fields = Fields::of(json)?;
        let stake = match fields.take("stake") {
            None => 1,
            Some(value) => value
                .as_u64()
                .filter(|stake| i64::try_from(*stake).is_ok())
                .ok_or_else(|| InvalidField::new("stake", unfit(&value), STAKE))?,
        };
        let stake = Stake::try_from(stake)
            .map_err(|error| InvalidField::new("stake", error.to_string(), STAKE))?;
        let models = Some(NodeModels::take(&mut fields, known)?);
        fields.finish()?;
        Ok(Self { stake, models })
    }
}

#[cfg(test)]
#[path = "model_json_tests.rs"]
mod tests;
