//! The file as it is written, and its validation.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::domain::{Profile, UnknownProfile};

use super::{
    AppealPlan, Arrival, Behaviour, BehaviourKind, CrashPlan, CrashStep, CrashTarget, Delay,
    LatencyPlan, Members, Mix, NetworkPlan, Scenario, ScenarioError, Share, Span, Spread, Stakes,
    StoreFaultKind, StoreFaultPlan, When, WorkloadPlan,
};

/// Validators of one network, at most.
const VALIDATORS_MAX: usize = 10_000;
/// Accounts and contracts, at most.
const MANY_MAX: usize = 100_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    description: String,
    #[serde(default)]
    network: Network,
    #[serde(default)]
    behaviour: Vec<Spanned<Group>>,
    workload: Spanned<Workload>,
    #[serde(default)]
    appeals: Appeals,
    #[serde(default)]
    latency: Latency,
    #[serde(default)]
    crash: Vec<Spanned<Crash>>,
    #[serde(default)]
    store_fault: Vec<Spanned<StoreFault>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Network {
    validators: Option<Spanned<usize>>,
    stakes: Option<Spanned<Stakes>>,
    committee: Option<Spanned<u16>>,
    rotations: Option<u8>,
    finality_window: Option<Spanned<Span>>,
    leader_timeout: Option<Span>,
    validator_timeout: Option<Span>,
    reveal_timeout: Option<Span>,
    early_quorum: bool,
    profile: Option<Spanned<String>>,
    sandbox_mint: Option<bool>,
    attempts: Option<Spanned<u32>>,
    rounds: Option<Spanned<usize>>,
    crawl_interval: Option<Spanned<Span>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    count: Option<Spanned<usize>>,
    stake: Option<Share>,
    kind: Kind,
    probability: Option<Share>,
    results: Option<Results>,
    breaks: Option<Breaks>,
    latency: Option<Delay>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Honest,
    Wrong,
    Slow,
    Silent,
    Crashing,
    Equivocating,
    Lazy,
    Colluding,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Results {
    Equal,
    Different,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Breaks {
    Commitments,
    Reveal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Workload {
    arrival: Arrival,
    count: Option<u64>,
    duration: Option<Span>,
    accounts: Option<Spanned<usize>>,
    balance: Option<u64>,
    contracts: Option<Spanned<usize>>,
    skew: Option<Spanned<f64>>,
    mix: Option<Spanned<Mix>>,
    payable: Option<Share>,
    value: Option<Spread>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Appeals {
    policy: Policy,
    limit: Option<Spanned<u32>>,
    probability: Option<Share>,
    delay: Option<Delay>,
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Policy {
    #[default]
    Never,
    Always,
    Sometimes,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Latency {
    message: Option<Delay>,
    loss: Option<Share>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Crash {
    what: CrashTarget,
    at: CrashStep,
    nth: Option<Spanned<u64>>,
    probability: Option<Share>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreFault {
    kind: StoreFaultKind,
    delay: Option<Delay>,
    from: Option<Span>,
    until: Option<Span>,
    probability: Option<Share>,
}

/// What is wrong, and which bytes of the text are to blame.
struct Fault {
    place: Range<usize>,
    message: String,
}

type Checked<T> = Result<T, Fault>;

fn fault<T>(place: Range<usize>, message: impl Into<String>) -> Checked<T> {
    Err(Fault { place, message: message.into() })
}

pub(super) fn parse(path: &Path, text: &str) -> Result<Scenario, ScenarioError> {
    let name = path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into());
    let scenario = toml::from_str::<File>(text)
        .map_err(|error| Fault {
            place: error.span().unwrap_or(0..0),
            message: error.message().to_owned(),
        })
        .and_then(|file| file.check(name, path));
    scenario.map_err(|Fault { place, message }| {
        let before = text.get(..place.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        ScenarioError {
            file: path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            message: message.trim_end().replace('\n', ", "),
        }
    })
}

/// A number of things, within its limits.
fn bounded(
    given: Option<Spanned<usize>>,
    default: usize,
    what: &str,
    limits: std::ops::RangeInclusive<usize>,
) -> Checked<usize> {
    let Some(given) = given else { return Ok(default) };
    let (place, number) = (given.span(), given.into_inner());
    if limits.contains(&number) {
        return Ok(number);
    }
    let (least, most) = limits.into_inner();
    fault(place, format!("{number} {what}; valid are {least} to {most}"))
}

impl File {
    fn check(self, name: String, path: &Path) -> Checked<Scenario> {
        let network = self.network.check()?;
        let behaviours = self
            .behaviour
            .into_iter()
            .map(|group| check_group(group, network.validators))
            .collect::<Checked<Vec<_>>>()?;
        let crashes = self.crash.into_iter().map(check_crash).collect::<Checked<Vec<_>>>()?;
        let faults = self.store_fault.into_iter().map(check_store_fault);
        Ok(Scenario {
            path: path.to_owned(),
            name,
            description: self.description,
            behaviours,
            workload: check_workload(self.workload)?,
            appeals: self.appeals.check()?,
            latency: LatencyPlan {
                message: self.latency.message.unwrap_or(Delay::NONE),
                loss: self.latency.loss.unwrap_or(Share::NONE),
            },
            crashes,
            store_faults: faults.collect::<Checked<Vec<_>>>()?,
            network,
        })
    }
}

impl Network {
    fn check(self) -> Checked<NetworkPlan> {
        let time = |given: Option<Span>, seconds| {
            given.map_or(Duration::from_secs(seconds), |span| span.0)
        };
        let listed = match self.stakes.as_ref().map(Spanned::get_ref) {
            Some(Stakes::List(stakes)) => Some(stakes.len()),
            _ => None,
        };
        let validators =
            bounded(self.validators, listed.unwrap_or(5), "validators", 1..=VALIDATORS_MAX)?;
        if let (Some(stakes), Some(listed)) = (&self.stakes, listed)
            && listed != validators
        {
            let message = format!("{listed} stakes for {validators} validators; give each its own");
            return fault(stakes.span(), message);
        }
        let profile = match self.profile {
            Some(profile) => profile
                .get_ref()
                .parse()
                .or_else(|error: UnknownProfile| fault(profile.span(), error.to_string()))?,
            None => Profile::Studio,
        };
        let has_window = profile == Profile::Studio;
        if let Some(window) = &self.finality_window
            && !has_window
        {
            return fault(window.span(), "the profile `origin` knows no finality window");
        }
        let committee = match self.committee {
            Some(size) if *size.get_ref() == 0 => {
                return fault(size.span(), "a committee of 0; valid is 1 or more");
            }
            size => size.map_or(5, Spanned::into_inner),
        };
        let attempts = match self.attempts {
            Some(attempts) if *attempts.get_ref() == 0 => {
                return fault(attempts.span(), "0 attempts; valid is 1 or more");
            }
            attempts => attempts.map_or(3, Spanned::into_inner),
        };
        let crawl_interval = match self.crawl_interval {
            Some(interval) if interval.get_ref().0.is_zero() => {
                return fault(interval.span(), "a pause of nothing; valid is `1ms` or more");
            }
            interval => time(interval.map(Spanned::into_inner), 10),
        };
        Ok(NetworkPlan {
            validators,
            profile,
            stakes: self.stakes.map_or(Stakes::Drawn(Spread::Constant(100)), Spanned::into_inner),
            committee,
            rotations: self.rotations.unwrap_or(3),
            finality_window: time(
                self.finality_window.map(Spanned::into_inner),
                if has_window { 30 } else { 0 },
            ),
            leader_timeout: time(self.leader_timeout, 60),
            validator_timeout: time(self.validator_timeout, 60),
            reveal_timeout: time(self.reveal_timeout, 10),
            early_quorum: self.early_quorum,
            sandbox_mint: self.sandbox_mint.unwrap_or(true),
            attempts,
            rounds: bounded(self.rounds, 64, "rounds", 1..=MANY_MAX)?,
            crawl_interval,
        })
    }
}

fn check_group(group: Spanned<Group>, validators: usize) -> Checked<Behaviour> {
    let place = group.span();
    let group = group.into_inner();
    let members = match (group.count, group.stake) {
        (Some(count), None) if *count.get_ref() > validators => {
            let message =
                format!("{} of {validators} validators; there are not so many", count.get_ref());
            return fault(count.span(), message);
        }
        (Some(count), None) => Members::Count(count.into_inner()),
        (None, Some(stake)) => Members::Stake(stake),
        _ => return fault(place, "who? give either `count` or `stake`"),
    };
    let only = |given: bool, key: &str, kind: &str| {
        if given {
            return fault(place.clone(), format!("`{key}` belongs to the kind `{kind}` only"));
        }
        Ok(())
    };
    only(group.results.is_some() && group.kind != Kind::Wrong, "results", "wrong")?;
    only(group.breaks.is_some() && group.kind != Kind::Equivocating, "breaks", "equivocating")?;
    let kind = match (group.kind, group.results, group.breaks) {
        (Kind::Slow, ..) if group.latency.is_none() => {
            return fault(place, "how slow? the kind `slow` needs a `latency`");
        }
        (Kind::Honest | Kind::Slow, ..) => BehaviourKind::Honest,
        (Kind::Wrong, Some(Results::Equal), _) => BehaviourKind::WrongEqual,
        (Kind::Wrong, ..) => BehaviourKind::WrongDifferent,
        (Kind::Silent, ..) => BehaviourKind::Silent,
        (Kind::Crashing, ..) => BehaviourKind::Crashing,
        (Kind::Equivocating, _, Some(Breaks::Reveal)) => BehaviourKind::EquivocatingReveal,
        (Kind::Equivocating, ..) => BehaviourKind::EquivocatingCommitments,
        (Kind::Lazy, ..) => BehaviourKind::Lazy,
        (Kind::Colluding, ..) => BehaviourKind::Colluding,
    };
    Ok(Behaviour {
        members,
        kind,
        probability: group.probability.unwrap_or(Share::ALL),
        latency: group.latency.unwrap_or(Delay::NONE),
    })
}

fn check_workload(workload: Spanned<Workload>) -> Checked<WorkloadPlan> {
    let place = workload.span();
    let workload = workload.into_inner();
    let count = match (workload.count, workload.duration) {
        (Some(count), _) => count,
        (None, Some(_)) if matches!(workload.arrival, Arrival::Every(_) | Arrival::Poisson(_)) => {
            u64::MAX
        }
        (None, Some(_)) => return fault(place, "`duration` alone never ends here: give a `count`"),
        (None, None) => return fault(place, "how much? give `count`, `duration` or both"),
    };
    if let Arrival::Every(pause) = workload.arrival
        && pause.is_zero()
        && workload.count.is_none()
    {
        return fault(place, "`every 0s` never ends: give a `count`");
    }
    let skew = match workload.skew {
        Some(skew) if !(0.0..=10.0).contains(skew.get_ref()) => {
            return fault(skew.span(), format!("a skew of {}; valid are 0 to 10", skew.get_ref()));
        }
        skew => skew.map_or(0.0, Spanned::into_inner),
    };
    let mix_place = workload.mix.as_ref().map_or(place.clone(), Spanned::span);
    let mix = workload.mix.map_or(Mix { call: 1, ..Mix::default() }, Spanned::into_inner);
    let contracts = bounded(workload.contracts, 1, "contracts", 0..=MANY_MAX)?;
    if u64::from(mix.call)
        + u64::from(mix.transfer)
        + u64::from(mix.deploy)
        + u64::from(mix.cross_contract)
        == 0
    {
        return fault(mix_place, "nothing is ever submitted: give one kind a weight");
    }
    if contracts == 0 && mix.call + mix.cross_contract > 0 {
        return fault(mix_place, "calls, but no contract: give `contracts` of 1 or more");
    }
    Ok(WorkloadPlan {
        arrival: workload.arrival,
        count,
        duration: workload.duration.map(|span| span.0),
        accounts: bounded(workload.accounts, 8, "accounts", 1..=MANY_MAX)?,
        balance: workload.balance.unwrap_or(1_000_000),
        contracts,
        skew,
        mix,
        payable: workload.payable.unwrap_or(Share::NONE),
        value: workload.value.unwrap_or(Spread::Uniform(1, 100)),
    })
}

impl Appeals {
    fn check(self) -> Checked<AppealPlan> {
        let limit = match self.limit {
            Some(limit) if *limit.get_ref() == 0 => {
                return fault(limit.span(), "a limit of 0; the policy `never` says that");
            }
            limit => limit.map_or(1, Spanned::into_inner),
        };
        let (limit, probability) = match self.policy {
            Policy::Never => (0, Share::NONE),
            Policy::Always => (limit, Share::ALL),
            Policy::Sometimes => (limit, self.probability.unwrap_or(Share(0.5))),
        };
        Ok(AppealPlan { probability, limit, delay: self.delay.unwrap_or(Delay::NONE) })
    }
}

fn check_crash(crash: Spanned<Crash>) -> Checked<CrashPlan> {
    let place = crash.span();
    let crash = crash.into_inner();
    let when = match (crash.nth, crash.probability) {
        (Some(nth), None) if *nth.get_ref() == 0 => {
            return fault(nth.span(), "the 0th time; they are counted from 1");
        }
        (Some(nth), None) => When::Nth(nth.into_inner()),
        (None, Some(probability)) => When::Probability(probability),
        _ => return fault(place, "when? give either `nth` or `probability`"),
    };
    let node_steps = [CrashStep::Proposing, CrashStep::Committing, CrashStep::Revealing];
    if crash.what == CrashTarget::Node && !node_steps.contains(&crash.at) {
        return fault(place, "a node lives in `proposing`, `committing` and `revealing` only");
    }
    if crash.what == CrashTarget::Consensus && crash.at == CrashStep::Finalize {
        return fault(place, "no consensus is left in `finalize`");
    }
    Ok(CrashPlan { what: crash.what, at: crash.at, when })
}

fn check_store_fault(given: Spanned<StoreFault>) -> Checked<StoreFaultPlan> {
    let place = given.span();
    let given = given.into_inner();
    let is_slow = given.kind == StoreFaultKind::Slow;
    if is_slow != given.delay.is_some() {
        return fault(place, "`delay` belongs to the kind `slow`, which needs one");
    }
    let from = given.from.map_or(Duration::ZERO, |span| span.0);
    let until = given.until.map(|span| span.0);
    let probability = given.probability.unwrap_or(Share::ALL);
    if until.is_some_and(|until| until <= from) {
        return fault(place, "`until` is not after `from`");
    }
    if !is_slow && until.is_none() && probability == Share::ALL {
        return fault(
            place,
            "nothing would ever be stored: give `until` or a `probability` below 1",
        );
    }
    let delay = given.delay.unwrap_or(Delay::NONE);
    Ok(StoreFaultPlan { kind: given.kind, delay, from, until, probability })
}
