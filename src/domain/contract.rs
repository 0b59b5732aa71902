//! A contract's code and its storage, page by page.

use std::collections::BTreeMap;
use std::fmt;

use alloy_primitives::Bytes;
use serde::{Deserialize, Serialize};

use super::hash::{Digest, keccak256};

/// Bytes of one page: what a decision reads, writes and undoes at a time.
///
/// A slot grows with the collection it holds (GenVM keeps a whole tree map in one slot), so slots
/// are cut into pages: an insertion into a map of 100 000 entries then writes a few of them.
pub const PAGE_BYTES: usize = 1024;

/// Names a storage slot of a contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SlotId(pub Digest);

impl fmt::Debug for SlotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Names one page of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PageKey {
    /// The slot.
    pub slot: SlotId,
    /// The page's number: it covers the slot's bytes from `index * PAGE_BYTES` on.
    pub index: u32,
}

/// The bytes of a page without trailing zeros; an empty page is all zeros and is not stored.
pub type Page = Bytes;

/// Pages by key, in key order.
pub type Pages = BTreeMap<PageKey, Page>;

/// The pages an execution changed, with their new bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateDelta(pub Pages);

impl StateDelta {
    /// Does this change nothing?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One digest of all changes, by which receipts can be compared and shown.
    pub fn digest(&self) -> Digest {
        let mut parts: Vec<Vec<u8>> = Vec::with_capacity(self.0.len());
        for (key, page) in &self.0 {
            let length = u32::try_from(page.len()).unwrap_or(u32::MAX);
            let mut part = Vec::with_capacity(40 + page.len());
            part.extend_from_slice(key.slot.0.as_bytes());
            part.extend_from_slice(&key.index.to_be_bytes());
            part.extend_from_slice(&length.to_be_bytes());
            part.extend_from_slice(page);
            parts.push(part);
        }
        let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        keccak256(&parts)
    }
}

/// The source of a contract, and the hash it is stored and cached under.
#[derive(Clone, PartialEq, Eq)]
pub struct Code {
    /// Keccak-256 of the source.
    pub hash: Digest,
    /// The source: UTF-8 Python, or a zip archive of several files.
    pub source: Bytes,
}

impl Code {
    /// Hashes `source`.
    pub fn new(source: Bytes) -> Self {
        Self { hash: keccak256(&[&source]), source }
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({}, {} bytes)", self.hash, self.source.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta(index: u32, page: &'static [u8]) -> StateDelta {
        let key = PageKey { slot: SlotId(Digest::new([1; 32])), index };
        StateDelta(Pages::from([(key, Bytes::from_static(page))]))
    }

    #[test]
    fn different_changes_have_different_digests() {
        let base = delta(0, b"a").digest();
        for other in [delta(1, b"a"), delta(0, b"b"), delta(0, b""), StateDelta::default()] {
            assert_ne!(base, other.digest());
        }
    }
}
