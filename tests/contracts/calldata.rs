//! Calldata against vectors that other clients produced.

use agora::domain::calldata::{Integer, Value};
use agora::domain::{Address, Bytes};
use proptest::prelude::*;

/// A value in the notation of the vectors.
fn value_of(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => {
            Value::Integer(Integer::parse(&number.to_string()).unwrap())
        }
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(values) => Value::Array(values.iter().map(value_of).collect()),
        serde_json::Value::Object(entries) => {
            let text = |key: &str| entries.get(key).and_then(serde_json::Value::as_str);
            if let Some(decimal) = text("$int") {
                return Value::Integer(Integer::parse(decimal).unwrap());
            }
            if let Some(hex) = text("$bytes") {
                return Value::Bytes(bytes_of(hex));
            }
            if let Some(hex) = text("$addr") {
                return Value::Address(Address::from_slice(&bytes_of(hex)).unwrap());
            }
            let entry = |(key, value): (&String, _)| (key.clone(), value_of(value));
            Value::Map(entries.iter().map(entry).collect())
        }
    }
}

fn bytes_of(hex: &str) -> Bytes {
    let hex = if hex.starts_with("0x") { hex.to_owned() } else { format!("0x{hex}") };
    hex.parse().unwrap()
}

#[test]
fn vectors_of_other_clients_hold_in_both_directions() {
    let vectors: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("calldata.json")).unwrap();
    assert_eq!(vectors.len(), 42);
    for vector in vectors {
        let value = value_of(&vector["value"]);
        let encoded = bytes_of(vector["hex"].as_str().unwrap());
        assert_eq!(Bytes::from(value.encode()), encoded, "{vector}");
        assert_eq!(Value::decode(&encoded).unwrap(), value, "{vector}");
    }
}

proptest! {
    #[test]
    fn decoding_never_panics_and_what_decodes_has_one_encoding(
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
    ) {
        if let Ok(value) = Value::decode(&bytes) {
            prop_assert_eq!(value.encode(), bytes);
        }
    }
}
