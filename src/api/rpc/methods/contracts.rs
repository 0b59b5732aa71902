//! Contracts: code, schema, mistakes.

use serde_json::{Value as Json, json};

use super::super::answer::{Answer, RpcError};
use super::super::definition::Kind::{Address, Text};
use super::super::definition::{Args, Caller, Definition, may, needs};
use super::super::views;
use crate::domain::{self, Code};

pub(super) const METHODS: &[Definition] = &[
    Definition::new(
        "gen_getContractSchema",
        "The constructor and the public methods of a contract.",
        &[needs("contract_address", Address)],
        "an object with `ctor` and `methods`",
        |caller, args| Box::pin(schema(caller, args)),
    ),
    Definition::new(
        "gen_getContractSchemaForCode",
        "The constructor and the public methods of code that is not deployed: `0x` and hexadecimal digits, or source.",
        &[needs("contract_code", Text).or("contract_code_hex")],
        "an object with `ctor` and `methods`",
        |caller, args| Box::pin(schema_of_code(caller, args)),
    ),
    Definition::new(
        "gen_getContractCode",
        "The code of a contract.",
        &[needs("contract_address", Address)],
        "base64",
        |caller, args| Box::pin(code(caller, args)),
    ),
    Definition::new(
        "gen_getContractNonce",
        "How many transactions a contract has received.",
        &[needs("contract_address", Address)],
        "an integer",
        |caller, args| Box::pin(nonce(caller, args)),
    ),
    Definition::new(
        "sim_lintContract",
        "Looks for mistakes in source that is not deployed.",
        &[needs("source_code", Text), may("filename", Text)],
        "an object with `results` and `summary`",
        |caller, args| Box::pin(lint(caller, args)),
    ),
];

async fn contract(
    caller: &Caller,
    args: &Args,
) -> Result<domain::ledger::ContractRecord, RpcError> {
    let address = args.required("contract_address", args.address("contract_address")?)?;
    let record = caller.api.handles.contract(address).await?;
    record.ok_or_else(|| RpcError::not_found("contract", &address))
}

async fn schema(caller: Caller, args: Args) -> Answer {
    let address = contract(&caller, &args).await?.address;
    Ok(caller.api.handles.schema(address).await?)
}

/// Source as hexadecimal digits after `0x`, as clients send it, or as it is.
pub(super) fn source(text: &str) -> domain::Bytes {
    let digits =
        text.strip_prefix("0x").and_then(|digits| alloy_primitives::hex::decode(digits).ok());
    digits.unwrap_or_else(|| text.as_bytes().to_vec()).into()
}

async fn schema_of_code(caller: Caller, args: Args) -> Answer {
    let text = args.required("contract_code", args.text("contract_code")?)?;
    let code = Code::new(source(&text));
    Ok(caller.api.handles.schema_of_code(code).await?)
}

async fn code(caller: Caller, args: Args) -> Answer {
    Ok(json!(views::base64(&contract(&caller, &args).await?.code.source)))
}

/// How many transactions were sent to a contract, its deploy included.
pub(super) async fn nonce_of(caller: &Caller, contract: domain::Address) -> Result<u64, RpcError> {
    Ok(caller.api.handles.received(contract).await?)
}

async fn nonce(caller: Caller, args: Args) -> Answer {
    let address = args.required("contract_address", args.address("contract_address")?)?;
    Ok(json!(nonce_of(&caller, address).await?))
}

async fn lint(caller: Caller, args: Args) -> Answer {
    let text = args.required("source_code", args.text("source_code")?)?;
    let filename = args.text("filename")?.unwrap_or_else(|| "contract.py".to_owned());
    let report = caller.api.handles.lint(Code::new(text.into_bytes().into())).await?;
    Ok::<Json, RpcError>(crate::api::rest::lint::report_json(report, &filename))
}
