//! Failing providers, retries, fallbacks, limits and probes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agora::domain::Address;
use agora::execution::nondeterminism::models::{
    Availability, ModelChoice, ModelRouter, ModelSettings, NodeModels, Plugin, Secrets,
};
use agora::execution::nondeterminism::{Answer, Asker, Models, NoAnswer, codes};
use futures_util::future::join_all;
use serde_json::json;

use crate::providers::{ask, choice, router};
use crate::server::{Reply, Server};
use crate::{NODE, asker, json, text};

fn said(words: &str) -> Reply {
    Reply::json(&json!({"choices": [{"message": {"content": words}, "finish_reason": "stop"}]}))
}

/// The code of a failure and the number of requests that it took.
async fn failure(reply: Reply, prompt: &str) -> (NoAnswer, usize) {
    let server = Server::start(move |_, _| reply.clone()).await;
    let answer = ask(Plugin::OpenaiCompatible, &server, json!({}), text(prompt)).await;
    (answer.unwrap_err(), server.asked().len())
}

#[tokio::test]
async fn only_what_may_pass_is_tried_again() {
    let huge = "x".repeat(5 << 20);
    for (reply, code, tries, refused) in [
        (Reply::status(401, "{}"), codes::LLM_INVALID_API_KEY, 1, false),
        (Reply::status(429, "slow down"), codes::LLM_RATE_LIMITED, 3, false),
        (Reply::status(500, "oh"), codes::LLM_PROVIDER_ERROR, 3, false),
        (Reply::status(404, "no such model"), codes::LLM_PROVIDER_ERROR, 1, false),
        (Reply::status(400, "context_length_exceeded"), codes::LLM_INVALID_PROMPT, 1, true),
        (Reply::status(302, ""), codes::LLM_PROVIDER_ERROR, 1, false),
        (Reply::Gone, codes::LLM_PROVIDER_ERROR, 3, false),
        (Reply::Silent, codes::LLM_TIMEOUT, 1, false),
        (Reply::status(200, "<html>garbage"), codes::LLM_PROVIDER_ERROR, 1, false),
        (Reply::status(200, "{\"choices\": []}"), codes::LLM_PROVIDER_ERROR, 1, false),
        (Reply::status(200, &huge), codes::LLM_PROVIDER_ERROR, 1, false),
        (
            Reply::status(200, r#"{"choices":[{"message":{"refusal":"I will not"}}]}"#),
            codes::LLM_INVALID_PROMPT,
            1,
            true,
        ),
    ] {
        let shown = format!("{reply:?}").chars().take(60).collect::<String>();
        let (error, asked) = failure(reply, "x").await;
        assert_eq!((error.code(), asked), (code, tries), "{shown}: {error}");
        assert_eq!(matches!(error, NoAnswer::Refused { .. }), refused, "{shown}");
        assert!(error.reason().starts_with("test/m-1: "), "{error}");
    }
}

#[tokio::test]
async fn a_provider_that_recovers_is_forgiven() {
    let server = Server::start(|_, before| match before {
        0 => Reply::status(503, ""),
        1 => Reply::Gone,
        _ => said("well"),
    })
    .await;
    let answer = ask(Plugin::OpenaiCompatible, &server, json!({}), text("x")).await;
    assert_eq!(answer, Ok(Answer::Text("well".to_owned())));
}

#[tokio::test]
async fn words_of_the_wrong_form_are_asked_for_once_more() {
    let server =
        Server::start(|_, before| said(if before == 0 { "Certainly!" } else { "{\"a\": 2}" }))
            .await;
    let answer = ask(Plugin::OpenaiCompatible, &server, json!({}), json("x")).await;
    assert_eq!(answer, Ok(Answer::Json(json!({"a": 2}))));

    let server = Server::start(|_, _| said("Certainly!")).await;
    let error = ask(Plugin::OpenaiCompatible, &server, json!({}), json("x")).await.unwrap_err();
    assert_eq!((error.code(), server.asked().len()), (codes::LLM_INVALID_PROMPT, 2));
    assert!(error.reason().contains("`Certainly!`"), "{error}");
    assert!(matches!(error, NoAnswer::Refused { .. }));
}

#[tokio::test]
async fn a_missing_key_is_named_and_nothing_is_sent() {
    let server = Server::start(|_, _| said("x")).await;
    let router = ModelRouter::new(ModelSettings::default(), Secrets::default()).unwrap();
    let choice = choice(Plugin::Anthropic, &server.url(""));
    router.set(NODE, NodeModels::only(choice)).unwrap();
    let error = router.ask(asker(), text("x")).await.unwrap_err();
    assert_eq!(error.code(), codes::LLM_INVALID_API_KEY);
    assert!(error.reason().contains("set TEST_KEY"), "{error}");
    assert_eq!(server.asked().len(), 0);
}

#[tokio::test]
async fn the_fallback_answers_when_the_primary_fails() {
    let down = Server::start(|_, _| Reply::status(401, "")).await;
    let well = Server::start(|_, _| said("second")).await;
    let router = router();
    let models = |second: &Server| NodeModels {
        primary: choice(Plugin::OpenaiCompatible, &down.url("")),
        fallback: Some(choice(Plugin::OpenaiCompatible, &second.url(""))),
    };
    router.set(NODE, models(&well)).unwrap();
    let answer = router.ask(asker(), text("x")).await;
    assert_eq!(answer, Ok(Answer::Text("second".to_owned())));

    let slow = Server::start(|_, _| Reply::status(429, "")).await;
    router.set(NODE, models(&slow)).unwrap();
    let error = router.ask(asker(), text("x")).await.unwrap_err();
    assert_eq!(error.code(), codes::LLM_NO_PROVIDER);
    assert!(error.reason().contains("401") && error.reason().contains("429"), "{error}");
}

#[tokio::test]
async fn one_provider_gets_so_many_requests_at_a_time() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (inside, peak) = (now.clone(), most.clone());
    let server = Server::start(move |_, _| {
        let count = inside.fetch_add(1, Ordering::SeqCst) + 1;
        peak.fetch_max(count, Ordering::SeqCst);
        Reply::Slow(br#"{"choices":[{"message":{"content":"ok"}}]}"#.to_vec())
    })
    .await;
    let settings = ModelSettings { concurrency_per_provider: 2, ..ModelSettings::default() };
    let mut secrets = Secrets::default();
    secrets.insert("TEST_KEY", "k");
    let router = ModelRouter::new(settings, secrets).unwrap();
    let choice = choice(Plugin::OpenaiCompatible, &server.url(""));
    router.set(NODE, NodeModels::only(choice)).unwrap();
    let asked = join_all((0..6).map(|_| {
        let (router, now) = (router.clone(), now.clone());
        async move {
            router.ask(asker(), text("x")).await.unwrap();
            now.fetch_sub(1, Ordering::SeqCst);
        }
    }));
    asked.await;
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_comes_with_a_question_goes_before_the_shared_routes() {
    let router = router();
    let scripted = |answer: &str| {
        let mut choice = ModelChoice::simulated();
        let mocks = json!([{"contains": "", "answer": answer}]);
        choice.plugin_config.insert("mocks".to_owned(), mocks);
        NodeModels::only(choice)
    };
    let handle = router.clone();
    handle.set(NODE, scripted("one")).unwrap();
    let own = Asker { models: Some(Arc::new(scripted("own"))), ..asker() };
    handle.set(NODE, scripted("two")).unwrap();
    handle.set_otherwise(scripted("other")).unwrap();
    let other = Asker { node: Address::ZERO, ..asker() };
    let answer = |text: &str| Ok(Answer::Text(text.to_owned()));
    assert_eq!(router.ask(asker(), text("x")).await, answer("two"));
    assert_eq!(router.ask(own, text("x")).await, answer("own"));
    assert_eq!(router.ask(other, text("x")).await, answer("other"));
    handle.remove(&NODE);
    assert_eq!(router.ask(asker(), text("x")).await, answer("other"));
    let bad = ModelChoice { model: String::new(), ..ModelChoice::simulated() };
    assert!(router.set(NODE, NodeModels::only(bad)).is_err());
}

#[tokio::test]
async fn a_probe_wants_an_ok_in_time() {
    let server = Server::start(|request, _| match request.path.as_str() {
        "/good/v1/chat/completions" => said("OK."),
        "/odd/v1/chat/completions" => said("I cannot do that"),
        "/bad/v1/chat/completions" => Reply::status(401, ""),
        _ => Reply::Silent,
    })
    .await;
    let mut secrets = Secrets::default();
    secrets.insert("TEST_KEY", "k");
    let probe_timeout = Duration::from_millis(300);
    let settings = ModelSettings { probe_timeout, ..ModelSettings::default() };
    let router = ModelRouter::new(settings, secrets).unwrap();
    let probe =
        async |path: &str| router.probe(&choice(Plugin::OpenaiCompatible, &server.url(path))).await;
    assert_eq!(probe("/good").await, Availability::Available);
    for (path, code) in [
        ("/odd", codes::LLM_PROVIDER_ERROR),
        ("/bad", codes::LLM_INVALID_API_KEY),
        ("/silent", codes::LLM_TIMEOUT),
    ] {
        let Availability::Unavailable(error) = probe(path).await else { panic!("{path}") };
        assert_eq!(error.code(), code, "{error}");
    }
}
