//! What is simulated: a scenario file (TOML), every key with its default.
//!
//! Durations are texts with a unit (`"250ms"`, `"30s"`, `"5m"`, `"2h"`, `"1d"`). Distributions are
//! one value, `"uniform MIN MAX"`, `"exponential MEAN"` or `"normal MEAN DEVIATION"` (nothing below
//! zero). Shares and probabilities are numbers from 0 to 1. Unknown keys are refused.
//!
//! `SIMULATOR.md` lists every key; a test compares it with these structures.

mod file;
mod value;
mod variation;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::Profile;

pub use value::{Arrival, Delay, Share, Span, Spread, Stakes, parse_duration};
pub use variation::{NoVariation, Variation};

/// A validated scenario.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Scenario {
    /// The file.
    #[serde(skip)]
    pub path: PathBuf,
    /// Its name without its ending.
    pub name: String,
    /// What it shows, in a sentence.
    pub description: String,
    /// The network.
    pub network: NetworkPlan,
    /// How groups of validators behave; the others are honest.
    pub behaviours: Vec<Behaviour>,
    /// What is submitted.
    pub workload: WorkloadPlan,
    /// Who appeals.
    pub appeals: AppealPlan,
    /// The network between nodes and their consensus.
    pub latency: LatencyPlan,
    /// What crashes, and when.
    pub crashes: Vec<CrashPlan>,
    /// What goes wrong with the store.
    pub store_faults: Vec<StoreFaultPlan>,
}

/// The network's validators and rules.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkPlan {
    /// How many validators.
    pub validators: usize,
    /// Whose rules it runs.
    pub profile: Profile,
    /// Their stakes.
    pub stakes: Stakes,
    /// Validators of one committee.
    pub committee: u16,
    /// Leaders that may be replaced for want of agreement.
    pub rotations: u8,
    /// How long a decision can be appealed.
    pub finality_window: Duration,
    /// Time of a leader's execution.
    pub leader_timeout: Duration,
    /// Time of a validator's execution.
    pub validator_timeout: Duration,
    /// Time to open a commitment.
    pub reveal_timeout: Duration,
    /// Decide as soon as no outstanding vote can change the outcome.
    pub early_quorum: bool,
    /// Mint what the sender of a payable call lacks.
    pub sandbox_mint: bool,
    /// Crashes of one transaction before it is given up.
    pub attempts: u32,
    /// Rounds that run at the same time.
    pub rounds: usize,
    /// Pause between looks for work that nobody announced.
    pub crawl_interval: Duration,
}

/// A group of validators and how it behaves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Behaviour {
    /// Who belongs to it.
    pub members: Members,
    /// What it does.
    pub kind: BehaviourKind,
    /// How often it does so; otherwise it is honest.
    pub probability: Share,
    /// How long its executions take.
    pub latency: Delay,
}

/// The size of a group.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Members {
    /// So many validators.
    Count(usize),
    /// Validators until they have this share of all stake.
    Stake(Share),
}

/// What a group of validators does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BehaviourKind {
    /// Executes and votes as it should.
    Honest,
    /// Finds wrong results, the same in all of the group.
    #[serde(skip_deserializing)]
    WrongEqual,
    /// Finds wrong results, each validator its own.
    #[serde(skip_deserializing)]
    WrongDifferent,
    /// Never answers.
    Silent,
    /// Its node panics.
    Crashing,
    /// Commits to two different votes.
    #[serde(skip_deserializing)]
    EquivocatingCommitments,
    /// Reveals another vote than it committed to.
    #[serde(skip_deserializing)]
    EquivocatingReveal,
    /// Agrees without executing.
    Lazy,
    /// Proposes and accepts the group's wrong result, and rejects any other.
    Colluding,
}

/// What is submitted, by whom, to which contracts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkloadPlan {
    /// How transactions arrive.
    pub arrival: Arrival,
    /// How many, the deploys of the start not counted.
    pub count: u64,
    /// Nothing is submitted after this time.
    pub duration: Option<Duration>,
    /// Accounts that send.
    pub accounts: usize,
    /// What each of them has.
    pub balance: u64,
    /// Contracts deployed at the start.
    pub contracts: usize,
    /// How unevenly contracts are chosen: exponent of Zipf's law, 0 for evenly.
    pub skew: f64,
    /// How often each kind is submitted, relative to the others.
    pub mix: Mix,
    /// Share of the calls that carry a value.
    pub payable: Share,
    /// The value of payable calls and of transfers.
    pub value: Spread,
}

/// Weights of the kinds of transactions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mix {
    /// Calls of one contract.
    pub call: u32,
    /// Transfers between accounts.
    pub transfer: u32,
    /// Deploys of new contracts, which may be called afterwards.
    pub deploy: u32,
    /// Calls that send a message to another contract.
    pub cross_contract: u32,
}

/// Who appeals decisions, and when.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AppealPlan {
    /// How often a decision is appealed.
    pub probability: Share,
    /// Appeals of one transaction, at most; 0 for none.
    pub limit: u32,
    /// How long after the decision.
    pub delay: Delay,
}

/// The network between nodes and their consensus.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LatencyPlan {
    /// How long a message takes.
    pub message: Delay,
    /// Share of the messages that never arrive.
    pub loss: Share,
}

/// What crashes, and when.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CrashPlan {
    /// Who.
    pub what: CrashTarget,
    /// At which step of a transaction's life.
    pub at: CrashStep,
    /// How often.
    pub when: When,
}

/// Who crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrashTarget {
    /// A node: the leader's while proposing, else a validator's.
    Node,
    /// The consensus over the transaction.
    Consensus,
    /// The queue of its contract.
    Queue,
    /// The crawler.
    Crawler,
    /// The whole network: everything but the database is lost, and starts again.
    System,
}

/// A step of a transaction's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrashStep {
    /// Its queue took it.
    Claimed,
    /// The leader was asked.
    Proposing,
    /// The validators were asked.
    Committing,
    /// The votes are being opened.
    Revealing,
    /// The decision is made and on its way to the store.
    Persist,
    /// The decision is stored, and nobody was told.
    Persisted,
    /// It became final.
    Finalize,
}

/// When a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// The nth time.
    Nth(u64),
    /// Every time with this probability.
    Probability(Share),
}

/// What goes wrong with the store.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StoreFaultPlan {
    /// What.
    pub kind: StoreFaultKind,
    /// How long requests take, for a slow one.
    pub delay: Delay,
    /// From this time of the run on.
    pub from: Duration,
    /// Until this time.
    pub until: Option<Duration>,
    /// Share of the requests it strikes.
    pub probability: Share,
}

/// How a store fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreFaultKind {
    /// Every request takes a while.
    Slow,
    /// Nothing can be written; reading works.
    Full,
    /// It answers nothing.
    Refused,
}

/// What is wrong with a scenario, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}:{column}: {message}", file.display())]
pub struct ScenarioError {
    /// The file.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: usize,
    /// The place in the line, from 1.
    pub column: usize,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Scenario {
    /// Reads a scenario file.
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let unreadable = |error: std::io::Error| ScenarioError {
            file: path.to_owned(),
            line: 1,
            column: 1,
            message: format!("cannot be read: {error}"),
        };
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(path, &text)
    }

    /// Reads the text of a scenario file; `path` names it in errors.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ScenarioError> {
        file::parse(path, text)
    }
}
