//! What all parts of one run share: the model, the trace, the faults, and how the run ends.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix::{Message, WeakRecipient};
use sha3::{Digest as _, Keccak256};
use tokio::sync::Notify;

use super::appeals::Appeals;
use super::chance::{Chance, Stream};
use super::conduct::Conduct;
use super::faults::Faults;
use super::laws::{Broken, Law, Violation};
use super::model::Model;
use super::panics;
use super::scenario::{CrashStep, CrashTarget, Scenario};
use super::trace::{About, Trace};
use crate::actors::clock::NetworkClock;
use crate::actors::tell_weak;
use crate::domain::{Address, Clock, Digest, Event, EventKind, Timestamp, TxHash};
use crate::storage::Connection;

/// The instant every run begins: 2026-01-01, 0:00 UTC.
pub(super) const BEGINNING: Timestamp = Timestamp::from_millis(1_767_225_600_000);

/// Makes an actor panic, as a fault of its own would.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct Crash;

/// Why the present actor system ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Halt {
    /// Everything is final.
    Finished,
    /// It crashed and starts again on the same database.
    Crashed,
    /// A law is broken.
    Violated(Violation),
}

/// What all parts of one run share.
#[derive(Debug)]
pub(super) struct World {
    pub(super) scenario: Arc<Scenario>,
    state: Mutex<State>,
    /// The run has to look at [`State::halt`].
    pub(super) halted: Notify,
    /// Something was decided: a closed loop has room.
    pub(super) room: Notify,
    /// An appeal was planned.
    pub(super) appealed: Notify,
}

/// The part that changes.
#[derive(Debug)]
pub(super) struct State {
    clock: Option<NetworkClock>,
    /// Time of the run when the last actor system ended.
    pub(super) elapsed: Duration,
    pub(super) trace: Trace,
    pub(super) model: Model,
    pub(super) conduct: Conduct,
    pub(super) faults: Faults,
    pub(super) messages: Stream,
    pub(super) appeals: Appeals,
    pub(super) by_seed: BTreeMap<Digest, TxHash>,
    pub(super) halt: Option<Halt>,
    /// Everything was submitted.
    pub(super) is_submitted: bool,
    pub(super) commits: u64,
    pub(super) events: u64,
    events_digest: Keccak256,
    /// Committed, and not seen by a subscriber yet.
    pub(super) unpublished: std::collections::VecDeque<Event>,
    pub(super) queues: BTreeMap<Address, WeakRecipient<Crash>>,
    /// The last consensus over each transaction, also once it is decided: its end can crash.
    pub(super) consensuses: BTreeMap<TxHash, WeakRecipient<Crash>>,
    pub(super) crawler: Option<WeakRecipient<Crash>>,
}

impl World {
    pub(super) fn new(
        scenario: Arc<Scenario>,
        chance: Chance,
        model: Model,
        trace: Trace,
        validators: &[crate::domain::Validator],
    ) -> Self {
        let state = State {
            clock: None,
            elapsed: Duration::ZERO,
            trace,
            model,
            conduct: Conduct::new(&scenario.behaviours, validators, chance),
            faults: Faults::new(&scenario, chance),
            messages: chance.stream("messages", 0),
            appeals: Appeals::new(scenario.appeals, chance),
            by_seed: BTreeMap::new(),
            halt: None,
            is_submitted: false,
            commits: 0,
            events: 0,
            events_digest: Keccak256::new(),
            unpublished: std::collections::VecDeque::new(),
            queues: BTreeMap::new(),
            consensuses: BTreeMap::new(),
            crawler: None,
        };
        Self {
            scenario,
            state: Mutex::new(state),
            halted: Notify::new(),
            room: Notify::new(),
            appealed: Notify::new(),
        }
    }

    /// The state. Injected panics are never thrown while it is held.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the present actor system.
    pub(super) fn halt(&self, state: &mut State, why: Halt) {
        if state.halt.is_none() {
            state.halt = Some(why);
            self.halted.notify_one();
        }
    }

    /// A law is broken: nothing counts any more but the report.
    pub(super) fn violated(&self, state: &mut State, broken: Broken) {
        let at_ms = state.now_ms();
        if !matches!(state.halt, Some(Halt::Violated(_))) {
            let found = format!("{} ({})", broken.law, broken.found);
            state.trace.line(at_ms, About::NOTHING, "network", found);
            state.halt = None;
        }
        let violation = Violation { law: broken.law, found: broken.found, at_ms };
        self.halt(state, Halt::Violated(violation));
    }

    /// Reports what is broken, if anything is.
    pub(super) fn check<T>(&self, state: &mut State, result: Result<T, Broken>) -> Option<T> {
        match result {
            Ok(answer) => Some(answer),
            Err(broken) => {
                self.violated(state, broken);
                None
            }
        }
    }

    /// A step of a transaction's life is reached: strikes, and says who was struck.
    pub(super) fn reached(
        &self,
        hash: TxHash,
        queue: Address,
        step: CrashStep,
    ) -> Vec<CrashTarget> {
        let mut state = self.lock();
        let struck = state.faults.strike(step, false);
        for target in &struck {
            let name = format!("{target:?} crashes at {step:?}").to_lowercase();
            let now = state.now_ms();
            state.trace.line(now, About::transaction(hash), "fault", name);
            let victim = match target {
                CrashTarget::Consensus => state.consensuses.get(&hash).cloned(),
                CrashTarget::Queue => state.queues.get(&queue).cloned(),
                CrashTarget::Crawler => state.crawler.clone(),
                CrashTarget::System => {
                    self.halt(&mut state, Halt::Crashed);
                    None
                }
                CrashTarget::Node => None,
            };
            if let Some(victim) = victim {
                tell_weak(&victim, Crash);
            }
        }
        struck
    }

    /// A batch was committed: the trace, the laws, and whoever waits for it.
    pub(super) fn committed(&self, conn: &mut Connection, events: &[Event]) {
        let mut guard = self.lock();
        let state = &mut *guard;
        if matches!(state.halt, Some(Halt::Violated(_))) {
            return;
        }
        state.commits += 1;
        self.check_panics(state);
        let now = state.now_ms();
        for event in events {
            state.note(now, event);
        }
        let applied = state.model.apply(conn, events);
        let Some(progress) = self.check(state, applied) else { return };
        for (hash, status) in &progress.decided {
            let before = state.model.entries.get(hash).map_or(0, |entry| entry.appeals);
            let at = state.now();
            if state.appeals.decided(at, *hash, *status, before) {
                self.appealed.notify_one();
            }
        }
        if !progress.decided.is_empty() {
            self.room.notify_one();
        }
        self.finish_if_done(state);
        drop(guard);
        for hash in progress.finalized {
            let queue = events.iter().find(|event| event.transaction == hash);
            let queue = queue.map_or(Address::ZERO, |event| event.address);
            self.reached(hash, queue, CrashStep::Finalize);
        }
    }

    /// Law 0.
    pub(super) fn check_panics(&self, state: &mut State) {
        if let Some(panic) = panics::take() {
            self.violated(state, Law::NO_PANIC.broken(panic));
        }
    }

    /// Everything submitted and final?
    pub(super) fn finish_if_done(&self, state: &mut State) {
        if state.is_submitted && state.model.open == 0 {
            self.halt(state, Halt::Finished);
        }
    }
}

impl State {
    /// A new actor system starts on this clock.
    pub(super) fn begin_life(&mut self, clock: NetworkClock) {
        self.clock = Some(clock);
        self.unpublished.clear();
        self.queues.clear();
        self.consensuses.clear();
        self.crawler = None;
    }

    /// The actor system ends; its clock cannot be read any more.
    pub(super) fn end_life(&mut self) {
        self.elapsed = self.now();
        self.clock = None;
    }

    /// Time of the run.
    pub(super) fn now(&self) -> Duration {
        self.clock.as_ref().map_or(self.elapsed, |clock| clock.now().since(BEGINNING))
    }

    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.now().as_millis()).unwrap_or(u64::MAX)
    }

    /// The store committed something.
    fn note(&mut self, now: u64, event: &Event) {
        self.events += 1;
        let rotation = match &event.kind {
            EventKind::StatusChanged { rotation, .. } => *rotation,
            EventKind::TransactionSubmitted
            | EventKind::AppealOpened { .. }
            | EventKind::AppealClosed { .. }
            | EventKind::NetworkRestored { .. } => None,
        };
        let about = About { transaction: Some(event.transaction), rotation };
        match &event.kind {
            EventKind::TransactionSubmitted => {
                let event_text = format_args!("SUBMITTED to {}", event.address);
                self.trace.line(now, about, "store", event_text);
            }
            EventKind::StatusChanged { status, .. } => {
                self.trace.line(now, about, "store", status.name());
            }
            EventKind::AppealOpened { kind, .. } => {
                self.trace.line(now, about, "store", format_args!("{kind} appeal opened"));
            }
            EventKind::AppealClosed { kind, successful } => {
                let end = if *successful { "succeeded" } else { "failed" };
                self.trace.line(now, about, "store", format_args!("{kind} appeal {end}"));
            }
            EventKind::NetworkRestored { snapshot } => {
                let event_text = format_args!("snapshot {snapshot} restored");
                self.trace.line(now, About::NOTHING, "store", event_text);
            }
        }
        self.unpublished.push_back(event.clone());
        fold_event(&mut self.events_digest, event);
    }

    /// The digest of all committed events.
    pub(super) fn events_digest(&self) -> [u8; 32] {
        self.events_digest.clone().finalize().into()
    }
}

/// Folds an event into a digest, to compare what is replayed with what was published.
pub(super) fn fold_event(digest: &mut Keccak256, event: &Event) {
    digest.update(event.cursor.to_be_bytes());
    digest.update(event.at.as_millis().to_be_bytes());
    digest.update(event.transaction.as_bytes());
    digest.update(event.address.as_bytes());
    match &event.kind {
        EventKind::TransactionSubmitted => digest.update([0, 0]),
        EventKind::StatusChanged { status, rotation } => {
            digest.update(status.name());
            digest.update([1, rotation.map_or(0, |rotation| rotation.wrapping_add(1))]);
        }
        EventKind::AppealOpened { kind, appellant } => {
            digest.update(kind.name());
            digest.update([2]);
            digest.update(appellant.as_bytes());
        }
        EventKind::AppealClosed { kind, successful } => {
            digest.update(kind.name());
            digest.update([3, u8::from(*successful)]);
        }
        EventKind::NetworkRestored { snapshot } => {
            digest.update(snapshot.to_be_bytes());
            digest.update([4]);
        }
    }
}
