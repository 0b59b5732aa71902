//! The shape of an answer, and a value of that shape.

use serde_json::{Map, Value, json};

use super::prose;
use crate::domain::keccak256;

/// Chance that is used up in order: the same start gives the same values.
#[derive(Debug)]
pub(super) struct Draw {
    start: [u8; 16],
    used: u32,
}

impl Draw {
    pub(super) const fn new(start: u128) -> Self {
        Self { start: start.to_be_bytes(), used: 0 }
    }

    /// A number below `bound`, or zero where there is none.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.used += 1;
        let digest = keccak256(&[b"agora:draw", &self.start, &self.used.to_be_bytes()]);
        let bytes = digest.as_bytes().iter().take(8);
        let number = bytes.fold(0, |number: u64, byte| (number << 8) | u64::from(*byte));
        number.checked_rem(bound).unwrap_or(0)
    }

    /// One of several.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        items.get(usize::try_from(self.below(count)).unwrap_or(0))
    }
}

/// Draws after which every list has one item: lists in lists would grow without end.
const DRAWN_MAX: u32 = 1_000;

/// The shape of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// An object with these fields.
    Object(Vec<(String, Self)>),
    /// A list of one to three.
    List(Box<Self>),
    /// One of these.
    Choice(Vec<Value>),
    /// From the first to the second.
    Integer(i64, i64),
    /// From the first to the second, in hundredths.
    Decimal(f64, f64),
    /// True or false.
    Boolean,
    /// Text about what these words say.
    Text(String),
    /// Nothing.
    Null,
}

impl Shape {
    /// Where nothing is said about an integer's bounds.
    pub(super) const ANY_INTEGER: Self = Self::Integer(0, 100);
    /// Where nothing is said about a decimal's bounds.
    pub(super) const ANY_DECIMAL: Self = Self::Decimal(0.0, 1.0);

    /// A value of this shape.
    pub(super) fn draw(&self, draw: &mut Draw) -> Value {
        match self {
            Self::Object(fields) => {
                let fields = fields.iter().map(|(name, shape)| (name.clone(), shape.draw(draw)));
                Value::Object(fields.collect::<Map<_, _>>())
            }
            Self::List(item) => {
                let several = if draw.used < DRAWN_MAX { 3 } else { 1 };
                let count = draw.below(several) + 1;
                Value::Array((0..count).map(|_| item.draw(draw)).collect())
            }
            Self::Choice(values) => draw.pick(values).cloned().unwrap_or_default(),
            Self::Integer(least, most) => {
                let span = most.abs_diff(*least).saturating_add(1);
                json!(least.saturating_add_unsigned(draw.below(span)))
            }
            Self::Decimal(least, most) => {
                let hundredths = u32::try_from(draw.below(101)).unwrap_or_default();
                let value = least + (most - least) * f64::from(hundredths) / 100.0;
                // Whole digits, as a model would write them.
                json!((value * 100.0).round() / 100.0)
            }
            Self::Boolean => json!(draw.below(2) == 1),
            Self::Text(about) => Value::String(prose::about(about, draw)),
            Self::Null => Value::Null,
        }
    }
}
