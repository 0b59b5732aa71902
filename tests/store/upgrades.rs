//! Code that contracts give themselves: it comes, becomes final and goes with the decision.

use agora::domain::ledger::StateVersion;
use agora::domain::{Address, Bytes, Code, Execution, Phase, Status, TxHash};
use agora::storage;

use crate::harness::{Store, alice, at, bob, call, decision, deploy, returning};
use crate::undo::{add_validators, overturned};

on_both_databases!(
    code_takes_effect_with_its_decision_and_becomes_final_with_it,
    an_appeal_judges_the_code_on_the_code_before_and_brings_that_back,
    code_without_effect_is_kept_for_whoever_judges_it_again,
    a_constructor_gives_its_contract_other_code_than_it_was_brought
);

fn code(text: &'static str) -> Code {
    Code::new(Bytes::from_static(text.as_bytes()))
}

fn replacing(text: &'static str) -> Execution {
    Execution { code: Some(code(text)), ..returning(&[(0, text)]) }
}

/// Decides the transaction with a receipt that replaces the code.
fn replace(store: &mut Store, hash: TxHash, text: &'static str) {
    let job = store.job(hash);
    store.decide(&decision(&job, Status::Accepted, replacing(text))).unwrap();
}

/// The code of the contract in a state.
fn code_in(store: &mut Store, contract: Address, version: StateVersion) -> Option<Code> {
    let view = storage::contract_view(&mut store.conn, contract, version).unwrap();
    view.map(|view| view.record.code)
}

fn code_takes_effect_with_its_decision_and_becomes_final_with_it(store: &mut Store) {
    let deployment = store.submit(&deploy(alice(), 0));
    let contract = store.job(deployment).contract;
    store.accept(deployment, &[(0, "deployed")]);
    let old = code_in(store, contract, StateVersion::Accepted);
    assert_eq!(code_in(store, contract, StateVersion::Finalized), None);
    let hash = store.submit(&call(bob(), contract, 0));
    replace(store, hash, "new code");
    assert!(store.finalize(deployment, 1_000_000));
    assert_eq!(code_in(store, contract, StateVersion::Accepted), Some(code("new code")));
    assert_eq!(code_in(store, contract, StateVersion::Finalized), old, "the state is as old");
    let record = storage::contract_get(&mut store.conn, contract).unwrap().unwrap();
    assert_eq!(record.code, code("new code"));
    // What comes next runs on the new code, and the receipt tells of it.
    let next = store.submit(&call(bob(), contract, 0));
    assert_eq!(store.job(next).code, Some(code("new code")));
    let told = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    let turn = &told.consensus.unwrap()["rounds"][0]["rotations"][0];
    let name = code("new code").hash.to_string();
    assert_eq!(turn["leader_receipt"]["code_hash"], name.as_str());
    assert!(store.finalize(hash, 1_000_000));
    assert_eq!(code_in(store, contract, StateVersion::Finalized), Some(code("new code")));
}

fn an_appeal_judges_the_code_on_the_code_before_and_brings_that_back(store: &mut Store) {
    add_validators(store);
    let contract = store.deployed();
    let old = code_in(store, contract, StateVersion::Accepted);
    let (first, second) =
        (store.submit(&call(alice(), contract, 0)), store.submit(&call(bob(), contract, 0)));
    replace(store, first, "one");
    replace(store, second, "two");
    assert_eq!(code_in(store, contract, StateVersion::Accepted), Some(code("two")));
    store.write(|conn, ctx| storage::appeal_open_in_txn(conn, ctx, first, bob(), at(6)));
    let job = store.job(first);
    assert!(matches!(job.phase, Phase::Appeal(_)));
    assert_eq!(job.code, old, "as its leader found it");
    assert_eq!(job.receipt.as_ref().unwrap().code, Some(code("one")));
    store.decide(&overturned(&job)).unwrap();
    assert_eq!(code_in(store, contract, StateVersion::Accepted), old);
    assert_eq!((store.status(first), store.status(second)), (Status::Pending, Status::Pending));
    assert_eq!(store.job(first).code, old);
}

fn code_without_effect_is_kept_for_whoever_judges_it_again(store: &mut Store) {
    add_validators(store);
    let contract = store.deployed();
    let old = code_in(store, contract, StateVersion::Accepted);
    let hash = store.submit(&call(alice(), contract, 0));
    let job = store.job(hash);
    store.decide(&decision(&job, Status::ValidatorsTimeout, replacing("late"))).unwrap();
    assert_eq!(code_in(store, contract, StateVersion::Accepted), old);
    store.write(|conn, ctx| storage::appeal_open_in_txn(conn, ctx, hash, bob(), at(6)));
    let job = store.job(hash);
    assert_eq!(job.receipt.as_ref().unwrap().code, Some(code("late")));
    assert_eq!(job.code, old);
}

fn a_constructor_gives_its_contract_other_code_than_it_was_brought(store: &mut Store) {
    add_validators(store);
    let hash = store.submit(&deploy(alice(), 0));
    let job = store.job(hash);
    let brought = job.code.clone();
    store.decide(&decision(&job, Status::Accepted, replacing("own"))).unwrap();
    assert_eq!(code_in(store, job.contract, StateVersion::Accepted), Some(code("own")));
    store.write(|conn, ctx| storage::appeal_open_in_txn(conn, ctx, hash, bob(), at(6)));
    let appeal = store.job(hash);
    assert_eq!(appeal.code, brought);
    store.decide(&overturned(&appeal)).unwrap();
    assert_eq!(code_in(store, job.contract, StateVersion::Accepted), None);
    replace(store, hash, "own again");
    assert!(store.finalize(hash, 1_000_000));
    assert_eq!(code_in(store, job.contract, StateVersion::Finalized), Some(code("own again")));
}
