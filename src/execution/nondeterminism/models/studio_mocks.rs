//! Mock tables in Studio's shape (`reference/studio.md` section 2.3).

use std::collections::BTreeMap;

use serde_json::Value;

use super::failure::beginning;
use super::scripted::ScriptError;
use crate::execution::nondeterminism::Prompt;

/// The three tables. In each, the longest key that is part of the prompt wins, and the empty key
/// fits everything; Studio leaves open who wins.
#[derive(Debug, Clone, Default)]
pub(super) struct StudioMocks {
    response: BTreeMap<String, Value>,
    comparative: BTreeMap<String, Value>,
    non_comparative: BTreeMap<String, Value>,
}

impl StudioMocks {
    /// Reads `plugin_config.mock_response`.
    pub(super) fn from_json(tables: &Value) -> Result<Self, ScriptError> {
        let mut mocks = Self::default();
        if tables.is_null() {
            return Ok(mocks);
        }
        let object = tables.as_object();
        let object =
            object.ok_or_else(|| ScriptError::new("mock_response", "must be an object"))?;
        for (name, table) in object {
            let into = match name.as_str() {
                "response" => &mut mocks.response,
                "eq_principle_prompt_comparative" => &mut mocks.comparative,
                "eq_principle_prompt_non_comparative" => &mut mocks.non_comparative,
                _ => {
                    return Err(ScriptError::new(
                        format!("mock_response.{name}"),
                        "is none of `response`, `eq_principle_prompt_comparative` and \
                         `eq_principle_prompt_non_comparative`",
                    ));
                }
            };
            let table = table.as_object().ok_or_else(|| {
                ScriptError::new(format!("mock_response.{name}"), "must be an object")
            })?;
            into.extend(table.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        Ok(mocks)
    }

    /// The mock that answers a prompt.
    pub(super) fn find(&self, prompt: &Prompt) -> Option<(&String, &Value)> {
        match prompt {
            Prompt::Free { .. } => longest(&self.response, prompt, |_| true),
            Prompt::Comparative { .. } => longest(&self.comparative, prompt, |_| true),
            // The table's booleans are verdicts; the leader needs words.
            Prompt::NonComparativeLeader { .. } => {
                longest(&self.non_comparative, prompt, |value| !value.is_boolean())
                    .or_else(|| longest(&self.response, prompt, |_| true))
                    .or_else(|| longest(&self.non_comparative, prompt, |_| true))
            }
            Prompt::NonComparativeValidator { .. } => {
                let is_verdict = |value: &Value| value.is_boolean() || is_word(value);
                longest(&self.non_comparative, prompt, is_verdict)
            }
        }
    }

    /// All keys, for an error message.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        let named = |name: &'static str| {
            move |key: &String| format!("mock_response.{name} `{}`", beginning(key, 40))
        };
        let tables = [
            ("response", &self.response),
            ("eq_principle_prompt_comparative", &self.comparative),
            ("eq_principle_prompt_non_comparative", &self.non_comparative),
        ];
        tables.into_iter().flat_map(move |(name, table)| table.keys().map(named(name)))
    }
}

fn is_word(value: &Value) -> bool {
    value.as_str().is_some_and(|text| ["true", "false"].contains(&text.to_lowercase().as_str()))
}

fn longest<'a>(
    table: &'a BTreeMap<String, Value>,
    prompt: &Prompt,
    fits: impl Fn(&Value) -> bool,
) -> Option<(&'a String, &'a Value)> {
    let parts = prompt.parts();
    let is_part = |key: &str| parts.iter().any(|part| part.contains(key));
    // Of equally long keys the last in order wins, as `max_by_key` has it.
    table.iter().filter(|(key, value)| fits(value) && is_part(key)).max_by_key(|(key, _)| key.len())
}
