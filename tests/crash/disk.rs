//! A full disk: submissions are refused in words, nothing that was answered is lost, and with room
//! again the network goes on without a restart.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use crate::process::Server;
use crate::{account, decided};

/// A file system of a few megabytes, gone with its owner.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, loudly, where mounting is not allowed; a failure where tests must be complete.
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(at)
            .output()
            .unwrap();
        if mount.status.success() {
            return Some(Self(at.to_owned()));
        }
        let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        let why = String::from_utf8_lossy(&mount.stderr);
        assert!(!in_ci, "a small disk must be mountable in CI: {why}");
        println!("!!! A FULL DISK WAS NOT TESTED: {why}");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server may still be ending.
        let _status = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[actix::test]
async fn a_full_disk_refuses_in_words_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&folder.path().join("data")) else { return };
    let server = Server::new(folder.path(), &["--finality-window", "1"]);
    server.start().await;
    let ballast = disk.0.join("ballast");
    std::fs::write(&ballast, vec![1; 2 << 20]).unwrap();

    let transfer = json!({ "type": "transfer", "from": account(0), "to": account(9), "value": 1 });
    let mut answered = Vec::new();
    let mut refused = None;
    for number in 0..20_000 {
        let key = format!("disk-{number}");
        match server.post("/v1/transactions", &transfer, Some(&key)).await.unwrap() {
            (202, answer) => answered.push(answer["hash"].as_str().unwrap().to_owned()),
            (status, answer) => {
                refused = Some((key, status, answer));
                break;
            }
        }
    }
    let (key, status, answer) = refused.expect("two megabytes are full at some time");
    assert_eq!((status, &answer["error"]["code"]), (500, &json!("internal_error")), "{answer}");
    assert_eq!(server.get("/health").await.unwrap().0, 200, "it lives on");

    std::fs::remove_file(&ballast).unwrap();
    let (status, answer) = server.post("/v1/transactions", &transfer, Some(&key)).await.unwrap();
    assert_eq!((status, &answer["duplicate"]), (202, &json!(false)), "nothing was half done");
    answered.push(answer["hash"].as_str().unwrap().to_owned());
    for hash in &answered {
        assert_eq!(decided(&server, hash).await["status"], "FINALIZED");
    }
    let (_, receiver) = server.get(&format!("/v1/accounts/{}", account(9))).await.unwrap();
    let expected = 10_000 * 10_u128.pow(18) + answered.len() as u128;
    assert_eq!(receiver["balance"], expected.to_string(), "each exactly once");
    server.kill();
}
