//! What each provider is sent, and how its replies are read.

use std::time::Duration;

use agora::domain::Bytes;
use agora::execution::nondeterminism::models::{
    ModelChoice, ModelRouter, ModelSettings, NodeModels, Plugin, Secrets,
};
use agora::execution::nondeterminism::{Answer, AnswerFormat, Models, NoAnswer, Prompt};
use serde_json::{Value, json};

use crate::server::{Reply, Server};
use crate::{NODE, asker, json, text};

pub(crate) const KEY: &str = "sk-test-0123456789abcdef";

/// A router that loses no time, and knows one key.
pub(crate) fn router() -> ModelRouter {
    let mut secrets = Secrets::default();
    secrets.insert("TEST_KEY", KEY);
    let settings = ModelSettings {
        request_timeout: Duration::from_millis(1500),
        backoff: Duration::from_millis(5),
        backoff_max: Duration::from_millis(50),
        ..ModelSettings::default()
    };
    ModelRouter::new(settings, secrets).unwrap()
}

/// A model behind a test's server.
pub(crate) fn choice(plugin: Plugin, url: &str) -> ModelChoice {
    let config = json!({"api_url": url, "api_key_env_var": "TEST_KEY"});
    ModelChoice {
        provider: "test".to_owned(),
        model: "m-1".to_owned(),
        config: serde_json::Map::new(),
        plugin,
        plugin_config: config.as_object().unwrap().clone(),
    }
}

/// Asks a server through one plugin.
pub(crate) async fn ask(
    plugin: Plugin,
    server: &Server,
    config: Value,
    prompt: Prompt,
) -> Result<Answer, NoAnswer> {
    let router = router();
    let config = config.as_object().unwrap().clone();
    let choice = ModelChoice { config, ..choice(plugin, &server.url("")) };
    router.set(NODE, NodeModels::only(choice)).unwrap();
    router.ask(asker(), prompt).await
}

fn image() -> Prompt {
    Prompt::Free {
        text: "what is it?".to_owned(),
        format: AnswerFormat::Text,
        images: vec![Bytes::from_static(b"\x89PNG\r\n\x1a\nxyz")],
    }
}

const PICTURE: &str = "iVBORw0KGgp4eXo=";

fn openai(content: &str) -> Value {
    json!({"choices": [{"message": {"role": "assistant", "content": content},
        "finish_reason": "stop"}]})
}

#[tokio::test]
async fn chat_completions_of_openai() {
    let server = Server::start(|_, _| Reply::json(&openai("{\"a\": 1}"))).await;
    let answer = ask(Plugin::OpenaiCompatible, &server, json!({}), json("count")).await;
    assert_eq!(answer, Ok(Answer::Json(json!({"a": 1}))));
    let answer = ask(Plugin::OpenaiCompatible, &server, json!({}), image()).await;
    assert_eq!(answer, Ok(Answer::Text("{\"a\": 1}".to_owned())));

    let asked = server.asked();
    let [first, second] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((first.method.as_str(), first.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(first.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(first.headers["content-type"], "application/json");
    let body = first.json();
    assert_eq!(body["model"], "m-1");
    assert_eq!(body["max_tokens"], 4000);
    assert_eq!(body["temperature"], 0.7);
    assert_eq!(body["response_format"], json!({"type": "json_object"}));
    assert_eq!(body["messages"][0]["role"], "system");
    assert_eq!(body["messages"][1], json!({"role": "user", "content": "count"}));

    let body = second.json();
    assert_eq!(body.get("response_format"), None);
    let parts = json!([{"type": "text", "text": "what is it?"}, {"type": "image_url",
        "image_url": {"url": format!("data:image/png;base64,{PICTURE}")}}]);
    assert_eq!(body["messages"][0]["content"], parts);
}

#[tokio::test]
async fn sampling_is_as_the_configuration_wants_it() {
    let server = Server::start(|_, _| Reply::json(&openai("ok"))).await;
    let config = json!({"temperature": 1, "use_max_completion_tokens": true, "max_tokens": 9});
    ask(Plugin::OpenaiCompatible, &server, config, text("x")).await.unwrap();
    let config = json!({"temperature": null});
    ask(Plugin::OpenaiCompatible, &server, config, text("x")).await.unwrap();
    let bodies: Vec<Value> = server.asked().iter().map(crate::server::Request::json).collect();
    assert_eq!(bodies[0]["max_completion_tokens"], 9);
    assert_eq!(bodies[0].get("max_tokens"), None);
    assert_eq!(bodies[0]["temperature"], 1);
    assert_eq!(bodies[1].get("temperature"), None);
}

#[tokio::test]
async fn the_custom_plugin_posts_to_exactly_its_address() {
    let server = Server::start(|_, _| Reply::json(&openai("hi"))).await;
    let router = router();
    let choice = choice(Plugin::Custom, &server.url("/my/model"));
    router.set(NODE, NodeModels::only(choice)).unwrap();
    router.ask(asker(), text("x")).await.unwrap();
    assert_eq!(server.asked()[0].path, "/my/model");
    assert_eq!(server.asked()[0].headers["authorization"], format!("Bearer {KEY}"));
}

#[tokio::test]
async fn messages_of_anthropic() {
    let reply = json!({"content": [{"type": "text", "text": "```json\n{\"a\": 1}\n```"}],
        "stop_reason": "end_turn"});
    let server = Server::start(move |_, _| Reply::json(&reply)).await;
    let answer = ask(Plugin::Anthropic, &server, json!({}), json("count")).await;
    assert_eq!(answer, Ok(Answer::Json(json!({"a": 1}))));
    ask(Plugin::Anthropic, &server, json!({}), image()).await.unwrap();

    let asked = server.asked();
    let [first, second] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(first.path, "/v1/messages");
    assert_eq!(first.headers["x-api-key"], KEY);
    assert_eq!(first.headers["anthropic-version"], "2023-06-01");
    let body = first.json();
    assert_eq!((&body["max_tokens"], &body["temperature"]), (&json!(4000), &json!(0.7)));
    assert!(body["system"].as_str().unwrap().contains("JSON"));
    let parts = json!([{"type": "text", "text": "count"}]);
    assert_eq!(body["messages"], json!([{"role": "user", "content": parts}]));
    let body = second.json();
    assert_eq!(body.get("system"), None);
    let source = json!({"type": "base64", "media_type": "image/png", "data": PICTURE});
    assert_eq!(body["messages"][0]["content"][0], json!({"type": "image", "source": source}));
}

#[tokio::test]
async fn generate_content_of_google() {
    let reply = json!({"candidates": [{"content": {"parts": [
        {"text": "hm", "thought": true}, {"text": "{\"a\""}, {"text": ": 1}"}]},
        "finishReason": "STOP"}]});
    let server = Server::start(move |_, _| Reply::json(&reply)).await;
    let answer = ask(Plugin::Google, &server, json!({}), json("count")).await;
    assert_eq!(answer, Ok(Answer::Json(json!({"a": 1}))));
    ask(Plugin::Google, &server, json!({}), image()).await.unwrap();

    let asked = server.asked();
    let [first, second] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(first.path, "/v1beta/models/m-1:generateContent");
    assert_eq!(first.headers["x-goog-api-key"], KEY);
    let body = first.json();
    let generation = json!({"responseMimeType": "application/json", "maxOutputTokens": 4000,
        "temperature": 0.7});
    assert_eq!(body["generationConfig"], generation);
    assert_eq!(body["contents"][0]["parts"], json!([{"text": "count"}]));
    assert!(body["systemInstruction"]["parts"][0]["text"].is_string());
    let body = second.json();
    assert_eq!(body["generationConfig"]["responseMimeType"], "text/plain");
    let data = json!({"mimeType": "image/png", "data": PICTURE});
    assert_eq!(body["contents"][0]["parts"][1], json!({"inlineData": data}));
}

#[tokio::test]
async fn chat_of_ollama() {
    let reply = json!({"message": {"role": "assistant", "content": "{\"a\": 1}"}, "done": true});
    let server = Server::start(move |_, _| Reply::json(&reply)).await;
    let config = json!({"num_ctx": 2048, "stop": "", "num_predict": 128, "temprature": 0.8,
        "microstat_tau": 5, "top_k": 40});
    let answer = ask(Plugin::Ollama, &server, config, json("count")).await;
    assert_eq!(answer, Ok(Answer::Json(json!({"a": 1}))));
    ask(Plugin::Ollama, &server, json!({"stop": ["END"]}), image()).await.unwrap();

    let asked = server.asked();
    let [first, second] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(first.path, "/api/chat");
    let body = first.json();
    assert_eq!((&body["stream"], &body["format"]), (&json!(false), &json!("json")));
    let options = json!({"num_ctx": 2048, "top_k": 40, "num_predict": 4000, "temperature": 0.7});
    assert_eq!(body["options"], options);
    let body = second.json();
    assert_eq!(body.get("format"), None);
    assert_eq!(body["messages"][0]["images"], json!([PICTURE]));
    assert_eq!(body["options"]["stop"], json!(["END"]));
}

#[tokio::test]
async fn a_judge_is_shown_both_answers_and_its_verdict_is_read() {
    let server = Server::start(|_, before| {
        Reply::json(&openai(if before == 0 { "{\"result\": true}" } else { "{\"result\": false}" }))
    })
    .await;
    let comparative = Prompt::Comparative {
        leader_answer: "LEFT".to_owned(),
        validator_answer: "RIGHT".to_owned(),
        principle: "SAME".to_owned(),
    };
    let judgement = Prompt::NonComparativeValidator {
        task: "TASK".to_owned(),
        input: "INPUT".to_owned(),
        output: "OUTPUT".to_owned(),
        criteria: "CRITERIA".to_owned(),
    };
    let answer = ask(Plugin::OpenaiCompatible, &server, json!({}), comparative).await;
    assert_eq!(answer, Ok(Answer::Verdict(true)));
    let answer = ask(Plugin::OpenaiCompatible, &server, json!({}), judgement).await;
    assert_eq!(answer, Ok(Answer::Verdict(false)));
    let said: Vec<String> = server
        .asked()
        .iter()
        .map(|request| request.json()["messages"][1]["content"].as_str().unwrap().to_owned())
        .collect();
    assert!(["LEFT", "RIGHT", "SAME"].iter().all(|word| said[0].contains(word)));
    assert!(["TASK", "INPUT", "OUTPUT", "CRITERIA"].iter().all(|word| said[1].contains(word)));
}

#[tokio::test]
async fn the_leaders_task_is_answered_with_text() {
    let server = Server::start(|_, _| Reply::json(&openai("a summary"))).await;
    let prompt = Prompt::NonComparativeLeader {
        task: "TASK".to_owned(),
        input: "INPUT".to_owned(),
        criteria: "CRITERIA".to_owned(),
    };
    let answer = ask(Plugin::OpenaiCompatible, &server, json!({}), prompt).await;
    assert_eq!(answer, Ok(Answer::Text("a summary".to_owned())));
    let said = server.asked()[0].json()["messages"][0]["content"].as_str().unwrap().to_owned();
    assert!(["TASK", "INPUT", "CRITERIA"].iter().all(|word| said.contains(word)));
}
