//! The schema of every type a public method may name.

use agora::execution::Executor;

use crate::harness::*;

#[tokio::test]
async fn every_type_has_its_schema() {
    let executor = executor();
    for (type_, expected) in [
        ("u256", r#""int""#),
        ("bigint", r#""int""#),
        ("Address", r#""address""#),
        ("None", r#""null""#),
        ("list", r#""array""#),
        ("dict", r#""dict""#),
        ("typing.Literal['a', 'b']", r#""any""#),
        ("typing.Optional[str]", r#"{"$or": ["string", "null"]}"#),
        ("typing.Union[int, str]", r#"{"$or": ["int", "string"]}"#),
        ("u8 | None", r#"{"$or": ["int", "null"]}"#),
        ("typing.List[str]", r#"[{"$rep": "string"}]"#),
        ("typing.Dict[str, bool]", r#"{"$dict": "bool"}"#),
        ("typing.Mapping[str, int]", r#"{"$dict": "int"}"#),
        ("typing.Sequence[Address]", r#"[{"$rep": "address"}]"#),
        ("TreeMap[str, DynArray[u8]]", r#"{"$dict": [{"$rep": "int"}]}"#),
        ("tuple[int, str]", r#"["int", "string"]"#),
        ("tuple[int, ...]", r#"[{"$rep": "int"}]"#),
        ("Point", r#"{"x": "int", "names": [{"$rep": "string"}]}"#),
        ("Odd", r#""dict""#),
        ("Pair", r#""array""#),
        ("bytearray", r#""array""#),
        ("np.uint16", r#""int""#),
        ("np.ndarray[tuple[typing.Literal[2]], np.dtypes.Float32DType]", r#""array""#),
        ("typing.Optional[Pair]", r#"{"$or": ["array", "null"]}"#),
        ("'Point'", r#"{"x": "int", "names": [{"$rep": "string"}]}"#),
    ] {
        let source = format!(
            "from genlayer import *\nimport typing\nimport numpy as np\nfrom dataclasses import dataclass\n\
             @allow_storage\n@dataclass\nclass Point:\n    x: u8\n    names: DynArray[str]\n\
             Odd = typing.TypedDict('Odd', {{'$a': int, 'b': bytes}})\n\
             class Pair(typing.NamedTuple):\n    a: u8\n\
             class C(gl.Contract):\n    def __init__(self): pass\n    @gl.public.write\n    \
             def f(self, a: {type_}, *, k: {type_} = None) -> {type_}: pass\n"
        );
        let schema = executor.schema(request(&source, None, vec![]).code).await.unwrap().unwrap();
        let expected: serde_json::Value = serde_json::from_str(expected).unwrap();
        let method = serde_json::json!({
            "params": [["a", expected]], "kwparams": { "k": expected }, "readonly": false,
            "payable": false, "ret": expected,
        });
        assert_eq!(schema["methods"]["f"], method, "{type_}");
    }
}

/// The schema of the one method `f` of a contract whose methods begin so.
async fn method(head: &str, base: &str, method: &str) -> serde_json::Value {
    let source = format!(
        "{head}\nimport typing\nclass C({base}):\n    def __init__(self): pass\n    {method} pass\n"
    );
    let schema = executor().schema(request(&source, None, vec![]).code).await.unwrap().unwrap();
    schema.pointer("/methods/f").unwrap().clone()
}

#[tokio::test]
async fn the_newest_sdk_tells_the_type_of_literals() {
    for (type_, expected) in [
        ("typing.Literal['a', 'b']", "string"),
        ("typing.Literal[1, 2]", "int"),
        ("typing.Literal[True]", "bool"),
        ("typing.Literal['a', 1]", "any"),
    ] {
        let text = format!("@gl.public.view\n    def f(self, a: {type_}):");
        let schema = method("import genlayer as gl", "gl.contract.Contract", &text).await;
        assert_eq!(schema["params"][0][1], expected, "{type_}");
    }
}

#[tokio::test]
async fn gas_that_is_not_asked_for_is_not_named() {
    let text = "@gl.public.write.min_gas(leader=100)\n    def f(self):";
    let schema = method("from genlayer import *", "gl.Contract", text).await;
    assert_eq!(schema["min_gas_leader"], 100);
    assert_eq!(schema.get("min_gas_validator"), None);
}

#[tokio::test]
async fn keys_of_calldata_are_texts() {
    for type_ in ["dict[int, str]", "TreeMap[Address, u8]", "list[dict[u256, int]]"] {
        let source = format!(
            "from genlayer import *\nclass C(gl.Contract):\n    def __init__(self): pass\n    \
             @gl.public.view\n    def f(self) -> {type_}: pass\n"
        );
        let schema = executor().schema(request(&source, None, vec![]).code).await.unwrap();
        let error = schema.unwrap_err();
        assert!(error.contains("method `f`: the keys of a dict in calldata are `str`"), "{error}");
    }
}
