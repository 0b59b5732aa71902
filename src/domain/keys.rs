//! Keys that derive from the network's seed, so that a replay has the same accounts.

use k256::ecdsa::SigningKey;

use super::Address;
use super::hash::{Digest, keccak256};

/// What a derived key is for; keys of different uses never coincide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// An account with money for people to use.
    Account,
    /// A validator.
    Validator,
}

/// A key pair for development networks. Its secret is no secret: anybody with the seed has it.
#[derive(Clone)]
pub struct DerivedKey {
    key: SigningKey,
}

impl DerivedKey {
    /// The key number `number` for `usage` on the network with `seed`.
    pub fn derive(seed: &Digest, usage: KeyUse, number: u64) -> Self {
        let label: &[u8] = match usage {
            KeyUse::Account => b"agora:key:account",
            KeyUse::Validator => b"agora:key:validator",
        };
        let mut secret = keccak256(&[label, seed.as_bytes(), &number.to_be_bytes()]);
        loop {
            // One digest in 2¹²⁸ is no valid key; the digest of that one is.
            match SigningKey::from_slice(secret.as_bytes()) {
                Ok(key) => return Self { key },
                Err(_) => secret = keccak256(&[secret.as_bytes()]),
            }
        }
    }

    /// The account of this key.
    pub fn address(&self) -> Address {
        alloy_primitives::Address::from_private_key(&self.key).into()
    }

    /// The secret, as wallets import it.
    pub fn secret_hex(&self) -> String {
        format!("0x{}", alloy_primitives::hex::encode(self.key.to_bytes()))
    }
}

impl std::fmt::Debug for DerivedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DerivedKey({})", self.address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_from_seed_use_and_number() {
        let derive = |byte, usage, number| {
            DerivedKey::derive(&Digest::new([byte; 32]), usage, number).address()
        };
        let base = derive(1, KeyUse::Account, 0);
        assert_eq!(base, derive(1, KeyUse::Account, 0));
        for other in [
            derive(2, KeyUse::Account, 0),
            derive(1, KeyUse::Validator, 0),
            derive(1, KeyUse::Account, 1),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn a_key_is_never_printed_by_accident() {
        let key = DerivedKey::derive(&Digest::new([1; 32]), KeyUse::Account, 0);
        assert!(!format!("{key:?}").contains(key.secret_hex().trim_start_matches("0x")));
    }
}
