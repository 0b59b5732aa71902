//! Crashes, restarts and shutdown in the middle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use agora::domain::{Execution, ExecutionOutcome, Status};
use agora::execution::scripted::Scripted;
use agora::execution::{ExecutionError, Role};

use crate::network::{Place, account, call, decided, deploy, deployed, on_both, settings, start};

on_both! {
    async fn a_restart_finds_everything_and_goes_on(place: Place) {
        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        let contract = deployed(&network.handles()).await;
        assert!(network.shut_down(Duration::from_secs(5)).await);

        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        let handles = network.handles();
        assert!(handles.contract(contract).await.unwrap().is_some());
        let hash = handles.submit(call(account(0), contract, "x")).await.unwrap().hash;
        assert_eq!(decided(&handles, hash).await.status, Status::Accepted);
    }
}

on_both! {
    async fn a_panicking_leader_and_a_panicking_validator_are_replaced(place: Place) {
        let turns = Arc::new(AtomicU32::new(0));
        let executor = Scripted::new(move |request| {
            let turn = turns.fetch_add(1, Ordering::Relaxed);
            assert!(turn != 0 && turn != 2, "this node crashes on purpose");
            Ok(Execution::ending(ExecutionOutcome::Return(request.calldata.clone())))
        });
        let network = start(&place, settings(), Arc::new(executor)).await;
        let handles = network.handles();
        let hash = handles.submit(deploy(account(0))).await.unwrap().hash;
        let record = decided(&handles, hash).await;
        assert_eq!(record.status, Status::Accepted);
        let consensus = record.consensus.unwrap().to_string();
        assert!(consensus.contains("the node panicked"), "{consensus}");
        assert_eq!(consensus.matches("node_failed").count(), 2, "{consensus}");
        assert!(!consensus.contains("idle"), "somebody new votes: {consensus}");
    }
}

on_both! {
    async fn a_broken_executor_ends_in_leader_timeout_and_the_queue_goes_on(place: Place) {
        let broken = Arc::new(AtomicU32::new(6));
        let left = Arc::clone(&broken);
        let executor = Scripted::new(move |request| {
            let is_call = request.entry == agora::execution::Entry::Method;
            if is_call
                && matches!(request.role, Role::Leader)
                && left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_ok()
            {
                return Err(ExecutionError::Infrastructure("provider down".into()));
            }
            Ok(Execution::ending(ExecutionOutcome::Return(request.calldata.clone())))
        });
        let network = start(&place, settings(), Arc::new(executor)).await;
        let handles = network.handles();
        let contract = deployed(&handles).await;
        let first = handles.submit(call(account(0), contract, "x")).await.unwrap().hash;
        let second = handles.submit(call(account(0), contract, "y")).await.unwrap().hash;
        let record = decided(&handles, first).await;
        assert_eq!(record.status, Status::LeaderTimeout);
        assert!(record.consensus.unwrap().to_string().contains("provider down"));
        assert_eq!(decided(&handles, second).await.status, Status::Accepted);
    }
}
