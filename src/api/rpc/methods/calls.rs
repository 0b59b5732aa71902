//! Calls that change nothing.

use serde_json::{Value as Json, json};

use super::super::answer::{Answer, RpcError};
use super::super::definition::Kind::{Block, Object};
use super::super::definition::{Args, Caller, Definition, Fields, may, needs};
use super::super::raw;
use super::super::views;
use crate::domain::ledger::{CallEntry, ReadOnlyCall, StateVersion};
use crate::domain::{Address, Amount, Bytes, Execution, ExecutionOutcome, keccak256};

pub(super) const METHODS: &[Definition] = &[
    Definition::new(
        "gen_call",
        "Runs a method and stores nothing: `type` is read, write or deploy.",
        &[needs("params", Object)],
        "the returned calldata as hexadecimal digits without `0x`",
        |caller, args| Box::pin(gen_call(caller, args)),
    ),
    Definition::new(
        "sim_call",
        "Runs a method and stores nothing, and tells all that it did.",
        &[needs("params", Object)],
        "a receipt",
        |caller, args| Box::pin(sim_call(caller, args)),
    ),
    Definition::new(
        "eth_call",
        "Reads from a contract; `data` is GenLayer's calldata.",
        &[needs("transaction", Object).or("params"), may("block", Block).or("block_tag"), may("overrides", Object)],
        "`0x` and the returned calldata",
        |caller, args| Box::pin(eth_call(caller, args)),
    )
    .differs("the sender is who asks, not a validator"),
    Definition::new(
        "sim_estimateTransactionFees",
        "Runs a method, stores nothing, and tells what it would cost: nothing.",
        &[needs("params", Object)],
        "an object with `scenario`, `receipt`, `feeAccounting`, `feeReport` and `recommendedPreset`",
        |caller, args| Box::pin(estimate(caller, args)),
    )
    .differs("fees are never enabled"),
];

/// What is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CallKind {
    Read,
    Write,
    Deploy,
}

/// A call as clients write it.
#[derive(Debug)]
struct Request {
    kind: CallKind,
    to: Option<Address>,
    from: Address,
    origin: Address,
    value: Amount,
    data: Bytes,
    version: StateVersion,
    config: Option<Json>,
}

impl Request {
    fn read(fields: &Fields) -> Result<Self, RpcError> {
        let kind = match fields.text("type")?.as_deref() {
            None | Some("read") => CallKind::Read,
            Some("write") => CallKind::Write,
            Some("deploy") => CallKind::Deploy,
            Some(other) => {
                return Err(RpcError::invalid("params.type", other, "read, write or deploy"));
            }
        };
        let version = match fields.text("transaction_hash_variant")?.as_deref() {
            None | Some("latest-nonfinal") => StateVersion::Accepted,
            Some("latest-final") => StateVersion::Finalized,
            Some(other) => {
                let valid = "latest-nonfinal or latest-final";
                return Err(RpcError::invalid("params.transaction_hash_variant", other, valid));
            }
        };
        let data = match fields.bytes("data")? {
            Some(data) => data,
            None => fields.bytes("input")?.unwrap_or_default(),
        };
        let from = fields.address("from")?.unwrap_or(Address::ZERO);
        Ok(Self {
            kind,
            to: fields.address("to")?,
            from,
            origin: fields.address("origin_address")?.unwrap_or(from),
            value: fields.amount("value")?.unwrap_or(Amount::ZERO),
            data,
            version,
            config: fields.json("sim_config")?,
        })
    }

    /// What is run, and with which calldata: inside an RLP list with a flag, as the clients send it,
    /// or for reads also as it is.
    fn entry(&self) -> Result<(CallEntry, Address, Bytes), RpcError> {
        if self.kind == CallKind::Deploy {
            let raw::DeployData { code, calldata, .. } = raw::deploy(&self.data)?;
            let place = Address::of_deployment(&keccak256(&[b"agora:rehearsal", &self.data]));
            return Ok((CallEntry::Constructor(code), place, calldata));
        }
        let contract = self.contract()?;
        match (raw::call(&self.data), self.kind) {
            (Ok(call), CallKind::Read) => Ok((CallEntry::View, contract, call.calldata)),
            (Ok(call), _) => Ok((CallEntry::Method, contract, call.calldata)),
            (Err(_), CallKind::Read) => {
                let calldata = raw::calldata(Some(self.data.clone()))?;
                Ok((CallEntry::View, contract, calldata))
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    fn contract(&self) -> Result<Address, RpcError> {
        self.to.filter(|to| *to != Address::ZERO).ok_or_else(|| {
            RpcError::new(RpcError::INVALID_PARAMS, "Missing required parameter: params.to")
        })
    }
}

/// A call that was run: what it did, on which calldata, and by which node.
struct Ran {
    execution: Execution,
    calldata: Bytes,
    node: Json,
}

impl Ran {
    fn receipt(&self) -> Json {
        let pages = self.execution.state.0.iter().map(|(key, page)| (*key, page.clone()));
        let state = views::slots(pages.collect());
        views::execution(&self.execution, &self.calldata, &self.node, state)
    }
}

async fn run(caller: &Caller, request: &Request) -> Result<Ran, RpcError> {
    let (entry, contract, calldata) = request.entry()?;
    let context = super::words::context(caller, request.config.clone()).await?;
    let own = context.as_ref().and_then(|context| context.validators.first());
    let node = match own {
        Some(own) => views::node(Address::ZERO, own.stake, own.models.as_ref()),
        None => caller.first_node().await?,
    };
    let call = ReadOnlyCall {
        entry,
        contract,
        calldata: calldata.clone(),
        from: request.from,
        origin: request.origin,
        value: request.value,
        version: request.version,
        context,
    };
    Ok(Ran { execution: caller.api.handles.call(call).await?, calldata, node })
}

/// What was returned, or the refusal that tells why nothing was.
fn returned(ran: &Ran, params: Option<&Json>) -> Result<Bytes, RpcError> {
    let words = match &ran.execution.outcome {
        ExecutionOutcome::Return(bytes) => return Ok(bytes.clone()),
        ExecutionOutcome::UserError(text) => text.clone(),
        ExecutionOutcome::VmError(code) => with_cause(code, &ran.execution.stderr),
    };
    let receipt = ran.receipt();
    let message = format!("execution failed: {words}");
    let data = json!({ "receipt": receipt, "params": params });
    Err(RpcError::new(RpcError::REFUSED, message).with(data))
}

/// The machine's code with the last line of the traceback, which says what it means.
fn with_cause(code: &str, stderr: &str) -> String {
    let last = stderr.lines().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(|| code.to_owned(), |last| format!("{code}: {}", last.trim()))
}

async fn gen_call(caller: Caller, args: Args) -> Answer {
    let request = Request::read(&args.fields("params")?)?;
    let ran = run(&caller, &request).await?;
    let bytes = returned(&ran, args.json("params")?.as_ref())?;
    Ok(json!(alloy_primitives::hex::encode(bytes)))
}

async fn sim_call(caller: Caller, args: Args) -> Answer {
    let request = Request::read(&args.fields("params")?)?;
    let ran = run(&caller, &request).await?;
    Ok(ran.receipt())
}

async fn eth_call(caller: Caller, args: Args) -> Answer {
    let fields = args.fields("transaction")?;
    let request = Request::read(&fields)?;
    if fields.address("from")?.is_none() {
        // Wallets probe a chain like this, with data that is no calldata.
        return Ok(json!(format!("0x{:064x}", 1)));
    }
    let ran = run(&caller, &request).await?;
    Ok(json!(returned(&ran, args.json("transaction")?.as_ref())?))
}

async fn estimate(caller: Caller, args: Args) -> Answer {
    let request = Request::read(&args.fields("params")?)?;
    let ran = run(&caller, &request).await?;
    let receipt = ran.receipt();
    Ok(json!({
        "scenario": { "enabled": false },
        "receipt": receipt,
        "feeAccounting": {
            "paid_fee_value": "0",
            "required_fee_value": "0",
            "primary_fee_budget": "0",
            "primary_fee_spent": "0",
            "message_fee_budget": "0",
            "message_fee_consumed": "0",
            "total_refunded": "0",
            "fees_distribution": null,
        },
        "feeReport": { "totalFees": "0" },
        "recommendedPreset": null,
    }))
}
