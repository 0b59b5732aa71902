//! Real contracts whose nodes ask models of their own: of validators, and of transactions that
//! bring theirs along.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agora::actors::handles::Handles;
use agora::actors::messages::{ModelsError, Trust};
use agora::actors::settings::NetworkSettings;
use agora::actors::system::Network;
use agora::domain::calldata::Value;
use agora::domain::ledger::{
    CallEntry, NewTransaction, ProviderChange, ReadOnlyCall, TransactionRecord, ValidatorChange,
};
use agora::domain::{
    Address, Bytes, Code, Execution, ExecutionOutcome, ModelChoice, Payload, RunContext, Stake,
    Status, TransactionRules, from_json,
};
use agora::execution::nondeterminism::Services;
use agora::execution::nondeterminism::models::{ModelRouter, ModelSettings, Secrets};
use agora::execution::python::{PythonExecutor, PythonSettings};
use agora::execution::scripted::Scripted;
use serde_json::{Value as Json, json};

use crate::network::{
    Place, account, call, decided, deployed, on_both, settings, start_with, transaction,
};

const JUDGE: &str = r#"# { "Depends": "py-genlayer:test" }
from genlayer import *


class Judge(gl.Contract):
    said: str
    when: str

    def __init__(self):
        self.said, self.when = "nothing", "no time"

    def ask(self) -> str:
        def read() -> str:
            page = gl.nondet.web.get("https://news.example/today").body.decode()
            return gl.nondet.exec_prompt(f"What is the mood of: {page}?")

        return gl.eq_principle.strict_eq(read)

    @gl.public.write
    def judge(self) -> str:
        self.said, self.when = self.ask(), gl.message_raw["datetime"]
        return self.said

    @gl.public.write
    def judge_twice(self) -> str:
        Judge_at(gl.message.contract_address).emit(on="accepted").judge()
        return self.judge()

    @gl.public.view
    def rehearse(self) -> str:
        return self.ask() + " at " + gl.message_raw["datetime"]

    @gl.public.view
    def state(self) -> str:
        return self.said + " at " + self.when


@gl.contract_interface
class Judge_at:
    class View:
        pass

    class Write:
        def judge(self) -> str: ...
"#;

struct World {
    network: Network,
    handles: Handles,
    _place: Place,
}

/// A network whose models are simulated and whose web is not there.
async fn world(place: Place, validators: u64) -> World {
    let python = PythonSettings::new(env!("CARGO_BIN_EXE_agora").into());
    let router = ModelRouter::new(ModelSettings::default(), Secrets::default()).unwrap();
    let services = Services { models: Arc::new(router), ..Services::none() };
    let executor = PythonExecutor::start(python, services).unwrap();
    let network = start_with(&place, settings(), Arc::new(executor), validators).await;
    let handles = network.handles();
    World { network, handles, _place: place }
}

/// A node that finds this on the page and says that to a prompt about it.
fn mocked(page: &str, answer: &str) -> Json {
    json!({
        "provider": "openai", "model": "gpt-4o", "stake": 8,
        "plugin_config": {
            "mock_response": {"response": {(format!("mood of: {page}")): answer}},
            "mock_web_response": {"nondet_web_request": {
                "https://news.example/today": {"method": "GET", "status": 200, "body": page}
            }},
        },
    })
}

fn calldata(method: Option<&str>) -> Bytes {
    Value::call(method, Vec::new(), BTreeMap::new()).encode().into()
}

impl World {
    async fn context(&self, json: &Json) -> Option<Arc<RunContext>> {
        self.handles.read_context(json, Trust::Anybody).await.unwrap()
    }

    async fn decide(
        &self,
        to: Option<Address>,
        payload: Payload,
        json: &Json,
    ) -> TransactionRecord {
        let context = self.context(json).await;
        let new = NewTransaction { context, ..transaction(account(0), to, payload) };
        let hash = self.handles.submit(new).await.unwrap().hash;
        decided(&self.handles, hash).await
    }

    async fn deploy(&self) -> Address {
        let code = Bytes::from_static(JUDGE.as_bytes());
        let payload = Payload::Deploy { code, calldata: calldata(None) };
        let record = self.decide(None, payload, &json!({})).await;
        assert_eq!(record.status, Status::Accepted, "{record:?}");
        Address::of_deployment(&record.transaction.hash)
    }

    async fn call(&self, contract: Address, method: &str, context: &Json) -> TransactionRecord {
        let payload = Payload::Call { calldata: calldata(Some(method)) };
        self.decide(Some(contract), payload, context).await
    }

    async fn read(&self, call: ReadOnlyCall) -> Value {
        match self.handles.call(call).await.unwrap().outcome {
            ExecutionOutcome::Return(data) => Value::decode(&data).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    async fn state(&self, contract: Address) -> Value {
        self.read(ReadOnlyCall::view(contract, calldata(Some("state")))).await
    }

    async fn stop(self) {
        assert!(self.handles.supply().await.unwrap().is_conserved());
        assert!(self.network.shut_down(Duration::from_secs(5)).await);
    }
}

/// What the receipt of the last round returned.
fn returned(record: &TransactionRecord) -> Value {
    let rounds = record.consensus.as_ref().unwrap()["rounds"].as_array().unwrap();
    let rotations = rounds.last().unwrap()["rotations"].as_array().unwrap();
    from_json(&rotations.last().unwrap()["leader_receipt"]["result"]).unwrap()
}

fn seats(record: &TransactionRecord) -> Vec<Address> {
    let rounds = record.consensus.as_ref().unwrap()["rounds"].as_array().unwrap();
    let rotation = &rounds.last().unwrap()["rotations"].as_array().unwrap()[0];
    let seats = rotation["committee"].as_array().unwrap().iter();
    seats.map(|seat| seat["validator"].as_str().unwrap().parse().unwrap()).collect()
}

on_both! {
    async fn mocked_validators_judge_a_transaction_that_brings_them(place: Place) {
        let world = world(place, 2).await;
        let contract = world.deploy().await;
        let context = json!({
            "validators": [mocked("sun", "bright"), mocked("sun", "bright"), mocked("sun", "bright")],
            "genvm_datetime": "2024-01-01T01:00:00+01:00",
        });
        let record = world.call(contract, "judge", &context).await;
        assert_eq!(record.status, Status::Accepted, "{record:?}");
        assert_eq!(returned(&record), Value::from("bright"));
        assert_eq!(seats(&record).len(), 3, "nobody else sits there");
        let registered = world.handles.electorate().await.unwrap().validators;
        assert!(!registered.iter().any(|one| seats(&record).contains(&one.address)));
        let state = world.state(contract).await;
        assert_eq!(state, Value::from("bright at 2024-01-01T00:00:00Z"));
        // What the contract sends is run in the same way.
        let record = world.call(contract, "judge_twice", &context).await;
        assert_eq!(record.status, Status::Accepted, "{record:?}");
        let child = decided(&world.handles, record.children[0]).await;
        assert_eq!((child.status, returned(&child)), (Status::Accepted, Value::from("bright")));
        assert_eq!(seats(&child).len(), 3);
        world.stop().await;
    }
}

#[actix::test]
async fn mocked_validators_of_other_opinions_do_not_agree() {
    let world = world(Place::sqlite(), 5).await;
    let contract = world.deploy().await;
    let opinions = ["sun", "rain", "fog", "snow"].map(|page| mocked(page, page));
    let context = world.context(&json!({"validators": opinions})).await;
    let payload = Payload::Call { calldata: calldata(Some("judge")) };
    let new = transaction(account(0), Some(contract), payload);
    let rules = TransactionRules { rotations_max: 0, ..new.rules };
    let submitted = world.handles.submit(NewTransaction { context, rules, ..new }).await.unwrap();
    let record = decided(&world.handles, submitted.hash).await;
    assert_eq!(record.status, Status::Undetermined, "{record:?}");
    assert_eq!(world.state(contract).await, Value::from("nothing at no time"));
    world.stop().await;
}

#[actix::test]
async fn models_of_registered_validators_are_asked_at_once() {
    let world = world(Place::sqlite(), 3).await;
    let contract = world.deploy().await;
    for (page, answer) in [("sun", "bright"), ("rain", "dull")] {
        for record in world.handles.validators().await.unwrap() {
            let mut json = mocked(page, answer);
            json.as_object_mut().unwrap().remove("stake");
            let models = Some(world.handles.read_models(&json).await.unwrap());
            let address = record.validator.address;
            let change = ValidatorChange::Update { address, stake: None, models };
            world.handles.change_validators(change).await.unwrap();
        }
        let record = world.call(contract, "judge", &json!({})).await;
        assert_eq!(record.status, Status::Accepted, "{record:?}");
        assert_eq!(returned(&record), Value::from(answer));
    }
    world.stop().await;
}

/// Says which model it was given.
fn teller() -> Arc<Scripted> {
    Arc::new(Scripted::new(|request| {
        let name = request.models.as_ref().map_or("none", |models| models.primary.model.as_str());
        let said = Bytes::from(Value::from(name).encode());
        Ok(Execution::ending(ExecutionOutcome::Return(said)))
    }))
}

#[actix::test]
async fn models_are_known_to_every_process_of_a_network_at_once() {
    let Some(place) = Place::postgres() else { return };
    let owned = |owner: &str| NetworkSettings { owner: owner.into(), ..settings() };
    let first = start_with(&place, owned("first"), teller(), 1).await;
    let second = start_with(&place, owned("second"), teller(), 1).await;
    let (changing, asked) = (first.handles(), second.handles());
    let contract = deployed(&asked).await;
    let address = changing.validators().await.unwrap()[0].validator.address;
    assert_eq!(asked.electorate().await.unwrap().models.len(), 0);
    for model in ["one", "two"] {
        let json = json!({"provider": "simulated", "model": model});
        let models = Some(changing.read_models(&json).await.unwrap());
        let change = ValidatorChange::Update { address, stake: None, models };
        changing.change_validators(change).await.unwrap();
        for _ in 0..8 {
            let hash = asked.submit(call(account(1), contract, "x")).await.unwrap().hash;
            assert_eq!(returned(&decided(&asked, hash).await), Value::from(model));
        }
        let read = ReadOnlyCall::view(contract, calldata(Some("x")));
        let said = asked.call(read).await.unwrap().outcome;
        assert_eq!(said, ExecutionOutcome::Return(Value::from(model).encode().into()));
    }
    assert!(first.shut_down(Duration::from_secs(5)).await);
    assert!(second.shut_down(Duration::from_secs(5)).await);
}

#[actix::test]
async fn calls_are_rehearsed_with_the_mocks_of_their_context() {
    let world = world(Place::sqlite(), 1).await;
    let contract = world.deploy().await;
    let json = json!({
        "validators": [mocked("sun", "bright"), mocked("rain", "dull")],
        "genvm_datetime": "2024-01-01",
    });
    let context = world.context(&json).await;
    let view = ReadOnlyCall::view(contract, calldata(Some("rehearse")));
    let view = ReadOnlyCall { context: context.clone(), ..view };
    assert_eq!(world.read(view).await, Value::from("bright at 2024-01-01T00:00:00Z"));
    let call = |entry, method| ReadOnlyCall {
        entry,
        context: context.clone(),
        ..ReadOnlyCall::view(contract, calldata(method)).asked_by(account(1))
    };
    let execution = world.handles.call(call(CallEntry::Method, Some("judge_twice"))).await.unwrap();
    assert!(execution.outcome.is_success(), "{execution:?}");
    assert_eq!((execution.messages.len(), execution.block_outputs.len()), (1, 1));
    assert!(!execution.state.0.is_empty(), "the delta is told");
    assert_eq!(world.state(contract).await, Value::from("nothing at no time"), "and not stored");
    // A view cannot write, whatever method is named.
    let written = world.handles.call(call(CallEntry::View, Some("judge"))).await.unwrap();
    assert!(!written.outcome.is_success() && written.state.0.is_empty(), "{written:?}");
    let code = Bytes::from_static(JUDGE.as_bytes());
    let deploy = call(CallEntry::Constructor(code.clone()), None);
    let deploy = ReadOnlyCall { contract: Address::new([5; 20]), ..deploy };
    let execution = world.handles.call(deploy).await.unwrap();
    assert!(execution.outcome.is_success() && !execution.state.0.is_empty(), "{execution:?}");
    assert!(world.handles.contract(Address::new([5; 20])).await.unwrap().is_none());
    let schema = world.handles.schema_of_code(Code::new(code)).await.unwrap();
    assert_eq!(schema["methods"]["judge"]["readonly"], false);
    let broken = Code::new(Bytes::from_static(b"def"));
    assert!(world.handles.schema_of_code(broken).await.is_err());
    world.stop().await;
}

#[actix::test]
async fn keys_are_led_nowhere_by_anybody() {
    let world = world(Place::sqlite(), 1).await;
    let refused = |error: Option<ModelsError>| match error {
        Some(ModelsError::Invalid(error)) => error.field,
        other => panic!("{other:?}"),
    };
    let with = |plugin_config: Json| {
        let choice =
            json!({"provider": "openai", "model": "gpt-4o", "plugin_config": plugin_config});
        json!({"validators": [choice]})
    };
    let foreign = with(json!({"api_url": "https://evil.example"}));
    let other_key = with(json!({"api_key_env_var": "ANTHROPIC_API_KEY"}));
    for json in [&foreign, &other_key] {
        let error = world.handles.read_context(json, Trust::Anybody).await.err();
        assert_eq!(refused(error), "validators[0].plugin_config", "{json}");
        assert!(world.handles.read_context(json, Trust::Operator).await.is_ok());
    }
    let behind = json!({"validators": [{
        "provider": "simulated", "model": "simulated", "fallback": foreign["validators"][0],
    }]});
    let error = world.handles.read_context(&behind, Trust::Anybody).await.err();
    assert_eq!(refused(error), "validators[0].fallback.plugin_config");
    let page_only = json!({"nondet_web_request": {}});
    let half = with(json!({"api_url": "https://evil.example", "mock_web_response": page_only}));
    assert!(world.handles.read_context(&half, Trust::Anybody).await.is_err());
    // Who answers by itself sends nothing; and what the operator made known is known.
    let mocks = json!({"response": {}});
    let mocked = with(json!({"api_url": "https://evil.example", "mock_response": mocks}));
    assert!(world.handles.read_context(&mocked, Trust::Anybody).await.is_ok());
    let known = ModelChoice {
        plugin_config: json!({"api_url": "https://evil.example", "api_key_env_var": "OPENAIKEY"})
            .as_object()
            .unwrap()
            .clone(),
        model: "good".to_owned(),
        ..agora::execution::nondeterminism::models::Registry::embedded()
            .find("openai", "gpt-4o")
            .unwrap()
            .clone()
    };
    world.handles.change_providers(ProviderChange::Add(known)).await.unwrap();
    assert!(world.handles.read_context(&foreign, Trust::Anybody).await.is_ok());
    world.stop().await;
}

#[actix::test]
async fn wrong_choices_are_not_stored() {
    let world = world(Place::sqlite(), 1).await;
    let bad = ModelChoice { model: String::new(), ..ModelChoice::simulated() };
    let models = Some(agora::domain::NodeModels::only(bad.clone()));
    let stake = Stake::try_from(1).unwrap();
    let before = world.handles.validators().await.unwrap();
    let address = before[0].validator.address;
    for change in [
        ValidatorChange::Create { address: None, stake, models: models.clone() },
        ValidatorChange::Update { address, stake: None, models },
    ] {
        let error = world.handles.change_validators(change).await.unwrap_err();
        assert!(matches!(&error, ModelsError::Invalid(it) if it.field == "model"), "{error:?}");
    }
    assert_eq!(world.handles.validators().await.unwrap(), before);
    for change in [
        ProviderChange::Add(bad.clone()),
        ProviderChange::Update { id: 1, choice: bad },
        ProviderChange::Delete { id: 999 },
    ] {
        assert!(world.handles.change_providers(change.clone()).await.is_err(), "{change:?}");
    }
    let known = world.handles.providers().await.unwrap();
    assert!(known.iter().all(|record| record.is_default));
    let answers: Vec<&str> = known
        .iter()
        .filter(|record| record.is_model_available)
        .map(|record| record.choice.provider.as_str())
        .collect();
    assert_eq!(answers, ["simulated"], "there are no keys");
    assert!(known.iter().all(|record| record.is_available == record.is_model_available));
    world.stop().await;
}
