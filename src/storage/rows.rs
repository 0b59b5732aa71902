//! From columns to values with meaning; what does not fit is an error in words, never a panic.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use diesel::prelude::*;

use super::failure::{During, database_error};
use super::schema::transactions;
use crate::domain::ledger::{Position, StoreError};
use crate::domain::{
    Address, Amount, AppealKind, Bytes, Digest, ExecutionMode, Payload, PayloadKind, Status,
    Timestamp, Transaction, TransactionRules, TxHash,
};

const OPERATION: &str = "reading a row";

/// A 32-byte column.
pub(super) fn digest(bytes: &[u8]) -> Result<Digest, StoreError> {
    Digest::from_slice(bytes)
        .ok_or_else(|| database_error(OPERATION, format!("a hash of {} bytes", bytes.len())))
}

/// A 20-byte column.
pub(super) fn address(bytes: &[u8]) -> Result<Address, StoreError> {
    Address::from_slice(bytes)
        .ok_or_else(|| database_error(OPERATION, format!("an address of {} bytes", bytes.len())))
}

/// A 20-byte column that may be NULL.
pub(super) fn address_maybe(bytes: Option<&[u8]>) -> Result<Option<Address>, StoreError> {
    bytes.map(address).transpose()
}

/// A column of text with a closed set of values, or an amount.
pub(super) fn parsed<T>(text: &str) -> Result<T, StoreError>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse().during(OPERATION)
}

/// A column of whole numbers of another width.
pub(super) fn number<T, N>(value: N) -> Result<T, StoreError>
where
    T: TryFrom<N>,
    T::Error: Display,
{
    T::try_from(value).during(OPERATION)
}

pub(super) fn instant(millis: Option<i64>) -> Option<Timestamp> {
    millis.map(Timestamp::from_millis)
}

pub(super) fn execution_mode(name: &str) -> Result<ExecutionMode, StoreError> {
    [ExecutionMode::Normal, ExecutionMode::LeaderOnly, ExecutionMode::LeaderSelfValidator]
        .into_iter()
        .find(|mode| mode.name() == name)
        .ok_or_else(|| database_error(OPERATION, format!("`{name}` is no mode of execution")))
}

/// All of a transaction's columns.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = transactions)]
pub(super) struct TransactionRow {
    pub(super) position: i64,
    hash: Vec<u8>,
    kind: String,
    sender: Option<Vec<u8>>,
    recipient: Option<Vec<u8>>,
    value: String,
    nonce: i64,
    pub(super) code_hash: Option<Vec<u8>>,
    calldata: Option<Vec<u8>>,
    validators: i32,
    rotations_max: i32,
    mode: String,
    status: String,
    attempt: i32,
    submitted_at: i64,
    decided_at: Option<i64>,
    final_from: Option<i64>,
    finalized_at: Option<i64>,
    pub(super) reason: Option<String>,
    appeal: Option<String>,
    pub(super) block: i64,
}

impl TransactionRow {
    pub(super) fn hash(&self) -> Result<TxHash, StoreError> {
        digest(&self.hash)
    }

    pub(super) fn status(&self) -> Result<Status, StoreError> {
        parsed(&self.status)
    }

    pub(super) fn kind(&self) -> Result<PayloadKind, StoreError> {
        parsed(&self.kind)
    }

    pub(super) fn attempt(&self) -> Result<u32, StoreError> {
        number(self.attempt)
    }

    pub(super) fn submitted_at(&self) -> Timestamp {
        Timestamp::from_millis(self.submitted_at)
    }

    pub(super) fn decided_at(&self) -> Option<Timestamp> {
        instant(self.decided_at)
    }

    pub(super) fn final_from(&self) -> Option<Timestamp> {
        instant(self.final_from)
    }

    pub(super) fn finalized_at(&self) -> Option<Timestamp> {
        instant(self.finalized_at)
    }

    pub(super) fn appeal(&self) -> Result<Option<AppealKind>, StoreError> {
        self.appeal.as_deref().map(parsed).transpose()
    }

    pub(super) fn value(&self) -> Result<Amount, StoreError> {
        parsed(&self.value)
    }

    pub(super) fn rules(&self) -> Result<TransactionRules, StoreError> {
        Ok(TransactionRules {
            validators: number(self.validators)?,
            rotations_max: number(self.rotations_max)?,
            mode: execution_mode(&self.mode)?,
        })
    }

    /// The transaction; a deploy needs the source of its code.
    pub(super) fn transaction(&self, code: Option<Vec<u8>>) -> Result<Transaction, StoreError> {
        let calldata = || self.calldata.clone().map(Bytes::from).unwrap_or_default();
        let payload = match self.kind()? {
            PayloadKind::Transfer => Payload::Transfer,
            PayloadKind::Call => Payload::Call { calldata: calldata() },
            kind @ (PayloadKind::Deploy | PayloadKind::Upgrade) => {
                let code = code.map(Bytes::from).ok_or_else(|| {
                    database_error(
                        OPERATION,
                        format!("transaction {} lost its code", self.position),
                    )
                })?;
                match kind {
                    PayloadKind::Upgrade => Payload::Upgrade { code },
                    _ => Payload::Deploy { code, calldata: calldata() },
                }
            }
        };
        Ok(Transaction {
            hash: digest(&self.hash)?,
            from: address_maybe(self.sender.as_deref())?,
            to: address_maybe(self.recipient.as_deref())?,
            value: self.value()?,
            payload,
            nonce: number(self.nonce)?,
            rules: self.rules()?,
        })
    }
}

/// What every change of a status must know.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = transactions)]
pub(super) struct ProgressRow {
    position: i64,
    kind: String,
    sender: Option<Vec<u8>>,
    recipient: Option<Vec<u8>>,
    queue_address: Vec<u8>,
    value: String,
    code_hash: Option<Vec<u8>>,
    mode: String,
    status: String,
    attempt: i32,
    announced: i32,
    decided_at: Option<i64>,
    final_from: Option<i64>,
    locked: String,
    crashes: i32,
    chain_from: i32,
    effective_attempt: Option<i32>,
    appeal: Option<String>,
    appeals_failed: i32,
    appeal_millis: i64,
}

/// Where a transaction is, and what its effects need.
#[derive(Debug, Clone)]
pub(super) struct Progress {
    pub(super) position: Position,
    pub(super) hash: TxHash,
    pub(super) kind: PayloadKind,
    pub(super) sender: Option<Address>,
    pub(super) recipient: Option<Address>,
    pub(super) queue: Address,
    pub(super) value: Amount,
    pub(super) code_hash: Option<Vec<u8>>,
    pub(super) mode: ExecutionMode,
    pub(super) status: Status,
    pub(super) attempt: u32,
    pub(super) announced: u32,
    pub(super) decided_at: Option<Timestamp>,
    pub(super) final_from: Option<Timestamp>,
    /// Value it holds.
    pub(super) locked: Amount,
    pub(super) crashes: u32,
    /// The attempt from which on its rounds count.
    pub(super) chain_from: u32,
    /// The attempt whose effects are in the ledger.
    pub(super) effective: Option<u32>,
    /// The appeal that is open.
    pub(super) appeal: Option<AppealKind>,
    pub(super) appeals_failed: u32,
    /// Time spent in failed appeals.
    pub(super) appeal_time: Duration,
}

impl Progress {
    /// The transaction `hash` as it is now.
    pub(super) fn load(conn: &mut super::Connection, hash: TxHash) -> Result<Self, StoreError> {
        let row: Option<ProgressRow> = transactions::table
            .filter(transactions::hash.eq(hash.as_bytes().as_slice()))
            .select(ProgressRow::as_select())
            .get_result(conn)
            .optional()
            .during("reading where a transaction is")?;
        Self::of(hash, row.ok_or_else(|| unknown_transaction(hash))?)
    }

    /// The transaction `hash` as its row says.
    pub(super) fn of(hash: TxHash, row: ProgressRow) -> Result<Self, StoreError> {
        Ok(Self {
            position: Position(row.position),
            hash,
            kind: parsed(&row.kind)?,
            sender: address_maybe(row.sender.as_deref())?,
            recipient: address_maybe(row.recipient.as_deref())?,
            queue: address(&row.queue_address)?,
            value: parsed(&row.value)?,
            code_hash: row.code_hash,
            mode: execution_mode(&row.mode)?,
            status: parsed(&row.status)?,
            attempt: number(row.attempt)?,
            announced: number(row.announced)?,
            decided_at: instant(row.decided_at),
            final_from: instant(row.final_from),
            locked: parsed(&row.locked)?,
            crashes: number(row.crashes)?,
            chain_from: number(row.chain_from)?,
            effective: row.effective_attempt.map(number).transpose()?,
            appeal: row.appeal.as_deref().map(parsed).transpose()?,
            appeals_failed: number(row.appeals_failed)?,
            appeal_time: Duration::from_millis(number(row.appeal_millis)?),
        })
    }

    /// The transaction at `position` as it is now.
    pub(super) fn at(conn: &mut super::Connection, position: Position) -> Result<Self, StoreError> {
        let hash: Vec<u8> = transactions::table
            .find(position.0)
            .select(transactions::hash)
            .get_result(conn)
            .during("reading the transaction of a place")?;
        Self::load(conn, digest(&hash)?)
    }

    /// The refusal of somebody who works on `attempt`.
    pub(super) fn stale(&self, attempt: u32) -> StoreError {
        StoreError::Stale {
            hash: self.hash,
            attempt,
            found: self.status,
            found_attempt: self.attempt,
        }
    }
}

pub(super) fn unknown_transaction(hash: TxHash) -> StoreError {
    StoreError::NotFound { what: "transaction", name: hash.to_string() }
}
