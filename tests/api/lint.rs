//! Linting source by request.

use serde_json::{Value as Json, json};

use crate::support::World;

const PATH: &str = "/v1/contracts/lint";

#[actix_web::test]
async fn findings_are_an_answer_in_the_shape_clients_know() {
    let world = World::open().await;
    let code = "# { \"Depends\": \"py-genlayer:test\" }\nfrom genlayer import *\nimport random\n\
        class X(gl.Contract):\n    n: int\n";
    let answer = world.post(PATH, &json!({ "code": code })).await.expect(200);
    assert_eq!(
        answer["results"][1],
        json!({
            "rule_id": "E015", "message": "the field `n` cannot store `int`", "severity": "error",
            "line": 5, "column": 8, "filename": "contract.py",
            "suggestion": "use an integer of fixed size such as `u256` or `i64`, or `bigint`",
        })
    );
    assert_eq!(answer["results"][0]["rule_id"], "W001");
    let counts = json!({ "error": 1, "warning": 1, "info": 0 });
    assert_eq!(answer["summary"], json!({ "total": 2, "by_severity": counts }));
    let named = json!({ "code": code, "filename": "dice.py" });
    let named = world.post(PATH, &named).await.expect(200);
    assert_eq!(named["results"][0]["filename"], "dice.py");
    let clean = json!({ "code": "# { \"Depends\": \"py-genlayer:test\" }\n" });
    assert_eq!(world.post(PATH, &clean).await.expect(200)["results"], json!([]));
}

#[actix_web::test]
async fn strange_source_is_answered_and_breaks_nothing() {
    let world = World::open().await;
    for code in ["\0", "class", "\u{feff}x", &"(".repeat(500_000), &"-".repeat(500_000)] {
        let answer = world.post(PATH, &json!({ "code": code })).await.expect(200);
        assert!(answer["summary"]["total"].as_u64().unwrap() > 0, "{answer}");
    }
    world.get("/ready").await.expect(200);
}

#[actix_web::test]
async fn every_field_is_checked() {
    let world = World::open().await;
    let long = "x".repeat(256);
    for (body, status, code, field) in [
        (json!({}), 400, "missing_field", "code"),
        (json!({ "code": "" }), 400, "invalid_field", "code"),
        (json!({ "code": 5 }), 400, "invalid_field", "code"),
        (json!({ "code": ["x"] }), 400, "invalid_field", "code"),
        (json!({ "code": "x", "filename": "" }), 400, "invalid_field", "filename"),
        (json!({ "code": "x", "filename": long }), 400, "invalid_field", "filename"),
        (json!({ "code": "x", "filename": 1 }), 400, "invalid_field", "filename"),
        (json!({ "code": "x", "extra": Json::Null }), 400, "unknown_field", "extra"),
    ] {
        let reply = world.post(PATH, &body).await;
        let expected = (status, code.to_owned(), Some(field.to_owned()));
        assert_eq!(reply.refusal(), expected, "{body}");
    }
    let large = json!({ "code": "x".repeat(3 << 20) });
    assert_eq!(world.post(PATH, &large).await.refusal().0, 413);
    let query = world.post(&format!("{PATH}?a=1"), &json!({ "code": "x" })).await;
    assert_eq!(query.refusal().0, 400);
    assert_eq!(world.get(PATH).await.status.as_u16(), 405);
}
