//! End-to-end scenarios 14 to 25 (`scenarios.md` section 2): leaders and validators that take too
//! long, and their appeals. Where the protocol differs on purpose, the test says so.

use crate::scenario::{Scenario, check};

#[test]
fn e14_leader_timeout_appeal_fail() {
    check(&Scenario {
        nodes: 6,
        rotations: 3,
        calls: &["LT / LT"],
        play: "1 a1 f",
        states: &["", "", ""],
        statuses: &["PRO LTO PRO LTO FIN"],
        rounds: "initial:5 leader_timeout_appeal:5",
        executions: 2,
    });
}

#[test]
fn e15_leader_timeout_appeal_success() {
    check(&Scenario {
        nodes: 6,
        rotations: 3,
        calls: &["LT / 5A", "5A / 5A"],
        play: "1 2 a1",
        states: &["", "2", "12"],
        statuses: &["PRO LTO T ACC", "T ACC PEN T ACC"],
        rounds: "initial:5 leader_timeout_appeal:5",
        executions: 1 + 6 + 6 + 6,
    });
}

#[test]
fn e16_leader_timeout_during_leader_appeal() {
    check(&Scenario {
        nodes: 17,
        rotations: 0,
        calls: &["5D / LT / 11D", "5A"],
        play: "1 2 a1 a1",
        states: &["", "2", "2", "2"],
        statuses: &["T UND PRO LTO T UND", "T ACC"],
        rounds: "initial:5 leader_appeal:11 leader_timeout_appeal:11",
        executions: 6 + 6 + 1 + 12,
    });
}

#[test]
fn e17_leader_timeout_appeal_success_validators_timeout() {
    check(&Scenario {
        nodes: 6,
        rotations: 3,
        calls: &["LT / 5T", "5A"],
        play: "1 2 a1 f",
        states: &["", "2", "2", "2"],
        statuses: &["PRO LTO T VTO FIN", "T ACC FIN"],
        rounds: "initial:5 leader_timeout_appeal:5",
        executions: 1 + 6 + 6,
    });
}

#[test]
fn e18_validators_timeout_appeal_fail_three_times() {
    check(&Scenario {
        nodes: 28,
        rotations: 3,
        calls: &["5T / 7T / 13T / 23T"],
        play: "1 a1 a1 a1",
        states: &["", "", "", ""],
        statuses: &["T VTO COM REV VTO COM REV VTO COM REV VTO"],
        rounds: "initial:5 validators_timeout_appeal:7 validators_timeout_appeal:13 \
                 validators_timeout_appeal:23",
        executions: 6 + 7 + 13 + 23,
    });
}

#[test]
fn e19_validators_timeout_appeal_success_to_accepted() {
    // The newest Studio ends with `212`: it applies the second transaction twice.
    check(&Scenario {
        nodes: 13,
        rotations: 0,
        calls: &["5T / 7A / 11A", "5A / 5A"],
        play: "1 2 a1",
        states: &["", "2", "12"],
        statuses: &["T VTO COM REV PEN T ACC", "T ACC PEN T ACC"],
        rounds: "initial:5 validators_timeout_appeal:7 rerun:11",
        executions: 6 + 6 + 7 + 12 + 6,
    });
}

#[test]
fn e20_validators_timeout_appeal_to_undetermined_leaves_the_second_tx() {
    check(&Scenario {
        nodes: 13,
        rotations: 0,
        calls: &["5T / 7D / 11D", "5A"],
        play: "1 2 a1 f",
        states: &["", "2", "2", "2"],
        statuses: &["T VTO COM REV PEN T UND FIN", "T ACC FIN"],
        rounds: "initial:5 validators_timeout_appeal:7 rerun:11",
        executions: 6 + 6 + 7 + 12,
    });
}

#[test]
fn e21_validators_timeout_appeal_to_validators_timeout_leaves_the_second_tx() {
    check(&Scenario {
        nodes: 13,
        rotations: 0,
        calls: &["5T / 7A / 11T", "5A"],
        play: "1 2 a1 f",
        states: &["", "2", "2", "2"],
        statuses: &["T VTO COM REV PEN T VTO FIN", "T ACC FIN"],
        rounds: "initial:5 validators_timeout_appeal:7 rerun:11",
        executions: 6 + 6 + 7 + 12,
    });
}

#[test]
fn e22_validators_timeout_then_leader_timeout_appeal_success_to_accepted() {
    // Correct is `12`; the newest Studio ends with `212` as in E19.
    check(&Scenario {
        nodes: 13,
        rotations: 0,
        calls: &["5T / 7A / LT / 11A", "5A / 5A"],
        play: "1 2 a1 a1",
        states: &["", "2", "2", "12"],
        statuses: &["T VTO COM REV PEN PRO LTO T ACC", "T ACC PEN T ACC"],
        rounds: "initial:5 validators_timeout_appeal:7 rerun:11 leader_timeout_appeal:11",
        executions: 6 + 6 + 7 + 1 + 12 + 6,
    });
}

#[test]
fn e23_leader_appeal_success_validators_timeout_no_rollback() {
    check(&Scenario {
        nodes: 12,
        rotations: 0,
        calls: &["5D / 11T", "5A"],
        play: "1 2 a1 f",
        states: &["", "2", "2", "2"],
        statuses: &["T UND T VTO FIN", "T ACC FIN"],
        rounds: "initial:5 leader_appeal:11",
        executions: 6 + 6 + 12,
    });
}

#[test]
fn e24_validator_appeal_success_voted_timeout() {
    check(&Scenario {
        nodes: 12,
        rotations: 3,
        calls: &["5A / 7T / 11A"],
        play: "1 a1 f",
        states: &["1", "1", "1"],
        statuses: &["T ACC COM REV PEN T ACC FIN"],
        rounds: "initial:5 validators_appeal:7 rerun:11",
        executions: 6 + 7 + 12,
    });
}

#[test]
fn e25_no_majority() {
    // Studio runs a timed-out seat again with a spare validator, seven executions in all; here
    // only seats whose node failed are given to others: a timeout is a vote (protocol 3.3).
    check(&Scenario {
        nodes: 6,
        rotations: 0,
        calls: &["2A 1D 2T"],
        play: "1",
        states: &[""],
        statuses: &["T UND"],
        rounds: "initial:5",
        executions: 6,
    });
}
