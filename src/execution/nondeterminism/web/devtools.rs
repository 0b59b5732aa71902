//! The browser's remote control: JSON, ended by a zero byte, through two pipes.

use std::io;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout};

/// The longest message, which is a picture of a page.
const MESSAGE_BYTES_MAX: u64 = 64 << 20;

/// Why the browser did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub(super) enum DevtoolsError {
    /// It is gone, or says what is no message.
    #[error("the browser's connection failed: {0}")]
    Connection(#[from] io::Error),
    /// It says no.
    #[error("the browser refuses {method}: {reason}")]
    Refused { method: &'static str, reason: String },
}

/// A connection to one browser, and to one of its pages after [`Devtools::attach`].
#[derive(Debug)]
pub(super) struct Devtools {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    session: Option<String>,
    last_id: u64,
    loaded: bool,
}

impl Devtools {
    pub(super) fn new(input: ChildStdin, output: ChildStdout) -> Self {
        Self { input, output: BufReader::new(output), session: None, last_id: 0, loaded: false }
    }

    /// Opens an empty page; what is called from now on is about it.
    pub(super) async fn attach(&mut self) -> Result<(), DevtoolsError> {
        let page = self.call("Target.createTarget", json!({"url": "about:blank"})).await?;
        let target = page.get("targetId").cloned().unwrap_or_default();
        let attached = json!({"targetId": target, "flatten": true});
        let attached = self.call("Target.attachToTarget", attached).await?;
        self.session = attached.get("sessionId").and_then(Value::as_str).map(str::to_owned);
        self.call("Page.enable", json!({})).await?;
        Ok(())
    }

    /// Calls a method and waits for its result.
    pub(super) async fn call(
        &mut self,
        method: &'static str,
        params: Value,
    ) -> Result<Value, DevtoolsError> {
        let id = self.send(method, params).await?;
        loop {
            let mut message = self.next().await?;
            if message.get("id").and_then(Value::as_u64) != Some(id) {
                continue;
            }
            if let Some(reason) = message.pointer("/error/message").and_then(Value::as_str) {
                return Err(DevtoolsError::Refused { method, reason: reason.to_owned() });
            }
            return Ok(message.get_mut("result").map(Value::take).unwrap_or_default());
        }
    }

    /// Forgets that a page was loaded.
    pub(super) const fn expect_load(&mut self) {
        self.loaded = false;
    }

    /// Waits until a page is loaded, if none was since [`Devtools::expect_load`].
    pub(super) async fn loaded(&mut self) -> Result<(), DevtoolsError> {
        while !self.loaded {
            self.next().await?;
        }
        Ok(())
    }

    async fn send(&mut self, method: &str, params: Value) -> Result<u64, DevtoolsError> {
        self.last_id += 1;
        let mut message = json!({"id": self.last_id, "method": method, "params": params});
        if let (Some(fields), Some(session)) = (message.as_object_mut(), &self.session) {
            fields.insert("sessionId".to_owned(), json!(session));
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        self.input.write_all(&bytes).await?;
        self.input.flush().await?;
        Ok(self.last_id)
    }

    /// The next message. Events are dealt with here: a dialogue would stop the page.
    async fn next(&mut self) -> Result<Value, DevtoolsError> {
        let mut bytes = Vec::new();
        (&mut self.output).take(MESSAGE_BYTES_MAX).read_until(0, &mut bytes).await?;
        if bytes.pop() != Some(0) {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        let message: Value = serde_json::from_slice(&bytes).map_err(io::Error::from)?;
        match message.get("method").and_then(Value::as_str) {
            Some("Page.loadEventFired") => self.loaded = true,
            Some("Page.javascriptDialogOpening") => {
                // Its result is passed over like any message that nobody waits for.
                self.send("Page.handleJavaScriptDialog", json!({"accept": false})).await?;
            }
            _ => {}
        }
        Ok(message)
    }
}
