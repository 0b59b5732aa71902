//! 32-byte digests, and the one hash function the network uses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A 32-byte digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// The hash that names a transaction.
pub type TxHash = Digest;

/// Keccak-256 of the concatenation of `parts`.
///
/// Callers put a domain label such as `b"agora:draw"` first, so that no two uses can collide.
pub fn keccak256(parts: &[&[u8]]) -> Digest {
    let mut hasher = alloy_primitives::Keccak256::new();
    for part in parts {
        hasher.update(part);
    }
    Digest(hasher.finalize().0)
}

impl Digest {
    /// Wraps raw bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads exactly 32 bytes, or `None` for any other length.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// Why a hexadecimal value was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not a {what}: expected `0x` and {digits} hexadecimal digits")]
pub struct ParseHashError {
    value: String,
    what: &'static str,
    digits: usize,
}

/// Reads `0x` and exactly `2 * N` hexadecimal digits.
pub(super) fn parse_hex<const N: usize>(
    text: &str,
    what: &'static str,
) -> Result<[u8; N], ParseHashError> {
    let mut bytes = [0; N];
    text.strip_prefix("0x")
        .filter(|digits| alloy_primitives::hex::decode_to_slice(digits, &mut bytes).is_ok())
        .map(|_| bytes)
        .ok_or_else(|| ParseHashError {
            value: text.chars().take(80).collect(),
            what,
            digits: 2 * N,
        })
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", alloy_primitives::hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_hex(text, "32-byte hash").map(Self)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_keccak_and_not_the_later_sha3() {
        let empty = "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470";
        assert_eq!(keccak256(&[]).to_string(), empty);
    }

    #[test]
    fn a_prefix_without_a_sign_is_refused() {
        assert!("0x0x11".parse::<Digest>().is_err());
    }
}
