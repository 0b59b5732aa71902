//! What the table of methods says to machines and to people.

use serde_json::{Value as Json, json};

use super::definition::{Definition, Gate, Kind, Param};
use super::methods;

/// Every method as an `OpenRPC` document.
pub fn openrpc() -> Json {
    let methods: Vec<Json> = methods::all().map(method).collect();
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Agora JSON-RPC",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What the clients of GenLayer speak: JSON-RPC 2.0 at POST /api.",
            "license": { "name": "MIT OR Apache-2.0" },
        },
        "servers": [{ "name": "this network", "url": super::protocol::PATH }],
        "methods": methods,
    })
}

fn method(definition: &Definition) -> Json {
    let subject = definition.name.split(['_', '.']).next().unwrap_or_default();
    let mut method = json!({
        "name": definition.name,
        "summary": definition.summary,
        "tags": [{ "name": subject }],
        "params": definition.params.iter().map(param).collect::<Vec<_>>(),
        "result": { "name": "result", "description": definition.result, "schema": {} },
        "paramStructure": "either",
    });
    if let Some(method) = method.as_object_mut() {
        if let Some(note) = gate_note(definition.gate) {
            method.insert("description".into(), note.into());
        }
        if !definition.differs.is_empty() {
            method.insert("x-differs-from-studio".into(), definition.differs.into());
        }
    }
    method
}

const fn gate_note(gate: Gate) -> Option<&'static str> {
    match gate {
        Gate::Open => None,
        Gate::Admin => Some("Needs the admin key where access is guarded."),
        Gate::Signed => Some("Needs a signature or the admin key where access is guarded."),
    }
}

fn param(param: &Param) -> Json {
    json!({
        "name": param.name,
        "required": param.required,
        "description": param.kind.words(),
        "schema": schema(param.kind),
    })
}

fn schema(kind: Kind) -> Json {
    match kind {
        Kind::Address => json!({ "type": "string", "pattern": "^0x[0-9a-fA-F]{40}$" }),
        Kind::Hash => json!({ "type": "string", "pattern": "^0x[0-9a-fA-F]{64}$" }),
        Kind::Block | Kind::Integer | Kind::Amount => json!({ "type": ["integer", "string"] }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Bytes => json!({ "type": "string", "pattern": "^0x([0-9a-fA-F]{2})*$" }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Object => json!({ "type": "object" }),
        Kind::List => json!({ "type": "array" }),
        Kind::Any => json!({}),
    }
}

/// Every method as a table in Markdown, as the documentation has it.
pub fn method_table() -> String {
    let mut table = String::from(
        "| Method | Parameters | Result | Access | What differs from Studio |\n|---|---|---|---|---|\n",
    );
    for definition in methods::all() {
        let params: Vec<String> = definition
            .params
            .iter()
            .map(|param| format!("{}{}", param.name, if param.required { "" } else { "?" }))
            .collect();
        let access = match definition.gate {
            Gate::Open => "open",
            Gate::Admin => "admin",
            Gate::Signed => "signed",
        };
        let row =
            [definition.name, &params.join(", "), definition.result, access, definition.differs];
        let [name, rest @ ..] = row;
        table.push_str("| `");
        table.push_str(name);
        table.push_str("` | ");
        table.push_str(&rest.join(" | "));
        table.push_str(" |\n");
    }
    table
}
