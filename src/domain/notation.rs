//! How calldata values look in JSON: lossless both ways.
//!
//! JSON has no addresses, no bytes and no integers beyond 2⁵³, so those are objects with one key:
//! `{"$address": "0x…"}`, `{"$bytes": "0x…"}`, `{"$int": "123"}`. A map that has such a key itself
//! is written `{"$map": {…}}`. Integers of more than 1024 bytes are written in hexadecimal. What is
//! nested so deep that readers of JSON refuse it is written by its encoding: `{"$calldata": "0x…"}`.

use std::collections::BTreeMap;

use alloy_primitives::Bytes;
use serde_json::{Map, Value as Json, json};

use super::calldata::{DEPTH_MAX, Integer, Value};

/// The largest integer every JSON reader keeps exactly.
const SAFE_INTEGER_MAX: i64 = (1 << 53) - 1;
/// Levels of a value that are written as JSON. A level can take two containers, and readers of JSON
/// stop at 128 of them, counting those that an answer adds around the value.
const LEVELS_MAX: usize = 48;

/// Why JSON is not a calldata value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotationError {
    /// A number with a fraction or an exponent.
    #[error("`{0}` is not an integer; calldata has no fractions: send a decimal string instead")]
    Fraction(String),
    /// A tagged object with a value that does not fit.
    #[error("{{\"{tag}\": …}} must hold {expected}")]
    BadTag {
        /// The key.
        tag: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// Nesting beyond the limit of calldata.
    #[error("arguments are nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

/// Reads JSON as a calldata value.
pub fn from_json(json: &Json) -> Result<Value, NotationError> {
    read(json, 0)
}

fn read(json: &Json, depth: usize) -> Result<Value, NotationError> {
    if depth > DEPTH_MAX {
        return Err(NotationError::TooDeep);
    }
    match json {
        Json::Null => Ok(Value::Null),
        Json::Bool(value) => Ok(Value::Bool(*value)),
        Json::Number(number) => Integer::parse(&number.to_string())
            .map(Value::Integer)
            .ok_or_else(|| NotationError::Fraction(number.to_string())),
        Json::String(text) => Ok(Value::Text(text.clone())),
        Json::Array(items) => items
            .iter()
            .map(|item| read(item, depth + 1))
            .collect::<Result<_, _>>()
            .map(Value::Array),
        Json::Object(entries) => match tagged(entries) {
            Some(("$map", Json::Object(inner))) => read_map(inner, depth),
            Some((tag, value)) => read_tagged(tag, value),
            None => read_map(entries, depth),
        },
    }
}

fn read_map(entries: &Map<String, Json>, depth: usize) -> Result<Value, NotationError> {
    let read_entry = |(key, value): (&String, &Json)| Ok((key.clone(), read(value, depth + 1)?));
    entries.iter().map(read_entry).collect::<Result<BTreeMap<_, _>, _>>().map(Value::Map)
}

/// The only key of an object and its value, when that key is one of ours.
fn tagged(entries: &Map<String, Json>) -> Option<(&'static str, &Json)> {
    let (key, value) = entries.iter().next().filter(|_| entries.len() == 1)?;
    let tag =
        ["$address", "$bytes", "$calldata", "$int", "$map"].into_iter().find(|tag| tag == key)?;
    Some((tag, value))
}

fn read_tagged(tag: &'static str, value: &Json) -> Result<Value, NotationError> {
    let text = value.as_str().unwrap_or_default();
    let (value, expected) = match tag {
        "$address" => {
            (text.parse().ok().map(Value::Address), "`0x` and 40 hexadecimal digits, as a string")
        }
        "$bytes" => (
            hexadecimal(text).map(|bytes| Value::Bytes(Bytes::from(bytes))),
            "`0x` and an even number of hexadecimal digits, as a string",
        ),
        "$calldata" => (
            hexadecimal(text).and_then(|bytes| Value::decode(&bytes).ok()),
            "an encoded value: `0x` and hexadecimal digits, as a string",
        ),
        "$int" => (
            Integer::parse(text).map(Value::Integer),
            "an integer as a string: at most 8000 decimal digits, or `0x` and hexadecimal ones",
        ),
        _ => (None, "an object"),
    };
    value.ok_or(NotationError::BadTag { tag, expected })
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    alloy_primitives::hex::decode(text.strip_prefix("0x")?).ok()
}

/// Writes a calldata value as JSON.
pub fn to_json(value: &Value) -> Json {
    if is_deeper(value, LEVELS_MAX) {
        return json!({ "$calldata": Bytes::from(value.encode()) });
    }
    write(value)
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    let Some(within) = levels.checked_sub(1) else {
        return matches!(value, Value::Array(_) | Value::Map(_));
    };
    match value {
        Value::Array(values) => values.iter().any(|value| is_deeper(value, within)),
        Value::Map(entries) => entries.values().any(|value| is_deeper(value, within)),
        _ => false,
    }
}

fn write(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        Value::Address(address) => json!({ "$address": address }),
        Value::Integer(integer) => match integer.to_i64() {
            Some(small) if (-SAFE_INTEGER_MAX..=SAFE_INTEGER_MAX).contains(&small) => json!(small),
            _ => json!({ "$int": integer.to_text() }),
        },
        Value::Bytes(bytes) => json!({ "$bytes": bytes }),
        Value::Text(text) => Json::String(text.clone()),
        Value::Array(values) => Json::Array(values.iter().map(write).collect()),
        Value::Map(entries) => {
            let map: Map<String, Json> =
                entries.iter().map(|(key, value)| (key.clone(), write(value))).collect();
            if tagged(&map).is_some() { json!({ "$map": map }) } else { Json::Object(map) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_survives_the_way_to_json_and_back() {
        let values = [
            json!(null),
            json!([true, 1, -1, "text", { "a": [] }]),
            json!({ "$address": "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266" }),
            json!({ "$bytes": "0x00ff" }),
            json!({ "$int": "-123456789012345678901234567890" }),
            json!({ "$map": { "$int": "not a number" } }),
            json!({ "$int": format!("-0x{}", "0f".repeat(1_025)) }),
        ];
        for json in values {
            assert_eq!(to_json(&from_json(&json).unwrap()), json);
        }
    }

    #[test]
    fn what_is_too_deep_for_readers_of_json_is_written_by_its_encoding() {
        let nested = |levels: usize| {
            let deepest = Value::Map(BTreeMap::from([("$int".to_owned(), Value::Null)]));
            (1..levels)
                .fold(deepest, |inner, _| Value::Map(BTreeMap::from([("$map".to_owned(), inner)])))
        };
        for levels in [1, LEVELS_MAX, LEVELS_MAX + 1, DEPTH_MAX - 1] {
            let json = to_json(&nested(levels));
            assert_eq!(json.get("$calldata").is_some(), levels > LEVELS_MAX, "{levels}");
            let text = json!([[[[[[[[json]]]]]]]]).to_string();
            let read: Json = serde_json::from_str(&text).unwrap();
            let read = read.pointer("/0/0/0/0/0/0/0/0").unwrap();
            assert_eq!(from_json(read), Ok(nested(levels)), "{levels}");
        }
        assert!(from_json(&json!({ "$calldata": "0xff" })).is_err());
    }

    #[test]
    fn fractions_bad_tags_and_deep_nesting_are_refused() {
        for bad in [
            json!(1.5),
            json!({ "$address": "0x12" }),
            json!({ "$address": 7 }),
            json!({ "$bytes": "0x0" }),
            json!({ "$int": "1.5" }),
            json!({ "$int": "0x" }),
            json!({ "$int": "9".repeat(8_001) }),
            json!({ "$map": [] }),
        ] {
            assert!(from_json(&bad).is_err(), "{bad}");
        }
        let deep = (0..=DEPTH_MAX).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(from_json(&deep), Err(NotationError::TooDeep));
    }
}
