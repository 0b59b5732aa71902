//! Scripted models and a made-up web.

use std::sync::Arc;
use std::time::Duration;

use agora::domain::Address;
use agora::execution::nondeterminism::models::{
    ModelChoice, NodeModels, Plugin, Script, ScriptedModels,
};
use agora::execution::nondeterminism::web::MockWeb;
use agora::execution::nondeterminism::{
    Answer, Asker, Models, NoAnswer, Prompt, RenderMode, RenderRequest, Rendered, Web, WebRequest,
    WebResponse, codes,
};
use serde_json::{Value, json};

use crate::providers::router;
use crate::{NODE, asker, json, text};

fn comparative(principle: &str) -> Prompt {
    Prompt::Comparative {
        leader_answer: "left".to_owned(),
        validator_answer: "right".to_owned(),
        principle: principle.to_owned(),
    }
}

fn leader() -> Prompt {
    Prompt::NonComparativeLeader {
        task: "classify".to_owned(),
        input: "some input".to_owned(),
        criteria: "one word".to_owned(),
    }
}

fn judgement(output: &str) -> Prompt {
    Prompt::NonComparativeValidator {
        task: "classify".to_owned(),
        input: "some input".to_owned(),
        output: output.to_owned(),
        criteria: "one word".to_owned(),
    }
}

async fn ask(models: &dyn Models, prompt: Prompt) -> Result<Answer, NoAnswer> {
    models.ask(asker(), prompt).await
}

fn words(text: &str) -> Result<Answer, NoAnswer> {
    Ok(Answer::Text(text.to_owned()))
}

#[tokio::test]
async fn the_first_mock_that_fits_answers() {
    let script = Script::from_json(&json!([
        {"exact": "weather", "answer": "exactly"},
        {"regex": "^w.*r in \\w+$", "answer": {"sky": "blue"}},
        {"contains": "weather", "leads": false, "answer": "for validators"},
        {"contains": "weather", "nodes": [Address::ZERO], "answer": "for another"},
        {"contains": "weather", "kind": "comparative", "answer": true},
        {"contains": "weather", "answer": "contained"},
        {"contains": "limit", "error": {"code": "LLM_RATE_LIMITED", "reason": "too often"}},
        {"contains": "forbidden", "error": {"code": "LLM_INVALID_PROMPT", "refused": true}},
    ]));
    let models = ScriptedModels::new(script.unwrap());
    assert_eq!(ask(&models, text("weather")).await, words("exactly"));
    let sky = json!({"sky": "blue"});
    assert_eq!(ask(&models, json("weather in Rome")).await, Ok(Answer::Json(sky.clone())));
    assert_eq!(ask(&models, text("weather in Rome")).await, words(&sky.to_string()));
    assert_eq!(ask(&models, text("the weather")).await, words("contained"));
    assert_eq!(ask(&models, comparative("the weather")).await, Ok(Answer::Verdict(true)));
    let validator = Asker { leads: false, ..asker() };
    assert_eq!(models.ask(validator, text("the weather")).await, words("for validators"));
    let other = Asker { node: Address::ZERO, ..asker() };
    assert_eq!(models.ask(other, text("the weather")).await, words("for another"));
    let limited = NoAnswer::unavailable(codes::LLM_RATE_LIMITED, "too often");
    assert_eq!(ask(&models, text("limit")).await, Err(limited));
    let refused = NoAnswer::refused(codes::LLM_INVALID_PROMPT, "");
    assert_eq!(ask(&models, text("forbidden")).await, Err(refused));
}

#[tokio::test]
async fn an_unmatched_prompt_names_itself_and_the_mocks() {
    let script = json!([{"contains": "weather", "answer": "x"}, {"regex": "^a+$", "answer": "x"}]);
    let models = ScriptedModels::new(Script::from_json(&script).unwrap());
    let error = ask(&models, text(&"what is the time? ".repeat(30))).await.unwrap_err();
    assert_eq!(error.code(), codes::LLM_NO_PROVIDER);
    for wanted in ["what is the time? what", "contains `weather`", "regex `^a+$`", "…"] {
        assert!(error.reason().contains(wanted), "{error}");
    }
    let error = ask(&models, json("the weather")).await.unwrap_err();
    assert!(error.reason().contains("is not a JSON object"), "{error}");
    models.set(Script::default());
    let error = ask(&models, text("x")).await.unwrap_err();
    assert!(error.reason().contains("there are none"), "{error}");
}

#[test]
fn bad_mocks_are_refused_by_their_number() {
    for (mocks, wanted) in [
        (json!({}), "must be a list"),
        (json!([{"answer": "x"}]), "mocks[0]: exactly one of `exact`"),
        (json!([{"contains": "a", "regex": "b", "answer": "x"}]), "exactly one of `exact`"),
        (json!([{"contains": "a"}]), "exactly one of `answer`"),
        (json!([{"exact": "a", "answer": 1}, {"regex": "(", "answer": "x"}]), "mocks[1]: "),
        (json!([{"contains": "a", "error": {"code": "NO_SUCH"}}]), "no code `NO_SUCH`"),
        (json!([{"contains": "a", "answer": "x", "when": 1}]), "unknown field `when`"),
    ] {
        let error = Script::from_json(&mocks).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error} does not say {wanted}");
    }
}

fn studio(tables: Value) -> NodeModels {
    let mut choice = ModelChoice::simulated();
    choice.plugin_config.insert("mock_response".to_owned(), tables);
    NodeModels::only(ModelChoice {
        provider: "openai".to_owned(),
        plugin: Plugin::OpenaiCompatible,
        plugin_config: {
            choice.plugin_config.insert("api_url".to_owned(), json!("http://127.0.0.1:1"));
            choice.plugin_config
        },
        ..choice
    })
}

#[tokio::test]
async fn studios_tables_answer_and_the_longest_key_wins() {
    let router = router();
    router.set(NODE, studio(json!({
        "response": {"coin": "short", "the coin": {"give_coin": false}, "": "default", "flip": "{\"a\": 1}"},
        "eq_principle_prompt_comparative": {"same meaning": true, "same meaning exactly": false},
        "eq_principle_prompt_non_comparative": {"classify": true, "output: bad": false, "some": "spam"},
    }))).unwrap();
    assert_eq!(ask(&router, text("a coin")).await, words("short"));
    assert_eq!(
        ask(&router, json("give me the coin")).await,
        Ok(Answer::Json(json!({"give_coin": false})))
    );
    assert_eq!(ask(&router, json("flip")).await, Ok(Answer::Json(json!({"a": 1}))));
    assert_eq!(ask(&router, text("anything")).await, words("default"));
    assert_eq!(ask(&router, comparative("the same meaning")).await, Ok(Answer::Verdict(true)));
    let exactly = comparative("the same meaning exactly");
    assert_eq!(ask(&router, exactly).await, Ok(Answer::Verdict(false)));
    assert!(ask(&router, comparative("unlike")).await.is_err());
    assert_eq!(ask(&router, leader()).await, words("spam"));
    assert_eq!(ask(&router, judgement("output: good")).await, Ok(Answer::Verdict(true)));
    assert_eq!(ask(&router, judgement("output: bad")).await, Ok(Answer::Verdict(false)));

    let error = router.set(NODE, studio(json!({"responses": {}}))).unwrap_err().to_string();
    assert!(error.contains("mock_response.responses"), "{error}");
}

fn request(method: &str, url: &str) -> WebRequest {
    let (url, method) = (url.to_owned(), method.to_owned());
    WebRequest { url, method, headers: std::collections::BTreeMap::new(), body: None }
}

async fn fetch(web: &MockWeb, method: &str, url: &str) -> Result<WebResponse, NoAnswer> {
    web.fetch(asker(), request(method, url)).await
}

async fn body(web: &MockWeb, method: &str, url: &str) -> String {
    String::from_utf8(fetch(web, method, url).await.unwrap().body.to_vec()).unwrap()
}

async fn render(web: &MockWeb, url: &str, mode: RenderMode) -> Result<Rendered, NoAnswer> {
    let request = RenderRequest { url: url.to_owned(), mode, wait: Duration::ZERO };
    web.render(asker(), request).await
}

#[tokio::test]
async fn a_made_up_web_answers_in_order() {
    let mocks = json!([
        {"url": "https://a.example/", "method": "post", "status": 201, "body": {"made": true},
            "headers": {"X-Kind": "mock"}},
        {"url": "https://a.example/", "body": "<h1>Hello</h1><p>there"},
        {"regex": "^https://b[.]", "text": "seen", "screenshot": "iVBORw0KGgo="},
        {"contains": "down", "error": "no route"},
    ]);
    let web = MockWeb::from_json(&mocks).unwrap();
    let made = fetch(&web, "POST", "https://a.example/").await.unwrap();
    assert_eq!((made.status, made.body.as_ref()), (201, &b"{\"made\":true}"[..]));
    assert_eq!(made.headers["x-kind"].as_ref(), b"mock");
    assert_eq!(body(&web, "GET", "https://a.example/").await, "<h1>Hello</h1><p>there");
    let page = |text: &str| Ok(Rendered::Text(text.to_owned()));
    let Ok(Rendered::Text(text)) = render(&web, "https://a.example/", RenderMode::Text).await
    else {
        panic!()
    };
    assert!(text.contains("Hello") && !text.contains("<h1>"), "{text}");
    assert_eq!(render(&web, "https://b.example/x", RenderMode::Text).await, page("seen"));
    let picture = render(&web, "https://b.example/x", RenderMode::Screenshot).await;
    assert!(matches!(picture, Ok(Rendered::Image(image)) if image.len() == 8));
    assert!(render(&web, "https://b.example/x", RenderMode::Html).await.is_err());
    let error = fetch(&web, "GET", "https://b.example/x").await.unwrap_err();
    assert!(error.reason().contains("has no body"), "{error}");
    let error = fetch(&web, "GET", "https://down.example/").await.unwrap_err();
    assert_eq!(error, NoAnswer::refused(codes::WEB_REQUEST_FAILED, "no route"));
    let error = fetch(&web, "GET", "https://c.example/").await.unwrap_err();
    for wanted in ["GET `https://c.example/`", "post url `https://a.example/`", "regex `^https"] {
        assert!(error.reason().contains(wanted), "{error}");
    }
}

#[tokio::test]
async fn what_no_mock_fits_can_go_elsewhere() {
    let inner = MockWeb::from_json(&json!([{"contains": "", "body": "inner"}])).unwrap();
    let outer = MockWeb::from_json(&json!([{"url": "https://a/", "body": "outer"}])).unwrap();
    let web = outer.or_else(Arc::new(inner));
    assert_eq!(body(&web, "GET", "https://a/").await, "outer");
    assert_eq!(body(&web, "GET", "https://b/").await, "inner");
}

#[tokio::test]
async fn studios_web_table_is_read() {
    let tables = json!({"nondet_web_request": {
        "https://a.example/x": {"method": "GET", "status": 200, "body": "{\"id\": 1}"},
    }});
    let web = MockWeb::from_studio(&tables).unwrap();
    assert_eq!(body(&web, "GET", "https://a.example/x").await, "{\"id\": 1}");
    assert!(fetch(&web, "POST", "https://a.example/x").await.is_err());
    assert!(fetch(&web, "GET", "https://a.example/x?y").await.is_err());
    for bad in [json!({"nondet_web_request": 1}), json!({"nondet_web_request": {"a": 1}})] {
        assert!(MockWeb::from_studio(&bad).is_err());
    }
}

#[tokio::test]
async fn a_page_of_an_error_is_not_shown() {
    let web = MockWeb::from_json(&json!([
        {"url": "https://a.example/gone", "status": 404, "body": "no"},
        {"url": "https://a.example/made", "status": 201, "body": "yes"},
    ]));
    let web = &web.unwrap();
    for mode in [RenderMode::Text, RenderMode::Html] {
        let gone = render(web, "https://a.example/gone", mode).await.unwrap_err();
        assert_eq!(gone.to_string(), "WEB_REQUEST_FAILED: WEBPAGE_LOAD_FAILED: status 404");
        let made = render(web, "https://a.example/made", mode).await;
        assert_eq!(made, Ok(Rendered::Text("yes".to_owned())));
    }
    assert_eq!(body(web, "GET", "https://a.example/gone").await, "no", "a response is one");
}

#[tokio::test]
async fn studios_table_of_pages_is_for_pages_alone() {
    let tables = json!({
        "nondet_web_request": {"https://a.example/x": {"body": "fetched"}},
        "nondet_web_render": {
            "https://a.example/x": {"mode": "text", "status": 200, "body": "a page"},
            "https://a.example/any": {"body": "either"},
            "https://a.example/gone": {"status": 404, "body": "no"},
        },
    });
    let web = MockWeb::from_studio(&tables).unwrap();
    let web = &web;
    let page = |path: &'static str, mode| async move {
        render(web, &format!("https://a.example/{path}"), mode).await
    };
    assert_eq!(page("x", RenderMode::Text).await, Ok(Rendered::Text("a page".to_owned())));
    assert!(page("x", RenderMode::Html).await.is_err());
    for mode in [RenderMode::Text, RenderMode::Html] {
        assert_eq!(page("any", mode).await, Ok(Rendered::Text("either".to_owned())));
    }
    let gone = page("gone", RenderMode::Text).await.unwrap_err();
    assert!(gone.to_string().contains("WEBPAGE_LOAD_FAILED"), "{gone}");
    assert_eq!(body(web, "GET", "https://a.example/x").await, "fetched");
    assert!(fetch(web, "GET", "https://a.example/any").await.is_err());
    for bad in [
        json!({"nondet_web_render": {"a": {"mode": "speech"}}}),
        json!({"nondet_web_render": {"a": {"headers": {}}}}),
        json!({"nondet_web_render": {"a": {"status": "ok"}}}),
        json!({"nondet_web_other": {}}),
    ] {
        assert!(MockWeb::from_studio(&bad).is_err(), "{bad}");
    }
}
