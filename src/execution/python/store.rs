//! The contract's storage during one execution: slots on top of pages.

use std::collections::BTreeMap;
use std::ops::Range;

use sha3::{Digest as _, Sha3_256};

use super::lock::{self, ENTRIES_MAX, Lock};
use super::program::{CODE_BYTES_MAX, Program};
use crate::domain::{Bytes, Digest, PAGE_BYTES, Page, PageKey, SlotId};

/// Most bytes one read or write may touch.
pub(super) const ACCESS_BYTES_MAX: usize = 8 << 20;
/// Most bytes of pages one execution may change.
pub(super) const CHANGED_BYTES_MAX: usize = 32 << 20;

/// Why storage could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StoreError {
    /// State must not change.
    #[error("{0}")]
    ReadOnly(String),
    /// More than may be touched at once, or beyond the end of a slot.
    #[error("storage access of {length} bytes at offset {offset} is too large")]
    TooLarge {
        /// Where.
        offset: u64,
        /// How much.
        length: usize,
    },
    /// The execution changed more than it may.
    #[error("the execution changes more than {CHANGED_BYTES_MAX} bytes of storage")]
    TooManyChanges,
    /// Only upgraders write there.
    #[error("the contract locked this slot, and who calls it is none of its upgraders")]
    Locked,
    /// Nobody can tell what is locked.
    #[error("the contract locks more than {ENTRIES_MAX} slots, or has more upgraders than that")]
    TooManyLocks,
    /// More code than a contract may have.
    #[error("a contract's code has at most {CODE_BYTES_MAX} bytes")]
    CodeTooLarge,
    /// The parent is gone.
    #[error("pages cannot be fetched")]
    Fetch,
}

/// Fetches pages that were not sent along.
pub(super) trait Fetch {
    /// The pages under `keys`, in their order.
    fn fetch(&mut self, keys: &[PageKey]) -> Option<Vec<Page>>;
}

#[derive(Debug, Clone)]
struct Entry {
    original: Page,
    /// The whole page, zeros included; `None` until it is written.
    changed: Option<Vec<u8>>,
}

/// Storage of one contract.
#[derive(Debug)]
pub(super) struct Store {
    entries: BTreeMap<PageKey, Entry>,
    complete: bool,
    read_only: Option<String>,
    lock: Lock,
    program: Program,
    changed_bytes: usize,
}

/// What a storage held at some moment.
#[derive(Debug)]
pub(super) struct Saved {
    entries: BTreeMap<PageKey, Entry>,
    program: Program,
    changed_bytes: usize,
}

/// The slot derived from a position: where content lies that does not fit in place.
pub(super) fn child_slot(slot: &[u8; 32], offset: u32) -> [u8; 32] {
    let mut hasher = Sha3_256::new();
    hasher.update(slot);
    hasher.update(offset.to_le_bytes());
    hasher.finalize().into()
}

/// A piece of an access that lies within one page.
struct Piece {
    key: PageKey,
    start: usize,
    length: usize,
}

impl Store {
    /// Storage that holds `pages`; those missing are zero when `complete`, and fetched otherwise.
    pub(super) fn new(pages: Vec<(PageKey, Page)>, complete: bool) -> Self {
        let entry = |(key, original)| (key, Entry { original, changed: None });
        let entries = pages.into_iter().map(entry).collect();
        Self {
            entries,
            complete,
            read_only: None,
            lock: Lock::Open,
            program: Program::default(),
            changed_bytes: 0,
        }
    }

    /// Locks what a contract locks that says nothing; whoever runs now may write it all the same.
    pub(super) fn lock_default(&mut self, fetch: &mut impl Fetch) {
        let (slot, list) = lock::default_list();
        // Fails only when the parent is gone, and the job with it.
        let _ = self.write(slot, 0, &list, fetch);
    }

    /// Refuses writes to slots that the contract locked, unless this account is an upgrader of it.
    pub(super) fn lock_against(&mut self, sender: [u8; 20]) {
        self.lock = Lock::Against(sender);
    }

    /// Makes this the contract's code.
    pub(super) fn set_code(&mut self, code: Bytes) {
        self.program = Program::new(code);
    }

    /// The contract's code as it is now.
    pub(super) fn code(&self) -> &[u8] {
        self.program.bytes()
    }

    /// The contract's code from now on, when it is other code.
    pub(super) fn new_code(&self) -> Option<Bytes> {
        self.program.changed()
    }

    /// Puts bytes in place of a range of the contract's code.
    pub(super) fn replace_code(
        &mut self,
        range: Range<usize>,
        bytes: &[u8],
        fetch: &mut impl Fetch,
    ) -> Result<(), StoreError> {
        self.check_writable(&lock::code_slot(), fetch)?;
        self.program.replace(range, bytes).then_some(()).ok_or(StoreError::CodeTooLarge)
    }

    /// Refuses all writes from now on, for this reason; an earlier one stays.
    pub(super) fn make_read_only(&mut self, reason: String) {
        self.read_only.get_or_insert(reason);
    }

    /// Why writes are refused, if they are.
    pub(super) const fn read_only(&self) -> Option<&String> {
        self.read_only.as_ref()
    }

    /// Refuses writes for this reason, or lets them happen.
    pub(super) fn set_read_only(&mut self, reason: Option<String>) {
        self.read_only = reason;
    }

    /// What it holds now.
    pub(super) fn save(&self) -> Saved {
        Saved {
            entries: self.entries.clone(),
            program: self.program.clone(),
            changed_bytes: self.changed_bytes,
        }
    }

    /// Goes back to what it held; pages fetched since are fetched again.
    pub(super) fn restore(&mut self, saved: Saved) {
        Saved { entries: self.entries, program: self.program, changed_bytes: self.changed_bytes } =
            saved;
    }

    /// The bytes of a slot at an offset.
    pub(super) fn read(
        &mut self,
        slot: [u8; 32],
        offset: u64,
        length: usize,
        fetch: &mut impl Fetch,
    ) -> Result<Vec<u8>, StoreError> {
        let pieces = pieces(slot, offset, length)?;
        self.load(&pieces, fetch)?;
        let mut bytes = vec![0; length];
        let mut rest = bytes.as_mut_slice();
        for piece in pieces {
            let (target, tail) = rest.split_at_mut(piece.length.min(rest.len()));
            rest = tail;
            let Some(entry) = self.entries.get(&piece.key) else { continue };
            let page = entry.changed.as_deref().unwrap_or(&entry.original);
            let source = page.get(piece.start..).unwrap_or_default();
            for (to, from) in target.iter_mut().zip(source) {
                *to = *from;
            }
        }
        Ok(bytes)
    }

    /// Puts bytes into a slot at an offset.
    pub(super) fn write(
        &mut self,
        slot: [u8; 32],
        offset: u64,
        bytes: &[u8],
        fetch: &mut impl Fetch,
    ) -> Result<(), StoreError> {
        self.check_writable(&slot, fetch)?;
        let pieces = pieces(slot, offset, bytes.len())?;
        self.load(&pieces, fetch)?;
        let is_new = |piece: &&Piece| {
            self.entries.get(&piece.key).is_none_or(|entry| entry.changed.is_none())
        };
        let new_bytes = pieces.iter().filter(is_new).count() * PAGE_BYTES;
        if self.changed_bytes + new_bytes > CHANGED_BYTES_MAX {
            return Err(StoreError::TooManyChanges);
        }
        self.changed_bytes += new_bytes;
        let mut rest = bytes;
        for piece in pieces {
            let (source, tail) = rest.split_at(piece.length.min(rest.len()));
            rest = tail;
            let entry = self
                .entries
                .entry(piece.key)
                .or_insert_with(|| Entry { original: Page::new(), changed: None });
            let original = &entry.original;
            let page = entry.changed.get_or_insert_with(|| {
                let mut page = original.to_vec();
                page.resize(PAGE_BYTES, 0);
                page
            });
            if let Some(target) = page.get_mut(piece.start..piece.start + source.len()) {
                target.copy_from_slice(source);
            }
        }
        Ok(())
    }

    /// Content whose length is in place and whose bytes are in the derived slot.
    pub(super) fn read_blob(
        &mut self,
        slot: [u8; 32],
        offset: u32,
        fetch: &mut impl Fetch,
    ) -> Result<Vec<u8>, StoreError> {
        let length = self.blob_length(slot, offset, fetch)?;
        self.read(child_slot(&slot, offset), 0, length, fetch)
    }

    /// Replaces such content; what is left of longer content before it is zeroed.
    pub(super) fn write_blob(
        &mut self,
        slot: [u8; 32],
        offset: u32,
        bytes: &[u8],
        fetch: &mut impl Fetch,
    ) -> Result<(), StoreError> {
        let before = self.blob_length(slot, offset, fetch)?;
        let child = child_slot(&slot, offset);
        let too_large = StoreError::TooLarge { offset: 0, length: bytes.len() };
        if bytes.len() > ACCESS_BYTES_MAX {
            return Err(too_large);
        }
        let length = u32::try_from(bytes.len()).ok().ok_or(too_large)?;
        self.write(slot, u64::from(offset), &length.to_le_bytes(), fetch)?;
        self.write(child, 0, bytes, fetch)?;
        if let Some(left) = before.checked_sub(bytes.len()).filter(|left| *left > 0) {
            self.write(child, u64::from(length), &vec![0; left], fetch)?;
        }
        Ok(())
    }

    fn blob_length(
        &mut self,
        slot: [u8; 32],
        offset: u32,
        fetch: &mut impl Fetch,
    ) -> Result<usize, StoreError> {
        let length = self.read(slot, u64::from(offset), 4, fetch)?;
        let length: [u8; 4] = length.try_into().unwrap_or_default();
        Ok(usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX))
    }

    /// May this slot be written?
    fn check_writable(
        &mut self,
        slot: &[u8; 32],
        fetch: &mut impl Fetch,
    ) -> Result<(), StoreError> {
        if let Some(reason) = &self.read_only {
            return Err(StoreError::ReadOnly(reason.clone()));
        }
        if let Lock::Against(sender) = self.lock {
            self.lock = Lock::Slots(lock::slots_against(sender, self, fetch)?);
        }
        match &self.lock {
            Lock::Slots(locked) if locked.contains(slot) => Err(StoreError::Locked),
            _ => Ok(()),
        }
    }

    /// Fetches the first page of each slot.
    pub(super) fn load_first(
        &mut self,
        slots: &[[u8; 32]],
        fetch: &mut impl Fetch,
    ) -> Result<(), StoreError> {
        let first = |slot: &[u8; 32]| PageKey { slot: SlotId(Digest::new(*slot)), index: 0 };
        let pieces = slots.iter().map(|slot| Piece { key: first(slot), start: 0, length: 0 });
        self.load(&pieces.collect::<Vec<_>>(), fetch)
    }

    fn load(&mut self, pieces: &[Piece], fetch: &mut impl Fetch) -> Result<(), StoreError> {
        if self.complete {
            return Ok(());
        }
        let missing: Vec<PageKey> = pieces
            .iter()
            .map(|piece| piece.key)
            .filter(|key| !self.entries.contains_key(key))
            .collect();
        for keys in missing.chunks(super::frame::PAGES_ASKED_MAX) {
            let pages = fetch.fetch(keys).ok_or(StoreError::Fetch)?;
            if pages.len() != keys.len() {
                return Err(StoreError::Fetch);
            }
            for (key, original) in keys.iter().zip(pages) {
                self.entries.insert(*key, Entry { original, changed: None });
            }
        }
        Ok(())
    }

    /// The pages whose bytes differ from what they were, without trailing zeros.
    pub(super) fn into_changes(self) -> Vec<(PageKey, Page)> {
        let mut changes = Vec::new();
        for (key, entry) in self.entries {
            let Some(mut page) = entry.changed else { continue };
            page.truncate(trimmed(&page).len());
            if page != trimmed(&entry.original) {
                changes.push((key, page.into()));
            }
        }
        changes
    }
}

/// A page without its trailing zeros.
pub(super) fn trimmed(page: &[u8]) -> &[u8] {
    let end = page.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    page.get(..end).unwrap_or_default()
}

fn pieces(slot: [u8; 32], offset: u64, length: usize) -> Result<Vec<Piece>, StoreError> {
    let too_large = StoreError::TooLarge { offset, length };
    if length > ACCESS_BYTES_MAX {
        return Err(too_large);
    }
    let mut position = usize::try_from(offset).ok().ok_or_else(|| too_large.clone())?;
    let mut left = length;
    let mut pieces = Vec::with_capacity(length / PAGE_BYTES + 1);
    while left > 0 {
        let index = u32::try_from(position / PAGE_BYTES).ok().ok_or_else(|| too_large.clone())?;
        let start = position % PAGE_BYTES;
        let length = left.min(PAGE_BYTES - start);
        pieces.push(Piece {
            key: PageKey { slot: SlotId(Digest::new(slot)), index },
            start,
            length,
        });
        position = position.checked_add(length).ok_or_else(|| too_large.clone())?;
        left -= length;
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers from a map and notes what was asked.
    #[derive(Default)]
    struct Remote {
        pages: BTreeMap<PageKey, Page>,
        asked: Vec<PageKey>,
    }

    impl Fetch for Remote {
        fn fetch(&mut self, keys: &[PageKey]) -> Option<Vec<Page>> {
            self.asked.extend_from_slice(keys);
            Some(keys.iter().map(|key| self.pages.get(key).cloned().unwrap_or_default()).collect())
        }
    }

    const SLOT: [u8; 32] = [1; 32];

    fn key(index: u32) -> PageKey {
        PageKey { slot: SlotId(Digest::new(SLOT)), index }
    }

    #[test]
    fn an_access_may_cross_pages() {
        let mut store = Store::new(Vec::new(), true);
        let remote = &mut Remote::default();
        let bytes: Vec<u8> = (1..=200).cycle().take(2 * PAGE_BYTES).collect();
        store.write(SLOT, 1000, &bytes, remote).unwrap();
        assert_eq!(store.read(SLOT, 1000, bytes.len(), remote).unwrap(), bytes);
        let indexes: Vec<u32> = store.into_changes().iter().map(|(key, _)| key.index).collect();
        assert_eq!(indexes, [0, 1, 2]);
    }

    #[test]
    fn what_is_beyond_the_limit_is_not_written() {
        let mut store = Store::new(Vec::new(), true);
        let remote = &mut Remote::default();
        let most = vec![1; ACCESS_BYTES_MAX];
        let mut offset = 0;
        while store.changed_bytes < CHANGED_BYTES_MAX {
            store.write(SLOT, offset, &most, remote).unwrap();
            offset += u64::try_from(most.len()).unwrap();
        }
        assert_eq!(store.write(SLOT, offset, &[1], remote), Err(StoreError::TooManyChanges));
        assert_eq!(store.write(SLOT, 0, &[2], remote), Ok(()), "what changed may change again");
        assert_eq!(store.into_changes().len(), CHANGED_BYTES_MAX / PAGE_BYTES);
    }

    #[test]
    fn pages_are_fetched_once_and_only_when_the_snapshot_is_incomplete() {
        let mut remote = Remote::default();
        remote.pages.insert(key(0), Bytes::from_static(&[5, 6]));
        let mut store = Store::new(Vec::new(), false);
        assert_eq!(store.read(SLOT, 1, 2, &mut remote).unwrap(), [6, 0]);
        store.write(SLOT, 0, &[9], &mut remote).unwrap();
        assert_eq!(remote.asked, [key(0)]);
        assert_eq!(store.into_changes(), [(key(0), Bytes::from_static(&[9, 6]))]);
        let mut complete = Store::new(Vec::new(), true);
        assert_eq!(complete.read(SLOT, 1, 2, &mut remote).unwrap(), [0, 0]);
    }

    #[test]
    fn writing_what_was_there_changes_nothing_and_zeros_leave_an_empty_page() {
        let remote = &mut Remote::default();
        let mut store = Store::new(vec![(key(0), Bytes::from_static(&[5]))], true);
        store.write(SLOT, 0, &[7, 7], remote).unwrap();
        store.write(SLOT, 0, &[5, 0], remote).unwrap();
        assert_eq!(store.into_changes(), []);
        let mut store = Store::new(vec![(key(0), Bytes::from_static(&[5]))], true);
        store.write(SLOT, 0, &[0], remote).unwrap();
        assert_eq!(store.into_changes(), [(key(0), Bytes::new())]);
    }

    #[test]
    fn a_shorter_blob_leaves_nothing_of_the_longer_one() {
        let remote = &mut Remote::default();
        let mut store = Store::new(Vec::new(), true);
        store.write_blob(SLOT, 4, &[1; 3000], remote).unwrap();
        store.write_blob(SLOT, 4, b"", remote).unwrap();
        assert_eq!(store.into_changes(), []);
    }

    #[test]
    fn nothing_is_written_once_storage_is_read_only() {
        let remote = &mut Remote::default();
        let mut store = Store::new(Vec::new(), true);
        store.make_read_only("view".into());
        let refused = store.write(SLOT, 0, &[1], remote);
        assert_eq!(refused, Err(StoreError::ReadOnly("view".into())));
    }

    #[test]
    fn derived_slots_are_sha3_of_slot_and_offset() {
        // SHA3-256 of 36 zero bytes: NIST's function, which is not Keccak.
        let hex = alloy_primitives::hex::encode(child_slot(&[0; 32], 0));
        assert_eq!(hex, "372d46c3ada9f897c74d349bbfe0e450c798167c9f580f8daf85def57e96c3ea");
    }
}
