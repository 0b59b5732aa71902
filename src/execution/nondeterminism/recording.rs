//! Writes down what models and the web answered, and answers from that again.
//!
//! One exchange is one JSON line. A question is found again by its execution's seed, its node, its
//! number and the digest of what was asked; never by its text, which may be redacted. The same
//! question asked again in a repeated execution gets its later answers in their order, and the last
//! one from then on.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::models::Secrets;
use super::{
    Answer, AnswerFormat, Asker, Models, NoAnswer, Prompt, RenderMode, RenderRequest, Rendered,
    Web, WebRequest, WebResponse, codes,
};
use crate::domain::{Address, Bytes, Digest, InvalidChoice, ModelChoice, NodeModels, keccak256};

/// A line of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Line {
    seed: Digest,
    node: Address,
    number: u32,
    leads: bool,
    /// `prompt`, `fetch` or `render`.
    kind: String,
    /// Of the question as it was asked.
    digest: Digest,
    /// For people.
    question: Value,
    reply: Reply,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply {
    Text(String),
    Json(Value),
    Verdict(bool),
    Response { status: u16, headers: BTreeMap<String, Bytes>, body: Bytes },
    Page(String),
    Picture(Bytes),
    Refused { code: String, reason: String },
    Unavailable { code: String, reason: String },
}

impl From<NoAnswer> for Reply {
    fn from(no_answer: NoAnswer) -> Self {
        match no_answer {
            NoAnswer::Refused { code, reason } => Self::Refused { code: code.to_owned(), reason },
            NoAnswer::Unavailable { code, reason } => {
                Self::Unavailable { code: code.to_owned(), reason }
            }
        }
    }
}

impl From<Result<Answer, NoAnswer>> for Reply {
    fn from(answer: Result<Answer, NoAnswer>) -> Self {
        match answer {
            Ok(Answer::Text(text)) => Self::Text(text),
            Ok(Answer::Json(value)) => Self::Json(value),
            Ok(Answer::Verdict(verdict)) => Self::Verdict(verdict),
            Err(no_answer) => no_answer.into(),
        }
    }
}

impl From<Result<WebResponse, NoAnswer>> for Reply {
    fn from(response: Result<WebResponse, NoAnswer>) -> Self {
        match response {
            Ok(WebResponse { status, headers, body }) => Self::Response { status, headers, body },
            Err(no_answer) => no_answer.into(),
        }
    }
}

impl From<Result<Rendered, NoAnswer>> for Reply {
    fn from(rendered: Result<Rendered, NoAnswer>) -> Self {
        match rendered {
            Ok(Rendered::Text(text)) => Self::Page(text),
            Ok(Rendered::Image(image)) => Self::Picture(image),
            Err(no_answer) => no_answer.into(),
        }
    }
}

impl Reply {
    /// The error that was recorded; any other reply is of the wrong kind.
    fn no_answer(self) -> NoAnswer {
        let (code, reason, refused) = match self {
            Self::Refused { code, reason } => (code, reason, true),
            Self::Unavailable { code, reason } => (code, reason, false),
            _ => return missing("an answer of another kind is recorded"),
        };
        match (codes::known(&code), refused) {
            (Some(code), true) => NoAnswer::refused(code, reason),
            (Some(code), false) => NoAnswer::unavailable(code, reason),
            (None, _) => missing(&format!("an unknown code is recorded: {code}")),
        }
    }
}

fn missing(reason: &str) -> NoAnswer {
    NoAnswer::unavailable(codes::LLM_NO_PROVIDER, format!("replay: {reason}"))
}

/// A question of any kind: its name, what identifies it, and how it is shown.
struct Question {
    kind: &'static str,
    shown: Value,
    digest: Digest,
}

impl Question {
    fn new(kind: &'static str, shown: Value) -> Self {
        let digest = keccak256(&[b"agora:question", kind.as_bytes(), shown.to_string().as_bytes()]);
        Self { kind, shown, digest }
    }

    fn prompt(prompt: &Prompt) -> Self {
        let shown = match prompt {
            Prompt::Free { text, format, images } => {
                // Pictures are too long to be shown.
                let images: Vec<Digest> = images.iter().map(|image| keccak256(&[image])).collect();
                json!({"text": text, "json": *format == AnswerFormat::Json, "images": images})
            }
            Prompt::Comparative { leader_answer, validator_answer, principle } => json!({
                "principle": principle,
                "leader_answer": leader_answer,
                "validator_answer": validator_answer,
            }),
            Prompt::NonComparativeLeader { task, input, criteria } => {
                json!({"task": task, "criteria": criteria, "input": input})
            }
            Prompt::NonComparativeValidator { task, input, output, criteria } => {
                json!({"task": task, "criteria": criteria, "input": input, "output": output})
            }
        };
        Self::new("prompt", shown)
    }

    fn fetch(request: &WebRequest) -> Self {
        let WebRequest { url, method, headers, body } = request;
        let shown = json!({"url": url, "method": method, "headers": headers, "body": body});
        Self::new("fetch", shown)
    }

    fn render(request: &RenderRequest) -> Self {
        let mode = match request.mode {
            RenderMode::Text => "text",
            RenderMode::Html => "html",
            RenderMode::Screenshot => "screenshot",
        };
        let wait_ms = u64::try_from(request.wait.as_millis()).unwrap_or(u64::MAX);
        Self::new("render", json!({"url": request.url, "mode": mode, "wait_ms": wait_ms}))
    }
}

/// Passes questions on and writes down what came back.
#[derive(Debug, Clone)]
pub struct Recording {
    models: Arc<dyn Models>,
    web: Arc<dyn Web>,
    log: Arc<Log>,
}

#[derive(Debug)]
struct Log {
    file: Mutex<File>,
    secrets: Secrets,
}

impl Log {
    fn write(&self, asker: &Asker, question: Question, reply: Reply) {
        let line = Line {
            seed: asker.seed,
            node: asker.node,
            number: asker.number,
            leads: asker.leads,
            kind: question.kind.to_owned(),
            digest: question.digest,
            question: question.shown,
            reply,
        };
        let text = serde_json::to_string(&line).map(|text| self.secrets.redact(&text));
        let written = text.map_err(std::io::Error::from).and_then(|mut text| {
            text.push('\n');
            // One write per line, so that lines of concurrent questions do not mix.
            self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(text.as_bytes())
        });
        if let Err(error) = written {
            log::warn!("an exchange was not recorded: {error}");
        }
    }
}

impl Recording {
    /// Records into a file, after what is in it; `secrets` are taken out of every line.
    pub fn open(
        models: Arc<dyn Models>,
        web: Arc<dyn Web>,
        path: &Path,
        secrets: Secrets,
    ) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(Self { models, web, log: Arc::new(Log { file: Mutex::new(file), secrets }) })
    }
}

impl Models for Recording {
    fn ask(&self, asker: Asker, prompt: Prompt) -> BoxFuture<'static, Result<Answer, NoAnswer>> {
        let (question, log) = (Question::prompt(&prompt), self.log.clone());
        let waiting = self.models.ask(asker.clone(), prompt);
        async move {
            let answer = waiting.await;
            log.write(&asker, question, answer.clone().into());
            answer
        }
        .boxed()
    }

    fn known(&self) -> Vec<ModelChoice> {
        self.models.known()
    }

    fn check(&self, choice: &ModelChoice) -> Result<(), InvalidChoice> {
        self.models.check(choice)
    }

    fn of_settings(&self, node: &Address) -> Arc<NodeModels> {
        self.models.of_settings(node)
    }

    fn has_key(&self, choice: &ModelChoice) -> bool {
        self.models.has_key(choice)
    }

    fn probe(&self, choice: ModelChoice) -> BoxFuture<'static, bool> {
        self.models.probe(choice)
    }
}

impl Web for Recording {
    fn fetch(
        &self,
        asker: Asker,
        request: WebRequest,
    ) -> BoxFuture<'static, Result<WebResponse, NoAnswer>> {
        let (question, log) = (Question::fetch(&request), self.log.clone());
        let waiting = self.web.fetch(asker.clone(), request);
        async move {
            let response = waiting.await;
            log.write(&asker, question, response.clone().into());
            response
        }
        .boxed()
    }

    fn render(
        &self,
        asker: Asker,
        request: RenderRequest,
    ) -> BoxFuture<'static, Result<Rendered, NoAnswer>> {
        let (question, log) = (Question::render(&request), self.log.clone());
        let waiting = self.web.render(asker.clone(), request);
        async move {
            let rendered = waiting.await;
            log.write(&asker, question, rendered.clone().into());
            rendered
        }
        .boxed()
    }
}

type Key = (Digest, Address, u32, Digest);

/// Answers what was recorded and nothing else. Clones share what was answered already.
#[derive(Debug, Clone)]
pub struct Replay {
    replies: Arc<Mutex<BTreeMap<Key, VecDeque<Reply>>>>,
}

impl Replay {
    /// Reads a recording; a line that is none is an error that names its number.
    pub fn open(path: &Path) -> std::io::Result<Self> {
        let mut replies: BTreeMap<Key, VecDeque<Reply>> = BTreeMap::new();
        for (index, text) in BufReader::new(File::open(path)?).lines().enumerate() {
            let line: Line = serde_json::from_str(&text?).map_err(|error| {
                let reason = format!("line {} is no recorded exchange: {error}", index + 1);
                std::io::Error::new(std::io::ErrorKind::InvalidData, reason)
            })?;
            let key = (line.seed, line.node, line.number, line.digest);
            replies.entry(key).or_default().push_back(line.reply);
        }
        Ok(Self { replies: Arc::new(Mutex::new(replies)) })
    }

    fn find(&self, asker: &Asker, question: &Question) -> Result<Reply, NoAnswer> {
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (asker.seed, asker.node, asker.number, question.digest);
        let found = replies.get_mut(&key).and_then(|queue| {
            if queue.len() > 1 { queue.pop_front() } else { queue.front().cloned() }
        });
        found.ok_or_else(|| {
            let shown: String = question.shown.to_string().chars().take(160).collect();
            missing(&format!(
                "question {} of node {} was not recorded: {} {shown}",
                asker.number, asker.node, question.kind
            ))
        })
    }
}

impl Models for Replay {
    fn ask(&self, asker: Asker, prompt: Prompt) -> BoxFuture<'static, Result<Answer, NoAnswer>> {
        let found = self.find(&asker, &Question::prompt(&prompt));
        async move {
            match found? {
                Reply::Text(text) => Ok(Answer::Text(text)),
                Reply::Json(value) => Ok(Answer::Json(value)),
                Reply::Verdict(verdict) => Ok(Answer::Verdict(verdict)),
                other => Err(other.no_answer()),
            }
        }
        .boxed()
    }
}

impl Web for Replay {
    fn fetch(
        &self,
        asker: Asker,
        request: WebRequest,
    ) -> BoxFuture<'static, Result<WebResponse, NoAnswer>> {
        let found = self.find(&asker, &Question::fetch(&request));
        async move {
            match found? {
                Reply::Response { status, headers, body } => {
                    Ok(WebResponse { status, headers, body })
                }
                other => Err(other.no_answer()),
            }
        }
        .boxed()
    }

    fn render(
        &self,
        asker: Asker,
        request: RenderRequest,
    ) -> BoxFuture<'static, Result<Rendered, NoAnswer>> {
        let found = self.find(&asker, &Question::render(&request));
        async move {
            match found? {
                Reply::Page(text) => Ok(Rendered::Text(text)),
                Reply::Picture(image) => Ok(Rendered::Image(image)),
                other => Err(other.no_answer()),
            }
        }
        .boxed()
    }
}
