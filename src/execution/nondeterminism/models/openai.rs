//! Chat completions as `OpenAI` defined them, which most providers speak.

use serde_json::{Value, json};

use super::api::{Call, Sampling};
use super::failure::Failure;
use super::template::{Chat, Wanted};

/// The request; `url` is complete.
pub(super) fn call(url: String, key: Option<&str>, sampling: &Sampling<'_>, chat: &Chat) -> Call {
    let mut messages = Vec::new();
    if let Some(system) = &chat.system {
        messages.push(json!({"role": "system", "content": system}));
    }
    let content = if chat.pictures.is_empty() {
        json!(chat.text)
    } else {
        let mut parts = vec![json!({"type": "text", "text": chat.text})];
        parts.extend(chat.pictures.iter().map(|picture| {
            let url = format!("data:{};base64,{}", picture.media_type, picture.base64);
            json!({"type": "image_url", "image_url": {"url": url}})
        }));
        Value::Array(parts)
    };
    messages.push(json!({"role": "user", "content": content}));

    let mut body = json!({"model": sampling.model, "messages": messages, "stream": false});
    let limit =
        if sampling.use_max_completion_tokens { "max_completion_tokens" } else { "max_tokens" };
    if let Some(fields) = body.as_object_mut() {
        fields.insert(limit.to_owned(), json!(sampling.tokens_max));
        if let Some(temperature) = &sampling.temperature {
            fields.insert("temperature".to_owned(), temperature.clone());
        }
        if chat.wanted != Wanted::Text {
            fields.insert("response_format".to_owned(), json!({"type": "json_object"}));
        }
    }
    let headers = key.map(|key| ("authorization", format!("Bearer {key}"))).into_iter().collect();
    Call { url, headers, body }
}

/// The model's words.
pub(super) fn words(reply: &Value) -> Result<String, Failure> {
    let choice = reply.pointer("/choices/0");
    let message = choice.and_then(|choice| choice.get("message"));
    let text = |name: &str| message.and_then(|m| m.get(name)).and_then(Value::as_str);
    if let Some(refusal) = text("refusal").filter(|refusal| !refusal.is_empty()) {
        return Err(Failure::prompt(format!("the model refused: {refusal}")));
    }
    let finish = choice.and_then(|choice| choice.get("finish_reason")).and_then(Value::as_str);
    if finish == Some("content_filter") {
        return Err(Failure::prompt("the provider's content filter refused the prompt"));
    }
    let parts = || {
        let parts = message?.get("content")?.as_array()?;
        Some(parts.iter().filter_map(|part| part.get("text")?.as_str()).collect::<String>())
    };
    let words = text("content").map(str::to_owned).or_else(parts).unwrap_or_default();
    if words.is_empty() {
        let why = finish.unwrap_or("none given");
        return Err(Failure::provider(format!("the reply holds no text (reason to end: {why})")));
    }
    Ok(words)
}
