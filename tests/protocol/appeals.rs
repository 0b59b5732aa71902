//! End-to-end scenarios 1 to 13 of 25 (`scenarios.md` section 2): same committees, votes, status
//! sequences and contract states. Where the protocol differs on purpose, the test says so.

use agora::domain::Status;
use agora::domain::ledger::StateVersion;

use crate::scenario::{Scenario, check};
use crate::world::{World, on_virtual_time};

#[test]
fn e1_happy_path() {
    check(&Scenario {
        nodes: 3,
        rotations: 3,
        calls: &["3A"],
        play: "1 f",
        states: &["1", "1"],
        statuses: &["T ACC FIN"],
        rounds: "initial:3",
        executions: 4,
    });
}

#[test]
fn e1_the_finalized_state_changes_only_with_finality() {
    on_virtual_time(|| async {
        let world = World::new(3, 3).await;
        world.call("1", "3A").await;
        assert_eq!(world.state(StateVersion::Finalized).await, "");
        world.finality().await;
        assert_eq!(world.state(StateVersion::Finalized).await, "1");
    });
}

#[test]
fn e2_no_consensus() {
    check(&Scenario {
        nodes: 7,
        rotations: 2,
        calls: &["5D / 5D / 5D"],
        play: "1 f",
        states: &["", ""],
        statuses: &["T T T UND FIN"],
        rounds: "initial:5,5,5",
        executions: 18,
    });
}

#[test]
fn e2_each_rotation_drops_the_leader_and_draws_one_unused_validator() {
    on_virtual_time(|| async {
        let world = World::new(7, 2).await;
        let hash = world.call("1", "5D / 5D / 5D").await;
        let turns = world.committees(hash).await.remove(0);
        for pair in turns.windows(2) {
            assert_eq!(pair[0][1..], pair[1][..4], "the old leader left, the next seat leads");
            assert!(!pair[0].contains(&pair[1][4]), "somebody new joined");
        }
        assert_eq!(
            world.labels(hash).await,
            ["Leader Rotation", "Leader Rotation", "Undetermined"]
        );
    });
}

#[test]
fn e3_one_disagreement() {
    check(&Scenario {
        nodes: 6,
        rotations: 3,
        calls: &["5D / 5A"],
        play: "1 f",
        states: &["1", "1"],
        statuses: &["T T ACC FIN"],
        rounds: "initial:5,5",
        executions: 12,
    });
}

#[test]
fn e4_validator_appeal_fail() {
    check(&Scenario {
        nodes: 12,
        rotations: 3,
        calls: &["5A / 7A"],
        play: "1 a1 f",
        states: &["1", "1", "1"],
        statuses: &["T ACC COM REV ACC FIN"],
        rounds: "initial:5 validators_appeal:7",
        executions: 13,
    });
}

#[test]
fn e4_a_failed_appeal_shortens_the_window_and_leaves_the_decision() {
    on_virtual_time(|| async {
        let world = World::new(12, 3).await;
        let hash = world.call("1", "5A / 7A").await;
        let before = world.record(hash).await;
        world.appeal(hash).await.unwrap();
        let after = world.record(hash).await;
        assert_eq!(after.decided_at, before.decided_at, "the window is not reset");
        let window = |record: &agora::domain::ledger::TransactionRecord| {
            record.final_from.unwrap().since(record.decided_at.unwrap()).as_millis()
        };
        assert_eq!(window(&before), 60_000);
        // A fifth less, and what the appeal took.
        assert!((48_000..48_100).contains(&window(&after)), "{}", window(&after));
        assert_eq!(world.labels(hash).await, ["Accepted", "Validator Appeal Failed"]);
        let appeals = &after.consensus.unwrap()["appeals"];
        assert_eq!(
            (&appeals[0]["kind"], &appeals[0]["successful"]),
            (&"validators".into(), &false.into())
        );
    });
}

#[test]
fn e5_validator_appeal_no_extra_validators() {
    // Studio takes the appeal and drops it; here it is refused with the numbers.
    on_virtual_time(|| async {
        let world = World::new(5, 3).await;
        let hash = world.call("1", "5A").await;
        let before = world.record(hash).await;
        let refused = world.appeal(hash).await.unwrap_err();
        assert!(
            refused.contains("needs 7 validators") && refused.contains("there are 0"),
            "{refused}"
        );
        let after = world.record(hash).await;
        assert_eq!((after.status, after.final_from), (Status::Accepted, before.final_from));
        assert_eq!(after.attempt, before.attempt);
        world.finality().await;
        assert_eq!(world.statuses(hash).await, "PRO COM REV ACC FIN");
    });
}

#[test]
fn e6_validator_appeal_success() {
    check(&Scenario {
        nodes: 12,
        rotations: 3,
        calls: &["5A / 7D / 11A"],
        play: "1 a1 f",
        states: &["1", "1", "1"],
        statuses: &["T ACC COM REV PEN T ACC FIN"],
        rounds: "initial:5 validators_appeal:7 rerun:11",
        executions: 6 + 7 + 12,
    });
}

#[test]
fn e6_the_new_leader_is_another_one_from_the_record_and_the_window_restarts() {
    on_virtual_time(|| async {
        let world = World::new(12, 3).await;
        let hash = world.call("1", "5A / 7D / 11A").await;
        let before = world.record(hash).await;
        world.appeal(hash).await.unwrap();
        let after = world.record(hash).await;
        assert!(after.decided_at > before.decided_at);
        assert_eq!(after.final_from.unwrap().since(after.decided_at.unwrap()).as_secs(), 60);
        let rounds = world.committees(hash).await;
        let recorded = [&rounds[0][0][1..], &rounds[1][0][..]].concat();
        let mut again = rounds[2][0].clone();
        assert_ne!(again[0], rounds[0][0][0]);
        let mut recorded = recorded;
        again.sort();
        recorded.sort();
        assert_eq!(again, recorded, "everybody on record but the old leader");
    });
}

#[test]
fn e7_validator_appeal_success_rotations_undetermined() {
    check(&Scenario {
        nodes: 15,
        rotations: 3,
        calls: &["5A / 7D / 11D / 11D / 11D / 11D"],
        play: "1 a1",
        states: &["1", ""],
        statuses: &["T ACC COM REV PEN T T T T UND"],
        rounds: "initial:5 validators_appeal:7 rerun:11,11,11,11",
        executions: 6 + 7 + 48,
    });
}

#[test]
fn e8_validator_appeal_success_twice() {
    check(&Scenario {
        nodes: 25,
        rotations: 3,
        calls: &["5A / 7D / 11A / 13D / 23A"],
        play: "1 a1 a1 f",
        states: &["1", "1", "1", "1"],
        statuses: &["T ACC COM REV PEN T ACC COM REV PEN T ACC FIN"],
        rounds: "initial:5 validators_appeal:7 rerun:11 validators_appeal:13 rerun:23",
        executions: 62,
    });
}

#[test]
fn e9_validator_appeal_fail_three_times() {
    check(&Scenario {
        nodes: 28,
        rotations: 3,
        calls: &["5A / 7A / 13A / 23A"],
        play: "1 a1 a1 a1 f",
        states: &["1", "1", "1", "1", "1"],
        statuses: &["T ACC COM REV ACC COM REV ACC COM REV ACC FIN"],
        rounds: "initial:5 validators_appeal:7 validators_appeal:13 validators_appeal:23",
        executions: 6 + 7 + 13 + 23,
    });
}

#[test]
fn e9_an_earlier_appeal_set_is_part_of_the_later() {
    on_virtual_time(|| async {
        let world = World::new(28, 3).await;
        let hash = world.call("1", "5A / 7A / 13A / 23A").await;
        for _ in 0..3 {
            world.appeal(hash).await.unwrap();
        }
        let rounds = world.committees(hash).await;
        for pair in rounds[1..].windows(2) {
            assert!(pair[0][0].iter().all(|member| pair[1][0].contains(member)));
        }
        let voters: Vec<usize> = rounds[1..].iter().map(|round| round[0].len() + 5).collect();
        assert_eq!(voters, [12, 18, 28]);
    });
}

#[test]
fn e10_validator_appeal_success_fail_success() {
    check(&Scenario {
        nodes: 37,
        rotations: 3,
        calls: &["5A / 7D / 11A / 13A / 25D / 35A"],
        play: "1 a1 a1 a1 f",
        states: &["1", "1", "1", "1", "1"],
        statuses: &["T ACC COM REV PEN T ACC COM REV ACC COM REV PEN T ACC FIN"],
        rounds: "initial:5 validators_appeal:7 rerun:11 validators_appeal:13 validators_appeal:25 rerun:35",
        executions: 6 + 7 + 12 + 13 + 25 + 36,
    });
}

#[test]
fn e11_leader_appeal() {
    check(&Scenario {
        nodes: 128,
        rotations: 4,
        calls: &["5D / 5D / 5D / 5D / 5D / 11D / 11D / 11D / 11D / 11D / 23D / 23D / 23A / 25D / \
                  47D / 47D / 47D / 47D / 47D / 95D / 95D / 95D / 95D / 95D"],
        play: "1 a1 a1 a1 a1 f",
        states: &["", "", "1", "", "", ""],
        statuses: &[
            "T T T T T UND T T T T T UND T T T ACC COM REV PEN T T T T T UND T T T T T UND FIN",
        ],
        rounds: "initial:5,5,5,5,5 leader_appeal:11,11,11,11,11 leader_appeal:23,23,23 \
                 validators_appeal:25 rerun:47,47,47,47,47 leader_appeal:95,95,95,95,95",
        executions: 5 * 6 + 5 * 12 + 3 * 24 + 25 + 5 * 48 + 5 * 96,
    });
}

#[test]
fn e12_validator_appeal_success_with_rollback_second_tx() {
    check(&Scenario {
        nodes: 12,
        rotations: 3,
        calls: &["5A / 7D / 11A", "5A / 5A"],
        play: "1 2 a1",
        states: &["1", "12", "12"],
        statuses: &["T ACC COM REV PEN T ACC", "T ACC PEN T ACC"],
        rounds: "initial:5 validators_appeal:7 rerun:11",
        executions: 6 + 6 + 7 + 12 + 6,
    });
}

#[test]
fn e13_leader_appeal_success_with_rollback_second_tx() {
    check(&Scenario {
        nodes: 26,
        rotations: 3,
        calls: &["5D / 5D / 5D / 5D / 11A", "5A / 5A"],
        play: "1 2 a1",
        states: &["", "2", "12"],
        statuses: &["T T T T UND T ACC", "T ACC PEN T ACC"],
        rounds: "initial:5,5,5,5 leader_appeal:11",
        executions: 4 * 6 + 6 + 12 + 6,
    });
}
