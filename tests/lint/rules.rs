//! Each rule: what breaks it, where, and what keeps it.

use agora::domain::Severity;
use agora::execution::lint::lint;

const HEADER: &str = "# { \"Depends\": \"py-genlayer:test\" }\n";

/// Rule and place of every finding.
fn found(source: &str) -> Vec<String> {
    let report = lint(source.as_bytes());
    let shown = |finding: &agora::domain::Finding| {
        format!("{} {}:{}", finding.code, finding.line, finding.column)
    };
    report.findings.iter().map(shown).collect()
}

#[track_caller]
fn check(source: &str, expected: &[&str]) {
    assert_eq!(found(source), expected, "\n{source}\n{:#?}", lint(source.as_bytes()));
}

/// The lines, each moved by four columns.
fn indented(lines: &str) -> String {
    lines.lines().flat_map(|line| ["    ", line, "\n"]).collect()
}

/// A contract with this header and imports, and this body.
fn contract(imports: &str, body: &str) -> String {
    let body = indented(body);
    format!("{HEADER}from genlayer import *\n{imports}\n\nclass X(gl.Contract):\n{body}")
}

/// The findings of a method's body; its first line is line 7, indented by eight.
#[track_caller]
fn check_method(imports: &str, lines: &str, expected: &[&str]) {
    let lines = indented(lines);
    let body = format!("@gl.public.write\ndef m(self, x: int):\n{lines}");
    check(&contract(imports, &body), expected);
}

/// The findings of a class body whose first line is line 6, indented by four.
#[track_caller]
fn check_body(body: &str, expected: &[&str]) {
    check(&contract("", body), expected);
}

#[test]
fn w001_imports_that_differ_from_node_to_node() {
    for (import, column) in [
        ("import random", 8),
        ("import os.path", 8),
        ("import http.client as c", 8),
        ("from subprocess import run", 1),
        ("from urllib import request", 20),
        ("import urllib.request", 8),
    ] {
        check_method(import, "pass", &[&format!("W001 3:{column}")]);
    }
    for import in [
        "import json, re",
        "import urllib.parse",
        "from urllib.parse import quote",
        "import iota",
        "from .os import x",
        "import time, uuid",
    ] {
        check_method(import, "pass", &[]);
    }
}

#[test]
fn w002_calls_that_differ_from_node_to_node() {
    check_method("import time", "time.time()", &["W002 8:9"]);
    check_method("import time as t", "y = 1 + t.time()", &["W002 8:17"]);
    check_method("from time import time as now", "now()", &["W002 8:9"]);
    check_method("from uuid import *\nimport uuid", "uuid.uuid4()", &["W002 9:9"]);
    check_method("import time", "time.gmtime()", &["W002 8:9"]);
    check_method("import time", "time.gmtime(5); time.strftime('%Y')", &[]);
    check_method("from datetime import datetime", "datetime.now()", &[]);
    check_method("", "self.time.time()", &[]);
    check_method("import uuid", "uuid.uuid5(uuid.NAMESPACE_DNS, 'x')", &[]);
}

#[test]
fn w004_exceptions_without_words() {
    check_method("", "raise ValueError('x')", &["W004 8:9"]);
    check_method("", "raise Exception", &["W004 8:9"]);
    check_method("", "try:\n    pass\nexcept KeyError:\n    raise ValueError()", &["W004 11:13"]);
    check_method("", "try:\n    raise KeyError()\nexcept ValueError:\n    pass", &["W004 9:13"]);
    check_method("", "raise gl.vm.UserError('x')", &[]);
    check_method("", "raise", &[]);
    check_method("", "try:\n    raise ValueError()\nexcept (ValueError, KeyError):\n    pass", &[]);
    check_method("", "try:\n    raise KeyError()\nexcept Exception:\n    pass", &[]);
    check_method("class Mine(Exception):\n    pass", "raise Mine()", &[]);
    check(&format!("{HEADER}def helper():\n    raise ValueError()\n"), &[]);
}

#[test]
fn w010_and_w011_headers() {
    let body = "from genlayer import *\nclass X(gl.Contract):\n    pass\n";
    for (header, expected) in [
        ("", &["W010 1:1"][..]),
        ("# a contract\n", &["W010 1:1"]),
        ("import json\n# { \"Depends\": \"py-genlayer:test\" }\n", &["W010 1:1"]),
        ("# { \"Depends\": \"py-genlayer:test\"\n", &["W010 1:1"]),
        ("# { \"Seq\": [] }\n", &["W010 1:1"]),
        ("# { \"Depends\": \"py-lib-x:test\" }\n", &["W011 1:1"]),
        (HEADER, &[]),
        ("# v0.2.16\n# { \"Depends\": \"py-genlayer:latest\" }\n", &[]),
        ("#{\"Depends\":\"py-genlayer:test\"}\r\n", &[]),
        (
            "# {\n#   \"Seq\": [\n#     { \"Depends\": \"py-lib-x:1\" },\n#     { \"Depends\": \
            \"py-genlayer:1\" }\n#   ]\n# }\n",
            &[],
        ),
        ("\u{feff}# { \"Depends\": \"py-genlayer:test\" }\n", &[]),
    ] {
        check(&format!("{header}{body}"), expected);
    }
}

#[test]
fn e001_what_is_no_python() {
    check(&format!("{HEADER}class X(:\n"), &["E001 2:9"]);
    check(&format!("{HEADER}def f():\nreturn 1\n"), &["E001 3:1"]);
    check("", &["W010 1:1"]);
    assert_eq!(lint(b"# x\n\xff\xfe").findings[0].line, 2);
    assert_eq!(lint(b"\xff").findings[0].code, "E001");
}

#[test]
fn no_source_is_too_deep_or_too_strange() {
    let deep = |open: &str, close: &str| {
        format!("{HEADER}x = {}1{}\n", open.repeat(100_000), close.repeat(100_000))
    };
    for source in [
        deep("(", ")"),
        deep("[", "]"),
        deep("-", ""),
        deep("not ", ""),
        deep("lambda a, b: ", ""),
        deep("", ".a"),
        deep("", "+1"),
        deep("", "[0]"),
        deep("f(", ")"),
        deep("f'{", "}'"),
        deep("1 if 2 else ", ""),
    ] {
        assert_eq!(found(&source), ["E001 2:1"], "{}", &source[..60]);
    }
    let flat = format!("{HEADER}{}\n", "x = 1; ".repeat(10_000));
    assert!(
        !found(&flat).iter().any(|finding| finding.starts_with("E001")),
        "statements side by side"
    );
    let blocks: String = (0..3_000).flat_map(|n| [" ".repeat(n), "if x:\n".into()]).collect();
    assert_eq!(lint(blocks.as_bytes()).findings[0].code, "E001");
    let wide = format!("{HEADER}x = [{}]\n", "(1, {'a': f(2)}), ".repeat(50_000));
    assert_eq!(found(&wide), [""; 0]);
    let close = format!("{HEADER}x = {}1{}\n", "(".repeat(1_500), ")".repeat(1_500));
    assert!(found(&close).len() <= 1, "no overflow");
    for strange in [
        "\0",
        "\\",
        "'''",
        "f'{",
        "\u{202e}x",
        "class X(gl.Contract): x: Array[u8, Literal[",
        "\r\r\r",
    ] {
        lint(strange.as_bytes());
    }
}

#[test]
fn e010_models_and_web_outside_an_equivalence_principle() {
    check_method("", "gl.nondet.exec_prompt('x')", &["E010 8:9"]);
    check_method("", "return gl.nondet.web.get('x').body", &["E010 8:16"]);
    check_method("import genlayer.gl as g", "g.nondet.web.render('x')", &["E010 8:9"]);
    check_method("", "gl.get_webpage('x')", &["E010 8:9"]);
    check_method("", "def f():\n    return gl.exec_prompt('x')\nreturn f()", &["E010 9:20"]);
    let beside = "def f():\n    return gl.exec_prompt('x')\n\
        def g():\n    return 1\ngl.eq_principle.strict_eq(g)\nreturn f()";
    check_method("", beside, &["E010 9:20"]);
    check_method("", "gl.eq_principle.strict_eq(gl.nondet.exec_prompt('x'))", &["E010 8:35"]);
}

#[test]
fn e010_leaves_functions_in_peace_that_nodes_compare() {
    let f = "def f():\n    return gl.nondet.exec_prompt('x')\n";
    for rest in [
        "gl.eq_principle.strict_eq(f)",
        "gl.eq_principle.prompt_comparative(f, 'same')",
        "gl.eq_principle.prompt_non_comparative(f, task='x', criteria='y')",
        "gl.eq_principle.strict_eq.lazy(f).get()",
        "gl.eq_principle_strict_eq(f)",
        "gl.vm.run_nondet(f, lambda r: True)",
        "gl.vm.run_nondet_unsafe(leader_fn=f, validator_fn=f)",
        "gl.vm.run_nondet_unsafe(lambda: 1, lambda r: f() == r.calldata)",
        "g = f\ngl.vm.run_nondet(g, g)",
        "def g():\n    return f()\ngl.eq_principle.strict_eq(g)",
        "g = lambda: f()\ngl.eq_principle.strict_eq(g)",
        "import functools\ng = functools.partial(f)\ngl.eq_principle.strict_eq(g)",
        "vm = gl.vm\nvm.run_nondet(f, f)",
        "from genlayer.gl.vm import run_nondet\nrun_nondet(f, f)",
    ] {
        check_method("", &format!("{f}{rest}"), &[]);
    }
    check_method("", "gl.eq_principle.strict_eq(lambda: gl.nondet.web.get('x').body)", &[]);
    check_method("", "g = lambda: gl.nondet.web.get('x')\ngl.eq_principle.strict_eq(g)", &[]);
    check_method("", "raise gl.nondet.NondetException('x')", &[]);
    let methods = "def fetch(self):\n    return gl.nondet.web.get('x')\n\
        def helper(self):\n    return self.fetch()\n@gl.public.write\ndef m(self):\n    \
        return gl.eq_principle.strict_eq(self.helper)";
    check_body(methods, &[]);
    let factory = format!(
        "{HEADER}from genlayer import gl\ndef make(url):\n    def leader():\n        \
        return gl.nondet.web.get(url)\n    return leader\nclass X(gl.Contract):\n    \
        @gl.public.write\n    def m(self):\n        gl.eq_principle.strict_eq(make('x'))\n"
    );
    check(&factory, &[]);
}

#[test]
fn e011_one_contract_in_a_file() {
    let two = format!("{}class Y(gl.Contract):\n    pass\n", contract("", "pass"));
    check(&two, &["E011 7:7"]);
    let child = format!("{}class Y(X):\n    pass\n", contract("", "pass"));
    check(&child, &[]);
    check(&format!("{}class Y:\n    pass\n", contract("", "pass")), &[]);
    let early = "@gl.contract\nclass X:\n    pass\n@gl.contract\nclass Y:\n    pass\n";
    check(&format!("{HEADER}from genlayer import *\n{early}"), &["E011 7:7"]);
}

#[test]
fn e012_to_e022_methods() {
    check_body("@gl.public.write\ndef __init__(self):\n    pass", &["E012 7:9"]);
    check_body("def __init__(self):\n    pass", &[]);
    check_body("@gl.public.view\ndef __x(self) -> int:\n    return 1", &["E013 7:9"]);
    check_body("def __x(self) -> int:\n    return 1", &[]);
    check_body("def __receive__(self):\n    pass", &["E019 6:9"]);
    check_body(
        "@gl.public.view\ndef __on_errored_message__(self) -> None:\n    pass",
        &["E019 7:9"],
    );
    check_body("@gl.public.write.payable\ndef __receive__(self):\n    pass", &[]);
    let undefined = "def __handle_undefined_method__(self, name, args, kwargs):\n    pass";
    check_body(&format!("@gl.public.write\n{undefined}"), &[]);
    check_body(undefined, &["E019 6:9"]);
    check_body("@gl.public.view\ndef v(self):\n    return 1", &["W020 7:9"]);
    check_body("@gl.public.view\ndef v(self) -> int:\n    return 1", &[]);
    check_body("@gl.public.write\ndef w(self):\n    return 1", &[]);
    check_body("@gl.public.write\ndef w(self, *a, **k):\n    pass", &["E021 7:17", "E021 7:21"]);
    check_body("@gl.public.write\ndef w(self, a, *, k):\n    pass", &[]);
    check_body("def w(self, *a, **k):\n    pass", &[]);
    check_body("@gl.public.write\ndef w(amount):\n    pass", &["E022 7:9"]);
    check_body("def w():\n    pass", &["E022 6:9"]);
    check_body("@staticmethod\ndef w(amount):\n    pass", &[]);
    check_body("@classmethod\ndef w(cls):\n    pass", &[]);
    let min_gas = "@gl.public.write.min_gas(leader=1, validator=1)\ndef w(amount):\n    pass";
    check_body(min_gas, &["E022 7:9"]);
    let alias = format!(
        "{HEADER}from genlayer.gl import Contract, public as open_\nclass X(Contract):\n    \
        @open_.view\n    def v(self):\n        pass\n"
    );
    check(&alias, &["W020 5:9"]);
}

#[test]
fn e014_to_e018_storage() {
    for (field, expected) in [
        ("n: int", Some("E015 6:8")),
        ("n: DynArray[int]", Some("E015 6:17")),
        ("n: TreeMap[str, DynArray[int]]", Some("E015 6:30")),
        ("n: TreeMap[int, str]", Some("E015 6:16")),
        ("n: list", Some("E016 6:8")),
        ("n: list[str]", Some("E016 6:8")),
        ("n: dict[str, str]", Some("E016 6:8")),
        ("n: TreeMap[str, dict]", Some("E016 6:21")),
        ("n: Array[u8, Literal[0]]", Some("E017 6:26")),
        ("n: Array[u8, Literal[-1]]", Some("E017 6:26")),
        ("n: Array[u8, Literal['x']]", Some("E017 6:26")),
        ("n: TreeMap[DynArray[str], str]", Some("E018 6:16")),
        ("n: TreeMap[None, str]", Some("E018 6:16")),
        ("n: u256", None),
        ("n: bigint", None),
        ("n: float", None),
        ("n: Array[u8, Literal[32]]", None),
        ("n: TreeMap[Address, TreeMap[u8, bool]]", None),
        ("n: TreeMap[bytes, gl.storage.DynArray[str]]", None),
        ("n = 5", None),
    ] {
        check_body(field, expected.as_slice());
    }
    check_body("def f(self, n: int) -> list:\n    m: int = n\n    return [m]", &[]);
    let typed = contract("from typing import List, Dict as D", "a: List[str]\nb: D[str, str]");
    check(&typed, &["E016 6:8", "E016 7:8"]);
}

#[test]
fn e014_to_e018_structs() {
    let with = |decorators: &str, fields: &str, kind: &str| {
        contract(&format!("{decorators}class S:\n    {fields}"), &format!("s: {kind}"))
    };
    check(&with("@allow_storage\n", "n: u8", "DynArray[S]"), &[]);
    check(&with("@gl.storage.allow\n", "n: u8", "S"), &[]);
    check(&with("@dataclass\n", "n: u8", "DynArray[S]"), &["E014 4:7"]);
    check(&with("", "n: int", "TreeMap[str, S]"), &["E014 3:7"]);
    check(&with("@allow_storage\n", "n: int", "S"), &["E015 5:8"]);
    check(&with("@allow_storage\n", "n: u8", "TreeMap[S, str]"), &["E018 8:16"]);
    let ordered = with("@allow_storage\n@dataclass(order=True)\n", "n: u8", "TreeMap[S, str]");
    check(&ordered, &[]);
    check(&with("", "n: int", "str"), &[]);
}

#[test]
fn the_report_has_the_shape_that_clients_know() {
    let source = contract("import random", "n: int\n@gl.public.view\ndef v(self):\n    pass");
    let report = lint(source.as_bytes());
    assert_eq!(report.count(Severity::Error), 1);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        json["summary"],
        serde_json::json!({ "total": 3, "by_severity": { "error": 1, "warning": 2, "info": 0 } })
    );
    let first = json["results"][1].as_object().unwrap();
    let keys: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(keys, ["rule_id", "severity", "message", "line", "column", "suggestion"]);
    assert_eq!((&first["rule_id"], &first["severity"]), (&"E015".into(), &"error".into()));
    let places: Vec<_> = report.findings.iter().map(|found| (found.line, found.column)).collect();
    assert!(places.is_sorted(), "{places:?}");
}
