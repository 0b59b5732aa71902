//! Anthropic's messages. They have no JSON mode without a schema: the system prompt demands it.

use serde_json::{Value, json};

use super::api::{Call, Sampling};
use super::failure::Failure;
use super::template::Chat;

/// The version of the interface that is spoken here.
const VERSION: &str = "2023-06-01";

/// The request below the address `base`.
pub(super) fn call(base: &str, key: Option<&str>, sampling: &Sampling<'_>, chat: &Chat) -> Call {
    let mut parts: Vec<Value> = chat
        .pictures
        .iter()
        .map(|picture| {
            let (media_type, data) = (picture.media_type, &picture.base64);
            json!({"type": "image",
                "source": {"type": "base64", "media_type": media_type, "data": data}})
        })
        .collect();
    parts.push(json!({"type": "text", "text": chat.text}));

    let mut body = json!({
        "model": sampling.model,
        "max_tokens": sampling.tokens_max,
        "messages": [{"role": "user", "content": parts}],
    });
    if let Some(fields) = body.as_object_mut() {
        if let Some(temperature) = &sampling.temperature {
            fields.insert("temperature".to_owned(), temperature.clone());
        }
        if let Some(system) = &chat.system {
            fields.insert("system".to_owned(), json!(system));
        }
    }
    let mut headers = vec![("anthropic-version", VERSION.to_owned())];
    headers.extend(key.map(|key| ("x-api-key", key.to_owned())));
    Call { url: format!("{base}/v1/messages"), headers, body }
}

/// The model's words.
pub(super) fn words(reply: &Value) -> Result<String, Failure> {
    let reason = reply.get("stop_reason").and_then(Value::as_str).unwrap_or("none given");
    if reason == "refusal" {
        return Err(Failure::prompt("the model refused the prompt"));
    }
    let parts = reply.get("content").and_then(Value::as_array).into_iter().flatten();
    let words: String = parts.filter_map(|part| part.get("text")?.as_str()).collect();
    if words.is_empty() {
        return Err(Failure::provider(format!(
            "the reply holds no text (reason to end: {reason})"
        )));
    }
    Ok(words)
}
