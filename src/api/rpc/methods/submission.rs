//! Signed transactions, and what else changes them.

use serde_json::{Value as Json, json};

use super::super::answer::{Answer, RpcError};
use super::super::definition::Kind::{Address, Any, Bytes, Hash, Text};
use super::super::definition::{Args, Caller, Definition, may, needs};
use super::super::raw::{self, Intent, RawError};
use crate::domain::ledger::NewTransaction;
use crate::domain::{self, Amount, EnvelopeRecord, Payload, Signature, Status, TxHash, keccak256};

pub(super) const METHODS: &[Definition] = &[
    Definition::new(
        "eth_sendRawTransaction",
        "Takes a signed transaction: legacy, EIP-2930 or EIP-1559, made for any chain id and with any nonce. The same bytes again have no second effect.",
        &[needs("transaction", Bytes).or("signed_rollup_transaction"), may("sim_config", Any)],
        "the hash of the transaction; for an appeal, of the appealed one",
        |caller, args| Box::pin(send(caller, args)),
    )
    .differs("unknown functions are refused instead of becoming transfers, and the sender must be the signer"),
    Definition::new(
        "sim_cancelTransaction",
        "Withdraws a transaction that waits for its first round. Its sender signs keccak256(\"cancel_transaction\" ‖ hash) with EIP-191.",
        &[needs("transaction_hash", Hash), may("signature", Text), may("admin_key", Text)],
        "an object with `transaction_hash` and `status`",
        |caller, args| Box::pin(cancel(caller, args)),
    )
    .signed(),
    Definition::new(
        "sim_upgradeContractCode",
        "Replaces a contract's code; its state stays. Its deployer signs keccak256(address ‖ contract nonce as 32 bytes ‖ keccak256(code)) with EIP-191.",
        &[
            needs("contract_address", Address),
            needs("new_code", Text),
            may("signature", Text),
            may("admin_key", Text),
        ],
        "an object with `transaction_hash` and `message`",
        |caller, args| Box::pin(upgrade(caller, args)),
    )
    .signed(),
];

impl From<RawError> for RpcError {
    fn from(error: RawError) -> Self {
        Self::new(Self::INVALID_PARAMS, error.to_string())
    }
}

async fn send(caller: Caller, args: Args) -> Answer {
    let bytes = args.required("transaction", args.bytes("transaction")?)?;
    let sent = raw::decode(&bytes)?;
    let intent = raw::intent(&sent, caller.api.handles.settings().chain_id)?;
    let (hash, signer) = (sent.envelope.hash, sent.signer);
    let about = |subject| EnvelopeRecord { envelope: sent.envelope.clone(), subject, signer };
    match intent {
        Intent::Submit(transaction) => {
            submit(
                &caller,
                *transaction,
                super::words::context(&caller, args.json("sim_config")?).await?,
            )
            .await?;
            Ok(json!(hash))
        }
        Intent::Appeal(subject) => {
            let _permit = caller.api.limits.submission()?;
            caller.api.handles.open_signed_appeal(about(subject)).await?;
            Ok(json!(subject))
        }
        Intent::Cancel(subject) => {
            let record = caller.transaction(subject).await?;
            if record.transaction.from != Some(signer) {
                let message = format!("only the sender of {subject} may withdraw it, not {signer}");
                return Err(RpcError::new(RpcError::REFUSED, message));
            }
            let _permit = caller.api.limits.submission()?;
            caller.api.handles.cancel(subject).await?;
            Ok(json!(subject))
        }
        Intent::Finalize(subject) => finalize(&caller, subject).await,
        Intent::TopUp(subject) => {
            // Nothing is charged, so there is nothing to top up, and nothing is taken.
            caller.transaction(subject).await?;
            Ok(json!(subject))
        }
    }
}

async fn submit(
    caller: &Caller,
    mut transaction: NewTransaction,
    context: Option<std::sync::Arc<domain::RunContext>>,
) -> Result<(), RpcError> {
    transaction.context = context;
    if matches!(transaction.payload, Payload::Transfer) {
        caller.transfer(transaction).await?;
    } else {
        let _permit = caller.api.limits.submission()?;
        caller.api.handles.submit(transaction).await?;
    }
    Ok(())
}

/// Decisions become final by themselves; a client that asks learns whether they have.
async fn finalize(caller: &Caller, subject: TxHash) -> Answer {
    let record = caller.transaction(subject).await?;
    let is_due = record.final_from.is_some_and(|due| due <= caller.api.handles.now());
    if record.status == Status::Finalized || is_due {
        return Ok(json!(subject));
    }
    let message = match record.final_from {
        Some(due) => format!(
            "{subject} is {} and can be appealed for another {} ms",
            record.status,
            due.since(caller.api.handles.now()).as_millis()
        ),
        None => format!("{subject} is {} and not decided yet", record.status),
    };
    Err(RpcError::new(RpcError::REFUSED, message))
}

/// Refuses unless `expected` signed `digest`, or whoever asks is the administrator: where access
/// is open everybody is, and a signature is not even read.
fn check_signer(
    caller: &Caller,
    args: &Args,
    digest: &domain::Digest,
    expected: Option<domain::Address>,
) -> Result<(), RpcError> {
    // As with Studio, where nobody must prove anything, nothing that is given is looked at.
    if caller.is_admin {
        return Ok(());
    }
    let Some(text) = args.text("signature")? else {
        let message = format!("Forbidden: a signature of {digest} is needed, or the admin key");
        return Err(RpcError::new(RpcError::REFUSED, message));
    };
    let invalid = |_| RpcError::invalid("signature", &text, "65 bytes in hexadecimal digits");
    let prefixed = if text.starts_with("0x") { text.clone() } else { format!("0x{text}") };
    let signature: Signature = prefixed.parse().map_err(invalid)?;
    let signer = signature.signer_of(digest).map_err(invalid)?;
    if Some(signer) == expected {
        return Ok(());
    }
    let expected = expected.map_or_else(|| "nobody".to_owned(), |address| address.to_string());
    let message = format!(
        "Forbidden: the signature is by {signer}, or over something else; expected {expected}"
    );
    Err(RpcError::new(RpcError::REFUSED, message))
}

async fn cancel(caller: Caller, args: Args) -> Answer {
    let hash = args.required("transaction_hash", args.hash("transaction_hash")?)?;
    let record = caller.transaction(hash).await?;
    let digest = keccak256(&[b"cancel_transaction", hash.as_bytes()]);
    check_signer(&caller, &args, &digest, record.transaction.from)?;
    caller.api.handles.cancel(hash).await?;
    Ok(json!({ "transaction_hash": hash, "status": Status::Canceled.name() }))
}

async fn upgrade(caller: Caller, args: Args) -> Answer {
    let contract = args.required("contract_address", args.address("contract_address")?)?;
    let code = args.required("new_code", args.text("new_code")?)?;
    let record = caller.api.handles.contract(contract).await?;
    let record = record.ok_or_else(|| RpcError::not_found("contract", &contract))?;
    let deployer = caller.transaction(record.deployed_by).await?.transaction.from;
    let nonce = super::contracts::nonce_of(&caller, contract).await?;
    let mut word = [0; 32];
    word.split_at_mut(24).1.copy_from_slice(&nonce.to_be_bytes());
    let digest = keccak256(&[contract.as_bytes(), &word, keccak256(&[code.as_bytes()]).as_bytes()]);
    check_signer(&caller, &args, &digest, deployer)?;
    if code.trim().is_empty() {
        return Err(RpcError::invalid("new_code", "", "Python source"));
    }
    let payload = Payload::Upgrade { code: code.into_bytes().into() };
    let transaction = NewTransaction::new(deployer, Some(contract), Amount::ZERO, payload);
    let _permit = caller.api.limits.submission()?;
    let hash = caller.api.handles.submit(transaction).await?.hash;
    let message = "Contract code upgrade submitted";
    Ok::<Json, RpcError>(json!({ "transaction_hash": hash, "message": message }))
}
