//! Identities of objects: `id()`, the hash that an object has by itself, and `<… at 0x…>`.
//!
//! The interpreter takes an object's address for all three. That depends on what ran before and on
//! the machine, so validators would see different texts. Here an object gets the next number when it
//! is first asked for, and keeps it, and its memory: until the job ends, or for ever where it was asked
//! for while the interpreter warmed up.

use std::cell::RefCell;
use std::collections::HashMap;

use rustpython_vm::builtins::{PyStrRef, PyType, PyTypeRef, PyWeak};
use rustpython_vm::class::add_operators;
use rustpython_vm::common::hash::PyHash;
use rustpython_vm::{AsObject as _, Py, PyObject, PyObjectRef, PyResult, VirtualMachine};

/// How a type writes its objects.
type Repr = fn(&PyObject, &VirtualMachine) -> PyResult<PyStrRef>;

/// Numbers by address, with the objects, so that no address is used again.
type Numbers = HashMap<usize, (usize, PyObjectRef)>;

/// The number of the first object, and the distance to the next one: as addresses look.
const FIRST: usize = 0x1_0000;
const STEP: usize = 16;

thread_local! {
    /// Of objects that all jobs find.
    static LASTING: RefCell<Numbers> = RefCell::default();
    /// Of the job's own, or before any job of all.
    static NUMBERS: RefCell<Numbers> = RefCell::default();
    /// How types wrote themselves; `object` comes last.
    static ORIGINALS: RefCell<Vec<(PyTypeRef, Repr)>> = const { RefCell::new(Vec::new()) };
}

/// Makes types write and hash numbers in place of addresses; to be called before any module is loaded,
/// whose tables know types and functions by their hash.
pub(super) fn install(vm: &VirtualMachine) {
    let types = &vm.ctx.types;
    for class in [
        types.object_type,
        types.function_type,
        types.builtin_function_or_method_type,
        types.generator_type,
        types.coroutine_type,
        types.async_generator,
        types.code_type,
        types.memoryview_type,
        types.weakref_type,
    ] {
        take_over(class, vm);
    }
    let object = types.object_type;
    let own_repr = ORIGINALS.with_borrow(|originals| originals.last().map(|(_, repr)| *repr));
    let own_hash = object.slots.hash.load();
    object.slots.hash.store(Some(hash));
    renew(object, "__hash__", vm);
    for_each_subclass(object, &mut |class| {
        if let (Some(found), Some(original)) = (class.slots.repr.load(), own_repr)
            && std::ptr::fn_addr_eq(found, original)
        {
            class.slots.repr.store(Some(repr));
        }
        if let (Some(found), Some(original)) = (class.slots.hash.load(), own_hash)
            && std::ptr::fn_addr_eq(found, original)
        {
            class.slots.hash.store(Some(hash));
        }
    });
}

/// The same for types of modules, once these are loaded.
pub(super) fn install_in_modules(vm: &VirtualMachine) -> PyResult<()> {
    for (module, name) in [
        ("_contextvars", "ContextVar"),
        ("_hashlib", "HASH"),
        ("_hashlib", "HASHXOF"),
        ("_hashlib", "HMAC"),
    ] {
        let class = vm.import(module, 0)?.get_attr(name, vm)?;
        if let Ok(class) = class.downcast::<PyType>() {
            // Types of the interpreter are there as long as it is.
            take_over(Box::leak(Box::new(class)), vm);
        }
    }
    Ok(())
}

/// Makes a type write its objects with their numbers.
fn take_over(class: &'static Py<PyType>, vm: &VirtualMachine) {
    let Some(original) = class.slots.repr.load() else { return };
    // Before `object`, which every object is one of.
    ORIGINALS.with_borrow_mut(|originals| originals.insert(0, (class.to_owned(), original)));
    class.slots.repr.store(Some(repr));
    renew(class, "__repr__", vm);
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

/// Keeps the numbers given so far for all jobs to come.
pub(super) fn settle() {
    LASTING.set(NUMBERS.take());
}

/// Forgets the objects of the job that has ended, and those that are made while these go.
pub(super) fn forget() {
    while NUMBERS.with_borrow(|numbers| !numbers.is_empty()) {
        drop(NUMBERS.take());
    }
}

/// The number of an object.
pub(super) fn number(object: &PyObject) -> usize {
    let address = object.get_id();
    let (lasting, before) = LASTING
        .with_borrow(|lasting| (lasting.get(&address).map(|(number, _)| *number), lasting.len()));
    lasting.unwrap_or_else(|| {
        NUMBERS.with_borrow_mut(|numbers| {
            let next = FIRST.saturating_add(STEP.saturating_mul(before + numbers.len()));
            numbers.entry(address).or_insert_with(|| (next, object.to_owned())).0
        })
    })
}

#[expect(clippy::unnecessary_wraps, reason = "the interpreter decides how hashes are asked for")]
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
    let text = numbered(&text.to_string_lossy(), object);
    // Methods of built-in types tell where the object lies that they are of, and weak references
    // where that lies which they refer to.
    let other = if object.class().is(vm.ctx.types.builtin_function_or_method_type) {
        vm.get_attribute_opt(object.to_owned(), "__self__")?
    } else {
        object.downcast_ref::<PyWeak>().and_then(Py::upgrade)
    };
    Ok(vm.ctx.new_str(other.map_or_else(|| text.clone(), |other| numbered(&text, &other))))
}

/// The text with the object's number in place of its address.
fn numbered(text: &str, object: &PyObject) -> String {
    text.replace(&format!("{:#x}", object.get_id()), &format!("{:#x}", number(object)))
}
