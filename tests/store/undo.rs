//! The Law of undo (protocol section 4): after an undo, state, balances and the pending set equal
//! those of a run in which the undone decisions never happened.

use std::collections::{BTreeMap, BTreeSet};

use agora::domain::ledger::{
    Announcement, Claim, ConsensusJob, Decision, Persisted, Position, StateVersion,
    TransactionFilter, ValidatorChange,
};
use agora::domain::{
    Address, Amount, Bytes, Code, EmittedMessage, Execution, ExecutionOutcome, MessageBody,
    PageKey, Phase, Stake, Status, Trigger, TxHash, calldata,
};
use agora::storage;
use proptest::prelude::*;

use crate::harness::{
    self, Store, alice, at, bob, call, decision, deploy, key, returning, transfer,
};

/// Enough that any decision of five can be appealed.
pub const VALIDATORS: u8 = 40;

/// A message of a program: to which contract, with which value, sent when.
#[derive(Debug, Clone)]
struct Sent {
    to: usize,
    value: u64,
    on: Trigger,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Call,
    Deploy,
    Pay,
}

/// One step of a program.
#[derive(Debug, Clone)]
enum Step {
    /// A call of a contract with a value, what it writes and sends, and how it ends.
    Call { contract: usize, value: u64, page: u32, messages: Vec<Sent>, end: End },
    /// Money between accounts.
    Transfer { value: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Returns,
    Raises,
    Undetermined,
    /// Nobody decides it.
    Waits,
}

fn sent() -> impl Strategy<Value = Sent> {
    let on = prop_oneof![3 => Just(Trigger::Accepted), 1 => Just(Trigger::Finalized)];
    let kind = prop_oneof![4 => Just(Kind::Call), 1 => Just(Kind::Deploy), 1 => Just(Kind::Pay)];
    (0..CONTRACTS, 0..4_u64, on, kind).prop_map(|(to, value, on, kind)| Sent {
        to,
        value,
        on,
        kind,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![
        8 => Just(End::Returns),
        1 => Just(End::Raises),
        1 => Just(End::Undetermined),
        1 => Just(End::Waits),
    ];
    let messages = proptest::collection::vec(sent(), 0..3);
    prop_oneof![
        5 => (0..CONTRACTS, 8..20_u64, 0..3_u32, messages, end).prop_map(
            |(contract, value, page, messages, end)| {
                Step::Call { contract, value, page, messages, end }
            }
        ),
        1 => (0..5_u64).prop_map(|value| Step::Transfer { value }),
    ]
}

const CONTRACTS: usize = 3;

/// A run of a program over a store.
struct Run<'a> {
    store: &'a mut Store,
    contracts: Vec<Address>,
    /// Decisions that never happen in this run.
    skipped: BTreeSet<TxHash>,
    /// What was submitted, in order.
    submitted: Vec<TxHash>,
}

impl<'a> Run<'a> {
    fn play(store: &'a mut Store, steps: &[Step], skipped: BTreeSet<TxHash>) -> Self {
        let contracts = Vec::new();
        let mut run = Self { store, contracts, skipped, submitted: Vec::new() };
        for number in 0..CONTRACTS {
            let new = deploy(alice(), u64::try_from(number).unwrap());
            let submitted = run.store.try_submit(&new, true).unwrap();
            run.contracts.push(submitted.contract.unwrap());
            run.submitted.push(submitted.hash);
            run.decide(submitted.hash, End::Returns, 0, &[]);
        }
        for step in steps {
            match step {
                Step::Call { contract, value, page, messages, end } => {
                    let new = call(alice(), run.contracts[*contract], *value);
                    let hash = run.store.submit(&new);
                    run.submitted.push(hash);
                    run.decide(hash, *end, *page, messages);
                }
                Step::Transfer { value } => {
                    let hash = run.store.submit(&transfer(Some(alice()), Some(bob()), *value));
                    run.store.execute(hash);
                }
            }
        }
        run
    }

    /// Decides a transaction, and the children it sends, each of which writes a page of its own.
    fn decide(&mut self, hash: TxHash, end: End, page: u32, messages: &[Sent]) {
        if end == End::Waits || self.skipped.contains(&hash) {
            return;
        }
        let Claim::Claimed(job) = self.store.claim(hash) else { return };
        let receipt = self.receipt(&job, end, page, messages);
        let status = match end {
            End::Undetermined => Status::Undetermined,
            _ => Status::Accepted,
        };
        let decided = Decision { announced: Vec::new(), ..decision(&job, status, receipt) };
        self.store.decide(&decided).unwrap();
        self.store.assert_conserved();
        let record = storage::transaction_get(&mut self.store.conn, hash).unwrap().unwrap();
        for child in record.children {
            self.decide(child, End::Returns, 7, &[]);
        }
    }

    fn receipt(&self, job: &ConsensusJob, end: End, page: u32, messages: &[Sent]) -> Execution {
        let text = job.transaction.hash.to_string();
        let mut receipt = returning(&[(page, text.as_str()), (page + 10, "x")]);
        if end == End::Raises {
            receipt.outcome = ExecutionOutcome::UserError("no".into());
        } else {
            receipt.messages = messages.iter().map(|sent| self.message(sent)).collect();
            receipt.code = (page == 2).then(|| Code::new(Bytes::from(text.into_bytes())));
        }
        receipt
    }

    fn message(&self, sent: &Sent) -> EmittedMessage {
        let calldata = Bytes::from(calldata::Value::Null.encode());
        let body = match sent.kind {
            Kind::Call => MessageBody::Call { to: self.contracts[sent.to], calldata },
            Kind::Deploy => MessageBody::Deploy {
                code: Bytes::from_static(b"class Child: ..."),
                calldata,
                salt: None,
            },
            Kind::Pay => MessageBody::Transfer { to: bob() },
        };
        EmittedMessage { on: sent.on, value: Amount::from(sent.value), body }
    }
}

/// All that the law speaks of.
#[derive(Debug, PartialEq, Eq)]
struct Ledger {
    contracts: BTreeMap<Address, (Code, Vec<(PageKey, Bytes)>)>,
    balances: BTreeMap<Address, Amount>,
    pending: Vec<TxHash>,
}

impl Ledger {
    fn of(store: &mut Store) -> Self {
        let mut contracts = BTreeMap::new();
        let mut balances = BTreeMap::new();
        let all = storage::contract_list(&mut store.conn, Position::default(), 1_000).unwrap();
        for record in all.items {
            let version = StateVersion::default();
            let pages = storage::contract_page_list(
                &mut store.conn,
                record.address,
                version,
                None,
                usize::MAX,
            );
            contracts.insert(record.address, (record.code, pages.unwrap()));
            balances.insert(record.address, record.balance);
        }
        for account in [alice(), bob()] {
            balances.insert(account, store.balance(account));
        }
        let pending =
            storage::transaction_list_pending(&mut store.conn, Position::default(), 10_000)
                .unwrap();
        Self { contracts, balances, pending: pending.into_iter().map(|it| it.hash).collect() }
    }
}

/// Appeals a transaction and lets the appeal succeed; `None` when it is not open to one.
fn overturn(store: &mut Store, hash: TxHash) -> Option<Persisted> {
    let appealed =
        store.try_write(|conn, ctx| storage::appeal_open_in_txn(conn, ctx, hash, bob(), at(6)));
    appealed.ok()?;
    let job = store.job(hash);
    assert!(matches!(job.phase, Phase::Appeal(_)));
    job.phase.is_revote().then(|| store.decide(&overturned(&job)).unwrap())
}

/// The decision, at 8, that the receipt at hand does not hold.
pub fn overturned(job: &ConsensusJob) -> Decision {
    let receipt = job.receipt.clone().unwrap();
    Decision {
        announced: Vec::new(),
        receipt: Some(receipt.clone()),
        decided_at: at(8),
        ..decision(job, Status::Pending, Execution::clone(&receipt))
    }
}

/// Fills the network up to [`VALIDATORS`].
pub fn add_validators(store: &mut Store) {
    for number in 6..=VALIDATORS {
        let change = ValidatorChange::Create {
            address: Some(Address::new([number; 20])),
            stake: Stake::try_from(3).unwrap(),
            models: None,
        };
        store.write(|conn, ctx| {
            storage::validator_change_in_txn(conn, ctx, &change, at(0), &|_| Address::ZERO)
        });
    }
    store.electorate = storage::electorate_load(&mut store.conn).unwrap();
}

fn large() -> Store {
    let mut store = Store::sqlite();
    add_validators(&mut store);
    store
}

fn statuses(store: &mut Store) -> Vec<(TxHash, Status)> {
    let filter = TransactionFilter::default();
    let page = storage::transaction_list(&mut store.conn, &filter, None, 10_000).unwrap();
    page.items.into_iter().map(|it| (it.transaction.hash, it.status)).collect()
}

fn law_of_undo(steps: &[Step], appealed: usize) -> Result<(), TestCaseError> {
    let mut store = large();
    let run = Run::play(&mut store, steps, BTreeSet::new());
    let hash = run.submitted[appealed % run.submitted.len()];
    let overturned = overturn(&mut store, hash).is_some();
    prop_assume!(overturned, "nothing was decided, or nothing accepted");
    store.assert_conserved();
    let undone = Ledger::of(&mut store);
    let skipped: BTreeSet<TxHash> = undone.pending.iter().copied().collect();

    let mut other = large();
    Run::play(&mut other, steps, skipped);
    prop_assert_eq!(&undone, &Ledger::of(&mut other), "appealed {}", hash);

    // And it goes on: everything can be decided again, and becomes final.
    for hash in undone.pending {
        if let Claim::Claimed(job) = store.claim(hash) {
            let again = decision(&job, Status::Accepted, returning(&[(0, "again")]));
            let again = Decision {
                announced: Vec::new(),
                rotations: Vec::new(),
                decided_at: at(9),
                ..again
            };
            store.decide(&again).unwrap();
        }
    }
    while statuses(&mut store).iter().any(|(_, status)| !status.is_terminal()) {
        let oldest_first: Vec<_> = statuses(&mut store).into_iter().rev().collect();
        let finalized = store.write(|conn, ctx| {
            oldest_first.iter().try_fold(0, |count, (hash, _)| {
                let done = storage::transaction_finalize_in_txn(conn, ctx, *hash, at(1_000_000))?;
                Ok(count + usize::from(done))
            })
        });
        let pending =
            storage::transaction_list_pending(&mut store.conn, Position::default(), 10_000)
                .unwrap();
        prop_assert!(finalized > 0 || !pending.is_empty(), "nothing moves any more");
        for sent in pending {
            if let Some(job) = store.claim_or_execute(sent.hash) {
                let done = decision(&job, Status::Accepted, returning(&[(0, "sent")]));
                store.decide(&Decision { announced: Vec::new(), ..done }).unwrap();
            }
        }
    }
    for (hash, status) in statuses(&mut store) {
        prop_assert!(status.is_terminal(), "{} is {}", hash, status);
    }
    let supply = storage::supply(&mut store.conn).unwrap();
    prop_assert!(supply.is_conserved() && supply.locked.is_zero(), "{:?}", supply);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn an_undo_leaves_what_a_run_without_the_undone_decisions_leaves(
        steps in proptest::collection::vec(step(), 1..14),
        appealed in any::<usize>(),
    ) {
        law_of_undo(&steps, appealed)?;
    }
}

#[test]
fn what_came_after_an_accepted_error_is_undone_with_it() {
    let call = |end| Step::Call { contract: 0, value: 8, page: 0, messages: Vec::new(), end };
    let steps = [call(End::Raises), call(End::Returns)];
    law_of_undo(&steps, CONTRACTS).unwrap();
}

on_both_databases!(
    children_on_other_contracts_go_with_their_parent,
    what_went_on_while_the_store_was_busy_is_undone_after_that
);

fn what_went_on_while_the_store_was_busy_is_undone_after_that(store: &mut Store) {
    add_validators(store);
    let contract = store.deployed();
    let (appealed, later) =
        (store.submit(&call(alice(), contract, 0)), store.submit(&call(alice(), contract, 0)));
    store.accept(appealed, &[(0, "first")]);
    store.write(|conn, ctx| storage::appeal_open_in_txn(conn, ctx, appealed, bob(), at(6)));
    let (appeal, round) = (store.job(appealed), store.job(later));
    let late = Announcement { at: at(10), ..harness::step(&round, 0) };
    store.write(|conn, ctx| storage::announcements_record_in_txn(conn, ctx, &[late]));
    let decision = overturned(&appeal);
    store.write(|conn, ctx| storage::decision_persist_in_txn(conn, ctx, &decision, at(12)));
    assert_eq!(store.status(later), Status::Pending);
    let mut times: Vec<_> = store.events().into_iter().collect();
    times.retain(|event| event.transaction == later);
    assert!(times.is_sorted_by_key(|event| event.at), "{times:?}");
}

fn children_on_other_contracts_go_with_their_parent(store: &mut Store) {
    add_validators(store);
    let sent = |to, value, on, kind| Sent { to, value, on, kind };
    let messages = vec![
        sent(1, 3, Trigger::Accepted, Kind::Call),
        sent(2, 2, Trigger::Finalized, Kind::Call),
        sent(0, 1, Trigger::Accepted, Kind::Pay),
    ];
    let steps = [
        Step::Call { contract: 0, value: 10, page: 0, messages, end: End::Returns },
        Step::Call { contract: 1, value: 8, page: 1, messages: Vec::new(), end: End::Returns },
        Step::Call { contract: 2, value: 8, page: 1, messages: Vec::new(), end: End::Returns },
    ];
    let run = Run::play(store, &steps, BTreeSet::new());
    let (contracts, submitted) = (run.contracts.clone(), run.submitted.clone());
    // 10 came, 3 went on to the first, 2 and 1 wait for finality.
    assert_eq!(store.balance(contracts[0]), Amount::from(4));
    assert_eq!(store.balance(contracts[1]), Amount::from(1 + 3 + 8));
    let parent = submitted[3];
    let child = {
        let record = storage::transaction_get(&mut store.conn, parent).unwrap().unwrap();
        assert_eq!(record.children.len(), 1, "what waits for finality is not sent yet");
        record.children[0]
    };
    let record = storage::transaction_get(&mut store.conn, child).unwrap().unwrap();
    assert_eq!(record.parent, Some((parent, Trigger::Accepted)));
    assert!(!store.finalize(child, 1_000_000), "not before what sent it");

    let Some(Persisted::Stored { requeued, .. }) = overturn(store, parent) else { panic!() };
    assert_eq!(requeued, 2, "the parent, and what came after its child on the other contract");
    assert_eq!(store.balance(contracts[0]), Amount::ZERO);
    assert_eq!(store.balance(contracts[1]), Amount::from(1));
    assert_eq!(store.balance(contracts[2]), Amount::from(2 + 8), "nothing of it was concerned");
    let status = |store: &mut Store, hash| {
        storage::transaction_get(&mut store.conn, hash).unwrap().unwrap().status
    };
    assert_eq!(status(store, child), Status::Canceled);
    assert_eq!(status(store, parent), Status::Pending);
    assert_eq!(status(store, submitted[4]), Status::Pending);
    assert_eq!(status(store, submitted[5]), Status::Accepted);
    assert_eq!(store.page(contracts[1], StateVersion::default(), key(7).index), "");
    store.assert_conserved();
}
