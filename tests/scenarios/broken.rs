//! Laws that are broken on purpose: the run ends with the law, the seed and the way there.

use std::sync::Arc;

use actix::{Actor, Context, Handler, Recipient, ResponseFuture};
use agora::actors::consensus::{ConsensusPorts, SpawnNode};
use agora::actors::crawler::SpawnQueue;
use agora::actors::finality::FinalityPorts;
use agora::actors::messages::PersistDecision;
use agora::actors::node::NodePorts;
use agora::actors::ports::Ports;
use agora::actors::queue::{QueuePorts, SpawnConsensus};
use agora::actors::store::Overseer;
use agora::domain::Status;
use agora::domain::ledger::{Persisted, StoreError};
use agora::simulation::{Failure, Law, RunError, RunSettings, Wrap, run};

use super::parse;

/// Changes decisions behind the back of whoever watches them.
struct Forger {
    store: Recipient<PersistDecision>,
}

impl Actor for Forger {
    type Context = Context<Self>;
}

impl Handler<PersistDecision> for Forger {
    type Result = ResponseFuture<Result<Persisted, StoreError>>;

    fn handle(&mut self, mut message: PersistDecision, _: &mut Context<Self>) -> Self::Result {
        message.0.status = Status::Accepted;
        let answer = self.store.send(message);
        Box::pin(async move { answer.await.unwrap_or(Err(StoreError::Closed)) })
    }
}

#[derive(Debug)]
struct Forging(Box<dyn Ports>);

impl Ports for Forging {
    fn nodes(&self, ports: NodePorts) -> Arc<dyn SpawnNode> {
        self.0.nodes(ports)
    }

    fn consensus(&self, ports: ConsensusPorts) -> Arc<dyn SpawnConsensus> {
        let forger = Forger { store: ports.decisions.clone() }.start();
        self.0.consensus(ConsensusPorts { decisions: forger.recipient(), ..ports })
    }

    fn queues(&self, ports: QueuePorts) -> Arc<dyn SpawnQueue + Send + Sync> {
        self.0.queues(ports)
    }

    fn finality(&self, ports: FinalityPorts) -> FinalityPorts {
        self.0.finality(ports)
    }

    fn overseer(&self) -> Option<Box<dyn Overseer>> {
        self.0.overseer()
    }
}

const UNDECIDABLE: &str = "
    [[behaviour]]
    count = 5
    kind = \"wrong\"

    [workload]
    arrival = \"all at once\"
    contracts = 0
    mix = { deploy = 1 }
    count = 3
";

#[test]
fn a_decision_that_was_changed_on_its_way_is_reported_with_seed_law_and_trace() {
    let wrap: Wrap = Arc::new(|ports| Box::new(Forging(ports)));
    let settings = RunSettings { seed: 11, wrap: Some(wrap), ..RunSettings::default() };
    let error = run(&parse(UNDECIDABLE), &settings).unwrap_err();
    let RunError::Law(failure) = error else { panic!("{error}") };
    let Failure { seed, violation, tail } = *failure;
    assert_eq!((seed, violation.law), (11, Law::EFFECTS_ONCE));
    assert!(violation.found.contains("ACCEPTED, which no round that counts has decided"));
    let way: String = tail.join("\n");
    assert!(way.contains("decides UNDETERMINED") && way.contains("store | ACCEPTED"), "{way}");
}

#[test]
fn the_same_network_without_the_forger_keeps_the_laws() {
    let settings = RunSettings { seed: 11, ..RunSettings::default() };
    let outcome = run(&parse(UNDECIDABLE), &settings).unwrap();
    assert!(outcome.transactions.iter().all(|one| one.decision == Some(Status::Undetermined)));
}
