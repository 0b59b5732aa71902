//! What people submit.

use std::fmt;
use std::str::FromStr;

use alloy_primitives::Bytes;
use serde::{Deserialize, Serialize};

use super::calldata::Value;
use super::hash::{TxHash, keccak256};
use super::{Address, Amount};

/// What a transaction does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// Moves value. Without a sender it mints (faucet), without a recipient it burns.
    Transfer,
    /// Puts a new contract on the network.
    Deploy {
        /// The Python source.
        code: Bytes,
        /// Arguments of the constructor.
        calldata: Bytes,
    },
    /// Calls a method of a contract.
    Call {
        /// Method and arguments.
        calldata: Bytes,
    },
    /// Replaces a contract's code; its state stays.
    Upgrade {
        /// The new Python source.
        code: Bytes,
    },
}

/// The kind of a payload; its name is what filters and the database use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayloadKind {
    /// Moves value.
    Transfer,
    /// Deploys a contract.
    Deploy,
    /// Calls a contract.
    Call,
    /// Replaces a contract's code.
    Upgrade,
}

impl PayloadKind {
    /// The name on every wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Deploy => "deploy",
            Self::Call => "call",
            Self::Upgrade => "upgrade",
        }
    }
}

/// A word that names no kind of transaction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of transaction; expected one of transfer, deploy, call, upgrade")]
pub struct UnknownPayloadKind(String);

impl FromStr for PayloadKind {
    type Err = UnknownPayloadKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Transfer, Self::Deploy, Self::Call, Self::Upgrade]
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownPayloadKind(text.chars().take(80).collect()))
    }
}

impl Payload {
    /// What kind of payload this is.
    pub const fn kind(&self) -> PayloadKind {
        match self {
            Self::Transfer => PayloadKind::Transfer,
            Self::Deploy { .. } => PayloadKind::Deploy,
            Self::Call { .. } => PayloadKind::Call,
            Self::Upgrade { .. } => PayloadKind::Upgrade,
        }
    }
}

/// Who executes a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ExecutionMode {
    /// Leader and validators.
    #[default]
    Normal,
    /// The leader alone, decided and final at once.
    LeaderOnly,
    /// The leader, and again the leader as its own single validator.
    LeaderSelfValidator,
}

impl ExecutionMode {
    /// The name on every wire and in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::LeaderOnly => "LEADER_ONLY",
            Self::LeaderSelfValidator => "LEADER_SELF_VALIDATOR",
        }
    }

    /// Only the normal mode opens a finality window.
    pub const fn has_finality_window(self) -> bool {
        matches!(self, Self::Normal)
    }
}

/// What a sender asks of the consensus over its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionRules {
    /// Requested size of the committee.
    pub validators: u16,
    /// How many times the leader may be replaced after a disagreement.
    pub rotations_max: u8,
    /// Who executes.
    pub mode: ExecutionMode,
}

impl Default for TransactionRules {
    fn default() -> Self {
        Self { validators: 5, rotations_max: 3, mode: ExecutionMode::Normal }
    }
}

/// A transaction as it was accepted; nothing in it changes later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Its name: [`Transaction::hash_of`] of everything else, or [`Transaction::hash_of_child`].
    pub hash: TxHash,
    /// Who sends; `None` mints.
    pub from: Option<Address>,
    /// Who receives: a contract for calls and upgrades; `None` for burns, and for deploys unless
    /// a salt fixes where the contract goes.
    pub to: Option<Address>,
    /// Value that moves with it.
    pub value: Amount,
    /// What it does.
    pub payload: Payload,
    /// Number of this transaction among those of its sender.
    pub nonce: u64,
    /// What the sender asks of the consensus.
    pub rules: TransactionRules,
}

impl Transaction {
    /// The hash of a transaction on the network `chain_id`: Keccak-256 of the canonical calldata
    /// encoding of its fields.
    pub fn hash_of(chain_id: u64, transaction: &Self) -> TxHash {
        let address = |address: Option<Address>| address.map_or(Value::Null, Value::Address);
        let (code, calldata) = match &transaction.payload {
            Payload::Transfer => (Value::Null, Value::Null),
            Payload::Deploy { code, calldata } => {
                (Value::Bytes(code.clone()), Value::Bytes(calldata.clone()))
            }
            Payload::Call { calldata } => (Value::Null, Value::Bytes(calldata.clone())),
            Payload::Upgrade { code } => (Value::Bytes(code.clone()), Value::Null),
        };
        let fields = Value::map([
            ("calldata", calldata),
            ("chain_id", Value::from(chain_id)),
            ("code", code),
            ("from", address(transaction.from)),
            ("kind", Value::from(transaction.payload.kind().name())),
            ("mode", Value::from(transaction.rules.mode.name())),
            ("nonce", Value::from(transaction.nonce)),
            ("rotations_max", Value::from(u64::from(transaction.rules.rotations_max))),
            ("to", address(transaction.to)),
            ("validators", Value::from(u64::from(transaction.rules.validators))),
            ("value", Value::from(transaction.value.get())),
        ]);
        keccak256(&[b"agora:transaction", &fields.encode()])
    }

    /// The hash of the transaction that message `number` of `parent` became: derived from the
    /// parent's, so that a replay gives the same, and from the attempt, so that a transaction
    /// which ran again after an undo does not repeat names.
    pub fn hash_of_child(parent: &TxHash, attempt: u32, number: u32) -> TxHash {
        let (attempt, number) = (attempt.to_be_bytes(), number.to_be_bytes());
        keccak256(&[b"agora:child", parent.as_bytes(), &attempt, &number])
    }

    /// The address whose queue orders this transaction (protocol section 1).
    pub fn queue_address(&self) -> Address {
        match self.payload {
            Payload::Deploy { .. } => self.to.unwrap_or_else(|| Address::of_deployment(&self.hash)),
            Payload::Call { .. } | Payload::Upgrade { .. } => self.to.unwrap_or(Address::ZERO),
            Payload::Transfer => self.to.or(self.from).unwrap_or(Address::ZERO),
        }
    }
}

/// A secp256k1 signature of a transaction hash, as wallets make it (`personal_sign`, EIP-191).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature(alloy_primitives::Signature);

/// Why a signature was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not 65 bytes of hexadecimal.
    #[error("`{0}` is not a signature: expected `0x` and 130 hexadecimal digits (r, s, v)")]
    Malformed(String),
    /// Well formed, but no key can have made it.
    #[error("the signature fits no key")]
    Unrecoverable,
}

impl Signature {
    /// The account whose key signed `hash`.
    pub fn signer_of(&self, hash: &TxHash) -> Result<Address, SignatureError> {
        // A signature with a high `s` is a second valid spelling of a low one: refuse it, as
        // Ethereum does, so that nobody but the signer can produce variants.
        if self.0.normalize_s().is_some() {
            return Err(SignatureError::Unrecoverable);
        }
        self.0
            .recover_address_from_msg(hash.as_bytes())
            .map(Address::from)
            .ok()
            .ok_or(SignatureError::Unrecoverable)
    }
}

impl FromStr for Signature {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        super::hash::parse_hex::<65>(text, "signature")
            .ok()
            .and_then(|bytes| alloy_primitives::Signature::from_raw_array(&bytes).ok())
            .map(Self)
            .ok_or_else(|| SignatureError::Malformed(text.chars().take(140).collect()))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", alloy_primitives::hex::encode(self.0.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(nonce: u64) -> Transaction {
        let mut transaction = Transaction {
            hash: TxHash::new([0; 32]),
            from: Some(Address::new([1; 20])),
            to: Some(Address::new([2; 20])),
            value: Amount::from(5),
            payload: Payload::Transfer,
            nonce,
            rules: TransactionRules::default(),
        };
        transaction.hash = Transaction::hash_of(1, &transaction);
        transaction
    }

    #[test]
    fn the_hash_covers_every_field_and_the_network() {
        let base = transfer(0);
        let mut variants = vec![
            transfer(1),
            Transaction { from: None, ..base.clone() },
            Transaction { to: None, ..base.clone() },
            Transaction { value: Amount::from(6), ..base.clone() },
            Transaction { payload: Payload::Call { calldata: Bytes::new() }, ..base.clone() },
        ];
        variants.push(Transaction {
            rules: TransactionRules { rotations_max: 9, ..base.rules },
            ..base.clone()
        });
        for variant in &variants {
            assert_ne!(Transaction::hash_of(1, variant), base.hash, "{variant:?}");
        }
        assert_ne!(Transaction::hash_of(2, &base), base.hash);
    }

    #[test]
    fn a_burn_waits_in_the_queue_of_its_sender() {
        let burn = Transaction { to: None, ..transfer(0) };
        assert_eq!(burn.queue_address(), Address::new([1; 20]));
        assert_eq!(transfer(0).queue_address(), Address::new([2; 20]));
    }

    #[test]
    fn a_signature_names_its_signer_and_a_forged_one_another() {
        let key = k256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        let hash = transfer(0).hash;
        let digest = alloy_primitives::eip191_hash_message(hash.as_bytes());
        let (raw, parity) = key.sign_prehash_recoverable(digest.as_slice()).unwrap();
        let signature = Signature(alloy_primitives::Signature::from((raw, parity)));
        let signer = Address::from(alloy_primitives::Address::from_private_key(&key));

        let reread: Signature = signature.to_string().parse().unwrap();
        assert_eq!(reread.signer_of(&hash).unwrap(), signer);
        assert_ne!(reread.signer_of(&transfer(1).hash).ok(), Some(signer));
    }

    #[test]
    fn malformed_signatures_are_refused() {
        for bad in ["", "0x", "0x12", &format!("0x{}", "zz".repeat(65))] {
            assert!(matches!(bad.parse::<Signature>(), Err(SignatureError::Malformed(_))), "{bad}");
        }
    }
}
