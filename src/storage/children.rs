//! Transactions that contracts send: they come to be with the decision or the finality of the one
//! that sent them, and go when it is undone (protocol section 4).

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::prelude::*;

use super::Connection;
use super::accounts::Account;
use super::batch::BatchContext;
use super::contexts;
use super::failure::During;
use super::network::network_load;
use super::rows::{Progress, TransactionRow, address, digest};
use super::schema::{children, transactions};
use super::submissions::{Place, insert, is_contract};
use super::transactions::one_row;
use crate::domain::calldata::Value;
use crate::domain::ledger::{Position, StoreError};
use crate::domain::{
    Address, Amount, EmittedMessage, EventKind, Execution, MessageBody, Payload, RunContext,
    Timestamp, Transaction, TransactionRules, Trigger, TxHash,
};

/// What the messages of a receipt come to.
pub(super) struct Outgoing {
    messages: Vec<EmittedMessage>,
    /// The value that all of them hand on.
    pub(super) value: Amount,
    /// The part of it that waits for finality.
    pub(super) waiting: Amount,
}

impl Outgoing {
    /// Adds the messages up. A call that only hands value to an address without a contract is a
    /// transfer to an account: many contracts spell it so.
    pub(super) fn of(
        conn: &mut Connection,
        parent: &Progress,
        receipt: &Execution,
    ) -> Result<Self, StoreError> {
        let mut outgoing =
            Self { messages: Vec::new(), value: Amount::ZERO, waiting: Amount::ZERO };
        let overflow = StoreError::Overflow(parent.queue);
        for message in &receipt.messages {
            let message = resolved(conn, message.clone())?;
            let value = outgoing.value.checked_add(message.value);
            outgoing.value = value.ok_or_else(|| overflow.clone())?;
            if message.trigger() == Trigger::Finalized {
                let waiting = outgoing.waiting.checked_add(message.value);
                outgoing.waiting = waiting.ok_or_else(|| overflow.clone())?;
            }
            outgoing.messages.push(message);
        }
        Ok(outgoing)
    }
}

fn resolved(conn: &mut Connection, message: EmittedMessage) -> Result<EmittedMessage, StoreError> {
    let EmittedMessage { on, value, body } = message;
    let body = match body {
        MessageBody::Call { to, calldata }
            if calldata == Value::Map(BTreeMap::new()).encode() && !is_contract(conn, to)? =>
        {
            MessageBody::Transfer { to }
        }
        body => body,
    };
    Ok(EmittedMessage { on, value, body })
}

/// Makes transactions of the messages that `trigger` sends; finality sends all that were not sent
/// before. Their value was taken from the contract when the receipt was accepted.
pub(super) fn send(
    conn: &mut Connection,
    ctx: &mut BatchContext,
    parent: &Progress,
    attempt: u32,
    outgoing: &Outgoing,
    trigger: Trigger,
    at: Timestamp,
) -> Result<(), StoreError> {
    let mut shared = None;
    for (number, message) in outgoing.messages.iter().enumerate() {
        let is_sent = match trigger {
            Trigger::Accepted => message.trigger() == Trigger::Accepted,
            Trigger::Finalized => !was_sent(conn, parent, attempt, number)?,
        };
        if !is_sent {
            continue;
        }
        let Inherited { rules, origin, context } = match &shared {
            Some(shared) => shared,
            None => shared.insert(inherited(conn, parent)?),
        };
        let position = ctx.position_next(conn)?;
        let transaction = child(conn, parent, attempt, number, message, *rules, position)?;
        let block = ctx.block_next(conn)?;
        let place = Place { position, block, idempotency_key: None };
        insert(conn, place, &transaction, message.value, at)?;
        if let Some(context) = context.as_ref().filter(|_| is_run(&transaction)) {
            contexts::insert(conn, position, context)?;
        }
        let inserted = diesel::insert_into(children::table)
            .values((
                children::position.eq(position.0),
                children::parent.eq(parent.position.0),
                children::triggered_on.eq(trigger.name()),
                children::origin.eq(origin.as_bytes().as_slice()),
            ))
            .execute(conn);
        one_row(inserted, "storing who sent a transaction")?;
        ctx.position_taken(position);
        let queue = transaction.queue_address();
        ctx.record(at, transaction.hash, queue, EventKind::TransactionSubmitted);
    }
    Ok(())
}

fn was_sent(
    conn: &mut Connection,
    parent: &Progress,
    attempt: u32,
    number: usize,
) -> Result<bool, StoreError> {
    const OPERATION: &str = "looking for a message that was sent";
    let number = u32::try_from(number).during(OPERATION)?;
    let hash = Transaction::hash_of_child(&parent.hash, attempt, number);
    let found: Option<i64> = transactions::table
        .filter(transactions::hash.eq(hash.as_bytes().as_slice()))
        .select(transactions::position)
        .get_result(conn)
        .optional()
        .during(OPERATION)?;
    Ok(found.is_some())
}

/// What children have from their parent: they are judged by its rules, run as it was run, and on
/// behalf of whoever signed the root (`reference/studio.md` section 1.10).
struct Inherited {
    rules: TransactionRules,
    origin: Address,
    context: Option<Arc<RunContext>>,
}

/// Does anybody have to execute it?
const fn is_run(transaction: &Transaction) -> bool {
    !matches!(transaction.payload, Payload::Transfer)
}

fn inherited(conn: &mut Connection, parent: &Progress) -> Result<Inherited, StoreError> {
    let row: TransactionRow = transactions::table
        .find(parent.position.0)
        .select(TransactionRow::as_select())
        .get_result(conn)
        .during("reading the rules of a transaction")?;
    let origin = origin(conn, parent.position)?;
    Ok(Inherited {
        rules: row.rules()?,
        origin: origin.or(parent.sender).unwrap_or(Address::ZERO),
        context: contexts::load(conn, parent.position)?,
    })
}

/// Who signed the transaction at the root of a child; `None` when it is no child.
pub(super) fn origin(
    conn: &mut Connection,
    position: Position,
) -> Result<Option<Address>, StoreError> {
    let origin: Option<Vec<u8>> = children::table
        .find(position.0)
        .select(children::origin)
        .get_result(conn)
        .optional()
        .during("reading who sent a transaction")?;
    origin.map(|bytes| address(&bytes)).transpose()
}

fn child(
    conn: &mut Connection,
    parent: &Progress,
    attempt: u32,
    number: usize,
    message: &EmittedMessage,
    rules: TransactionRules,
    position: Position,
) -> Result<Transaction, StoreError> {
    const OPERATION: &str = "sending a message";
    let (to, payload) = match &message.body {
        MessageBody::Call { to, calldata } => {
            (Some(*to), Payload::Call { calldata: calldata.clone() })
        }
        MessageBody::Transfer { to } => (Some(*to), Payload::Transfer),
        MessageBody::Deploy { code, calldata, salt } => {
            let (code, calldata) = (code.clone(), calldata.clone());
            let to = match salt {
                None => None,
                Some(salt) => {
                    let chain_id = network_load(conn)?.map_or(0, |network| network.chain_id);
                    Some(Address::of_salted_deployment(&parent.queue, *salt, chain_id))
                }
            };
            (to, Payload::Deploy { code, calldata })
        }
    };
    let number = u32::try_from(number).during(OPERATION)?;
    Ok(Transaction {
        hash: Transaction::hash_of_child(&parent.hash, attempt, number),
        from: Some(parent.queue),
        to,
        value: message.value,
        payload,
        // Contracts sign nothing; the place is a number that no other transaction has.
        nonce: u64::try_from(position.0).during(OPERATION)?,
        rules,
    })
}

/// The children of a transaction, oldest first.
pub(super) fn of(conn: &mut Connection, parent: Position) -> Result<Vec<Position>, StoreError> {
    let positions: Vec<i64> = children::table
        .filter(children::parent.eq(parent.0))
        .order(children::position)
        .select(children::position)
        .load(conn)
        .during("reading the children of a transaction")?;
    Ok(positions.into_iter().map(Position).collect())
}

/// The parent of a transaction and when it was sent, if a contract sent it.
pub(super) fn parent(
    conn: &mut Connection,
    child: Position,
) -> Result<Option<(TxHash, Trigger)>, StoreError> {
    const OPERATION: &str = "reading the parent of a transaction";
    let row: Option<(Vec<u8>, String)> = children::table
        .inner_join(transactions::table.on(transactions::position.eq(children::parent)))
        .filter(children::position.eq(child.0))
        .select((transactions::hash, children::triggered_on))
        .get_result(conn)
        .optional()
        .during(OPERATION)?;
    row.map(|(hash, trigger)| {
        let trigger = Trigger::of_name(&trigger).ok_or(trigger).during(OPERATION)?;
        Ok((digest(&hash)?, trigger))
    })
    .transpose()
}

/// The hashes of the children of a transaction, oldest first.
pub(super) fn hashes_of(
    conn: &mut Connection,
    parent: Position,
) -> Result<Vec<TxHash>, StoreError> {
    let hashes: Vec<Vec<u8>> = children::table
        .inner_join(transactions::table.on(transactions::position.eq(children::position)))
        .filter(children::parent.eq(parent.0))
        .order(children::position)
        .select(transactions::hash)
        .load(conn)
        .during("reading the children of a transaction")?;
    hashes.iter().map(|hash| digest(hash)).collect()
}

/// Gives the value a transaction holds back to whoever sent it.
pub(super) fn refund(conn: &mut Connection, progress: &Progress) -> Result<(), StoreError> {
    match progress.sender {
        Some(sender) if !progress.locked.is_zero() => {
            Account::load(conn, sender)?.credited(progress.locked)?.store(conn)
        }
        _ => Ok(()),
    }
}
