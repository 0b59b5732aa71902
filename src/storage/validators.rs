//! Who may judge.

use std::sync::Arc;

use diesel::prelude::*;

use super::Connection;
use super::batch::BatchContext;
use super::contexts;
use super::failure::During;
use super::rows::{Progress, address, number};
use super::schema::{network, validators};
use crate::domain::ledger::{Electorate, StoreError, ValidatorChange, ValidatorRecord};
use crate::domain::{Address, NodeModels, Stake, Timestamp, Validator};

/// A validator's columns.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = validators)]
struct ValidatorRow {
    address: Vec<u8>,
    stake: i64,
    number: i64,
    created_at: i64,
    models: Option<String>,
}

impl ValidatorRow {
    fn record(self) -> Result<ValidatorRecord, StoreError> {
        const OPERATION: &str = "reading a validator";
        let weight: u64 = number(self.stake)?;
        let stake = Stake::try_from(weight).during(OPERATION)?;
        let models = self.models.map(|text| serde_json::from_str(&text).during(OPERATION));
        Ok(ValidatorRecord {
            validator: Validator { address: address(&self.address)?, stake },
            number: number(self.number)?,
            models: models.transpose()?.map(Arc::new),
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

/// Every validator with its history, in address order.
pub fn validator_records(conn: &mut Connection) -> Result<Vec<ValidatorRecord>, StoreError> {
    let rows: Vec<ValidatorRow> = validators::table
        .order(validators::address)
        .select(ValidatorRow::as_select())
        .load(conn)
        .during("reading the validators")?;
    rows.into_iter().map(ValidatorRow::record).collect()
}

/// Everybody who may sit in committees.
pub fn electorate_load(conn: &mut Connection) -> Result<Electorate, StoreError> {
    validator_records(conn).map(Electorate::of_records)
}

/// Everybody who may sit in the committees of one transaction.
pub(super) fn electorate_of(
    conn: &mut Connection,
    progress: &Progress,
) -> Result<Electorate, StoreError> {
    let context = contexts::load(conn, progress.position)?.unwrap_or_default();
    match Electorate::of_context(&context, &progress.hash) {
        Some(own) => Ok(own),
        None => electorate_load(conn),
    }
}

fn validator_get(
    conn: &mut Connection,
    address: Address,
) -> Result<Option<ValidatorRecord>, StoreError> {
    let row: Option<ValidatorRow> = validators::table
        .find(address.as_bytes().as_slice())
        .select(ValidatorRow::as_select())
        .get_result(conn)
        .optional()
        .during("reading a validator")?;
    row.map(ValidatorRow::record).transpose()
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
    match change {
        ValidatorChange::Create { address, stake, models } => {
            let address = match *address {
                None => free_address(conn, derive)?,
                Some(address) if validator_get(conn, address)?.is_none() => address,
                Some(taken) => {
                    let name = taken.to_string();
                    return Err(StoreError::AlreadyExists { what: "validator", name });
                }
            };
            insert(conn, &Validator { address, stake: *stake }, models.as_ref(), at)
        }
        ValidatorChange::Update { address, stake, models } => {
            let mut record = validator_get(conn, *address)?.ok_or_else(|| unknown(*address))?;
            record.validator.stake = stake.unwrap_or(record.validator.stake);
            record.models = models.clone().map(Arc::new).or(record.models);
            diesel::update(validators::table.find(address.as_bytes().as_slice()))
                .set((
                    validators::stake.eq(stake_column(record.validator.stake)?),
                    validators::models.eq(models_column(record.models.as_deref())?),
                ))
                .execute(conn)
                .during("changing a validator")?;
            Ok(record)
        }
        ValidatorChange::Delete { address } => {
            let record = validator_get(conn, *address)?.ok_or_else(|| unknown(*address))?;
            diesel::delete(validators::table.find(address.as_bytes().as_slice()))
                .execute(conn)
                .during("deleting a validator")?;
            Ok(record)
        }
    }
}

/// Removes every validator and answers with those there were.
pub fn validator_delete_all_in_txn(
    conn: &mut Connection,
    _ctx: &mut BatchContext,
) -> Result<Vec<ValidatorRecord>, StoreError> {
    let records = validator_records(conn)?;
    diesel::delete(validators::table).execute(conn).during("deleting the validators")?;
    Ok(records)
}

/// The first address by the number of validators created before that nobody has.
fn free_address(
    conn: &mut Connection,
    derive: &dyn Fn(u64) -> Address,
) -> Result<Address, StoreError> {
    let mut number = created(conn)?;
    loop {
        let address = derive(number);
        if validator_get(conn, address)?.is_none() {
            return Ok(address);
        }
        number = number.saturating_add(1);
    }
}

fn unknown(address: Address) -> StoreError {
    StoreError::NotFound { what: "validator", name: address.to_string() }
}

fn stake_column(stake: Stake) -> Result<i64, StoreError> {
    i64::try_from(stake.get()).during("storing a stake")
}

fn models_column(models: Option<&NodeModels>) -> Result<Option<String>, StoreError> {
    models.map(|models| serde_json::to_string(models).during("storing models")).transpose()
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
    models: Option<&NodeModels>,
    at: Timestamp,
) -> Result<ValidatorRecord, StoreError> {
    const OPERATION: &str = "creating a validator";
    let created = created(conn)?;
    let number = i64::try_from(created).during(OPERATION)?;
    diesel::insert_into(validators::table)
        .values((
            validators::address.eq(validator.address.as_bytes().as_slice()),
            validators::stake.eq(stake_column(validator.stake)?),
            validators::number.eq(number),
            validators::created_at.eq(at.as_millis()),
            validators::models.eq(models_column(models)?),
        ))
        .execute(conn)
        .during(OPERATION)?;
    diesel::update(network::table.find(1))
        .set(network::validators_created.eq(number + 1))
        .execute(conn)
        .during(OPERATION)?;
    let models = models.cloned().map(Arc::new);
    Ok(ValidatorRecord { validator: validator.clone(), number: created, models, created_at: at })
}
