//! What native functions raise.

use rustpython_vm as vm;
use vm::VirtualMachine;
use vm::builtins::PyBaseExceptionRef;

use super::outbox::OutboxError;
use super::store::StoreError;

/// What GenVM raises for what is not allowed here.
pub(super) fn forbidden(words: &str, vm: &VirtualMachine) -> PyBaseExceptionRef {
    refused("forbidden", words, vm)
}

/// What is raised when a message cannot be sent.
pub(super) fn of_outbox(error: &OutboxError, vm: &VirtualMachine) -> PyBaseExceptionRef {
    let words = error.to_string();
    match error {
        OutboxError::Refused(_) => forbidden(&words, vm),
        OutboxError::NotYet => vm.new_runtime_error(words),
        OutboxError::TooMany | OutboxError::TooLarge { .. } => vm.new_overflow_error(words),
        OutboxError::TooPoor { .. } => refused("inbalance", &words, vm),
    }
}

/// GenVM's one class of errors of the machine, with its name of the kind.
fn refused(kind: &str, words: &str, vm: &VirtualMachine) -> PyBaseExceptionRef {
    let class = vm.ctx.exceptions.system_error.to_owned();
    vm.new_exception_msg(class, format!("{kind}: {words}").into())
}

/// What is raised when storage cannot be used.
pub(super) fn of_store(error: &StoreError, vm: &VirtualMachine) -> PyBaseExceptionRef {
    let words = error.to_string();
    match error {
        StoreError::TooLarge { .. } | StoreError::TooManyChanges | StoreError::CodeTooLarge => {
            vm.new_overflow_error(words)
        }
        StoreError::Locked => forbidden(&words, vm),
        StoreError::ReadOnly(_) | StoreError::TooManyLocks | StoreError::Fetch => {
            vm.new_runtime_error(words)
        }
    }
}
