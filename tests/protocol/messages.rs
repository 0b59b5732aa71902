//! What contracts send: when it arrives, in which order, what it costs, and how it is taken back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agora::domain::calldata::Value;
use agora::domain::ledger::{NewTransaction, StateVersion, TransactionRecord};
use agora::domain::{
    Address, Amount, Bytes, EmittedMessage, EventKind, Execution, ExecutionMode, ExecutionOutcome,
    MessageBody, Payload, StateDelta, Status, TransactionRules, Trigger, TxHash, U256,
};
use agora::execution::scripted::Scripted;
use agora::execution::{ExecutionRequest, Role};
use serde::{Deserialize, Serialize};

use crate::stage::{call, state_of, submit};
use crate::world::{World, account, new_transaction, on_virtual_time, page};

/// What a contract does when it is called with this as calldata.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Program {
    /// Is appended to its state.
    mark: String,
    sends: Vec<EmittedMessage>,
    fails: bool,
}

impl Program {
    fn marking(mark: &str) -> Self {
        Self { mark: mark.into(), ..Self::default() }
    }

    fn failing() -> Self {
        Self { fails: true, ..Self::default() }
    }

    fn text(&self) -> String {
        serde_json::to_string(self).unwrap()
    }

    fn calldata(&self) -> Bytes {
        self.text().into_bytes().into()
    }
}

/// Runs the program that the calldata is; of the next validators, `doubts` disagree.
fn execute(request: &ExecutionRequest, doubts: &Mutex<usize>) -> Execution {
    let program: Program = serde_json::from_slice(&request.calldata).unwrap_or_default();
    if program.fails {
        return Execution::ending(ExecutionOutcome::UserError("no".into()));
    }
    let mut execution = Execution::ending(ExecutionOutcome::Return(Bytes::new()));
    if !program.mark.is_empty() {
        let before = request.snapshot.pages.get(&page()).cloned().unwrap_or_default();
        let state = [before.as_ref(), program.mark.as_bytes()].concat();
        execution.state = StateDelta([(page(), Bytes::from(state))].into());
    }
    execution.messages = program.sends;
    execution.block_outputs = vec![Bytes::from_static(b"output")];
    let mut doubts = doubts.lock().unwrap();
    if matches!(request.role, Role::Validator(_)) && *doubts > 0 {
        *doubts -= 1;
        execution.disagreed_block = Some(0);
    }
    execution
}

/// A network with two contracts; the first one sends.
struct Post {
    world: World,
    sender: Address,
    other: Address,
    doubts: Arc<Mutex<usize>>,
}

impl Post {
    async fn new() -> Self {
        let doubts = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&doubts);
        let executor = Scripted::new(move |request| Ok(execute(request, &counted)));
        let world = World::running(12, 0, Arc::default(), executor, |_| {}).await;
        let payload =
            Payload::Deploy { code: Bytes::from_static(b"other"), calldata: Bytes::new() };
        let rules = TransactionRules { mode: ExecutionMode::LeaderOnly, ..Default::default() };
        let deploy = NewTransaction { rules, ..new_transaction(None, payload) };
        let other = world.handles.submit(deploy).await.unwrap().contract.unwrap();
        world.quiet().await;
        Self { sender: world.contract, world, other, doubts }
    }

    /// Lets the first contract send, with what it is paid; waits until all that follows at once
    /// is decided.
    async fn send(&self, value: u64, sends: Vec<EmittedMessage>) -> TransactionRecord {
        let program = Program { mark: "!".into(), sends, fails: false };
        let rules = TransactionRules { rotations_max: 0, ..TransactionRules::default() };
        let new = call(self.sender, &program.text());
        let hash = submit(&self.world, NewTransaction { value: value.into(), rules, ..new }).await;
        self.world.decided(hash).await
    }

    /// The only child there is.
    async fn child(&self, parent: &TransactionRecord) -> TransactionRecord {
        let [child] = self.children(parent).await.try_into().unwrap();
        child
    }

    async fn children(&self, parent: &TransactionRecord) -> Vec<TransactionRecord> {
        let mut children = Vec::new();
        for hash in self.world.record(parent.transaction.hash).await.children {
            children.push(self.world.record(hash).await);
        }
        children
    }

    async fn state(&self, contract: Address) -> String {
        state_of(&self.world, contract, StateVersion::Accepted).await
    }

    async fn balance(&self, address: Address) -> Amount {
        self.world.assert_conserved().await;
        self.world.handles.account(address).await.unwrap().balance
    }

    /// Everything becomes final, and no money is lost or left.
    async fn finish(&self) {
        for _ in 0..1_000 {
            self.world.assert_conserved().await;
            if self.world.all().await.iter().all(|record| record.status.is_terminal()) {
                assert!(self.world.handles.supply().await.unwrap().locked.is_zero());
                return;
            }
            self.world.pass(Duration::from_secs(1)).await;
        }
        panic!("something is never final: {:?}", self.world.all().await);
    }
}

fn message(on: Trigger, value: u64, body: MessageBody) -> EmittedMessage {
    EmittedMessage { on, value: value.into(), body }
}

fn calling(to: Address, on: Trigger, value: u64, program: &Program) -> EmittedMessage {
    message(on, value, MessageBody::Call { to, calldata: program.calldata() })
}

fn deploying(value: u64, salt: Option<u64>, mark: &str) -> EmittedMessage {
    let code = Bytes::copy_from_slice(format!("class {mark}").as_bytes());
    let calldata = Program::marking(mark).calldata();
    let body = MessageBody::Deploy { code, calldata, salt: salt.map(U256::from) };
    message(Trigger::Accepted, value, body)
}

/// How the execution of a transaction ended: kind and value.
fn outcome(record: &TransactionRecord) -> [String; 2] {
    let receipt =
        &record.consensus.as_ref().unwrap()["rounds"][0]["rotations"][0]["leader_receipt"];
    ["outcome", "result"].map(|field| receipt[field].as_str().unwrap_or_default().to_owned())
}

#[test]
fn what_is_sent_on_acceptance_arrives_at_once_and_the_rest_with_finality() {
    on_virtual_time(|| async {
        let post = Post::new().await;
        let late = calling(post.other, Trigger::Finalized, 5, &Program::marking("late"));
        let soon = calling(post.other, Trigger::Accepted, 7, &Program::marking("soon"));
        let parent = post.send(12, vec![late, soon]).await;
        assert_eq!(post.state(post.other).await, "soon");
        assert_eq!(post.balance(post.other).await, Amount::from(7));
        assert_eq!(post.balance(post.sender).await, Amount::ZERO, "both are paid for");
        let hash = parent.transaction.hash;
        assert_eq!(post.child(&parent).await.parent, Some((hash, Trigger::Accepted)));
        post.world.until(hash, |record| record.status == Status::Finalized).await;
        post.world.quiet().await;
        assert_eq!(post.state(post.other).await, "soonlate");
        assert_eq!(post.balance(post.other).await, Amount::from(12));
        let children = post.children(&parent).await;
        assert_eq!(children[1].parent, Some((hash, Trigger::Finalized)));
        for child in children {
            assert_eq!(child.transaction.from, Some(post.sender));
            assert_eq!(child.transaction.rules, parent.transaction.rules, "judged as its parent");
        }
        post.finish().await;
    });
}

#[test]
fn parents_come_before_children_and_children_in_the_order_they_were_sent() {
    on_virtual_time(|| async {
        let post = Post::new().await;
        let sends = ["1", "2"]
            .map(|mark| calling(post.other, Trigger::Accepted, 0, &Program::marking(mark)));
        let own = calling(post.sender, Trigger::Accepted, 0, &Program::marking("?"));
        let parent = post.send(0, [own].into_iter().chain(sends).collect()).await;
        assert_eq!(post.state(post.other).await, "12");
        assert_eq!(post.state(post.sender).await, "!?");
        let children = post.children(&parent).await;
        // The window of the second child closes before its parent's: it has to wait.
        let child = children[1].transaction.hash;
        post.world.appeal(child).await.unwrap();
        let early = post.world.record(child).await.final_from.unwrap();
        assert!(early < post.world.record(parent.transaction.hash).await.final_from.unwrap());
        post.finish().await;
        let events = post.world.handles.events_after(0, 10_000).await.unwrap();
        let ends: Vec<TxHash> = events
            .iter()
            .filter(|event| {
                let end = EventKind::StatusChanged { status: Status::Finalized, rotation: None };
                event.kind == end
            })
            .map(|event| event.transaction)
            .collect();
        let place = |record: &TransactionRecord| {
            ends.iter().position(|hash| *hash == record.transaction.hash).unwrap()
        };
        let places: Vec<usize> = children.iter().map(place).collect();
        assert!(places.iter().all(|child| *child > place(&parent)), "{places:?}");
        assert!(places[1] < places[2], "{places:?}");
    });
}

#[test]
fn a_salted_deployment_goes_to_its_address_and_a_plain_one_to_its_own() {
    on_virtual_time(|| async {
        let post = Post::new().await;
        let parent = post.send(9, vec![deploying(4, Some(7), "A"), deploying(5, None, "B")]).await;
        let salted = Address::of_salted_deployment(&post.sender, U256::from(7), 1);
        let plain = post.children(&parent).await[1].transaction.queue_address();
        for (address, code, value) in [(salted, "A", 4), (plain, "B", 5)] {
            let contract = post.world.handles.contract(address).await.unwrap().unwrap();
            assert_eq!(contract.code.source, Bytes::from(format!("class {code}").into_bytes()));
            assert_eq!(post.state(address).await, code);
            assert_eq!(post.balance(address).await, Amount::from(value));
        }
        post.finish().await;
    });
}

#[test]
fn a_deployment_where_a_contract_is_ends_with_address_taken() {
    on_virtual_time(|| async {
        let post = Post::new().await;
        post.send(0, vec![deploying(0, Some(7), "A")]).await;
        let parent = post.send(30, vec![deploying(30, Some(7), "B")]).await;
        let child = post.child(&parent).await;
        assert_eq!(outcome(&child), ["vm_error", "address_taken"]);
        let address = Address::of_salted_deployment(&post.sender, U256::from(7), 1);
        assert_eq!(post.state(address).await, "A");
        post.finish().await;
        assert_eq!(post.balance(address).await, Amount::ZERO);
        assert_eq!(post.balance(post.sender).await, Amount::from(30), "its value is back");
    });
}

#[test]
fn money_for_an_account_arrives_with_finality() {
    on_virtual_time(|| async {
        let post = Post::new().await;
        let transfer = message(Trigger::Accepted, 40, MessageBody::Transfer { to: account(2) });
        // Many contracts spell it so.
        let calldata = Bytes::from(Value::Map([].into()).encode());
        let bare = MessageBody::Call { to: account(2), calldata };
        let parent = post.send(50, vec![transfer, message(Trigger::Accepted, 2, bare)]).await;
        assert!(post.children(&parent).await.is_empty());
        assert_eq!(post.balance(account(2)).await, Amount::from(1_000));
        assert_eq!(post.balance(post.sender).await, Amount::from(8), "it is taken already");
        post.finish().await;
        assert_eq!(post.balance(account(2)).await, Amount::from(1_042));
        for child in post.children(&parent).await {
            assert_eq!(child.transaction.payload, Payload::Transfer);
            assert_eq!(post.world.statuses(child.transaction.hash).await, "FIN");
        }
    });
}

#[test]
fn the_value_of_a_call_that_fails_goes_back_with_finality() {
    on_virtual_time(|| async {
        let post = Post::new().await;
        let failing = calling(post.other, Trigger::Accepted, 60, &Program::failing());
        let parent = post.send(100, vec![failing]).await;
        let child = post.child(&parent).await;
        assert_eq!(
            (child.status, outcome(&child)),
            (Status::Accepted, ["user_error", "no"].map(Into::into))
        );
        assert_eq!(post.balance(post.sender).await, Amount::from(40), "an appeal could need it");
        assert_eq!(post.balance(post.other).await, Amount::ZERO);
        post.finish().await;
        assert_eq!(post.balance(post.sender).await, Amount::from(100));
        assert_eq!(post.balance(post.other).await, Amount::ZERO);
    });
}

#[test]
fn a_contract_that_sends_more_than_it_has_fails_and_sends_nothing() {
    on_virtual_time(|| async {
        let post = Post::new().await;
        post.send(3, Vec::new()).await;
        let half = || calling(post.other, Trigger::Accepted, 7, &Program::marking("never"));
        let refused = post.send(10, vec![half(), half()]).await;
        assert_eq!(outcome(&refused), ["vm_error", "insufficient_balance"]);
        assert!(post.children(&refused).await.is_empty());
        assert_eq!(post.state(post.sender).await, "!", "nothing of the second call");
        let exactly = post.send(11, vec![half(), half()]).await;
        assert_eq!(post.children(&exactly).await.len(), 2);
        assert_eq!(post.balance(post.sender).await, Amount::ZERO);
        post.finish().await;
        assert_eq!(post.balance(account(0)).await, Amount::from(1_000 - 3 - 11), "10 are back");
    });
}

#[test]
fn what_nobody_agreed_to_sends_nothing() {
    on_virtual_time(|| async {
        let post = Post::new().await;
        *post.doubts.lock().unwrap() = 5;
        let sent = |on| calling(post.other, on, 5, &Program::marking("never"));
        let parent = post.send(10, vec![sent(Trigger::Accepted), sent(Trigger::Finalized)]).await;
        assert_eq!(parent.status, Status::Undetermined);
        post.finish().await;
        assert!(post.children(&parent).await.is_empty());
        assert_eq!(post.balance(account(0)).await, Amount::from(1_000));
    });
}

#[test]
fn an_overturned_parent_withdraws_its_children_and_sends_them_anew() {
    on_virtual_time(|| async {
        let post = Post::new().await;
        let grandchild = calling(post.sender, Trigger::Accepted, 4, &Program::marking("g"));
        let program = Program { sends: vec![grandchild], ..Program::marking("c") };
        let parent =
            post.send(25, vec![calling(post.other, Trigger::Accepted, 25, &program)]).await;
        let first = post.child(&parent).await;
        let grandchild = post.child(&first).await;
        let after = submit(&post.world, call(post.other, &Program::marking("+").text())).await;
        post.world.decided(after).await;
        assert_eq!(
            (post.state(post.sender).await, post.state(post.other).await),
            ("!g".into(), "c+".into())
        );
        *post.doubts.lock().unwrap() = 7;
        post.world.appeal(parent.transaction.hash).await.unwrap();
        for withdrawn in [&first, &grandchild] {
            let record = post.world.record(withdrawn.transaction.hash).await;
            assert_eq!(record.status, Status::Canceled);
            assert!(record.reason.unwrap().contains("withdrawn"));
        }
        let children = post.children(&parent).await;
        assert_eq!(children.len(), 2, "the withdrawn one stays on record");
        assert_eq!(children[1].status, Status::Accepted);
        // What came after the child comes before the one that is sent anew.
        assert_eq!(
            (post.state(post.sender).await, post.state(post.other).await),
            ("!g".into(), "+c".into())
        );
        assert_eq!(post.world.statuses(after).await, "PRO COM REV ACC PEN PRO COM REV ACC");
        assert_eq!(post.balance(post.sender).await, Amount::from(4));
        assert_eq!(post.balance(post.other).await, Amount::from(21));
        post.finish().await;
        assert_eq!(post.balance(post.other).await, Amount::from(21), "once and not twice");
    });
}
