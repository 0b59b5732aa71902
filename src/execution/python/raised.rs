//! What native functions raise.

use rustpython_vm as vm;
use vm::VirtualMachine;
use vm::builtins::PyBaseExceptionRef;

use super::store::StoreError;

/// What GenVM raises for what is not allowed here.
pub(super) fn forbidden(words: &str, vm: &VirtualMachine) -> PyBaseExceptionRef {
    let class = vm.ctx.exceptions.system_error.to_owned();
    vm.new_exception_msg(class, format!("forbidden: {words}").into())
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
