//! Which slots of a contract may be written: those that it locked may be by its upgraders only.
//!
//! As with GenVM: the root of a contract (slot zero) holds its code, its locked slots and its
//! upgraders, each list in a slot of its own, its length first. Both lists count as they were when
//! the execution began.

use std::collections::BTreeSet;

use super::store::{Fetch, Store, StoreError, child_slot};

/// Slot zero.
const ROOT: [u8; 32] = [0; 32];
/// Where the root holds the code.
const CODE: u32 = 1;
/// Where the root holds the locked slots.
const LOCKED_SLOTS: u32 = 2;
/// Where the root holds the upgraders.
const UPGRADERS: u32 = 3;
/// Most entries that either list may have.
pub(super) const ENTRIES_MAX: usize = 65_536;
/// Where a list's first entry lies, behind its length.
const ENTRIES_OFFSET: u64 = 4;

/// What an execution may not write.
#[derive(Debug)]
pub(super) enum Lock {
    /// Nothing is locked: the constructor runs.
    Open,
    /// This account calls; the lists are read when something is written first.
    Against([u8; 20]),
    /// These slots are locked.
    Slots(BTreeSet<[u8; 32]>),
}

/// The slot that stands for the code.
pub(super) fn code_slot() -> [u8; 32] {
    child_slot(&ROOT, CODE)
}

/// What is locked in a contract that says nothing: its root and the lists themselves. In the form
/// of the list of locked slots, and the slot where that lies.
pub(super) fn default_list() -> ([u8; 32], Vec<u8>) {
    let lists = [CODE, LOCKED_SLOTS, UPGRADERS].map(|offset| child_slot(&ROOT, offset));
    let length = [4, 0, 0, 0];
    (child_slot(&ROOT, LOCKED_SLOTS), [length.as_slice(), &ROOT, lists.as_flattened()].concat())
}

/// The slots that `sender` may not write.
pub(super) fn slots_against(
    sender: [u8; 20],
    store: &mut Store,
    fetch: &mut impl Fetch,
) -> Result<BTreeSet<[u8; 32]>, StoreError> {
    let lists = [UPGRADERS, LOCKED_SLOTS].map(|offset| child_slot(&ROOT, offset));
    // Most are short, and come in one answer.
    store.load_first(&lists, fetch)?;
    let [upgraders, locked] = lists;
    if entries::<20>(upgraders, store, fetch)?.contains(&sender) {
        return Ok(BTreeSet::new());
    }
    Ok(entries::<32>(locked, store, fetch)?.into_iter().collect())
}

fn entries<const N: usize>(
    slot: [u8; 32],
    store: &mut Store,
    fetch: &mut impl Fetch,
) -> Result<Vec<[u8; N]>, StoreError> {
    let length = store.read(slot, 0, size_of::<u32>(), fetch)?;
    let length = u32::from_le_bytes(length.try_into().unwrap_or_default());
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > ENTRIES_MAX {
        return Err(StoreError::TooManyLocks);
    }
    let bytes = store.read(slot, ENTRIES_OFFSET, length * N, fetch)?;
    Ok(bytes.as_chunks::<N>().0.to_vec())
}
