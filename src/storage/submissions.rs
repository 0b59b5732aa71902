//! Accepting transactions: nonces, repetitions and the locked value.

#![expect(clippy::ref_option_ref, reason = "diesel's Insertable derive writes such references")]

use diesel::prelude::*;

use super::Connection;
use super::accounts::{Account, Totals};
use super::batch::BatchContext;
use super::conditions::Addressee;
use super::contexts;
use super::contracts::insert_code;
use super::envelopes;
use super::failure::During;
use super::rows::{TransactionRow, number, unknown_transaction};
use super::schema::{codes, contracts, transactions};
use super::transactions::one_row;
use crate::domain::ledger::{NewTransaction, Position, StoreError, Submitted};
use crate::domain::{
    Address, Amount, Code, EventKind, Payload, PayloadKind, Status, Timestamp, Transaction, TxHash,
};

const OPERATION: &str = "storing a transaction";

/// What a submission needs to know of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubmitContext {
    /// Part of every transaction's hash.
    pub chain_id: u64,
    /// A sender that cannot pay is topped up with new money.
    pub sandbox_mint: bool,
    /// The present instant.
    pub at: Timestamp,
}

/// Accepts a transaction, gives it its name and its place, and locks the value of calls and
/// deploys; a repetition answers as the first time and changes nothing.
pub fn transaction_submit_in_txn(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    new: &NewTransaction,
    submit: &SubmitContext,
) -> Result<Submitted, StoreError> {
    if let Some(key) = &new.idempotency_key
        && let Some(submitted) = repeated(conn, key, new)?
    {
        return Ok(submitted);
    }
    let sender = new.from.map(|address| Account::load(conn, address)).transpose()?;
    if let Some(envelope) = &new.envelope
        && is_stored(conn, envelope.hash)?
    {
        // The same signed bytes: the signer's consent holds once.
        let stored = transaction_of(conn, envelope.hash)?;
        return Ok(answer(&stored, true));
    }
    let nonce = match &sender {
        // Nobody's transactions are numbered by their place, which no other transaction has.
        None => number(ctx.position_next(conn)?.0)?,
        Some(sender) => new.nonce.unwrap_or(sender.nonce),
    };
    let transaction = named(new, nonce, submit.chain_id);
    if let Some(sender) = &sender
        && nonce != sender.nonce
    {
        if nonce < sender.nonce && is_stored(conn, transaction.hash)? {
            return Ok(answer(&transaction, true));
        }
        return Err(StoreError::Nonce {
            account: sender.address,
            given: nonce,
            next: sender.nonce,
        });
    }
    check_parties(conn, new)?;
    let payment = Payment::prepare(conn, sender, &transaction, submit.sandbox_mint)?;

    let position = ctx.position_next(conn)?;
    payment.make(conn)?;
    let block = ctx.block_next(conn)?;
    let place = Place { position, block, idempotency_key: new.idempotency_key.as_deref() };
    insert(conn, place, &transaction, payment.locked, submit.at)?;
    if let (Some(envelope), Some(signer)) = (&new.envelope, new.from) {
        envelopes::insert(conn, envelope, signer, transaction.hash)?;
    }
    if let Some(context) = &new.context {
        contexts::insert(conn, position, context)?;
    }
    ctx.position_taken(position);
    let queue = transaction.queue_address();
    ctx.record(submit.at, transaction.hash, queue, EventKind::TransactionSubmitted);
    Ok(answer(&transaction, false))
}

fn named(new: &NewTransaction, nonce: u64, chain_id: u64) -> Transaction {
    let mut transaction = Transaction {
        hash: TxHash::new([0; 32]),
        from: new.from,
        to: new.to,
        value: new.value,
        payload: new.payload.clone(),
        nonce,
        rules: new.rules,
    };
    let signed = new.envelope.as_ref().map(|envelope| envelope.hash);
    transaction.hash = signed.unwrap_or_else(|| Transaction::hash_of(chain_id, &transaction));
    transaction
}

fn answer(transaction: &Transaction, duplicate: bool) -> Submitted {
    let is_deploy = transaction.payload.kind() == PayloadKind::Deploy;
    Submitted {
        hash: transaction.hash,
        contract: is_deploy.then(|| transaction.queue_address()),
        nonce: transaction.nonce,
        duplicate,
    }
}

/// The answer to an earlier submission under the same key, if there was one.
fn repeated(
    conn: &mut Connection,
    key: &str,
    new: &NewTransaction,
) -> Result<Option<Submitted>, StoreError> {
    let row: Option<(TransactionRow, Option<Vec<u8>>)> = transactions::table
        .left_join(codes::table)
        .filter(transactions::idempotency_key.eq(key))
        .select((TransactionRow::as_select(), codes::source.nullable()))
        .get_result(conn)
        .optional()
        .during("looking for an idempotency key")?;
    let Some((row, code)) = row else { return Ok(None) };
    let stored = row.transaction(code)?;
    let context = contexts::load(conn, Position(row.position))?;
    let is_same = stored.from == new.from
        && stored.to == new.to
        && stored.value == new.value
        && stored.payload == new.payload
        && stored.rules == new.rules
        && context == new.context
        && (new.from.is_none() || new.nonce.is_none_or(|nonce| nonce == stored.nonce));
    if is_same {
        Ok(Some(answer(&stored, true)))
    } else {
        Err(StoreError::IdempotencyKeyReused(key.to_owned()))
    }
}

fn transaction_of(conn: &mut Connection, hash: TxHash) -> Result<Transaction, StoreError> {
    let row: (TransactionRow, Option<Vec<u8>>) = transactions::table
        .left_join(codes::table)
        .filter(transactions::hash.eq(hash.as_bytes().as_slice()))
        .select((TransactionRow::as_select(), codes::source.nullable()))
        .get_result(conn)
        .during("reading a repeated transaction")?;
    row.0.transaction(row.1)
}

fn is_stored(conn: &mut Connection, hash: TxHash) -> Result<bool, StoreError> {
    match super::rows::Progress::load(conn, hash) {
        Ok(_) => Ok(true),
        Err(error) if error == unknown_transaction(hash) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Contracts have no keys: what they send are the messages they emit, paid for beforehand. A call
/// or upgrade needs a contract, or a deploy of it that is not given up.
fn check_parties(conn: &mut Connection, new: &NewTransaction) -> Result<(), StoreError> {
    let kind = new.payload.kind();
    let called = new.to.filter(|_| kind == PayloadKind::Call);
    let contracts = contracts_among(conn, new.from, called)?;
    if let Some(from) = new.from.filter(|from| contracts.contains(from)) {
        return Err(StoreError::NotAnAccount(from));
    }
    match (kind, new.to) {
        (PayloadKind::Transfer | PayloadKind::Deploy, _) => Ok(()),
        (PayloadKind::Call | PayloadKind::Upgrade, None) => {
            Err(StoreError::NotFound { what: "contract", name: "null".to_owned() })
        }
        (PayloadKind::Upgrade, Some(to)) => check_deployer(conn, new, to),
        (PayloadKind::Call, Some(to)) if contracts.contains(&to) => Ok(()),
        (PayloadKind::Call, Some(to)) => deployer(conn, to).map(|_| ()),
    }
}

/// Which of two addresses are contracts, in one look.
fn contracts_among(
    conn: &mut Connection,
    one: Option<Address>,
    other: Option<Address>,
) -> Result<Vec<Address>, StoreError> {
    let (Some(one), Some(other)) = (one.or(other), other.or(one)) else { return Ok(Vec::new()) };
    let found: Vec<Vec<u8>> = contracts::table
        .filter(contracts::address.eq(one.as_bytes().as_slice()))
        .or_filter(contracts::address.eq(other.as_bytes().as_slice()))
        .select(contracts::address)
        .load(conn)
        .during("looking for contracts")?;
    found.iter().map(|bytes| super::rows::address(bytes)).collect()
}

/// Is there a contract at `address`?
pub(super) fn is_contract(conn: &mut Connection, address: Address) -> Result<bool, StoreError> {
    let deployed: Option<i64> = contracts::table
        .find(address.as_bytes().as_slice())
        .select(contracts::position)
        .get_result(conn)
        .optional()
        .during("looking for a contract")?;
    Ok(deployed.is_some())
}

/// Only who deployed a contract may replace its code.
fn check_deployer(
    conn: &mut Connection,
    new: &NewTransaction,
    contract: Address,
) -> Result<(), StoreError> {
    if deployer(conn, contract)? == new.from {
        return Ok(());
    }
    let account = new.from.unwrap_or(Address::ZERO);
    Err(StoreError::NotDeployer { contract, account })
}

/// The sender of the first deploy to `contract` that is not given up; without one there is no
/// contract, nor will there be.
fn deployer(conn: &mut Connection, contract: Address) -> Result<Option<Address>, StoreError> {
    let sender: Option<Option<Vec<u8>>> = transactions::table
        .filter(Addressee.eq(contract.as_bytes().as_slice()))
        .filter(transactions::kind.eq(PayloadKind::Deploy.name()))
        .filter(transactions::status.ne(Status::Canceled.name()))
        .order(transactions::position)
        .select(transactions::sender)
        .first(conn)
        .optional()
        .during("looking for a deploy")?;
    let unknown = || StoreError::NotFound { what: "contract", name: contract.to_string() };
    super::rows::address_maybe(sender.ok_or_else(unknown)?.as_deref())
}

/// What a submission takes from its sender, worked out before anything is written.
struct Payment {
    sender: Option<Account>,
    locked: Amount,
    totals: Option<Totals>,
}

impl Payment {
    fn prepare(
        conn: &mut Connection,
        sender: Option<Account>,
        transaction: &Transaction,
        sandbox_mint: bool,
    ) -> Result<Self, StoreError> {
        let locked = match transaction.payload {
            Payload::Transfer => Amount::ZERO,
            Payload::Deploy { .. } | Payload::Call { .. } | Payload::Upgrade { .. } => {
                transaction.value
            }
        };
        let Some(mut sender) = sender else {
            let nobody = StoreError::InsufficientFunds {
                account: Address::ZERO,
                balance: Amount::ZERO,
                needed: locked,
            };
            let unpaid = Self { sender: None, locked, totals: None };
            return if locked.is_zero() { Ok(unpaid) } else { Err(nobody) };
        };
        let missing = locked.saturating_sub(sender.balance);
        let mut totals = None;
        if !missing.is_zero() {
            if !sandbox_mint {
                return Err(StoreError::InsufficientFunds {
                    account: sender.address,
                    balance: sender.balance,
                    needed: locked,
                });
            }
            let before = Totals::load(conn)?;
            let overflow = StoreError::Overflow(sender.address);
            let minted = before.minted.checked_add(missing).ok_or(overflow)?;
            totals = Some(Totals { minted, ..before });
        }
        sender.balance = sender.balance.saturating_sub(locked);
        Ok(Self { sender: Some(sender.counted()), locked, totals })
    }

    fn make(&self, conn: &mut Connection) -> Result<(), StoreError> {
        if let Some(totals) = &self.totals {
            totals.store(conn)?;
        }
        self.sender.as_ref().map_or(Ok(()), |sender| sender.store(conn))
    }
}

/// A new transaction's columns; the rest are NULL.
#[derive(Insertable)]
#[diesel(table_name = transactions, treat_none_as_default_value = false)]
struct NewRow<'a> {
    position: i64,
    hash: &'a [u8],
    kind: &'a str,
    sender: Option<&'a [u8]>,
    recipient: Option<&'a [u8]>,
    queue_address: &'a [u8],
    value: &'a str,
    nonce: i64,
    code_hash: Option<&'a [u8]>,
    calldata: Option<&'a [u8]>,
    validators: i32,
    rotations_max: i32,
    mode: &'a str,
    idempotency_key: Option<&'a str>,
    status: &'a str,
    attempt: i32,
    announced: i32,
    submitted_at: i64,
    locked: &'a str,
    crashes: i32,
    chain_from: i32,
    appeals_failed: i32,
    appeal_millis: i64,
    block: i64,
}

/// Where a new transaction goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) position: Position,
    /// The block of the present batch.
    pub(super) block: u64,
    pub(super) idempotency_key: Option<&'a str>,
}

/// Puts a transaction at its place, with the value it holds.
pub(super) fn insert(
    conn: &mut Connection,
    place: Place<'_>,
    transaction: &Transaction,
    locked: Amount,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (code, calldata) = match &transaction.payload {
        Payload::Transfer => (None, None),
        Payload::Deploy { code, calldata } => (Some(Code::new(code.clone())), Some(calldata)),
        Payload::Call { calldata } => (None, Some(calldata)),
        Payload::Upgrade { code } => (Some(Code::new(code.clone())), None),
    };
    if let Some(code) = &code {
        insert_code(conn, code)?;
    }
    let queue = transaction.queue_address();
    let row = NewRow {
        position: place.position.0,
        hash: transaction.hash.as_bytes(),
        kind: transaction.payload.kind().name(),
        sender: transaction.from.as_ref().map(|address| address.as_bytes().as_slice()),
        recipient: transaction.to.as_ref().map(|address| address.as_bytes().as_slice()),
        queue_address: queue.as_bytes(),
        value: &transaction.value.to_string(),
        nonce: i64::try_from(transaction.nonce).during(OPERATION)?,
        code_hash: code.as_ref().map(|code| code.hash.as_bytes().as_slice()),
        calldata: calldata.map(AsRef::as_ref),
        validators: transaction.rules.validators.into(),
        rotations_max: transaction.rules.rotations_max.into(),
        mode: transaction.rules.mode.name(),
        idempotency_key: place.idempotency_key,
        status: Status::Pending.name(),
        attempt: 0,
        announced: 0,
        submitted_at: at.as_millis(),
        locked: &locked.to_string(),
        crashes: 0,
        chain_from: 0,
        appeals_failed: 0,
        appeal_millis: 0,
        block: i64::try_from(place.block).during(OPERATION)?,
    };
    let inserted = diesel::insert_into(transactions::table).values(row).execute(conn);
    one_row(inserted, OPERATION)
}
