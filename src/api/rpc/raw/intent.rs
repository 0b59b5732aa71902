//! What the sender of a signed transaction wants, by the selector of its data; whom it is
//! addressed to says nothing, because clients know different addresses of the consensus contract.

use alloy_primitives::U256;
use alloy_sol_types::SolCall;

use super::abi::{
    DatedAppeal, DatedForm, FundedAppeal, PaidAppeal, PaidForm, PlainAppeal, PlainForm, Submission,
    cancelTransactionCall, deploySaltedCall, finalizeTransactionCall, topUpFeesCall,
};
use super::{RawError, Signed, payload};
use crate::domain::ledger::NewTransaction;
use crate::domain::{Address, Amount, Digest, Payload, TransactionRules, TxHash};

/// What a signed transaction asks for.
#[derive(Debug, Clone)]
pub(in crate::api::rpc) enum Intent {
    /// A new transaction.
    Submit(Box<NewTransaction>),
    /// To challenge a decision.
    Appeal(TxHash),
    /// To make a decision final, which the network does by itself.
    Finalize(TxHash),
    /// To withdraw a transaction that waits.
    Cancel(TxHash),
    /// To pay more for a transaction, on a network without fees.
    TopUp(TxHash),
}

/// The most that may be asked for, as over REST.
const VALIDATORS_MAX: u16 = 1_000;
const ROTATIONS_MAX: u8 = 100;

/// Understands a signed transaction on the network `chain_id`.
pub(in crate::api::rpc) fn intent(signed: &Signed, chain_id: u64) -> Result<Intent, RawError> {
    let Some((selector, _)) = signed.input.split_first_chunk::<4>() else {
        return transfer(signed);
    };
    match *selector {
        PlainForm::addTransactionCall::SELECTOR => {
            let call = read::<PlainForm::addTransactionCall>(signed)?;
            let form = Form {
                sender: call.sender,
                recipient: call.recipient,
                validators: call.validators,
                rotations: call.rotations,
                value: signed.envelope.value.get(),
                salt: None,
            };
            form.submission(signed, &call.txData, chain_id)
        }
        DatedForm::addTransactionCall::SELECTOR => {
            let call = read::<DatedForm::addTransactionCall>(signed)?;
            let form = Form {
                sender: call.sender,
                recipient: call.recipient,
                validators: call.validators,
                rotations: call.rotations,
                value: signed.envelope.value.get(),
                salt: None,
            };
            form.submission(signed, &call.txData, chain_id)
        }
        PaidForm::addTransactionCall::SELECTOR => {
            let call = read::<PaidForm::addTransactionCall>(signed)?;
            Form::of(&call.params, None).submission(signed, &call.params.txCalldata, chain_id)
        }
        deploySaltedCall::SELECTOR => {
            let call = read::<deploySaltedCall>(signed)?;
            let form = Form::of(&call.params, Some(call.params.saltNonce));
            form.submission(signed, &call.params.txCalldata, chain_id)
        }
        _ => about_another(signed, *selector),
    }
}

/// What is about a transaction that exists already.
fn about_another(signed: &Signed, selector: [u8; 4]) -> Result<Intent, RawError> {
    let name = |id: alloy_primitives::B256| Digest::new(id.0);
    Ok(match selector {
        PlainAppeal::submitAppealCall::SELECTOR => {
            Intent::Appeal(name(read::<PlainAppeal::submitAppealCall>(signed)?.txId))
        }
        DatedAppeal::submitAppealCall::SELECTOR => {
            Intent::Appeal(name(read::<DatedAppeal::submitAppealCall>(signed)?.txId))
        }
        PaidAppeal::topUpAndSubmitAppealCall::SELECTOR => {
            Intent::Appeal(name(read::<PaidAppeal::topUpAndSubmitAppealCall>(signed)?.txId))
        }
        FundedAppeal::topUpAndSubmitAppealCall::SELECTOR => {
            Intent::Appeal(name(read::<FundedAppeal::topUpAndSubmitAppealCall>(signed)?.txId))
        }
        topUpFeesCall::SELECTOR => Intent::TopUp(name(read::<topUpFeesCall>(signed)?.txId)),
        finalizeTransactionCall::SELECTOR => {
            Intent::Finalize(name(read::<finalizeTransactionCall>(signed)?.txId))
        }
        cancelTransactionCall::SELECTOR => {
            Intent::Cancel(name(read::<cancelTransactionCall>(signed)?.txId))
        }
        _ => {
            let selector = alloy_primitives::hex::encode(selector);
            let message = format!(
                "function 0x{selector} is unknown; expected addTransaction, deploySalted, \
                 submitAppeal, topUpAndSubmitAppeal, topUpFees, finalizeTransaction or \
                 cancelTransaction of the consensus contract, or no data for a transfer"
            );
            return Err(RawError(message));
        }
    })
}

fn read<C: SolCall>(signed: &Signed) -> Result<C, RawError> {
    C::abi_decode_validate(&signed.input).map_err(|error| {
        log::debug!(target: "api", "{error}");
        RawError(format!("its data is not a call of {} in Solidity's ABI", C::SIGNATURE))
    })
}

/// No data: money goes from one account to another.
fn transfer(signed: &Signed) -> Result<Intent, RawError> {
    if !signed.input.is_empty() {
        let length = signed.input.len();
        return Err(RawError(format!("its data of {length} bytes names no function")));
    }
    let to = signed.envelope.to.ok_or_else(|| {
        RawError("it has neither a recipient nor data: it would move nothing".to_owned())
    })?;
    let value = signed.envelope.value;
    Ok(submit(signed, Some(to), value, Payload::Transfer, TransactionRules::default()))
}

fn submit(
    signed: &Signed,
    to: Option<Address>,
    value: Amount,
    payload: Payload,
    rules: TransactionRules,
) -> Intent {
    Intent::Submit(Box::new(NewTransaction {
        rules,
        envelope: Some(Box::new(signed.envelope.clone())),
        // The network counts: clients sign what they last heard, several at the same time as well.
        ..NewTransaction::new(Some(signed.signer), to, value, payload)
    }))
}

/// The arguments that all forms of `addTransaction` share.
struct Form {
    sender: alloy_primitives::Address,
    recipient: alloy_primitives::Address,
    validators: U256,
    rotations: U256,
    value: U256,
    salt: Option<U256>,
}

impl Form {
    /// Fees are not taken; only what is meant for the recipient moves.
    fn of(params: &Submission, salt: Option<U256>) -> Self {
        Self {
            sender: params.sender,
            recipient: params.recipient,
            validators: params.numOfInitialValidators,
            rotations: params.maxRotations,
            value: params.userValue,
            salt,
        }
    }

    fn submission(&self, signed: &Signed, data: &[u8], chain_id: u64) -> Result<Intent, RawError> {
        let sender = Address::from(self.sender);
        if sender != signed.signer {
            let by = signed.signer;
            return Err(RawError(format!("it was signed by {by} in the name of {sender}")));
        }
        if self.value > signed.envelope.value.get() {
            let (promised, sent) = (self.value, signed.envelope.value);
            return Err(RawError(format!("it promises {promised} wei and sends {sent}")));
        }
        let value = Amount::new(self.value);
        let recipient = Address::from(self.recipient);
        if recipient == Address::ZERO {
            let payload::DeployData { code, calldata, mode } = payload::deploy(data)?;
            let to =
                self.salt.map(|salt| Address::of_salted_deployment(&signed.signer, salt, chain_id));
            let rules = TransactionRules { mode, ..self.rules()? };
            return Ok(submit(signed, to, value, Payload::Deploy { code, calldata }, rules));
        }
        if self.salt.is_some() {
            return Err(RawError(format!("deploySalted has a recipient ({recipient})")));
        }
        let payload::CallData { calldata, mode } = payload::call(data)?;
        let rules = TransactionRules { mode, ..self.rules()? };
        Ok(submit(signed, Some(recipient), value, Payload::Call { calldata }, rules))
    }

    fn rules(&self) -> Result<TransactionRules, RawError> {
        let validators = u16::try_from(self.validators).ok();
        let validators = validators.filter(|count| (1..=VALIDATORS_MAX).contains(count));
        let validators = validators.ok_or_else(|| {
            let given = self.validators;
            RawError(format!("{given} initial validators; expected 1 to {VALIDATORS_MAX}"))
        })?;
        let rotations_max = u8::try_from(self.rotations).ok();
        let rotations_max = rotations_max.filter(|count| *count <= ROTATIONS_MAX);
        let rotations_max = rotations_max.ok_or_else(|| {
            RawError(format!("{} rotations; expected 0 to {ROTATIONS_MAX}", self.rotations))
        })?;
        Ok(TransactionRules { validators, rotations_max, ..TransactionRules::default() })
    }
}
