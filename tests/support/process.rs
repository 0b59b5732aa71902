//! The real binary as a child process, and the little HTTP that tests of it need.

use std::cell::RefCell;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// An account of the network's start.
pub(crate) fn account(number: u64) -> String {
    use agora::domain::{DerivedKey, KeyUse, keccak256};
    let seed = keccak256(&[b"agora:seed", b"agora"]);
    DerivedKey::derive(&seed, KeyUse::Account, number).address().to_string()
}

pub(crate) struct Server {
    folder: PathBuf,
    arguments: Vec<String>,
    port: u16,
    child: RefCell<Option<Child>>,
    client: awc::Client,
}

impl Server {
    pub(crate) fn new(folder: &Path, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let client = awc::Client::builder().timeout(Duration::from_secs(30)).finish();
        Self { folder: folder.to_owned(), arguments, port, child: RefCell::default(), client }
    }

    /// Starts the process and waits until it answers.
    pub(crate) async fn start(&self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("agora.log"))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_agora"))
            .args(["--port", &self.port.to_string(), "--data-dir"])
            .arg(self.folder.join("data"))
            .args(&self.arguments)
            .env("RUST_LOG", "warn")
            .current_dir(&self.folder)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        *self.child.borrow_mut() = Some(child);
        for _ in 0..600 {
            if let Ok((200, _)) = self.get("/ready").await {
                return;
            }
            self.pause().await;
        }
        let log = std::fs::read_to_string(self.folder.join("agora.log")).unwrap_or_default();
        panic!("the server does not start:\n{log}");
    }

    /// SIGKILL, and not a moment to clean up.
    pub(crate) fn kill(&self) {
        let mut child = self.child.borrow_mut().take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// The pause before asking a server again that did not answer.
    pub(crate) async fn pause(&self) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    pub(crate) async fn get(&self, path: &str) -> Result<(u16, Value), String> {
        let (status, body) = self.get_text(path).await?;
        Ok((status, serde_json::from_str(&body).unwrap_or_default()))
    }

    pub(crate) async fn get_text(&self, path: &str) -> Result<(u16, String), String> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let mut response = self.client.get(url).send().await.map_err(|error| error.to_string())?;
        let body = response.body().limit(1 << 24).await.map_err(|error| error.to_string())?;
        Ok((response.status().as_u16(), String::from_utf8_lossy(&body).into_owned()))
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        body: &Value,
        key: Option<&str>,
    ) -> Result<(u16, Value), String> {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let mut request = self.client.post(url);
        if let Some(key) = key {
            request = request.insert_header(("Idempotency-Key", key));
        }
        let mut response = request.send_json(body).await.map_err(|error| error.to_string())?;
        let body = response.body().await.map_err(|error| error.to_string())?;
        Ok((response.status().as_u16(), serde_json::from_slice(&body).unwrap_or_default()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.borrow_mut().take() {
            // It may have ended by itself, which the test has noticed by now.
            let _ended = child.kill();
            let _status = child.wait();
        }
    }
}
