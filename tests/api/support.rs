//! A real network with scripted contracts, behind a real server.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes as Body;
use agora::actors::clock::NetworkClock;
use agora::actors::settings::NetworkSettings;
use agora::actors::store::open_network;
use agora::actors::system::Network;
use agora::api::{Access, ApiSettings, start};
use agora::domain::calldata::Value;
use agora::domain::ledger::Genesis;
use agora::domain::{
    Address, Amount, Bytes, Clock, Code, DerivedKey, Digest, Execution, ExecutionOutcome, KeyUse,
    PageKey, SlotId, Stake, Validator,
};
use agora::execution::scripted::Scripted;
use agora::execution::{Entry, ExecutionError, ExecutionRequest, Executor};
use agora::storage::{Database, DatabaseOptions};
use futures_util::future::BoxFuture;
use serde_json::{Value as Json, json};

pub(crate) const SEED: Digest = Digest::new([7; 32]);
pub(crate) const ADMIN_KEY: &str = "a long admin key for tests";
pub(crate) const CODE: &str = "from genlayer import *\n# a contract\n";

/// A network, its server and a client. Everything ends with it.
pub(crate) struct World {
    pub(crate) base: String,
    pub(crate) client: awc::Client,
    server: actix_web::dev::ServerHandle,
    _network: Network,
    folder: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: actix_web::http::header::HeaderMap,
    pub(crate) bytes: Body,
}

impl Reply {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).map_or_else(String::new, |v| v.to_str().unwrap().to_owned())
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Json {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self.json()
    }

    /// Status, code and field of a refusal; its shape is checked.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (u16, String, Option<String>) {
        let json = self.json();
        let error = json["error"].as_object().unwrap_or_else(|| panic!("no error: {json}"));
        let keys: Vec<&str> = error.keys().map(String::as_str).collect();
        assert_eq!(keys, ["code", "message", "field", "valid", "details"], "{json}");
        assert_eq!(self.header("content-type"), "application/json");
        let message = error["message"].as_str().unwrap();
        assert!(!message.is_empty() && message.len() < 600, "{message}");
        let code = error["code"].as_str().unwrap().to_owned();
        (self.status.as_u16(), code, error["field"].as_str().map(str::to_owned))
    }
}

fn page_key(index: u32) -> PageKey {
    PageKey { slot: SlotId(Digest::new([3; 32])), index }
}

/// Constructors write three pages; methods echo, or fail by their name.
fn script(request: &ExecutionRequest) -> Execution {
    if request.entry == Entry::Constructor {
        let null = Bytes::from(Value::Null.encode());
        let mut execution = Execution::ending(ExecutionOutcome::Return(null));
        for index in 0..3 {
            execution.state.0.insert(page_key(index), Bytes::from(vec![1, 2, 3]));
        }
        return execution;
    }
    let calldata = Value::decode(&request.calldata).unwrap();
    let Value::Map(call) = &calldata else { panic!("no call") };
    match call.get("method") {
        Some(Value::Text(name)) if name == "fail" => {
            let mut failed = Execution::ending(ExecutionOutcome::UserError("no such key".into()));
            failed.stderr = "Traceback: line 1".into();
            failed.stdout = "looking".into();
            failed
        }
        Some(Value::Text(name)) if name == "unknown" => {
            Execution::ending(ExecutionOutcome::VmError("unknown method".into()))
        }
        Some(Value::Text(name)) if name == "context" => {
            let model = request.models.as_ref().map_or("none", |models| &models.primary.model);
            let text =
                Value::from(format!("{model} at {}", request.message.at.as_micros()).as_str());
            Execution::ending(ExecutionOutcome::Return(text.encode().into()))
        }
        _ => {
            let mut echo = Execution::ending(ExecutionOutcome::Return(request.calldata.clone()));
            echo.stdout = "hello".into();
            echo
        }
    }
}

/// The script, in which the method `slow` takes its time.
#[derive(Debug)]
struct Patient(Scripted);

impl Executor for Patient {
    fn execute(
        &self,
        request: ExecutionRequest,
    ) -> BoxFuture<'static, Result<Execution, ExecutionError>> {
        let is_slow = request.calldata.windows(4).any(|part| part == b"slow");
        let answer = self.0.execute(request);
        Box::pin(async move {
            if is_slow {
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            answer.await
        })
    }

    fn schema(
        &self,
        code: Code,
    ) -> BoxFuture<'static, Result<Result<Json, String>, ExecutionError>> {
        self.0.schema(code)
    }
}

pub(crate) fn account(number: u64) -> DerivedKey {
    DerivedKey::derive(&SEED, KeyUse::Account, number)
}

pub(crate) fn address(number: u64) -> String {
    account(number).address().to_string()
}

/// `personal_sign` over a hash, as a wallet does it.
pub(crate) fn sign(key: &DerivedKey, hash: &str) -> String {
    let secret = alloy_primitives::hex::decode(key.secret_hex()).unwrap();
    let key = k256::ecdsa::SigningKey::from_slice(&secret).unwrap();
    let digest =
        alloy_primitives::eip191_hash_message(alloy_primitives::hex::decode(hash).unwrap());
    let (raw, parity) = key.sign_prehash_recoverable(digest.as_slice()).unwrap();
    let signature = alloy_primitives::Signature::from((raw, parity));
    format!("0x{}", alloy_primitives::hex::encode(signature.as_bytes()))
}

pub(crate) fn guarded() -> ApiSettings {
    ApiSettings {
        access: Access::Guarded { admin_key: ADMIN_KEY.into() },
        ..ApiSettings::default()
    }
}

impl World {
    pub(crate) async fn open() -> Self {
        Self::with(ApiSettings::default()).await
    }

    pub(crate) async fn with(settings: ApiSettings) -> Self {
        Self::with_network(settings, |_| ()).await
    }

    pub(crate) async fn with_network(
        settings: ApiSettings,
        change: fn(&mut NetworkSettings),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network.db");
        let options = DatabaseOptions { synchronous_full: false, ..DatabaseOptions::default() };
        let database = Database::open(path.to_str().unwrap(), options).unwrap();
        let clock = NetworkClock::start();
        let mut validators: Vec<Validator> = (0..5)
            .map(|number| Validator {
                address: DerivedKey::derive(&SEED, KeyUse::Validator, number).address(),
                stake: Stake::try_from(10).unwrap(),
            })
            .collect();
        validators.sort_by_key(|validator| validator.address);
        let accounts = (0..10).map(|n| (account(n).address(), Amount::coins(100))).collect();
        let mut network_settings = NetworkSettings::new(61_999, SEED);
        network_settings.finality_window = Duration::from_millis(300);
        network_settings.crawl_interval = Duration::from_millis(50);
        change(&mut network_settings);
        let genesis = Genesis {
            seed: SEED,
            chain_id: 61_999,
            validators,
            accounts,
            profile: network_settings.profile,
            finality_window: network_settings.finality_window,
            at: clock.now(),
        };
        open_network(&database, &genesis, 3, &clock).unwrap();
        let executor = Patient(Scripted::new(|request| Ok(script(request))));
        let network = Network::start(network_settings, database, Arc::new(executor), clock);
        let network = network.await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let settings = ApiSettings { workers: 1, shutdown_timeout_secs: 0, ..settings };
        let server = start(listener, network.handles(), settings).unwrap();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        let client = awc::Client::builder().timeout(Duration::from_secs(20)).finish();
        Self { base, client, server: handle, _network: network, folder }
    }

    /// Lets nobody else write to the database until the lock is dropped.
    pub(crate) fn lock_writes(&self) -> diesel::SqliteConnection {
        use diesel::connection::{Connection as _, SimpleConnection as _};
        let path = self.folder.path().join("network.db");
        let mut conn = diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        conn.batch_execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE").unwrap();
        conn
    }

    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Reply {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.append_header((*name, *value));
        }
        let mut response = match body {
            Some(body) => request.send_body(body).await,
            None => request.send().await,
        }
        .unwrap_or_else(|error| panic!("{path}: {error}"));
        let bytes = response.body().limit(8 << 20).await.unwrap();
        Reply { status: response.status(), headers: response.headers().clone(), bytes }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[], None).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &Json) -> Reply {
        self.send_with(method, path, &[], body).await
    }

    pub(crate) async fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Json,
    ) -> Reply {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.request(method, path, &all, Some(body.to_string().into_bytes())).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Json) -> Reply {
        self.send("POST", path, body).await
    }

    /// Deploys a contract and waits for it; answers its address.
    pub(crate) async fn deploy(&self) -> String {
        let body = json!({ "type": "deploy", "from": address(0), "code": CODE, "args": [1] });
        let submitted = self.post("/v1/transactions", &body).await.expect(202);
        self.wait(submitted["hash"].as_str().unwrap(), "ACCEPTED").await;
        submitted["contract"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn wait(&self, hash: &str, status: &str) -> Json {
        let path = format!("/v1/transactions/{hash}?wait={status}&timeout=15");
        let transaction = self.get(&path).await.expect(200);
        assert_eq!(transaction["status"], status, "{transaction}");
        transaction
    }
}

impl Drop for World {
    fn drop(&mut self) {
        actix_web::rt::spawn(self.server.stop(false));
    }
}

pub(crate) fn nowhere() -> String {
    Address::new([0xee; 20]).to_string()
}
