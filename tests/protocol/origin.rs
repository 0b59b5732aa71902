//! The founding document, row by row (`origin.md`), under profile `origin`; then what the document
//! itself calls weak, and is not so here.

use std::collections::BTreeSet;
use std::time::Duration;

use agora::domain::ledger::{
    NewTransaction, Position, StateVersion, TransactionFilter, ValidatorChange,
};
use agora::domain::{
    Address, Amount, EventKind, ExecutionOutcome, Payload, Stake, Status, TransactionRules, TxHash,
};
use tokio::time::Instant;

use crate::stage::{
    SLOW, another_contract, call, deploy, ended, origin, run, state_of, status_now, submit,
};
use crate::world::{World, account, new_transaction, on_virtual_time};

const START: u64 = 1_000;

fn transfer(from: Option<Address>, to: Option<Address>, value: u64) -> NewTransaction {
    NewTransaction { from, value: value.into(), ..new_transaction(to, Payload::Transfer) }
}

async fn balance(world: &World, number: u64) -> Amount {
    world.handles.account(account(number)).await.unwrap().balance
}

/// The beginnings and ends of all rounds of one queue, as they were published.
async fn rounds_of(world: &World, queue: Address) -> Vec<(TxHash, Status)> {
    let events = world.handles.events_after(0, 10_000).await.unwrap();
    let of_queue = events.into_iter().filter(|event| event.address == queue);
    let statuses = of_queue.filter_map(|event| match event.kind {
        EventKind::StatusChanged { status, .. } => Some((event.transaction, status)),
        _ => None,
    });
    statuses.filter(|(_, it)| matches!(it, Status::Proposing | Status::Accepted)).collect()
}

/// Row 1, `ConsensusAlgorithm` with its database, its messages and `queues`: one FIFO per address.
#[test]
fn row_01_there_is_one_queue_per_address_first_in_first_out() {
    on_virtual_time(|| async {
        let (world, _) = origin(5).await;
        let contracts = [world.contract, another_contract(&world, "").await];
        let mut hashes = [Vec::new(), Vec::new()];
        let before = Instant::now();
        for number in 0..3 {
            for (contract, hashes) in contracts.iter().zip(&mut hashes) {
                hashes.push(submit(&world, call(*contract, &format!("slow{number}"))).await);
            }
        }
        world.quiet().await;
        for (contract, hashes) in contracts.into_iter().zip(hashes) {
            let expected: Vec<(TxHash, Status)> = hashes
                .into_iter()
                .flat_map(|hash| [(hash, Status::Proposing), (hash, Status::Accepted)])
                .collect();
            assert_eq!(rounds_of(&world, contract).await[2..], expected, "one after the other");
        }
        let all = 3 * 2 * SLOW;
        assert!(before.elapsed() < all + SLOW, "the queues did not wait for each other");
    });
}

/// Row 2, `run_crawl_snapshot_loop`: everything pending, into the queue of `to` or else `from`.
#[test]
fn row_02_what_is_pending_is_found_and_put_into_the_queue_of_its_recipient_or_else_sender() {
    on_virtual_time(|| async {
        let (world, _) = origin(5).await;
        for (new, queue) in [
            (transfer(Some(account(0)), Some(account(1)), 1), account(1)),
            (transfer(Some(account(0)), None, 1), account(0)),
            (transfer(None, Some(account(2)), 1), account(2)),
            (call(world.contract, "a"), world.contract),
        ] {
            let record = run(&world, new).await;
            assert_eq!(record.status, Status::Finalized);
            let events = world.handles.events_after(0, 10_000).await.unwrap();
            let mut of_it =
                events.iter().filter(|event| event.transaction == record.transaction.hash);
            assert!(of_it.all(|event| event.address == queue), "{:?}", record.transaction);
        }
        // For ever: nobody says a word when somebody comes who can decide what waits.
        let validators = world.handles.validators().await.unwrap();
        for record in &validators {
            let address = record.validator.address;
            world.handles.change_validators(ValidatorChange::Delete { address }).await.unwrap();
        }
        let waiting = submit(&world, call(world.contract, "b")).await;
        world.pass(Duration::from_secs(30)).await;
        assert_eq!(world.record(waiting).await.status, Status::Pending);
        let back = ValidatorChange::Create {
            address: None,
            stake: validators[0].validator.stake,
            models: None,
        };
        world.handles.change_validators(back).await.unwrap();
        assert_eq!(ended(&world, waiting).await.status, Status::Finalized);
    });
}

/// Row 3, `run_consensus_loop`: one of every queue at a time, concurrently; errors stop nothing.
#[test]
fn row_03_every_queue_runs_one_at_a_time_and_an_error_does_not_stop_the_loop() {
    on_virtual_time(|| async {
        let (world, stage) = origin(5).await;
        let mut contracts = vec![world.contract];
        for _ in 0..3 {
            contracts.push(another_contract(&world, "").await);
        }
        let failing = submit(&world, call(world.contract, "panic")).await;
        for contract in &contracts {
            submit(&world, call(*contract, "slow")).await;
        }
        world.quiet().await;
        assert_eq!(
            ended(&world, failing).await.consensus.unwrap()["rounds"][0]["status"],
            "UNDETERMINED"
        );
        let leaders = stage.ran("slow").into_iter().filter(|ran| ran.receipt.is_none());
        let (places, starts): (BTreeSet<Address>, Vec<Instant>) =
            leaders.map(|ran| (ran.contract, ran.since)).unzip();
        assert_eq!(places, contracts.into_iter().collect());
        let spread = *starts.iter().max().unwrap() - *starts.iter().min().unwrap();
        assert!(spread < SLOW, "they ran at the same time, also after the error: {spread:?}");
    });
}

/// Row 4, the guard of `exec_transaction` against what was pushed twice (issue 387).
#[test]
fn row_04_what_is_found_twice_is_executed_once() {
    on_virtual_time(|| async {
        let (world, stage) = origin(5).await;
        let new =
            NewTransaction { idempotency_key: Some("once".into()), ..call(world.contract, "slow") };
        let hash = submit(&world, new.clone()).await;
        for _ in 0..100 {
            // Every submission makes the crawler look.
            assert_eq!(submit(&world, new.clone()).await, hash);
            world.pass(Duration::from_millis(300)).await;
        }
        assert_eq!(ended(&world, hash).await.attempt, 0);
        assert_eq!(submit(&world, new).await, hash, "nor when it is long over");
        world.quiet().await;
        assert_eq!(stage.ran("slow").len(), 5);
        assert_eq!(state_of(&world, world.contract, StateVersion::Accepted).await, "deployslow");
    });
}

/// Row 5, PROPOSING: set as execution starts.
#[test]
fn row_05_it_is_proposing_while_the_leader_executes() {
    on_virtual_time(|| async {
        let (world, stage) = origin(5).await;
        let hash = submit(&world, call(world.contract, "slow")).await;
        world.pass(SLOW / 2).await;
        assert_eq!(status_now(&world, hash).await, Status::Proposing);
        assert_eq!(stage.ran("slow").len(), 1);
    });
}

/// Row 6, `execute_transfer`: no consensus; null mints and burns; too little and nothing moves.
#[test]
fn row_06_transfers_fund_burn_and_move_or_end_undetermined() {
    on_virtual_time(|| async {
        let (world, stage) = origin(5).await;
        let (alice, bob) = (Some(account(0)), Some(account(1)));
        for (new, statuses, balances) in [
            (transfer(alice, bob, 300), "FIN", [START - 300, START + 300]),
            (transfer(None, alice, 50), "FIN", [START - 250, START + 300]),
            (transfer(bob, None, 1_200), "FIN", [START - 250, START - 900]),
            (transfer(bob, alice, 101), "UND FIN", [START - 250, START - 900]),
        ] {
            let record = run(&world, new).await;
            assert_eq!(world.statuses(record.transaction.hash).await, statuses);
            assert_eq!(record.consensus, None, "nobody votes");
            let found = [balance(&world, 0).await, balance(&world, 1).await];
            assert_eq!(found, balances.map(Amount::from));
            world.assert_conserved().await;
        }
        assert_eq!(stage.ran("").len(), 0);
        let supply = world.handles.supply().await.unwrap();
        assert_eq!(supply.minted, Amount::from(4 * START + 50));
        assert_eq!(supply.burned, Amount::from(1_200));
    });
}

/// Row 7, `get_validators_for_transaction`: a leader and the remaining validators, drawn by stake.
#[test]
fn row_07_a_leader_and_four_others_are_drawn_by_stake() {
    on_virtual_time(|| async {
        let (world, _) = origin(9).await;
        let rich = ValidatorChange::Create {
            address: None,
            stake: Stake::try_from(91).unwrap(),
            models: None,
        };
        let rich = world.handles.change_validators(rich).await.unwrap().validator.address;
        let (mut leads, mut sits) = (0, 0);
        for number in 0..40 {
            let record = run(&world, call(world.contract, &format!("{number}."))).await;
            let committee = world.committees(record.transaction.hash).await[0][0].clone();
            assert_eq!(committee.iter().collect::<BTreeSet<_>>().len(), 5, "five different ones");
            leads += u32::from(committee[0] == rich.to_string());
            sits += u32::from(committee.contains(&rich.to_string()));
        }
        // It has 91 of 100 shares of the stake.
        assert!((32..40).contains(&leads), "it led {leads} times of 40");
        assert_eq!(sits, 40);
    });
}

/// Row 8, `ContractSnapshot`: the state all nodes execute against.
#[test]
fn row_08_all_nodes_execute_against_the_accepted_state() {
    on_virtual_time(|| async {
        let (world, stage) = origin(5).await;
        for text in ["a", "b"] {
            submit(&world, call(world.contract, text)).await;
        }
        world.quiet().await;
        let found: Vec<String> = stage.ran("b").into_iter().map(|ran| ran.found).collect();
        assert_eq!(found, ["deploya"; 5]);
    });
}

/// Row 9, the leader's `Node`: its receipt carries its vote and the new state.
#[test]
fn row_09_the_leaders_receipt_carries_its_vote_and_the_new_state() {
    on_virtual_time(|| async {
        let (world, stage) = origin(5).await;
        stage.dissent(3);
        let hash = run(&world, call(world.contract, "a")).await.transaction.hash;
        let turn = &world.history(hash).await[0]["rotations"][0];
        let ran = stage.ran("a");
        let leaders: Vec<_> = ran.iter().filter(|ran| ran.receipt.is_none()).collect();
        assert_eq!(leaders.len(), 1);
        assert_eq!(turn["committee"][0]["validator"], leaders[0].node.to_string());
        assert_eq!(turn["committee"][0]["vote"], "agree", "it has voted with its receipt");
        assert!(ran[1..].iter().all(|ran| ran.node != leaders[0].node), "and is not asked again");
        assert_eq!(turn["leader_receipt"]["outcome"], "return");
        assert_eq!(turn["leader_receipt"]["pages_written"], 1);
    });
}

/// Row 10, COMMITTING: when the leader has executed; validators get its receipt.
#[test]
fn row_10_it_is_committing_while_validators_judge_the_leaders_receipt() {
    on_virtual_time(|| async {
        let (world, stage) = origin(5).await;
        let hash = submit(&world, call(world.contract, "slow")).await;
        world.pass(SLOW + SLOW / 2).await;
        assert_eq!(status_now(&world, hash).await, Status::Committing);
        let ran = stage.ran("slow");
        assert_eq!(ran.len(), 5);
        for validator in &ran[1..] {
            let receipt = validator.receipt.as_ref().unwrap();
            let returned = ExecutionOutcome::Return(b"slow".as_slice().to_vec().into());
            assert_eq!(receipt.outcome, returned);
            assert_eq!(receipt.state.0.len(), 1);
        }
    });
}

/// Row 11: all validators at the same time, votes by address, then REVEALING.
#[test]
fn row_11_validators_execute_at_the_same_time_and_then_reveal() {
    on_virtual_time(|| async {
        let (world, stage) = origin(5).await;
        stage.dissent(1);
        let before = Instant::now();
        let hash = run(&world, call(world.contract, "slow")).await.transaction.hash;
        assert!(before.elapsed() < 2 * SLOW + SLOW / 2, "{:?}", before.elapsed());
        let starts: BTreeSet<Instant> =
            stage.ran("slow")[1..].iter().map(|ran| ran.since).collect();
        assert_eq!(starts.len(), 1);
        let turn = &world.history(hash).await[0]["rotations"][0];
        let dissenter = &stage.ran("slow")[1].node.to_string();
        for seat in turn["committee"].as_array().unwrap() {
            let vote = if seat["validator"] == **dissenter { "disagree" } else { "agree" };
            assert_eq!(seat["vote"], vote, "{seat}");
        }
        assert_eq!(world.statuses(hash).await, "PRO COM REV ACC FIN");
    });
}

/// Row 12, counting: fails when agrees < number of validators // 2.
#[test]
fn row_12_half_of_the_committee_rounded_down_is_enough() {
    on_virtual_time(|| async {
        let (world, stage) = origin(7).await;
        for (validators, dissenters, ends) in [
            (5, 0, "ACC"),
            (5, 3, "ACC"),
            (5, 4, "UND"),
            (4, 2, "ACC"),
            (4, 3, "UND"),
            (7, 4, "ACC"),
            (7, 5, "UND"),
            (3, 2, "ACC"),
            (2, 1, "ACC"),
        ] {
            stage.dissent(dissenters);
            let rules = TransactionRules { validators, ..TransactionRules::default() };
            let new = NewTransaction { rules, ..call(world.contract, "a") };
            let hash = run(&world, new).await.transaction.hash;
            let expected = format!("PRO COM REV {ends} FIN");
            assert_eq!(world.statuses(hash).await, expected, "{dissenters} of {validators}");
            assert_eq!(world.rounds(hash).await, format!("initial:{validators}"), "no rotation");
        }
    });
}

/// Row 13, `ConsensusData`: votes by address, leader receipt, validator results.
#[test]
fn row_13_votes_receipt_and_results_are_kept() {
    on_virtual_time(|| async {
        let (world, _) = origin(5).await;
        let record = run(&world, call(world.contract, "a")).await;
        let round = &world.history(record.transaction.hash).await[0];
        assert_eq!((&round["phase"], &round["status"]), (&"initial".into(), &"ACCEPTED".into()));
        let turn = &round["rotations"][0];
        let seats = turn["committee"].as_array().unwrap();
        let validators = world.handles.validators().await.unwrap();
        let known: BTreeSet<String> =
            validators.iter().map(|record| record.validator.address.to_string()).collect();
        assert!(seats.iter().all(|seat| known.contains(seat["validator"].as_str().unwrap())));
        assert!(seats.iter().all(|seat| seat["vote"] == "agree" && seat["commitment"] != "null"));
        assert_eq!((seats.len(), &turn["leader_receipt"]["outcome"]), (5, &"return".into()));
    });
}

/// Row 14, contract writes: a deploy registers id, state and code; anything else updates the state.
#[test]
fn row_14_a_deploy_registers_a_contract_and_a_call_changes_its_state() {
    on_virtual_time(|| async {
        let (world, stage) = origin(5).await;
        let contract = another_contract(&world, "initial").await;
        let stored = world.handles.contract(contract).await.unwrap().unwrap();
        assert_eq!(stored.address, contract);
        assert_eq!(stored.code.source, agora::domain::Bytes::from_static(b"pass"));
        let found = async || state_of(&world, contract, StateVersion::Accepted).await;
        assert_eq!(found().await, "initial");
        run(&world, call(contract, "-changed")).await;
        assert_eq!(found().await, "initial-changed");
        stage.dissent(4);
        run(&world, call(contract, "-refused")).await;
        assert_eq!(found().await, "initial-changed");
        stage.dissent(4);
        let refused = world.handles.submit(deploy("never")).await.unwrap();
        ended(&world, refused.hash).await;
        assert!(world.handles.contract(refused.contract.unwrap()).await.unwrap().is_none());
    });
}

/// Row 15, `set_transaction_result`: stores the consensus data and finalises.
#[test]
fn row_15_what_is_decided_is_final_without_rotations_appeals_or_a_window() {
    on_virtual_time(|| async {
        let (world, stage) = origin(25).await;
        assert_eq!(world.handles.finality_window().await.unwrap(), Duration::ZERO);
        for (dissenters, decision) in [(0, "ACC"), (4, "UND")] {
            stage.dissent(dissenters);
            let record = run(&world, call(world.contract, "a")).await;
            let hash = record.transaction.hash;
            assert_eq!(record.final_from, record.decided_at);
            let took = record.finalized_at.unwrap().since(record.decided_at.unwrap());
            assert!(took < Duration::from_millis(100), "{took:?}");
            assert_eq!(world.statuses(hash).await, format!("PRO COM REV {decision} FIN"));
            assert!(record.consensus.is_some());
            let refused = world.handles.open_appeal(hash, account(1)).await.unwrap_err();
            assert!(refused.to_string().contains("profile origin"), "{refused}");
        }
        assert_eq!(state_of(&world, world.contract, StateVersion::Finalized).await, "deploya");
        let longer = world.handles.change_finality_window(Duration::from_secs(9)).await;
        assert!(longer.unwrap_err().to_string().contains("profile `origin`"));
    });
}

/// Row 16, the processors: transactions, accounts, chain and contract snapshots, sessions, messages.
#[test]
fn row_16_everything_the_processors_read_and_write_is_there() {
    on_virtual_time(|| async {
        let (world, _) = origin(5).await;
        let mut messages = world.handles.subscribe().await.unwrap();
        let hash = submit(&world, call(world.contract, "slow")).await;
        let next = submit(&world, call(world.contract, "b")).await;
        world.pass(Duration::from_secs(1)).await;
        assert_eq!(status_now(&world, hash).await, Status::Proposing);
        let pending = TransactionFilter { status: Some(Status::Pending), ..Default::default() };
        let pending = world.handles.transactions(pending, None, 10).await.unwrap().items;
        assert_eq!(pending.iter().map(|it| it.transaction.hash).collect::<Vec<_>>(), [next]);
        assert_eq!(world.handles.validators().await.unwrap().len(), 5);
        assert_eq!(balance(&world, 0).await, Amount::from(START));
        ended(&world, next).await;
        assert!(world.record(hash).await.consensus.is_some());
        let contracts = world.handles.contracts(Some(Position(0)), 10).await.unwrap().items;
        assert_eq!(contracts.len(), 1);
        let state = state_of(&world, world.contract, StateVersion::Accepted).await;
        assert_eq!(state, "deployslowb");
        let mut told = Vec::new();
        while let Ok(event) = messages.try_recv() {
            if let EventKind::StatusChanged { status, .. } = event.kind
                && event.transaction == hash
            {
                told.push(status.name());
            }
        }
        assert_eq!(told, ["PROPOSING", "COMMITTING", "REVEALING", "ACCEPTED", "FINALIZED"]);
    });
}
