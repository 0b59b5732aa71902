//! Finds out if a contract left something behind in the interpreter.
//!
//! After warming up, every table that outlives a job is noted with what is in it: dictionaries of
//! modules, classes and instances, lists and sets in them, and the code and defaults of functions. After a
//! job each must hold the same objects.

use std::collections::HashSet;

use rustpython_vm as vm;
use vm::builtins::{
    PyClassMethod, PyDict, PyDictRef, PyFunction, PyList, PyListRef, PyModule, PyProperty, PySet,
    PyStaticMethod, PyStr, PyTuple, PyType, PyTypeRef,
};
use vm::types::PyTypeFlags;
use vm::{AsObject, PyObject, PyObjectRef, PyRef, VirtualMachine};

/// Tables that change in normal use and carry nothing from job to job: module and name.
const CACHES: [(&str, &str); 10] = [
    ("re", "_cache"),
    ("re", "_cache2"),
    ("re", "_ss"),
    ("_strptime", "_regex_cache"),
    ("linecache", "cache"),
    ("sys", "modules"),
    ("sys", "path_importer_cache"),
    ("warnings", "onceregistry"),
    ("functools", "_lru_cache"),
    ("sys", "last_exc"),
];

enum Table {
    Dict(PyDictRef, Vec<(PyObjectRef, PyObjectRef)>),
    Class(PyTypeRef, Vec<PyObjectRef>),
    List(PyListRef, Vec<PyObjectRef>),
    Set(PyRef<PySet>, Vec<PyObjectRef>),
    /// A function and its version, which changes with its code and its defaults.
    Function(PyRef<PyFunction>, u32),
}

/// The tables of an interpreter, and what they held.
#[derive(Default)]
pub(super) struct Fingerprint {
    modules: Option<PyDictRef>,
    baseline: Vec<(PyObjectRef, PyObjectRef)>,
    tables: Vec<Table>,
}

fn entries(dict: &PyDictRef) -> Vec<(PyObjectRef, PyObjectRef)> {
    dict.clone().into_iter().collect()
}

fn class_values(class: &PyType) -> Vec<PyObjectRef> {
    class.attributes.read().values().cloned().collect()
}

impl Table {
    fn is_unchanged(&self) -> bool {
        match self {
            Self::Dict(dict, before) => {
                dict.__len__() == before.len()
                    && dict
                        .clone()
                        .into_iter()
                        .zip(before)
                        .all(|((key, value), old)| key.is(&old.0) && value.is(&old.1))
            }
            Self::Class(class, before) => {
                let now = class.attributes.read();
                now.len() == before.len() && now.values().zip(before).all(|(a, b)| a.is(b))
            }
            Self::List(list, before) => {
                let now = list.borrow_vec();
                now.len() == before.len() && now.iter().zip(before).all(|(a, b)| a.is(b))
            }
            Self::Set(set, before) => {
                let now = set.elements();
                now.len() == before.len() && now.iter().zip(before).all(|(a, b)| a.is(b))
            }
            Self::Function(function, version) => function.func_version() == *version,
        }
    }
}

/// Is this no table, but leads to some that a contract could reach through it?
///
/// Cells do not: the caches of the library live in them, and change in normal use.
fn is_passage(object: &PyObject) -> bool {
    object.downcast_ref::<PyTuple>().is_some()
        || object.downcast_ref::<PyProperty>().is_some()
        || object.downcast_ref::<PyStaticMethod>().is_some()
        || object.downcast_ref::<PyClassMethod>().is_some()
        || object.downcast_ref::<PyFunction>().is_some()
}

/// Walks everything reachable through tables.
struct Walk {
    seen: HashSet<usize>,
    waiting: Vec<PyObjectRef>,
    tables: Vec<Table>,
}

impl Walk {
    fn visit(&mut self, object: &PyObjectRef) {
        let is_class = object
            .downcast_ref::<PyType>()
            .is_some_and(|class| class.slots.flags.has_feature(PyTypeFlags::HEAPTYPE));
        let is_table = is_class
            || is_passage(object)
            || object.downcast_ref::<PyDict>().is_some()
            || object.downcast_ref::<PyList>().is_some()
            || object.downcast_ref::<PySet>().is_some()
            || (object.downcast_ref::<PyType>().is_none() && object.dict().is_some());
        if is_table && self.seen.insert(object.get_id()) {
            self.waiting.push(object.clone());
        }
    }

    fn visit_all(&mut self, objects: &[PyObjectRef]) {
        for object in objects {
            self.visit(object);
        }
    }

    fn note(&mut self, object: &PyObjectRef) {
        if is_passage(object) {
            let mut beyond = object.gc_get_referents();
            // The globals of a function are noted with their module, whose caches may change.
            beyond.retain(|object| {
                object
                    .downcast_ref::<PyDict>()
                    .is_none_or(|dict| name_of(&dict.to_owned()).is_none())
            });
            self.visit_all(&beyond);
        }
        if let Some(function) = object.downcast_ref::<PyFunction>() {
            // Asked for here, a version of a function changed before is a new one, and stays.
            let version = function.get_version_for_current_state();
            self.tables.push(Table::Function(function.to_owned(), version));
        }
        if let Some(class) = object.downcast_ref::<PyType>() {
            let values = class_values(class);
            self.visit_all(&values);
            self.tables.push(Table::Class(class.to_owned(), values));
        } else if let Some(dict) = object.downcast_ref::<PyDict>() {
            self.note_dict(dict.to_owned(), None);
        } else if let Some(list) = object.downcast_ref::<PyList>() {
            let items = list.borrow_vec().to_vec();
            self.visit_all(&items);
            self.tables.push(Table::List(list.to_owned(), items));
        } else if let Some(set) = object.downcast_ref::<PySet>() {
            self.tables.push(Table::Set(set.to_owned(), set.elements()));
        } else if let Some(dict) = object.dict() {
            // The dictionary of a class body lives on in the class only.
            if self.seen.insert(dict.as_object().get_id()) {
                let module = object.downcast_ref::<PyModule>().and_then(|_| name_of(&dict));
                self.note_dict(dict, module.as_deref());
            }
        }
    }

    fn note_dict(&mut self, dict: PyDictRef, module: Option<&str>) {
        let held = entries(&dict);
        for (key, value) in &held {
            let is_cache = module.is_some_and(|module| {
                let name = key.downcast_ref::<PyStr>().and_then(|text| text.to_str());
                CACHES.iter().any(|(of, cache)| *of == module && Some(*cache) == name)
            });
            if !is_cache {
                self.visit(value);
            }
        }
        self.tables.push(Table::Dict(dict, held));
    }
}

fn name_of(dict: &PyDictRef) -> Option<String> {
    dict.clone().into_iter().find_map(|(key, value)| {
        let key: &PyObject = &key;
        let is_name =
            key.downcast_ref::<PyStr>().and_then(|text| text.to_str()) == Some("__name__");
        is_name.then(|| value.downcast_ref::<PyStr>()?.to_str().map(str::to_owned)).flatten()
    })
}

impl Fingerprint {
    /// Notes everything reachable from the imported modules.
    pub(super) fn take(modules: &PyDictRef) -> Self {
        let baseline = entries(modules);
        let mut walk = Walk { seen: HashSet::new(), waiting: Vec::new(), tables: Vec::new() };
        walk.seen.insert(modules.as_object().get_id());
        for (_, module) in &baseline {
            walk.visit(module);
        }
        while let Some(object) = walk.waiting.pop() {
            walk.note(&object);
        }
        Self { modules: Some(modules.clone()), baseline, tables: walk.tables }
    }

    /// Forgets modules imported since; is everything else as it was?
    pub(super) fn restore(&self, vm: &VirtualMachine) -> bool {
        let Some(modules) = &self.modules else { return false };
        if modules.__len__() != self.baseline.len() && !self.forget_modules(modules, vm) {
            return false;
        }
        let same_modules = modules
            .clone()
            .into_iter()
            .zip(&self.baseline)
            .all(|((key, value), old)| key.is(&old.0) && value.is(&old.1));
        same_modules && self.tables.iter().all(Table::is_unchanged)
    }

    fn forget_modules(&self, modules: &PyDictRef, vm: &VirtualMachine) -> bool {
        let known: HashSet<usize> = self.baseline.iter().map(|(_, m)| m.get_id()).collect();
        for (key, module) in entries(modules) {
            if known.contains(&module.get_id()) {
                continue;
            }
            let Some(name) = key.downcast_ref::<PyStr>().and_then(|text| text.to_str()) else {
                return false;
            };
            // A submodule is also an attribute of its package.
            if let Some((package, short)) = name.rsplit_once('.')
                && let Ok(Some(package)) = modules.get_item_opt(package, vm)
                && let Some(dict) = package.dict()
            {
                let _ = dict.del_item(short, vm);
            }
            if modules.del_item(name, vm).is_err() {
                return false;
            }
        }
        modules.__len__() == self.baseline.len()
    }
}
