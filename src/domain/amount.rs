//! Money: exact 256-bit amounts.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::U256;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount of the network's money in its smallest unit (wei), exact up to 2²⁵⁶ − 1.
///
/// Written as a decimal string, because JSON numbers lose digits beyond 2⁵³.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(U256);

/// Why an amount was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{value}` is not an amount: expected an integer from 0 to 2^256 - 1, \
     as a number, a decimal string or a `0x` string"
)]
pub struct AmountError {
    value: String,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(U256::ZERO);

    /// The largest amount there can be.
    pub const MAX: Self = Self(U256::MAX);

    /// Wraps an integer.
    pub const fn new(value: U256) -> Self {
        Self(value)
    }

    /// The integer.
    pub const fn get(self) -> U256 {
        self.0
    }

    /// Whole coins of 10¹⁸ units each.
    pub fn coins(coins: u64) -> Self {
        Self(U256::from(coins) * U256::from(1_000_000_000_000_000_000_u64))
    }

    /// Is this nothing?
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// The sum, or `None` beyond 2²⁵⁶ − 1.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference, or `None` below zero.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The difference, or zero where it would be below.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl From<u64> for Amount {
    fn from(value: u64) -> Self {
        Self(U256::from(value))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (digits, radix) = match text.strip_prefix("0x") {
            Some(digits) => (digits, 16),
            None => (text, 10),
        };
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        U256::from_str_radix(digits, radix)
            .ok()
            .filter(|_| plain)
            .map(Self)
            .ok_or_else(|| AmountError { value: text.chars().take(80).collect() })
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer, a decimal string or a `0x` string")
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Amount, E> {
                Ok(Amount::from(value))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Amount, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_decimal_strings_and_hexadecimal_strings_are_read() {
        for text in ["255", "\"255\"", "\"0xff\""] {
            assert_eq!(serde_json::from_str::<Amount>(text).unwrap(), Amount::from(255), "{text}");
        }
        let largest = Amount::MAX.to_string();
        assert_eq!(largest.parse::<Amount>().unwrap(), Amount::MAX);
    }

    #[test]
    fn negative_fractional_huge_and_empty_amounts_are_refused() {
        let beyond = format!("\"{}0\"", Amount::MAX);
        for bad in ["-1", "1.5", "1e3", "\"\"", "\"0x\"", "\"1_0\"", "null", "[]", &beyond] {
            assert!(serde_json::from_str::<Amount>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sums_and_differences_never_wrap() {
        assert_eq!(Amount::MAX.checked_add(Amount::from(1)), None);
        assert_eq!(Amount::ZERO.checked_sub(Amount::from(1)), None);
    }
}
