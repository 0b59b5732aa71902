//! The servers that are measured: a network's, with contracts that answer at once, and a bare one.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::{App, HttpResponse, HttpServer, web};
use agora::actors::clock::NetworkClock;
use agora::actors::settings::NetworkSettings;
use agora::actors::store::open_network;
use agora::actors::system::Network;
use agora::api::{ApiSettings, start};
use agora::domain::calldata::Value;
use agora::domain::ledger::{Genesis, NewTransaction};
use agora::domain::{
    Address, Amount, Bytes, Clock, DerivedKey, Digest, KeyUse, Payload, Stake, Status,
    TransactionRules, TxHash, Validator,
};
use agora::execution::scripted::Scripted;
use agora::storage::{Database, DatabaseOptions};
use serde_json::json;

pub(crate) const SEED: Digest = Digest::new([9; 32]);
pub(crate) const CHAIN_ID: u64 = 61_127;
/// As many as the most connections that send transactions.
const ACCOUNTS: u64 = 64;

/// A network behind its server.
pub(crate) struct World {
    pub(crate) server: SocketAddr,
    pub(crate) contract: Address,
    /// A transaction that is decided.
    pub(crate) hash: TxHash,
    _network: Network,
    _folder: tempfile::TempDir,
}

/// One of the network's accounts.
pub(crate) fn account(number: u64) -> DerivedKey {
    DerivedKey::derive(&SEED, KeyUse::Account, number)
}

impl World {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bench.sqlite").display().to_string();
        let database = Database::open(&path, DatabaseOptions::default()).unwrap();
        let clock = NetworkClock::start();
        let settings = NetworkSettings::new(CHAIN_ID, SEED);
        let validator = |number| Validator {
            address: DerivedKey::derive(&SEED, KeyUse::Validator, number).address(),
            stake: Stake::try_from(100).unwrap(),
        };
        let genesis = Genesis {
            seed: SEED,
            chain_id: CHAIN_ID,
            validators: (0..5).map(validator).collect(),
            accounts: (0..ACCOUNTS).map(|n| (account(n).address(), Amount::coins(100))).collect(),
            profile: settings.profile,
            finality_window: settings.finality_window,
            at: clock.now(),
        };
        open_network(&database, &genesis, settings.attempts_max, &clock).unwrap();
        let executor = Arc::new(Scripted::echo());
        let network = Network::start(settings, database, executor, clock).await.unwrap();
        let handles = network.handles();
        let code = Bytes::from_static(b"pass");
        let calldata = Value::call(None, vec![], std::collections::BTreeMap::new()).encode();
        let deploy = NewTransaction {
            from: Some(account(0).address()),
            to: None,
            value: Amount::ZERO,
            payload: Payload::Deploy { code, calldata: calldata.into() },
            nonce: None,
            rules: TransactionRules::default(),
            idempotency_key: None,
            envelope: None,
            context: None,
        };
        let mut events = handles.subscribe().await.unwrap();
        let submitted = handles.submit(deploy).await.unwrap();
        while handles.transaction(submitted.hash).await.unwrap().unwrap().status != Status::Accepted
        {
            events.recv().await.unwrap();
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        actix_web::rt::spawn(start(listener, handles, ApiSettings::default()).unwrap());
        let contract = submitted.contract.unwrap();
        Self { server, contract, hash: submitted.hash, _network: network, _folder: folder }
    }
}

/// A server of as many threads that reads JSON and answers JSON, and does nothing else.
pub(crate) fn bare() -> SocketAddr {
    async fn answer(request: web::Json<serde_json::Value>) -> HttpResponse {
        HttpResponse::Ok().json(json!({ "jsonrpc": "2.0", "id": request["id"], "result": "0x1" }))
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = HttpServer::new(|| App::new().route("/api", web::post().to(answer)))
        .workers(ApiSettings::default().workers)
        .disable_signals()
        .listen(listener)
        .unwrap();
    actix_web::rt::spawn(server.run());
    address
}
