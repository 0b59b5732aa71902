//! Parts of an execution that may change less than the whole, or nothing: blocks and sandboxes.

use super::outbox::{Gate, Mark, Outbox};
use super::store::{Saved, Store};

/// How deep sandboxes may be nested.
const DEPTH_MAX: usize = 16;

/// The parts that are entered and not left yet, the innermost last.
#[derive(Debug, Default)]
pub(super) struct Scopes(Vec<Scope>);

#[derive(Debug)]
struct Scope {
    read_only: Option<String>,
    gate: Gate,
    /// What to go back to when the part failed; nothing when it can change nothing.
    before: Option<(Saved, Mark)>,
}

impl Scopes {
    /// Enters a non-deterministic block: nothing can be changed or sent in there.
    pub(super) fn enter_block(&mut self, store: &mut Store, outbox: &mut Outbox) {
        const REASON: &str =
            "cannot happen within a non-deterministic block: do it with its result";
        self.push(None, store, outbox);
        store.make_read_only(format!("storage changes {REASON}"));
        outbox.refuse(format!("messages {REASON}"));
    }

    /// Enters a sandbox; false when there are too many already.
    pub(super) fn enter_sandbox(
        &mut self,
        allow_changes: bool,
        store: &mut Store,
        outbox: &mut Outbox,
    ) -> bool {
        if self.0.len() >= DEPTH_MAX {
            return false;
        }
        let can_change = allow_changes && store.read_only().is_none();
        let before = can_change.then(|| (store.save(), outbox.mark()));
        self.push(before, store, outbox);
        if !allow_changes {
            const REASON: &str = "this sandbox: it was entered without `allow_write_ops`";
            store.make_read_only(format!("storage cannot change in {REASON}"));
            outbox.refuse(format!("messages cannot be sent in {REASON}"));
        }
        true
    }

    fn push(&mut self, before: Option<(Saved, Mark)>, store: &Store, outbox: &Outbox) {
        let (read_only, gate) = (store.read_only().cloned(), outbox.gate().clone());
        self.0.push(Scope { read_only, gate, before });
    }

    /// Leaves the innermost part; what it changed stays, or is taken back.
    pub(super) fn leave(&mut self, keep: bool, store: &mut Store, outbox: &mut Outbox) {
        let Some(scope) = self.0.pop() else { return };
        store.set_read_only(scope.read_only);
        outbox.set_gate(scope.gate);
        if let Some((saved, mark)) = scope.before.filter(|_| !keep) {
            store.restore(saved);
            outbox.restore(mark);
        }
    }
}
