//! `agora snapshot` on a database that no server has open.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use agora::domain::{Digest, Status};
use agora::execution::scripted::Scripted;
use agora::storage::{self, Database, DatabaseOptions};

use crate::network::{Place, account, call, decided, deployed, on_both, settings, start, transfer};

fn agora(place: &Place, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agora"));
    command.arg("snapshot").args(arguments).env("DATABASE_URL", &place.url);
    command.output().unwrap()
}

#[track_caller]
fn said(place: &Place, arguments: &[&str]) -> String {
    let output = agora(place, arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn refused(place: &Place, arguments: &[&str]) -> String {
    let output = agora(place, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn path(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

on_both! {
    async fn a_network_is_set_back_carried_and_forked_from_the_command_line(place: Place) {
        let folder = tempfile::tempdir().unwrap();
        assert!(refused(&place, &["create"]).contains("no network"));
        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        let contract = deployed(&network.handles()).await;
        assert!(network.shut_down(Duration::from_secs(5)).await);
        assert!(said(&place, &["create"]).contains("snapshot 1: 1 transactions"));

        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        let handles = network.handles();
        let hash = handles.submit(call(account(0), contract, "x")).await.unwrap().hash;
        decided(&handles, hash).await;
        assert!(network.shut_down(Duration::from_secs(5)).await);
        let file = path(&folder, "network.gz");
        said(&place, &["export", &file]);
        let first = path(&folder, "first.gz");
        said(&place, &["export", &first, "--snapshot", "1"]);
        assert!(refused(&place, &["export", &file]).contains("exists"), "it is not overwritten");
        assert!(refused(&place, &["export", "x.gz", "--snapshot", "9"]).contains("no snapshot 9"));
        assert!(!Path::new("x.gz").exists());

        said(&place, &["restore", "1"]);
        assert!(refused(&place, &["restore", "9"]).contains("no snapshot 9"));
        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        assert!(network.handles().transaction(hash).await.unwrap().is_none());
        assert!(network.shut_down(Duration::from_secs(5)).await);
        assert!(said(&place, &["import", &file, "--restore"]).contains("snapshot 2"));
        assert_eq!(said(&place, &["list"]).lines().count(), 3);
        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        assert!(network.handles().transaction(hash).await.unwrap().is_some());
        assert!(network.shut_down(Duration::from_secs(5)).await);

        let new = path(&folder, "fork");
        let seed = Digest::new([9; 32]).to_string();
        let identity = ["--seed", &seed, "--chain-id", "7"];
        let arguments = [&["fork", &file, "--database", &new][..], &identity].concat();
        assert!(said(&place, &arguments).contains("--data-dir"));
        assert!(refused(&place, &arguments).contains("already"));
        let fork = format!("{new}/agora.sqlite");
        {
            let database = Database::open(&fork, DatabaseOptions::default()).unwrap();
            let network = storage::network_load(&mut database.writer().unwrap());
            let network = network.unwrap().unwrap();
            assert_eq!((network.seed.to_string(), network.chain_id), (seed, 7));
        }
        let other = path(&folder, "other.gz");
        let fork = Place::at(&fork);
        let foreign = refused(&fork, &["import", &file]);
        assert!(foreign.contains("another network") && foreign.contains("fork"), "{foreign}");
        said(&fork, &["export", &other]);
        std::fs::write(&other, b"damaged").unwrap();
        assert!(refused(&place, &["import", &other]).contains("damaged"));
        assert!(said(&place, &["delete", "1"]).contains("1 deleted"));
        assert!(said(&place, &["delete"]).contains("1 deleted"));
        assert!(refused(&place, &["delete", "1"]).contains("no snapshot 1"));
    }
}

#[actix::test]
async fn a_database_that_a_server_has_open_is_left_to_it() {
    let place = Place::sqlite();
    let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
    let error = refused(&place, &["create"]);
    assert!(error.contains("another agora") && error.contains("/docs"), "{error}");
    assert!(network.shut_down(Duration::from_secs(5)).await);
}

#[actix::test]
async fn a_restore_that_is_killed_has_happened_or_not() {
    let place = Place::sqlite();
    let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
    let handles = network.handles();
    let contract = deployed(&handles).await;
    let id = handles.create_snapshot().await.unwrap().id;
    for number in 0..200 {
        handles.submit(transfer(account(number % 4), account(3), 1)).await.unwrap();
    }
    let last = handles.submit(call(account(0), contract, "x")).await.unwrap().hash;
    decided(&handles, last).await;
    let full = handles.create_snapshot().await.unwrap().id;
    assert!(network.shut_down(Duration::from_secs(5)).await);
    let folder = tempfile::tempdir().unwrap();
    let file = path(&folder, "full.gz");
    said(&place, &["export", &file, "--snapshot", &full.to_string()]);
    let (mut kept, mut undone) = (0, 0);
    for millis in (0..120).step_by(6) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agora"));
        command.args(["snapshot", "restore", &id.to_string()]).env("DATABASE_URL", &place.url);
        let mut running = command.spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(millis)).await;
        running.kill().unwrap();
        running.wait().unwrap();
        let network = start(&place, settings(), Arc::new(Scripted::echo())).await;
        let handles = network.handles();
        let supply = handles.supply().await.unwrap();
        assert!(supply.is_conserved(), "{supply:?}");
        let counts = handles.status_counts().await.unwrap();
        let all: u64 = counts.iter().map(|(_, count)| count).sum();
        match all {
            202 => kept += 1,
            1 => undone += 1,
            other => panic!("half a restore: {other} transactions"),
        }
        let next = handles.submit(call(account(1), contract, "x")).await.unwrap().hash;
        assert_eq!(decided(&handles, next).await.status, Status::Accepted);
        assert!(network.shut_down(Duration::from_secs(5)).await);
        said(&place, &["import", &file, "--restore"]);
    }
    println!("killed: {kept} before, {undone} after");
}
