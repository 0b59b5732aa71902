//! The reader between a scripted executor and a probe of the store.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Addr};

use super::messages::{
    CallContract, DescribeCode, DescribeContract, GetAccount, GetElectorate, ReadError, ReadPages,
    ViewContract,
};
use super::permits::Permits;
use super::reader::{Reader, ReaderPorts};
use super::testing::{Probe, paused};
use super::world::StatePorts;
use crate::domain::ledger::{
    CallEntry, ContractRecord, ContractView, Electorate, Position, ReadOnlyCall, Snapshot,
    StateVersion, StoreError, ValidatorRecord,
};
use crate::domain::{
    Address, Amount, Bytes, Clock, Code, ContextValidator, Digest, EmittedMessage, Execution,
    ExecutionOutcome, MessageBody, ModelChoice, Moment, NodeModels, RunContext, Stake, Timestamp,
    Trigger, TxHash, Validator,
};
use crate::execution::scripted::Scripted;
use crate::execution::{Entry, ExecutionRequest, Role};

const CONTRACT: Address = Address::new([3; 20]);
/// A contract whose deploy is not final.
const YOUNG: Address = Address::new([4; 20]);
const SENDER: Address = Address::new([9; 20]);

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(12)
    }
}

fn models(name: &str) -> NodeModels {
    NodeModels::only(ModelChoice { model: name.to_owned(), ..ModelChoice::simulated() })
}

/// Two validators, of which the second in address order joined first.
fn electorate() -> Electorate {
    let record = |byte: u8, number: u64| ValidatorRecord {
        validator: Validator {
            address: Address::new([byte; 20]),
            stake: Stake::try_from(1).unwrap(),
        },
        number,
        models: Some(Arc::new(models(&format!("of {byte}")))),
        created_at: Timestamp::default(),
    };
    Electorate::of_records(vec![record(20, 1), record(21, 0)])
}

fn view(asked: ViewContract) -> Option<ContractView> {
    let finalized = asked.version == StateVersion::Finalized;
    let record = ContractRecord {
        address: asked.address,
        code: Code::new(Bytes::from_static(if finalized { b"final" } else { b"accepted" })),
        deployed_by: TxHash::new([1; 32]),
        deployed_at: Timestamp::default(),
        position: Position(1),
        balance: Amount::from(100),
    };
    let found = ContractView { record, snapshot: Snapshot::default() };
    let is_there = asked.address == CONTRACT || asked.address == YOUNG && !finalized;
    is_there.then_some(found)
}

type Seen = Arc<Mutex<Vec<ExecutionRequest>>>;

/// A reader, and what reaches its executor, which then sends 150.
fn reader(electorate: Electorate) -> (Addr<Reader>, Seen) {
    limited_reader(electorate, Permits::new("calls", 1))
}

fn limited_reader(electorate: Electorate, calls: Permits) -> (Addr<Reader>, Seen) {
    let seen = Seen::default();
    let note = Arc::clone(&seen);
    let executor = Scripted::new(move |request| {
        note.lock().unwrap().push(request.clone());
        let mut execution = Execution::ending(ExecutionOutcome::Return(Bytes::new()));
        execution.block_outputs = vec![Bytes::from_static(b"block")];
        if !matches!(request.role, Role::Reader) {
            let body = MessageBody::Transfer { to: SENDER };
            let value = Amount::from(150);
            execution.messages = vec![EmittedMessage { on: Trigger::Accepted, value, body }];
        }
        Ok(execution)
    });
    let ports = ReaderPorts {
        state: StatePorts {
            view: Probe::answering(|asked: &ViewContract| Some(Ok(view(*asked)))).recipient,
            pages: Probe::answering(|_: &ReadPages| None).recipient,
            accounts: Probe::answering(|_: &GetAccount| None).recipient,
        },
        electorate: Probe::answering(move |_: &GetElectorate| Some(Ok(electorate.clone())))
            .recipient,
        executor: Arc::new(executor),
        calls,
        clock: Arc::new(Noon),
        chain_id: 5,
        network_seed: Digest::new([1; 32]),
        time_limit: Duration::from_secs(1),
        rehearsal_time_limit: Duration::from_secs(9),
    };
    (Reader::new(ports).start(), seen)
}

fn call(entry: CallEntry) -> ReadOnlyCall {
    let value = Amount::from(if entry == CallEntry::View { 0 } else { 50 });
    let call = ReadOnlyCall::view(CONTRACT, Bytes::from_static(&[6])).asked_by(SENDER);
    ReadOnlyCall { entry, value, ..call }
}

async fn ask(reader: &Addr<Reader>, call: ReadOnlyCall) -> Result<Execution, ReadError> {
    reader.send(CallContract(call)).await.unwrap()
}

#[test]
fn a_question_is_run_by_the_first_validator_and_can_only_read() {
    paused(|| async {
        let (reader, seen) = reader(electorate());
        let execution = ask(&reader, call(CallEntry::View)).await.unwrap();
        assert_eq!(execution.block_outputs.len(), 1);
        let request = seen.lock().unwrap().remove(0);
        assert!(matches!(request.role, Role::Reader), "{request:?}");
        assert_eq!((request.entry, &request.code.source[..]), (Entry::Method, &b"accepted"[..]));
        assert_eq!(request.node, Address::new([21; 20]), "who joined first");
        assert_eq!(request.models.as_deref(), Some(&models("of 21")));
        assert_eq!((request.message.at.as_micros(), request.time_limit.as_secs()), (12_000, 1));
        assert_eq!(request.message.balance, Amount::from(100));
        let old = ReadOnlyCall { version: StateVersion::Finalized, ..call(CallEntry::View) };
        ask(&reader, old).await.unwrap();
        assert_eq!(&seen.lock().unwrap()[0].code.source[..], b"final");
    });
}

#[test]
fn the_final_state_of_a_deploy_that_is_not_final_is_nothing() {
    paused(|| async {
        let (reader, seen) = reader(electorate());
        let version = StateVersion::Finalized;
        let young = ReadOnlyCall { contract: YOUNG, version, ..call(CallEntry::View) };
        ask(&reader, young).await.unwrap();
        let request = seen.lock().unwrap().remove(0);
        assert_eq!(&request.code.source[..], b"accepted");
        let nothing = Snapshot { complete: true, ..Snapshot::default() };
        assert_eq!(request.snapshot, nothing);
        let unknown = ReadOnlyCall { contract: SENDER, version, ..call(CallEntry::View) };
        assert!(matches!(ask(&reader, unknown).await, Err(ReadError::Store(_))));
    });
}

#[test]
fn without_validators_a_question_is_asked_as_nobody() {
    paused(|| async {
        let (reader, seen) = reader(Electorate::default());
        ask(&reader, call(CallEntry::View)).await.unwrap();
        let request = seen.lock().unwrap().remove(0);
        assert_eq!((request.node, request.models.is_none()), (Address::ZERO, true));
    });
}

#[test]
fn a_rehearsal_runs_as_a_leader_with_its_value() {
    paused(|| async {
        let (reader, seen) = reader(electorate());
        let origin = Address::new([8; 20]);
        let execution =
            ask(&reader, ReadOnlyCall { origin, ..call(CallEntry::Method) }).await.unwrap();
        assert_eq!(execution.messages.len(), 1, "it sent no more than it had");
        let request = seen.lock().unwrap().remove(0);
        assert!(matches!(request.role, Role::Leader), "{request:?}");
        let message = &request.message;
        assert_eq!((message.sender, message.origin), (SENDER, origin));
        assert_eq!((message.value, message.balance), (Amount::from(50), Amount::from(150)));
        assert_eq!((message.chain_id, request.time_limit.as_secs()), (5, 9));
        let poor = ReadOnlyCall { value: Amount::from(49), ..call(CallEntry::Method) };
        let execution = ask(&reader, poor).await.unwrap();
        assert_eq!(execution.outcome, ExecutionOutcome::VmError("insufficient_balance".into()));
        assert!(execution.messages.is_empty());
        assert_eq!(execution.block_outputs.len(), 1);
    });
}

#[test]
fn a_deploy_is_rehearsed_on_nothing() {
    paused(|| async {
        let (reader, seen) = reader(electorate());
        let source = Bytes::from_static(b"class Contract: ...");
        let nowhere = Address::new([77; 20]);
        let entry = CallEntry::Constructor(source.clone());
        let deploy = ReadOnlyCall { contract: nowhere, ..call(entry) };
        ask(&reader, deploy).await.unwrap();
        let request = seen.lock().unwrap().remove(0);
        assert_eq!((request.entry, request.code), (Entry::Constructor, Code::new(source)));
        assert!(request.snapshot.complete && request.snapshot.pages.is_empty());
        let message = &request.message;
        assert_eq!((message.contract, message.balance), (nowhere, Amount::from(50)));
    });
}

#[test]
fn a_context_chooses_the_validator_and_the_time() {
    paused(|| async {
        let (reader, seen) = reader(Electorate::default());
        let validator = |name| ContextValidator {
            stake: Stake::try_from(1).unwrap(),
            models: Some(models(name)),
        };
        let context = Arc::new(RunContext {
            validators: vec![validator("first"), validator("second")],
            now: Some(Moment::from_micros(99)),
        });
        for entry in [CallEntry::View, CallEntry::Method] {
            let call = ReadOnlyCall { context: Some(Arc::clone(&context)), ..call(entry) };
            ask(&reader, call).await.unwrap();
        }
        let requests = std::mem::take(&mut *seen.lock().unwrap());
        for request in &requests {
            assert_eq!(request.models.as_deref(), Some(&models("first")));
            assert_eq!(request.message.at.as_micros(), 99);
            assert_ne!(request.node, Address::ZERO);
        }
        assert_eq!(requests[0].node, requests[1].node, "the same in every call");
        let time_only = RunContext { validators: Vec::new(), now: context.now };
        let time_only =
            ReadOnlyCall { context: Some(Arc::new(time_only)), ..call(CallEntry::View) };
        ask(&reader, time_only).await.unwrap();
        let request = seen.lock().unwrap().remove(0);
        assert_eq!((request.node, request.message.at.as_micros()), (Address::ZERO, 99));
    });
}

#[test]
fn what_is_not_there_cannot_be_asked() {
    paused(|| async {
        let (reader, _) = reader(electorate());
        for entry in [CallEntry::View, CallEntry::Method] {
            let nowhere = ReadOnlyCall { contract: Address::new([5; 20]), ..call(entry) };
            let refused = ask(&reader, nowhere).await;
            let expected = matches!(refused, Err(ReadError::Store(StoreError::NotFound { .. })));
            assert!(expected, "{refused:?}");
        }
        let code = || DescribeCode(Code::new(Bytes::from_static(b"pass")));
        assert!(reader.send(code()).await.unwrap().is_ok());
    });
}

#[test]
fn too_much_at_once_is_refused() {
    paused(|| async {
        let calls = Permits::new("calls", 1);
        let (reader, _) = limited_reader(electorate(), calls.clone());
        let code = || DescribeCode(Code::new(Bytes::from_static(b"pass")));
        let held = calls.try_acquire();
        let busy = Err(ReadError::Busy { limit: 1 });
        assert_eq!(reader.send(code()).await.unwrap(), busy);
        assert_eq!(reader.send(DescribeContract(CONTRACT)).await.unwrap(), busy);
        assert_eq!(ask(&reader, call(CallEntry::Method)).await.map(drop), busy.map(drop));
        drop(held);
        assert!(reader.send(code()).await.unwrap().is_ok());
        assert!(reader.send(DescribeContract(CONTRACT)).await.unwrap().is_ok());
    });
}
