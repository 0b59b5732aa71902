//! Ollama's chat.

use serde_json::{Map, Value, json};

use super::api::{Call, Sampling};
use super::failure::Failure;
use super::template::{Chat, Wanted};

/// Keys of a configuration that are not Ollama's options: ours, three that the registry
/// misspells, and its `num_predict` of 128, which would cut most answers (`max_tokens` is ours).
const NO_OPTIONS: [&str; 6] = [
    "max_tokens",
    "use_max_completion_tokens",
    "microstat_tau",
    "temprature",
    "num_qga",
    "num_predict",
];

/// The request below the address `base`.
pub(super) fn call(base: &str, key: Option<&str>, sampling: &Sampling<'_>, chat: &Chat) -> Call {
    let mut messages = Vec::new();
    if let Some(system) = &chat.system {
        messages.push(json!({"role": "system", "content": system}));
    }
    let mut message = json!({"role": "user", "content": chat.text});
    if let (Some(fields), false) = (message.as_object_mut(), chat.pictures.is_empty()) {
        let images: Vec<&str> = chat.pictures.iter().map(|p| p.base64.as_str()).collect();
        fields.insert("images".to_owned(), json!(images));
    }
    messages.push(message);

    let mut options: Map<String, Value> = sampling
        .config
        .iter()
        .filter(|(name, _)| !NO_OPTIONS.contains(&name.as_str()))
        // Ollama wants `stop` to be a list; the registry's is an empty text.
        .filter(|(name, value)| name.as_str() != "stop" || value.is_array())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    options.insert("num_predict".to_owned(), json!(sampling.tokens_max));
    if let Some(temperature) = &sampling.temperature {
        options.insert("temperature".to_owned(), temperature.clone());
    }
    let mut body = json!({
        "model": sampling.model,
        "messages": messages,
        "stream": false,
        "options": options,
    });
    if let (Some(fields), true) = (body.as_object_mut(), chat.wanted != Wanted::Text) {
        fields.insert("format".to_owned(), json!("json"));
    }
    let headers = key.map(|key| ("authorization", format!("Bearer {key}"))).into_iter().collect();
    Call { url: format!("{base}/api/chat"), headers, body }
}

/// The model's words.
pub(super) fn words(reply: &Value) -> Result<String, Failure> {
    if let Some(error) = reply.get("error").and_then(Value::as_str) {
        return Err(Failure::provider(error));
    }
    let words = reply.pointer("/message/content").and_then(Value::as_str).unwrap_or_default();
    if words.is_empty() {
        return Err(Failure::provider("the reply holds no text"));
    }
    Ok(words.to_owned())
}
