//! The SDK's native functions: storage, calldata, hashes and the output of one execution.

#![expect(
    clippy::needless_pass_by_value,
    reason = "the interpreter decides how native functions look"
)]

use std::cell::RefCell;

use super::blocks::Blocks;
use super::eventlog::EventLog;
use super::frame::{FromWorker, ToWorker};
use super::job::{Job, Task};
use super::link::{Parent, with_link};
use super::outbox::Outbox;
use super::output::Output;
use super::scope::{Effects, Scopes};
use super::store::Store;
use crate::domain::{Address, Bytes, EmittedEvent, EmittedMessage, Page, PageKey, U256};

/// What the running job may use.
#[derive(Debug)]
struct State {
    store: Store,
    stdout: Output,
    stderr: Output,
    at: i64,
    outbox: Outbox,
    events: EventLog,
    blocks: Blocks,
    scopes: Scopes,
}

impl State {
    /// The parts entered so far, and what they can change.
    fn effects(&mut self) -> (&mut Scopes, Effects<'_>) {
        let effects =
            Effects { store: &mut self.store, outbox: &mut self.outbox, events: &mut self.events };
        (&mut self.scopes, effects)
    }
}

thread_local! {
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// What a job leaves behind.
#[derive(Debug, Default)]
pub(super) struct Leftovers {
    /// Pages that changed.
    pub(super) changes: Vec<(PageKey, Page)>,
    /// The contract's code from now on, when that is other code.
    pub(super) code: Option<Bytes>,
    /// Messages that were sent.
    pub(super) messages: Vec<EmittedMessage>,
    /// Events that were emitted.
    pub(super) events: Vec<EmittedEvent>,
    /// Outputs of non-deterministic blocks.
    pub(super) blocks: Vec<Bytes>,
    /// The first block disagreed with.
    pub(super) disagreed: Option<u32>,
    /// What was printed.
    pub(super) stdout: String,
    /// What was written to standard error.
    pub(super) stderr: String,
}

/// Makes a job's storage and message what native functions work on.
pub(super) fn begin(job: &mut Job) {
    let mut store = Store::new(std::mem::take(&mut job.pages), job.complete);
    match job.task {
        Task::Constructor => store.lock_default(&mut Parent),
        Task::Method | Task::Schema => store.lock_against(job.sender),
    }
    let balance = U256::from_be_bytes(job.balance);
    let mut outbox = Outbox::new(Address::new(job.contract), job.chain_id, balance);
    if job.reader {
        outbox.refuse("this is a read-only call: messages cannot be sent".into());
    }
    let mut blocks = Blocks::new(job.leaders.take());
    if job.nested {
        blocks.refuse("a contract that another one calls cannot use models and the web".into());
    }
    STATE.set(Some(State {
        store,
        blocks,
        scopes: Scopes::default(),
        stdout: Output::default(),
        stderr: Output::default(),
        at: job.at,
        outbox,
        events: EventLog::default(),
    }));
}

/// Ends the job.
pub(super) fn finish() -> Leftovers {
    STATE.take().map_or_else(Leftovers::default, |state| {
        let (blocks, disagreed) = state.blocks.finish();
        Leftovers {
            code: state.store.new_code(),
            changes: state.store.into_changes(),
            messages: state.outbox.into_messages(),
            events: state.events.into_events(),
            blocks,
            disagreed,
            stdout: state.stdout.into_text(),
            stderr: state.stderr.into_text(),
        }
    })
}

/// Asks the parent, and waits for its answer.
fn ask_parent(question: Vec<u8>) -> Option<Bytes> {
    let block = STATE.with_borrow(|state| state.as_ref().map(|state| state.blocks.number()))?;
    with_link(|link| {
        link.send(&FromWorker::Ask { block, question: question.into() }).ok()?;
        match link.receive()? {
            ToWorker::Answer(answer) => Some(answer),
            ToWorker::Job(_) | ToWorker::Code(_) | ToWorker::Pages(_) => None,
        }
    })
}

/// Uses the storage of the running job; `None` when there is none.
pub(super) fn with_store<T>(use_it: impl FnOnce(&mut Store) -> T) -> Option<T> {
    STATE.with_borrow_mut(|state| state.as_mut().map(|state| use_it(&mut state.store)))
}

pub(super) use _genlayer::module_def;

#[rustpython_vm::pymodule]
mod _genlayer {
    use rustpython_vm as vm;
    use vm::function::ArgBytesLike;
    use vm::{PyObjectRef, PyResult, VirtualMachine};

    use super::super::blocks::{BlockError, Handed};
    use super::super::store::child_slot;
    use super::super::{floats, identity, raised, values};
    use super::{Parent, STATE, State, ask_parent};
    use crate::domain::{
        Address, Amount, Bytes, EmittedMessage, MessageBody, Trigger, U256, keccak256,
    };

    fn with_state<T>(vm: &VirtualMachine, use_it: impl FnOnce(&mut State) -> T) -> PyResult<T> {
        STATE.with_borrow_mut(|state| {
            state.as_mut().map(use_it).ok_or_else(|| vm.new_runtime_error("no contract is running"))
        })
    }

    fn slot_of(slot: &ArgBytesLike, vm: &VirtualMachine) -> PyResult<[u8; 32]> {
        <[u8; 32]>::try_from(&*slot.borrow_buf())
            .ok()
            .ok_or_else(|| vm.new_value_error("a slot has 32 bytes"))
    }

    fn address_of(bytes: &ArgBytesLike, vm: &VirtualMachine) -> PyResult<Address> {
        Address::from_slice(&bytes.borrow_buf())
            .ok_or_else(|| vm.new_value_error("an address has 20 bytes"))
    }

    fn number_of(bytes: &ArgBytesLike, vm: &VirtualMachine) -> PyResult<U256> {
        <[u8; 32]>::try_from(&*bytes.borrow_buf())
            .map(U256::from_be_bytes)
            .ok()
            .ok_or_else(|| vm.new_value_error("a number has 32 bytes"))
    }

    const fn trigger_of(accepted: bool) -> Trigger {
        if accepted { Trigger::Accepted } else { Trigger::Finalized }
    }

    #[pyfunction]
    fn read(slot: ArgBytesLike, offset: u64, length: usize, vm: &VirtualMachine) -> PyResult {
        let slot = slot_of(&slot, vm)?;
        let bytes = with_state(vm, |state| state.store.read(slot, offset, length, &mut Parent))?;
        bytes
            .map(|bytes| vm.ctx.new_bytes(bytes).into())
            .map_err(|error| raised::of_store(&error, vm))
    }

    #[pyfunction]
    fn write(
        slot: ArgBytesLike,
        offset: u64,
        data: ArgBytesLike,
        vm: &VirtualMachine,
    ) -> PyResult<()> {
        let slot = slot_of(&slot, vm)?;
        let data = data.borrow_buf();
        with_state(vm, |state| state.store.write(slot, offset, &data, &mut Parent))?
            .map_err(|error| raised::of_store(&error, vm))
    }

    #[pyfunction]
    fn read_blob(slot: ArgBytesLike, offset: u32, vm: &VirtualMachine) -> PyResult {
        let slot = slot_of(&slot, vm)?;
        let bytes = with_state(vm, |state| state.store.read_blob(slot, offset, &mut Parent))?;
        bytes
            .map(|bytes| vm.ctx.new_bytes(bytes).into())
            .map_err(|error| raised::of_store(&error, vm))
    }

    #[pyfunction]
    fn write_blob(
        slot: ArgBytesLike,
        offset: u32,
        data: ArgBytesLike,
        vm: &VirtualMachine,
    ) -> PyResult<()> {
        let slot = slot_of(&slot, vm)?;
        let data = data.borrow_buf();
        with_state(vm, |state| state.store.write_blob(slot, offset, &data, &mut Parent))?
            .map_err(|error| raised::of_store(&error, vm))
    }

    #[pyfunction]
    fn child(slot: ArgBytesLike, offset: u32, vm: &VirtualMachine) -> PyResult {
        Ok(vm.ctx.new_bytes(child_slot(&slot_of(&slot, vm)?, offset).to_vec()).into())
    }

    #[pyfunction(name = "identity")]
    fn identity_(object: PyObjectRef) -> usize {
        identity::number(&object)
    }

    #[pyfunction(name = "sum")]
    fn sum_(args: floats::SumArgs, vm: &VirtualMachine) -> PyResult {
        floats::sum(args, vm)
    }

    #[pyfunction(name = "keccak256")]
    fn keccak256_(data: ArgBytesLike, vm: &VirtualMachine) -> PyObjectRef {
        vm.ctx.new_bytes(keccak256(&[&data.borrow_buf()]).as_bytes().to_vec()).into()
    }

    #[pyfunction]
    fn checksum(data: ArgBytesLike, vm: &VirtualMachine) -> PyResult<String> {
        address_of(&data, vm).map(|address| address.to_string())
    }

    #[pyfunction]
    fn set_readonly(reason: String, vm: &VirtualMachine) -> PyResult<()> {
        with_state(vm, |state| state.store.make_read_only(reason))
    }

    #[pyfunction]
    fn output(text: vm::builtins::PyStrRef, vm: &VirtualMachine) -> PyResult<()> {
        with_state(vm, |state| state.stdout.push(&text.to_string_lossy()))
    }

    #[pyfunction]
    fn warn(text: vm::builtins::PyStrRef, vm: &VirtualMachine) -> PyResult<()> {
        with_state(vm, |state| state.stderr.push(&text.to_string_lossy()))
    }

    #[pyfunction]
    fn now_micros() -> i64 {
        STATE.with_borrow(|state| state.as_ref().map_or(0, |state| state.at))
    }

    #[pyfunction]
    fn balance(vm: &VirtualMachine) -> PyResult {
        let balance = with_state(vm, |state| state.outbox.balance())?;
        values::unsigned(&balance.to_be_bytes(), vm)
    }

    #[pyfunction]
    fn allow_messages(vm: &VirtualMachine) -> PyResult<()> {
        with_state(vm, |state| state.outbox.allow())
    }

    #[pyfunction]
    fn refuse_messages(reason: String, vm: &VirtualMachine) -> PyResult<()> {
        with_state(vm, |state| state.outbox.refuse(reason))
    }

    fn send(on: Trigger, value: U256, body: MessageBody, vm: &VirtualMachine) -> PyResult<()> {
        let message = EmittedMessage { on, value: Amount::new(value), body };
        with_state(vm, |state| state.outbox.send(message))?
            .map_err(|error| raised::of_outbox(&error, vm))
    }

    #[pyfunction]
    fn send_call(
        accepted: bool,
        value: ArgBytesLike,
        to: ArgBytesLike,
        calldata: ArgBytesLike,
        vm: &VirtualMachine,
    ) -> PyResult<()> {
        let calldata = Bytes::copy_from_slice(&calldata.borrow_buf());
        let body = MessageBody::Call { to: address_of(&to, vm)?, calldata };
        send(trigger_of(accepted), number_of(&value, vm)?, body, vm)
    }

    #[pyfunction]
    fn send_transfer(value: ArgBytesLike, to: ArgBytesLike, vm: &VirtualMachine) -> PyResult<()> {
        let body = MessageBody::Transfer { to: address_of(&to, vm)? };
        send(Trigger::Finalized, number_of(&value, vm)?, body, vm)
    }

    /// Takes an event: its topics one after another, and its encoded fields.
    #[pyfunction]
    fn emit_event(topics: ArgBytesLike, data: ArgBytesLike, vm: &VirtualMachine) -> PyResult<()> {
        let data = Bytes::copy_from_slice(&data.borrow_buf());
        let topics = topics.borrow_buf();
        let emit = |state: &mut State| {
            state.outbox.check().map_err(|error| error.to_string())?;
            state.events.emit(&topics, data).map_err(|error| error.to_string())
        };
        with_state(vm, emit)?.map_err(|error| vm.new_runtime_error(error))
    }

    /// The new contract's address, or `None` without a salt.
    #[pyfunction]
    fn send_deploy(
        accepted: bool,
        value: ArgBytesLike,
        code: ArgBytesLike,
        calldata: ArgBytesLike,
        salt: ArgBytesLike,
        vm: &VirtualMachine,
    ) -> PyResult {
        let salt = number_of(&salt, vm)?;
        let salt = (!salt.is_zero()).then_some(salt);
        let code = Bytes::copy_from_slice(&code.borrow_buf());
        let calldata = Bytes::copy_from_slice(&calldata.borrow_buf());
        let body = MessageBody::Deploy { code, calldata, salt };
        send(trigger_of(accepted), number_of(&value, vm)?, body, vm)?;
        let Some(salt) = salt else { return Ok(vm.ctx.none()) };
        let address = with_state(vm, |state| state.outbox.address_of(salt))?;
        Ok(vm.ctx.new_bytes(address.as_bytes().to_vec()).into())
    }

    #[pyfunction]
    fn encode(
        value: PyObjectRef,
        address: PyObjectRef,
        simple: PyObjectRef,
        vm: &VirtualMachine,
    ) -> PyResult {
        let value = values::Encoder { address: &address, simple: &simple, vm }.value(&value, 0)?;
        Ok(vm.ctx.new_bytes(value.encode()).into())
    }

    #[pyfunction]
    fn decode(data: ArgBytesLike, address: PyObjectRef, vm: &VirtualMachine) -> PyResult {
        let value = crate::domain::calldata::Value::decode(&data.borrow_buf())
            .map_err(|error| vm.new_value_error(error.to_string()))?;
        values::to_python(&value, &address, vm)
    }

    fn misplaced(error: &BlockError, vm: &VirtualMachine) -> vm::builtins::PyBaseExceptionRef {
        vm.new_runtime_error(error.to_string())
    }

    /// Begins a block: `None` for the leader, the leader's output for a validator, and `False`
    /// where the leader has none.
    #[pyfunction]
    fn block_open(vm: &VirtualMachine) -> PyResult {
        let handed = with_state(vm, |state| {
            let handed = state.blocks.open()?;
            if handed != Handed::Missing {
                let (scopes, mut effects) = state.effects();
                scopes.enter_block(&mut effects);
            }
            Ok(handed)
        })?;
        Ok(match handed.map_err(|error| misplaced(&error, vm))? {
            Handed::Nothing => vm.ctx.none(),
            Handed::Output(output) => vm.ctx.new_bytes(output.to_vec()).into(),
            Handed::Missing => vm.ctx.false_value.clone().into(),
        })
    }

    /// Ends a block with the output that counts.
    #[pyfunction]
    fn block_close(output: ArgBytesLike, vm: &VirtualMachine) -> PyResult<()> {
        let output = Bytes::copy_from_slice(&output.borrow_buf());
        let closed = with_state(vm, |state| {
            let (scopes, mut effects) = state.effects();
            scopes.leave_block(&mut effects);
            state.blocks.close(output)
        })?;
        closed.map_err(|error| misplaced(&error, vm))
    }

    /// Ends a block with a disagreement.
    #[pyfunction]
    fn block_disagree(vm: &VirtualMachine) -> PyResult<()> {
        with_state(vm, |state| {
            let (scopes, mut effects) = state.effects();
            scopes.leave_block(&mut effects);
            state.blocks.disagree();
        })
    }

    /// Did this validator disagree? An error alone says nothing: a contract can raise any.
    #[pyfunction]
    fn has_disagreed(vm: &VirtualMachine) -> PyResult<bool> {
        with_state(vm, |state| state.blocks.has_disagreed())
    }

    /// From now on changes can be taken back; without `allow_changes` there can be none.
    #[pyfunction]
    fn enter_sandbox(allow_changes: bool, vm: &VirtualMachine) -> PyResult<()> {
        let entered = with_state(vm, |state| {
            let (scopes, mut effects) = state.effects();
            scopes.enter_sandbox(allow_changes, &mut effects)
        })?;
        entered.then_some(()).ok_or_else(|| vm.new_recursion_error("sandboxes are nested too deep"))
    }

    /// Ends a sandbox; what it changed is kept or taken back.
    #[pyfunction]
    fn leave_sandbox(keep: bool, vm: &VirtualMachine) -> PyResult<()> {
        let left = with_state(vm, |state| {
            let (scopes, mut effects) = state.effects();
            scopes.leave_sandbox(keep, &mut effects)
        })?;
        left.then_some(()).ok_or_else(|| vm.new_runtime_error("no sandbox can be left here"))
    }

    fn ask(
        question: &PyObjectRef,
        address: &PyObjectRef,
        simple: &PyObjectRef,
        vm: &VirtualMachine,
    ) -> PyResult {
        let question = values::Encoder { address, simple, vm }.value(question, 0)?;
        let answer = ask_parent(question.encode())
            .ok_or_else(|| vm.new_runtime_error("the question was not answered"))?;
        let answer = crate::domain::calldata::Value::decode(&answer)
            .map_err(|error| vm.new_value_error(error.to_string()))?;
        values::to_python(&answer, address, vm)
    }

    /// Asks models or the web.
    #[pyfunction]
    fn ask_outside(
        question: PyObjectRef,
        address: PyObjectRef,
        simple: PyObjectRef,
        vm: &VirtualMachine,
    ) -> PyResult {
        if !with_state(vm, |state| state.blocks.is_open())? {
            return Err(raised::forbidden(
                "models and the web can be asked only within a non-deterministic block: put this \
                 into a function and pass that to one of `gl.eq_principle` or `gl.vm.run_nondet`",
                vm,
            ));
        }
        ask(&question, &address, &simple, vm)
    }

    /// Asks the network's contracts and accounts.
    #[pyfunction]
    fn ask_chain(
        question: PyObjectRef,
        address: PyObjectRef,
        simple: PyObjectRef,
        vm: &VirtualMachine,
    ) -> PyResult {
        if with_state(vm, |state| state.blocks.is_open())? {
            return Err(raised::forbidden(
                "other contracts cannot be asked within a non-deterministic block: ask before it \
                 begins",
                vm,
            ));
        }
        ask(&question, &address, &simple, vm)
    }
}
