//! What running a contract once produced.

use std::sync::Arc;

use alloy_primitives::Bytes;
use serde::{Deserialize, Serialize};

use super::{Code, Digest, EmittedMessage, StateDelta};

/// How an execution ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub enum ExecutionOutcome {
    /// The method returned this calldata.
    Return(Bytes),
    /// The contract raised `UserError` with this text.
    UserError(String),
    /// Anything else went wrong: the code, such as `exit_code 1` or `OOM`.
    VmError(String),
}

impl ExecutionOutcome {
    /// Did the method return?
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Return(_))
    }
}

/// What a contract told the outside world.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmittedEvent {
    /// At most four; the first is the hash of the event's name and indexed fields.
    pub topics: Vec<Digest>,
    /// The fields, as calldata.
    pub data: Bytes,
}

/// What an execution used; measured, so never compared between nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Cost {
    /// CPU time of the worker, in microseconds.
    pub cpu_micros: u64,
    /// Elapsed time as the node saw it, in microseconds.
    pub elapsed_micros: u64,
}

/// What running a contract once produced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    /// Returned value or error.
    pub outcome: ExecutionOutcome,
    /// Pages of the contract's storage that changed; empty unless the outcome is a return.
    pub state: StateDelta,
    /// The contract's code from now on, when it replaced it; none unless the outcome is a return.
    pub code: Option<Code>,
    /// Messages the contract emitted, in order; none unless the outcome is a return.
    pub messages: Vec<EmittedMessage>,
    /// Events the contract emitted, in order; none unless the outcome is a return.
    pub events: Vec<EmittedEvent>,
    /// Output of each non-deterministic block, in order (leader), or as accepted (validator).
    pub block_outputs: Vec<Bytes>,
    /// The first non-deterministic block whose leader output this node does not accept.
    pub disagreed_block: Option<u32>,
    /// What the contract printed.
    pub stdout: String,
    /// Traceback of an error, and warnings.
    pub stderr: String,
    /// What it used.
    pub cost: Cost,
}

impl Execution {
    /// An execution that ended with `outcome` and did nothing else.
    pub fn ending(outcome: ExecutionOutcome) -> Self {
        Self {
            outcome,
            state: StateDelta::default(),
            code: None,
            messages: Vec::new(),
            events: Vec::new(),
            block_outputs: Vec::new(),
            disagreed_block: None,
            stdout: String::new(),
            stderr: String::new(),
            cost: Cost::default(),
        }
    }

    /// Is the deterministic part equal: kind of outcome, returned or raised value, state,
    /// code, emitted messages and events?
    ///
    /// Protocol section 3. Error texts of the machine are not compared, as they may tell of time
    /// and memory; what the contract itself returned or raised is.
    pub fn has_same_effects_as(&self, other: &Self) -> bool {
        let same_outcome = match (&self.outcome, &other.outcome) {
            (ExecutionOutcome::VmError(_), ExecutionOutcome::VmError(_)) => true,
            (own, other) => own == other,
        };
        same_outcome
            && self.state == other.state
            && self.code == other.code
            && self.messages == other.messages
            && self.events == other.events
    }
}

/// What the leader produced, shared by everybody who judges it.
pub type LeaderReceipt = Arc<Execution>;

#[cfg(test)]
mod tests {
    use super::*;

    fn returning(value: &'static [u8]) -> Execution {
        Execution::ending(ExecutionOutcome::Return(Bytes::from_static(value)))
    }

    #[test]
    fn prints_and_costs_are_not_effects_but_values_are() {
        let mut chatty = returning(b"1");
        chatty.stdout = "hello".into();
        chatty.cost.cpu_micros = 9;
        assert!(chatty.has_same_effects_as(&returning(b"1")));
        assert!(!chatty.has_same_effects_as(&returning(b"2")));
        chatty.events.push(EmittedEvent { topics: Vec::new(), data: Bytes::new() });
        assert!(!chatty.has_same_effects_as(&returning(b"1")));
    }

    #[test]
    fn who_replaces_the_code_by_other_code_does_something_else() {
        let replacing = |source| {
            let code = Some(Code::new(Bytes::from_static(source)));
            Execution { code, ..returning(b"1") }
        };
        assert!(replacing(b"new").has_same_effects_as(&replacing(b"new")));
        assert!(!replacing(b"new").has_same_effects_as(&replacing(b"other")));
        assert!(!replacing(b"new").has_same_effects_as(&returning(b"1")));
    }

    #[test]
    fn kinds_of_error_differ_but_machine_texts_do_not() {
        let user = Execution::ending(ExecutionOutcome::UserError("no".into()));
        let machine = Execution::ending(ExecutionOutcome::VmError("no".into()));
        let other = Execution::ending(ExecutionOutcome::VmError("why".into()));
        assert!(!user.has_same_effects_as(&machine));
        assert!(machine.has_same_effects_as(&other));
    }
}
