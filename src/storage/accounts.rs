//! Money: balances, nonces and the totals of the ledger.

use diesel::prelude::*;

use super::Connection;
use super::cached::cached_update;
use super::conditions::Locked;
use super::failure::{During, database_error};
use super::rows::{number, parsed};
use super::schema::{accounts, network, transactions};
use crate::domain::ledger::{AccountRecord, StoreError, Supply};
use crate::domain::{Address, Amount};

/// An account as it is, and whether it has a row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    pub(super) address: Address,
    pub(super) balance: Amount,
    pub(super) nonce: u64,
    is_stored: bool,
}

impl Account {
    /// The account at `address`; one nobody ever used has nothing.
    pub(super) fn load(conn: &mut Connection, address: Address) -> Result<Self, StoreError> {
        let row: Option<(String, i64)> = accounts::table
            .find(address.as_bytes().as_slice())
            .select((accounts::balance, accounts::nonce))
            .get_result(conn)
            .optional()
            .during("reading an account")?;
        Ok(match row {
            Some((balance, nonce)) => {
                Self { address, balance: parsed(&balance)?, nonce: number(nonce)?, is_stored: true }
            }
            None => Self { address, balance: Amount::ZERO, nonce: 0, is_stored: false },
        })
    }

    /// This account with `amount` more; an error when it cannot hold that.
    pub(super) fn credited(self, amount: Amount) -> Result<Self, StoreError> {
        let balance = self.balance.checked_add(amount).ok_or(StoreError::Overflow(self.address))?;
        Ok(Self { balance, ..self })
    }

    /// This account with another balance.
    pub(super) fn with_balance(self, balance: Amount) -> Self {
        Self { balance, ..self }
    }

    /// This account with one transaction more.
    pub(super) fn counted(self) -> Self {
        Self { nonce: self.nonce.saturating_add(1), ..self }
    }

    /// Stores the balance and the nonce.
    pub(super) fn store(&self, conn: &mut Connection) -> Result<(), StoreError> {
        const OPERATION: &str = "storing an account";
        let balance = self.balance.to_string();
        let nonce: i64 = i64::try_from(self.nonce).during(OPERATION)?;
        let address = self.address.as_bytes().as_slice();
        let changed = if self.is_stored {
            cached_update(
                "accounts",
                (accounts::balance.eq(balance), accounts::nonce.eq(nonce)),
                accounts::address.eq(address),
            )
            .execute(conn)
        } else {
            diesel::insert_into(accounts::table)
                .values((
                    accounts::address.eq(address),
                    accounts::balance.eq(balance),
                    accounts::nonce.eq(nonce),
                ))
                .execute(conn)
        };
        match changed.during(OPERATION)? {
            1 => Ok(()),
            _ => Err(database_error(OPERATION, format!("`{}` is gone", self.address))),
        }
    }
}

/// What was ever minted and burned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Totals {
    pub(super) minted: Amount,
    pub(super) burned: Amount,
}

impl Totals {
    pub(super) fn load(conn: &mut Connection) -> Result<Self, StoreError> {
        let (minted, burned): (String, String) = network::table
            .find(1)
            .select((network::minted, network::burned))
            .get_result(conn)
            .during("reading the totals of the ledger")?;
        Ok(Self { minted: parsed(&minted)?, burned: parsed(&burned)? })
    }

    pub(super) fn store(&self, conn: &mut Connection) -> Result<(), StoreError> {
        diesel::update(network::table.find(1))
            .set((
                network::minted.eq(self.minted.to_string()),
                network::burned.eq(self.burned.to_string()),
            ))
            .execute(conn)
            .during("storing the totals of the ledger")?;
        Ok(())
    }
}

/// The account at `address`, if it ever had money or sent a transaction.
pub fn account_get(
    conn: &mut Connection,
    address: Address,
) -> Result<Option<AccountRecord>, StoreError> {
    let account = Account::load(conn, address)?;
    Ok(account.is_stored.then_some(AccountRecord {
        address,
        balance: account.balance,
        nonce: account.nonce,
    }))
}

/// The totals of the whole ledger, added up one by one (law 5).
pub fn supply(conn: &mut Connection) -> Result<Supply, StoreError> {
    const OPERATION: &str = "adding up the ledger";
    let totals = Totals::load(conn)?;
    let balances: Vec<String> =
        accounts::table.select(accounts::balance).load(conn).during(OPERATION)?;
    let locked: Vec<String> = transactions::table
        .filter(Locked)
        .select(transactions::locked)
        .load(conn)
        .during(OPERATION)?;
    Ok(Supply {
        minted: totals.minted,
        burned: totals.burned,
        balances: sum(&balances)?,
        locked: sum(&locked)?,
    })
}

fn sum(amounts: &[String]) -> Result<Amount, StoreError> {
    amounts.iter().try_fold(Amount::ZERO, |sum, amount| {
        sum.checked_add(parsed(amount)?)
            .ok_or_else(|| database_error("adding up the ledger", "more than 2^256 - 1"))
    })
}
