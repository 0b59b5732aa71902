//! What stands between the network's actors. Production puts nothing there; a simulation builds
//! the same actors with parts that fail, wait or watch.

use std::fmt;
use std::sync::Arc;

use super::consensus::{ConsensusPorts, Consensuses, Nodes, SpawnNode};
use super::crawler::{Queues, SpawnQueue};
use super::finality::FinalityPorts;
use super::node::NodePorts;
use super::queue::{QueuePorts, SpawnConsensus};
use super::store::Overseer;

/// Makes the parts of a network that may differ; every default is production's.
pub trait Ports: fmt::Debug + Send + Sync {
    /// What starts nodes.
    fn nodes(&self, ports: NodePorts) -> Arc<dyn SpawnNode> {
        Arc::new(Nodes { ports })
    }

    /// What starts consensus.
    fn consensus(&self, ports: ConsensusPorts) -> Arc<dyn SpawnConsensus> {
        Arc::new(Consensuses { ports })
    }

    /// What starts queues.
    fn queues(&self, ports: QueuePorts) -> Arc<dyn SpawnQueue + Send + Sync> {
        Arc::new(Queues { ports })
    }

    /// What the finality actor reaches.
    fn finality(&self, ports: FinalityPorts) -> FinalityPorts {
        ports
    }

    /// Who stands around the store; only asked for one that runs inline.
    fn overseer(&self) -> Option<Box<dyn Overseer>> {
        None
    }
}

/// The network as it serves.
#[derive(Debug, Clone, Copy)]
pub struct Production;

impl Ports for Production {}
