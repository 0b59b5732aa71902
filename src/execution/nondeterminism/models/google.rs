//! Google's `generateContent`. The key travels in a header, so that no address holds it.

use serde_json::{Value, json};

use super::api::{Call, Sampling};
use super::failure::Failure;
use super::template::{Chat, Wanted};

/// The request below the address `base`.
pub(super) fn call(base: &str, key: Option<&str>, sampling: &Sampling<'_>, chat: &Chat) -> Call {
    let mut parts = vec![json!({"text": chat.text})];
    parts.extend(chat.pictures.iter().map(
        |picture| json!({"inlineData": {"mimeType": picture.media_type, "data": picture.base64}}),
    ));
    let form = if chat.wanted == Wanted::Text { "text/plain" } else { "application/json" };
    let mut generation = json!({"responseMimeType": form, "maxOutputTokens": sampling.tokens_max});
    if let (Some(fields), Some(temperature)) = (generation.as_object_mut(), &sampling.temperature) {
        fields.insert("temperature".to_owned(), temperature.clone());
    }
    let mut body = json!({
        "contents": [{"role": "user", "parts": parts}],
        "generationConfig": generation,
    });
    if let (Some(fields), Some(system)) = (body.as_object_mut(), &chat.system) {
        fields.insert("systemInstruction".to_owned(), json!({"parts": [{"text": system}]}));
    }
    let url = format!("{base}/v1beta/models/{}:generateContent", sampling.model);
    let headers = key.map(|key| ("x-goog-api-key", key.to_owned())).into_iter().collect();
    Call { url, headers, body }
}

/// The model's words.
pub(super) fn words(reply: &Value) -> Result<String, Failure> {
    const BLOCKED: [&str; 5] = ["SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"];
    if let Some(reason) = reply.pointer("/promptFeedback/blockReason").and_then(Value::as_str) {
        return Err(Failure::prompt(format!("the provider blocked the prompt: {reason}")));
    }
    let finish = reply.pointer("/candidates/0/finishReason").and_then(Value::as_str);
    let finish = finish.unwrap_or("none given");
    if BLOCKED.contains(&finish) {
        return Err(Failure::prompt(format!("the provider blocked the answer: {finish}")));
    }
    let parts = reply.pointer("/candidates/0/content/parts").and_then(Value::as_array);
    let is_thought = |part: &&Value| part.get("thought").and_then(Value::as_bool) == Some(true);
    let parts = parts.into_iter().flatten().filter(|part| !is_thought(part));
    let words: String = parts.filter_map(|part| part.get("text")?.as_str()).collect();
    if words.is_empty() {
        return Err(Failure::provider(format!(
            "the reply holds no text (reason to end: {finish})"
        )));
    }
    Ok(words)
}
