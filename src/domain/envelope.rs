//! A signed Ethereum transaction as it arrived.

use serde::{Deserialize, Serialize};

use super::{Address, Amount, Digest, TxHash};

/// The Ethereum transaction that a sender signed, without its data: the network made a transaction
/// of its own of that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Keccak-256 of the signed bytes: the name of the transaction.
    pub hash: TxHash,
    /// EIP-2718 type: 0 legacy, 1 EIP-2930, 2 EIP-1559.
    pub kind: u8,
    /// What the signature was made for; none in legacy transactions without replay protection.
    pub chain_id: Option<u64>,
    /// The number the sender gave it; the network numbers by itself.
    pub nonce: u64,
    /// Whom it was addressed to: the consensus contract, or the recipient of a transfer.
    pub to: Option<Address>,
    /// Value of the Ethereum transaction, in wei.
    pub value: Amount,
    /// Gas it may use; the network charges none.
    pub gas_limit: u64,
    /// Most it would pay per gas, in wei.
    pub gas_price: u128,
    /// First half of the signature.
    pub r: Digest,
    /// Second half of the signature.
    pub s: Digest,
    /// Is the signature's point odd?
    pub y_parity: bool,
}
