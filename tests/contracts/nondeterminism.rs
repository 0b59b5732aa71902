//! What contracts may do inside of non-deterministic blocks, and what only outside.

use std::sync::Arc;
use std::time::Duration;

use agora::domain::calldata::Value;
use agora::domain::{Execution, ExecutionOutcome};
use agora::execution::nondeterminism::{Answer, NoAnswer, Prompt, Services};
use agora::execution::python::PythonExecutor;
use agora::execution::{ExecutionError, Executor, Role};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::harness::*;
use crate::surroundings::{Told, page, refused};

/// A contract whose method `go` has this body.
fn contract(body: &str) -> String {
    let body = body.replace('\n', "\n        ");
    format!(
        "from genlayer import *\nimport json\n\nclass Asks(gl.Contract):\n    n: u256\n    \
         names: DynArray[str]\n\n    def __init__(self):\n        pass\n\n    \
         @gl.public.write\n    def go(self):\n        {body}\n"
    )
}

fn told() -> Told {
    Told::new(
        |_, prompt| match prompt {
            Prompt::Free { text, .. } if text == "json" => {
                Ok(Answer::Json(serde_json::json!({ "n": 7, "ok": true })))
            }
            Prompt::Free { text, images, .. } => {
                Ok(Answer::Text(format!("{text} with {} images", images.len())))
            }
            _ => Ok(Answer::Verdict(true)),
        },
        |_, request| match request.url.as_str() {
            "https://none" => Err(refused("no such host")),
            "https://down" => Err(NoAnswer::Unavailable {
                code: "WEB_REQUEST_FAILED",
                reason: "the cable is cut".into(),
            }),
            url => {
                let body = request.body.clone().unwrap_or_default();
                let body = String::from_utf8_lossy(&body).into_owned();
                Ok(page(&format!("{} {url} {body} {}", request.method, request.headers.len())))
            }
        },
    )
}

async fn run(body: &str) -> Execution {
    told().executor(1).execute(request(&contract(body), Some("go"), vec![])).await.unwrap()
}

async fn check(body: &str, expected: Value) {
    assert_eq!(returned(&run(body).await), expected, "{body}");
}

async fn check_error(body: &str, words: &str) {
    let execution = run(body).await;
    assert!(!execution.outcome.is_success(), "{body}");
    assert!(execution.stderr.contains(words), "{body}: {}", execution.stderr);
}

#[tokio::test]
async fn prompts_are_answered_in_the_form_they_ask_for() {
    let ask = "return gl.eq_principle.strict_eq(lambda: gl.nondet.exec_prompt(ASK))";
    check(&ask.replace("ASK", "'why?'"), text("why? with 0 images")).await;
    check(&ask.replace("ASK", "'see', images=[b'png', b'jpg']"), text("see with 2 images")).await;
    let json = Value::map([("n", int(7)), ("ok", Value::Bool(true))]);
    check(&ask.replace("ASK", "'json', response_format='json'"), json).await;
    check_error(&ask.replace("ASK", "7"), "TypeError: `prompt` must be a str, not `int`").await;
    check_error(&ask.replace("ASK", "'a', response_format='xml'"), "'text' or 'json'").await;
    check_error(&ask.replace("ASK", "'a', images=['x']"), "an image must be bytes").await;
}

#[tokio::test]
async fn requests_and_pages_come_back_as_they_are() {
    let get = "def ask():\n    it = gl.nondet.web.ASK\n    return [it.status, it.body.decode(), \
               it.headers['content-type']]\nreturn gl.eq_principle.strict_eq(ask)";
    let answer = |line: &str| {
        Value::Array(vec![int(200), text(line), Value::Bytes(b"text/plain".as_slice().into())])
    };
    check(&get.replace("ASK", "get('https://a', headers={'x': 'y'})"), answer("GET https://a  1"))
        .await;
    check(
        &get.replace("ASK", "post('https://a', body='b', sign=True)"),
        answer("POST https://a b 0"),
    )
    .await;
    let request = "request('https://a', method='PATCH', body=b'b')";
    check(&get.replace("ASK", request), answer("PATCH https://a b 0")).await;
    check_error(&get.replace("ASK", "request('https://a', method='PULL')"), "one of GET").await;
    check_error(&get.replace("ASK", "get(7)"), "`url` must be a str, not `int`").await;
    let render = "return gl.eq_principle.strict_eq(lambda: gl.nondet.web.render(ASK))";
    let page = "'https://a', mode='text', wait_after_loaded='2s'";
    check(&render.replace("ASK", page), text("https://a for 2000 ms")).await;
    check_error(&render.replace("ASK", "'https://a', mode='pdf'"), "'text', 'html' or").await;
    check_error(&render.replace("ASK", "'https://a', wait_after_loaded='soon'"), "like '1000ms'")
        .await;
}

#[tokio::test]
async fn what_cannot_be_had_is_raised_and_can_be_handled() {
    let body = "def ask():\n    try:\n        return gl.nondet.web.get('https://none').body\n    \
                except gl.nondet.NondetException as error:\n        return str(error)\n\
                return gl.eq_principle.strict_eq(ask)";
    check(body, text("WEB_REQUEST_FAILED: no such host")).await;
    let parts = body.replace("str(error)", "[*error.causes, error.ctx.get('status')]");
    let expected = vec![text("WEB_REQUEST_FAILED"), text("no such host"), Value::Null];
    check(&parts, Value::Array(expected)).await;
    let raw = "return gl.eq_principle.strict_eq(lambda: gl.nondet.web.get('https://none').body)";
    let execution = run(raw).await;
    assert_eq!(execution.outcome, ExecutionOutcome::UserError("vm error: exit_code 1".into()));
    assert!(execution.stderr.contains("NondetException: WEB_REQUEST_FAILED"));
}

#[tokio::test]
async fn a_node_whose_network_fails_has_no_result() {
    let body = "try:\n    return gl.eq_principle.strict_eq(lambda: \
                gl.nondet.web.get('https://down').status)\nexcept BaseException:\n    return 0";
    let ended = told().executor(1).execute(request(&contract(body), Some("go"), vec![])).await;
    let Err(ExecutionError::Infrastructure(cause)) = ended else { panic!("{ended:?}") };
    assert_eq!(cause, "WEB_REQUEST_FAILED: the cable is cut");
}

#[tokio::test]
async fn what_belongs_into_a_block_is_refused_outside() {
    let words = "can be asked only within a non-deterministic block: put this into a function";
    check_error("return gl.nondet.exec_prompt('a')", words).await;
    check_error("return gl.nondet.web.get('https://a').status", words).await;
    check_error("return gl.nondet.web.render('https://a')", words).await;
    check_error("return gl.eq_principle.strict_eq(gl.nondet.exec_prompt('a'))", words).await;
    check_error("return gl.eq_principle.strict_eq('a')", "pass it without calling it").await;
}

#[tokio::test]
async fn what_does_not_belong_into_a_block_is_refused_inside() {
    let address = "Address(b'a' * 20)";
    for (inside, words) in [
        ("self.n = 1", "storage changes cannot happen within a non-deterministic block"),
        ("self.names.append('a')", "storage changes cannot happen within"),
        ("gl.eq_principle.strict_eq(lambda: 1)", "cannot contain another one"),
        ("gl.get_contract_at(ADDRESS).view().a()", "other contracts cannot be asked within"),
        ("gl.get_contract_at(ADDRESS).emit().a()", "messages cannot happen within"),
        ("gl.deploy_contract(code='x')", "messages cannot happen within"),
    ] {
        let inside = inside.replace("ADDRESS", address);
        let body = format!("def block():\n    {inside}\nreturn gl.eq_principle.strict_eq(block)");
        check_error(&body, words).await;
    }
    // Afterwards everything is allowed again.
    check("a = gl.eq_principle.strict_eq(lambda: self.n)\nself.n = a + 1\nreturn self.n", int(1))
        .await;
}

#[tokio::test]
async fn what_a_block_changes_around_it_is_not_seen_outside() {
    let body = "seen = [1]\nnested = {'a': [1]}\ndef ask():\n    seen.append(2)\n    \
                nested['a'].append(2)\n    return [seen, nested]\n\
                got = gl.eq_principle.strict_eq(ask)\nreturn [seen, nested, got]";
    let one = |numbers: Vec<i64>| Value::Array(numbers.into_iter().map(int).collect());
    let map = |numbers| Value::map([("a", one(numbers))]);
    let inside = Value::Array(vec![one(vec![1, 2]), map(vec![1, 2])]);
    check(body, Value::Array(vec![one(vec![1]), map(vec![1]), inside])).await;
    // What is assigned before the block begins is seen in it, as are functions and classes.
    let body = "limit = None\ndef ask():\n    return helper(limit)\ndef helper(n):\n    \
                return n + 1\nlimit = 4\nreturn gl.eq_principle.strict_eq(ask)";
    check(body, int(5)).await;
}

#[tokio::test]
async fn a_sandbox_keeps_what_succeeds_and_takes_back_what_fails() {
    let body = "def work(fail):\n    self.n += 5\n    self.names.append('a')\n    if fail:\n        \
                raise gl.vm.UserError('no')\n    return 1\n\
                first = gl.vm.spawn_sandbox(lambda: work(False), allow_write_ops=True)\n\
                second = gl.vm.spawn_sandbox(lambda: work(True), allow_write_ops=True)\n\
                third = gl.vm.spawn_sandbox(lambda: work(False))\n\
                return [gl.vm.unpack_result(first), second.message, third.message, self.n, \
                len(self.names)]";
    let expected = vec![int(1), text("no"), text("exit_code 1"), int(5), int(1)];
    check(body, Value::Array(expected)).await;
    check_error("def deep(n):\n    return gl.vm.spawn_sandbox(lambda: deep(n + 1)).message\n\
                 gl.vm.unpack_result(gl.vm.spawn_sandbox(lambda: deep(0)))\nraise ValueError('end')",
        "sandboxes are nested too deep").await;
}

#[tokio::test]
async fn lazy_results_are_those_that_are_not() {
    let body = "a = gl.eq_principle.strict_eq.lazy(lambda: 4)\nb = gl.vm.run_nondet_unsafe.lazy(\
                lambda: gl.nondet.exec_prompt.lazy('x').get(), lambda leaders: True)\n\
                return [a.get(), b.get()]";
    check(body, Value::Array(vec![int(4), text("x with 0 images")])).await;
}

#[tokio::test]
async fn questions_tell_who_asks_and_in_which_order() {
    let told = told();
    let body = "def ask():\n    return gl.nondet.exec_prompt('a') + gl.nondet.exec_prompt('b')\n\
                gl.eq_principle.strict_eq(ask)\n\
                return gl.eq_principle.prompt_comparative(ask, 'alike')";
    let mut asks = request(&contract(body), Some("go"), vec![]);
    asks.node = account(9);
    let executor = told.executor(1);
    let receipt = executor.execute(asks.clone()).await.unwrap();
    let numbers = || {
        let asked = std::mem::take(&mut *told.asked.lock().unwrap());
        assert!(asked.iter().all(|(asker, _)| asker.node == account(9)));
        asked.iter().map(|(asker, _)| (asker.leads, asker.number)).collect::<Vec<_>>()
    };
    assert_eq!(numbers(), [(true, 0), (true, 1), (true, 1000), (true, 1001)]);
    asks.role = Role::Validator(receipt.into());
    executor.execute(asks).await.unwrap();
    // What a function asks has its leader's numbers; the judgement has one of its own.
    let expected = [0, 1, 1000, 1001, 1500].map(|number| (false, number));
    assert_eq!(numbers(), expected);
}

/// Models that think until they are told to stop.
#[derive(Debug)]
struct Slow(Arc<tokio::sync::Semaphore>);

impl agora::execution::nondeterminism::Models for Slow {
    fn ask(
        &self,
        _asker: agora::execution::nondeterminism::Asker,
        _prompt: Prompt,
    ) -> BoxFuture<'static, Result<Answer, NoAnswer>> {
        let gate = Arc::clone(&self.0);
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(Answer::Text("at last".into()))
        }
        .boxed()
    }
}

#[tokio::test]
async fn who_waits_for_a_model_keeps_nobody_from_computing() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let services = Services { models: Arc::new(Slow(Arc::clone(&gate))), ..Services::none() };
    let executor = PythonExecutor::start(settings(1), services).unwrap();
    let ask = "return gl.eq_principle.strict_eq(lambda: gl.nondet.exec_prompt('a'))";
    let slow = (0..4).map(|_| executor.execute(request(&contract(ask), Some("go"), vec![])));
    let slow = tokio::spawn(futures_util::future::join_all(slow));
    for _ in 0..8 {
        let fast = executor.execute(request(&contract("return 1"), Some("go"), vec![]));
        assert_eq!(returned(&fast.await.unwrap()), int(1));
    }
    assert!(!slow.is_finished());
    gate.add_permits(4);
    for ended in slow.await.unwrap() {
        assert_eq!(returned(&ended.unwrap()), text("at last"));
    }
}

#[tokio::test]
async fn waiting_for_a_model_counts_as_time() {
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let services = Services { models: Arc::new(Slow(gate)), ..Services::none() };
    let executor = PythonExecutor::start(settings(1), services).unwrap();
    let ask = "return gl.eq_principle.strict_eq(lambda: gl.nondet.exec_prompt('a'))";
    let mut asks = request(&contract(ask), Some("go"), vec![]);
    asks.time_limit = Duration::from_secs(3);
    let ended = executor.execute(asks).await;
    assert_eq!(ended, Err(ExecutionError::TimedOut { limit_ms: 3000 }));
}
