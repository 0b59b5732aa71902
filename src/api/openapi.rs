//! The OpenAPI 3.1 document, from the code.

use serde_json::json;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{PathItem, Ref, RefOr};
use utoipa::{Modify, OpenApi};

use super::error::{ErrorBody, ErrorDetail};
use super::rest::{
    accounts, appeals, clock, contracts, events, health, lint, models, network, providers,
    snapshots, submission, transactions, validators,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Agora",
        description = "A local GenLayer network.\n\nAmounts are decimal strings. Instants are \
            milliseconds since the Unix epoch on the network's clock. Every refusal is \
            `{\"error\": {code, message, field, valid, details}}`; `code` is stable."
    ),
    paths(
        health::landing, health::openapi, health::docs, health::health, health::ready,
        health::metrics, submission::hash, submission::submit, transactions::list,
        transactions::get, appeals::appeal, appeals::cancel, events::of_transaction, events::of_network, contracts::list, lint::lint,
        contracts::get, contracts::code, contracts::schema, contracts::state, contracts::read,
        accounts::get, accounts::faucet, validators::list, validators::create, validators::random,
        validators::get, validators::change, validators::delete,
        providers::list, providers::add, providers::update, providers::delete, providers::reset,
        network::get,
        network::change_finality_window, clock::get, clock::set, clock::advance, clock::freeze,
        clock::release, snapshots::list, snapshots::create, snapshots::delete_all,
        snapshots::import, snapshots::delete, snapshots::restore, snapshots::export
    ),
    components(schemas(
        ErrorBody, ErrorDetail, models::ContextBody, models::ContextValidatorBody, models::ModelView
    )),
    tags(
        (name = "transactions", description = "Submit and read transactions"),
        (name = "events", description = "Follow what happens, live"),
        (name = "contracts", description = "Code, schema, state and read-only calls"),
        (name = "accounts", description = "Money and nonces"),
        (name = "validators", description = "Who judges, and which models their nodes ask"),
        (name = "providers", description = "The models that are known by name"),
        (name = "clock", description = "The network's time, for tests of windows and deadlines"),
        (name = "snapshots", description = "The whole network, to go back to and to carry along"),
        (name = "network", description = "The network as a whole"),
        (name = "service", description = "The process")
    ),
    modifiers(&AdminKey, &Errors)
)]
struct Document;

/// The document as JSON.
pub fn document_json() -> Result<String, serde_json::Error> {
    Document::openapi().to_json()
}

struct AdminKey;

impl Modify for AdminKey {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("The admin key; needed where access is guarded"))
            .build();
        if let Some(components) = &mut openapi.components {
            components.add_security_scheme("admin_key", SecurityScheme::Http(scheme));
        }
    }
}

/// Adds to every operation the refusals it shares with its like, and a name of its own.
struct Errors;

impl Modify for Errors {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut openapi.paths.paths {
            for operation in operations(item) {
                let tag = operation.tags.iter().flatten().next();
                let names = tag.zip(operation.operation_id.as_ref());
                operation.operation_id = names.map(|(tag, name)| format!("{tag}_{name}"));
                add_errors(path, operation);
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.delete].into_iter().flatten()
}

fn add_errors(path: &str, operation: &mut Operation) {
    let is_static = matches!(path, "/" | "/openapi.json" | "/docs");
    if is_static {
        return;
    }
    let has_body = operation.request_body.is_some();
    let is_submission = path == "/v1/transactions" && has_body;
    let mut add = |status: &str, code: &str, message: &str, field: Option<&str>| {
        let response = refusal(code, message, field);
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert(RefOr::T(response));
    };
    add("400", "invalid_field", "`x` is not valid for `limit`", Some("limit"));
    add("500", "internal_error", "the database failed while reading a transaction", None);
    add("503", "store_busy", "the store is busy (16384 of 16384 requests)", None);
    if !matches!(path, "/health" | "/ready" | "/metrics") {
        add("429", "rate_limited", "more than 100 requests in a second", None);
    }
    let noun = noun(path).or(is_submission.then_some(CONTRACT_NOT_FOUND));
    if let Some((code, message)) = noun {
        add("404", code, message, None);
    }
    if path.ends_with("/appeal") {
        let message = "transaction `0x…` cannot be appealed: it is FINALIZED";
        add("409", "appeal_refused", message, None);
    }
    if path.ends_with("/cancel") {
        let message = "transaction `0x…` is ACCEPTED and cannot be withdrawn";
        add("409", "not_pending", message, None);
    }
    if is_submission {
        let message = "nonce 3 of `0x…` cannot be used: the next one is 5";
        add("409", "nonce_conflict", message, Some("nonce"));
        add("422", "insufficient_funds", "`0x…` has 1 and cannot pay 2", Some("value"));
    }
    if path.starts_with("/v1/clock") && has_body {
        let message = "the clock shows `9` and cannot show `5`: it never goes back, and ends at …";
        add("409", "clock_conflict", message, Some("now"));
    }
    if path.starts_with("/v1/validators") && has_body {
        add("409", "validator_exists", "there is a validator `0x…` already", Some("address"));
        add("422", "too_many_validators", "there are 10000 validators already", None);
    }
    if path.starts_with("/v1/providers") && has_body {
        let message = "there is a provider `openai/gpt-4o` already";
        add("409", "provider_exists", message, Some("model"));
    }
    if path.ends_with("/faucet") {
        let message = "idempotency key `a` was used for a different transaction";
        add("409", "idempotency_key_reused", message, Some("Idempotency-Key"));
    }
    if path.starts_with("/v1/snapshots") && (has_body || path.ends_with("/restore")) {
        let message = "the snapshot cannot be used: it is truncated";
        add("422", "snapshot_refused", message, None);
    }
    if path.ends_with("/read") || path.ends_with("/schema") {
        add("422", "contract_error", "there is no such key", None);
    }
    let needs_admin = operation.security.is_some();
    add_access_errors(operation, needs_admin, is_submission);
    if has_body {
        add_body_errors(operation);
    }
}

const CONTRACT_NOT_FOUND: (&str, &str) = ("contract_not_found", "there is no contract `0x…`");

/// Code and message for what a path names and what may not be there.
fn noun(path: &str) -> Option<(&'static str, &'static str)> {
    let known = [
        ("/transactions/{", ("transaction_not_found", "there is no transaction `0x…`")),
        ("/contracts/{", CONTRACT_NOT_FOUND),
        ("/validators/{", ("validator_not_found", "there is no validator `0x…`")),
        ("/providers/{", ("provider_not_found", "there is no provider `99`")),
        ("/snapshots/{", ("snapshot_not_found", "there is no snapshot `7`")),
    ];
    known.into_iter().find(|(part, _)| path.contains(part)).map(|(_, noun)| noun)
}

fn add_access_errors(operation: &mut Operation, needs_admin: bool, is_signed: bool) {
    let responses = &mut operation.responses.responses;
    let mut add = |status: &str, code: &str, message: &str, field: &str| {
        responses.insert(status.to_owned(), RefOr::T(refusal(code, message, Some(field))));
    };
    if needs_admin {
        add("401", "admin_key_required", "this route needs the admin key", "Authorization");
        add("403", "admin_key_wrong", "the admin key is wrong", "Authorization");
    }
    if is_signed {
        let message = "this network accepts signed transactions only";
        add("401", "signature_required", message, "signature");
        let message = "the signature over `0x…` is by `0x…` and not by `from`";
        add("403", "signature_mismatch", message, "signature");
    }
}

fn add_body_errors(operation: &mut Operation) {
    let responses = &mut operation.responses.responses;
    for (status, code, message) in [
        ("408", "request_timeout", "the body did not arrive in time"),
        ("413", "body_too_large", "the body is larger than 2097152 bytes"),
        ("415", "unsupported_media_type", "the body cannot be read as `text/plain`"),
    ] {
        responses.insert(status.to_owned(), RefOr::T(refusal(code, message, None)));
    }
}

fn refusal(code: &str, message: &str, field: Option<&str>) -> Response {
    let example = json!({ "error": {
        "code": code, "message": message, "field": field, "valid": null, "details": null
    }});
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ErrorBody")))
        .example(Some(example))
        .build();
    ResponseBuilder::new()
        .description(format!("For example `{code}`"))
        .content("application/json", content)
        .build()
}
