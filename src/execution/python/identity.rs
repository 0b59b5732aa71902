//! Identities of objects: `id()`, the hash that an object has by itself, and `<… at 0x…>`.
//!
//! The interpreter takes an object's address for all three. That depends on what ran before and on
//! the machine, so validators would see different texts, and sets of objects in different orders.
//! Here an object gets the next number when it is first asked for, and keeps it, and its memory, until
//! the job ends. Types and functions keep the hash they have: the interpreter's own tables know them
//! by it.

use std::cell::RefCell;
use std::collections::HashMap;

use rustpython_vm::builtins::{PyStrRef, PyType, PyTypeRef};
use rustpython_vm::class::add_operators;
use rustpython_vm::common::hash::PyHash;
use rustpython_vm::{AsObject as _, Py, PyObject, PyObjectRef, PyResult, VirtualMachine};

/// How a type writes its objects.
type Repr = fn(&PyObject, &VirtualMachine) -> PyResult<PyStrRef>;

/// The number of the first object, and the distance to the next one: as addresses look.
const FIRST: usize = 0x1_0000;
const STEP: usize = 16;

thread_local! {
    /// Numbers by address, with the objects, so that no address is used again.
    static NUMBERS: RefCell<HashMap<usize, (usize, PyObjectRef)>> = RefCell::default();
    /// How types wrote themselves; `object` comes last.
    static ORIGINALS: RefCell<Vec<(PyTypeRef, Repr)>> = const { RefCell::new(Vec::new()) };
}

/// Makes the interpreter's types write and hash numbers in place of addresses.
pub(super) fn install(vm: &VirtualMachine) {
    let types = &vm.ctx.types;
    for class in [
        types.function_type,
        types.builtin_function_or_method_type,
        types.generator_type,
        types.coroutine_type,
        types.async_generator,
        types.code_type,
        types.memoryview_type,
        types.object_type,
    ] {
        let Some(original) = class.slots.repr.load() else { continue };
        ORIGINALS.with_borrow_mut(|originals| originals.push((class.to_owned(), original)));
        class.slots.repr.store(Some(repr));
        renew(class, "__repr__", vm);
    }
    let object = types.object_type;
    let own_repr = ORIGINALS.with_borrow(|originals| originals.last().map(|(_, repr)| *repr));
    let own_hash = object.slots.hash.load();
    object.slots.hash.store(Some(hash));
    renew(object, "__hash__", vm);
    let kept = [
        types.type_type,
        types.function_type,
        types.builtin_function_or_method_type,
        types.method_descriptor_type,
        types.wrapper_descriptor_type,
    ];
    for_each_subclass(object, &mut |class| {
        if let (Some(found), Some(original)) = (class.slots.repr.load(), own_repr)
            && std::ptr::fn_addr_eq(found, original)
        {
            class.slots.repr.store(Some(repr));
        }
        if let (Some(found), Some(original)) = (class.slots.hash.load(), own_hash)
            && std::ptr::fn_addr_eq(found, original)
            && !kept.iter().any(|kind| class.fast_issubclass(*kind))
        {
            class.slots.hash.store(Some(hash));
        }
    });
}

/// Classes that will be made look for the method, and not for what is called by it.
fn renew(class: &'static Py<PyType>, method: &str, vm: &VirtualMachine) {
    class.attributes.write().shift_remove(vm.ctx.intern_str(method));
    add_operators(class, &vm.ctx);
}

fn for_each_subclass(class: &Py<PyType>, visit: &mut impl FnMut(&Py<PyType>)) {
    for subclass in class.subclasses.read().iter() {
        if let Some(subclass) = subclass.upgrade().and_then(|it| it.downcast::<PyType>().ok()) {
            visit(&subclass);
            for_each_subclass(&subclass, visit);
        }
    }
}

/// Forgets the objects of the job that has ended, and those that are made while these go.
pub(super) fn forget() {
    loop {
        let ended = NUMBERS.take();
        if ended.is_empty() {
            break;
        }
        drop(ended);
    }
}

/// The number of an object.
pub(super) fn number(object: &PyObject) -> usize {
    NUMBERS.with_borrow_mut(|numbers| {
        let next = FIRST.saturating_add(STEP.saturating_mul(numbers.len()));
        numbers.entry(object.get_id()).or_insert_with(|| (next, object.to_owned())).0
    })
}

fn hash(object: &PyObject, _vm: &VirtualMachine) -> PyResult<PyHash> {
    Ok(PyHash::try_from(number(object)).unwrap_or_default())
}

fn repr(object: &PyObject, vm: &VirtualMachine) -> PyResult<PyStrRef> {
    let original = ORIGINALS.with_borrow(|originals| {
        let mut found = originals.iter().filter(|(class, _)| object.fast_isinstance(class));
        found.next().map(|(_, original)| *original)
    });
    let Some(original) = original else {
        return Err(vm.new_type_error("this object cannot be written"));
    };
    let text = original(object, vm)?;
    let text = text.to_string_lossy();
    Ok(vm.ctx.new_str(numbered(&text, number(object))))
}

/// The text with the number in place of the first address.
fn numbered(text: &str, number: usize) -> String {
    const BEFORE: &str = " at 0x";
    let Some((before, rest)) = text.split_once(BEFORE) else { return text.to_owned() };
    let after = rest.trim_start_matches(|digit: char| digit.is_ascii_hexdigit());
    format!("{before}{BEFORE}{number:x}{after}")
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn the_first_address_becomes_the_number() {
        assert_eq!(numbered("<object object at 0x7ffe12>", 0x1_0010), "<object object at 0x10010>");
        assert_eq!(numbered("<code f at 0xab file \"x\">", 1), "<code f at 0x1 file \"x\">");
        assert_eq!(numbered("<built-in function len>", 1), "<built-in function len>");
    }
}
