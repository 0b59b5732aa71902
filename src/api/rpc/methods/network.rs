//! What the network is, and what Ethereum's wallets ask every chain.

use serde_json::json;

use super::super::answer::{Answer, RpcError};
use super::super::definition::Kind::{Any, Block, Bytes, Hash, Integer, List, Object, Text};
use super::super::definition::{Args, Caller, Definition, may, needs};
use super::super::document;
use super::super::raw::consensus_abi;
use super::super::views::quantity;

/// Where clients believe the consensus contract to be (`reference/clients.md` section 1).
const CONSENSUS_MAIN: &str = "0xb7278A61aa25c888815aFC32Ad3cC52fF24fE575";
/// Where they believe its data contract to be.
const CONSENSUS_DATA: &str = "0x88B0F18613Db92Bf970FfE264E02496e20a74D16";
/// Gas that every transaction is estimated to need; the network charges none.
const GAS_ESTIMATE: u64 = 500_000;
/// Blocks that one fee history covers, at most.
const FEE_HISTORY_MAX: u64 = 1_024;

pub(super) const METHODS: &[Definition] = &[
    Definition::new("ping", "Answers, so that clients see that somebody is there.", &[], "`\"OK\"`", |_, _| {
        Box::pin(async { Ok(json!("OK")) })
    }),
    Definition::new("rpc.discover", "Describes every method as an OpenRPC document.", &[], "the document", |_, _| {
        Box::pin(async { Ok(document::openrpc()) })
    })
    .differs("absent there"),
    Definition::new("web3_clientVersion", "Names the program and its version.", &[], "text", |_, _| {
        Box::pin(async { Ok(json!(format!("agora/v{}", env!("CARGO_PKG_VERSION")))) })
    })
    .differs("absent there"),
    Definition::new("web3_sha3", "Computes Keccak-256.", &[needs("data", Bytes)], "a hash", |_, args| {
        Box::pin(async move { sha3(&args) })
    })
    .differs("absent there"),
    Definition::new("eth_chainId", "The chain id of the network.", &[], "a quantity", |caller, _| {
        Box::pin(async move { Ok(quantity(caller.api.handles.settings().chain_id)) })
    }),
    Definition::new("net_version", "The chain id of the network, as text.", &[], "decimal text", |caller, _| {
        Box::pin(async move { Ok(json!(caller.api.handles.settings().chain_id.to_string())) })
    }),
    Definition::new("net_listening", "Says that the network takes requests.", &[], "true", |_, _| {
        Box::pin(async { Ok(json!(true)) })
    })
    .differs("absent there"),
    Definition::new("eth_syncing", "Says that nothing is being caught up.", &[], "false", |_, _| {
        Box::pin(async { Ok(json!(false)) })
    }),
    Definition::new("eth_protocolVersion", "The version of Ethereum's protocol that is imitated.", &[], "a quantity", |_, _| {
        Box::pin(async { Ok(json!("0x41")) })
    })
    .differs("absent there"),
    Definition::new("eth_accounts", "Accounts whose keys the network holds: none.", &[], "an empty array", |_, _| {
        Box::pin(async { Ok(json!([])) })
    })
    .differs("absent there"),
    Definition::new("eth_gasPrice", "The price of gas: nothing.", &[], "`0x0`", |_, _| {
        Box::pin(async { Ok(json!("0x0")) })
    }),
    Definition::new("eth_maxPriorityFeePerGas", "The tip per gas: nothing.", &[], "`0x0`", |_, _| {
        Box::pin(async { Ok(json!("0x0")) })
    }),
    Definition::new("eth_blobBaseFee", "The price of blob gas: nothing.", &[], "`0x0`", |_, _| {
        Box::pin(async { Ok(json!("0x0")) })
    })
    .differs("absent there"),
    Definition::new(
        "eth_estimateGas",
        "The gas that a transaction is to be signed with; none of it is charged.",
        &[may("transaction", Object), may("block", Block)],
        "a quantity",
        |_, _| Box::pin(async { Ok(quantity(GAS_ESTIMATE)) }),
    ),
    Definition::new(
        "eth_feeHistory",
        "Fees of past blocks: all of them zero.",
        &[needs("block_count", Integer), may("newest_block", Block), may("percentiles", List).or("reward_percentiles")],
        "an object with `oldestBlock`, `baseFeePerGas`, `gasUsedRatio` and `reward`",
        |caller, args| Box::pin(fee_history(caller, args)),
    ),
    Definition::new(
        "sim_getConsensusContract",
        "The address and the ABI of the consensus contract that transactions are addressed to. Any address is accepted: what counts is the function that is called.",
        &[may("contract_name", Text)],
        "an object with `address`, `abi` and `bytecode`",
        |_, args| Box::pin(async move { consensus_contract(&args) }),
    )
    .differs("the address of GenLayer's networks instead of zero"),
    Definition::new(
        "sim_getFeeConfig",
        "How transactions pay for their execution: they do not.",
        &[],
        "an object with `enabled: false`",
        |_, _| Box::pin(async { Ok(fee_config()) }),
    )
    .differs("fees are never enabled"),
    Definition::new(
        "gen_estimateLatestAppealCharge",
        "What an appeal of a transaction costs: nothing.",
        &[needs("request", Any).or("params")],
        "an object with `decisionId`, `bond`, `funding` and `appealDeadline`",
        |caller, args| Box::pin(appeal_charge(caller, args)),
    )
    .differs("absent there"),
    Definition::new(
        "eth_fillTransaction",
        "Fills in what a wallet needs to sign a transaction.",
        &[needs("transaction", Object)],
        "an object with `raw` and `tx`",
        |caller, args| Box::pin(fill(caller, args)),
    )
    .differs("absent there"),
    Definition::new(
        "dev_getPoolStatus",
        "What runs at the same time, and how much of it may.",
        &[],
        "an object by name",
        |caller, _| Box::pin(async move { Ok(pool_status(&caller)) }),
    ),
    Definition::new(
        "eth_getProof",
        "Refused: the state of the network is not kept in Ethereum's trie.",
        &[may("address", Hash), may("slots", List), may("block", Block)],
        "nothing",
        |_, _| {
            Box::pin(async {
                let message = "the network keeps its state in no trie, so there is no proof of it";
                Err(RpcError::new(RpcError::REFUSED, message))
            })
        },
    )
    .differs("absent there"),
];

fn sha3(args: &Args) -> Answer {
    let data = args.required("data", args.bytes("data")?)?;
    Ok(json!(crate::domain::keccak256(&[&data])))
}

async fn fee_history(caller: Caller, args: Args) -> Answer {
    let count = args.required("block_count", args.integer("block_count")?)?;
    let head = caller.head().await?;
    let newest = super::blocks::number_of(&args, "newest_block", head)?.min(head);
    let count = count.clamp(1, FEE_HISTORY_MAX).min(newest.saturating_add(1));
    let percentiles = args.list("percentiles")?.unwrap_or_default().len().min(100);
    let blocks = usize::try_from(count).unwrap_or(1);
    let reward = vec![vec!["0x0"; percentiles]; blocks];
    Ok(json!({
        "oldestBlock": quantity(newest.saturating_add(1).saturating_sub(count)),
        "baseFeePerGas": vec!["0x0"; blocks + 1],
        "gasUsedRatio": vec![0; blocks],
        "reward": reward,
    }))
}

fn consensus_contract(args: &Args) -> Answer {
    let name = args.text("contract_name")?.unwrap_or_else(|| "ConsensusMain".to_owned());
    let address = match name.as_str() {
        "ConsensusMain" => CONSENSUS_MAIN,
        "ConsensusData" => CONSENSUS_DATA,
        _ => {
            return Err(RpcError::invalid(
                "contract_name",
                &name,
                "ConsensusMain or ConsensusData",
            ));
        }
    };
    Ok(json!({ "address": address, "abi": consensus_abi(), "bytecode": "0x" }))
}

fn fee_config() -> serde_json::Value {
    json!({
        "enabled": false,
        "policy": {
            "genPerTimeUnit": "0", "storageUnitPrice": "0", "receiptGasPrice": "0",
            "maxMessagesPerTx": "0", "messageFeeParamsBudgetFloor": "0",
        },
        "capabilities": {
            "messageFees": {
                "mode1": { "accounting": false, "genvmExecution": false },
                "mode2": { "accounting": false, "genvmExecution": false },
                "externalFinalization": { "accounting": false, "genvmExecution": false },
            },
        },
        "defaultFees": {
            "distribution": {
                "leaderTimeunitsAllocation": "0", "validatorTimeunitsAllocation": "0",
                "appealRounds": "0", "executionBudgetPerRound": "0", "executionConsumed": "0",
                "totalMessageFees": "0", "rotations": ["0"], "maxPriceGenPerTimeUnit": "0",
                "storageFeeMaxGasPrice": "0", "receiptFeeMaxGasPrice": "0",
            },
            "feeValue": "0",
        },
    })
}

async fn appeal_charge(caller: Caller, args: Args) -> Answer {
    let fields = args.fields("request")?;
    let hash = fields.text("txId")?.unwrap_or_default();
    let hash = hash.parse().map_err(|error: crate::domain::ParseHashError| {
        RpcError::invalid("request.txId", &hash, &error.to_string())
    })?;
    let record = caller.transaction(hash).await?;
    let deadline = record.final_from.map_or(0, super::super::views::seconds);
    // A number that is another one after every decision: clients compute with it.
    let decision = record.decided_at.map_or(0, crate::domain::Timestamp::as_millis);
    Ok(json!({ "decisionId": decision, "bond": "0", "funding": "0", "appealDeadline": deadline }))
}

async fn fill(caller: Caller, args: Args) -> Answer {
    let fields = args.fields("transaction")?;
    let mut transaction = args.object("transaction")?.unwrap_or_default();
    let nonce = match fields.address("from")? {
        Some(from) => caller.api.handles.account(from).await?.nonce,
        None => 0,
    };
    let chain_id = caller.api.handles.settings().chain_id;
    for (name, value) in [
        ("type", json!("0x2")),
        ("nonce", quantity(nonce)),
        ("gas", quantity(GAS_ESTIMATE)),
        ("maxFeePerGas", json!("0x0")),
        ("maxPriorityFeePerGas", json!("0x0")),
        ("value", json!("0x0")),
        ("input", transaction.get("data").cloned().unwrap_or_else(|| json!("0x"))),
        ("chainId", quantity(chain_id)),
        ("accessList", json!([])),
    ] {
        transaction.entry(name).or_insert(value);
    }
    Ok(json!({ "raw": "0x", "tx": transaction }))
}

fn pool_status(caller: &Caller) -> serde_json::Value {
    let permits = caller.api.handles.permits().into_iter();
    let permits = permits.map(|report| {
        (report.name.to_owned(), json!({ "in_use": report.in_use, "limit": report.limit }))
    });
    serde_json::Value::Object(permits.collect())
}
