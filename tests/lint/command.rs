//! `agora contract lint` as people use it.

use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder with files, and the command in it.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_agora"));
        command.arg("contract").args(arguments).current_dir(self.0.path());
        command
    }

    /// Exit code, standard output and standard error.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }
}

const HEADER: &str = "# { \"Depends\": \"py-genlayer:test\" }\nfrom genlayer import *\n";

fn file(body: &str) -> String {
    format!("{HEADER}class X(gl.Contract):\n    def __init__(self):\n        pass\n{body}")
}

const WARNS: &str = "    @gl.public.view\n    def v(self):\n        return 1\n";
const FAILS: &str = "    é: str\n    n: int\n";

#[test]
fn findings_are_shown_with_their_line_and_a_mark() {
    let folder = Folder::of(&[("bad.py", &file(FAILS)), ("good.py", &file(""))]);
    let (code, said, _) = folder.run(&["lint", "--static", "bad.py", "good.py"]);
    assert_eq!(code, 1);
    let expected = "error[E015]: the field `n` cannot store `int`\n  --> bad.py:7:8\n  |\n\
        7 |     n: int\n  |        ^^^\n  help: use an integer of fixed size such as `u256` or \
        `i64`, or `bigint`\n\n1 error and 0 warnings in 2 files\n";
    assert_eq!(said, expected);
}

#[test]
fn the_exit_code_tells_what_was_found() {
    let folder = Folder::of(&[("warns.py", &file(WARNS)), ("good.py", &file(""))]);
    assert_eq!(folder.run(&["lint", "good.py"]).0, 0);
    assert_eq!(folder.run(&["lint", "warns.py"]).0, 0);
    assert_eq!(folder.run(&["lint", "--strict", "good.py"]).0, 0);
    assert_eq!(folder.run(&["lint", "--strict", "warns.py"]).0, 1);
    let (code, said, complained) = folder.run(&["lint", "none.py", "good.py"]);
    assert_eq!(code, 2);
    assert!(complained.contains("cannot read `none.py`"), "{complained}");
    assert!(said.contains("0 errors"), "the others are looked at: {said}");
    assert_eq!(folder.run(&["lint"]).0, 2);
    assert_eq!(folder.run(&["lint", "."]).0, 2);
}

#[test]
fn loading_finds_what_reading_cannot() {
    let absent = format!("{HEADER}import nowhere_to_be_found\nclass X(gl.Contract):\n    pass\n");
    let typed = file("    @gl.public.view\n    def v(self) -> float:\n        return 0.5\n");
    let empty = "# { \"Depends\": \"py-genlayer:test\" }\nx = 1\n";
    let folder = Folder::of(&[("absent.py", &absent), ("typed.py", &typed), ("empty.py", empty)]);
    let (code, said, _) = folder.run(&["lint", "absent.py"]);
    assert!(code == 1 && said.contains("error[E101]: ModuleNotFoundError"), "{said}");
    assert!(said.contains("absent.py:3:1"), "{said}");
    let (code, said, _) = folder.run(&["lint", "typed.py"]);
    assert!(code == 1 && said.contains("error[E102]") && said.contains("float"), "{said}");
    let (code, said, _) = folder.run(&["lint", "empty.py"]);
    assert!(code == 1 && said.contains("the file defines no contract"), "{said}");
    for name in ["absent.py", "typed.py", "empty.py"] {
        assert_eq!(folder.run(&["lint", "--static", name]).0, 0, "{name}");
    }
}

#[test]
fn programs_get_json() {
    let folder = Folder::of(&[("a.py", &file(FAILS)), ("b.py", &file(WARNS))]);
    let (code, said, _) = folder.run(&["lint", "--static", "--json", "a.py", "b.py"]);
    assert_eq!(code, 1);
    let json: serde_json::Value = serde_json::from_str(&said).unwrap();
    let names: Vec<_> =
        json["results"].as_array().unwrap().iter().map(|found| &found["filename"]).collect();
    assert_eq!(names, ["a.py", "b.py"]);
    assert_eq!(json["summary"]["by_severity"]["warning"], 1);
    assert_eq!(json["summary"]["total"], 2);
}

#[test]
fn a_source_cannot_write_to_the_terminal() {
    let folder = Folder::of(&[("bad.py", &file("    n: int # \u{1b}[2J\n"))]);
    let (_, said, _) = folder.run(&["lint", "--static", "bad.py"]);
    assert!(said.contains("n: int #") && !said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn the_help_teaches_with_examples() {
    let folder = Folder::of(&[]);
    for (arguments, words) in [
        (&["lint", "--help"][..], "agora contract lint --strict token.py"),
        (&["run", "--help"], "--call 'get a'"),
    ] {
        let (code, said, _) = folder.run(arguments);
        assert!(code == 0 && said.contains("Examples:") && said.contains(words), "{said}");
    }
}
