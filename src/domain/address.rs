//! The 20-byte address of an account or a contract.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::hash::{Digest, ParseHashError, TxHash, keccak256};
use alloy_primitives::U256;

/// The 20-byte address of an account or a contract.
///
/// Written with the EIP-55 checksum; read in any letter case, because clients of this field send
/// all of them and two spellings of one address must never become two accounts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address([u8; 20]);

impl Address {
    /// The all-zero address. It owns nothing: it stands for "nobody" on the wire.
    pub const ZERO: Self = Self([0; 20]);

    /// Wraps raw bytes.
    pub const fn new(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The raw bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// Reads exactly 20 bytes, or `None` for any other length.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The address at which the deploy transaction `hash` puts its contract.
    ///
    /// Derived from the hash alone, so that a replay deploys to the same place.
    pub fn of_deployment(hash: &TxHash) -> Self {
        let digest = keccak256(&[b"agora:contract", hash.as_bytes()]);
        let mut bytes = [0; 20];
        bytes.copy_from_slice(digest.as_bytes().split_at(12).1);
        Self(bytes)
    }

    /// The address of the `number`th validator that exists only for the transaction or call `of`.
    pub fn of_context_validator(of: &Digest, number: u64) -> Self {
        let label = b"agora:context-validator";
        let digest = keccak256(&[label, of.as_bytes(), &number.to_be_bytes()]);
        let mut bytes = [0; 20];
        bytes.copy_from_slice(digest.as_bytes().split_at(12).1);
        Self(bytes)
    }

    /// The address of a contract that the contract `deployer` deploys with a salt.
    ///
    /// `reference/studio.md` section 1.10: known to the deployer before its message is sent.
    pub fn of_salted_deployment(deployer: &Self, salt: U256, chain_id: u64) -> Self {
        let (salt, chain_id) = (salt.to_be_bytes::<32>(), U256::from(chain_id).to_be_bytes::<32>());
        let digest = keccak256(&[&[1], &deployer.0, &salt, &chain_id]);
        let mut bytes = [0; 20];
        bytes.copy_from_slice(digest.as_bytes().split_at(20).0);
        Self(bytes)
    }
}

impl From<alloy_primitives::Address> for Address {
    fn from(address: alloy_primitives::Address) -> Self {
        Self(address.into_array())
    }
}

impl From<Address> for alloy_primitives::Address {
    fn from(address: Address) -> Self {
        Self::from(address.0)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", alloy_primitives::Address::from(*self))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Address {
    type Err = ParseHashError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        super::hash::parse_hex(text, "address").map(Self)
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_case_is_one_address_written_with_its_checksum() {
        let checksummed = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
        for spelling in [checksummed.to_owned(), checksummed.to_lowercase()] {
            assert_eq!(spelling.parse::<Address>().unwrap().to_string(), checksummed);
        }
    }

    #[test]
    fn bad_addresses_are_refused_by_name() {
        for bad in ["", "0x", "f39F", "0xzz9Fd6e51aad88F6F4ce6aB8827279cffFb92266", "0x00"] {
            let error = bad.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{bad}`")), "{error}");
        }
    }
}
