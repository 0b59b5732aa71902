//! Who may judge.

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::failure::During;
use super::rows::{address, number};
use super::schema::{network, validators};
use crate::domain::ledger::{StoreError, ValidatorChange, ValidatorRecord};
use crate::domain::{Address, Stake, Timestamp, Validator};

/// Every validator, in address order.
pub fn validator_list(conn: &mut Connection) -> Result<Vec<Validator>, StoreError> {
    Ok(validator_records(conn)?.into_iter().map(|record| record.validator).collect())
}

/// Every validator with its history, in address order.
pub fn validator_records(conn: &mut Connection) -> Result<Vec<ValidatorRecord>, StoreError> {
    let rows: Vec<(Vec<u8>, i64, i64)> = validators::table
        .order(validators::address)
        .select((validators::address, validators::stake, validators::created_at))
        .load(conn)
        .during("reading the validators")?;
    rows.iter().map(|(address, stake, created_at)| record(address, *stake, *created_at)).collect()
}

fn record(bytes: &[u8], stake: i64, created_at: i64) -> Result<ValidatorRecord, StoreError> {
    let weight: u64 = number(stake)?;
    let stake = Stake::try_from(weight).during("reading a validator")?;
    Ok(ValidatorRecord {
        validator: Validator { address: address(bytes)?, stake },
        created_at: Timestamp::from_millis(created_at),
    })
}

fn validator_get(
    conn: &mut Connection,
    address: Address,
) -> Result<Option<ValidatorRecord>, StoreError> {
    let row: Option<(Vec<u8>, i64, i64)> = validators::table
        .find(address.as_bytes().as_slice())
        .select((validators::address, validators::stake, validators::created_at))
        .get_result(conn)
        .optional()
        .during("reading a validator")?;
    row.map(|(address, stake, created_at)| record(&address, stake, created_at)).transpose()
}

/// Changes the set of validators and answers with the one it was about.
///
/// A validator without an address gets the first free one of `derive`, which is asked with the
/// number of validators created before.
pub fn validator_change_in_txn(
    conn: &mut Connection,
    _ctx: &mut BatchContext,
    change: &ValidatorChange,
    at: Timestamp,
    derive: &dyn Fn(u64) -> Address,
) -> Result<ValidatorRecord, StoreError> {
    match *change {
        ValidatorChange::Create { address: Some(address), stake } => {
            if validator_get(conn, address)?.is_some() {
                let name = address.to_string();
                return Err(StoreError::AlreadyExists { what: "validator", name });
            }
            insert(conn, &Validator { address, stake }, at)
        }
        ValidatorChange::Create { address: None, stake } => {
            let mut number = created(conn)?;
            let address = loop {
                let address = derive(number);
                if validator_get(conn, address)?.is_none() {
                    break address;
                }
                number = number.saturating_add(1);
            };
            insert(conn, &Validator { address, stake }, at)
        }
        ValidatorChange::SetStake { address, stake } => {
            let mut record = validator_get(conn, address)?.ok_or_else(|| unknown(address))?;
            diesel::update(validators::table.find(address.as_bytes().as_slice()))
                .set(validators::stake.eq(stake_column(stake)?))
                .execute(conn)
                .during("changing a stake")?;
            record.validator.stake = stake;
            Ok(record)
        }
        ValidatorChange::Delete { address } => {
            let record = validator_get(conn, address)?.ok_or_else(|| unknown(address))?;
            diesel::delete(validators::table.find(address.as_bytes().as_slice()))
                .execute(conn)
                .during("deleting a validator")?;
            Ok(record)
        }
    }
}

fn unknown(address: Address) -> StoreError {
    StoreError::NotFound { what: "validator", name: address.to_string() }
}

fn stake_column(stake: Stake) -> Result<i64, StoreError> {
    i64::try_from(stake.get()).during("storing a stake")
}

/// How many validators were ever created.
fn created(conn: &mut Connection) -> Result<u64, StoreError> {
    let created: i64 = network::table
        .find(1)
        .select(network::validators_created)
        .get_result(conn)
        .during("counting the validators created")?;
    number(created)
}

/// Stores a new validator and counts it.
pub(super) fn insert(
    conn: &mut Connection,
    validator: &Validator,
    at: Timestamp,
) -> Result<ValidatorRecord, StoreError> {
    const OPERATION: &str = "creating a validator";
    let number = i64::try_from(created(conn)?).during(OPERATION)?;
    diesel::insert_into(validators::table)
        .values((
            validators::address.eq(validator.address.as_bytes().as_slice()),
            validators::stake.eq(stake_column(validator.stake)?),
            validators::number.eq(number),
            validators::created_at.eq(at.as_millis()),
        ))
        .execute(conn)
        .during(OPERATION)?;
    diesel::update(network::table.find(1))
        .set(network::validators_created.eq(number + 1))
        .execute(conn)
        .during(OPERATION)?;
    Ok(ValidatorRecord { validator: validator.clone(), created_at: at })
}
