//! Order per contract, parallelism across contracts, and what ends a transaction.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use agora::domain::ledger::TransactionFilter;
use agora::domain::{Amount, Execution, ExecutionOutcome, Status};
use agora::execution::scripted::Scripted;
use agora::execution::{ExecutionError, ExecutionRequest, Executor, Role};
use futures_util::future::{BoxFuture, join_all};

use crate::network::{
    Place, account, call, decided, deploy, deployed, on_both, settings, start, start_with,
    transfer, wait_until,
};

on_both! {
    async fn a_transaction_goes_from_pending_to_finalized(place: Place) {
        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        let handles = network.handles();
        let contract = deployed(&handles).await;
        let hash = handles.submit(call(account(1), contract, "hello")).await.unwrap().hash;
        let record = wait_until(&handles, hash, |status| status == Status::Finalized).await;
        assert!(record.finalized_at.unwrap() >= record.final_from.unwrap(), "{record:?}");
        let statuses: Vec<String> = handles
            .events_after(0, 1_000)
            .await
            .unwrap()
            .into_iter()
            .filter(|event| event.transaction == hash)
            .map(|event| serde_json::to_value(&event.kind).unwrap())
            .map(|kind| kind["status"].as_str().unwrap_or("submitted").to_owned())
            .collect();
        let expected = ["submitted", "PROPOSING", "COMMITTING", "REVEALING", "ACCEPTED", "FINALIZED"];
        assert_eq!(statuses, expected);
        assert!(network.shut_down(Duration::from_secs(5)).await);
    }
}

on_both! {
    async fn transactions_of_one_contract_are_decided_in_the_order_of_their_submission(place: Place) {
        let mut settings = settings();
        // A queue far smaller than the load: the crawler has to come back for the rest.
        settings.queue_depth_max = 7;
        settings.crawl_page = 5;
        let network = start(&place, settings, Arc::new(Scripted::echo())).await;
        let handles = network.handles();
        let contract = deployed(&handles).await;
        let mut hashes = Vec::new();
        for number in 0..60 {
            let submitted = handles.submit(call(account(number % 4), contract, "x")).await.unwrap();
            hashes.push(submitted.hash);
        }
        for hash in &hashes {
            let status = decided(&handles, *hash).await.status;
            assert!(matches!(status, Status::Accepted | Status::Finalized), "{status}");
        }
        let accepted: Vec<_> = handles
            .events_after(0, 10_000)
            .await
            .unwrap()
            .into_iter()
            .filter(|event| serde_json::to_value(&event.kind).unwrap()["status"] == "ACCEPTED")
            .map(|event| event.transaction)
            .collect();
        assert_eq!(accepted[1..], hashes, "the deployment comes first");
    }
}

/// Leaders wait for each other: all must be executing at the same time.
#[derive(Debug)]
struct Meeting(Arc<tokio::sync::Barrier>);

impl Executor for Meeting {
    fn execute(
        &self,
        request: ExecutionRequest,
    ) -> BoxFuture<'static, Result<Execution, ExecutionError>> {
        let barrier = Arc::clone(&self.0);
        Box::pin(async move {
            if matches!(request.role, Role::Leader) {
                barrier.wait().await;
            }
            Ok(Execution::ending(ExecutionOutcome::Return(request.calldata)))
        })
    }

    fn schema(
        &self,
        _: agora::domain::Code,
    ) -> BoxFuture<'static, Result<Result<serde_json::Value, String>, ExecutionError>> {
        unreachable!("nobody asks for a schema here")
    }
}

on_both! {
    async fn different_contracts_run_in_parallel(place: Place) {
        let executor = Arc::new(Meeting(Arc::new(tokio::sync::Barrier::new(5))));
        let network = start(&place, settings(), executor).await;
        let handles = network.handles();
        let submissions = (0..5).map(|number| handles.submit(deploy(account(number % 4))));
        let hashes = join_all(submissions).await.into_iter().map(|submitted| submitted.unwrap().hash);
        for hash in hashes {
            assert_eq!(decided(&handles, hash).await.status, Status::Accepted);
        }
    }
}

on_both! {
    async fn transfers_are_exact_and_an_overdraft_ends_undetermined(place: Place) {
        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        let handles = network.handles();
        let hashes =
            join_all((1..=100).map(|value| handles.submit(transfer(account(0), account(1), value))));
        for submitted in hashes.await {
            assert_eq!(decided(&handles, submitted.unwrap().hash).await.status, Status::Finalized);
        }
        let received = handles.account(account(1)).await.unwrap().balance;
        assert_eq!(received, Amount::coins(1_000).checked_add(Amount::from(5_050)).unwrap());

        let mut overdraft = transfer(account(2), account(3), 0);
        overdraft.value = Amount::coins(1_001);
        let hash = handles.submit(overdraft).await.unwrap().hash;
        let record = decided(&handles, hash).await;
        assert_eq!(record.status, Status::Undetermined);
        assert!(record.reason.is_some(), "it says why");
        wait_until(&handles, hash, |status| status == Status::Finalized).await;
        assert_eq!(handles.account(account(2)).await.unwrap().balance, Amount::coins(1_000));
        assert!(handles.supply().await.unwrap().is_conserved());
    }
}

on_both! {
    async fn a_transaction_without_validators_waits_says_why_and_goes_on_with_the_first_one(place: Place) {
        let network = start_with(&place, settings(), Arc::new(Scripted::echo()), 0).await;
        let handles = network.handles();
        let hash = handles.submit(deploy(account(0))).await.unwrap().hash;
        let explained = async {
            loop {
                let record = handles.transaction(hash).await.unwrap().unwrap();
                assert_eq!(record.status, Status::Pending);
                if record.reason.is_some_and(|reason| reason.contains("validator")) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), explained).await.unwrap();
        let change = agora::domain::ledger::ValidatorChange::Create {
            address: None,
            stake: agora::domain::Stake::try_from(1).unwrap(),
            models: None,
        };
        handles.change_validators(change).await.unwrap();
        assert_eq!(decided(&handles, hash).await.status, Status::Accepted);
    }
}

on_both! {
    async fn every_leader_times_out_or_disagrees_and_no_transaction_is_stuck(place: Place) {
        let calls = Arc::new(Mutex::new(0_u32));
        let counter = Arc::clone(&calls);
        // Leaders return what nobody else does, so that every rotation disagrees.
        let executor = Scripted::new(move |request| match request.role {
            Role::Leader if request.entry == agora::execution::Entry::Method => {
                *counter.lock().unwrap() += 1;
                Ok(Execution::ending(ExecutionOutcome::UserError("mine".into())))
            }
            _ => Ok(Execution::ending(ExecutionOutcome::Return(request.calldata.clone()))),
        });
        let network = start(&place, settings(), Arc::new(executor)).await;
        let handles = network.handles();
        let contract = deployed(&handles).await;
        let hash = handles.submit(call(account(0), contract, "x")).await.unwrap().hash;
        assert_eq!(decided(&handles, hash).await.status, Status::Undetermined);
        assert_eq!(*calls.lock().unwrap(), 4, "the first leader and three rotations");

        let filter = TransactionFilter { status: Some(Status::Accepted), ..Default::default() };
        let accepted = handles.transactions(filter, None, 10).await.unwrap();
        assert!(accepted.items.len() <= 1, "only the deployment");
    }
}

on_both! {
    async fn a_call_of_a_contract_that_does_not_exist_is_refused(place: Place) {
        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        let refused = network.handles().submit(call(account(0), account(9), "x")).await;
        assert!(refused.unwrap_err().to_string().contains("contract"));
    }
}
