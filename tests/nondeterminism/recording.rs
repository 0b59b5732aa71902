//! What was recorded is answered again, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use agora::domain::Bytes;
use agora::execution::nondeterminism::models::{Script, ScriptedModels, Secrets};
use agora::execution::nondeterminism::recording::{Recording, Replay};
use agora::execution::nondeterminism::web::MockWeb;
use agora::execution::nondeterminism::{
    AnswerFormat, Asker, Models, Prompt, RenderMode, RenderRequest, Web, WebRequest, codes,
};
use serde_json::json;

use crate::{asker, json, text};

fn models() -> ScriptedModels {
    let script = json!([
        {"contains": "object", "answer": {"z": 1, "a": [0.1, null, "é\u{0}\n"]}},
        {"contains": "principle", "answer": false},
        {"contains": "limit", "error": {"code": "LLM_RATE_LIMITED", "reason": "später"}},
        {"contains": "bad", "error": {"code": "LLM_INVALID_PROMPT", "refused": true}},
        {"contains": "", "answer": "text \u{1F600}\n"},
    ]);
    ScriptedModels::new(Script::from_json(&script).unwrap())
}

fn web() -> MockWeb {
    let mocks = json!([
        {"contains": "fetch", "status": 418, "headers": {"a": "b"}, "body": "raw"},
        {"contains": "page", "text": "seen", "html": "<p>", "screenshot": "iVBORw0KGgo="},
    ]);
    MockWeb::from_json(&mocks).unwrap()
}

fn prompts() -> Vec<Prompt> {
    let images = vec![Bytes::from_static(b"GIF89a")];
    vec![
        text("x"),
        json("an object"),
        text("limit"),
        text("bad"),
        Prompt::Free { text: "x".to_owned(), format: AnswerFormat::Text, images },
        Prompt::Comparative {
            leader_answer: "1".to_owned(),
            validator_answer: "2".to_owned(),
            principle: "principle".to_owned(),
        },
        Prompt::NonComparativeLeader {
            task: "t".to_owned(),
            input: "i".to_owned(),
            criteria: "c".to_owned(),
        },
    ]
}

fn fetches() -> Vec<WebRequest> {
    ["https://fetch/", "https://nowhere/"]
        .map(|url| WebRequest {
            url: url.to_owned(),
            method: "POST".to_owned(),
            headers: [("a".to_owned(), Bytes::from_static(b"\xff"))].into(),
            body: Some(Bytes::from_static(b"\x00\xff")),
        })
        .to_vec()
}

fn pages() -> Vec<RenderRequest> {
    [RenderMode::Text, RenderMode::Html, RenderMode::Screenshot]
        .map(|mode| RenderRequest { url: "https://page/".to_owned(), mode, wait: Duration::ZERO })
        .to_vec()
}

fn nth(number: usize) -> Asker {
    Asker { number: u32::try_from(number).unwrap(), ..asker() }
}

/// Every answer to every question, in one text.
async fn everything(models: &dyn Models, web: &dyn Web) -> String {
    let mut shown = Vec::new();
    for (number, prompt) in prompts().into_iter().enumerate() {
        shown.push(format!("{:?}", models.ask(nth(number), prompt).await));
    }
    for (number, request) in fetches().into_iter().enumerate() {
        shown.push(format!("{:?}", web.fetch(nth(10 + number), request).await));
    }
    for (number, request) in pages().into_iter().enumerate() {
        shown.push(format!("{:?}", web.render(nth(20 + number), request).await));
    }
    shown.join("\n")
}

fn record(file: &tempfile::NamedTempFile, models: ScriptedModels) -> Recording {
    let (models, web) = (Arc::new(models), Arc::new(web()));
    Recording::open(models, web, file.path(), Secrets::default()).unwrap()
}

#[tokio::test]
async fn a_replay_answers_as_was_recorded() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let recording = record(&file, models());
    let live = everything(&recording, &recording).await;
    assert_eq!(live, everything(&models(), &web()).await);
    let lines = std::fs::read_to_string(file.path()).unwrap().lines().count();
    assert_eq!(lines, prompts().len() + fetches().len() + pages().len());

    let replay = Replay::open(file.path()).unwrap();
    assert_eq!(everything(&replay, &replay).await, live);
    assert_eq!(everything(&replay, &replay).await, live);
}

#[tokio::test]
async fn what_was_not_recorded_is_refused_in_words() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let recording = record(&file, models());
    recording.ask(asker(), text("x")).await.unwrap();
    let replay = Replay::open(file.path()).unwrap();
    assert!(replay.ask(asker(), text("x")).await.is_ok());
    let other = agora::domain::Digest::new([2; 32]);
    for (asker, prompt) in [
        (asker(), text("y")),
        (asker(), json("x")),
        (nth(1), text("x")),
        (Asker { node: agora::domain::Address::ZERO, ..asker() }, text("x")),
        (Asker { seed: other, ..asker() }, text("x")),
    ] {
        let error = replay.ask(asker, prompt).await.unwrap_err();
        assert_eq!(error.code(), codes::LLM_NO_PROVIDER);
        assert!(error.reason().contains("was not recorded"), "{error}");
    }
}

#[tokio::test]
async fn a_question_that_was_asked_twice_is_answered_in_order() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let models = models();
    let recording = record(&file, models.clone());
    let first = recording.ask(asker(), text("x")).await;
    let script = json!([{"contains": "", "answer": "later"}]);
    models.set(Script::from_json(&script).unwrap());
    let second = recording.ask(asker(), text("x")).await;
    assert_ne!(first, second);
    let replay = Replay::open(file.path()).unwrap();
    for wanted in [&first, &second, &second] {
        assert_eq!(&replay.ask(asker(), text("x")).await, wanted);
    }
}

#[test]
fn a_broken_line_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "{}\n").unwrap();
    let error = Replay::open(file.path()).unwrap_err().to_string();
    assert!(error.contains("line 1"), "{error}");
}
