//! GenLayer calldata: the one self-describing encoding of arguments and results.
//!
//! Every value has exactly one encoding; decoding refuses all others. A header is an unsigned
//! LEB128 number `(n << 3) | tag`; see `reference/studio.md` section 5.3 for the table.

use std::collections::BTreeMap;

use alloy_primitives::{Bytes, U256};

use super::Address;

/// Arrays and maps nested deeper than this are refused, so that no input can exhaust the stack.
pub const DEPTH_MAX: usize = 128;

/// An integer of any size: sign and magnitude, the magnitude little-endian without leading zeros.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Integer {
    negative: bool,
    magnitude: Vec<u8>,
}

/// A calldata value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// An account or contract.
    Address(Address),
    /// An integer of any size.
    Integer(Integer),
    /// Bytes.
    Bytes(Bytes),
    /// Text.
    Text(String),
    /// An array.
    Array(Vec<Value>),
    /// A map; keys in code-point order, as UTF-8 sorts them.
    Map(BTreeMap<String, Value>),
}

/// Why bytes are not calldata; positions count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The input ends inside a value.
    #[error("calldata ends early, at byte {0}")]
    Truncated(usize),
    /// Bytes follow the value.
    #[error("calldata has bytes after its end, from byte {0}")]
    Trailing(usize),
    /// A number written with more bytes than it needs.
    #[error("a number at byte {0} is not in its shortest form")]
    NotMinimal(usize),
    /// A tag or special value without meaning.
    #[error("the value at byte {0} has an unknown type")]
    UnknownType(usize),
    /// Text that is not UTF-8.
    #[error("the text at byte {0} is not UTF-8")]
    NotUtf8(usize),
    /// Keys that do not strictly increase.
    #[error("the map key at byte {0} does not come after the one before")]
    UnsortedKeys(usize),
    /// Nesting beyond [`DEPTH_MAX`].
    #[error("calldata is nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

/// Decimal digits of the longest integer that is read from text.
pub const DECIMAL_DIGITS_MAX: usize = 8_000;

/// Bytes of the longest integer that is written in decimal.
pub const DECIMAL_BYTES_MAX: usize = 1_024;

const TAG_SPECIAL: u8 = 0;
const TAG_POSITIVE: u8 = 1;
const TAG_NEGATIVE: u8 = 2;
const TAG_BYTES: u8 = 3;
const TAG_TEXT: u8 = 4;
const TAG_ARRAY: u8 = 5;
const TAG_MAP: u8 = 6;

impl Integer {
    fn new(negative: bool, mut magnitude: Vec<u8>) -> Self {
        while magnitude.last() == Some(&0) {
            magnitude.pop();
        }
        Self { negative: negative && !magnitude.is_empty(), magnitude }
    }

    /// Reads a number with an optional sign: decimal up to [`DECIMAL_DIGITS_MAX`] digits, or `0x`
    /// and hexadecimal digits; else `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        if let Some(digits) = digits.strip_prefix("0x") {
            return Self::from_hexadecimal(negative, digits);
        }
        let is_short = (1..=DECIMAL_DIGITS_MAX).contains(&digits.len());
        if !is_short || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let mut magnitude: Vec<u8> = Vec::new();
        for digit in digits.bytes() {
            let mut carry = u16::from(digit - b'0');
            for byte in &mut magnitude {
                carry += u16::from(*byte) * 10;
                *byte = low_byte(carry);
                carry >>= 8;
            }
            if carry > 0 {
                magnitude.push(low_byte(carry));
            }
        }
        Some(Self::new(negative, magnitude))
    }

    fn from_hexadecimal(negative: bool, digits: &str) -> Option<Self> {
        let even =
            if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("0{digits}") };
        let mut magnitude = alloy_primitives::hex::decode(even).ok()?;
        magnitude.reverse();
        Some(Self::new(negative, magnitude)).filter(|_| !digits.is_empty())
    }

    fn to_hexadecimal(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let bytes: Vec<u8> = self.magnitude.iter().rev().copied().collect();
        format!("{sign}0x{}", alloy_primitives::hex::encode(bytes))
    }

    /// The decimal number, or beyond [`DECIMAL_BYTES_MAX`] bytes the hexadecimal one: converting
    /// to decimal takes the square of the length, and contracts choose the length.
    pub fn to_text(&self) -> String {
        if self.magnitude.len() > DECIMAL_BYTES_MAX {
            return self.to_hexadecimal();
        }
        let mut rest = self.magnitude.clone();
        let mut digits = Vec::new();
        while rest.iter().any(|byte| *byte != 0) {
            let mut remainder = 0_u16;
            for byte in rest.iter_mut().rev() {
                let dividend = (remainder << 8) | u16::from(*byte);
                *byte = low_byte(dividend / 10);
                remainder = dividend % 10;
            }
            digits.push(char::from(b'0' + low_byte(remainder)));
        }
        if digits.is_empty() {
            return "0".into();
        }
        if self.negative {
            digits.push('-');
        }
        digits.iter().rev().collect()
    }

    /// The number where it fits 64 bits with a sign.
    pub fn to_i64(&self) -> Option<i64> {
        let mut bytes = [0; 16];
        bytes.get_mut(..self.magnitude.len())?.copy_from_slice(&self.magnitude);
        let magnitude = i128::try_from(u128::from_le_bytes(bytes)).ok()?;
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }

    /// Header bytes `(n << 3) | tag`, where n is the magnitude, or the magnitude − 1 when negative.
    fn encode(&self, out: &mut Vec<u8>) {
        let (tag, n) = if self.negative {
            (TAG_NEGATIVE, decremented(&self.magnitude))
        } else {
            (TAG_POSITIVE, self.magnitude.clone())
        };
        encode_header(out, &n, tag);
    }
}

impl From<U256> for Integer {
    fn from(value: U256) -> Self {
        Self::new(false, value.to_le_bytes_vec())
    }
}

impl From<i64> for Integer {
    fn from(value: i64) -> Self {
        Self::new(value < 0, value.unsigned_abs().to_le_bytes().to_vec())
    }
}

fn low_byte(value: u16) -> u8 {
    let [low, _] = value.to_le_bytes();
    low
}

fn decremented(magnitude: &[u8]) -> Vec<u8> {
    let mut result = magnitude.to_vec();
    for byte in &mut result {
        let (lower, borrowed) = byte.overflowing_sub(1);
        *byte = lower;
        if !borrowed {
            break;
        }
    }
    result
}

fn incremented(mut magnitude: Vec<u8>) -> Vec<u8> {
    for byte in &mut magnitude {
        let (higher, carried) = byte.overflowing_add(1);
        *byte = higher;
        if !carried {
            return magnitude;
        }
    }
    magnitude.push(1);
    magnitude
}

/// Writes `(n << 3) | tag` as LEB128, `n` being little-endian bytes.
fn encode_header(out: &mut Vec<u8>, n: &[u8], tag: u8) {
    let bits = n.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
    let mut bits: Vec<u8> = [tag & 1, tag >> 1 & 1, tag >> 2 & 1].into_iter().chain(bits).collect();
    while bits.len() > 1 && bits.last() == Some(&0) {
        bits.pop();
    }
    let groups = bits.chunks(7);
    let last = groups.len().saturating_sub(1);
    for (index, group) in groups.enumerate() {
        let low = group.iter().rev().fold(0, |byte, bit| byte << 1 | bit);
        out.push(if index < last { low | 0x80 } else { low });
    }
}

fn encode_length(out: &mut Vec<u8>, length: usize, tag: u8) {
    encode_header(out, &length.to_le_bytes(), tag);
}

impl Value {
    /// A map of the given entries.
    pub fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// The call object of `method` with positional `args` and named `kwargs`; a constructor call
    /// has no method. Empty parts are left out (`reference/studio.md` section 5.3).
    pub fn call(method: Option<&str>, args: Vec<Self>, kwargs: BTreeMap<String, Self>) -> Self {
        let mut call = BTreeMap::new();
        if let Some(method) = method {
            call.insert("method".to_owned(), Self::from(method));
        }
        if !args.is_empty() {
            call.insert("args".to_owned(), Self::Array(args));
        }
        if !kwargs.is_empty() {
            call.insert("kwargs".to_owned(), Self::Map(kwargs));
        }
        Self::Map(call)
    }

    /// The value's one encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(&mut out);
        out
    }

    fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.push(TAG_SPECIAL),
            Self::Bool(value) => out.push((if *value { 2 } else { 1 }) << 3),
            Self::Address(address) => {
                out.push(3 << 3);
                out.extend_from_slice(address.as_bytes());
            }
            Self::Integer(integer) => integer.encode(out),
            Self::Bytes(bytes) => {
                encode_length(out, bytes.len(), TAG_BYTES);
                out.extend_from_slice(bytes);
            }
            Self::Text(text) => {
                encode_length(out, text.len(), TAG_TEXT);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Array(values) => {
                encode_length(out, values.len(), TAG_ARRAY);
                for value in values {
                    value.encode_into(out);
                }
            }
            Self::Map(entries) => {
                encode_length(out, entries.len(), TAG_MAP);
                for (key, value) in entries {
                    encode_leb128(out, key.len());
                    out.extend_from_slice(key.as_bytes());
                    value.encode_into(out);
                }
            }
        }
    }

    /// Reads exactly one value.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader { bytes, position: 0 };
        let value = reader.value(0)?;
        if reader.position < bytes.len() {
            return Err(DecodeError::Trailing(reader.position));
        }
        Ok(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::from(U256::from(value))
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Integer(value.into())
    }
}

impl From<U256> for Value {
    fn from(value: U256) -> Self {
        Self::Integer(value.into())
    }
}

fn encode_leb128(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let end = self.position.checked_add(length).filter(|end| *end <= self.bytes.len());
        let taken = end.and_then(|end| self.bytes.get(self.position..end));
        let taken = taken.ok_or(DecodeError::Truncated(self.bytes.len()))?;
        self.position += length;
        Ok(taken)
    }

    /// The 7-bit groups of one LEB128 number, least significant first.
    fn groups(&mut self) -> Result<&'a [u8], DecodeError> {
        let start = self.position;
        let rest = self.bytes.get(start..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| byte & 0x80 == 0)
            .ok_or(DecodeError::Truncated(self.bytes.len()))?
            + 1;
        let groups = self.take(length)?;
        if length > 1 && groups.last() == Some(&0) {
            return Err(DecodeError::NotMinimal(start));
        }
        Ok(groups)
    }

    /// A tag and its number `n`, little-endian.
    fn header(&mut self) -> Result<(u8, Vec<u8>), DecodeError> {
        let groups = self.groups()?;
        let tag = groups.first().map_or(0, |group| group & 7);
        let bits: Vec<u8> = groups
            .iter()
            .flat_map(|group| (0..7).map(move |bit| group >> bit & 1))
            .skip(3)
            .collect();
        let n = bits
            .chunks(8)
            .map(|chunk| chunk.iter().rev().fold(0, |byte, bit| byte << 1 | bit))
            .collect();
        Ok((tag, n))
    }

    fn key(&mut self) -> Result<String, DecodeError> {
        let groups = self.groups()?;
        let length = groups.iter().rev().try_fold(0_usize, |length, group| {
            length.checked_mul(128)?.checked_add(usize::from(group & 0x7f))
        });
        let length = length.ok_or(DecodeError::Truncated(self.bytes.len()))?;
        self.text(length)
    }

    fn text(&mut self, length: usize) -> Result<String, DecodeError> {
        let start = self.position;
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map(str::to_owned).ok().ok_or(DecodeError::NotUtf8(start))
    }

    fn value(&mut self, depth: usize) -> Result<Value, DecodeError> {
        if depth > DEPTH_MAX {
            return Err(DecodeError::TooDeep);
        }
        let start = self.position;
        let (tag, n) = self.header()?;
        match tag {
            TAG_SPECIAL => self.special(&n, start),
            TAG_POSITIVE => Ok(Value::Integer(Integer::new(false, n))),
            TAG_NEGATIVE => Ok(Value::Integer(Integer::new(true, incremented(n)))),
            TAG_BYTES => {
                let length = self.length(&n)?;
                Ok(Value::Bytes(Bytes::copy_from_slice(self.take(length)?)))
            }
            TAG_TEXT => {
                let length = self.length(&n)?;
                self.text(length).map(Value::Text)
            }
            TAG_ARRAY => {
                let length = self.length(&n)?;
                (0..length)
                    .map(|_| self.value(depth + 1))
                    .collect::<Result<_, _>>()
                    .map(Value::Array)
            }
            TAG_MAP => {
                let length = self.length(&n)?;
                self.map(length, depth)
            }
            _ => Err(DecodeError::UnknownType(start)),
        }
    }

    fn special(&mut self, n: &[u8], start: usize) -> Result<Value, DecodeError> {
        match Integer::new(false, n.to_vec()).to_i64() {
            Some(0) => Ok(Value::Null),
            Some(1) => Ok(Value::Bool(false)),
            Some(2) => Ok(Value::Bool(true)),
            Some(3) => {
                let end = self.bytes.len();
                let bytes = self.take(20)?;
                Address::from_slice(bytes).map(Value::Address).ok_or(DecodeError::Truncated(end))
            }
            _ => Err(DecodeError::UnknownType(start)),
        }
    }

    fn map(&mut self, length: usize, depth: usize) -> Result<Value, DecodeError> {
        let mut entries = BTreeMap::new();
        for _ in 0..length {
            let start = self.position;
            let key = self.key()?;
            if entries.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(DecodeError::UnsortedKeys(start));
            }
            let value = self.value(depth + 1)?;
            entries.insert(key, value);
        }
        Ok(Value::Map(entries))
    }

    /// A length or count; each element takes at least one byte, so more than what is left is a lie
    /// that must not allocate.
    fn length(&self, n: &[u8]) -> Result<usize, DecodeError> {
        let left = self.bytes.len() - self.position;
        Integer::new(false, n.to_vec())
            .to_i64()
            .and_then(|length| usize::try_from(length).ok())
            .filter(|length| *length <= left)
            .ok_or(DecodeError::Truncated(self.bytes.len()))
    }
}
