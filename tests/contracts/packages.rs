//! Contracts of several files: zip archives with a `runner.json`.

use std::io::{Cursor, Write};
use std::sync::Arc;

use agora::domain::calldata::Value;
use agora::domain::{Bytes, Code, Execution, ExecutionOutcome, Severity};
use agora::execution::lint::lint;
use agora::execution::{ExecutionRequest, Executor};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::harness::*;

const MULTI: &str = r#"{ "Depends": "py-genlayer-multi:06zyvrlivjga0d5jlpdbprksc0pa6jml" }"#;

const MAIN: &str = "from genlayer import *
import helpers_of_mine
from . import rules
from .rules import LIMIT, Entry
from contract.deep.tools import shout
import contract.deep.tools as tools

class Board(gl.Contract):
    entries: DynArray[Entry]

    def __init__(self, first: str):
        self.entries.append(Entry(rules.clean(first), 0))

    @gl.public.write
    def add(self, text: str) -> int:
        if len(self.entries) >= LIMIT:
            rules.refuse()
        loud = gl.vm.spawn_sandbox(lambda: shout(text)).calldata
        assert tools.shout is shout and __name__ == 'contract' and rules.__name__ == 'contract.rules'
        self.entries.append(Entry(rules.clean(loud), helpers_of_mine.answer()))
        return len(self.entries)

    @gl.public.view
    def texts(self) -> list[str]:
        return [entry.text for entry in self.entries]

    @gl.public.view
    def table(self) -> dict:
        import json
        with open('/contract/table.json') as file:
            return json.load(file) | {'raw': open('/contract/table.json', 'rb').read(8)}
";

const RULES: &str = "from genlayer import *
from dataclasses import dataclass
LIMIT = 2

@allow_storage
@dataclass
class Entry:
    text: str
    weight: u8

def clean(text):
    return text.strip()

def refuse():
    raise gl.vm.UserError(f'at most {LIMIT}')
";

const FILES: [(&str, &str); 6] = [
    (
        "runner.json",
        r#"{"Seq": [{"MapFile": {"file": "lib/", "to": "/py/libs/"}}, {"Depends": "py-genlayer-multi:test"}]}"#,
    ),
    ("contract/__init__.py", MAIN),
    ("contract/rules.py", RULES),
    ("contract/deep/tools.py", "def shout(text):\n    return text.upper()\n"),
    ("contract/table.json", "{\"a\": 1}"),
    ("lib/helpers_of_mine.py", "def answer():\n    return 42\n"),
];

fn packed(files: &[(&str, &str)], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (path, content) in files {
        writer.start_file(*path, options).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn stored(files: &[(&str, &str)]) -> Vec<u8> {
    packed(files, CompressionMethod::Stored)
}

/// A package of a main module with this text.
pub(crate) fn board(main: &str) -> Vec<u8> {
    stored(&[("runner.json", MULTI), ("contract/__init__.py", main)])
}

fn asks(code: &[u8], method: Option<&str>, args: Vec<Value>) -> ExecutionRequest {
    let code = Code::new(Bytes::copy_from_slice(code));
    ExecutionRequest { code, ..request("", method, args) }
}

async fn deployed(executor: &impl Executor, code: &[u8]) -> Execution {
    executor.execute(asks(code, None, vec![text(" a ")])).await.unwrap()
}

#[tokio::test]
async fn modules_of_a_package_are_imported() {
    let executor = executor();
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let code = packed(&FILES, method);
        let mut state = deployed(&executor, &code).await;
        for (method, args, expected) in [
            ("add", vec![text("b ")], int(2)),
            ("texts", vec![], Value::Array(vec![text("a"), text("B")])),
            (
                "table",
                vec![],
                Value::map([
                    ("a", int(1)),
                    ("raw", Value::Bytes(Bytes::from_static(b"{\"a\": 1}"))),
                ]),
            ),
        ] {
            let mut request = asks(&code, Some(method), args);
            request.snapshot.pages = Arc::new(state.state.0.clone());
            let execution = executor.execute(request).await.unwrap();
            assert_eq!(returned(&execution), expected, "{}", execution.stderr);
            state.state.0.extend(execution.state.0);
        }
        let mut full = asks(&code, Some("add"), vec![text("c")]);
        full.snapshot.pages = Arc::new(state.state.0.clone());
        let refused = executor.execute(full).await.unwrap();
        assert_eq!(refused.outcome, ExecutionOutcome::UserError("at most 2".into()));
        let place = "File \"contract/rules.py\", line 15, in refuse\n    raise gl.vm.UserError";
        assert!(refused.stderr.contains(place), "{}", refused.stderr);
    }
}

#[tokio::test]
async fn nothing_of_a_package_meets_the_next_contract() {
    let executor = executor();
    assert!(deployed(&executor, &stored(&FILES)).await.outcome.is_success());
    let next = "from genlayer import *\nimport contract.rules\nclass A(gl.Contract):\n    \
                def __init__(self, a: str): pass\n";
    let failed = deployed(&executor, next.as_bytes()).await;
    assert!(failed.stderr.contains("ModuleNotFoundError"), "{}", failed.stderr);
    let opens = "from genlayer import *\nclass A(gl.Contract):\n    def __init__(self, a: str):\n        \
                 assert 'class A' in open('contract.py').read()\n        open('/contract/table.json')\n";
    let failed = deployed(&executor, opens.as_bytes()).await;
    assert!(failed.stderr.contains("contracts run without files"), "{}", failed.stderr);
}

#[tokio::test]
async fn one_file_may_be_packed_too() {
    let main =
        "from genlayer import *\nclass A(gl.Contract):\n    def __init__(self, a: str): pass\n";
    let single =
        r#"{ "Depends": "py-genlayer:1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6" }"#;
    for name in ["file", "contract.py"] {
        let code = stored(&[("runner.json", single), (name, main)]);
        let execution = deployed(&executor(), &code).await;
        assert!(execution.outcome.is_success(), "{}", execution.stderr);
    }
    let schema = executor().schema(asks(&stored(&FILES), None, vec![]).code).await.unwrap();
    assert_eq!(
        schema.unwrap()["methods"]["add"]["params"],
        serde_json::json!([["text", "string"]])
    );
}

#[tokio::test]
async fn denied_modules_are_denied_to_every_module() {
    let files = [
        ("runner.json", MULTI),
        ("contract/__init__.py", "from . import rules\n"),
        ("contract/rules.py", "import socket\n"),
    ];
    let failed = deployed(&executor(), &stored(&files)).await;
    assert!(failed.stderr.contains("No module named 'socket': contracts run"), "{}", failed.stderr);
}

/// The same bytes with one path in place of another.
fn renamed(code: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut code = code.to_vec();
    for at in 0..code.len() {
        if let Some(place) = code.get_mut(at..at + from.len())
            && place == from.as_bytes()
        {
            place.copy_from_slice(to.as_bytes());
        }
    }
    code
}

#[tokio::test]
async fn packages_that_cannot_be_read_are_refused_in_words() {
    let executor = executor();
    let zeros = "\0".repeat(1 << 20);
    let large = format!("{zeros}\0");
    let third = "x".repeat(900_000);
    let paths: Vec<String> = (0..300).map(|n| format!("contract/m{n}.py")).collect();
    let many: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
    let heavy: Vec<(&str, &str)> =
        paths[..5].iter().map(|p| (p.as_str(), third.as_str())).collect();
    let pair = stored(&[("contract/a.py", "1"), ("contract/b.py", "2")]);
    let whole = board("x = 1\n");
    for (code, words) in [
        (stored(&[("contract/__init__.py", "")]), "there is no `runner.json` at its root"),
        (stored(&[("runner.json", "{")]), "`runner.json` is not JSON"),
        (stored(&[("runner.json", MULTI)]), "there is no folder `contract/`"),
        (stored(&[("runner.json", MULTI), ("contract/a.py", "")]), "there is no main module"),
        (stored(&[("runner.json", MULTI), ("contract/__init__.py", "\u{e9}x")]), "NameError"),
        (board("def f(:\n"), "File \"contract/__init__.py\", line 1"),
        (renamed(&pair, "contract/a.py", "contract/b.py"), "two entries of the same name"),
        (renamed(&pair, "contract/a.py", "../tract/a.py"), "`../tract/a.py` in the package has an"),
        (renamed(&pair, "contract/a.py", "/ontract/a.py"), "is no relative path"),
        (renamed(&pair, "contract/a.py", "contract\\a.py"), "is no relative path"),
        (renamed(&pair, "contract/a.py", "contract//.py"), "has an empty part"),
        (
            packed(&[("big", &large)], CompressionMethod::Stored),
            "`big` in the package has more than",
        ),
        (
            packed(&[("bomb", &zeros)], CompressionMethod::Deflated),
            "`bomb` in the package is packed",
        ),
        (stored(&many), "the package has 300 entries; at most 256"),
        (stored(&heavy), "with `contract/m4.py` the files of the package have more than"),
        (whole[..whole.len() / 2].to_vec(), "the package is no zip archive"),
        (b"PK\x03\x04 and nothing".to_vec(), "the package is no zip archive"),
    ] {
        let error = executor.schema(asks(&code, None, vec![]).code).await.unwrap().unwrap_err();
        assert!(error.contains(words), "{words}\n{error}");
    }
}

#[test]
fn packages_are_linted_file_by_file() {
    let report = lint(&stored(&FILES));
    assert_eq!(report.count(Severity::Error), 0, "{report:?}");
    let files = [
        ("runner.json", r#"{"Seq": [{"MapFile": {"file": "/", "to": "/"}}, {"Depends": "x:y"}]}"#),
        ("contract.py", "from genlayer import *\nclass A(gl.Contract):\n    n: int\n"),
        ("other.py", "import random\n"),
        ("broken.py", "def f(:\n"),
    ];
    let report = lint(&stored(&files));
    let found: Vec<(&str, usize)> =
        report.findings.iter().map(|finding| (finding.code, finding.line)).collect();
    assert_eq!(found, [("W011", 1), ("E001", 1), ("W001", 1), ("E015", 3)]);
    let words = |code: &str| &report.findings.iter().find(|f| f.code == code).unwrap().message;
    assert!(words("W001").starts_with("`other.py`: "), "{}", words("W001"));
    assert!(words("E001").starts_with("`broken.py`: "), "{}", words("E001"));
    assert_eq!(lint(&board("x")[..60]).findings[0].code, "E001");
}
