//! A network on virtual time whose validators vote as a script says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agora::actors::clock::NetworkClock;
use agora::actors::handles::Handles;
use agora::actors::settings::NetworkSettings;
use agora::actors::store::{Database, DatabaseOptions, open_network};
use agora::actors::system::Network;
use agora::domain::ledger::{
    Genesis, NewTransaction, StateVersion, TransactionFilter, TransactionRecord,
};
use agora::domain::{
    Address, Amount, Bytes, Clock, DerivedKey, Digest, EventKind, Execution, ExecutionMode,
    ExecutionOutcome, KeyUse, PageKey, Payload, SlotId, Stake, StateDelta, Status,
    TransactionRules, TxHash, Validator,
};
use agora::execution::scripted::Scripted;
use agora::execution::{Entry, ExecutionError, ExecutionRequest, Executor, Role};
use serde_json::Value as Json;

const SEED: Digest = Digest::new([0x21; 32]);
pub const WINDOW: Duration = Duration::from_mins(1);

/// Runs `test` on one thread whose clock leaps to the next timer.
pub fn on_virtual_time<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(true).build().unwrap()
    };
    actix::System::with_tokio_rt(runtime).block_on(async { test().await });
}

/// One turn: what the leader does, if it is asked, and the votes of all seats in order.
#[derive(Debug, Clone)]
struct Turn {
    leader_times_out: bool,
    votes: VecDeque<char>,
}

impl Turn {
    /// `5A`, `2A 1D 2T`, or `LT` for a leader that takes too long.
    fn parse(text: &str) -> Self {
        let mut votes = VecDeque::new();
        let leader_times_out = text == "LT";
        for group in text.split_whitespace().filter(|_| !leader_times_out) {
            let (count, letter) = group.split_at(group.len() - 1);
            votes.extend(letter.chars().cycle().take(count.parse().unwrap()));
        }
        Self { leader_times_out, votes }
    }
}

/// What is left of the script of every transaction, by its calldata; the first turn is running.
#[derive(Debug, Default)]
pub struct Script {
    turns: BTreeMap<Bytes, VecDeque<Turn>>,
    pub executions: usize,
}

pub fn page() -> PageKey {
    PageKey { slot: SlotId(Digest::new([1; 32])), index: 0 }
}

/// Appends the transaction's tag to the contract's one page, and says so in a block output, so
/// that the leader's seat votes on it too.
fn appended(request: &ExecutionRequest) -> Execution {
    let mut execution = Execution::ending(ExecutionOutcome::Return(Bytes::new()));
    execution.block_outputs = vec![Bytes::from_static(b"output")];
    if request.entry == Entry::Method {
        assert!(request.snapshot.complete);
        let before = request.snapshot.pages.get(&page()).cloned().unwrap_or_default();
        let state = [before.as_ref(), request.calldata.as_ref()].concat();
        execution.state = StateDelta([(page(), Bytes::from(state))].into());
    }
    execution
}

impl Script {
    fn execute(&mut self, request: &ExecutionRequest) -> Result<Execution, ExecutionError> {
        let own = appended(request);
        let Some(turns) = self.turns.get_mut(&request.calldata) else { return Ok(own) };
        self.executions += 1;
        let late = Err(ExecutionError::TimedOut { limit_ms: 1 });
        if matches!(request.role, Role::Leader) {
            let turn = turns.front_mut().expect("a turn for this leader");
            return if turn.leader_times_out {
                turns.pop_front();
                late
            } else {
                Ok(own)
            };
        }
        let turn = turns.front_mut().expect("a turn for this validator");
        let vote = turn.votes.pop_front().expect("a vote");
        if turn.votes.is_empty() {
            turns.pop_front();
        }
        match vote {
            'A' => Ok(own),
            'D' => Ok(Execution { disagreed_block: Some(0), ..own }),
            'T' => late,
            'V' => Ok(Execution { state: StateDelta::default(), ..own }),
            'I' => Err(ExecutionError::Infrastructure("provider down".into())),
            other => panic!("no vote {other}"),
        }
    }
}

pub struct World {
    _network: Network,
    pub handles: Handles,
    pub script: Arc<Mutex<Script>>,
    pub contract: Address,
    pub rotations_max: u8,
}

pub fn account(number: u64) -> Address {
    DerivedKey::derive(&SEED, KeyUse::Account, number).address()
}

impl World {
    /// A network of `nodes` validators with one contract on it.
    pub async fn new(nodes: u64, rotations_max: u8) -> Self {
        Self::with(nodes, rotations_max, |_| {}).await
    }

    pub async fn with(
        nodes: u64,
        rotations_max: u8,
        change: impl FnOnce(&mut NetworkSettings),
    ) -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let executed = Arc::clone(&script);
        let executor = Scripted::new(move |request| executed.lock().unwrap().execute(request));
        Self::running(nodes, rotations_max, script, executor, change).await
    }

    pub async fn running(
        nodes: u64,
        rotations_max: u8,
        script: Arc<Mutex<Script>>,
        executor: impl Executor + 'static,
        change: impl FnOnce(&mut NetworkSettings),
    ) -> Self {
        let mut settings = NetworkSettings::new(1, SEED);
        settings.store_inline = true;
        change(&mut settings);
        let clock = NetworkClock::starting_at(agora::domain::Timestamp::from_millis(1_000_000));
        let options = DatabaseOptions { synchronous_full: false, ..DatabaseOptions::default() };
        let database = Database::open(":memory:", options).unwrap();
        let validator = |number| Validator {
            address: DerivedKey::derive(&SEED, KeyUse::Validator, number).address(),
            stake: Stake::try_from(1).unwrap(),
        };
        let genesis = Genesis {
            seed: SEED,
            chain_id: 1,
            validators: (0..nodes).map(validator).collect(),
            profile: settings.profile,
            finality_window: WINDOW,
            accounts: (0..4).map(|number| (account(number), Amount::from(1_000))).collect(),
            at: clock.now(),
        };
        open_network(&database, &genesis, 3, &clock).unwrap();
        let network = Network::start(settings, database, Arc::new(executor), clock).await.unwrap();
        let handles = network.handles();
        let deploy = Payload::Deploy {
            code: Bytes::from_static(b"pass"),
            calldata: Bytes::from_static(b"deploy"),
        };
        let rules = TransactionRules { mode: ExecutionMode::LeaderOnly, ..Default::default() };
        let new = NewTransaction { rules, ..new_transaction(None, deploy) };
        let submitted = handles.submit(new).await.unwrap();
        let contract = submitted.contract.unwrap();
        let world = Self { _network: network, handles, script, contract, rotations_max };
        world.until(submitted.hash, |record| record.status == Status::Finalized).await;
        world
    }

    /// Submits a call that appends `tag`, with the turns of its script: `5A / 7D / 11A`.
    pub async fn call(&self, tag: &'static str, turns: &str) -> TxHash {
        let calldata = Bytes::from_static(tag.as_bytes());
        let turns = turns.split('/').map(|turn| Turn::parse(turn.trim())).collect();
        self.script.lock().unwrap().turns.insert(calldata.clone(), turns);
        let rules =
            TransactionRules { rotations_max: self.rotations_max, ..TransactionRules::default() };
        let payload = Payload::Call { calldata };
        let new = NewTransaction { rules, ..new_transaction(Some(self.contract), payload) };
        let hash = self.handles.submit(new).await.unwrap().hash;
        self.decided(hash).await;
        hash
    }

    pub async fn appeal(&self, hash: TxHash) -> Result<(), String> {
        self.pass(Duration::from_secs(1)).await;
        let opened = self.handles.open_appeal(hash, account(3)).await;
        opened.map_err(|error| error.to_string())?;
        self.decided(hash).await;
        Ok(())
    }

    /// Waits until nothing waits or runs, on any contract.
    pub async fn quiet(&self) {
        for _ in 0..20_000 {
            self.pass(Duration::from_millis(20)).await;
            let counts = self.handles.status_counts().await.unwrap();
            let is_open = |status: Status| status == Status::Pending || status.is_in_flight();
            let appealed = self.all().await.iter().any(|record| record.appeal.is_some());
            if !appealed && counts.iter().all(|(status, count)| !is_open(*status) || *count == 0) {
                return;
            }
        }
        panic!("something waits or runs for ever: {:?}", self.all().await);
    }

    /// Waits for a decision over `hash` that no open appeal challenges, and for everything else.
    pub async fn decided(&self, hash: TxHash) -> TransactionRecord {
        self.quiet().await;
        self.until(hash, |it| it.status.is_decided() && it.appeal.is_none()).await
    }

    pub async fn until(
        &self,
        hash: TxHash,
        is_reached: impl Fn(&TransactionRecord) -> bool,
    ) -> TransactionRecord {
        for _ in 0..20_000 {
            let record = self.record(hash).await;
            if is_reached(&record) {
                return record;
            }
            self.pass(Duration::from_millis(20)).await;
        }
        panic!("never reached: {:?}", self.record(hash).await);
    }

    pub async fn all(&self) -> Vec<TransactionRecord> {
        let filter = TransactionFilter::default();
        self.handles.transactions(filter, None, 1_000).await.unwrap().items
    }

    pub async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// The window of everything decided closes.
    pub async fn finality(&self) {
        self.pass(WINDOW + Duration::from_secs(30)).await;
    }

    pub async fn record(&self, hash: TxHash) -> TransactionRecord {
        self.handles.transaction(hash).await.unwrap().unwrap()
    }

    /// The contract's page, as text.
    pub async fn state(&self, version: StateVersion) -> String {
        let pages = self.handles.contract_pages(self.contract, version, None, 10).await.unwrap();
        let text = pages.first().map(|(_, page)| page.to_vec()).unwrap_or_default();
        String::from_utf8(text).unwrap()
    }

    /// Every status a transaction went through: `PRO COM REV ACC FIN`.
    pub async fn statuses(&self, hash: TxHash) -> String {
        let events = self.handles.events_after(0, 1_000_000).await.unwrap();
        let mut names = Vec::new();
        for event in events.iter().filter(|event| event.transaction == hash) {
            if let EventKind::StatusChanged { status, .. } = event.kind {
                names.push(short(status));
            }
        }
        names.join(" ")
    }

    /// The rounds over a transaction: `initial:5 validators_appeal:7 rerun:11`; a number per turn.
    pub async fn rounds(&self, hash: TxHash) -> String {
        let rounds = self.history(hash).await;
        let text = rounds.iter().map(|round| {
            let sizes = round["rotations"]
                .as_array()
                .unwrap()
                .iter()
                .map(|rotation| rotation["committee"].as_array().unwrap().len().to_string());
            format!("{}:{}", round["phase"].as_str().unwrap(), sizes.collect::<Vec<_>>().join(","))
        });
        text.collect::<Vec<_>>().join(" ")
    }

    /// The names that clients know the turns by.
    pub async fn labels(&self, hash: TxHash) -> Vec<String> {
        let rounds = self.history(hash).await;
        let turns = rounds.iter().flat_map(|round| round["rotations"].as_array().unwrap());
        turns.map(|turn| turn["consensus_round"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn history(&self, hash: TxHash) -> Vec<Json> {
        let consensus = self.record(hash).await.consensus.unwrap();
        consensus["rounds"].as_array().unwrap().clone()
    }

    /// Everybody in every committee, round by round, turn by turn.
    pub async fn committees(&self, hash: TxHash) -> Vec<Vec<Vec<String>>> {
        let name = |seat: &Json| seat["validator"].as_str().unwrap().to_owned();
        let members =
            |turn: &Json| turn["committee"].as_array().unwrap().iter().map(name).collect();
        let history = self.history(hash).await;
        history
            .iter()
            .map(|round| round["rotations"].as_array().unwrap().iter().map(members).collect())
            .collect()
    }

    pub async fn assert_conserved(&self) {
        let supply = self.handles.supply().await.unwrap();
        assert!(supply.is_conserved(), "{supply:?}");
    }
}

pub fn new_transaction(to: Option<Address>, payload: Payload) -> NewTransaction {
    NewTransaction {
        from: Some(account(0)),
        to,
        value: Amount::ZERO,
        payload,
        nonce: None,
        rules: TransactionRules::default(),
        idempotency_key: None,
        envelope: None,
        context: None,
    }
}

pub fn short(status: Status) -> &'static str {
    match status {
        Status::Pending => "PEN",
        Status::Proposing => "PRO",
        Status::Committing => "COM",
        Status::Revealing => "REV",
        Status::Accepted => "ACC",
        Status::Undetermined => "UND",
        Status::LeaderTimeout => "LTO",
        Status::ValidatorsTimeout => "VTO",
        Status::Finalized => "FIN",
        Status::Canceled => "CAN",
    }
}
