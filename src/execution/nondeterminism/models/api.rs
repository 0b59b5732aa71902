//! Asks models over HTTP: limits, retries, and whose fault a failure is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use super::failure::Failure;
use super::secrets::Secrets;
use super::template::{Chat, Wanted};
use super::{anthropic, google, ollama, openai, reply};
use crate::domain::{ModelChoice, Plugin};
use crate::execution::nondeterminism::http::{BodyError, causes, client_builder, read_body};
use crate::execution::nondeterminism::{Answer, Asker};

/// The bounds of every conversation with a provider.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSettings {
    /// For one request, from connecting to the last byte.
    pub request_timeout: Duration,
    /// How often a request is sent at most, the first time included.
    pub tries_max: u32,
    /// Before the second try; doubles with every further one, and varies by half.
    pub backoff: Duration,
    /// No wait is longer, whatever the provider wishes.
    pub backoff_max: Duration,
    /// Requests to one provider at the same time; further ones wait.
    pub concurrency_per_provider: usize,
    /// The longest reply that is read.
    pub reply_bytes_max: usize,
    /// Tokens of an answer, unless a choice's `max_tokens` says otherwise.
    pub tokens_max: u32,
    /// Unless a choice's `temperature` says otherwise.
    pub temperature: f64,
    /// How long [`ModelRouter::probe`](super::ModelRouter::probe) waits.
    pub probe_timeout: Duration,
}

impl Default for ModelSettings {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_mins(1),
            tries_max: 3,
            backoff: Duration::from_millis(500),
            backoff_max: Duration::from_secs(10),
            concurrency_per_provider: 8,
            reply_bytes_max: 4 << 20,
            tokens_max: 4000,
            temperature: 0.7,
            probe_timeout: Duration::from_secs(20),
        }
    }
}

/// A request that any provider's module has made.
pub(super) struct Call {
    pub(super) url: String,
    /// May hold a key: a call is never shown.
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Value,
}

/// How a model is to choose its words.
pub(super) struct Sampling<'a> {
    pub(super) model: &'a str,
    pub(super) tokens_max: u64,
    /// None where the choice's configuration forbids sending one.
    pub(super) temperature: Option<Value>,
    pub(super) use_max_completion_tokens: bool,
    pub(super) config: &'a Map<String, Value>,
}

impl<'a> Sampling<'a> {
    fn of(choice: &'a ModelChoice, settings: &ModelSettings) -> Self {
        let config = &choice.config;
        let temperature = match config.get("temperature") {
            None => Some(json!(settings.temperature)),
            Some(Value::Null) => None,
            Some(value) => Some(value.clone()),
        };
        let flag = config.get("use_max_completion_tokens").and_then(Value::as_bool);
        let tokens_max = config.get("max_tokens").and_then(Value::as_u64);
        Self {
            model: &choice.model,
            tokens_max: tokens_max.unwrap_or_else(|| u64::from(settings.tokens_max)),
            temperature,
            use_max_completion_tokens: flag == Some(true),
            config,
        }
    }
}

/// Speaks to providers.
#[derive(Debug)]
pub(super) struct Api {
    client: Client,
    pub(super) settings: ModelSettings,
    pub(super) secrets: Secrets,
    permits: Mutex<BTreeMap<String, Arc<Semaphore>>>,
}

impl Api {
    pub(super) fn new(settings: ModelSettings, secrets: Secrets) -> Result<Self, String> {
        let client = client_builder()?
            .redirect(reqwest::redirect::Policy::none())
            .timeout(settings.request_timeout)
            .build()
            .map_err(causes)?;
        Ok(Self { client, settings, secrets, permits: Mutex::default() })
    }

    /// The model's answer; words of the wrong form are asked for once more.
    pub(super) async fn ask(
        &self,
        choice: &ModelChoice,
        asker: &Asker,
        chat: &Chat,
    ) -> Result<Answer, Failure> {
        let mut answer = self.ask_once(choice, asker, chat).await?;
        if answer.is_err() && chat.wanted != Wanted::Text {
            answer = self.ask_once(choice, asker, chat).await?;
        }
        answer
    }

    /// The inner error is the answer's form.
    async fn ask_once(
        &self,
        choice: &ModelChoice,
        asker: &Asker,
        chat: &Chat,
    ) -> Result<Result<Answer, Failure>, Failure> {
        let permit = self.permits_of(&choice.provider).acquire_owned().await;
        let reply = self.exchange(choice, asker, chat).await.map_err(|mut failure| {
            failure.reason = self
                .secrets
                .redact(&format!("{}/{}: {}", choice.provider, choice.model, failure.reason));
            failure
        })?;
        drop(permit);
        Ok(reply::read(&reply, chat.wanted))
    }

    fn permits_of(&self, provider: &str) -> Arc<Semaphore> {
        let mut permits = self.permits.lock().unwrap_or_else(PoisonError::into_inner);
        let limit = self.settings.concurrency_per_provider.max(1);
        permits
            .entry(provider.to_owned())
            .or_insert_with(|| Arc::new(Semaphore::new(limit)))
            .clone()
    }

    /// One request and its retries, to the model's words.
    async fn exchange(
        &self,
        choice: &ModelChoice,
        asker: &Asker,
        chat: &Chat,
    ) -> Result<String, Failure> {
        let call = self.call(choice, chat)?;
        let mut turn = 1;
        loop {
            let (failure, wished) = match self.send(&call).await {
                Ok(reply) => return words(choice.plugin, &reply),
                Err(failed) => failed,
            };
            if !failure.passes || turn >= self.settings.tries_max {
                return Err(failure);
            }
            tokio::time::sleep(self.pause(asker, turn, wished)).await;
            turn += 1;
        }
    }

    /// Between a half and one and a half of the doubled wait: nodes that fail together do not come
    /// back together, yet the same execution waits the same.
    fn pause(&self, asker: &Asker, turn: u32, wished: Option<Duration>) -> Duration {
        let doubled = self.settings.backoff.saturating_mul(1 << (turn - 1).min(16));
        let per_mille = u32::try_from(asker.chance(b"agora:retry", true, turn) % 1000 + 500);
        let varied = doubled.saturating_mul(per_mille.unwrap_or(1000)) / 1000;
        varied.max(wished.unwrap_or_default()).min(self.settings.backoff_max)
    }

    fn call(&self, choice: &ModelChoice, chat: &Chat) -> Result<Call, Failure> {
        let base = choice.setting("api_url").map(|url| url.trim_end_matches('/'));
        let base = base.ok_or_else(|| Failure::provider("`plugin_config.api_url` is missing"))?;
        let key = match choice.key_variable() {
            None => None,
            Some(name) => Some(self.secrets.get(name).ok_or_else(|| {
                Failure::key(format!("there is no key: set {name} for the network"))
            })?),
        };
        let sampling = Sampling::of(choice, &self.settings);
        Ok(match choice.plugin {
            Plugin::OpenaiCompatible => {
                openai::call(format!("{base}/v1/chat/completions"), key, &sampling, chat)
            }
            Plugin::Custom => openai::call(base.to_owned(), key, &sampling, chat),
            Plugin::Anthropic => anthropic::call(base, key, &sampling, chat),
            Plugin::Google => google::call(base, key, &sampling, chat),
            Plugin::Ollama => ollama::call(base, key, &sampling, chat),
            Plugin::Scripted | Plugin::Simulated => {
                return Err(Failure::provider("this provider is not reached over HTTP"));
            }
        })
    }

    /// Sends once; a failure comes with the pause that the provider wishes.
    async fn send(&self, call: &Call) -> Result<Value, (Failure, Option<Duration>)> {
        let mut request = self.client.post(&call.url).header("content-type", "application/json");
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let sent = request.body(call.body.to_string()).send().await;
        let response = sent.map_err(|error| (request_failure(error), None))?;
        let status = response.status().as_u16();
        let wished = retry_after(&response);
        let body = read_body(response, self.settings.reply_bytes_max).await;
        let body = match body {
            Ok(body) => self.secrets.redact(&String::from_utf8_lossy(&body)),
            Err(BodyError::TooLong) => {
                let limit = self.settings.reply_bytes_max;
                return Err((Failure::provider(format!("the reply exceeds {limit} bytes")), None));
            }
            Err(BodyError::Broken(error)) => return Err((request_failure(error), None)),
        };
        if !(200..300).contains(&status) {
            return Err((Failure::status(status, &body), wished));
        }
        let unread = |error: &serde_json::Error| {
            Failure::provider(format!("the reply is not JSON: {error}: `{}`", beginning(&body)))
        };
        serde_json::from_str(&body).map_err(|error| (unread(&error), None))
    }
}

fn beginning(text: &str) -> String {
    super::failure::beginning(text, 120)
}

fn words(plugin: Plugin, reply: &Value) -> Result<String, Failure> {
    match plugin {
        Plugin::Anthropic => anthropic::words(reply),
        Plugin::Google => google::words(reply),
        Plugin::Ollama => ollama::words(reply),
        _ => openai::words(reply),
    }
}

fn request_failure(error: reqwest::Error) -> Failure {
    if error.is_timeout() {
        return Failure::timeout("the provider took too long");
    }
    if error.is_builder() {
        return Failure::provider("the provider's address or key cannot be sent");
    }
    Failure::connection(causes(error))
}

/// Whole seconds; a date is not worth a calendar here.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
