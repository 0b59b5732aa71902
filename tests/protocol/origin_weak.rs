//! What the founding document itself calls weak, and is not so here (`origin.md`, the end).
//! Duplicates in queues are row 4.

use std::time::Duration;

use agora::domain::ledger::{NewTransaction, StateVersion};
use agora::domain::{Amount, Payload, Profile, Status, TransactionRules};
use tokio::time::Instant;

use crate::stage::{
    SLOW, another_contract, call, ended, origin, run, staged, state_of, status_now, submit,
};
use crate::world::{account, new_transaction, on_virtual_time};

#[test]
fn a_slow_model_blocks_nobody_but_its_own_contract() {
    on_virtual_time(|| async {
        let (world, _) = origin(5).await;
        let contract = another_contract(&world, "").await;
        let before = Instant::now();
        let slow = submit(&world, call(world.contract, "slow")).await;
        let quick = run(&world, call(contract, "quick")).await;
        let transfer = NewTransaction {
            value: Amount::from(1),
            ..new_transaction(Some(account(1)), Payload::Transfer)
        };
        let transfer = run(&world, transfer).await;
        assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
        assert_eq!((quick.status, transfer.status), (Status::Finalized, Status::Finalized));
        assert_eq!(status_now(&world, slow).await, Status::Proposing);
        ended(&world, slow).await;
        assert!(before.elapsed() >= 2 * SLOW);
    });
}

#[test]
fn an_exception_strands_no_transaction() {
    on_virtual_time(|| async {
        let (world, _) = origin(5).await;
        let new = NewTransaction { value: Amount::from(9), ..call(world.contract, "panic") };
        let failed = submit(&world, new).await;
        let next = submit(&world, call(world.contract, "next")).await;
        for (hash, statuses) in [(failed, "PRO UND FIN"), (next, "PRO COM REV ACC FIN")] {
            ended(&world, hash).await;
            assert_eq!(world.statuses(hash).await, statuses);
        }
        let evidence = &world.history(failed).await[0]["rotations"][0]["evidence"];
        assert_eq!(evidence[0]["cause"], "the node panicked");
        let sender = world.handles.account(account(0)).await.unwrap();
        assert_eq!(sender.balance, Amount::from(1_000), "its value is back");
        world.assert_conserved().await;
    });
}

#[test]
fn a_transaction_that_fails_does_not_stay_revealing() {
    on_virtual_time(|| async {
        let (world, stage) = origin(5).await;
        stage.dissent(4);
        let record = run(&world, call(world.contract, "a")).await;
        assert_eq!(record.status, Status::Finalized);
        assert_eq!(world.statuses(record.transaction.hash).await, "PRO COM REV UND FIN");
        assert!(record.reason.unwrap().contains("no agreement"));
    });
}

#[test]
fn a_threshold_under_a_majority_is_gone_but_for_this_profile() {
    on_virtual_time(|| async {
        for (profile, dissenters, status) in [
            (Profile::Origin, 3, Status::Finalized),
            (Profile::Studio, 3, Status::Undetermined),
            (Profile::Studio, 2, Status::Accepted),
        ] {
            let (world, stage) = staged(5, profile).await;
            stage.dissent(dissenters);
            let rules = TransactionRules { rotations_max: 0, ..TransactionRules::default() };
            let hash = submit(&world, NewTransaction { rules, ..call(world.contract, "a") }).await;
            world.quiet().await;
            let expected = if status == Status::Undetermined { "deploy" } else { "deploya" };
            let found = state_of(&world, world.contract, StateVersion::Accepted).await;
            assert_eq!(found, expected, "{profile} {dissenters}");
            let record = world.until(hash, |record| record.status == status).await;
            assert_eq!(record.attempt, 0);
        }
    });
}

#[test]
fn two_queues_cannot_spend_one_balance_twice() {
    on_virtual_time(|| async {
        let (world, _) = origin(5).await;
        let mut hashes = Vec::new();
        for recipient in 1..4 {
            let new = new_transaction(Some(account(recipient)), Payload::Transfer);
            let new = NewTransaction { value: Amount::from(400), ..new };
            hashes.push(submit(&world, new).await);
        }
        let mut moved = 0;
        for hash in hashes {
            ended(&world, hash).await;
            moved += u32::from(world.statuses(hash).await == "FIN");
        }
        assert_eq!(moved, 2, "1000 pays 400 twice");
        let sender = world.handles.account(account(0)).await.unwrap();
        assert_eq!(sender.balance, Amount::from(200));
        world.assert_conserved().await;
    });
}
