//! Every limit and every duration of the running network, by name and unit.

use std::time::Duration;

use crate::domain::{Digest, Profile};
use crate::protocol::Timeouts;

/// Settings of the actors. The command line validates them once, before anything starts.
#[derive(Debug, Clone)]
pub struct NetworkSettings {
    /// Part of every transaction's hash.
    pub chain_id: u64,
    /// Everything random derives from it.
    pub seed: Digest,
    /// Names this process among those that share a database.
    pub owner: String,
    /// Deadlines of a round.
    pub timeouts: Timeouts,
    /// Elapsed time of a read-only call.
    pub read_timeout: Duration,
    /// How long a decision can be appealed, from a network's first start on and until that is
    /// changed; what is stored rules.
    pub finality_window: Duration,
    /// Whose rules the network runs.
    pub profile: Profile,
    /// Decide as soon as no outstanding vote can change the outcome.
    pub early_quorum: bool,
    /// Mint what a caller lacks, instead of refusing the call.
    pub sandbox_mint: bool,
    /// Crashes of one transaction before it is given up.
    pub attempts_max: u32,
    /// Transactions one queue holds; the rest wait in the database.
    pub queue_depth_max: usize,
    /// Consensus rounds that run at the same time.
    pub consensus_max: usize,
    /// Contract executions that run at the same time.
    pub executions_max: usize,
    /// Requests that wait for the store at the same time.
    pub store_in_flight_max: usize,
    /// Writes that share one commit.
    pub batch_max: usize,
    /// The store works on the actors' own thread: for virtual time, which must not pass while
    /// another thread works (pitfall P8).
    pub store_inline: bool,
    /// How long a step of a round may stay unwritten when nothing else is written.
    pub announcement_delay: Duration,
    /// Pause between looks for work that nobody announced.
    pub crawl_interval: Duration,
    /// Transactions one listing reads.
    pub crawl_page: usize,
    /// Events a slow subscriber may be behind before it must read them from the store.
    pub event_buffer: usize,
    /// Pause between an owner's signs of life; four missed ones and its work is taken over.
    pub heartbeat_interval: Duration,
}

impl NetworkSettings {
    /// The defaults of `agora serve`, for the network derived from `seed`.
    pub fn new(chain_id: u64, seed: Digest) -> Self {
        Self {
            chain_id,
            seed,
            owner: "agora".into(),
            timeouts: Timeouts {
                leader: Duration::from_mins(1),
                validators: Duration::from_mins(1),
                reveal: Duration::from_secs(10),
            },
            read_timeout: Duration::from_secs(20),
            finality_window: Duration::from_secs(30),
            profile: Profile::Studio,
            early_quorum: false,
            sandbox_mint: true,
            attempts_max: 3,
            queue_depth_max: 1_024,
            consensus_max: 64,
            executions_max: 64,
            store_in_flight_max: 16_384,
            batch_max: 256,
            store_inline: false,
            announcement_delay: Duration::from_millis(10),
            crawl_interval: Duration::from_secs(1),
            crawl_page: 512,
            event_buffer: 1_024,
            heartbeat_interval: Duration::from_secs(5),
        }
    }
}
