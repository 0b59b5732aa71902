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
        ("Odd", r#"{"$$a": "int", "b": "bytes"}"#),
        ("'Point'", r#"{"x": "int", "names": [{"$rep": "string"}]}"#),
    ] {
        let source = format!(
            "from genlayer import *\nimport typing\nfrom dataclasses import dataclass\n\
             @allow_storage\n@dataclass\nclass Point:\n    x: u8\n    names: DynArray[str]\n\
             Odd = typing.TypedDict('Odd', {{'$a': int, 'b': bytes}})\n\
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
