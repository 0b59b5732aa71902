//! Accounts: money, numbers, code and raw state.

use serde_json::json;

use super::super::answer::{Answer, RpcError};
use super::super::definition::Kind::{Address, Amount, Block, Hash, Text};
use super::super::definition::{Args, Caller, Definition, may, needs};
use super::super::views::{quantity, quantity_of};
use crate::domain::ledger::{NewTransaction, StateVersion};
use crate::domain::{self, Page, PageKey, Payload, SlotId};

pub(super) const METHODS: &[Definition] = &[
    Definition::new(
        "eth_getBalance",
        "What an account or a contract has, in wei.",
        &[needs("address", Address).or("account_address"), may("block", Block).or("block_tag")],
        "a quantity",
        |caller, args| Box::pin(balance(caller, args)),
    ),
    Definition::new(
        "eth_getTransactionCount",
        "How many transactions an account has sent; the number for its next one.",
        &[needs("address", Address), may("block", Block)],
        "a quantity",
        |caller, args| Box::pin(count(caller, args)),
    ),
    Definition::new(
        "eth_getCode",
        "The code of a contract: its Python source as bytes.",
        &[needs("address", Address), may("block", Block)],
        "`0x` and hexadecimal digits; `0x` for accounts",
        |caller, args| Box::pin(code(caller, args)),
    )
    .differs("always `0x` there; wallets tell contracts from accounts by it"),
    Definition::new(
        "eth_getStorageAt",
        "The first 32 bytes of a storage slot of a contract.",
        &[needs("address", Address), needs("slot", Hash), may("block", Block)],
        "32 bytes",
        |caller, args| Box::pin(storage(caller, args)),
    )
    .differs("absent there"),
    Definition::new(
        "sim_fundAccount",
        "Mints money for an account.",
        &[needs("account_address", Address), needs("amount", Amount), may("admin_key", Text)],
        "the hash of the transfer",
        |caller, args| Box::pin(fund(caller, args)),
    )
    .admin()
    .differs("needs the admin key where access is guarded"),
];

async fn balance(caller: Caller, args: Args) -> Answer {
    let address = args.required("address", args.address("address")?)?;
    super::blocks::check_tag(&args, "block")?;
    Ok(quantity_of(caller.api.handles.account(address).await?.balance))
}

async fn count(caller: Caller, args: Args) -> Answer {
    let address = args.required("address", args.address("address")?)?;
    super::blocks::check_tag(&args, "block")?;
    Ok(quantity(caller.api.handles.account(address).await?.nonce))
}

async fn code(caller: Caller, args: Args) -> Answer {
    let address = args.required("address", args.address("address")?)?;
    super::blocks::check_tag(&args, "block")?;
    let contract = caller.api.handles.contract(address).await?;
    let source = contract.map(|contract| contract.code.source.to_string());
    Ok(json!(source.unwrap_or_else(|| "0x".to_owned())))
}

async fn storage(caller: Caller, args: Args) -> Answer {
    let address = args.required("address", args.address("address")?)?;
    let slot = args.required("slot", super::words::slot(&args, "slot")?)?;
    let version = StateVersion::Accepted;
    let wanted = PageKey { slot: SlotId(slot), index: 0 };
    let pages = caller.api.handles.pages(address, version, vec![wanted]).await?;
    let page = pages.into_iter().next().unwrap_or_default();
    Ok(json!(word(&page)))
}

/// The first 32 bytes of a page.
fn word(page: &Page) -> domain::Digest {
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(page.iter()) {
        *to = *from;
    }
    domain::Digest::new(bytes)
}

async fn fund(caller: Caller, args: Args) -> Answer {
    let to = args.required("account_address", args.address("account_address")?)?;
    let value = args.required("amount", args.amount("amount")?)?;
    if to == domain::Address::ZERO {
        return Err(RpcError::invalid(
            "account_address",
            &to.to_string(),
            "an account: the zero address owns nothing",
        ));
    }
    let transaction = NewTransaction::new(None, Some(to), value, Payload::Transfer);
    Ok(json!(caller.transfer(transaction).await?))
}
