//! Keys are shown nowhere, even when a server sends them back.

use std::sync::Arc;

use agora::execution::nondeterminism::models::{NodeModels, Plugin};
use agora::execution::nondeterminism::recording::Recording;
use agora::execution::nondeterminism::web::MockWeb;
use agora::execution::nondeterminism::{Models, NoAnswer};
use serde_json::json;

use crate::providers::{KEY, choice, router};
use crate::server::{Reply, Server};
use crate::{NODE, asker, json, text};

/// Sends back what it was sent, in the way that `path` says.
async fn echo() -> Server {
    Server::start(|request, _| {
        let sent = request.headers.values().cloned().collect::<Vec<_>>().join(" ");
        let padded = format!("{}{sent}", "x".repeat(290));
        match request.path.split('/').nth(1).unwrap_or_default() {
            "words" => {
                let message = json!({"content": sent});
                Reply::json(&json!({"choices": [{"message": message}],
                    "content": [{"text": sent}], "message": message,
                    "candidates": [{"content": {"parts": [{"text": sent}]}}]}))
            }
            "garbage" => Reply::status(200, &sent),
            "401" => Reply::status(401, &padded),
            "429" => Reply::status(429, &sent),
            "400" => Reply::status(400, &sent),
            _ => Reply::status(500, &sent),
        }
    })
    .await
}

const PLUGINS: [Plugin; 5] =
    [Plugin::OpenaiCompatible, Plugin::Custom, Plugin::Anthropic, Plugin::Google, Plugin::Ollama];
const PATHS: [&str; 6] = ["words", "garbage", "401", "429", "400", "500"];

/// Half a key is too much as well.
fn shows_key(text: &str) -> bool {
    text.contains(&KEY[..12])
}

#[tokio::test]
async fn no_answer_no_error_and_no_debug_output_shows_a_key() {
    let server = echo().await;
    let router = router();
    let mut said = 0;
    for plugin in PLUGINS {
        for path in PATHS {
            let choice = choice(plugin, &server.url(&format!("/{path}")));
            router.set(NODE, NodeModels::only(choice)).unwrap();
            for prompt in [text("x"), json("x")] {
                let answer = router.ask(asker(), prompt).await;
                let shown = format!("{answer:?} {router:?} {:?}", router.secrets());
                assert!(!shows_key(&shown), "{plugin:?} {path}: {shown}");
                said += usize::from(shown.contains("[redacted]"));
                if let Err(error) = answer {
                    assert!(!shows_key(&error.to_string()));
                }
            }
        }
    }
    // The server does echo: without redaction the test would see the key.
    assert!(said > 40, "only {said} of 60");
    assert!(server.asked().iter().any(|request| request.headers.values().any(|v| v.contains(KEY))));
}

#[tokio::test]
async fn addresses_hold_no_key() {
    let server = echo().await;
    for plugin in PLUGINS {
        let router = router();
        router.set(NODE, NodeModels::only(choice(plugin, &server.url("/words")))).unwrap();
        router.ask(asker(), text("x")).await.unwrap();
    }
    assert!(server.asked().iter().all(|request| !request.path.contains(KEY)));
}

#[tokio::test]
async fn a_recording_holds_no_key_even_if_a_prompt_does() {
    let router = router();
    let file = tempfile::NamedTempFile::new().unwrap();
    let models = Arc::new(router.clone());
    let secrets = router.secrets().clone();
    let recording = Recording::open(models, Arc::new(MockWeb::default()), file.path(), secrets);
    let recording = recording.unwrap();
    recording.ask(asker(), text(&format!("my key is {KEY}"))).await.unwrap();
    let mut bad = choice(Plugin::Scripted, "http://x");
    bad.plugin_config.insert("mocks".to_owned(), json!([]));
    router.set(NODE, NodeModels::only(bad)).unwrap();
    let error: NoAnswer = recording.ask(asker(), text(KEY)).await.unwrap_err();
    assert!(error.reason().contains("no mock fits"));
    let written = std::fs::read_to_string(file.path()).unwrap();
    assert_eq!(written.lines().count(), 2);
    assert!(!written.contains(KEY) && written.contains("[redacted]"), "{written}");
}
