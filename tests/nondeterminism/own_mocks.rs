//! Mocks that a node has of its own, before whatever its network asks.

use std::sync::Arc;

use agora::domain::{ModelChoice, NodeModels};
use agora::execution::nondeterminism::models::{Script, ScriptedModels};
use agora::execution::nondeterminism::web::MockWeb;
use agora::execution::nondeterminism::{
    Answer, Asker, NoAnswer, RenderMode, RenderRequest, Rendered, Services, WebRequest,
};
use serde_json::{Value, json};

use crate::providers::router;
use crate::{NODE, asker, text};

const PAGE: &str = "https://news.example/today";

/// A network of its own mocks: models that say `network`, a web whose pages do.
fn network() -> Services {
    let script = Script::from_json(&json!([{"contains": "", "answer": "network"}])).unwrap();
    let web = MockWeb::from_json(&json!([{"contains": "", "body": "network"}])).unwrap();
    let services = Services { models: Arc::new(ScriptedModels::new(script)), web: Arc::new(web) };
    services.with_own_mocks()
}

fn models(plugin_config: &Value) -> NodeModels {
    let plugin_config = plugin_config.as_object().unwrap().clone();
    NodeModels::only(ModelChoice { plugin_config, ..ModelChoice::simulated() })
}

fn with(plugin_config: &Value) -> Asker {
    Asker { models: Some(Arc::new(models(plugin_config))), ..asker() }
}

async fn says(services: &Services, asker: Asker) -> Result<Answer, NoAnswer> {
    services.models.ask(asker, text("the weather")).await
}

async fn fetched(services: &Services, asker: Asker, url: &str) -> Result<String, NoAnswer> {
    let request = WebRequest {
        url: url.to_owned(),
        method: "GET".to_owned(),
        headers: std::collections::BTreeMap::new(),
        body: None,
    };
    let response = services.web.fetch(asker, request).await?;
    Ok(String::from_utf8(response.body.to_vec()).unwrap())
}

fn words(text: &str) -> Result<Answer, NoAnswer> {
    Ok(Answer::Text(text.to_owned()))
}

#[tokio::test]
async fn own_mocks_come_before_those_of_the_network() {
    let services = network();
    let own = with(&json!({
        "mock_response": {"response": {"weather": "own"}},
        "mock_web_response": {"nondet_web_request": {PAGE: {"body": "own page"}}},
    }));
    assert_eq!(says(&services, own.clone()).await, words("own"));
    assert_eq!(fetched(&services, own.clone(), PAGE).await.unwrap(), "own page");
    let page = RenderRequest {
        url: PAGE.to_owned(),
        mode: RenderMode::Text,
        wait: std::time::Duration::ZERO,
    };
    let shown = services.web.render(own.clone(), page).await;
    assert_eq!(shown, Ok(Rendered::Text("own page".to_owned())));
    // An address that they do not name is the network's to reach.
    let other = fetched(&services, own, "https://other.example").await;
    assert_eq!(other.unwrap(), "network");
}

#[tokio::test]
async fn without_own_mocks_the_network_answers() {
    let services = network();
    for asker in [asker(), with(&json!({})), with(&json!({"mock_response": null}))] {
        assert_eq!(says(&services, asker.clone()).await, words("network"));
        assert_eq!(fetched(&services, asker, PAGE).await.unwrap(), "network");
    }
    // Those of one kind say nothing of the other.
    let web = with(&json!({"mock_web_response": {"nondet_web_request": {PAGE: {"body": "own"}}}}));
    assert_eq!(says(&services, web).await, words("network"));
}

#[tokio::test]
async fn a_prompt_that_own_mocks_do_not_fit_is_asked_of_nobody() {
    let strict = with(&json!({"mock_response": {"response": {"coin": "own"}}}));
    let refused = says(&network(), strict).await.unwrap_err().to_string();
    assert!(refused.contains("no mock fits") && refused.contains("coin"), "{refused}");
}

#[tokio::test]
async fn nodes_of_the_settings_have_mocks_as_well() {
    let router = router();
    router
        .set(
            NODE,
            models(&json!({
                "mock_response": {"response": {"": "set"}},
                "mock_web_response": {"nondet_web_request": {PAGE: {"body": "set page"}}},
            })),
        )
        .unwrap();
    let services = Services { models: Arc::new(router), ..Services::none() }.with_own_mocks();
    assert_eq!(says(&services, asker()).await, words("set"));
    assert_eq!(fetched(&services, asker(), PAGE).await.unwrap(), "set page");
    let other = Asker { node: agora::domain::Address::ZERO, ..asker() };
    assert!(fetched(&services, other, PAGE).await.is_err(), "there is no web");
    // The models of a validator win over those of the settings.
    let own = with(&json!({"mock_response": {"response": {"": "own"}}}));
    assert_eq!(says(&services, own.clone()).await, words("own"));
    assert!(fetched(&services, own, PAGE).await.is_err());
}

#[tokio::test]
async fn broken_mocks_are_an_error_in_words() {
    let services = network();
    let broken = with(&json!({"mock_web_response": {"pages": {}}}));
    let error = fetched(&services, broken, PAGE).await.unwrap_err().to_string();
    assert!(error.contains("nondet_web_request"), "{error}");
}

#[tokio::test]
async fn what_is_known_of_models_is_what_the_network_knows() {
    let services = Services { models: Arc::new(router()), ..Services::none() }.with_own_mocks();
    let models = services.models;
    assert_eq!(models.known().len(), 57);
    assert!(models.probe(ModelChoice::simulated()).await);
    assert!(models.has_key(&ModelChoice::simulated()));
    let gpt = models.known().into_iter().find(|choice| choice.model == "gpt-4o").unwrap();
    assert!(!models.has_key(&gpt));
    let bad = ModelChoice { model: String::new(), ..gpt };
    assert_eq!(models.check(&bad).unwrap_err().field, "model");
    assert_eq!(*models.of_settings(&NODE), NodeModels::only(ModelChoice::simulated()));
}

#[tokio::test]
async fn prompts_that_are_too_large_are_refused_before_any_mock() {
    let services = network();
    let own = with(&json!({"mock_response": {"response": {"": "own"}}}));
    let long = crate::text(&"a".repeat(20_000_000));
    for asker in [asker(), own] {
        let error = services.models.ask(asker, long.clone()).await.unwrap_err();
        assert!(matches!(error, NoAnswer::Refused { .. }), "{error}");
        let reason = "the prompt has 20000000 bytes, and 1048576 is the most";
        assert_eq!(error.to_string(), format!("LLM_INVALID_PROMPT: {reason}"));
    }
}
