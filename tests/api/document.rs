//! The OpenAPI document describes what is there, and its examples work.

use std::collections::BTreeSet;

use agora::api::rest::routes;
use serde_json::{Value as Json, json};

use crate::support::{World, nowhere};

fn document() -> Json {
    serde_json::from_str(&agora::api::openapi::document_json().unwrap()).unwrap()
}

/// Every operation with its method and path.
fn operations(document: &Json) -> Vec<(String, String, &Json)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push((method.to_uppercase(), path.clone(), operation));
        }
    }
    operations
}

fn references(json: &Json, found: &mut BTreeSet<String>) {
    match json {
        Json::Object(entries) => {
            for (key, value) in entries {
                match value.as_str().filter(|_| key == "$ref") {
                    Some(reference) => {
                        found.insert(reference.to_owned());
                    }
                    None => references(value, found),
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[actix_web::test]
async fn the_document_is_served_and_lists_every_route() {
    let world = World::open().await;
    let served = world.get("/openapi.json").await.expect(200);
    assert_eq!(served, document());
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"), "{}", served["openapi"]);
    assert_eq!(served["info"]["version"], env!("CARGO_PKG_VERSION"));
    let described: BTreeSet<_> =
        operations(&served).into_iter().map(|(method, path, _)| (method, path)).collect();
    let routed: BTreeSet<_> =
        routes().map(|(method, path)| (method.to_string(), path.to_owned())).collect();
    assert_eq!(described, routed);
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() >= 20, "{found:?}");
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn every_operation_is_complete() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let place = format!("{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{place}");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{place}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{place}");
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let in_path: Vec<&str> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let named: Vec<&str> =
            path.split(['{', '}']).skip(1).step_by(2).filter(|name| !name.is_empty()).collect();
        assert_eq!(in_path, named, "{place}");
        for parameter in &parameters {
            assert!(parameter["description"].is_string(), "{place} {parameter}");
        }
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{place}");
        let is_static = ["/", "/openapi.json", "/docs"].contains(&path.as_str());
        for (status, response) in
            responses.iter().filter(|(status, _)| status.starts_with(['4', '5']))
        {
            let content = &response["content"]["application/json"];
            assert_eq!(
                content["schema"]["$ref"], "#/components/schemas/ErrorBody",
                "{place} {status}"
            );
            assert!(content["example"]["error"]["code"].is_string(), "{place} {status}");
        }
        assert!(is_static || responses.contains_key("400"), "{place}");
        let has_body = operation["requestBody"].is_object();
        assert_eq!(has_body, responses.contains_key("413"), "{place}");
        assert_eq!(
            operation["security"].is_array(),
            responses.contains_key("401") && path != "/v1/transactions",
            "{place}"
        );
    }
}

/// The schema behind a request body.
fn body_schema<'a>(document: &'a Json, operation: &Json) -> Option<&'a Json> {
    let content = &operation["requestBody"]["content"]["application/json"];
    let reference = content["schema"]["$ref"].as_str()?;
    document.pointer(reference.strip_prefix('#')?)
}

#[actix_web::test]
async fn every_documented_example_is_accepted() {
    let world = World::open().await;
    let document = document();
    let contract = world.deploy().await;
    let transactions = world.get("/v1/transactions").await.json();
    let transaction = transactions["transactions"][0]["hash"].as_str().unwrap().to_owned();
    let mut tried = 0;
    for (method, path, operation) in operations(&document) {
        let Some(schema) = body_schema(&document, operation) else { continue };
        let content = &operation["requestBody"]["content"]["application/json"];
        let example = Some(&content["example"]).filter(|example| !example.is_null());
        let mut example = example.unwrap_or(&schema["example"]).clone();
        assert!(example.is_object(), "{method} {path} has no example");
        if example["type"] == "call" {
            example["to"] = json!(contract);
        }
        let mut real = path
            .replace("{address}", &contract)
            .replace("{hash}", &transaction)
            .replace("{id}", "2");
        if path == "/v1/validators/{address}" {
            let body = json!({ "stake": 1, "address": nowhere() });
            world.post("/v1/validators", &body).await.expect(201);
            real = path.replace("{address}", &nowhere());
        }
        let reply = world.send(&method, &real, &example).await;
        // Whether a decision is open to an appeal is not the example's to know.
        let is_late = reply.status == 409 && path.contains("{hash}");
        assert!(
            reply.status.is_success() || is_late,
            "{method} {path} {example}: {}",
            reply.text()
        );
        tried += 1;
    }
    assert_eq!(tried, 15);
}

/// A field that the document names is known to the reader, and one it does not name is not.
#[actix_web::test]
async fn documented_fields_are_the_fields_that_are_read() {
    let world = World::open().await;
    let document = document();
    let nothing = format!("0x{}", "12".repeat(32));
    for (method, path, operation) in operations(&document) {
        let Some(schema) = body_schema(&document, operation) else { continue };
        let properties = schema["properties"].as_object().unwrap();
        let real =
            path.replace("{address}", &nowhere()).replace("{hash}", &nothing).replace("{id}", "2");
        for name in properties.keys() {
            // Valid for no field: whatever is refused first, it must not be an unknown name.
            let body = if path.starts_with("/v1/transactions") && name != "type" {
                let kind = match name.as_str() {
                    "code" => "deploy",
                    "to" | "method" | "args" | "kwargs" | "calldata" => "call",
                    _ => "transfer",
                };
                json!({ "type": kind, "from": null, "to": nowhere(), name: false })
            } else {
                json!({ name: false })
            };
            let reply = world.send(&method, &real, &body).await;
            let code = reply.refusal().1;
            assert_ne!(code, "unknown_field", "{method} {path}: `{name}` is documented only");
        }
        let strange = json!({ "strange_field": 1 });
        let (status, code, _) = world.send(&method, &real, &strange).await.refusal();
        assert!(status == 400 && (code == "unknown_field" || code == "missing_field"), "{code}");
    }
}
