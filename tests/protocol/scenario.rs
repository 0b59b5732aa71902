//! An end-to-end scenario as a value, and its check.

use agora::domain::ledger::StateVersion;

use crate::world::{World, on_virtual_time};

/// A scenario over one or two calls of one contract, which append `1` and `2` to its state.
pub struct Scenario {
    pub nodes: u64,
    pub rotations: u8,
    /// The turns of each call.
    pub calls: &'static [&'static str],
    /// `1`, `2`: submit the call; `a1`: appeal it; `f`: the windows close.
    pub play: &'static str,
    /// The accepted state after each word of `play`.
    pub states: &'static [&'static str],
    /// Every status of each call.
    pub statuses: &'static [&'static str],
    /// The rounds over the first call, with the sizes of their committees.
    pub rounds: &'static str,
    /// How often the contract was executed in all.
    pub executions: usize,
}

pub fn check(scenario: &Scenario) {
    on_virtual_time(|| async {
        let world = World::new(scenario.nodes, scenario.rotations).await;
        let mut hashes = Vec::new();
        for (word, state) in scenario.play.split_whitespace().zip(scenario.states) {
            match word {
                "1" | "2" => {
                    let number = hashes.len();
                    let tag = ["1", "2"][number];
                    hashes.push(world.call(tag, scenario.calls[number]).await);
                }
                "a1" => world.appeal(hashes[0]).await.unwrap(),
                "f" => world.finality().await,
                other => panic!("no word {other}"),
            }
            assert_eq!(world.state(StateVersion::Accepted).await, *state, "after {word}");
            world.assert_conserved().await;
        }
        for (hash, statuses) in hashes.iter().zip(scenario.statuses) {
            let expected = expand(statuses);
            assert_eq!(world.statuses(*hash).await, expected);
        }
        assert_eq!(world.rounds(hashes[0]).await, scenario.rounds);
        let executions = world.script.lock().unwrap().executions;
        assert_eq!(executions, scenario.executions);
        leaders_are_never_former_ones(&world, hashes[0]).await;
    });
}

/// `T` stands for one whole turn, `PRO COM REV`.
fn expand(statuses: &str) -> String {
    let words =
        statuses.split_whitespace().map(|word| if word == "T" { "PRO COM REV" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

async fn leaders_are_never_former_ones(world: &World, hash: agora::domain::TxHash) {
    let mut leaders = Vec::new();
    let history = world.history(hash).await;
    for (round, committees) in history.iter().zip(world.committees(hash).await) {
        let phase = round["phase"].as_str().unwrap();
        let is_revote = phase.starts_with("validators");
        for committee in committees {
            let mut members = committee.clone();
            members.sort();
            members.dedup();
            assert_eq!(members.len(), committee.len(), "nobody sits twice");
            if is_revote {
                let led = committee.iter().any(|member| leaders.contains(member));
                assert!(!led, "a leader judges its own receipt in an appeal");
            } else {
                assert!(!leaders.contains(&committee[0]), "a former leader leads again");
                leaders.push(committee[0].clone());
            }
        }
    }
}
