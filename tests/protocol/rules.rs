//! The rules around the rounds: who may appeal what, finality, faults and orders.

use std::time::Duration;

use agora::domain::ledger::{NewTransaction, StateVersion};
use agora::domain::{
    Amount, Bytes, EventKind, ExecutionMode, Payload, Status, TransactionRules, TxHash,
};
use futures_util::future::join;

use crate::world::{WINDOW, World, account, new_transaction, on_virtual_time, short};

async fn submit(world: &World, new: NewTransaction) -> TxHash {
    let hash = world.handles.submit(new).await.unwrap().hash;
    world.quiet().await;
    hash
}

fn call_in(world: &World, mode: ExecutionMode) -> NewTransaction {
    let payload = Payload::Call { calldata: Bytes::from_static(b"x") };
    let rules = TransactionRules { mode, ..TransactionRules::default() };
    NewTransaction { rules, ..new_transaction(Some(world.contract), payload) }
}

#[test]
fn one_appeal_at_a_time_by_any_account() {
    on_virtual_time(|| async {
        let world = World::new(12, 3).await;
        let hash = world.call("1", "5A / 7A").await;
        // Both are on their way before the first can be judged.
        let appeal = |number| world.handles.open_appeal(hash, account(number));
        let (first, second) = join(appeal(7), appeal(8)).await;
        first.unwrap();
        let second = second.unwrap_err().to_string();
        assert!(second.contains("validators appeal is not decided yet"), "{second}");
        let record = world.decided(hash).await;
        let appeals = &record.consensus.unwrap()["appeals"];
        assert_eq!(appeals.as_array().unwrap().len(), 1);
        assert_eq!(appeals[0]["appellant"], account(7).to_string());
    });
}

#[test]
fn what_happens_in_an_appeal_is_told_in_the_order_in_which_it_happened() {
    for (turns, end) in [
        ("5A / 7A", "COM REV closed ACC"),
        ("5A / 7D / 11A", "COM REV overturned PEN PRO COM REV ACC"),
        ("5D / 11D", "PRO COM REV closed UND"),
        ("5D / 11A", "PRO COM REV overturned ACC"),
    ] {
        on_virtual_time(|| async {
            let world = World::new(12, 0).await;
            let hash = world.call("1", turns).await;
            world.appeal(hash).await.unwrap();
            let events = world.handles.events_after(0, 10_000).await.unwrap();
            let of_it = events.into_iter().filter(|event| event.transaction == hash);
            let told: Vec<&str> = of_it
                .map(|event| match event.kind {
                    EventKind::TransactionSubmitted => "new",
                    EventKind::StatusChanged { status, .. } => short(status),
                    EventKind::AppealOpened { .. } => "opened",
                    EventKind::AppealClosed { successful: true, .. } => "overturned",
                    EventKind::AppealClosed { successful: false, .. } => "closed",
                    EventKind::NetworkRestored { .. } => "restored",
                })
                .collect();
            let (_, after) = told.split_at(told.iter().position(|word| *word == "opened").unwrap());
            assert_eq!(after[1..].join(" "), end, "{turns}");
        });
    }
}

#[test]
fn what_is_not_decided_or_has_no_window_cannot_be_appealed() {
    on_virtual_time(|| async {
        let world = World::new(12, 3).await;
        let refusal =
            async |hash| world.handles.open_appeal(hash, account(1)).await.unwrap_err().to_string();
        let hash = world.call("1", "5A").await;
        world.finality().await;
        assert!(refusal(hash).await.contains("it is FINALIZED"));
        assert!(refusal(TxHash::new([9; 32])).await.contains("no transaction"));

        // A window of an earlier one keeps what has none of its own from being final.
        world.call("2", "5A").await;
        let only = submit(&world, call_in(&world, ExecutionMode::LeaderOnly)).await;
        assert_eq!(world.record(only).await.status, Status::Accepted);
        assert!(refusal(only).await.contains("mode LEADER_ONLY has no window"));

        let poor = NewTransaction {
            value: Amount::from(1_000_000),
            ..new_transaction(Some(account(2)), Payload::Transfer)
        };
        let transfer = submit(&world, poor).await;
        assert_eq!(world.record(transfer).await.status, Status::Undetermined);
        assert!(refusal(transfer).await.contains("a transfer has no votes"));
    });
}

#[test]
fn modes_without_validators_are_final_at_once() {
    on_virtual_time(|| async {
        let world = World::new(5, 3).await;
        for mode in [ExecutionMode::LeaderOnly, ExecutionMode::LeaderSelfValidator] {
            let hash = submit(&world, call_in(&world, mode)).await;
            let record = world.until(hash, |record| record.status == Status::Finalized).await;
            assert_eq!(record.final_from, record.decided_at, "{mode:?}");
        }
        assert_eq!(world.state(StateVersion::Finalized).await, "xx");
    });
}

#[test]
fn finality_keeps_the_order_of_a_contract_through_appeals() {
    on_virtual_time(|| async {
        let world = World::new(12, 3).await;
        let first = world.call("1", "5A / 7D / 11A").await;
        world.pass(WINDOW / 2).await;
        let second = world.call("2", "5A / 5A").await;
        world.pass(WINDOW / 3).await;
        // Just before its window closes the first is appealed, and everything starts anew.
        world.appeal(first).await.unwrap();
        world.decided(second).await;
        world.pass(WINDOW / 2).await;
        assert_eq!(world.record(first).await.status, Status::Accepted);
        assert_eq!(world.record(second).await.status, Status::Accepted);
        world.finality().await;
        let events = world.handles.events_after(0, 10_000).await.unwrap();
        let is_final = |kind: &EventKind| {
            matches!(kind, EventKind::StatusChanged { status: Status::Finalized, .. })
        };
        let ends: Vec<TxHash> = events
            .iter()
            .filter(|event| is_final(&event.kind) && event.address == world.contract)
            .map(|event| event.transaction)
            .collect();
        assert_eq!(ends[1..], [first, second], "after the deploy");
        assert_eq!(world.state(StateVersion::Finalized).await, "12");
    });
}

#[test]
fn a_finalized_state_is_that_of_the_transaction_and_not_the_newest() {
    on_virtual_time(|| async {
        let world = World::new(5, 3).await;
        let first = world.call("1", "5A").await;
        world.pass(WINDOW / 2).await;
        world.call("2", "5A").await;
        world.until(first, |record| record.status == Status::Finalized).await;
        assert_eq!(world.state(StateVersion::Accepted).await, "12");
        assert_eq!(world.state(StateVersion::Finalized).await, "1");
    });
}

#[test]
fn failing_nodes_are_replaced_and_the_cause_is_on_record() {
    on_virtual_time(|| async {
        let world = World::new(8, 3).await;
        // Two seats fail; two of the three others of the network take them.
        let hash = world.call("1", "2A 2I 3A").await;
        let record = world.record(hash).await;
        assert_eq!(record.status, Status::Accepted);
        let turn = &world.history(hash).await[0]["rotations"][0];
        assert_eq!(turn["evidence"].as_array().unwrap().len(), 2);
        assert_eq!(turn["evidence"][0]["cause"], "provider down");
        let votes = turn["committee"].as_array().unwrap();
        assert!(votes.iter().all(|seat| seat["vote"] == "agree"), "{votes:?}");
        let failed = &turn["evidence"][0]["validator"];
        assert!(votes.iter().all(|seat| seat["validator"] != *failed), "it has no seat any more");
    });
}

#[test]
fn without_anybody_left_a_failed_seat_is_idle() {
    on_virtual_time(|| async {
        let world = World::new(5, 0).await;
        let hash = world.call("1", "2A 3I").await;
        assert_eq!(world.record(hash).await.status, Status::Undetermined);
    });
}

#[test]
fn a_deterministic_violation_of_a_majority_rotates() {
    on_virtual_time(|| async {
        let world = World::new(6, 1).await;
        let hash = world.call("1", "5V / 5A").await;
        assert_eq!(world.record(hash).await.status, Status::Accepted);
        assert_eq!(world.rounds(hash).await, "initial:5,5");
    });
}

#[test]
fn a_frozen_round_is_timed_out_and_what_follows_goes_on() {
    on_virtual_time(|| async {
        let world = World::new(6, 0).await;
        let stuck = world.call("1", "LT").await;
        assert_eq!(world.record(stuck).await.status, Status::LeaderTimeout);
        let next = world.call("2", "5A").await;
        assert_eq!(world.record(next).await.status, Status::Accepted);
        world.finality().await;
        for hash in [stuck, next] {
            assert_eq!(world.record(hash).await.status, Status::Finalized);
        }
    });
}

#[test]
fn an_upgrade_is_undone_with_what_came_before_it() {
    on_virtual_time(|| async {
        let world = World::new(12, 3).await;
        let first = world.call("1", "5A / 7D / 11A").await;
        let code = Bytes::from_static(b"other");
        let payload = Payload::Upgrade { code: code.clone() };
        let upgrade = submit(&world, new_transaction(Some(world.contract), payload)).await;
        assert_eq!(world.record(upgrade).await.status, Status::Accepted, "behind an open window");
        let source =
            async || world.handles.contract(world.contract).await.unwrap().unwrap().code.source;
        assert_eq!(source().await, code);
        world.appeal(first).await.unwrap();
        assert_eq!(world.statuses(upgrade).await, "PRO ACC PEN PRO ACC");
        assert_eq!(source().await, code);
        world.finality().await;
        assert_eq!(world.record(upgrade).await.status, Status::Finalized);
    });
}

#[test]
fn without_validators_a_transaction_waits_and_says_why() {
    on_virtual_time(|| async {
        let world = World::new(1, 3).await;
        let validators = world.handles.validators().await.unwrap();
        let change = agora::domain::ledger::ValidatorChange::Delete {
            address: validators[0].validator.address,
        };
        world.handles.change_validators(change).await.unwrap();
        let new = call_in(&world, ExecutionMode::Normal);
        let hash = world.handles.submit(new).await.unwrap().hash;
        world.pass(Duration::from_secs(2)).await;
        let record = world.record(hash).await;
        assert_eq!(record.status, Status::Pending);
        assert!(record.reason.unwrap().contains("no validator has stake"));
        world.handles.cancel(hash).await.unwrap();
        assert_eq!(world.record(hash).await.status, Status::Canceled);
        world.assert_conserved().await;
    });
}
