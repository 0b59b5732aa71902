//! Files that are no contract, each refused in words its author can act on.

use agora::execution::Executor;

use crate::harness::*;

const HEAD: &str = "from genlayer import *\nimport typing\nfrom dataclasses import dataclass\n";
const INIT: &str = "    def __init__(self): pass\n";

/// A contract with this field.
fn field(type_: &str) -> String {
    format!("{HEAD}class C(gl.Contract):\n    x: {type_}\n{INIT}")
}

/// A contract with this line in its class.
fn member(text: &str) -> String {
    format!("{HEAD}class C(gl.Contract):\n{INIT}{text}\n")
}

#[tokio::test]
async fn wrong_files_are_refused_in_words() {
    let executor = executor();
    let plain_struct = format!("{HEAD}@dataclass\nclass S:\n    a: u8\n");
    for (source, words) in [
        (
            "# { \"Depends\": py-genlayer:test }\nx = 1".to_owned(),
            "the header of the file is not JSON",
        ),
        ("# { \"Depends\": 1 }\nx = 1".to_owned(), "the header of the file names no runner"),
        (format!("{HEAD}class C(gl.Contract):\n    x: u8\n"), "has no `__init__`"),
        (field("int"), "use `u256`, another sized integer or `bigint`"),
        (field("list[str]"), "use `DynArray[…]`"),
        (field("dict[str, str]"), "use `TreeMap[…, …]`"),
        (field("set"), "use `TreeMap[…, bool]`"),
        (field("TreeMap[tuple[str, u8], str]"), "use an `@allow_storage` dataclass"),
        (field("VecDB[u8, u8, u8]"), "u8 is no type of elements here: there are float32"),
        (field("VecDB[u8, u8]"), "write `VecDB[np.float32, typing.Literal[n], V]`"),
        ("import onnx\n".into(), "No module named 'onnx': models cannot be loaded on this network"),
        (field("tuple[u8, u8]"), "use an `@allow_storage` dataclass"),
        (field("typing.Any"), "cannot be stored"),
        (field("gl.storage.Pickled[list]"), "`Pickled` is not on this network: keep `json.dumps"),
        (field("Array[u8, typing.Literal[0]]"), "with n > 0"),
        (field("TreeMap[DynArray[u8], str]"), "cannot be a key of a TreeMap"),
        (field("TreeMap[str]"), "write `TreeMap[K, V]`"),
        (
            format!("{plain_struct}class C(gl.Contract):\n    x: TreeMap[str, S]\n{INIT}"),
            "annotate it with `@allow_storage`",
        ),
        (
            format!("{HEAD}class A(gl.Contract):\n{INIT}class B(gl.Contract):\n{INIT}"),
            "only one contract is allowed in a file; first: `A`, second: `B`",
        ),
        (
            format!("{HEAD}class A(gl.Contract):\n{INIT}class B(A):\n{INIT}"),
            "only one contract is allowed in a file; first: `A`, second: `B`",
        ),
        (
            format!("{HEAD}class C(gl.Contract):\n    @gl.public.write\n{INIT}"),
            "`__init__` of `C` must not be public",
        ),
        (
            member("    @gl.public.view\n    def __secret__(self): pass"),
            "`__secret__`: names of public methods cannot start with `__`",
        ),
        (
            member("    @gl.public.view\n    def f(self, x: float): pass"),
            "method `f`: `float` has no encoding",
        ),
        (
            member("    @gl.public.view\n    def f(self, *a): pass"),
            "`*a` cannot be in a public method",
        ),
        (member("    @gl.public.read\n    def f(self): pass"), "has no attribute 'read'"),
        (
            format!("{HEAD}class E(gl.Event):\n    def __init__(self, a): ...\n"),
            "put `/` after the indexed fields",
        ),
        (
            format!(
                "{HEAD}T = typing.TypeVar('T')\n@allow_storage\n@dataclass\nclass G(typing.Generic[T]):\n    a: T\nclass C(gl.Contract):\n    x: G[u8, u8]\n{INIT}"
            ),
            "Too many arguments",
        ),
    ] {
        let code = request(&source, None, vec![]).code;
        let error = executor.schema(code).await.unwrap().unwrap_err();
        assert!(error.contains(words), "{source}\n{error}");
    }
}

#[tokio::test]
async fn names_in_annotations_must_exist() {
    let executor = executor();
    for (source, words) in [
        (member("    def d(self, x: Undefined): pass"), "name 'Undefined' is not defined"),
        (
            member("    @gl.public.view\n    def d(self) -> Undefined: pass"),
            "name 'Undefined' is not defined",
        ),
        (member("    def d(self, x: gl.Nothing): pass"), "has no attribute 'Nothing'"),
    ] {
        let code = request(&source, None, vec![]).code;
        let error = executor.schema(code).await.unwrap().unwrap_err();
        assert!(error.contains(words), "{source}\n{error}");
    }
}

#[tokio::test]
async fn vectors_of_no_type_or_size_are_refused_in_words() {
    let executor = executor();
    for (type_, words) in [
        ("np.ndarray", "write `np.ndarray[tuple[typing.Literal[n]], np.dtype[np.float32]]`"),
        ("np.ndarray[tuple[typing.Literal[0]], np.dtype[np.float32]]", "with n > 0"),
        ("np.ndarray[tuple[int], np.dtype[np.float32]]", "with n > 0"),
        ("np.ndarray[tuple[typing.Literal[2]], str]", "is no type of elements here"),
        ("np.generic", "`generic` cannot be stored"),
        ("gle.VecDB[np.float32, typing.Literal['a'], str]", "with n > 0"),
        ("gle.VecDB[np.float32, typing.Literal[2], int]", "plain `int` has no size"),
        ("gle.VecDB[np.float32, typing.Literal[2], str, str.join]", "cannot be stored"),
        ("gle.VecDB[np.float32, typing.Literal[2], str, gle.Nearness]", "no attribute 'Nearness'"),
    ] {
        let source = format!(
            "from genlayer import *\nimport typing\nimport numpy as np\n\
             import genlayer_embeddings as gle\nclass C(gl.Contract):\n    x: {type_}\n{INIT}"
        );
        let code = request(&source, None, vec![]).code;
        let error = executor.schema(code).await.unwrap().unwrap_err();
        assert!(error.contains(words), "{type_}\n{error}");
    }
}
