//! Two processes on one PostgreSQL, as far as one test process can play them: two networks with
//! owners, stores and actors of their own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use agora::actors::handles::Handles;
use agora::actors::settings::NetworkSettings;
use agora::domain::{Amount, EventKind, Execution, Status, TxHash};
use agora::execution::scripted::Scripted;
use agora::execution::{Entry, ExecutionError, ExecutionRequest, Executor};
use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::network::{Place, account, call, decided, deployed, settings, start, transfer};

fn owned_by(owner: &str) -> NetworkSettings {
    let mut settings = settings();
    settings.owner = owner.into();
    settings.heartbeat_interval = Duration::from_millis(100);
    // What another process wrote is seen a moment later; it shall still be open then.
    settings.finality_window = Duration::from_mins(1);
    settings
}

/// How often each transaction was accepted or executed, by the one sequence of events.
async fn ends(handles: &Handles) -> BTreeMap<TxHash, Vec<Status>> {
    let mut ends = BTreeMap::<_, Vec<Status>>::new();
    for event in handles.events_after(0, 1_000_000).await.unwrap() {
        if let EventKind::StatusChanged { status, .. } = event.kind
            && (status == Status::Accepted || status == Status::Undetermined)
        {
            ends.entry(event.transaction).or_default().push(status);
        }
    }
    ends
}

#[actix::test]
async fn two_processes_share_the_work_and_do_everything_once() {
    let Some(place) = Place::postgres() else { return };
    let first = start(&place, owned_by("first"), Arc::new(Scripted::echo())).await;
    let second = start(&place, owned_by("second"), Arc::new(Scripted::echo())).await;
    let both = [first.handles(), second.handles()];
    let contracts = [deployed(&both[0]).await, deployed(&both[1]).await, deployed(&both[0]).await];
    let mut hashes = Vec::new();
    for number in 0..90_usize {
        let handles = &both[number % 2];
        let new = match number % 3 {
            0 => transfer(account(0), account(1), 1),
            _ => call(account(1), contracts[number % 3], "x"),
        };
        hashes.push(handles.submit(new).await.unwrap().hash);
    }
    for hash in &hashes {
        let status = decided(&both[0], *hash).await.status;
        assert!(matches!(status, Status::Accepted | Status::Finalized), "{status}");
    }
    for (hash, ends) in ends(&both[0]).await {
        assert_eq!(ends.len(), 1, "{hash} is decided once: {ends:?}");
    }
    let received = both[1].account(account(1)).await.unwrap().balance;
    assert_eq!(received, Amount::coins(1_000).checked_add(Amount::from(30)).unwrap());
    assert!(both[0].supply().await.unwrap().is_conserved());
    assert!(first.shut_down(Duration::from_secs(5)).await);
    assert!(second.shut_down(Duration::from_secs(5)).await);
}

/// Executes calls only while it has permits; the first owner's has none until the test gives it.
#[derive(Debug)]
pub(crate) struct Held(pub(crate) Arc<Semaphore>);

impl Executor for Held {
    fn execute(
        &self,
        request: ExecutionRequest,
    ) -> BoxFuture<'static, Result<Execution, ExecutionError>> {
        let gate = Arc::clone(&self.0);
        let answer = Scripted::echo().execute(request.clone());
        Box::pin(async move {
            if request.entry == Entry::Method {
                gate.acquire().await.unwrap().forget();
            }
            answer.await
        })
    }

    fn schema(
        &self,
        code: agora::domain::Code,
    ) -> BoxFuture<'static, Result<Result<serde_json::Value, String>, ExecutionError>> {
        Scripted::echo().schema(code)
    }
}

#[actix::test]
async fn the_work_of_an_owner_without_a_heartbeat_is_taken_over_and_its_late_decision_refused() {
    let Some(place) = Place::postgres() else { return };
    let gate = Arc::new(Semaphore::new(0));
    let mut silent = owned_by("silent");
    // It shows one sign of life, and then none for the whole test.
    silent.heartbeat_interval = Duration::from_hours(1);
    let first = start(&place, silent, Arc::new(Held(Arc::clone(&gate)))).await;
    let contract = deployed(&first.handles()).await;
    let hash = first.handles().submit(call(account(0), contract, "x")).await.unwrap().hash;
    let in_flight = |status: Status| status.is_in_flight();
    crate::network::wait_until(&first.handles(), hash, in_flight).await;

    let second = start(&place, owned_by("second"), Arc::new(Scripted::echo())).await;
    let record = decided(&second.handles(), hash).await;
    assert_eq!((record.status, record.attempt), (Status::Accepted, 1));

    // Now the first one ends its round as well: too late.
    gate.add_permits(100);
    let next = first.handles().submit(call(account(0), contract, "y")).await.unwrap().hash;
    decided(&second.handles(), next).await;
    let ends = ends(&second.handles()).await;
    assert_eq!(ends[&hash], [Status::Accepted], "decided once");
    let record = second.handles().transaction(hash).await.unwrap().unwrap();
    assert_eq!(record.attempt, 1, "by the second attempt");
}
