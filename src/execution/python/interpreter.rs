//! The Python interpreter of a worker: made once, warmed, and used for one job after another.

use std::collections::{BTreeMap, VecDeque};

use rustpython_vm as vm;
use vm::builtins::{PyBytes, PyDictRef, PyInt, PyStr, PyTuple};
use vm::compiler::Mode;
use vm::{Interpreter, PyObjectRef, PyResult, Settings, VirtualMachine};

use super::fingerprint::Fingerprint;
use super::job::{Job, Task};
use super::tame::is_tame;
use super::{byte_ends, floats, identity, images, native, native_code, patterns, values, vectors};
use crate::domain::calldata::Value;
use crate::domain::{Bytes, Code, Digest};
use crate::execution::package::Package;

/// Python calls may nest this deep.
const RECURSION_MAX: usize = 1000;
/// How many contracts are kept compiled, and how much source they may have together.
const KEPT_MAX: usize = 64;
const KEPT_SOURCE_BYTES_MAX: usize = 1 << 20;
/// Most bytes a result may have.
const RESULT_BYTES_MAX: usize = 1 << 20;

/// The SDK's modules in the order in which they are loaded.
const SDK: [(&str, &str); 31] = [
    ("genlayer.program", include_str!("sdk/program.py")),
    ("genlayer.libraries", include_str!("sdk/libraries.py")),
    ("genlayer.types", include_str!("sdk/types.py")),
    ("genlayer.storage", include_str!("sdk/storage.py")),
    ("genlayer.collections", include_str!("sdk/collections.py")),
    ("genlayer.tree", include_str!("sdk/tree.py")),
    ("genlayer.memory", include_str!("sdk/memory.py")),
    ("genlayer.slots", include_str!("sdk/slots.py")),
    ("genlayer.calldata", include_str!("sdk/calldata.py")),
    ("genlayer.trace", include_str!("sdk/trace.py")),
    ("genlayer.vm", include_str!("sdk/vm.py")),
    ("genlayer.nondet", include_str!("sdk/nondet.py")),
    ("genlayer.eq_principle", include_str!("sdk/eq_principle.py")),
    ("genlayer.contract", include_str!("sdk/contract.py")),
    ("genlayer.messages", include_str!("sdk/messages.py")),
    ("genlayer.events", include_str!("sdk/events.py")),
    ("genlayer.abi", include_str!("sdk/abi.py")),
    ("genlayer.public_abi", include_str!("sdk/public_abi.py")),
    ("genlayer.icontract", include_str!("sdk/icontract.py")),
    ("genlayer.scalars", include_str!("sdk/scalars.py")),
    ("genlayer.reductions", include_str!("sdk/reductions.py")),
    ("genlayer.arrays", include_str!("sdk/arrays.py")),
    ("genlayer.array_storage", include_str!("sdk/array_storage.py")),
    ("genlayer.array_functions", include_str!("sdk/array_functions.py")),
    ("numpy", include_str!("sdk/numpy.py")),
    ("genlayer_embeddings", include_str!("sdk/genlayer_embeddings.py")),
    ("genlayer", include_str!("sdk/package.py")),
    ("genlayer.message_allocation", include_str!("sdk/message_allocation.py")),
    ("genlayer.generations", include_str!("sdk/generations.py")),
    ("genlayer.schema", include_str!("sdk/schema.py")),
    ("genlayer.runner", include_str!("sdk/runner.py")),
];

/// How a job ended, before its storage is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    /// 0 return, 1 user error, 2 machine error.
    pub(super) kind: u8,
    /// Calldata, or text.
    pub(super) payload: Bytes,
    /// Traceback.
    pub(super) trace: String,
}

impl Ending {
    /// A machine error.
    pub(super) fn failure(code: &'static str, trace: impl Into<String>) -> Self {
        Self { kind: 2, payload: Bytes::from_static(code.as_bytes()), trace: trace.into() }
    }
}

struct Compiled {
    hash: Digest,
    /// The text that names its runner.
    runner: PyObjectRef,
    /// Modules by name: code, or the exception that tells why there is none; file, text, and if it
    /// is a package.
    modules: PyObjectRef,
    /// Other files by path.
    files: PyObjectRef,
    /// The code as it is stored.
    source: Bytes,
    /// May jobs of it follow each other in one process?
    is_tame: bool,
}

/// The interpreter, warm.
pub(super) struct Python {
    interpreter: Interpreter,
    run: PyObjectRef,
    fingerprint: Fingerprint,
    compiled: VecDeque<Compiled>,
}

impl Python {
    /// Makes and warms an interpreter; the error is a traceback.
    pub(super) fn start() -> Result<Self, String> {
        let interpreter = build();
        let (run, modules) = interpreter.enter(|vm| {
            vm.recursion_limit.set(RECURSION_MAX);
            identity::install(vm);
            floats::install(vm);
            byte_ends::install(vm);
            warm(vm).map_err(|error| {
                let mut text = String::new();
                let _ = vm.write_exception(&mut text, &error);
                text
            })
        })?;
        let fingerprint = Fingerprint::default();
        let mut python = Self { interpreter, run, fingerprint, compiled: VecDeque::new() };
        python.rehearse();
        identity::settle();
        python.fingerprint = Fingerprint::take(&modules);
        Ok(python)
    }

    /// Runs contracts before anything is noted: what is made at first use only is made then.
    fn rehearse(&mut self) {
        for example in super::examples() {
            let code = Code::new(Bytes::from_static(example.source.as_bytes()));
            for task in [Task::Schema, Task::Constructor, Task::Method] {
                let mut job = Job::on_nothing(code.hash, task);
                job.calldata =
                    Value::call(Some("none"), Vec::new(), BTreeMap::new()).encode().into();
                native::begin(&mut job);
                if self.has(&code.hash) || self.add(code.hash, &code.source).is_ok() {
                    self.run(&job);
                }
                native::finish();
            }
        }
        self.compiled.clear();
        self.collect_garbage();
    }

    /// Is this code here already?
    pub(super) fn has(&self, hash: &Digest) -> bool {
        self.compiled.iter().any(|compiled| compiled.hash == *hash)
    }

    /// May jobs of this code follow each other in one process?
    pub(super) fn is_tame(&self, hash: &Digest) -> bool {
        self.compiled.iter().any(|compiled| compiled.hash == *hash && compiled.is_tame)
    }

    /// Compiles a source for later jobs too, unless it is a large one; those that were compiled longest
    /// ago go when there are too many.
    pub(super) fn keep(&mut self, hash: Digest, source: &Bytes) {
        if source.len() > KEPT_SOURCE_BYTES_MAX || self.add(hash, source).is_err() {
            return;
        }
        let bytes =
            |kept: &VecDeque<Compiled>| kept.iter().map(|it| it.source.len()).sum::<usize>();
        while self.compiled.len() > KEPT_MAX || bytes(&self.compiled) > KEPT_SOURCE_BYTES_MAX {
            self.compiled.pop_front();
        }
    }

    /// Compiles a source.
    pub(super) fn add(&mut self, hash: Digest, source: &Bytes) -> Result<(), Ending> {
        let package = Package::read(source)
            .map_err(|words| Ending::failure("invalid_contract", format!("{words}\n")))?;
        let compiled = self.interpreter.enter(|vm| compile(hash, &package, vm));
        let compiled = compiled
            .map_err(|_error| Ending::failure("invalid_contract", "the code cannot be kept\n"))?;
        self.compiled.push_back(Compiled { source: source.clone(), ..compiled });
        Ok(())
    }

    /// Runs a job whose code is here.
    pub(super) fn run(&self, job: &Job) -> Ending {
        let Some(compiled) = self.compiled.iter().find(|compiled| compiled.hash == job.code) else {
            return Ending::failure("exit_code 1", "the code is not here\n");
        };
        native::with_store(|store| store.set_code(compiled.source.clone()));
        self.interpreter.enter(|vm| {
            vm.recursion_limit.set(RECURSION_MAX);
            self.call(compiled, job, vm).unwrap_or_else(|error| {
                let mut trace = String::new();
                let _ = vm.write_exception(&mut trace, &error);
                Ending::failure("exit_code 1", trace)
            })
        })
    }

    fn call(&self, compiled: &Compiled, job: &Job, vm: &VirtualMachine) -> PyResult<Ending> {
        let Compiled { runner, modules, files, .. } = compiled;
        let job = job_to_python(job, vm)?;
        let arguments = (runner.clone(), modules.clone(), files.clone(), job);
        let ended = self.run.call(arguments, vm)?;
        Ok(read_ending(&ended).unwrap_or_else(|| {
            Ending::failure("exit_code 1", "the result of the runner makes no sense\n")
        }))
    }

    /// Takes away what can be taken away of the last job; is nothing of it left?
    pub(super) fn clean_up(&self) -> bool {
        identity::forget();
        self.interpreter.enter(|vm| self.fingerprint.restore(vm))
    }

    /// Frees objects that only hold each other.
    pub(super) fn collect_garbage(&self) {
        self.interpreter.enter(|vm| {
            if let Ok(gc) = vm.import("gc", 0) {
                let _ = gc.get_attr("collect", vm).and_then(|collect| collect.call((), vm));
            }
        });
    }
}

/// Compiles every module; a syntax error is raised when the module is imported.
fn compile(hash: Digest, package: &Package, vm: &VirtualMachine) -> PyResult<Compiled> {
    let modules = vm.ctx.new_dict();
    for (name, module) in &package.modules {
        let text = module.source.as_str();
        let code: PyObjectRef = match vm.compile(text, Mode::Exec, module.file.clone()) {
            Ok(code) => code.into(),
            Err(error) => vm.new_syntax_error(&error, Some(text)).into(),
        };
        let (file, source) = (vm.ctx.new_str(module.file.as_str()), vm.ctx.new_str(text));
        let is_package = vm.ctx.new_bool(module.is_package);
        let entry = vec![code, file.into(), source.into(), is_package.into()];
        modules.set_item(name.as_str(), vm.ctx.new_tuple(entry).into(), vm)?;
    }
    let files = vm.ctx.new_dict();
    for (path, content) in &package.files {
        files.set_item(path.as_str(), vm.ctx.new_bytes(content.to_vec()).into(), vm)?;
    }
    Ok(Compiled {
        hash,
        runner: vm.ctx.new_str(package.runner.as_str()).into(),
        modules: modules.into(),
        files: files.into(),
        source: Bytes::new(),
        is_tame: package.modules.values().all(|module| is_tame(&module.source)),
    })
}

fn build() -> Interpreter {
    let mut settings = Settings::default();
    settings.isolated = true;
    settings.ignore_environment = true;
    settings.import_site = false;
    settings.write_bytecode = false;
    settings.install_signal_handlers = false;
    settings.hash_seed = Some(0);
    settings.allow_external_library = false;
    settings.safe_path = true;
    settings.utf8_mode = 1;
    let builder = Interpreter::builder(settings);
    let stdlib = rustpython_stdlib::stdlib_module_defs(&builder.ctx);
    let own =
        [native::module_def, native_code::module_def, images::module_def, vectors::module_def];
    let own = own.map(|module_def| module_def(&builder.ctx));
    builder
        .add_native_modules(&stdlib)
        .add_native_modules(&own)
        .add_frozen_modules(rustpython_pylib::FROZEN_STDLIB)
        .init_hook(|vm| {
            // Everything is frozen into the binary; no path is ever searched.
            if let Some(state) = vm::common::rc::PyRc::get_mut(&mut vm.state) {
                state.config.paths.stdlib_dir = Some("<frozen>".into());
                state.config.paths.module_search_paths = vec!["<frozen>".into()];
            }
        })
        .build()
}

fn warm(vm: &VirtualMachine) -> PyResult<(PyObjectRef, PyDictRef)> {
    // Types whose names the interpreter forgets to intern, and panics when it is asked for them.
    for name in ["async_generator_wrapped_value", "HeapMethodDef"] {
        vm.ctx.intern_str(name);
    }
    execute("genlayer.warmup", include_str!("sdk/warmup.py"), vm.ctx.new_dict(), vm)?;
    identity::install_in_modules(vm)?;
    patterns::install(vm)?;
    let modules: PyDictRef = vm.sys_module.get_attr("modules", vm)?.try_into_value(vm)?;
    // The package comes last, but its modules import each other by its name.
    let package = vm.new_module("genlayer", vm.ctx.new_dict(), None);
    let path = vm.ctx.new_list(Vec::new());
    package.dict().set_item("__path__", path.into(), vm)?;
    modules.set_item("genlayer", package.clone().into(), vm)?;
    let mut run = vm.ctx.none();
    for (name, source) in SDK {
        let module = if name == "genlayer" {
            package.clone()
        } else {
            let module = vm.new_module(name, vm.ctx.new_dict(), None);
            modules.set_item(name, module.clone().into(), vm)?;
            if let Some((_, short)) = name.split_once('.') {
                package.dict().set_item(short, module.clone().into(), vm)?;
            }
            module
        };
        execute(name, source, module.dict(), vm)?;
        if name == "genlayer.runner" {
            run = module.dict().get_item("run", vm)?;
        }
    }
    Ok((run, modules))
}

fn execute(name: &str, source: &str, globals: PyDictRef, vm: &VirtualMachine) -> PyResult<()> {
    let file = format!("genlayer/{name}.py");
    let code = vm
        .compile(source, Mode::Exec, file)
        .map_err(|error| vm.new_syntax_error(&error, Some(source)))?;
    let scope = vm::scope::Scope::with_builtins(None, globals, vm);
    vm.run_code_obj(code, scope).map(drop)
}

fn job_to_python(job: &Job, vm: &VirtualMachine) -> PyResult {
    let entry = match job.task {
        Task::Constructor => "constructor",
        Task::Method => "method",
        Task::Schema => "schema",
    };
    let bytes = |bytes: &[u8]| -> PyObjectRef { vm.ctx.new_bytes(bytes.to_vec()).into() };
    let map = vm.ctx.new_dict();
    map.set_item("entry", vm.ctx.new_str(entry).into(), vm)?;
    map.set_item("reader", vm.ctx.new_bool(job.reader).into(), vm)?;
    map.set_item("calldata", bytes(&job.calldata), vm)?;
    map.set_item("contract", bytes(&job.contract), vm)?;
    map.set_item("sender", bytes(&job.sender), vm)?;
    map.set_item("origin", bytes(&job.origin), vm)?;
    let stack = job.stack.iter().map(|address| bytes(address)).collect();
    map.set_item("stack", vm.ctx.new_list(stack).into(), vm)?;
    map.set_item("value", values::unsigned(&job.value, vm)?, vm)?;
    map.set_item("chain_id", vm.ctx.new_int(job.chain_id).into(), vm)?;
    map.set_item("at", vm.ctx.new_int(job.at).into(), vm)?;
    map.set_item("seed", bytes(job.seed.as_bytes()), vm)?;
    Ok(map.into())
}

fn read_ending(ended: &PyObjectRef) -> Option<Ending> {
    let tuple = ended.downcast_ref::<PyTuple>()?;
    let [kind, payload, trace] = tuple.as_slice() else { return None };
    let kind = u8::try_from(kind.downcast_ref::<PyInt>()?.as_bigint()).ok().filter(|k| *k <= 2)?;
    let payload: Bytes = if let Some(bytes) = payload.downcast_ref::<PyBytes>() {
        bytes.as_bytes().to_vec().into()
    } else {
        payload.downcast_ref::<PyStr>()?.to_string_lossy().into_owned().into_bytes().into()
    };
    let trace = trace.downcast_ref::<PyStr>()?.to_string_lossy().into_owned();
    if payload.len() > RESULT_BYTES_MAX {
        let what = if kind == 0 { "returned value" } else { "error text" };
        let bytes = payload.len();
        let trace =
            format!("the {what} has {bytes} bytes; at most {RESULT_BYTES_MAX} are allowed\n");
        return Some(Ending::failure("exit_code 1", trace));
    }
    Some(Ending { kind, payload, trace })
}
