//! Turns settings and leaf actors into the ports of the others: once when a network starts, and
//! again for every generation of it.

use std::sync::Arc;

use actix::Addr;

use super::clock::NetworkClock;
use super::consensus::ConsensusPorts;
use super::crawler::SpawnQueue;
use super::era::Era;
use super::finality::FinalityPorts;
use super::node::NodePorts;
use super::permits::Permits;
use super::ports::Ports;
use super::queue::QueuePorts;
use super::reader::ReaderPorts;
use super::settings::NetworkSettings;
use super::store::Store;
use super::system::Root;
use super::world::StatePorts;
use crate::execution::Executor;

/// What lasts as long as the network runs.
#[derive(Debug, Clone)]
pub(super) struct Wiring {
    pub(super) settings: Arc<NetworkSettings>,
    pub(super) executor: Arc<dyn Executor>,
    pub(super) clock: NetworkClock,
    pub(super) ports: Arc<dyn Ports>,
    pub(super) rounds: Permits,
    pub(super) executions: Permits,
    pub(super) calls: Permits,
}

impl Wiring {
    /// Permits for as much as the settings allow at once.
    pub(super) fn new(
        settings: Arc<NetworkSettings>,
        executor: Arc<dyn Executor>,
        clock: NetworkClock,
        ports: Arc<dyn Ports>,
    ) -> Self {
        let rounds = Permits::new("consensus rounds", settings.consensus_max);
        let executions = Permits::new("contract executions", settings.executions_max);
        let calls = Permits::new("read-only calls", settings.executions_max);
        Self { settings, executor, clock, ports, rounds, executions, calls }
    }

    /// All permits there are.
    pub(super) fn permits(&self) -> Vec<Permits> {
        vec![self.rounds.clone(), self.executions.clone(), self.calls.clone()]
    }

    /// What starts the queues of one era, which write to `store`.
    pub(super) fn queues(
        &self,
        store: &Addr<Store>,
        root: &Addr<Root>,
        era: Era,
    ) -> Arc<dyn SpawnQueue + Send + Sync> {
        let settings = &self.settings;
        let nodes = self.ports.nodes(NodePorts {
            executor: Arc::clone(&self.executor),
            state: state_of(store),
            executions: self.executions.clone(),
            chain_id: settings.chain_id,
            network_seed: settings.seed,
            leader_timeout: settings.timeouts.leader,
            validator_timeout: settings.timeouts.validators,
        });
        let consensus = self.ports.consensus(ConsensusPorts {
            nodes,
            steps: store.clone().recipient(),
            decisions: store.clone().recipient(),
            finality: root.clone().recipient(),
            clock: self.clock.clone(),
            network_seed: settings.seed,
            timeouts: settings.timeouts,
            profile: settings.profile,
            early_quorum: settings.early_quorum,
            era,
        });
        self.ports.queues(QueuePorts {
            claim: store.clone().recipient(),
            transfer: store.clone().recipient(),
            requeue: store.clone().recipient(),
            explain: store.clone().recipient(),
            finality: root.clone().recipient(),
            consensus,
            rounds: self.rounds.clone(),
            depth_max: settings.queue_depth_max,
        })
    }

    /// What makes transactions of one era final, in `store`.
    pub(super) fn finality(&self, store: &Addr<Store>) -> FinalityPorts {
        self.ports.finality(FinalityPorts {
            due: store.clone().recipient(),
            finalize: store.clone().recipient(),
            clock: self.clock.clone(),
            interval: self.settings.crawl_interval,
        })
    }

    /// What reads for clients, from `store`.
    pub(super) fn reader(&self, store: &Addr<Store>) -> ReaderPorts {
        ReaderPorts {
            state: state_of(store),
            electorate: store.clone().recipient(),
            executor: Arc::clone(&self.executor),
            calls: self.calls.clone(),
            clock: Arc::new(self.clock.clone()),
            chain_id: self.settings.chain_id,
            network_seed: self.settings.seed,
            time_limit: self.settings.read_timeout,
            rehearsal_time_limit: self.settings.timeouts.leader,
        }
    }
}

fn state_of(store: &Addr<Store>) -> StatePorts {
    StatePorts {
        view: store.clone().recipient(),
        pages: store.clone().recipient(),
        accounts: store.clone().recipient(),
    }
}
