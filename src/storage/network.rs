//! The network itself: what its first start writes.

use std::collections::BTreeMap;
use std::time::Duration;

use diesel::prelude::*;

use super::Connection;
use super::accounts::Account;
use super::batch::BatchContext;
use super::failure::{During, database_error};
use super::rows::{digest, number};
use super::schema::network;
use super::validators;
use crate::domain::ledger::{Genesis, StoreError};
use crate::domain::{Amount, Digest};

/// What makes a network this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkRecord {
    /// Everything random derives from it.
    pub seed: Digest,
    /// Part of every transaction's hash.
    pub chain_id: u64,
    /// How long a decision can be appealed.
    pub finality_window: Duration,
}

/// The network in this database; `None` before its first start.
pub fn network_load(conn: &mut Connection) -> Result<Option<NetworkRecord>, StoreError> {
    let row: Option<(Vec<u8>, i64, i64)> = network::table
        .find(1)
        .select((network::seed, network::chain_id, network::finality_window))
        .get_result(conn)
        .optional()
        .during("reading the network")?;
    row.map(|(seed, chain_id, window)| {
        Ok(NetworkRecord {
            seed: digest(&seed)?,
            chain_id: number(chain_id)?,
            finality_window: Duration::from_millis(number(window)?),
        })
    })
    .transpose()
}

/// Writes the first start; a second one is an error.
pub fn network_create_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    genesis: &Genesis,
) -> Result<NetworkRecord, StoreError> {
    const OPERATION: &str = "creating the network";
    if network_load(conn)?.is_some() {
        return Err(database_error(OPERATION, "the database holds a network already"));
    }
    let finality_window = genesis.profile.finality_window(genesis.finality_window);
    let millis = i64::try_from(finality_window.as_millis()).during(OPERATION)?;
    let mut minted = Amount::ZERO;
    let mut balances = BTreeMap::new();
    for (address, amount) in &genesis.accounts {
        minted = minted.checked_add(*amount).ok_or(StoreError::Overflow(*address))?;
        let balance = balances.entry(*address).or_insert(Amount::ZERO);
        *balance = balance.checked_add(*amount).ok_or(StoreError::Overflow(*address))?;
    }
    diesel::insert_into(network::table)
        .values((
            network::id.eq(1),
            network::seed.eq(genesis.seed.as_bytes().as_slice()),
            network::chain_id.eq(i64::try_from(genesis.chain_id).during(OPERATION)?),
            network::created_at.eq(genesis.at.as_millis()),
            network::minted.eq(minted.to_string()),
            network::burned.eq(Amount::ZERO.to_string()),
            network::validators_created.eq(0),
            network::finality_window.eq(millis),
            network::clock_revision.eq(0),
            network::clock_offset.eq(0),
        ))
        .execute(conn)
        .during(OPERATION)?;
    ctx.want_block(genesis.at);
    for (address, balance) in balances {
        Account::load(conn, address)?.credited(balance)?.store(conn)?;
    }
    for validator in &genesis.validators {
        validators::insert(conn, validator, None, genesis.at)?;
    }
    Ok(NetworkRecord { seed: genesis.seed, chain_id: genesis.chain_id, finality_window })
}
