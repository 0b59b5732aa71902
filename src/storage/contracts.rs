//! Contracts: their code, their two states, page by page.

use std::sync::Arc;

use diesel::prelude::*;

use super::Connection;
use super::accounts::Account;
use super::failure::During;
use super::rows::{address, digest, number, parsed};
use super::schema::{accounts, codes, contract_storage, contracts};
use super::transactions::{limit_column, one_row};
use crate::domain::ledger::{
    ContractRecord, ContractView, Page as PageOf, Position, Snapshot, StateVersion, StoreError,
};
use crate::domain::{
    Address, Amount, Bytes, Code, Digest, Page, PageKey, Pages, SlotId, Timestamp, TxHash,
};

/// A state of more pages is not sent along whole.
pub(super) const SNAPSHOT_PAGES_MAX: usize = 256;

type ContractRow = (Vec<u8>, i64, Vec<u8>, Vec<u8>, Vec<u8>, i64, Option<Vec<u8>>, String);

/// What an execution of a contract starts from.
pub(super) struct ContractBasis {
    pub(super) code: Option<Code>,
    pub(super) balance: Amount,
}

/// Code and balance of the contract at `contract`, if there is one.
pub(super) fn basis(conn: &mut Connection, contract: Address) -> Result<ContractBasis, StoreError> {
    let row: Option<(Vec<u8>, Vec<u8>, String)> = contracts::table
        .inner_join(codes::table)
        .inner_join(accounts::table.on(accounts::address.eq(contracts::address)))
        .filter(contracts::address.eq(contract.as_bytes().as_slice()))
        .select((codes::hash, codes::source, accounts::balance))
        .get_result(conn)
        .optional()
        .during("reading a contract's code")?;
    if let Some((hash, source, balance)) = row {
        let code = Code { hash: digest(&hash)?, source: Bytes::from(source) };
        return Ok(ContractBasis { code: Some(code), balance: parsed(&balance)? });
    }
    Ok(ContractBasis { code: None, balance: Account::load(conn, contract)?.balance })
}

/// Registers the contract that a deploy puts on the network, and its account.
pub(super) fn insert(
    conn: &mut Connection,
    address: Address,
    code_hash: &[u8],
    deployed_by: TxHash,
    at: Timestamp,
) -> Result<(), StoreError> {
    const OPERATION: &str = "storing a contract";
    let last: Option<i64> = contracts::table
        .select(diesel::dsl::max(contracts::position))
        .get_result(conn)
        .during(OPERATION)?;
    let inserted = diesel::insert_into(contracts::table)
        .values((
            contracts::address.eq(address.as_bytes().as_slice()),
            contracts::position.eq(last.unwrap_or(0) + 1),
            contracts::code_hash.eq(code_hash),
            contracts::deployed_by.eq(deployed_by.as_bytes().as_slice()),
            contracts::deployed_at.eq(at.as_millis()),
        ))
        .execute(conn);
    one_row(inserted, OPERATION)
}

/// Gives a contract another code; its state stays.
pub(super) fn set_code(
    conn: &mut Connection,
    address: Address,
    code_hash: &[u8],
) -> Result<(), StoreError> {
    let changed = diesel::update(contracts::table.find(address.as_bytes().as_slice()))
        .set(contracts::code_hash.eq(code_hash))
        .execute(conn);
    one_row(changed, "changing a contract's code")
}

/// Takes a contract off the network whose deploy is undone; its state must have been undone.
pub(super) fn remove(conn: &mut Connection, address: Address) -> Result<(), StoreError> {
    const OPERATION: &str = "undoing a deploy";
    let address = address.as_bytes().as_slice();
    diesel::delete(contract_storage::table.filter(contract_storage::contract.eq(address)))
        .execute(conn)
        .during(OPERATION)?;
    one_row(diesel::delete(contracts::table.find(address)).execute(conn), OPERATION)
}

/// The contract's deploy became final, with this code.
pub(super) fn mark_finalized(
    conn: &mut Connection,
    address: Address,
    code_hash: &[u8],
    at: Timestamp,
) -> Result<(), StoreError> {
    let changed = diesel::update(contracts::table.find(address.as_bytes().as_slice()))
        .set((contracts::finalized_at.eq(at.as_millis()), contracts::final_code_hash.eq(code_hash)))
        .execute(conn);
    one_row(changed, "finalizing a contract")
}

/// The contract's code of the accepted state became final.
pub(super) fn set_final_code(
    conn: &mut Connection,
    address: Address,
    code_hash: &[u8],
) -> Result<(), StoreError> {
    let changed = diesel::update(contracts::table.find(address.as_bytes().as_slice()))
        .set(contracts::final_code_hash.eq(code_hash))
        .execute(conn);
    one_row(changed, "finalizing a contract's code")
}

/// The code that has this hash.
pub(super) fn code(conn: &mut Connection, hash: Digest) -> Result<Code, StoreError> {
    let source: Vec<u8> = codes::table
        .find(hash.as_bytes().as_slice())
        .select(codes::source)
        .get_result(conn)
        .during("reading a code")?;
    Ok(Code { hash, source: source.into() })
}

/// Stores a code unless it is there already.
pub(super) fn insert_code(conn: &mut Connection, code: &Code) -> Result<(), StoreError> {
    let hash = code.hash.as_bytes().as_slice();
    let stored: Option<Vec<u8>> = codes::table
        .find(hash)
        .select(codes::hash)
        .get_result(conn)
        .optional()
        .during("looking for a code")?;
    if stored.is_some() {
        return Ok(());
    }
    let source: &[u8] = &code.source;
    let inserted = diesel::insert_into(codes::table)
        .values((codes::hash.eq(hash), codes::source.eq(source)))
        .execute(conn);
    one_row(inserted, "storing a code")
}

/// The contract at `address`, if there is one.
pub fn contract_get(
    conn: &mut Connection,
    address: Address,
) -> Result<Option<ContractRecord>, StoreError> {
    Ok(find(conn, address)?.map(|(record, _)| record))
}

/// A contract, and the hash of its final code once its deploy is final.
fn find(
    conn: &mut Connection,
    address: Address,
) -> Result<Option<(ContractRecord, Option<Digest>)>, StoreError> {
    let row: Option<ContractRow> = contracts::table
        .inner_join(codes::table)
        .inner_join(accounts::table.on(accounts::address.eq(contracts::address)))
        .filter(contracts::address.eq(address.as_bytes().as_slice()))
        .select((
            contracts::address,
            contracts::position,
            codes::hash,
            codes::source,
            contracts::deployed_by,
            contracts::deployed_at,
            contracts::final_code_hash,
            accounts::balance,
        ))
        .get_result(conn)
        .optional()
        .during("reading a contract")?;
    row.map(|row| {
        let final_code = row.6.as_deref().map(digest).transpose()?;
        Ok((record(row)?, final_code))
    })
    .transpose()
}

fn record(row: ContractRow) -> Result<ContractRecord, StoreError> {
    let (bytes, position, code_hash, source, deployed_by, deployed_at, _, balance) = row;
    Ok(ContractRecord {
        address: address(&bytes)?,
        code: Code { hash: digest(&code_hash)?, source: Bytes::from(source) },
        deployed_by: digest(&deployed_by)?,
        deployed_at: Timestamp::from_millis(deployed_at),
        position: Position(position),
        balance: parsed(&balance)?,
    })
}

/// At most `limit` contracts deployed after `after`, oldest first.
pub fn contract_list(
    conn: &mut Connection,
    after: Position,
    limit: usize,
) -> Result<PageOf<ContractRecord>, StoreError> {
    let rows: Vec<ContractRow> = contracts::table
        .inner_join(codes::table)
        .inner_join(accounts::table.on(accounts::address.eq(contracts::address)))
        .filter(contracts::position.gt(after.0))
        .order(contracts::position)
        .limit(limit_column(limit.saturating_add(1)))
        .select((
            contracts::address,
            contracts::position,
            codes::hash,
            codes::source,
            contracts::deployed_by,
            contracts::deployed_at,
            contracts::final_code_hash,
            accounts::balance,
        ))
        .load(conn)
        .during("listing contracts")?;
    let mut items = rows.into_iter().map(record).collect::<Result<Vec<_>, _>>()?;
    let is_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| is_more).map(|last| last.position);
    Ok(PageOf { items, next })
}

/// Code and state of a contract; its finalized state exists once its deploy is final, and has the
/// code that was final last.
pub fn contract_view(
    conn: &mut Connection,
    address: Address,
    version: StateVersion,
) -> Result<Option<ContractView>, StoreError> {
    let Some((mut record, final_code)) = find(conn, address)? else { return Ok(None) };
    if version == StateVersion::Finalized {
        let Some(final_code) = final_code else { return Ok(None) };
        if final_code != record.code.hash {
            record.code = code(conn, final_code)?;
        }
    }
    let snapshot = snapshot(conn, address, version)?;
    Ok(Some(ContractView { record, snapshot }))
}

/// All pages of a state, or none when there are too many.
pub(super) fn snapshot(
    conn: &mut Connection,
    contract: Address,
    version: StateVersion,
) -> Result<Snapshot, StoreError> {
    let pages = contract_page_list(conn, contract, version, None, SNAPSHOT_PAGES_MAX + 1)?;
    if pages.len() > SNAPSHOT_PAGES_MAX {
        return Ok(Snapshot { pages: Arc::default(), complete: false });
    }
    let pages: Pages = pages.into_iter().collect();
    Ok(Snapshot { pages: Arc::new(pages), complete: true })
}

/// At most `limit` pages of a state after `after`, in key order; empty ones are left out.
pub fn contract_page_list(
    conn: &mut Connection,
    contract: Address,
    version: StateVersion,
    after: Option<PageKey>,
    limit: usize,
) -> Result<Vec<(PageKey, Page)>, StoreError> {
    const OPERATION: &str = "reading a contract's state";
    // Two fixed statements instead of one that is put together every time.
    macro_rules! pages {
        ($column:ident, $rows:expr) => {
            $rows
                .filter(contract_storage::contract.eq(contract.as_bytes().as_slice()))
                .filter(contract_storage::$column.is_not_null())
                .order((contract_storage::slot, contract_storage::page))
                .limit(limit_column(limit))
                .select((contract_storage::slot, contract_storage::page, contract_storage::$column))
                .load(conn)
                .during(OPERATION)?
        };
    }
    macro_rules! behind {
        ($key:expr) => {
            contract_storage::table.filter(
                contract_storage::slot.gt($key.slot.0.as_bytes().as_slice()).or(
                    contract_storage::slot
                        .eq($key.slot.0.as_bytes().as_slice())
                        .and(contract_storage::page.gt(i64::from($key.index))),
                ),
            )
        };
    }
    let rows: Vec<(Vec<u8>, i64, Option<Vec<u8>>)> = match (version, after) {
        (StateVersion::Accepted, None) => pages!(accepted, contract_storage::table),
        (StateVersion::Finalized, None) => pages!(finalized, contract_storage::table),
        (StateVersion::Accepted, Some(key)) => pages!(accepted, behind!(key)),
        (StateVersion::Finalized, Some(key)) => pages!(finalized, behind!(key)),
    };
    rows.into_iter()
        .map(|(slot, index, page)| {
            let key = PageKey { slot: SlotId(digest(&slot)?), index: number(index)? };
            Ok((key, Bytes::from(page.unwrap_or_default())))
        })
        .collect()
}

/// The pages under `keys`, in their order; an absent page is empty.
pub fn contract_pages(
    conn: &mut Connection,
    contract: Address,
    version: StateVersion,
    keys: &[PageKey],
) -> Result<Vec<Page>, StoreError> {
    let mut pages = Vec::with_capacity(keys.len());
    for key in keys {
        let row = contract_storage::table.find((
            contract.as_bytes().as_slice(),
            key.slot.0.as_bytes().as_slice(),
            i64::from(key.index),
        ));
        let page: QueryResult<Option<Vec<u8>>> = match version {
            StateVersion::Accepted => row.select(contract_storage::accepted).get_result(conn),
            StateVersion::Finalized => row.select(contract_storage::finalized).get_result(conn),
        };
        let page = page.optional().during("reading a page of a contract's state")?;
        pages.push(Bytes::from(page.flatten().unwrap_or_default()));
    }
    Ok(pages)
}
