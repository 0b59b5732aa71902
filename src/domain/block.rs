//! Blocks and logs: the network as Ethereum clients see it.

use serde::{Deserialize, Serialize};

use super::{Address, Bytes, Digest, Envelope, Timestamp, TxHash, keccak256};

/// Entries of a chain that grows with everything that becomes durable: one for every batch of
/// writes that anybody can hear of, and empty ones while somebody waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// 0-based place in the chain.
    pub number: u64,
    /// [`Block::hash_of`] of everything in it.
    pub hash: Digest,
    /// The hash of the block before; zero in the first.
    pub parent: Digest,
    /// When it was made; never before its parent.
    pub at: Timestamp,
}

impl Block {
    /// The hash of a block with the events `body`.
    pub fn hash_of(number: u64, parent: &Digest, at: Timestamp, body: &[u8]) -> Digest {
        let (number, at) = (number.to_be_bytes(), at.as_millis().to_be_bytes());
        keccak256(&[b"agora:block", parent.as_bytes(), &number, &at, body])
    }
}

/// Which block is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockId {
    /// The one at a place.
    Number(u64),
    /// The one with a hash.
    Hash(Digest),
}

/// A block and the transactions that were accepted in it, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockRecord {
    /// The block.
    pub block: Block,
    /// What was accepted in it.
    pub transactions: Vec<TxHash>,
}

/// Where a transaction was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Inclusion {
    /// In which block.
    pub block: Block,
    /// 0-based place within it.
    pub index: u64,
}

/// Which logs are wanted; every condition must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter {
    /// From this block on.
    pub from: u64,
    /// Up to this block.
    pub to: u64,
    /// Of one of these contracts; of all when empty.
    pub addresses: Vec<Address>,
    /// By position: one of these topics; any when empty.
    pub topics: Vec<Vec<Digest>>,
}

/// Something a contract, or the network itself, told the outside world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// Who told it.
    pub address: Address,
    /// What it is found by.
    pub topics: Vec<Digest>,
    /// The rest of it.
    pub data: Bytes,
    /// The block it belongs to.
    pub block: Block,
    /// The transaction it belongs to.
    pub transaction: TxHash,
    /// That transaction's place within its block.
    pub transaction_index: u64,
    /// Its place within the block.
    pub index: u64,
}

/// A signed Ethereum transaction that arrived, and what it was about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeRecord {
    /// As it arrived.
    pub envelope: Envelope,
    /// The transaction it made, or the one it appeals.
    pub subject: TxHash,
    /// Whose key signed it.
    pub signer: Address,
}

/// What the network's own log for an accepted transaction is found by: clients learn from it the
/// name of what they sent (`reference/clients.md` section 5).
pub fn new_transaction_topic() -> Digest {
    keccak256(&[b"NewTransaction(bytes32,address,address)"])
}

/// The network's own log for a transaction that was accepted.
pub fn new_transaction_log(
    hash: TxHash,
    sender: Option<Address>,
    recipient: Option<Address>,
    inclusion: Inclusion,
) -> LogRecord {
    let recipient = recipient.unwrap_or(Address::ZERO);
    let sender = sender.unwrap_or(Address::ZERO);
    LogRecord {
        address: recipient,
        topics: vec![new_transaction_topic(), hash, word(recipient), word(sender)],
        data: Bytes::new(),
        block: inclusion.block,
        transaction: hash,
        transaction_index: inclusion.index,
        index: inclusion.index,
    }
}

/// An address as 32 bytes.
fn word(address: Address) -> Digest {
    let mut bytes = [0; 32];
    bytes.split_at_mut(12).1.copy_from_slice(address.as_bytes());
    Digest::new(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_is_the_one_clients_look_for() {
        let known = "0xdab9102861c7483a187584d6371d88316f005af507982ccf95c110879f3ed5a5";
        assert_eq!(new_transaction_topic().to_string(), known);
    }
}
