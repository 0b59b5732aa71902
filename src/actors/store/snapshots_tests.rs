//! The store of before a restore: whatever it is asked to write, in whatever order, is refused.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, Message, dev::ToEnvelope};

use super::{Database, DatabaseOptions, Store, open_network};
use crate::actors::clock::NetworkClock;
use crate::actors::messages::{
    BeatHeart, CancelTransaction, ChangeValidators, ClaimTransaction, CreateSnapshot,
    EventsCommitted, ExecuteTransfer, ExplainWaiting, Finalize, GetLastCursor, GetTransaction,
    IsOutdated, LookAgain, OpenAppeal, PersistDecision, RenewStore, RequeueTransaction,
    RestoreTables, StepReached, SubmitTransaction,
};
use crate::actors::settings::NetworkSettings;
use crate::actors::supervision::{DeathWatch, Terminated};
use crate::actors::system::Child;
use crate::actors::testing::Probe;
use crate::domain::ledger::{
    Announcement, Basis, Claim, ConsensusJob, Decision, Genesis, NewTransaction, Persisted,
    StoreError, ValidatorChange,
};
use crate::domain::{
    Address, Amount, Bytes, Clock, Digest, Payload, Phase, Stake, Status, TransactionRules, TxHash,
    Validator,
};

const SEED: Digest = Digest::new([4; 32]);
const RICH: Address = Address::new([1; 20]);

struct Parent;

impl Actor for Parent {
    type Context = Context<Self>;
}

impl Handler<Terminated<Child>> for Parent {
    type Result = ();
    fn handle(&mut self, _: Terminated<Child>, _: &mut Context<Self>) {}
}

struct Setting {
    store: Addr<Store>,
    _events: Probe<EventsCommitted>,
    _crawler: Probe<LookAgain>,
    _parent: Addr<Parent>,
    _folder: tempfile::TempDir,
}

fn open() -> Setting {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("agora.sqlite").display().to_string();
    let database = Database::open(&url, DatabaseOptions::default()).unwrap();
    let (clock, settings) = (NetworkClock::start(), Arc::new(NetworkSettings::new(1, SEED)));
    let stake = Stake::try_from(1).unwrap();
    let genesis = Genesis {
        seed: SEED,
        chain_id: 1,
        validators: vec![Validator { address: Address::new([2; 20]), stake }],
        accounts: vec![(RICH, Amount::from(100))],
        profile: settings.profile,
        finality_window: settings.finality_window,
        at: clock.now(),
    };
    open_network(&database, &genesis, settings.attempts_max, &clock).unwrap();
    let (events, crawler, parent) = (Probe::new(), Probe::new(), Parent.start());
    let store = Store::new(
        Arc::new(database),
        settings,
        clock,
        events.recipient.clone(),
        DeathWatch::new(Child::Writer, parent.downgrade().recipient()),
        crawler.recipient.downgrade(),
        None,
    );
    let store = store.unwrap().start();
    Setting { store, _events: events, _crawler: crawler, _parent: parent, _folder: folder }
}

async fn ask<M, T>(store: &Addr<Store>, message: M) -> Result<T, StoreError>
where
    M: Message<Result = Result<T, StoreError>> + Send + 'static,
    T: Send + 'static,
    Store: Handler<M>,
    <Store as Actor>::Context: ToEnvelope<Store, M>,
{
    store.send(message).await.unwrap()
}

fn new(payload: Payload) -> SubmitTransaction {
    let to = matches!(payload, Payload::Transfer).then_some(Address::new([3; 20]));
    SubmitTransaction(NewTransaction {
        from: Some(RICH),
        to,
        value: Amount::ZERO,
        payload,
        nonce: None,
        rules: TransactionRules::default(),
        idempotency_key: None,
        envelope: None,
        context: None,
    })
}

fn deploy() -> SubmitTransaction {
    let (code, calldata) = (Bytes::from_static(b"pass"), Bytes::from_static(&[0]));
    new(Payload::Deploy { code, calldata })
}

async fn claimed(store: &Addr<Store>, hash: TxHash) -> Box<ConsensusJob> {
    match ask(store, ClaimTransaction(hash)).await.unwrap() {
        Claim::Claimed(job) => job,
        other => panic!("{other:?}"),
    }
}

fn decision(job: &ConsensusJob) -> PersistDecision {
    PersistDecision(Box::new(Decision {
        hash: job.transaction.hash,
        attempt: job.attempt,
        phase: Phase::Initial,
        status: Status::Undetermined,
        announced: vec![step(job)],
        rotations: Vec::new(),
        receipt: None,
        basis: Basis::default(),
        decided_at: job.submitted_at,
        has_window: true,
    }))
}

fn step(job: &ConsensusJob) -> Announcement {
    Announcement {
        hash: job.transaction.hash,
        queue: job.contract,
        attempt: job.attempt,
        rotation: 0,
        status: Status::Proposing,
        at: job.submitted_at,
        sequence: 0,
    }
}

#[actix::test]
async fn whatever_the_store_of_before_is_asked_to_write_is_refused() {
    let setting = open();
    let old = setting.store.clone();
    let hash = ask(&old, deploy()).await.unwrap().hash;
    let transfer = ask(&old, new(Payload::Transfer)).await.unwrap().hash;
    let id = ask(&old, CreateSnapshot).await.unwrap().id;
    let job = claimed(&old, hash).await;
    assert!(!ask(&old, IsOutdated).await.unwrap());
    assert!(ask(&old, RenewStore).await.unwrap().is_none());
    assert!(ask(&old, RestoreTables(id)).await.unwrap());
    let cursor = ask(&old, GetLastCursor).await.unwrap();

    // Everything fits the restored transaction: its hash, its status, its attempt.
    old.send(StepReached(step(&job))).await.unwrap();
    let refused = Err(StoreError::Restored);
    assert_eq!(ask(&old, decision(&job)).await.map(drop), refused);
    let requeue = RequeueTransaction { hash, attempt: 0, cause: "late".into() };
    assert_eq!(ask(&old, requeue).await.map(drop), refused);
    assert_eq!(ask(&old, Finalize(hash)).await.map(drop), refused);
    assert_eq!(ask(&old, ExecuteTransfer(transfer)).await.map(drop), refused);
    assert_eq!(ask(&old, CancelTransaction(transfer)).await, refused);
    assert_eq!(ask(&old, OpenAppeal { hash, appellant: RICH }).await.map(drop), refused);
    assert_eq!(ask(&old, ExplainWaiting { hash, reason: "late".into() }).await, refused);
    assert_eq!(ask(&old, deploy()).await.map(drop), refused);
    assert_eq!(ask(&old, CreateSnapshot).await.map(drop), refused);
    assert_eq!(ask(&old, BeatHeart).await.map(drop), refused);
    let stake = Stake::try_from(5).unwrap();
    let change = ValidatorChange::Create { address: None, stake, models: None };
    assert_eq!(ask(&old, ChangeValidators(change)).await.map(drop), refused);

    assert!(ask(&old, IsOutdated).await.unwrap());
    let next = ask(&old, RenewStore).await.unwrap().unwrap().store;
    assert_eq!(ask(&next, GetLastCursor).await.unwrap(), cursor, "nothing happened");
    // A commit, which would take the late step along.
    ask(&next, new(Payload::Transfer)).await.unwrap();
    let record = ask(&next, GetTransaction(hash)).await.unwrap().unwrap();
    assert_eq!((record.status, record.attempt, record.reason), (Status::Pending, 0, None));
    // The claim of before is none here.
    let job = claimed(&next, hash).await;
    assert!(matches!(ask(&next, decision(&job)).await, Ok(Persisted::Stored { .. })));
    assert!(!ask(&next, IsOutdated).await.unwrap());
}

/// Whoever worked on it before a restore gives it back, just when others work on it again.
#[actix::test]
async fn a_step_is_shown_whatever_the_store_of_before_is_asked() {
    let setting = open();
    let old = setting.store.clone();
    let hash = ask(&old, deploy()).await.unwrap().hash;
    let id = ask(&old, CreateSnapshot).await.unwrap().id;
    assert!(ask(&old, RestoreTables(id)).await.unwrap());
    let next = ask(&old, RenewStore).await.unwrap().unwrap().store;
    let job = claimed(&next, hash).await;
    next.send(StepReached(step(&job))).await.unwrap();
    let requeue = RequeueTransaction { hash, attempt: job.attempt, cause: "late".into() };
    assert_eq!(ask(&old, requeue).await.map(drop), Err(StoreError::Restored));
    let shown = async {
        while ask(&next, GetTransaction(hash)).await.unwrap().unwrap().status != Status::Proposing {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), shown).await.expect("the step was dropped");
}
