//! Answers from a script: what a prompt says decides what is answered, and nothing is made up.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use serde_json::Value;

use super::failure::beginning;
use super::reply::json_object;
use super::studio_mocks::StudioMocks;
use crate::domain::Address;
use crate::domain::ModelChoice;
use crate::execution::nondeterminism::aside::aside;
use crate::execution::nondeterminism::{
    Answer, AnswerFormat, Asker, Models, NoAnswer, Prompt, codes,
};

/// Size of a compiled pattern: its search takes this long for every letter, at worst.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// Why a script was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct ScriptError {
    /// Which mock, such as `mocks[2]`.
    pub place: String,
    /// What is wrong with it.
    pub reason: String,
}

impl ScriptError {
    pub(super) fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { place: place.into(), reason: reason.into() }
    }
}

/// Mocks in order: the first that fits a prompt answers it, and a prompt that none fits is an
/// error. Studio's tables, where there are any, are looked through after them.
///
/// As JSON, a list of objects. One of `exact`, `contains` and `regex` says which prompts it is for
/// (they look at every part of a prompt: text, principle, task, criteria, input, answers). `answer`
/// is a text, an object or a boolean, or instead `error` is
/// `{"code": "LLM_RATE_LIMITED", "reason": "…", "refused": false}`. Optional: `kind` (`prompt`,
/// `comparative`, `non_comparative_leader`, `non_comparative_validator`), `nodes` (a list of
/// addresses), `leads` (only the leader, or only validators).
#[derive(Debug, Clone, Default)]
pub struct Script {
    mocks: Vec<Mock>,
    studio: StudioMocks,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMock {
    exact: Option<String>,
    contains: Option<String>,
    regex: Option<String>,
    answer: Option<Value>,
    error: Option<RawError>,
    kind: Option<Kind>,
    nodes: Option<Vec<Address>>,
    leads: Option<bool>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawError {
    code: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    refused: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Prompt,
    Comparative,
    NonComparativeLeader,
    NonComparativeValidator,
}

#[derive(Debug, Clone)]
enum Matcher {
    Exact(String),
    Contains(String),
    Pattern(Regex),
}

impl Matcher {
    fn fits(&self, part: &str) -> bool {
        match self {
            Self::Exact(text) => part == text,
            Self::Contains(text) => part.contains(text),
            Self::Pattern(pattern) => pattern.is_match(part),
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => write!(f, "exact `{}`", beginning(text, 40)),
            Self::Contains(text) => write!(f, "contains `{}`", beginning(text, 40)),
            Self::Pattern(pattern) => write!(f, "regex `{}`", beginning(pattern.as_str(), 40)),
        }
    }
}

#[derive(Debug, Clone)]
struct Mock {
    matcher: Matcher,
    kind: Option<Kind>,
    nodes: Option<Vec<Address>>,
    leads: Option<bool>,
    reply: Result<Value, NoAnswer>,
}

impl Mock {
    fn from_raw(raw: RawMock) -> Result<Self, String> {
        let matcher = match (raw.exact, raw.contains, raw.regex) {
            (Some(text), None, None) => Matcher::Exact(text),
            (None, Some(text), None) => Matcher::Contains(text),
            (None, None, Some(text)) => {
                let pattern = RegexBuilder::new(&text).size_limit(PATTERN_BYTES_MAX).build();
                Matcher::Pattern(pattern.map_err(|error| error.to_string())?)
            }
            _ => return Err("exactly one of `exact`, `contains` and `regex` is wanted".to_owned()),
        };
        let reply = match (raw.answer, raw.error) {
            (Some(answer), None) => Ok(answer),
            (None, Some(error)) => Err(error.into_no_answer()?),
            _ => return Err("exactly one of `answer` and `error` is wanted".to_owned()),
        };
        Ok(Self { matcher, kind: raw.kind, nodes: raw.nodes, leads: raw.leads, reply })
    }

    fn fits(&self, asker: &Asker, prompt: &Prompt) -> bool {
        self.kind.is_none_or(|kind| kind == kind_of(prompt))
            && self.leads.is_none_or(|leads| leads == asker.leads)
            && self.nodes.as_ref().is_none_or(|nodes| nodes.contains(&asker.node))
            && prompt.parts().into_iter().any(|part| self.matcher.fits(part))
    }
}

impl RawError {
    fn into_no_answer(self) -> Result<NoAnswer, String> {
        let code = codes::known(&self.code);
        let code = code.ok_or_else(|| format!("there is no code `{}`", self.code))?;
        Ok(if self.refused {
            NoAnswer::refused(code, self.reason)
        } else {
            NoAnswer::unavailable(code, self.reason)
        })
    }
}

impl Script {
    /// Reads a list of mocks.
    pub fn from_json(mocks: &Value) -> Result<Self, ScriptError> {
        let list = mocks.as_array();
        let list = list.ok_or_else(|| ScriptError::new("mocks", "must be a list of objects"))?;
        let read = |(index, mock): (usize, &Value)| {
            serde_json::from_value(mock.clone())
                .map_err(|error| error.to_string())
                .and_then(Mock::from_raw)
                .map_err(|reason| ScriptError::new(format!("mocks[{index}]"), reason))
        };
        let mocks = list.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        Ok(Self { mocks, studio: StudioMocks::default() })
    }

    /// The script in a choice's `plugin_config`, if it has one.
    pub(in crate::execution::nondeterminism) fn of_choice(
        choice: &ModelChoice,
    ) -> Result<Option<Self>, ScriptError> {
        if !choice.is_mocked() {
            return Ok(None);
        }
        let (own, studio) =
            (choice.plugin_config.get("mocks"), choice.plugin_config.get("mock_response"));
        let mut script = match own {
            Some(own) if !own.is_null() => Self::from_json(own)?,
            _ => Self::default(),
        };
        if let Some(studio) = studio {
            script.studio = StudioMocks::from_json(studio)?;
        }
        Ok(Some(script))
    }

    /// What the script of a choice says to a prompt; `None` if the choice has no script.
    ///
    /// Tables, patterns and the prompt can be large: they are read beside the event loop.
    pub(in crate::execution::nondeterminism) async fn answer_of(
        choice: &ModelChoice,
        asker: &Asker,
        prompt: &Prompt,
    ) -> Result<Option<Result<Answer, NoAnswer>>, ScriptError> {
        if !choice.is_mocked() {
            return Ok(None);
        }
        let (choice, asker, prompt) = (choice.clone(), asker.clone(), prompt.clone());
        let answer = aside(move || {
            let script = Self::of_choice(&choice)?;
            Ok(script.map(|script| script.answer(&asker, &prompt)))
        });
        answer.await.unwrap_or_else(|| Ok(Some(Err(broken()))))
    }

    /// What the script says to a prompt.
    pub fn answer(&self, asker: &Asker, prompt: &Prompt) -> Result<Answer, NoAnswer> {
        if let Some(mock) = self.mocks.iter().find(|mock| mock.fits(asker, prompt)) {
            let reply = mock.reply.clone()?;
            return shaped(&reply, prompt).ok_or_else(|| unfit(&mock.matcher.to_string(), prompt));
        }
        match self.studio.find(prompt) {
            Some((key, value)) => {
                let name = format!("mock_response `{}`", beginning(key, 40));
                shaped(value, prompt).ok_or_else(|| unfit(&name, prompt))
            }
            None => Err(self.unmatched(prompt)),
        }
    }

    fn unmatched(&self, prompt: &Prompt) -> NoAnswer {
        let mut names: Vec<String> =
            self.mocks.iter().map(|mock| mock.matcher.to_string()).collect();
        names.extend(self.studio.names());
        let known = if names.is_empty() { "there are none".to_owned() } else { names.join(", ") };
        let said = prompt.parts().first().map(|part| beginning(part, 120)).unwrap_or_default();
        NoAnswer::unavailable(
            codes::LLM_NO_PROVIDER,
            format!("no mock fits the {} `{said}`; mocks: {known}", wanted_of(prompt).0),
        )
    }
}

fn broken() -> NoAnswer {
    NoAnswer::unavailable(codes::LLM_PROVIDER_ERROR, "the mocks could not be read")
}

fn unfit(mock: &str, prompt: &Prompt) -> NoAnswer {
    let (asked, wanted) = wanted_of(prompt);
    NoAnswer::unavailable(
        codes::LLM_NO_PROVIDER,
        format!("the mock {mock} fits the {asked}, but its answer is not {wanted}"),
    )
}

/// What a prompt is called, and what it wants.
const fn wanted_of(prompt: &Prompt) -> (&'static str, &'static str) {
    match prompt {
        Prompt::Free { format: AnswerFormat::Text, .. } => ("prompt", "a text"),
        Prompt::Free { format: AnswerFormat::Json, .. } => ("JSON prompt", "a JSON object"),
        Prompt::Comparative { .. } => ("comparison by the principle", "true or false"),
        Prompt::NonComparativeLeader { .. } => ("task", "a text"),
        Prompt::NonComparativeValidator { .. } => ("judgement of the task", "true or false"),
    }
}

const fn kind_of(prompt: &Prompt) -> Kind {
    match prompt {
        Prompt::Free { .. } => Kind::Prompt,
        Prompt::Comparative { .. } => Kind::Comparative,
        Prompt::NonComparativeLeader { .. } => Kind::NonComparativeLeader,
        Prompt::NonComparativeValidator { .. } => Kind::NonComparativeValidator,
    }
}

/// A mock's value as the answer that the prompt wants, if it can be one.
fn shaped(value: &Value, prompt: &Prompt) -> Option<Answer> {
    let verdict = || match value {
        Value::Bool(verdict) => Some(Answer::Verdict(*verdict)),
        Value::String(text) => text.trim().to_lowercase().parse().ok().map(Answer::Verdict),
        _ => None,
    };
    match prompt {
        Prompt::Free { format: AnswerFormat::Json, .. } => match value {
            Value::Object(_) => Some(Answer::Json(value.clone())),
            Value::String(text) => json_object(text).map(Answer::Json),
            _ => None,
        },
        Prompt::Free { .. } | Prompt::NonComparativeLeader { .. } => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            Some(Answer::Text(text))
        }
        Prompt::Comparative { .. } | Prompt::NonComparativeValidator { .. } => verdict(),
    }
}

/// One script for all nodes, exchangeable at run time. Clones are handles to the same script.
#[derive(Debug, Clone, Default)]
pub struct ScriptedModels {
    script: Arc<RwLock<Arc<Script>>>,
}

impl ScriptedModels {
    /// Answers from this script.
    pub fn new(script: Script) -> Self {
        Self { script: Arc::new(RwLock::new(Arc::new(script))) }
    }

    /// Answers from another script from now on.
    pub fn set(&self, script: Script) {
        *self.script.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(script);
    }
}

impl Models for ScriptedModels {
    fn ask(&self, asker: Asker, prompt: Prompt) -> BoxFuture<'static, Result<Answer, NoAnswer>> {
        let script = self.script.read().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = aside(move || script.answer(&asker, &prompt));
        async move { answer.await.unwrap_or_else(|| Err(broken())) }.boxed()
    }
}
