//! The pages a decision wrote: stored with it compactly, applied to a contract's two states.

use diesel::prelude::*;

use super::Connection;
use super::cached::cached_update;
use super::contracts::contract_pages;
use super::failure::{During, database_error};
use super::schema::contract_storage;
use super::transactions::one_row;
use crate::domain::ledger::{StateVersion, StoreError};
use crate::domain::{Address, Bytes, Digest, PageKey, Pages, SlotId};

/// One entry per page: slot (32 bytes), page (4, big endian), length (4, big endian), bytes.
pub(super) fn encode(pages: &Pages) -> Result<Vec<u8>, StoreError> {
    let mut out = Vec::with_capacity(pages.values().map(|page| 40 + page.len()).sum());
    for (key, page) in pages {
        let length = u32::try_from(page.len()).during("storing a decision's writes")?;
        out.extend_from_slice(key.slot.0.as_bytes());
        out.extend_from_slice(&key.index.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(page);
    }
    Ok(out)
}

/// Reads what [`encode`] wrote.
pub(super) fn decode(mut bytes: &[u8]) -> Result<Pages, StoreError> {
    let mut pages = Pages::new();
    while !bytes.is_empty() {
        let (key, page, rest) = decode_one(bytes).ok_or_else(|| {
            database_error("reading a decision's writes", "they end in the middle of a page")
        })?;
        pages.insert(key, Bytes::copy_from_slice(page));
        bytes = rest;
    }
    Ok(pages)
}

fn decode_one(bytes: &[u8]) -> Option<(PageKey, &[u8], &[u8])> {
    let (slot, rest) = bytes.split_at_checked(32)?;
    let (index, rest) = rest.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (page, rest) = rest.split_at_checked(length)?;
    let key =
        PageKey { slot: SlotId(Digest::from_slice(slot)?), index: u32::from_be_bytes(*index) };
    Some((key, page, rest))
}

/// The accepted pages of `contract` that `pages` would replace; an absent one is empty.
pub(super) fn accepted_under(
    conn: &mut Connection,
    contract: Address,
    pages: &Pages,
) -> Result<Pages, StoreError> {
    let keys: Vec<PageKey> = pages.keys().copied().collect();
    let before = contract_pages(conn, contract, StateVersion::Accepted, &keys)?;
    Ok(keys.into_iter().zip(before).collect())
}

/// Writes `pages` into the accepted state of `contract`.
pub(super) fn apply_accepted(
    conn: &mut Connection,
    contract: Address,
    pages: &Pages,
) -> Result<(), StoreError> {
    const OPERATION: &str = "writing accepted state";
    let contract = contract.as_bytes().as_slice();
    for (key, page) in pages {
        let slot = key.slot.0.as_bytes().as_slice();
        let index = i64::from(key.index);
        let bytes = stored(page);
        let changed = cached_update(
            "contract_storage",
            contract_storage::accepted.eq(bytes),
            contract_storage::contract
                .eq(contract)
                .and(contract_storage::slot.eq(slot))
                .and(contract_storage::page.eq(index)),
        )
        .execute(conn)
        .during(OPERATION)?;
        if changed == 0 && bytes.is_some() {
            let inserted = diesel::insert_into(contract_storage::table)
                .values((
                    contract_storage::contract.eq(contract),
                    contract_storage::slot.eq(slot),
                    contract_storage::page.eq(index),
                    contract_storage::accepted.eq(bytes),
                ))
                .execute(conn);
            one_row(inserted, OPERATION)?;
        }
    }
    Ok(())
}

/// Writes `pages` into the finalized state of `contract`.
pub(super) fn apply_finalized(
    conn: &mut Connection,
    contract: Address,
    pages: &Pages,
) -> Result<(), StoreError> {
    const OPERATION: &str = "writing finalized state";
    let contract = contract.as_bytes().as_slice();
    for (key, page) in pages {
        let slot = key.slot.0.as_bytes().as_slice();
        let index = i64::from(key.index);
        let bytes = stored(page);
        let row = contract_storage::table.find((contract, slot, index));
        let changed = cached_update(
            "contract_storage",
            contract_storage::finalized.eq(bytes),
            contract_storage::contract
                .eq(contract)
                .and(contract_storage::slot.eq(slot))
                .and(contract_storage::page.eq(index)),
        )
        .execute(conn)
        .during(OPERATION)?;
        match (changed, bytes) {
            (0, Some(_)) => {
                let inserted = diesel::insert_into(contract_storage::table)
                    .values((
                        contract_storage::contract.eq(contract),
                        contract_storage::slot.eq(slot),
                        contract_storage::page.eq(index),
                        contract_storage::finalized.eq(bytes),
                    ))
                    .execute(conn);
                one_row(inserted, OPERATION)?;
            }
            // A page that is empty in both states is not stored.
            (_, None) => {
                let empty = row
                    .filter(contract_storage::accepted.is_null())
                    .filter(contract_storage::finalized.is_null());
                diesel::delete(empty).execute(conn).during(OPERATION)?;
            }
            (_, Some(_)) => {}
        }
    }
    Ok(())
}

fn stored(page: &Bytes) -> Option<&[u8]> {
    (!page.is_empty()).then_some(page.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Pages {
        let key = |slot, index| PageKey { slot: SlotId(Digest::new([slot; 32])), index };
        Pages::from([
            (key(1, 0), Bytes::from_static(b"first")),
            (key(1, u32::MAX), Bytes::new()),
            (key(2, 7), Bytes::from(vec![9; 1024])),
        ])
    }

    #[test]
    fn writes_read_back_as_they_were() {
        assert_eq!(decode(&encode(&pages()).unwrap()).unwrap(), pages());
        assert_eq!(decode(&[]).unwrap(), Pages::new());
    }

    #[test]
    fn damaged_writes_are_an_error() {
        let bytes = encode(&pages()).unwrap();
        for cut in [1, 31, 39, 41, bytes.len() - 1] {
            assert!(decode(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
