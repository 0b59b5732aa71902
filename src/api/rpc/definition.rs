//! What a method is, and what it is called with.

use std::collections::BTreeMap;
use std::str::FromStr;

use futures_util::future::LocalBoxFuture;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::answer::{Answer, RpcError};
pub(super) use super::caller::Caller;
use crate::domain::{Address, Amount, Bytes, Digest};

/// The kind of a parameter: its words, and its JSON schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An account or a contract.
    Address,
    /// A transaction's or a block's hash.
    Hash,
    /// A block by its number or a word.
    Block,
    /// A number: decimal, or `0x` text.
    Integer,
    /// Money in wei, of any size and notation.
    Amount,
    /// Text.
    Text,
    /// `0x` and hexadecimal digits.
    Bytes,
    /// True or false.
    Flag,
    /// An object.
    Object,
    /// An array.
    List,
    /// Anything.
    Any,
}

impl Kind {
    /// What is valid, in words.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Address => "an address: `0x` and 40 hexadecimal digits",
            Self::Hash => "a hash: `0x` and 64 hexadecimal digits",
            Self::Block => {
                "a block: a number, a `0x` number, or latest, earliest, pending, safe, finalized"
            }
            Self::Integer => "an integer from 0 to 9223372036854775807",
            Self::Amount => {
                "an integer from 0 to 2^256 - 1, as a number, a decimal string or a `0x` string"
            }
            Self::Text => "a string",
            Self::Bytes => "`0x` and an even number of hexadecimal digits",
            Self::Flag => "true or false",
            Self::Object => "an object",
            Self::List => "an array",
            Self::Any => "JSON",
        }
    }
}

/// A parameter of a method.
#[derive(Debug, Clone, Copy)]
pub(super) struct Param {
    pub(super) name: &'static str,
    /// What Studio calls it, where that is something else; both are taken.
    pub(super) also: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

impl Param {
    /// The same parameter under the name that Studio gives it, as well.
    pub(super) const fn or(mut self, name: &'static str) -> Self {
        self.also = name;
        self
    }

    fn is_called(&self, name: &str) -> bool {
        self.name == name || !name.is_empty() && self.also == name
    }
}

/// A parameter that must be given.
pub(super) const fn needs(name: &'static str, kind: Kind) -> Param {
    Param { name, also: "", kind, required: true }
}

/// A parameter that may be left out, or be null.
pub(super) const fn may(name: &'static str, kind: Kind) -> Param {
    Param { name, also: "", kind, required: false }
}

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// Everybody.
    Open,
    /// Where access is guarded: who has the admin key.
    Admin,
    /// Where access is guarded: who has the admin key, or whose signature is given.
    Signed,
}

/// A method: what dispatch, parameter errors, the `OpenRPC` document and the documentation know.
#[derive(Debug, Clone, Copy)]
pub(super) struct Definition {
    pub(super) name: &'static str,
    pub(super) summary: &'static str,
    pub(super) params: &'static [Param],
    /// What the result is, in words.
    pub(super) result: &'static str,
    pub(super) gate: Gate,
    /// Where GenLayer Studio does something else: what, and why this.
    pub(super) differs: &'static str,
    pub(super) run: Run,
}

/// What runs a method.
pub(super) type Run = fn(Caller, Args) -> LocalBoxFuture<'static, Answer>;

impl Definition {
    pub(super) const fn new(
        name: &'static str,
        summary: &'static str,
        params: &'static [Param],
        result: &'static str,
        run: Run,
    ) -> Self {
        Self { name, summary, params, result, gate: Gate::Open, differs: "", run }
    }

    pub(super) const fn admin(mut self) -> Self {
        self.gate = Gate::Admin;
        self
    }

    pub(super) const fn signed(mut self) -> Self {
        self.gate = Gate::Signed;
        self
    }

    pub(super) const fn differs(mut self, differs: &'static str) -> Self {
        self.differs = differs;
        self
    }
}

/// The parameters of one call, by name, as they were written.
#[derive(Debug)]
pub(super) struct Args {
    definition: &'static Definition,
    values: BTreeMap<&'static str, Box<RawValue>>,
}

impl Args {
    /// Binds parameters by their place or by their name. What is surplus by place is ignored, as
    /// Ethereum's clients expect; an unknown name is a mistake.
    pub(super) fn bind(
        definition: &'static Definition,
        params: Option<&RawValue>,
    ) -> Result<Self, RpcError> {
        let mut values = BTreeMap::new();
        let text = params.map_or("[]", RawValue::get).trim();
        if text.starts_with('[') {
            let given: Vec<Box<RawValue>> = parsed(text)?;
            for (param, value) in definition.params.iter().zip(given) {
                values.insert(param.name, value);
            }
        } else if text.starts_with('{') {
            let given: BTreeMap<String, Box<RawValue>> = parsed(text)?;
            for (name, value) in given {
                let param = definition.params.iter().find(|param| param.is_called(&name));
                let param = param.ok_or_else(|| unexpected(definition, &name))?;
                values.insert(param.name, value);
            }
        } else if text != "null" {
            let message = "`params` must be an array or an object";
            return Err(RpcError::new(RpcError::INVALID_REQUEST, message));
        }
        values.retain(|_, value| value.get() != "null");
        let missing =
            definition.params.iter().find(|it| it.required && !values.contains_key(it.name));
        if let Some(missing) = missing {
            let message = format!("Missing required parameter: {}", missing.name);
            return Err(RpcError::new(RpcError::INVALID_PARAMS, message)
                .with(serde_json::json!({ "valid": missing.kind.words() })));
        }
        Ok(Self { definition, values })
    }

    fn invalid(&self, name: &str) -> RpcError {
        let given = self.values.get(name).map_or("nothing", |value| value.get());
        let param = self.definition.params.iter().find(|param| param.name == name);
        RpcError::invalid(name, given, param.map_or("JSON", |param| param.kind.words()))
    }

    /// The value as it was written.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(|value| value.get())
    }

    fn read<T>(
        &self,
        name: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, RpcError> {
        let Some(text) = self.raw(name) else { return Ok(None) };
        read(text).map(Some).ok_or_else(|| self.invalid(name))
    }

    /// A value that must be there; [`Args::bind`] has refused the call otherwise.
    pub(super) fn required<T>(&self, name: &str, value: Option<T>) -> Result<T, RpcError> {
        value.ok_or_else(|| self.invalid(name))
    }

    pub(super) fn address(&self, name: &str) -> Result<Option<Address>, RpcError> {
        self.read(name, |text| unquoted(text)?.parse().ok())
    }

    pub(super) fn hash(&self, name: &str) -> Result<Option<Digest>, RpcError> {
        self.read(name, |text| unquoted(text)?.parse().ok())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, RpcError> {
        self.read(name, unquoted)
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, RpcError> {
        self.read(name, |text| text.parse().ok())
    }

    pub(super) fn amount(&self, name: &str) -> Result<Option<Amount>, RpcError> {
        self.read(name, amount)
    }

    pub(super) fn integer(&self, name: &str) -> Result<Option<u64>, RpcError> {
        self.read(name, integer)
    }

    pub(super) fn bytes(&self, name: &str) -> Result<Option<Bytes>, RpcError> {
        self.read(name, |text| bytes(&unquoted(text)?))
    }

    pub(super) fn json(&self, name: &str) -> Result<Option<Json>, RpcError> {
        self.read(name, |text| serde_json::from_str(text).ok())
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<Map<String, Json>>, RpcError> {
        self.read(name, |text| serde_json::from_str(text).ok())
    }

    pub(super) fn list(&self, name: &str) -> Result<Option<Vec<Json>>, RpcError> {
        self.read(name, |text| serde_json::from_str(text).ok())
    }

    /// The fields of an object as they were written, so that amounts keep their digits.
    pub(super) fn fields(&self, name: &str) -> Result<Fields, RpcError> {
        let fields = self.read(name, |text| serde_json::from_str(text).ok())?;
        Ok(Fields { name: name.to_owned(), values: fields.unwrap_or_default() })
    }
}

fn unexpected(definition: &Definition, name: &str) -> RpcError {
    let name: String = name.chars().take(80).collect();
    let known: Vec<_> = definition.params.iter().map(|param| param.name).collect();
    let message = format!("Unexpected parameter: {name}");
    RpcError::new(RpcError::INVALID_PARAMS, message).with(serde_json::json!({ "valid": known }))
}

fn parsed<'a, T: serde::Deserialize<'a>>(text: &'a str) -> Result<T, RpcError> {
    serde_json::from_str(text)
        .map_err(|error| RpcError::new(RpcError::INVALID_REQUEST, error.to_string()))
}

/// The fields of an object, as they were written.
#[derive(Debug)]
pub(super) struct Fields {
    name: String,
    values: BTreeMap<String, Box<RawValue>>,
}

impl Fields {
    fn read<T>(
        &self,
        field: &str,
        kind: Kind,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, RpcError> {
        let text = self.values.get(field).map(|value| value.get()).filter(|text| *text != "null");
        let Some(text) = text else { return Ok(None) };
        let name = format!("{}.{field}", self.name);
        read(text).map(Some).ok_or_else(|| RpcError::invalid(&name, text, kind.words()))
    }

    pub(super) fn address(&self, field: &str) -> Result<Option<Address>, RpcError> {
        self.read(field, Kind::Address, |text| unquoted(text)?.parse().ok())
    }

    pub(super) fn amount(&self, field: &str) -> Result<Option<Amount>, RpcError> {
        self.read(field, Kind::Amount, amount)
    }

    pub(super) fn text(&self, field: &str) -> Result<Option<String>, RpcError> {
        self.read(field, Kind::Text, unquoted)
    }

    /// Bytes with or without `0x`.
    pub(super) fn bytes(&self, field: &str) -> Result<Option<Bytes>, RpcError> {
        self.read(field, Kind::Bytes, |text| bytes(&unquoted(text)?))
    }

    pub(super) fn json(&self, field: &str) -> Result<Option<Json>, RpcError> {
        self.read(field, Kind::Any, |text| serde_json::from_str(text).ok())
    }
}

fn unquoted(text: &str) -> Option<String> {
    serde_json::from_str(text).ok()
}

fn bytes(text: &str) -> Option<Bytes> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_plain.then(|| alloy_primitives::hex::decode(digits).ok())?.map(Bytes::from)
}

/// A number, a `0x` string or a decimal string that fits the database's integers.
pub(super) fn integer(text: &str) -> Option<u64> {
    let amount = amount(text)?;
    u64::try_from(amount.get()).ok().filter(|number| *number <= i64::MAX.unsigned_abs())
}

/// An amount as a number of any notation, with an exponent as well, or as a string.
pub(super) fn amount(text: &str) -> Option<Amount> {
    if text.starts_with('"') {
        let text = unquoted(text)?;
        return Amount::from_str(&text).ok().or_else(|| whole(&text));
    }
    whole(text)
}

/// A JSON number that is a whole one: `5`, `1e+21`, `1.5E3`, `20.0`.
fn whole(text: &str) -> Option<Amount> {
    /// Digits of 2²⁵⁶ − 1.
    const DIGITS_MAX: usize = 78;
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let after = after.trim_end_matches('0');
    let shift = usize::try_from(exponent.checked_sub(i32::try_from(after.len()).ok()?)?).ok()?;
    let digits = format!("{before}{after}");
    let digits = digits.trim_start_matches('0');
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain || before.is_empty() {
        return None;
    }
    if digits.is_empty() {
        return Some(Amount::ZERO);
    }
    if digits.len().saturating_add(shift) > DIGITS_MAX {
        return None;
    }
    Amount::from_str(&format!("{digits}{}", "0".repeat(shift))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_keep_every_digit_in_every_notation() {
        for (text, value) in [
            ("5", "5"),
            ("1e+21", "1000000000000000000000"),
            ("1.5E3", "1500"),
            ("20.0", "20"),
            ("0", "0"),
            ("0e5", "0"),
            ("1234567890123456789012345", "1234567890123456789012345"),
            ("\"0xde0b6b3a7640000\"", "1000000000000000000"),
            ("\"42\"", "42"),
            ("\"1e3\"", "1000"),
        ] {
            assert_eq!(amount(text).map(|amount| amount.to_string()), Some(value.into()), "{text}");
        }
        for bad in ["-1", "1.5", "1e-3", "\"\"", "\"0x\"", "1e400", "true", "[]", "\"-5\"", "1e78"]
        {
            assert_eq!(amount(bad), None, "{bad}");
        }
    }

    #[test]
    fn bytes_come_with_and_without_their_prefix() {
        for text in ["0x0aFF", "0aFF"] {
            assert_eq!(bytes(text).unwrap().as_ref(), [0x0a, 0xff]);
        }
        for bad in ["0x0", "0xzz", "0x0x11"] {
            assert_eq!(bytes(bad), None, "{bad}");
        }
    }
}
