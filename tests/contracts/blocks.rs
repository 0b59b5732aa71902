//! Every way in which a leader's block and a validator's can end, and the vote that follows.

use std::sync::{Arc, Mutex};

use agora::domain::{Bytes, Execution, ExecutionOutcome, Vote};
use agora::execution::nondeterminism::{Answer, Prompt};
use agora::execution::python::PythonExecutor;
use agora::execution::{ExecutionRequest, Executor, Role};
use agora::protocol::judge;

use crate::harness::*;
use crate::surroundings::{Told, page};

/// A contract whose blocks end as the page each node sees says.
const BLOCKS: &str = r#"
from genlayer import *

def act():
    what, _, rest = gl.nondet.web.get("https://what.to/do").body.decode().partition(":")
    if what == "raise":
        raise gl.vm.UserError(rest)
    if what == "fail":
        raise ValueError(rest)
    return rest

def same(leaders):
    own = act()
    return isinstance(leaders, gl.vm.Return) and own == leaders.calldata

class Blocks(gl.Contract):
    last: str

    def __init__(self):
        pass

    @gl.public.write
    def strict(self):
        self.last = gl.eq_principle.strict_eq(act)

    @gl.public.write
    def comparative(self):
        self.last = gl.eq_principle.prompt_comparative(act, principle="about the same")

    @gl.public.write
    def non_comparative(self):
        self.last = gl.eq_principle.prompt_non_comparative(act, task="sum up", criteria="short")

    @gl.public.write
    def custom(self):
        self.last = gl.vm.run_nondet(act, same)

    @gl.public.write
    def unsafe(self):
        self.last = gl.vm.run_nondet_unsafe(act, same)

    @gl.public.write
    def twice(self):
        first = gl.eq_principle.strict_eq(act)
        self.last = first + gl.eq_principle.strict_eq(act)

    @gl.public.write
    def truthy(self):
        self.last = gl.vm.run_nondet_unsafe(act, lambda leaders: 1)

    @gl.public.write
    def truthy_custom(self):
        self.last = gl.vm.run_nondet(act, lambda leaders: 1)
"#;

/// The same of the newest SDK, where `run_nondet` is what was `run_nondet_unsafe`.
const NEWEST: &str = r#"
import genlayer as gl

def act():
    raise gl.vm.UserError(gl.nondet.web.get("https://what.to/do").body.decode())

def same(leaders):
    try:
        act()
    except gl.vm.UserError as own:
        return own == leaders

class Blocks(gl.contract.Contract):
    def __init__(self):
        pass

    @gl.public.write
    def judged(self):
        gl.vm.run_nondet(act, same)

    @gl.public.write
    def raised(self):
        gl.vm.run_nondet(act, lambda leaders: act())

    @gl.public.write
    def raised_default(self):
        gl.vm.run_nondet_default(act, lambda leaders: act())
"#;

/// A network whose leaders and validators see what they are told, and whose models judge so.
struct Network {
    source: &'static str,
    executor: PythonExecutor,
    tells: Arc<Mutex<(&'static str, &'static str, bool)>>,
}

impl Network {
    fn new(leader: &'static str, validator: &'static str) -> Self {
        let tells = Arc::new(Mutex::new((leader, validator, true)));
        let (verdicts, pages) = (Arc::clone(&tells), Arc::clone(&tells));
        let told = Told::new(
            move |_, prompt| {
                Ok(match prompt {
                    Prompt::Comparative { .. } | Prompt::NonComparativeValidator { .. } => {
                        Answer::Verdict(verdicts.lock().unwrap().2)
                    }
                    _ => Answer::Text("the sum".into()),
                })
            },
            move |asker, _| {
                let (leader, validator, _) = *pages.lock().unwrap();
                Ok(page(if asker.leads { leader } else { validator }))
            },
        );
        Self { source: BLOCKS, executor: told.executor(1), tells }
    }

    async fn lead(&self, method: &str) -> Execution {
        self.executor.execute(request(self.source, Some(method), vec![])).await.unwrap()
    }

    async fn validate(&self, method: &str, receipt: &Execution) -> Execution {
        let role = Role::Validator(receipt.clone().into());
        let request = ExecutionRequest { role, ..request(self.source, Some(method), vec![]) };
        self.executor.execute(request).await.unwrap()
    }

    async fn vote(&self, method: &str, receipt: &Execution) -> Vote {
        judge(&self.validate(method, receipt).await, receipt)
    }
}

#[tokio::test]
async fn each_principle_votes_as_it_must() {
    use Vote::{Agree, Disagree};
    const ANY: &[bool] = &[true, false];
    type Case = (&'static [&'static str], &'static str, &'static str, &'static [bool], Vote);
    let table: &[Case] = &[
        // What does not ask a model.
        (&["strict", "custom", "unsafe"], "return:a", "return:a", &[true], Agree),
        (&["strict", "custom", "unsafe"], "return:a", "return:b", &[true], Disagree),
        (&["strict", "custom"], "raise:x", "raise:x", &[true], Agree),
        (&["strict", "custom", "unsafe"], "raise:x", "raise:y", &[true], Disagree),
        (&["strict", "custom", "unsafe"], "raise:x", "return:a", &[true], Disagree),
        (&["strict", "custom", "unsafe"], "return:a", "raise:x", &[true], Disagree),
        // Two failures look the same: `exit_code 1` is all that is known of them.
        (&["strict", "custom"], "fail:x", "fail:y", &[true], Agree),
        (&["strict", "custom", "unsafe"], "fail:x", "return:a", &[true], Disagree),
        (&["strict", "custom", "unsafe"], "return:a", "fail:x", &[true], Disagree),
        (&["strict", "custom", "unsafe"], "raise:x", "fail:x", &[true], Disagree),
        // An error of its function is a disagreement, also when the leader had the same.
        (&["unsafe"], "raise:x", "raise:x", &[true], Disagree),
        (&["unsafe"], "fail:x", "fail:x", &[true], Disagree),
        // What asks a model: its verdict counts when both have a result.
        (&["comparative", "non_comparative"], "return:a", "return:b", &[true], Agree),
        (&["comparative", "non_comparative"], "return:a", "return:a", &[false], Disagree),
        (&["comparative", "non_comparative"], "raise:x", "raise:x", ANY, Agree),
        (&["comparative", "non_comparative"], "raise:x", "raise:y", ANY, Disagree),
        (&["comparative", "non_comparative"], "raise:x", "return:a", ANY, Disagree),
        (&["comparative", "non_comparative"], "return:a", "raise:x", ANY, Disagree),
        (&["comparative", "non_comparative"], "fail:x", "return:a", ANY, Disagree),
        (&["comparative", "non_comparative"], "return:a", "fail:x", ANY, Disagree),
        (&["comparative", "non_comparative"], "fail:x", "fail:y", ANY, Agree),
        // Yes is `True`, and nothing else.
        (&["truthy", "truthy_custom"], "return:a", "return:a", &[true], Disagree),
    ];
    let network = Network::new("", "");
    for (methods, leader, validator, verdicts, expected) in table {
        for (method, verdict) in
            methods.iter().flat_map(|method| verdicts.iter().map(move |it| (method, *it)))
        {
            *network.tells.lock().unwrap() = (leader, validator, verdict);
            let receipt = network.lead(method).await;
            let voted = network.vote(method, &receipt).await;
            assert_eq!(voted, *expected, "{method}: {leader} / {validator}, verdict {verdict}");
        }
    }
}

#[tokio::test]
async fn in_the_newest_sdk_the_validators_own_verdict_decides() {
    use Vote::{Agree, Disagree};
    for (method, validator, expected) in [
        ("judged", "x", Agree),
        ("judged", "y", Disagree),
        ("raised", "x", Disagree),
        ("raised_default", "x", Agree),
        ("raised_default", "y", Disagree),
    ] {
        let network = Network { source: NEWEST, ..Network::new("x", validator) };
        let receipt = network.lead(method).await;
        assert_eq!(receipt.outcome, ExecutionOutcome::UserError("x".into()), "{}", receipt.stderr);
        assert_eq!(network.vote(method, &receipt).await, expected, "{method}: x / {validator}");
    }
}

#[tokio::test]
async fn the_leaders_result_is_the_one_that_counts() {
    let network = Network::new("return:left", "return:right");
    let receipt = network.lead("comparative").await;
    let own = network.validate("comparative", &receipt).await;
    assert_eq!(own.state, receipt.state);
    assert_eq!(own.block_outputs, receipt.block_outputs);
    assert_eq!(receipt.block_outputs.len(), 1);
    assert!(!receipt.state.is_empty());
}

#[tokio::test]
async fn a_leaders_error_goes_on_in_the_contract() {
    let receipt = Network::new("raise:x", "").lead("strict").await;
    assert_eq!(receipt.outcome, ExecutionOutcome::UserError("x".into()));
    let receipt = Network::new("fail:because", "").lead("strict").await;
    assert_eq!(receipt.outcome, ExecutionOutcome::UserError("vm error: exit_code 1".into()));
    assert!(receipt.stderr.contains("ValueError: because"), "{}", receipt.stderr);
}

#[tokio::test]
async fn outputs_that_are_missing_surplus_or_malformed_are_disagreed_with() {
    let network = Network::new("return:a", "return:a");
    let receipt = network.lead("twice").await;
    assert_eq!(network.vote("twice", &receipt).await, Vote::Agree);
    let output = receipt.block_outputs[0].clone();
    for (outputs, block) in [
        (vec![], 0),
        (vec![output.clone()], 1),
        (vec![output.clone(); 3], 2),
        (vec![output.clone(), Bytes::new()], 1),
        (vec![Bytes::from_static(&[9, 0]), output.clone()], 0),
        (vec![output.clone(), Bytes::from_static(&[0, 0xff])], 1),
        (vec![output.clone(), Bytes::from_static(&[1, 0xff])], 1),
    ] {
        let forged = Execution { block_outputs: outputs.clone(), ..receipt.clone() };
        let own = network.validate("twice", &forged).await;
        assert_eq!(own.disagreed_block, Some(block), "{outputs:?}");
        assert_eq!(judge(&own, &forged), Vote::Disagree);
    }
}

#[tokio::test]
async fn who_disagreed_cannot_change_its_mind() {
    let source = BLOCKS.replace(
        "self.last = gl.vm.run_nondet_unsafe(act, same)",
        "try:\n            gl.vm.run_nondet_unsafe(act, same)\n        except BaseException:\n            \
         pass\n        self.last = 'a'",
    );
    let network = Network::new("return:a", "return:b");
    let leads = request(&source, Some("unsafe"), vec![]);
    let receipt = network.executor.execute(leads.clone()).await.unwrap();
    let role = Role::Validator(receipt.clone().into());
    let own = network.executor.execute(ExecutionRequest { role, ..leads }).await.unwrap();
    assert_eq!(judge(&own, &receipt), Vote::Disagree);
}
