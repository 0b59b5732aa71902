//! The SDK's native functions for the contract's own code.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the interpreter decides how native functions look"
)]

pub(super) use _genlayer_code::module_def;

#[rustpython_vm::pymodule]
mod _genlayer_code {
    use rustpython_vm as vm;
    use vm::function::ArgBytesLike;
    use vm::{PyResult, VirtualMachine};

    use super::super::link::Parent;
    use super::super::native::with_store;
    use super::super::raised;
    use super::super::store::Store;

    fn used<T>(vm: &VirtualMachine, use_it: impl FnOnce(&mut Store) -> T) -> PyResult<T> {
        with_store(use_it).ok_or_else(|| vm.new_runtime_error("no contract is running"))
    }

    #[pyfunction]
    fn length(vm: &VirtualMachine) -> PyResult<usize> {
        used(vm, |store| store.code().len())
    }

    #[pyfunction]
    fn read(vm: &VirtualMachine) -> PyResult {
        let bytes = used(vm, |store| store.code().to_vec())?;
        Ok(vm.ctx.new_bytes(bytes).into())
    }

    /// Puts bytes in place of those from `start` to before `stop`.
    #[pyfunction]
    fn replace(start: usize, stop: usize, data: ArgBytesLike, vm: &VirtualMachine) -> PyResult<()> {
        let data = data.borrow_buf();
        used(vm, |store| store.replace_code(start..stop, &data, &mut Parent))?
            .map_err(|error| raised::of_store(&error, vm))
    }
}
