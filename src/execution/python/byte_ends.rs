//! `strip()`, `lstrip()` and `rstrip()` of bytes, as `CPython` has them: byte by byte.
//!
//! The interpreter takes bytes for UTF-8 here and looks at a part of each letter, so that
//! `b"\xd9\xa3".rstrip(b"c")` is empty. What quotes addresses of the web relies on it.

use rustpython_vm::builtins::{PyByteArray, PyBytes, PyType};
use rustpython_vm::function::{ArgBytesLike, IntoPyNativeFn, OptionalOption, PyMethodFlags};
use rustpython_vm::{Py, PyObjectRef, PyRef, VirtualMachine};

/// What is taken away without an argument.
const WHITESPACE: &[u8] = b" \t\n\r\x0b\x0c";

type Chars = OptionalOption<ArgBytesLike>;
type Strip = fn(&[u8], &Chars) -> Vec<u8>;

/// Makes bytes and arrays of bytes strip so.
pub(super) fn install(vm: &VirtualMachine) {
    let (bytes, array) = (vm.ctx.types.bytes_type, vm.ctx.types.bytearray_type);
    define(bytes, "strip", of_bytes(both), vm);
    define(bytes, "lstrip", of_bytes(left), vm);
    define(bytes, "rstrip", of_bytes(right), vm);
    define(array, "strip", of_array(both), vm);
    define(array, "lstrip", of_array(left), vm);
    define(array, "rstrip", of_array(right), vm);
}

fn define<F: IntoPyNativeFn<Kind>, Kind>(
    class: &'static Py<PyType>,
    name: &'static str,
    function: F,
    vm: &VirtualMachine,
) {
    let method = vm.ctx.new_method_def(name, function, PyMethodFlags::METHOD, None);
    class.set_attr(vm.ctx.intern_str(name), method.build_method(class, vm).into());
}

fn of_bytes(strip: Strip) -> impl Fn(PyRef<PyBytes>, Chars, &VirtualMachine) -> PyObjectRef {
    move |bytes, chars, vm| vm.ctx.new_bytes(strip(bytes.as_bytes(), &chars)).into()
}

fn of_array(strip: Strip) -> impl Fn(PyRef<PyByteArray>, Chars, &VirtualMachine) -> PyObjectRef {
    move |array, chars, vm| vm.ctx.new_bytearray(strip(&array.borrow_buf(), &chars)).into()
}

fn both(bytes: &[u8], chars: &Chars) -> Vec<u8> {
    left(&right(bytes, chars), chars)
}

fn left(bytes: &[u8], chars: &Chars) -> Vec<u8> {
    with(chars, |chars| {
        let from = bytes.iter().position(|byte| !chars.contains(byte)).unwrap_or(bytes.len());
        bytes.iter().skip(from).copied().collect()
    })
}

fn right(bytes: &[u8], chars: &Chars) -> Vec<u8> {
    with(chars, |chars| {
        let to = bytes.iter().rposition(|byte| !chars.contains(byte)).map_or(0, |last| last + 1);
        bytes.iter().take(to).copied().collect()
    })
}

fn with<R>(chars: &Chars, use_them: impl FnOnce(&[u8]) -> R) -> R {
    match chars {
        OptionalOption::Present(Some(chars)) => use_them(&chars.borrow_buf()),
        _ => use_them(WHITESPACE),
    }
}
