//! Who behaves how: which validators belong to which group, and what each does now.

use std::collections::BTreeMap;
use std::time::Duration;

use super::chance::{Chance, Stream};
use super::scenario::{Behaviour, BehaviourKind, Delay, Members, Share};
use crate::domain::{Address, Validator};

/// What a node does with one execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// What it should.
    Honest,
    /// A wrong result; equal for equal flavours.
    Wrong { flavour: Vec<u8> },
    /// The group's wrong result as leader; as validator it accepts nothing else.
    Collude { flavour: Vec<u8> },
    /// No answer, ever.
    Silent,
    /// A panic.
    Crash,
    /// Agreement without an execution.
    Lazy,
}

/// How a node contradicts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Equivocation {
    /// It commits twice.
    Commitments,
    /// It reveals another vote.
    Reveal,
}

#[derive(Debug)]
struct Group {
    kind: BehaviourKind,
    probability: Share,
    latency: Delay,
    acts: Stream,
    delays: Stream,
}

/// The conduct of all validators.
#[derive(Debug)]
pub(super) struct Conduct {
    groups: Vec<Group>,
    member_of: BTreeMap<Address, usize>,
    /// Validators by number, as the trace names them.
    numbers: BTreeMap<Address, usize>,
}

impl Conduct {
    pub(super) fn new(behaviours: &[Behaviour], validators: &[Validator], chance: Chance) -> Self {
        let numbers = validators.iter().enumerate();
        let numbers = numbers.map(|(number, validator)| (validator.address, number)).collect();
        let mut member_of = BTreeMap::new();
        let mut groups = Vec::with_capacity(behaviours.len());
        for (index, behaviour) in behaviours.iter().enumerate() {
            let mut members = chance.stream("members", index);
            for address in choose(behaviour.members, validators, &member_of, &mut members) {
                member_of.insert(address, index);
            }
            groups.push(Group {
                kind: behaviour.kind,
                probability: behaviour.probability,
                latency: behaviour.latency,
                acts: chance.stream("acts", index),
                delays: chance.stream("execution time", index),
            });
        }
        Self { groups, member_of, numbers }
    }

    /// The validator's number.
    pub(super) fn number(&self, validator: &Address) -> usize {
        self.numbers.get(validator).copied().unwrap_or_default()
    }

    /// What `validator` does with the execution that starts now, and how long it takes.
    pub(super) fn act(&mut self, validator: &Address) -> (Act, Duration) {
        let Some(index) = self.member_of.get(validator) else {
            return (Act::Honest, Duration::ZERO);
        };
        let Some(group) = self.groups.get_mut(*index) else {
            return (Act::Honest, Duration::ZERO);
        };
        let delay = group.delays.delay(group.latency);
        if !group.acts.happens(group.probability) {
            return (Act::Honest, delay);
        }
        let of_group = || index.to_be_bytes().to_vec();
        let act = match group.kind {
            BehaviourKind::Honest
            | BehaviourKind::EquivocatingCommitments
            | BehaviourKind::EquivocatingReveal => Act::Honest,
            BehaviourKind::WrongEqual => Act::Wrong { flavour: of_group() },
            BehaviourKind::WrongDifferent => Act::Wrong { flavour: validator.as_bytes().to_vec() },
            BehaviourKind::Silent => Act::Silent,
            BehaviourKind::Crashing => Act::Crash,
            BehaviourKind::Lazy => Act::Lazy,
            BehaviourKind::Colluding => Act::Collude { flavour: of_group() },
        };
        (act, delay)
    }

    /// Does `validator` contradict itself now?
    pub(super) fn equivocates(&mut self, validator: &Address) -> Option<Equivocation> {
        let group = self.groups.get_mut(*self.member_of.get(validator)?)?;
        let equivocation = match group.kind {
            BehaviourKind::EquivocatingCommitments => Equivocation::Commitments,
            BehaviourKind::EquivocatingReveal => Equivocation::Reveal,
            _ => return None,
        };
        group.acts.happens(group.probability).then_some(equivocation)
    }
}

/// The members of a group among those who belong to none yet.
fn choose(
    members: Members,
    validators: &[Validator],
    taken: &BTreeMap<Address, usize>,
    stream: &mut Stream,
) -> Vec<Address> {
    let mut free: Vec<&Validator> =
        validators.iter().filter(|validator| !taken.contains_key(&validator.address)).collect();
    // Fisher and Yates'.
    for last in (1..free.len()).rev() {
        free.swap(last, stream.place(last + 1));
    }
    let stake = |validator: &Validator| super::chance::float(validator.stake.get());
    match members {
        Members::Count(count) => free.iter().take(count).map(|member| member.address).collect(),
        Members::Stake(Share(share)) => {
            let wanted = share * validators.iter().map(stake).sum::<f64>();
            let mut sum = 0.0;
            let enough = |member: &&&Validator| {
                let wants_more = sum < wanted;
                sum += stake(member);
                wants_more
            };
            free.iter().take_while(enough).map(|member| member.address).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Stake;

    fn validators(count: u8) -> Vec<Validator> {
        let validator = |number: u8| Validator {
            address: Address::new([number; 20]),
            stake: Stake::try_from(u64::from(number)).unwrap(),
        };
        (1..=count).map(validator).collect()
    }

    fn behaviour(members: Members, kind: BehaviourKind) -> Behaviour {
        Behaviour { members, kind, probability: Share::ALL, latency: Delay::NONE }
    }

    #[test]
    fn groups_do_not_overlap_and_reach_their_share() {
        let validators = validators(20);
        let behaviours = [
            behaviour(Members::Count(5), BehaviourKind::Silent),
            behaviour(Members::Stake(Share(0.3)), BehaviourKind::Colluding),
        ];
        let mut conduct = Conduct::new(&behaviours, &validators, Chance::new(4));
        let mut silent = 0;
        let mut stake = 0;
        for validator in &validators {
            match conduct.act(&validator.address).0 {
                Act::Silent => silent += 1,
                Act::Collude { .. } => stake += validator.stake.get(),
                _ => {}
            }
        }
        assert_eq!(silent, 5);
        assert!((63..63 + 20).contains(&stake), "{stake} of 210");
    }

    #[test]
    fn wrong_results_are_equal_or_different() {
        let validators = validators(4);
        let flavours = |kind| {
            let group = [behaviour(Members::Count(4), kind)];
            let mut conduct = Conduct::new(&group, &validators, Chance::new(1));
            let acts = validators.iter().map(|validator| match conduct.act(&validator.address).0 {
                Act::Wrong { flavour } => flavour,
                other => panic!("{other:?}"),
            });
            acts.collect::<std::collections::BTreeSet<_>>().len()
        };
        assert_eq!(flavours(BehaviourKind::WrongEqual), 1);
        assert_eq!(flavours(BehaviourKind::WrongDifferent), 4);
    }
}
