//! What a model said, as an answer of the kind that was wanted.

use serde_json::Value;

use super::failure::{Failure, beginning};
use super::template::Wanted;
use crate::execution::nondeterminism::Answer;

/// Reads a model's words; words of the wrong form are worth one more try.
pub(super) fn read(text: &str, wanted: Wanted) -> Result<Answer, Failure> {
    let unfit = |what: &str| {
        let said = beginning(text, 120);
        Failure::prompt(format!("the model answered without {what}: `{said}`"))
    };
    match wanted {
        Wanted::Text => Ok(Answer::Text(text.to_owned())),
        Wanted::Json => json_object(text).map(Answer::Json).ok_or_else(|| unfit("a JSON object")),
        Wanted::Verdict => json_object(text)
            .and_then(|object| verdict(object.get("result")?))
            .map(Answer::Verdict)
            .ok_or_else(|| unfit("a JSON object with a `result` of true or false")),
    }
}

/// Yes or no, as a boolean or as its word.
fn verdict(value: &Value) -> Option<bool> {
    let word = value.as_str().map(str::to_lowercase);
    value.as_bool().or(match word.as_deref() {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    })
}

/// The JSON object in a text: alone, in a code fence, or with words around it.
pub(super) fn json_object(text: &str) -> Option<Value> {
    // Some models think aloud first.
    let text = text.rsplit_once("</think>").map_or(text, |(_, after)| after).trim();
    let whole = serde_json::from_str(text).ok();
    let inner = || {
        let (start, end) = (text.find('{')?, text.rfind('}')?);
        serde_json::from_str(text.get(start..=end)?).ok()
    };
    whole.or_else(inner).filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_is_found_in_what_models_write_around_it() {
        let object = json!({"a": {"b": "}"}});
        for text in [
            r#"{"a":{"b":"}"}}"#,
            "```json\n{\"a\":{\"b\":\"}\"}}\n```",
            "```\n{\"a\":{\"b\":\"}\"}}```",
            "Here you are:\n{\"a\":{\"b\":\"}\"}}\nAnything else?",
            "<think>{perhaps}</think>\n{\"a\":{\"b\":\"}\"}}",
        ] {
            assert_eq!(json_object(text), Some(object.clone()), "{text}");
        }
        for text in ["", "yes", "[1]", "12", "{\"a\":", "} {", "null"] {
            assert_eq!(json_object(text), None, "{text}");
        }
    }

    #[test]
    fn a_verdict_is_true_or_false_and_nothing_else() {
        let read = |text: &str| read(text, Wanted::Verdict).ok();
        assert_eq!(read(r#"{"result": true}"#), Some(Answer::Verdict(true)));
        assert_eq!(read(r#"{"result": "False"}"#), Some(Answer::Verdict(false)));
        for text in [r#"{"result": 1}"#, r#"{"verdict": true}"#, "true", r#"{"result": null}"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
