//! What a contract asks of its surroundings, as it crosses from the worker: a map in calldata.
//!
//! The worker's side builds it in Python; this is the parent's, which trusts nothing in it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::calldata::Value;
use crate::domain::ledger::StateVersion;
use crate::domain::{Address, Amount, Bytes, ExecutionOutcome, U256};
use crate::execution::nondeterminism::{
    Answer, AnswerFormat, NoAnswer, Prompt, RenderMode, RenderRequest, Rendered, WebRequest,
    WebResponse,
};

/// Longest time a page may be given for its scripts.
const RENDER_WAIT_MAX: Duration = Duration::from_secs(30);

/// A question of a contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Question {
    /// To a model.
    Prompt(Prompt),
    /// To a server.
    Web(WebRequest),
    /// To a page.
    Render(RenderRequest),
    /// To another contract, read-only.
    View {
        /// Which.
        contract: Address,
        /// Its accepted or its finalized state.
        version: StateVersion,
        /// Method and arguments.
        calldata: Bytes,
    },
    /// What somebody has.
    Balance(Address),
    /// Is there a contract at this address?
    IsContract(Address),
}

impl Question {
    /// Does it judge what the leader said?
    pub(super) const fn is_judgement(&self) -> bool {
        matches!(
            self,
            Self::Prompt(Prompt::Comparative { .. } | Prompt::NonComparativeValidator { .. })
        )
    }

    /// Reads a question; `None` when it is none that our SDK asks.
    pub(super) fn decode(data: &[u8]) -> Option<Self> {
        let Value::Map(mut fields) = Value::decode(data).ok()? else { return None };
        let fields = &mut fields;
        Some(match text(fields, "ask")?.as_str() {
            "prompt" => Self::Prompt(Prompt::Free {
                text: text(fields, "text")?,
                format: match text(fields, "format")?.as_str() {
                    "text" => AnswerFormat::Text,
                    "json" => AnswerFormat::Json,
                    _ => return None,
                },
                images: list(fields, "images")?,
            }),
            "comparative" => Self::Prompt(Prompt::Comparative {
                leader_answer: text(fields, "leader")?,
                validator_answer: text(fields, "validator")?,
                principle: text(fields, "principle")?,
            }),
            "non_comparative_leader" => Self::Prompt(Prompt::NonComparativeLeader {
                task: text(fields, "task")?,
                input: text(fields, "input")?,
                criteria: text(fields, "criteria")?,
            }),
            "non_comparative_validator" => Self::Prompt(Prompt::NonComparativeValidator {
                task: text(fields, "task")?,
                input: text(fields, "input")?,
                output: text(fields, "output")?,
                criteria: text(fields, "criteria")?,
            }),
            "web" => Self::Web(WebRequest {
                url: text(fields, "url")?,
                method: text(fields, "method")?,
                headers: headers(fields)?,
                body: match fields.remove("body")? {
                    Value::Null => None,
                    Value::Bytes(body) => Some(body),
                    _ => return None,
                },
            }),
            "render" => Self::Render(RenderRequest {
                url: text(fields, "url")?,
                mode: match text(fields, "mode")?.as_str() {
                    "text" => RenderMode::Text,
                    "html" => RenderMode::Html,
                    "screenshot" => RenderMode::Screenshot,
                    _ => return None,
                },
                wait: millis(fields, "wait")?.min(RENDER_WAIT_MAX),
            }),
            "view" => Self::View {
                contract: address(fields, "contract")?,
                version: match text(fields, "state")?.as_str() {
                    "accepted" => StateVersion::Accepted,
                    "finalized" => StateVersion::Finalized,
                    _ => return None,
                },
                calldata: match fields.remove("calldata")? {
                    Value::Bytes(calldata) => calldata,
                    _ => return None,
                },
            },
            "balance" => Self::Balance(address(fields, "of")?),
            "is_contract" => Self::IsContract(address(fields, "of")?),
            _ => return None,
        })
    }
}

type Fields = BTreeMap<String, Value>;

fn text(fields: &mut Fields, name: &str) -> Option<String> {
    match fields.remove(name)? {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn address(fields: &mut Fields, name: &str) -> Option<Address> {
    match fields.remove(name)? {
        Value::Address(address) => Some(address),
        _ => None,
    }
}

fn millis(fields: &mut Fields, name: &str) -> Option<Duration> {
    match fields.remove(name)? {
        Value::Integer(millis) => {
            millis.to_i64().and_then(|it| u64::try_from(it).ok()).map(Duration::from_millis)
        }
        _ => None,
    }
}

fn bytes(value: Value) -> Option<Bytes> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn list(fields: &mut Fields, name: &str) -> Option<Vec<Bytes>> {
    match fields.remove(name)? {
        Value::Array(values) => values.into_iter().map(bytes).collect(),
        _ => None,
    }
}

fn headers(fields: &mut Fields) -> Option<BTreeMap<String, Bytes>> {
    match fields.remove("headers")? {
        Value::Map(headers) => {
            headers.into_iter().map(|(name, value)| Some((name, bytes(value)?))).collect()
        }
        _ => None,
    }
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Map(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn ok(value: Value) -> Bytes {
    map([("ok", value)]).encode().into()
}

/// A refusal, which the SDK raises.
pub(super) fn refused(error: &NoAnswer) -> Bytes {
    map([("error", Value::Text(error.to_string()))]).encode().into()
}

/// A model's answer, for the SDK.
pub(super) fn answered(answer: Answer) -> Bytes {
    ok(match answer {
        Answer::Text(text) => Value::Text(text),
        // Calldata has no fractions; Python reads the text.
        Answer::Json(json) => Value::Text(json.to_string()),
        Answer::Verdict(verdict) => Value::Bool(verdict),
    })
}

/// A server's answer, for the SDK.
pub(super) fn fetched(response: WebResponse) -> Bytes {
    let headers = response.headers.into_iter().map(|(name, value)| (name, Value::Bytes(value)));
    ok(map([
        ("status", Value::from(i64::from(response.status))),
        ("headers", Value::Map(headers.collect())),
        ("body", Value::Bytes(response.body)),
    ]))
}

/// A page, for the SDK.
pub(super) fn rendered(page: Rendered) -> Bytes {
    ok(match page {
        Rendered::Text(text) => Value::Text(text),
        Rendered::Image(image) => Value::Bytes(image),
    })
}

/// How another contract's view ended, for the SDK: in the form of a block's output.
pub(super) fn viewed(outcome: &ExecutionOutcome) -> Bytes {
    let (kind, payload): (u8, &[u8]) = match outcome {
        ExecutionOutcome::Return(data) => (0, data),
        ExecutionOutcome::UserError(text) => (1, text.as_bytes()),
        ExecutionOutcome::VmError(code) => (2, code.as_bytes()),
    };
    let mut output = vec![kind];
    output.extend_from_slice(payload);
    ok(Value::Bytes(output.into()))
}

/// Yes or no, for the SDK.
pub(super) fn told(is_so: bool) -> Bytes {
    ok(Value::Bool(is_so))
}

/// A balance, for the SDK.
pub(super) fn owned(balance: Amount) -> Bytes {
    let balance: U256 = balance.get();
    ok(Value::Integer(balance.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded<const N: usize>(fields: [(&str, Value); N]) -> Vec<u8> {
        map(fields).encode()
    }

    #[test]
    fn questions_of_the_sdk_are_understood() {
        let data = encoded([
            ("ask", Value::from("prompt")),
            ("text", Value::from("why?")),
            ("format", Value::from("json")),
            ("images", Value::Array(vec![Value::Bytes(Bytes::from_static(b"png"))])),
        ]);
        let images = vec![Bytes::from_static(b"png")];
        let prompt = Prompt::Free { text: "why?".into(), format: AnswerFormat::Json, images };
        assert_eq!(Question::decode(&data), Some(Question::Prompt(prompt)));
        let data = encoded([
            ("ask", Value::from("render")),
            ("url", Value::from("https://a")),
            ("mode", Value::from("html")),
            ("wait", Value::from(1_000_000_000_i64)),
        ]);
        let Some(Question::Render(request)) = Question::decode(&data) else { panic!() };
        assert_eq!(request.wait, RENDER_WAIT_MAX);
    }

    #[test]
    fn what_the_sdk_does_not_ask_is_refused() {
        let wrong = [
            encoded([("ask", Value::from("shell"))]),
            encoded([("ask", Value::from("balance")), ("of", Value::from("me"))]),
            encoded([("ask", Value::from("web")), ("url", Value::from("https://a"))]),
            Value::Null.encode(),
            vec![7],
        ];
        for data in wrong {
            assert_eq!(Question::decode(&data), None, "{data:?}");
        }
    }
}
