//! The writer's thread on a real database: shared commits, and failures that stay alone.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use actix::{Actor, Context, Handler};

use super::writer::{Place, Writer, WriterSettings};
use crate::actors::messages::EventsCommitted;
use crate::actors::supervision::{DeathWatch, Terminated};
use crate::actors::system::Child;
use crate::actors::testing::Probe;
use crate::actors::testing::samples::hash;
use crate::domain::ledger::{Announcement, NewTransaction, StoreError};
use crate::domain::{
    Address, Amount, Bytes, Event, EventKind, Payload, Status, Timestamp, TransactionRules,
};
use crate::storage::{self, BatchContext, Database, DatabaseOptions};

struct Parent;

impl Actor for Parent {
    type Context = Context<Self>;
}

impl Handler<Terminated<Child>> for Parent {
    type Result = ();
    fn handle(&mut self, _: Terminated<Child>, _: &mut Context<Self>) {}
}

struct Setting {
    writer: Writer,
    events: Probe<EventsCommitted>,
    folder: tempfile::TempDir,
    _parent: actix::Addr<Parent>,
}

fn start() -> Setting {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("agora.sqlite").display().to_string();
    let database = Arc::new(Database::open(&url, DatabaseOptions::default()).unwrap());
    let events = Probe::new();
    let parent = Parent.start();
    let settings = WriterSettings {
        batch_max: 64,
        announcement_delay: Duration::from_millis(5),
        inline: false,
    };
    let watch = DeathWatch::new(Child::Writer, parent.downgrade().recipient());
    let place = Place { events: events.recipient.clone(), watch, overseer: None };
    let writer = Writer::start(database, settings, place).unwrap();
    Setting { writer, events, folder, _parent: parent }
}

impl Setting {
    /// The events of every commit so far. They are told before the writes are answered, so one
    /// more message behind them finds all of them there.
    async fn commits(&self) -> Vec<Vec<Event>> {
        self.events.recipient.send(EventsCommitted(Vec::new())).await.unwrap();
        let told = self.events.take().into_iter().map(|commit| commit.0);
        told.filter(|events| !events.is_empty()).collect()
    }
}

fn record(ctx: &mut BatchContext, number: u8) {
    ctx.record(Timestamp::default(), hash(number), Address::ZERO, EventKind::TransactionSubmitted);
}

/// Keeps the writer's thread busy until the sender is dropped, so that what follows waits together.
fn hold(writer: &Writer) -> (impl Future<Output = Result<(), StoreError>>, impl Sized) {
    let (release, held) = channel::<()>();
    let holding = writer.read(move |_| {
        // The error is the release: the sender is gone.
        let _released = held.recv();
        Ok(())
    });
    (holding, release)
}

#[actix::test]
async fn writes_that_wait_together_share_one_commit_and_keep_their_order() {
    let setting = start();
    let (held, release) = hold(&setting.writer);
    let writes: Vec<_> = (1..=20)
        .map(|number| {
            setting.writer.write(None, move |_, ctx| {
                record(ctx, number);
                Ok(number)
            })
        })
        .collect();
    assert_eq!(setting.writer.in_flight(), 21);
    drop(release);
    held.await.unwrap();
    for (index, write) in writes.into_iter().enumerate() {
        assert_eq!(usize::from(write.await.unwrap()), index + 1);
    }
    let commits = setting.commits().await;
    assert_eq!(commits.len(), 1, "one commit");
    let hashes: Vec<_> = commits[0].iter().map(|event| event.transaction).collect();
    assert_eq!(hashes, (1..=20).map(hash).collect::<Vec<_>>());
    assert_eq!(setting.writer.in_flight(), 0);
}

#[actix::test]
async fn a_write_that_fails_or_panics_fails_alone() {
    let setting = start();
    let (held, release) = hold(&setting.writer);
    let good = |number| {
        setting.writer.write(None, move |_, ctx| {
            record(ctx, number);
            Ok(())
        })
    };
    let first = good(1);
    let broken = setting.writer.write::<(), _>(None, |_, _| {
        Err(StoreError::Database { operation: "testing", reason: "disk full".into() })
    });
    let second = good(2);
    let panicking = setting.writer.write::<(), _>(None, |_, _| panic!("on purpose"));
    let third = good(3);
    let refused = setting.writer.write::<(), _>(None, |_, _| Err(StoreError::Closed));
    drop(release);
    held.await.unwrap();
    for good in [first, second, third] {
        good.await.unwrap();
    }
    assert!(broken.await.unwrap_err().to_string().contains("disk full"));
    assert!(panicking.await.unwrap_err().to_string().contains("panicked"));
    assert_eq!(refused.await, Err(StoreError::Closed));
    let events: Vec<_> = setting.commits().await.concat();
    let hashes: Vec<_> = events.iter().map(|event| event.transaction).collect();
    assert_eq!(hashes, [hash(1), hash(2), hash(3)], "each exactly once");
}

#[actix::test]
async fn a_panic_alone_in_a_batch_does_not_fail_its_neighbours() {
    let setting = start();
    let (held, release) = hold(&setting.writer);
    let before = setting.writer.write(None, |_, ctx| {
        record(ctx, 1);
        Ok(())
    });
    let panicking = setting.writer.write::<(), _>(None, |_, _| panic!("on purpose"));
    let after = setting.writer.write(None, |_, ctx| {
        record(ctx, 2);
        Ok(())
    });
    drop(release);
    held.await.unwrap();
    before.await.unwrap();
    assert!(panicking.await.unwrap_err().to_string().contains("panicked"));
    after.await.unwrap();
    let events = setting.commits().await.concat();
    assert_eq!(events.len(), 2, "each exactly once");
}

#[actix::test]
async fn a_write_that_fails_takes_no_step_along() {
    let setting = start();
    let sender = Address::new([1; 20]);
    let submitted = setting.writer.write(None, move |conn, ctx| {
        let new = NewTransaction {
            from: Some(sender),
            to: None,
            value: Amount::ZERO,
            payload: Payload::Deploy { code: Bytes::from_static(b"pass"), calldata: Bytes::new() },
            nonce: None,
            rules: TransactionRules::default(),
            idempotency_key: None,
            envelope: None,
            context: None,
        };
        let submit =
            storage::SubmitContext { chain_id: 1, sandbox_mint: false, at: Timestamp::default() };
        storage::transaction_submit_in_txn(conn, ctx, &new, &submit)
    });
    let submitted = submitted.await.unwrap();
    let (held, release) = hold(&setting.writer);
    setting.writer.step(Announcement {
        hash: submitted.hash,
        queue: submitted.contract.unwrap(),
        attempt: 0,
        rotation: 0,
        status: Status::Proposing,
        at: Timestamp::default(),
        sequence: 0,
    });
    // Closed in the same batch: the step is due at once.
    let broken = setting.writer.write::<(), _>(None, |_, _| {
        Err(StoreError::Database { operation: "testing", reason: "disk full".into() })
    });
    let closed = setting.writer.close();
    drop(release);
    held.await.unwrap();
    assert!(broken.await.is_err());
    closed.await.unwrap();
    let last = setting.commits().await.concat().pop().unwrap();
    let kind = EventKind::StatusChanged { status: Status::Proposing, rotation: Some(0) };
    assert_eq!((last.transaction, last.kind), (submitted.hash, kind));
}

#[actix::test]
async fn a_step_of_an_unknown_or_overtaken_transaction_harms_nobody() {
    let setting = start();
    setting.writer.step(Announcement {
        hash: hash(9),
        queue: Address::ZERO,
        attempt: 0,
        rotation: 0,
        status: Status::Proposing,
        at: Timestamp::default(),
        sequence: 0,
    });
    let written = setting.writer.write(None, |_, ctx| {
        record(ctx, 1);
        Ok(())
    });
    written.await.unwrap();
}

#[actix::test]
async fn closing_writes_what_waits_and_lets_go_of_the_database() {
    let setting = start();
    let written = setting.writer.write(None, |_, ctx| {
        record(ctx, 1);
        Ok(())
    });
    setting.writer.close().await.unwrap();
    written.await.unwrap();
    let late = setting.writer.write(None, |_, _| Ok(()));
    assert_eq!(late.await, Err(StoreError::Closed));
    let url = setting.folder.path().join("agora.sqlite").display().to_string();
    let database = Database::open(&url, DatabaseOptions::default()).unwrap();
    let mut conn = database.writer().unwrap();
    assert_eq!(crate::storage::event_last_cursor(&mut conn).unwrap(), 1);
}
