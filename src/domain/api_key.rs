//! Keys that give a client a rate of requests of its own.

use std::fmt;

use super::hash::{Digest, keccak256};

/// How many requests may be made with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// What it is called; no two are called alike.
    pub name: String,
    /// Requests in a minute.
    pub per_minute: u32,
    /// Requests in an hour.
    pub per_hour: u32,
    /// Requests in a day.
    pub per_day: u32,
}

/// A tier as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierRecord {
    /// Its number.
    pub id: i64,
    /// What it allows.
    pub tier: Tier,
}

/// A client's key: who knows it, may use it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// Characters by which a key is named to who gave it out.
    pub const PREFIX_CHARS: usize = 8;

    /// The key with this secret, written as GenLayer Studio writes them (`reference/studio.md`
    /// section 4.3).
    pub fn new(secret: [u8; 32]) -> Self {
        Self(format!("glk_{}", alloy_primitives::hex::encode(secret)))
    }

    /// The whole key, to be told once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What names it.
    pub fn prefix(&self) -> &str {
        self.0.get(..Self::PREFIX_CHARS).unwrap_or_default()
    }

    /// What a key that a client sends is known by; the key itself is not kept.
    pub fn digest_of(key: &str) -> Digest {
        keccak256(&[b"agora:api-key", key.as_bytes()])
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({}…)", self.prefix())
    }
}

/// A key as it is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// What names it.
    pub prefix: String,
    /// What it is known by.
    pub digest: Digest,
    /// The name of its tier.
    pub tier: String,
    /// Whom or what it is for.
    pub description: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_not_shown_by_accident() {
        let key = ApiKey::new([0xab; 32]);
        assert_eq!(key.reveal().len(), 4 + 64);
        assert_eq!(key.prefix(), "glk_abab");
        assert_eq!(format!("{key:?}"), "ApiKey(glk_abab…)");
    }
}
