//! The nouns of the network: values with meaning, and nothing that acts.
//!
//! No I/O, no clock, no actors and no database in here; everything else may import this folder.

mod address;
mod amount;
mod api_key;
mod appeal;
mod block;
mod call;
pub mod calldata;
mod committee;
mod contract;
mod dial;
mod electorate;
mod envelope;
mod event;
mod execution;
mod hash;
mod history;
mod iso8601;
mod keys;
pub mod ledger;
mod lint;
mod message;
mod model;
mod model_json;
mod moment;
mod notation;
mod profile;
mod provider;
mod search;
mod snapshot;
mod status;
mod store_error;
mod time;
mod transaction;
mod validator;
mod views;
mod vote;

pub use address::Address;
pub use alloy_primitives::{Bytes, U256};
pub use amount::{Amount, AmountError};
pub use api_key::{ApiKey, NewApiKey, Tier, TierRecord};
pub use appeal::{AppealCase, AppealKind, PastRound, Phase, UnknownPhase};
pub use block::{
    Block, BlockId, BlockRecord, EnvelopeRecord, Inclusion, LogFilter, LogRecord,
    new_transaction_log, new_transaction_topic,
};
pub use committee::{Committee, Seat};
pub use contract::{Code, PAGE_BYTES, Page, PageKey, Pages, SlotId, StateDelta};
pub use dial::{ClockChange, ClockDial, ClockOutOfRange, ClockReading};
pub use envelope::Envelope;
pub use event::{Event, EventKind};
pub use execution::{Cost, EmittedEvent, Execution, ExecutionOutcome, LeaderReceipt};
pub use hash::{Digest, ParseHashError, TxHash, keccak256};
pub use history::{DrawRecord, Evidence, RotationRecord, SeatRecord};
pub use keys::{DerivedKey, KeyUse};
pub use lint::{Finding, LintReport, Severity};
pub use message::{EmittedMessage, MessageBody, Trigger};
pub use model::{ContextValidator, InvalidChoice, ModelChoice, NodeModels, Plugin, RunContext};
pub use model_json::{FieldFault, InvalidField};
pub use moment::Moment;
pub use notation::{NotationError, from_json, to_json};
pub use profile::{Profile, UnknownProfile};
pub use search::{
    AddressSearch, ContractOrder, ContractSearch, ContractSummary, HexPrefix, LedgerSums, Side,
    TransactionSearch, TransactionsFound,
};
pub use snapshot::{Generation, Progress, SnapshotRecord};
pub use status::{IllegalStatusChange, Status};
pub use time::{Clock, Timestamp};
pub use transaction::{
    ExecutionMode, Payload, PayloadKind, Signature, SignatureError, Transaction, TransactionRules,
};
pub use validator::{Stake, Validator, ZeroStake};
pub use vote::{Commitment, Salt, Vote};
