//! `findall()` of patterns, as `CPython` has it: a group that took no part is an empty text.

use rustpython_vm::builtins::{PyList, PyStr, PyType};
use rustpython_vm::function::{FuncArgs, PyMethodFlags};
use rustpython_vm::{Py, PyObjectRef, PyResult, VirtualMachine};

/// Makes patterns find so; to be called when `re` is loaded.
pub(super) fn install(vm: &VirtualMachine) -> PyResult<()> {
    let class = vm.import("re", 0)?.get_attr("Pattern", vm)?;
    let original = class.get_attr("findall", vm)?;
    let Ok(class) = class.downcast::<PyType>() else { return Ok(()) };
    // Types of the interpreter are there as long as it is.
    let class: &'static Py<PyType> = Box::leak(Box::new(class));
    let findall = move |pattern: PyObjectRef, mut args: FuncArgs, vm: &VirtualMachine| {
        args.prepend_arg(pattern.clone());
        filled(original.call(args, vm)?, &pattern, vm)
    };
    let method = vm.ctx.new_method_def("findall", findall, PyMethodFlags::METHOD, None);
    class.set_attr(vm.ctx.intern_str("findall"), method.build_method(class, vm).into());
    Ok(())
}

/// What was found, with an empty text of the pattern's kind in place of nothing.
fn filled(found: PyObjectRef, pattern: &PyObjectRef, vm: &VirtualMachine) -> PyResult {
    let is_text = pattern.get_attr("pattern", vm)?.downcast_ref::<PyStr>().is_some();
    let empty: PyObjectRef =
        if is_text { vm.ctx.new_str("").into() } else { vm.ctx.new_bytes(Vec::new()).into() };
    if let Some(list) = found.downcast_ref::<PyList>() {
        for item in list.borrow_vec_mut().iter_mut().filter(|item| vm.is_none(item)) {
            *item = empty.clone();
        }
    }
    Ok(found)
}
