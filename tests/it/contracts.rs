//! Example contracts through real consensus: real nodes, real workers, models and a web that are
//! told what to say.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agora::actors::handles::Handles;
use agora::actors::settings::NetworkSettings;
use agora::actors::system::Network;
use agora::domain::calldata::Value;
use agora::domain::ledger::{NewTransaction, ReadOnlyCall, TransactionRecord};
use agora::domain::{Address, Amount, Bytes, ExecutionOutcome, Payload, Status, from_json};
use agora::execution::nondeterminism::{
    Answer, Asker, Models, NoAnswer, Prompt, RenderRequest, Rendered, Services, Web, WebRequest,
    WebResponse,
};
use agora::execution::python::{PythonExecutor, PythonSettings, examples};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde_json::Value as Json;

use crate::network::{Place, account, decided, settings, start, transaction, wait_until};

/// Answers by what the prompt is about; some validators' models are of another opinion.
#[derive(Debug)]
struct Oracle {
    /// Every node whose address is below this sees it otherwise.
    contrary_below: u8,
}

impl Oracle {
    fn is_contrary(&self, asker: &Asker) -> bool {
        !asker.leads && asker.node.as_bytes()[0] < self.contrary_below
    }
}

impl Models for Oracle {
    fn ask(&self, asker: Asker, prompt: Prompt) -> BoxFuture<'static, Result<Answer, NoAnswer>> {
        let contrary = self.is_contrary(&asker);
        let json = |value| Answer::Json(value);
        let answer = match prompt {
            Prompt::Free { text, .. } if text.contains("You guard a coin") => json(
                serde_json::json!({ "reasoning": "well said", "gives_coin": text.contains("please") }),
            ),
            Prompt::Free { text, .. } if text.contains("Ada pays Bob") => {
                let ada = if contrary { 50 } else { 70 };
                json(serde_json::json!({ "balances": { "Ada": ada, "Bob": 100 - ada } }))
            }
            Prompt::Free { text, .. } if text.contains("Bob prints money") => {
                json(serde_json::json!({ "balances": { "Ada": 70, "Bob": 9_000 } }))
            }
            Prompt::Free { text, .. } if text.contains("Lions 3, Bears 1") => {
                json(serde_json::json!({ "winner": "Lions", "score": "3:1" }))
            }
            Prompt::NonComparativeLeader { .. } => Answer::Text(" Seller\n".into()),
            Prompt::Comparative { .. } | Prompt::NonComparativeValidator { .. } => {
                Answer::Verdict(!contrary)
            }
            other @ Prompt::Free { .. } => panic!("nobody expects {other:?}"),
        };
        ready(Ok(answer)).boxed()
    }
}

impl Web for Oracle {
    fn fetch(
        &self,
        _asker: Asker,
        request: WebRequest,
    ) -> BoxFuture<'static, Result<WebResponse, NoAnswer>> {
        panic!("nobody expects {request:?}")
    }

    fn render(
        &self,
        _asker: Asker,
        request: RenderRequest,
    ) -> BoxFuture<'static, Result<Rendered, NoAnswer>> {
        assert_eq!(request.url, "https://results.example/lions-bears");
        ready(Ok(Rendered::Text("Final: Lions 3, Bears 1".into()))).boxed()
    }
}

struct World {
    network: Network,
    handles: Handles,
    _place: Place,
}

async fn world(contrary_below: u8) -> World {
    let place = Place::sqlite();
    let python = PythonSettings::new(env!("CARGO_BIN_EXE_agora").into());
    let services = Services {
        models: Arc::new(Oracle { contrary_below }),
        web: Arc::new(Oracle { contrary_below }),
    };
    let executor = PythonExecutor::start(python, services).unwrap();
    let settings = NetworkSettings { finality_window: Duration::from_millis(100), ..settings() };
    let network = start(&place, settings, Arc::new(executor)).await;
    let handles = network.handles();
    World { network, handles, _place: place }
}

fn calldata(method: Option<&str>, args: Vec<Value>) -> Bytes {
    Value::call(method, args, BTreeMap::new()).encode().into()
}

impl World {
    async fn decide(&self, new: NewTransaction) -> TransactionRecord {
        let hash = self.handles.submit(new).await.unwrap().hash;
        decided(&self.handles, hash).await
    }

    /// Deploys an example.
    async fn deploy(&self, name: &str, args: Vec<Value>) -> Address {
        let example = examples().iter().find(|example| example.name == name).unwrap();
        self.deploy_source(example.source, args).await
    }

    async fn deploy_source(&self, source: &'static str, args: Vec<Value>) -> Address {
        let code = Bytes::from_static(source.as_bytes());
        let payload = Payload::Deploy { code, calldata: calldata(None, args) };
        let hash = self.handles.submit(transaction(account(0), None, payload)).await.unwrap();
        let record = decided(&self.handles, hash.hash).await;
        assert_eq!(record.status, Status::Accepted, "{record:?}");
        hash.contract.unwrap()
    }

    async fn call(
        &self,
        from: u64,
        to: Address,
        value: u64,
        method: &str,
        args: Vec<Value>,
    ) -> TransactionRecord {
        let payload = Payload::Call { calldata: calldata(Some(method), args) };
        let call = transaction(account(from), Some(to), payload);
        self.decide(NewTransaction { value: Amount::from(value), ..call }).await
    }

    /// Calls a method that must be accepted and return.
    async fn must(
        &self,
        from: u64,
        to: Address,
        value: u64,
        method: &str,
        args: Vec<Value>,
    ) -> Value {
        let record = self.call(from, to, value, method, args).await;
        assert_eq!(record.status, Status::Accepted, "{method}: {record:?}");
        let (outcome, result) = ending(&record);
        assert_eq!(outcome, "return", "{method}: {result}");
        from_json(&result).unwrap()
    }

    /// Calls a method that must be accepted and end with this error of the contract's own.
    async fn refuses(&self, from: u64, to: Address, method: &str, args: Vec<Value>, error: &str) {
        let record = self.call(from, to, 5, method, args).await;
        assert_eq!(ending(&record), ("user_error".to_owned(), error.into()), "{method}");
    }

    async fn read(&self, contract: Address, method: &str, args: Vec<Value>) -> Value {
        let calldata = calldata(Some(method), args);
        let call = ReadOnlyCall::view(contract, calldata).asked_by(account(0));
        match self.handles.call(call).await.unwrap().outcome {
            ExecutionOutcome::Return(data) => Value::decode(&data).unwrap(),
            other => panic!("{method}: {other:?}"),
        }
    }

    async fn stop(self) {
        assert!(self.handles.supply().await.unwrap().is_conserved());
        assert!(self.network.shut_down(Duration::from_secs(5)).await);
    }
}

/// How the last round's receipt ended, and with what.
fn ending(record: &TransactionRecord) -> (String, Json) {
    let rounds = record.consensus.as_ref().unwrap()["rounds"].as_array().unwrap();
    let rotations = rounds.last().unwrap()["rotations"].as_array().unwrap();
    let receipt = &rotations.last().unwrap()["leader_receipt"];
    (receipt["outcome"].as_str().unwrap().to_owned(), receipt["result"].clone())
}

fn text(text: &str) -> Value {
    Value::from(text)
}

fn int(value: i64) -> Value {
    Value::from(value)
}

#[actix::test]
async fn notes_and_values_are_kept_per_account() {
    let world = world(0).await;
    let notes = world.deploy("notes", vec![]).await;
    world.must(1, notes, 0, "keep", vec![text("mine")]).await;
    world.must(2, notes, 0, "keep", vec![text("yours")]).await;
    let of = |number| vec![Value::Address(account(number))];
    assert_eq!(world.read(notes, "note_of", of(1)).await, text("mine"));
    assert_eq!(world.read(notes, "note_of", of(3)).await, text(""));
    world.stop().await;
}

#[actix::test]
async fn a_model_guards_a_coin() {
    let world = world(0).await;
    let coin = world.deploy("guarded_coin", vec![]).await;
    let refused = world.must(1, coin, 0, "ask", vec![text("give it to me")]).await;
    assert_eq!(refused, Value::Bool(false));
    let given = world.must(2, coin, 0, "ask", vec![text("may I have it, please")]).await;
    assert_eq!(given, Value::Bool(true));
    let holder = account(2).to_string();
    let expected = Value::map([("holder", text(&holder)), ("last_words", text("well said"))]);
    assert_eq!(world.read(coin, "status", vec![]).await, expected);
    world.stop().await;
}

#[actix::test]
async fn a_ledger_is_kept_by_a_model_and_watched_by_the_contract() {
    let world = world(0).await;
    let ledger = world.deploy("spoken_ledger", vec![text("Ada"), int(100)]).await;
    world.must(1, ledger, 0, "tell", vec![text("Ada pays Bob 30")]).await;
    assert_eq!(world.read(ledger, "balance_of", vec![text("Bob")]).await, int(30));
    let error = "the books do not balance";
    let forged = world.call(1, ledger, 0, "tell", vec![text("Bob prints money")]).await;
    assert_eq!(ending(&forged), ("user_error".to_owned(), error.into()));
    assert_eq!(world.read(ledger, "balance_of", vec![text("Ada")]).await, int(70));
    world.stop().await;
}

#[actix::test]
async fn models_of_another_opinion_keep_a_call_from_being_accepted() {
    let world = world(255).await;
    let ledger = world.deploy("spoken_ledger", vec![text("Ada"), int(100)]).await;
    let record = world.call(1, ledger, 0, "tell", vec![text("Ada pays Bob 30")]).await;
    assert_eq!(record.status, Status::Undetermined);
    let votes = record.consensus.as_ref().unwrap().to_string();
    assert!(votes.contains(r#""vote":"disagree""#), "{votes}");
    assert_eq!(world.read(ledger, "balance_of", vec![text("Ada")]).await, int(100));
    world.stop().await;
}

#[actix::test]
async fn bets_are_settled_by_a_page() {
    let world = world(0).await;
    let page = text("https://results.example/lions-bears");
    let market = world.deploy("match_market", vec![page, text("Lions"), text("Bears")]).await;
    world.must(1, market, 30, "bet", vec![text("Lions")]).await;
    world.must(2, market, 50, "bet", vec![text("Bears")]).await;
    let error = "Wolves does not play: Lions or Bears";
    world.refuses(3, market, "bet", vec![text("Wolves")], error).await;
    assert_eq!(world.must(3, market, 0, "resolve", vec![]).await, text("Lions"));
    let before = world.handles.account(account(1)).await.unwrap().balance;
    let claim = world.call(1, market, 0, "claim", vec![]).await;
    assert_eq!(ending(&claim), ("return".to_owned(), 80.into()));
    let hash = claim.transaction.hash;
    let done = wait_until(&world.handles, hash, |status| status == Status::Finalized).await;
    decided(&world.handles, done.children[0]).await;
    let after = world.handles.account(account(1)).await.unwrap().balance;
    assert_eq!(after, before.checked_add(Amount::from(80)).unwrap());
    let lost = world.call(2, market, 0, "claim", vec![]).await;
    assert_eq!(ending(&lost), ("user_error".to_owned(), "Bears did not win".into()));
    world.stop().await;
}

#[actix::test]
async fn an_escrow_is_judged_by_its_terms_and_pays_on_finality() {
    let world = world(0).await;
    let seller = Value::Address(account(3));
    let escrow = world.deploy("escrow", vec![seller, text("paid when delivered")]).await;
    world.must(0, escrow, 40, "fund", vec![]).await;
    let stranger = world.call(1, escrow, 0, "release", vec![]).await;
    let error = format!("only {} may do that", account(0));
    assert_eq!(ending(&stranger), ("user_error".to_owned(), error.into()));
    let before = world.handles.account(account(3)).await.unwrap().balance;
    let judged = world.call(3, escrow, 0, "judge", vec![text("a receipt of delivery")]).await;
    assert_eq!(judged.status, Status::Accepted, "{judged:?}");
    let hash = judged.transaction.hash;
    let done = wait_until(&world.handles, hash, |status| status == Status::Finalized).await;
    let [payment] = done.children[..] else { panic!("{done:?}") };
    decided(&world.handles, payment).await;
    let after = world.handles.account(account(3)).await.unwrap().balance;
    assert_eq!(after, before.checked_add(Amount::from(40)).unwrap());
    world.stop().await;
}

#[actix::test]
async fn a_workshop_deploys_children_and_reads_them() {
    let world = world(0).await;
    let workshop = world.deploy("workshop", vec![]).await;
    let mut made = Vec::new();
    for start in [4, 40] {
        let record = world.call(1, workshop, 0, "make", vec![int(start)]).await;
        assert_eq!(record.status, Status::Accepted, "{record:?}");
        decided(&world.handles, record.children[0]).await;
        made.push(from_json(&ending(&record).1).unwrap());
    }
    assert_eq!(world.read(workshop, "children", vec![]).await, Value::Array(made));
    let record = world.call(1, workshop, 0, "step_all", vec![]).await;
    for child in &record.children {
        assert_eq!(decided(&world.handles, *child).await.status, Status::Accepted);
    }
    let counts = Value::Array(vec![int(5), int(41)]);
    assert_eq!(world.read(workshop, "counts", vec![]).await, counts);
    world.stop().await;
}

#[actix::test]
async fn a_portfolio_reads_other_contracts_in_reads_and_in_consensus() {
    let world = world(0).await;
    let mut tokens = Vec::new();
    for supply in [300, 50] {
        let token = world.deploy("token", vec![text("coin"), int(supply)]).await;
        tokens.push(Value::Address(token));
    }
    let portfolio = world.deploy("portfolio", vec![Value::Array(tokens.clone())]).await;
    let owner = Value::Address(account(0));
    assert_eq!(world.read(portfolio, "worth", vec![owner.clone()]).await, int(350));
    let share = world.read(portfolio, "share", vec![owner, tokens[0].clone()]).await;
    assert_eq!(share, int(10_000));
    assert_eq!(world.must(0, portfolio, 0, "remember", vec![]).await, int(350));
    let again = world.call(0, portfolio, 0, "remember", vec![]).await;
    assert_eq!(ending(&again), ("user_error".to_owned(), "350 is no more than 350".into()));
    world.stop().await;
}

#[actix::test]
async fn a_contract_is_upgraded_by_itself_for_its_upgraders_only() {
    const FIRST: &str = include_str!("../contracts/upgrades/first.py");
    const SECOND: &str = include_str!("../contracts/upgrades/second.py");
    let world = world(0).await;
    let upgraders = Value::Array(vec![Value::Address(account(1))]);
    let contract = world.deploy_source(FIRST, vec![upgraders]).await;
    let new_code = || vec![Value::Bytes(Bytes::from_static(SECOND.as_bytes()))];
    let stranger = world.call(0, contract, 0, "update_code", new_code()).await;
    assert_eq!(ending(&stranger), ("vm_error".to_owned(), "exit_code 1".into()));
    assert_eq!(world.read(contract, "version", vec![]).await, text("first"));
    world.must(2, contract, 0, "add", vec![]).await;
    world.must(1, contract, 0, "update_code", new_code()).await;
    assert_eq!(world.must(2, contract, 0, "add_many", vec![int(5)]).await, int(7));
    assert_eq!(world.read(contract, "version", vec![]).await, text("second"));
    let record = world.handles.contract(contract).await.unwrap().unwrap();
    assert_eq!(&record.code.source[..], SECOND.as_bytes());
    let schema = world.handles.schema(contract).await.unwrap();
    assert!(schema["methods"]["add_many"].is_object(), "{schema}");
    world.stop().await;
}
