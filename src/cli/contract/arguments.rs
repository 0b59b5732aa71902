//! Values of calldata as people type them in a shell.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::domain::calldata::{Integer, Value};
use crate::domain::{Address, from_json};

/// What can be typed, in the words of an error message.
const VALID: &str = "an integer, true, false, null, an address (`0x` and 40 digits), JSON \
    (\"text\", [1, 2], {\"key\": 1}, {\"$bytes\": \"0x…\"}, {\"$int\": \"…\"}), or a bare word";

/// Why something typed is no argument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ArgumentError {
    /// A value that has no meaning.
    #[error("`{value}` is no argument: {reason}; valid are {VALID}")]
    Value {
        /// What was typed.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that comes twice.
    #[error("the argument `{0}` is given twice")]
    Twice(String),
    /// A positional argument after a named one.
    #[error("`{0}` comes after a named argument: put positional arguments first")]
    Late(String),
    /// A call whose quotes or brackets do not close.
    #[error("the call `{0}` has a quote or bracket that does not close")]
    Open(String),
    /// A call without a method.
    #[error("a call needs a method: `--call \"transfer 0x… 5\"`")]
    Empty,
}

/// Positional and named arguments of one call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Arguments {
    /// By position.
    pub(super) args: Vec<Value>,
    /// By name.
    pub(super) kwargs: BTreeMap<String, Value>,
}

impl Arguments {
    /// Reads each word as a value, or as `name=value`.
    pub(super) fn parse<S: AsRef<str>>(words: &[S]) -> Result<Self, ArgumentError> {
        let mut arguments = Self::default();
        for word in words.iter().map(AsRef::as_ref) {
            match word.split_once('=').filter(|(name, _)| is_name(name)) {
                Some((name, text)) => {
                    if arguments.kwargs.insert(name.to_owned(), value(text)?).is_some() {
                        return Err(ArgumentError::Twice(name.to_owned()));
                    }
                }
                None if arguments.kwargs.is_empty() => arguments.args.push(value(word)?),
                None => return Err(ArgumentError::Late(word.to_owned())),
            }
        }
        Ok(arguments)
    }
}

fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// Reads one value.
pub(super) fn value(text: &str) -> Result<Value, ArgumentError> {
    let wrong =
        |reason: &str| ArgumentError::Value { value: text.to_owned(), reason: reason.into() };
    match text {
        "null" | "None" => return Ok(Value::Null),
        "true" | "True" => return Ok(Value::Bool(true)),
        "false" | "False" => return Ok(Value::Bool(false)),
        _ => {}
    }
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return match text.parse::<Address>() {
            Ok(address) => Ok(Value::Address(address)),
            Err(_) if digits.len() == 40 => Err(wrong("it is not an address")),
            Err(_) => Err(wrong(
                "only addresses are written with `0x` alone; bytes are {\"$bytes\": \"0x…\"}, \
                 integers decimal and text \"0x…\" with quotes",
            )),
        };
    }
    if text.starts_with(['{', '[', '"']) {
        let json: Json = serde_json::from_str(text)
            .map_err(|error| wrong(&format!("it begins like JSON and is none ({error})")))?;
        return from_json(&json).map_err(|error| wrong(&error.to_string()));
    }
    if let Some(integer) = Integer::parse(text) {
        return Ok(Value::Integer(integer));
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.starts_with(|c: char| c.is_ascii_digit()) && digits.parse::<f64>().is_ok() {
        return Err(wrong("calldata has integers only, of at most 8000 digits; text is \"1.5\""));
    }
    Ok(Value::from(text))
}

/// Splits a call such as `set "a key" [1, 2]` into words, as a shell does; brackets keep together
/// what they hold.
pub(super) fn split(call: &str) -> Result<Vec<String>, ArgumentError> {
    let mut words = Vec::new();
    let (mut word, mut is_word) = (String::new(), false);
    let (mut quote, mut depth, mut is_escaped) = (None, 0_usize, false);
    for character in call.chars() {
        match (quote, character) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some('"'), '\\') => is_escaped = true,
            (Some(open), _) if open == character => {
                quote = None;
                if open == '\'' && depth == 0 {
                    continue;
                }
            }
            (None, '\'') if depth == 0 => {
                (quote, is_word) = (Some('\''), true);
                continue;
            }
            (None, '"') => quote = Some('"'),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth = depth.saturating_sub(1),
            (None, _) if character.is_whitespace() && depth == 0 => {
                if std::mem::take(&mut is_word) {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            _ => {}
        }
        word.push(character);
        is_word = true;
    }
    if quote.is_some() || depth > 0 {
        return Err(ArgumentError::Open(call.to_owned()));
    }
    if is_word {
        words.push(word);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::to_json;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, expected: &Json) {
        assert_eq!(to_json(&value(text).unwrap()), *expected, "{text}");
    }

    #[test]
    fn values_are_read_by_their_form() {
        let address = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
        check("5", &json!(5));
        check("-5", &json!(-5));
        check(&"9".repeat(80), &json!({ "$int": "9".repeat(80) }));
        check("true", &json!(true));
        check("False", &json!(false));
        check("None", &Json::Null);
        check("hello", &json!("hello"));
        check("two words", &json!("two words"));
        check("", &json!(""));
        check("-x", &json!("-x"));
        check("1st", &json!("1st"));
        check("\"5\"", &json!("5"));
        check("[1, \"a\"]", &json!([1, "a"]));
        check("{\"a\": null}", &json!({ "a": null }));
        check("{\"$bytes\": \"0x01\"}", &json!({ "$bytes": "0x01" }));
        check(address, &json!({ "$address": address }));
        check(&address.to_lowercase(), &json!({ "$address": address }));
    }

    #[test]
    fn what_has_no_meaning_is_named_with_what_is_valid() {
        let long = "9".repeat(8_001);
        for text in ["1.5", "-1e3", "[1,", "{a: 1}", "\"x", "[1.5]", "0x12", "0xzz", &long] {
            let error = value(text).unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")) && error.contains("$bytes"), "{error}");
        }
    }

    #[test]
    fn named_arguments_follow_positional_ones() {
        let both = Arguments::parse(&["1", "name=a=b", "flag=true"]).unwrap();
        assert_eq!(both.args, [Value::from(1_u64)]);
        assert_eq!(both.kwargs["name"], Value::from("a=b"));
        assert_eq!(both.kwargs["flag"], Value::Bool(true));
        assert_eq!(Arguments::parse(&["a=1", "a=2"]), Err(ArgumentError::Twice("a".into())));
        assert_eq!(Arguments::parse(&["a=1", "2"]), Err(ArgumentError::Late("2".into())));
        let text = Arguments::parse(&["1=2", "\"a=b\""]).unwrap();
        assert_eq!(text.args, [Value::from("1=2"), Value::from("a=b")]);
    }

    #[test]
    fn calls_are_split_as_a_shell_does() {
        let words = |call| split(call).unwrap();
        assert_eq!(words("set a 1"), ["set", "a", "1"]);
        assert_eq!(words("  set   'a b'  \"c d\" "), ["set", "a b", "\"c d\""]);
        assert_eq!(words("set [1, 2] {\"a b\": [3, 4]}"), ["set", "[1, 2]", "{\"a b\": [3, 4]}"]);
        assert_eq!(words("set \"a \\\" b\" ''"), ["set", "\"a \\\" b\"", ""]);
        assert_eq!(words("set [\"it's ]\", 1]"), ["set", "[\"it's ]\", 1]"]);
        for open in ["set 'a", "set [1", "set \"a"] {
            assert_eq!(split(open), Err(ArgumentError::Open(open.into())));
        }
    }
}
