//! What clients write, and what they are told when it is wrong.

use serde_json::{Value, json};

use super::*;

fn known() -> Vec<ModelChoice> {
    serde_json::from_value(json!([
        {"provider": "openai", "model": "gpt-4o", "plugin": "openai-compatible",
         "plugin_config": {"api_key_env_var": "OPENAIKEY", "api_url": "https://api.openai.com"}},
        {"provider": "openai", "model": "gpt-5", "config": {"temperature": 1},
         "plugin": "openai-compatible",
         "plugin_config": {"api_key_env_var": "OPENAIKEY", "api_url": "https://api.openai.com"}},
    ]))
    .unwrap()
}

fn context(json: &Value) -> Result<RunContext, InvalidField> {
    RunContext::from_json(json, &known())
}

/// The context that `reference/clients.md` section 4.4 shows.
#[test]
fn the_context_of_the_clients_is_read() {
    let read = context(&json!({
        "validators": [{
            "stake": 8, "provider": "openai", "model": "gpt-4o",
            "config": {"temperature": 0.75, "max_tokens": 500}, "plugin": "openai-compatible",
            "plugin_config": {
                "api_key_env_var": "OPENAIKEY", "api_url": "https://api.openai.com",
                "mock_response": {"response": {"coin": "no"}},
            },
        }],
        "genvm_datetime": "2024-01-01T00:00:00Z",
    }));
    let read = read.unwrap();
    assert_eq!(read.now, Some(Moment::from_micros(1_704_067_200_000_000)));
    let [validator] = &read.validators[..] else { panic!("{read:?}") };
    assert_eq!(validator.stake.get(), 8);
    let primary = &validator.models.as_ref().unwrap().primary;
    assert_eq!(primary.config["max_tokens"], 500);
    assert_eq!(primary.plugin_config["mock_response"]["response"]["coin"], "no");
    let [(place, choice)] = &read.choices().collect::<Vec<_>>()[..] else { panic!("{read:?}") };
    assert_eq!((place.as_str(), *choice), ("validators[0]", primary));
    // It is stored as JSON, and read again.
    let stored = serde_json::to_string(&read).unwrap();
    assert_eq!(serde_json::from_str::<RunContext>(&stored).unwrap(), read);
    assert_eq!(context(&read.to_json()).unwrap(), read);
    assert_eq!(read.to_json()["genvm_datetime"], "2024-01-01T00:00:00Z");
}

#[test]
fn provider_and_model_are_enough() {
    let read = context(&json!({"validators": [
        {"provider": "openai", "model": "gpt-5"},
        {"provider": "openai", "model": "gpt-9", "plugin_config": {"mock_response": {}}},
        {"provider": "nobody", "model": "x", "plugin_config": {"mocks": []}},
    ]}));
    let read = read.unwrap();
    let models: Vec<&ModelChoice> = read.choices().map(|(_, choice)| choice).collect();
    assert!(read.validators.iter().all(|validator| validator.stake.get() == 1));
    assert_eq!(models[0], &known()[1]);
    assert_eq!((models[1].model.as_str(), models[1].key_variable()), ("gpt-9", Some("OPENAIKEY")));
    assert!(models[1].plugin_config.contains_key("mock_response"), "added to the template");
    assert_eq!(models[2].plugin, Plugin::Scripted);
}

#[test]
fn a_context_may_ask_for_nothing() {
    for json in [
        json!({}),
        json!({"validators": [], "genvm_datetime": null}),
        json!({"genvm_executor_selector": "v0.2.16"}),
    ] {
        let read = context(&json).unwrap();
        assert!(read.is_empty());
        assert_eq!(read.to_json(), json!({}));
    }
}

#[test]
fn what_is_wrong_is_named_with_what_is_valid() {
    let one = |validator: Value| json!({"validators": [validator]});
    let many: Vec<Value> = vec![json!({"provider": "openai", "model": "gpt-5"}); 101];
    for (json, field, valid) in [
        (json!([]), "", "an object"),
        (json!({"validators": 5}), "validators", "a list"),
        (json!({"validators": many}), "validators", "at most 100"),
        (json!({"genvm_datetime": 5}), "genvm_datetime", "ISO 8601"),
        (json!({"genvm_executor_selector": 5}), "genvm_executor_selector", "a version"),
        (json!({"genvm_datetime": "soon"}), "genvm_datetime", "ISO 8601"),
        (
            json!({"validator": []}),
            "validator",
            "genvm_datetime, genvm_executor_selector, validators",
        ),
        (one(json!(1)), "validators[0]", "an object"),
        (one(json!({"model": "gpt-4o"})), "validators[0].provider", "a text"),
        (one(json!({"provider": "openai", "model": ""})), "validators[0].model", "a text"),
        (one(json!({"provider": "openia", "model": "x"})), "validators[0].provider", "openai"),
        (
            one(json!({"provider": "openai", "model": "x", "plugin": "telepathy"})),
            "validators[0].plugin",
            "openai-compatible",
        ),
        (
            one(json!({"provider": "openai", "model": "x", "config": []})),
            "validators[0].config",
            "an object",
        ),
        (
            one(json!({"provider": "openai", "model": "x", "stake": 0})),
            "validators[0].stake",
            "from 1",
        ),
        (
            one(json!({"provider": "openai", "model": "x", "stake": "8"})),
            "validators[0].stake",
            "from 1",
        ),
        (
            one(json!({"provider": "openai", "model": "x", "stakes": 1})),
            "validators[0].stakes",
            "stake, provider",
        ),
        (
            one(json!({"provider": "openai", "model": "x", "fallback": {"model": "x"}})),
            "validators[0].fallback.provider",
            "a text",
        ),
    ] {
        let error = context(&json).unwrap_err();
        assert_eq!(error.field, field, "{json}");
        assert!(error.valid.contains(valid), "{json}: {error:?}");
    }
}

#[test]
fn models_are_written_as_they_are_read() {
    let json = json!({
        "provider": "openai", "model": "gpt-4o", "config": {}, "plugin": "openai-compatible",
        "plugin_config": {"api_key_env_var": "OPENAIKEY", "api_url": "https://api.openai.com"},
        "fallback": {"provider": "openai", "model": "gpt-5"},
    });
    let models = NodeModels::from_json(&json, &known()).unwrap();
    assert_eq!(models.fallback.as_ref(), Some(&known()[1]));
    assert_eq!(NodeModels::from_json(&models.to_json(), &known()).unwrap(), models);
    assert_eq!(models.choices().map(|(place, _)| place).collect::<Vec<_>>(), ["", "fallback"]);
}
