//! What clients send, and when: transactions drawn from the seed, submitted as clients do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::chance::{Chance, Stream};
use super::contract::{self, Sends};
use super::laws::Law;
use super::model::Model;
use super::scenario::{Arrival, Scenario};
use super::trace::About;
use super::world::World;
use crate::actors::handles::Handles;
use crate::domain::ledger::{NewTransaction, StoreError, Submitted};
use crate::domain::{Address, Amount, Bytes, Payload, Transaction, TransactionRules, TxHash};

/// Part of every hash of a simulation.
pub(super) const CHAIN_ID: u64 = 61_127;

/// Pause before a client tries again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// When a transaction is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Due {
    /// At this time of the run.
    At(Duration),
    /// As soon as fewer than so many are undecided.
    WithRoom(usize),
}

#[derive(Debug, Clone)]
struct Planned {
    transaction: Transaction,
    due: Due,
}

/// The transactions of one run, one at a time. What is planned stays planned until it is stored,
/// so that a client whose network crashed sends the same again.
#[derive(Debug)]
pub(super) struct Workload {
    scenario: Arc<Scenario>,
    accounts: Vec<Address>,
    nonces: BTreeMap<Address, u64>,
    contracts: Vec<Address>,
    /// How often each contract is chosen, summed up.
    chosen: Vec<f64>,
    deploys_first: usize,
    sent: u64,
    next_at: Duration,
    planned: Option<Planned>,
    kinds: Stream,
    senders: Stream,
    choices: Stream,
    values: Stream,
    arrivals: Stream,
}

/// What can be sent.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Call,
    Transfer,
    Deploy,
    CrossContract,
}

impl Workload {
    pub(super) fn new(scenario: &Arc<Scenario>, accounts: Vec<Address>, chance: Chance) -> Self {
        Self {
            scenario: Arc::clone(scenario),
            accounts,
            nonces: BTreeMap::new(),
            contracts: Vec::new(),
            chosen: Vec::new(),
            deploys_first: scenario.workload.contracts,
            sent: 0,
            next_at: Duration::ZERO,
            planned: None,
            kinds: chance.stream("kinds", 0),
            senders: chance.stream("senders", 0),
            choices: chance.stream("contracts", 0),
            values: chance.stream("values", 0),
            arrivals: chance.stream("arrivals", 0),
        }
    }

    /// The next transaction, the same until [`Self::settle`].
    fn next(&mut self) -> Option<Planned> {
        if self.planned.is_none() {
            self.planned = self.plan();
        }
        self.planned.clone()
    }

    /// The planned transaction is stored, or refused for good.
    fn settle(&mut self, is_stored: bool) {
        let Some(Planned { transaction, .. }) = self.planned.take() else { return };
        if !is_stored {
            return;
        }
        if let Some(from) = transaction.from {
            self.nonces.insert(from, transaction.nonce + 1);
        }
        if matches!(transaction.payload, Payload::Deploy { .. }) {
            self.contracts.push(transaction.queue_address());
            let rank =
                super::chance::float(u64::try_from(self.contracts.len()).unwrap_or(u64::MAX));
            let before = self.chosen.last().copied().unwrap_or(0.0);
            self.chosen.push(before + rank.powf(-self.scenario.workload.skew));
        }
    }

    fn plan(&mut self) -> Option<Planned> {
        if self.deploys_first > 0 {
            self.deploys_first -= 1;
            let transaction = self.transaction(Kind::Deploy);
            return Some(Planned { transaction, due: Due::At(Duration::ZERO) });
        }
        let plan = &self.scenario.workload;
        if self.sent >= plan.count {
            return None;
        }
        let due = match plan.arrival {
            Arrival::AllAtOnce => Due::At(Duration::ZERO),
            Arrival::Every(pause) => {
                let at = self.next_at;
                self.next_at += pause;
                Due::At(at)
            }
            Arrival::Poisson(rate) => {
                let pause = self.arrivals.exponential(1_000.0 / rate);
                self.next_at += Duration::from_millis(super::chance::whole(pause));
                Due::At(self.next_at)
            }
            Arrival::Closed(flight) => Due::WithRoom(usize::try_from(flight).unwrap_or(usize::MAX)),
        };
        if let (Due::At(at), Some(duration)) = (due, plan.duration)
            && at > duration
        {
            return None;
        }
        let weights = [plan.mix.call, plan.mix.transfer, plan.mix.deploy, plan.mix.cross_contract];
        self.sent += 1;
        let mut sum = 0.0;
        let cumulated = weights.map(|weight| {
            sum += f64::from(weight);
            sum
        });
        let kind = match self.kinds.weighted(&cumulated) {
            0 => Kind::Call,
            1 => Kind::Transfer,
            2 => Kind::Deploy,
            _ => Kind::CrossContract,
        };
        Some(Planned { transaction: self.transaction(kind), due })
    }

    fn transaction(&mut self, kind: Kind) -> Transaction {
        let sender = self.senders.place(self.accounts.len());
        let from = self.accounts.get(sender).copied();
        let payable = self.scenario.workload.payable;
        let amounts = self.scenario.workload.value;
        let (to, payload, pays) = match kind {
            Kind::Transfer => {
                let step = 1 + self.choices.place(self.accounts.len().saturating_sub(1));
                let to = self.accounts.get((sender + step) % self.accounts.len().max(1)).copied();
                (to, Payload::Transfer, true)
            }
            Kind::Deploy => {
                let code = Bytes::from_static(contract::CODE);
                (None, Payload::Deploy { code, calldata: contract::touch() }, false)
            }
            Kind::Call => {
                let pays = self.values.happens(payable);
                (self.contract(), Payload::Call { calldata: contract::touch() }, pays)
            }
            Kind::CrossContract => {
                let pays = self.values.happens(payable);
                let calldata = self.message();
                (self.contract(), Payload::Call { calldata }, pays)
            }
        };
        let value = if pays { Amount::from(self.values.sample(amounts)) } else { Amount::ZERO };
        let nonce = from.and_then(|from| self.nonces.get(&from)).copied().unwrap_or(0);
        let network = &self.scenario.network;
        let rules = TransactionRules {
            validators: network.committee,
            rotations_max: network.rotations,
            ..TransactionRules::default()
        };
        let hash = TxHash::new([0; 32]);
        let mut transaction = Transaction { hash, from, to, value, payload, nonce, rules };
        transaction.hash = Transaction::hash_of(CHAIN_ID, &transaction);
        transaction
    }

    /// Calldata that sends something: mostly a call, which may send another one.
    fn message(&mut self) -> Bytes {
        let other = self.contract().unwrap_or(Address::ZERO);
        match self.choices.place(8) {
            0 => contract::send(Sends::Deploy, Address::ZERO, &contract::touch()),
            1 => {
                let account = self.choices.place(self.accounts.len());
                let account = self.accounts.get(account).copied().unwrap_or(Address::ZERO);
                contract::send(Sends::Transfer, account, &[])
            }
            2 => {
                let third = self.contract().unwrap_or(Address::ZERO);
                let then = contract::send(Sends::Call, third, &contract::touch());
                contract::send(Sends::Call, other, &then)
            }
            3 | 4 => contract::send(Sends::CallWhenFinal, other, &contract::touch()),
            _ => contract::send(Sends::Call, other, &contract::touch()),
        }
    }

    fn contract(&mut self) -> Option<Address> {
        let place = self.choices.weighted(&self.chosen);
        self.contracts.get(place).copied()
    }
}

/// Sends everything in its time; ends when all of it is stored.
pub(super) async fn send_all(world: Arc<World>, workload: Arc<Mutex<Workload>>, handles: Handles) {
    loop {
        let next = lock(&workload).next();
        let Some(planned) = next else { break };
        wait_for(&world, planned.due).await;
        let is_stored = send(&world, &planned.transaction, &handles).await;
        lock(&workload).settle(is_stored);
    }
    let mut state = world.lock();
    state.is_submitted = true;
    world.finish_if_done(&mut state);
}

fn lock(workload: &Mutex<Workload>) -> std::sync::MutexGuard<'_, Workload> {
    workload.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn wait_for(world: &World, due: Due) {
    match due {
        Due::At(at) => {
            let now = world.lock().now();
            if at > now {
                tokio::time::sleep(at.saturating_sub(now)).await;
            }
        }
        Due::WithRoom(flight) => loop {
            let room = world.room.notified();
            if world.lock().model.undecided < flight {
                return;
            }
            room.await;
        },
    }
}

/// May the store refuse this? Who cannot pay is refused, and so is who calls a contract whose
/// deploy was given up.
fn is_fair(error: &StoreError, transaction: &Transaction, model: &Model) -> bool {
    match error {
        StoreError::InsufficientFunds { .. } => true,
        StoreError::NotFound { .. } => !model.may_have_contract(transaction.queue_address()),
        _ => false,
    }
}

/// Submits until the store answers for good; answers whether it is stored.
async fn send(world: &World, transaction: &Transaction, handles: &Handles) -> bool {
    let hash = transaction.hash;
    loop {
        {
            let mut state = world.lock();
            state.model.expect(transaction.clone());
            state.by_seed.insert(contract::seed_of(&hash), hash);
        }
        let new = NewTransaction {
            from: transaction.from,
            to: transaction.to,
            value: transaction.value,
            payload: transaction.payload.clone(),
            nonce: Some(transaction.nonce),
            rules: transaction.rules,
            idempotency_key: None,
            envelope: None,
            context: None,
        };
        let answer = handles.submit(new).await;
        if let Some(is_stored) = settle(world, transaction, answer) {
            return is_stored;
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

/// What the store's answer means: it is stored, it is refused for good, or nobody knows yet.
fn settle(
    world: &World,
    transaction: &Transaction,
    answer: Result<Submitted, StoreError>,
) -> Option<bool> {
    let hash = transaction.hash;
    let mut guard = world.lock();
    let state = &mut *guard;
    let (now, about) = (state.now_ms(), About::transaction(hash));
    state.model.expect_no_more(&hash);
    match answer {
        Ok(submitted) => {
            let named = Law::SAME_EFFECTS
                .unless(submitted.hash == hash, || format!("`{hash}` was named otherwise"));
            world.check(state, named);
            Some(true)
        }
        Err(error) if is_fair(&error, transaction, &state.model) => {
            state.trace.line(now, about, "client", error);
            Some(false)
        }
        Err(
            error @ (StoreError::Database { .. } | StoreError::Busy { .. } | StoreError::Closed),
        ) => {
            state.trace.line(now, about, "client", format_args!("tries again after: {error}"));
            None
        }
        Err(error) => {
            let lost = Law::NOTHING_LOST.broken(format!("`{hash}` was refused: {error}"));
            world.violated(state, lost);
            Some(false)
        }
    }
}
