//! Parts of an execution that may change less than the whole, or nothing: blocks and sandboxes.

use super::eventlog::EventLog;
use super::outbox::{Gate, Mark, Outbox};
use super::store::{Saved, Store};

/// How deep sandboxes may be nested.
const DEPTH_MAX: usize = 16;

/// The parts that are entered and not left yet, the innermost last.
#[derive(Debug, Default)]
pub(super) struct Scopes(Vec<Scope>);

/// What kind of part was entered: one of a kind cannot be left as if it were of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Block,
    Sandbox,
}

#[derive(Debug)]
struct Scope {
    kind: Kind,
    read_only: Option<String>,
    gate: Gate,
    /// What to go back to when the part failed; nothing when it can change nothing.
    before: Option<Before>,
}

/// What a part can change, as it was.
#[derive(Debug)]
struct Before {
    store: Saved,
    outbox: Mark,
    events: (usize, usize),
}

/// What a part can change.
#[derive(Debug)]
pub(super) struct Effects<'a> {
    pub(super) store: &'a mut Store,
    pub(super) outbox: &'a mut Outbox,
    pub(super) events: &'a mut EventLog,
}

impl Scopes {
    /// Enters a non-deterministic block: nothing can be changed or sent in there.
    pub(super) fn enter_block(&mut self, effects: &mut Effects<'_>) {
        const REASON: &str =
            "cannot happen within a non-deterministic block: do it with its result";
        self.push(Kind::Block, None, effects);
        effects.store.make_read_only(format!("storage changes {REASON}"));
        effects.outbox.refuse(format!("messages {REASON}"));
    }

    /// Enters a sandbox; false when there are too many already.
    pub(super) fn enter_sandbox(&mut self, allow_changes: bool, effects: &mut Effects<'_>) -> bool {
        if self.0.len() >= DEPTH_MAX {
            return false;
        }
        let Effects { store, outbox, events } = effects;
        let can_change = allow_changes && store.read_only().is_none();
        let before = can_change.then(|| Before {
            store: store.save(),
            outbox: outbox.mark(),
            events: events.mark(),
        });
        self.push(Kind::Sandbox, before, effects);
        if !allow_changes {
            const REASON: &str = "this sandbox: it was entered without `allow_write_ops`";
            effects.store.make_read_only(format!("storage cannot change in {REASON}"));
            effects.outbox.refuse(format!("messages cannot be sent in {REASON}"));
        }
        true
    }

    fn push(&mut self, kind: Kind, before: Option<Before>, effects: &Effects<'_>) {
        let (read_only, gate) = (effects.store.read_only().cloned(), effects.outbox.gate().clone());
        self.0.push(Scope { kind, read_only, gate, before });
    }

    /// Leaves the innermost block, and sandboxes in it that were not left.
    pub(super) fn leave_block(&mut self, effects: &mut Effects<'_>) {
        if self.0.iter().any(|scope| scope.kind == Kind::Block) {
            while self.leave(Kind::Sandbox, false, effects) {}
            self.leave(Kind::Block, true, effects);
        }
    }

    /// Leaves the innermost part if it is a sandbox; what it changed stays, or is taken back. False
    /// when it is none: code within a block cannot leave the block by this.
    pub(super) fn leave_sandbox(&mut self, keep: bool, effects: &mut Effects<'_>) -> bool {
        self.leave(Kind::Sandbox, keep, effects)
    }

    fn leave(&mut self, kind: Kind, keep: bool, effects: &mut Effects<'_>) -> bool {
        let Some(scope) = self.0.pop_if(|scope| scope.kind == kind) else { return false };
        effects.store.set_read_only(scope.read_only);
        effects.outbox.set_gate(scope.gate);
        if let Some(before) = scope.before.filter(|_| !keep) {
            effects.store.restore(before.store);
            effects.outbox.restore(before.outbox);
            effects.events.restore(before.events);
        }
        true
    }
}
