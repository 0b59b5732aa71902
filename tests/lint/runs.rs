//! `agora contract run` as people use it.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::command::Folder;

const STORE: &str = r#"# { "Depends": "py-genlayer:test" }
from genlayer import *

class Store(gl.Contract):
    values: TreeMap[str, str]
    owner: Address
    total: u256

    def __init__(self, first: str = "", *, total: int = 0):
        self.owner = gl.message.sender_address
        self.total = total
        if first:
            self.values["first"] = first

    @gl.public.write
    def set(self, key: str, value: str) -> None:
        print("setting", key)
        self.values[key] = value

    @gl.public.view
    def get(self, key: str) -> str:
        if key not in self.values:
            raise gl.vm.UserError(f"no key {key}")
        return self.values[key]

    @gl.public.write.payable
    def pay(self) -> dict:
        return {"value": gl.message.value, "balance": self.balance}

    @gl.public.view
    def seen(self) -> dict:
        return {"owner": self.owner, "total": self.total, "balance": self.balance,
                "at": gl.message_raw["datetime"]}

    @gl.public.view
    def echo(self, value, other=None) -> list:
        return [value, other]

    @gl.public.view
    def broken(self) -> int:
        return 1 // 0

    @gl.public.view
    def forever(self) -> int:
        while True:
            pass
"#;

fn folder() -> Folder {
    Folder::of(&[("store.py", STORE)])
}

/// The JSON of a run that succeeds.
#[track_caller]
fn steps(arguments: &[&str]) -> Vec<serde_json::Value> {
    let (code, said, complained) =
        folder().run(&[&["run", "--json", "store.py"], arguments].concat());
    assert_eq!(code, 0, "{said}{complained}");
    serde_json::from_str(&said).unwrap()
}

#[test]
fn a_file_is_deployed_and_called() {
    let calls = ["set", "a", "two words", "--call", "get a", "--call", "set 'b' \"c d\""];
    let (code, said, _) = folder().run(&[&["run", "store.py"], &calls[..]].concat());
    assert_eq!(code, 0, "{said}");
    let lines: Vec<&str> = said.lines().filter(|line| !line.starts_with("  slot")).collect();
    assert_eq!(
        lines,
        [
            "deploy()",
            "  returns null",
            "set(a, two words)",
            "  | setting a",
            "  returns null",
            "get(a)",
            "  returns \"two words\"",
            "set(b, \"c d\")",
            "  | setting b",
            "  returns null"
        ]
    );
    assert!(said.contains("  slot 0x") && said.contains(" -> 0x"), "changes are shown: {said}");
}

#[test]
fn constructors_senders_values_and_time_are_as_said() {
    let sender = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    let options = ["--init", "x", "--init", "total=-5", "--sender", sender];
    let (code, said, _) = folder().run(&[&["run", "store.py"], &options[..]].concat());
    assert!(code == 1 && said.contains("VM error"), "u256 takes no negative number: {said}");
    let huge = "9".repeat(40);
    let total = format!("total={huge}");
    let options = [
        "--init",
        "x",
        "--init",
        &total,
        "--sender",
        sender,
        "--value",
        "7",
        "--time",
        "0",
        "pay",
        "--call",
        "seen",
        "--call",
        "get first",
    ];
    let steps = steps(&options);
    assert_eq!(steps[1]["outcome"]["return"], serde_json::json!({ "balance": 7, "value": 7 }));
    let seen = &steps[2]["outcome"]["return"];
    assert_eq!(seen["owner"]["$address"], sender);
    assert_eq!(seen["total"]["$int"], huge);
    assert_eq!((&seen["balance"], &seen["at"]), (&7.into(), &"1970-01-01T00:00:00Z".into()));
    assert_eq!(steps[3]["outcome"]["return"], "x");
    assert!(steps[0]["state"].as_array().unwrap().len() > 1);
    assert!(steps[3]["state"].as_array().unwrap().is_empty());
}

#[test]
fn arguments_are_read_by_their_form() {
    for (typed, returned) in [
        (&["5"][..], serde_json::json!([5, null])),
        (&["-5"], serde_json::json!([-5, null])),
        (&["word", "true"], serde_json::json!(["word", true])),
        (&["[1, \"a\"]", "other={\"k\": 1}"], serde_json::json!([[1, "a"], { "k": 1 }])),
    ] {
        assert_eq!(steps(&[&["echo"], typed].concat())[1]["outcome"]["return"], returned);
    }
}

#[test]
fn a_call_that_does_not_end_is_a_step_like_any_other() {
    let options = ["set", "a", "x", "--call", "forever", "--timeout", "1"];
    let (code, said, _) = folder().run(&[&["run", "--json", "store.py"], &options[..]].concat());
    let steps: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap();
    assert_eq!((code, steps.len()), (1, 3), "{said}");
    assert!(steps[2].to_string().contains("did not end within 1 s (--timeout)"), "{said}");
    let (code, _, complained) = folder().run(&["run", "store.py", "--timeout", "0"]);
    assert!(code == 2 && complained.contains("1..=3600"), "{complained}");
}

#[test]
fn the_first_failure_ends_the_run() {
    let (code, said, _) = folder().run(&["run", "store.py", "get", "x", "--call", "set a 1"]);
    assert_eq!(code, 1);
    assert!(said.contains("user error: no key x") && !said.contains("set(a, 1)"), "{said}");
    let (code, said, _) = folder().run(&["run", "store.py", "broken"]);
    assert!(code == 1 && said.contains("ZeroDivisionError") && said.contains("1 // 0"), "{said}");
    let (code, said, _) = folder().run(&["run", "store.py", "gte"]);
    assert!(code == 1 && said.contains("did you mean `get`"), "{said}");
}

#[test]
fn wrong_arguments_are_named() {
    for (arguments, says) in [
        (&["none.py"][..], "cannot read `none.py`"),
        (&["store.py", "echo", "1.5"], "`1.5` is no argument"),
        (&["store.py", "echo", "[1"], "`[1` is no argument"),
        (&["store.py", "echo", "a=1", "2"], "`2` comes after a named argument"),
        (&["store.py", "--call", ""], "a call needs a method"),
        (&["store.py", "--call", "get 'a"], "does not close"),
        (&["store.py", "--sender", "0x1"], "0x1"),
        (&["store.py", "--value", "-1"], "-1"),
        (&["store.py", "--time", "x"], "x"),
        (&["store.py", "--time", "999999999999999"], "`999999999999999` is no time"),
        (&[], "FILE"),
    ] {
        let (code, _, complained) = folder().run(&[&["run"], arguments].concat());
        assert!(code != 0 && complained.contains(says), "{arguments:?}: {complained}");
    }
}

#[test]
fn a_watched_file_runs_again_when_it_changes() {
    let folder = folder();
    let mut command = folder.command(&["run", "--watch", "store.py", "echo", "1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.by_ref().any(|line| line == "  returns [1,null]"));
    let changed = STORE.replace("[value, other]", "[other, value]");
    std::fs::write(folder.path("store.py"), changed).unwrap();
    assert!(lines.any(|line| line == "  returns [null,1]"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn made_up_answers_come_from_a_file() {
    let mocks = r#"{"prompts": [{"contains": "please",
        "answer": {"reasoning": "well said", "gives_coin": true}},
        {"contains": "well said", "answer": true}]}"#;
    let coin = agora::execution::python::examples();
    let coin = coin.iter().find(|example| example.name == "guarded_coin").unwrap();
    let folder = Folder::of(&[("mocks.json", mocks), ("coin.py", coin.source)]);
    let ask = ["run", "--mocks", "mocks.json", "coin.py", "ask"];
    let (code, said, complained) = folder.run(&[&ask[..], &["please"]].concat());
    assert_eq!(code, 0, "{said}{complained}");
    assert!(said.contains("true"), "{said}");
    let (code, said, complained) = folder.run(&[&ask[..], &["now"]].concat());
    assert_ne!(code, 0);
    assert!(format!("{said}{complained}").contains("You guard a coin"), "{said}{complained}");
}
