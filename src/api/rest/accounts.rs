//! Accounts: money and nonces.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::submission::{SubmittedView, idempotency_key, store};
use super::{Answer, no_query, path_address};
use crate::api::error::ApiError;
use crate::api::input::{ADDRESS, AMOUNT, Body, Fields};
use crate::api::server::Api;
use crate::domain::ledger::NewTransaction;
use crate::domain::{Address, Amount, Payload};

/// An account; one that was never used is empty.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    /// The account.
    #[schema(value_type = String)]
    pub address: Address,
    /// What it has, as a decimal string.
    #[schema(value_type = String, example = "1000000000000000000")]
    pub balance: Amount,
    /// The nonce of its next transaction.
    pub nonce: u64,
}

/// New money for an account.
#[derive(Debug, ToSchema)]
#[schema(example = json!({ "amount": "1000000000000000000" }))]
pub struct FaucetBody {
    /// How much, at least 1: a decimal string, a number or a `0x` string.
    #[schema(value_type = String)]
    pub amount: Amount,
}

impl FaucetBody {
    fn read(mut fields: Fields) -> Result<Self, ApiError> {
        let amount = fields.amount("amount")?.ok_or_else(|| ApiError::missing("amount", AMOUNT))?;
        fields.finish()?;
        if amount.is_zero() {
            return Err(ApiError::invalid("amount", "`0` is no gift", "at least 1"));
        }
        Ok(Self { amount })
    }
}

/// Read an account.
#[utoipa::path(get, path = "/v1/accounts/{address}", tag = "accounts",
    params(("address" = String, Path, description = "The account")),
    responses((status = 200, description = "The account", body = AccountView)))]
pub(super) async fn get(api: Data<Api>, request: HttpRequest, address: Path<String>) -> Answer {
    no_query(&request)?;
    let account = api.handles.account(path_address(&address)?).await?;
    let (address, balance, nonce) = (account.address, account.balance, account.nonce);
    Ok(HttpResponse::Ok().json(AccountView { address, balance, nonce }))
}

/// Mint money for an account. Administrative.
#[utoipa::path(post, path = "/v1/accounts/{address}/faucet", tag = "accounts",
    params(("address" = String, Path, description = "Who receives"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 200 printable ASCII characters")),
    request_body = FaucetBody, security(("admin_key" = [])),
    responses((status = 202, description = "The mint transaction was accepted", body = SubmittedView)))]
pub(super) async fn faucet(
    api: Data<Api>,
    request: HttpRequest,
    address: Path<String>,
    body: Result<Body, ApiError>,
) -> Answer {
    api.settings.access.admit_admin(&request)?;
    no_query(&request)?;
    let to = path_address(&address)?;
    if to == Address::ZERO {
        let message = "the zero address owns nothing";
        return Err(ApiError::invalid("address", message, ADDRESS));
    }
    let value = FaucetBody::read(body?.0)?.amount;
    let transaction = NewTransaction {
        idempotency_key: idempotency_key(&request)?,
        ..NewTransaction::new(None, Some(to), value, Payload::Transfer)
    };
    store(&api, transaction).await
}
