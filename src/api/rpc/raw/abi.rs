//! The functions of the consensus contract that clients address.

use alloy_sol_types::sol;
use serde_json::{Value as Json, json};

sol! {
    /// How fees are spread.
    struct Fees {
        uint256 leaderTimeunitsAllocation;
        uint256 validatorTimeunitsAllocation;
        uint256 appealRounds;
        uint256 executionBudgetPerRound;
        uint256 executionConsumed;
        uint256 totalMessageFees;
        uint256[] rotations;
        uint256 maxPriceGenPerTimeUnit;
        uint256 storageFeeMaxGasPrice;
        uint256 receiptFeeMaxGasPrice;
    }

    /// What a message may cost.
    struct Allocation {
        uint8 messageType;
        bool onAcceptance;
        uint256 parentIndex;
        address recipient;
        bytes32 callKey;
        uint256 budget;
        bytes feeParams;
    }

    /// A transaction that pays fees.
    struct Submission {
        address sender;
        address recipient;
        uint256 numOfInitialValidators;
        uint256 maxRotations;
        uint256 validUntil;
        uint256 saltNonce;
        uint256 userValue;
        Fees feesDistribution;
        bytes txCalldata;
        Allocation[] messageAllocations;
    }

    interface PlainForm {
        function addTransaction(address sender, address recipient, uint256 validators, uint256 rotations, bytes txData);
    }
    interface DatedForm {
        function addTransaction(address sender, address recipient, uint256 validators, uint256 rotations, bytes txData, uint256 validUntil);
    }
    interface PaidForm {
        function addTransaction(Submission params);
    }
    function deploySalted(Submission params);
    interface PlainAppeal {
        function submitAppeal(bytes32 txId);
    }
    interface DatedAppeal {
        function submitAppeal(bytes32 txId, uint256 bond);
    }
    interface PaidAppeal {
        function topUpAndSubmitAppeal(bytes32 txId, Fees fees);
    }
    interface FundedAppeal {
        function topUpAndSubmitAppeal(bytes32 txId, uint256 bond, Fees fees);
    }
    function topUpFees(bytes32 txId, Fees fees);
    function finalizeTransaction(bytes32 txId);
    function cancelTransaction(bytes32 txId);
}

/// The part of the consensus contract's ABI that clients need before they sign
/// (`reference/clients.md` section 4.3).
pub(in crate::api::rpc) fn consensus_abi() -> Json {
    json!([
        function(
            "addTransaction",
            &[
                ("_sender", "address"),
                ("_recipient", "address"),
                ("_numOfInitialValidators", "uint256"),
                ("_maxRotations", "uint256"),
                ("_txData", "bytes"),
            ]
        ),
        function("submitAppeal", &[("_txId", "bytes32")]),
        function("finalizeTransaction", &[("_txId", "bytes32")]),
        function("cancelTransaction", &[("_txId", "bytes32")]),
        event(
            "NewTransaction",
            &[
                ("txId", "bytes32", true),
                ("recipient", "address", true),
                ("activator", "address", true),
            ]
        ),
        event("CreatedTransaction", &[("txId", "bytes32", true), ("txSlot", "uint256", false)]),
    ])
}

fn function(name: &str, inputs: &[(&str, &str)]) -> Json {
    let inputs: Vec<Json> = inputs
        .iter()
        .map(|(name, kind)| json!({ "internalType": kind, "name": name, "type": kind }))
        .collect();
    json!({
        "inputs": inputs, "name": name, "outputs": [], "stateMutability": "payable",
        "type": "function",
    })
}

fn event(name: &str, inputs: &[(&str, &str, bool)]) -> Json {
    let inputs: Vec<Json> = inputs
        .iter()
        .map(|(name, kind, indexed)| {
            json!({ "indexed": indexed, "internalType": kind, "name": name, "type": kind })
        })
        .collect();
    json!({ "anonymous": false, "inputs": inputs, "name": name, "type": "event" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_sol_types::SolCall;

    #[test]
    fn the_selectors_are_those_that_clients_send() {
        let selectors = [
            (PlainForm::addTransactionCall::SELECTOR, 0x2724_1a99_u32),
            (DatedForm::addTransactionCall::SELECTOR, 0xe71d_5196),
            (PaidForm::addTransactionCall::SELECTOR, 0x35a2_51fb),
            (deploySaltedCall::SELECTOR, 0x9886_3702),
            (PlainAppeal::submitAppealCall::SELECTOR, 0x8b5d_e1bc),
            (DatedAppeal::submitAppealCall::SELECTOR, 0x1b05_9a59),
            (PaidAppeal::topUpAndSubmitAppealCall::SELECTOR, 0x6985_d9c5),
            (FundedAppeal::topUpAndSubmitAppealCall::SELECTOR, 0x6c33_e486),
            (topUpFeesCall::SELECTOR, 0xfa64_8bb3),
            (finalizeTransactionCall::SELECTOR, 0xb2ef_da83),
            (cancelTransactionCall::SELECTOR, 0x70ba_3339),
        ];
        for (ours, theirs) in selectors {
            assert_eq!(u32::from_be_bytes(ours), theirs, "{theirs:#x}");
        }
    }
}
