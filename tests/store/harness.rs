//! A network on either database, and short words for what tests do with it.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use agora::domain::ledger::{
    Announcement, Basis, Claim, ConsensusJob, Decision, Electorate, Genesis, NewTransaction,
    Persisted, StateVersion, StoreError, Submitted,
};
use agora::domain::{
    Address, Amount, Bytes, Commitment, Digest, DrawRecord, Event, Execution, ExecutionOutcome,
    PageKey, Pages, Payload, Profile, RotationRecord, SeatRecord, SlotId, Stake, StateDelta,
    Status, Timestamp, TransactionRules, TxHash, Validator, Vote, calldata,
};
use agora::storage::{self, BatchContext, Connection, Database, DatabaseOptions, SubmitContext};
use diesel::connection::SimpleConnection;

/// Declares the tests of a module on both databases.
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $name() { super::$name(&mut crate::harness::Store::sqlite()); })+
        }
        mod postgres {
            $(#[test] fn $name() {
                if let Some(mut store) = crate::harness::Store::postgres() {
                    super::$name(&mut store);
                }
            })+
        }
    };
}

pub const CHAIN: u64 = 61_999;
pub const WINDOW: i64 = 1_000;

pub struct Store {
    pub conn: Connection,
    pub database: Database,
    pub electorate: Electorate,
    pub url: String,
    pub _place: Place,
}

pub enum Place {
    Folder { _folder: tempfile::TempDir },
    Postgres { admin: String, name: String },
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Self::Postgres { admin, name } = self
            && let Ok(mut conn) = <diesel::PgConnection as diesel::Connection>::establish(admin)
        {
            let _ = conn.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

pub fn options() -> DatabaseOptions {
    DatabaseOptions { readers: 2, busy_timeout: Duration::from_secs(5), synchronous_full: false }
}

impl Store {
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("agora.sqlite").display());
        Self::open(url, Place::Folder { _folder: folder })
    }

    /// `None`, loudly, without a server to test on; a failure where tests must be complete.
    pub fn postgres() -> Option<Self> {
        static LOUDLY: Once = Once::new();
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let Ok(admin) = std::env::var("AGORA_TEST_POSTGRES_URL") else {
            let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!in_ci, "AGORA_TEST_POSTGRES_URL must be set in CI");
            LOUDLY.call_once(|| {
                // Not `eprintln`, which the test runner keeps to itself.
                let words = "!!! PostgreSQL WAS NOT TESTED: set AGORA_TEST_POSTGRES_URL !!!";
                let mut errors = std::io::stderr().lock();
                writeln!(errors, "\n{words}\n").unwrap();
            });
            return None;
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora_test_{}_{number}", std::process::id());
        let mut conn = <diesel::PgConnection as diesel::Connection>::establish(&admin).unwrap();
        conn.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        let url = format!("{}/{name}", admin.rsplit_once('/').unwrap().0);
        Some(Self::open(url, Place::Postgres { admin, name }))
    }

    fn open(url: String, place: Place) -> Self {
        let database = Database::open(&url, options()).unwrap();
        let conn = database.writer().unwrap();
        let validators: Vec<Validator> = (1..=5).map(validator).collect();
        let electorate =
            Electorate { validators: Arc::new(validators.clone()), ..Electorate::default() };
        let mut store = Self { conn, database, electorate, url, _place: place };
        let genesis = Genesis {
            seed: Digest::new([7; 32]),
            chain_id: CHAIN,
            validators,
            accounts: vec![(alice(), Amount::from(1_000)), (bob(), Amount::from(10))],
            profile: Profile::Studio,
            finality_window: Duration::from_millis(WINDOW.unsigned_abs()),
            at: at(0),
        };
        store.write(|conn, ctx| storage::network_create_in_txn(conn, ctx, &genesis));
        store
    }

    /// One batch that must succeed.
    pub fn write<R>(
        &mut self,
        work: impl FnMut(&mut Connection, &mut BatchContext) -> Result<R, StoreError>,
    ) -> R {
        self.try_write(work).unwrap()
    }

    pub fn try_write<R>(
        &mut self,
        work: impl FnMut(&mut Connection, &mut BatchContext) -> Result<R, StoreError>,
    ) -> Result<R, StoreError> {
        storage::batch(&mut self.conn, work).map(|(answer, _)| answer)
    }

    pub fn try_submit(
        &mut self,
        new: &NewTransaction,
        sandbox_mint: bool,
    ) -> Result<Submitted, StoreError> {
        let submit = SubmitContext { chain_id: CHAIN, sandbox_mint, at: at(1) };
        self.try_write(|conn, ctx| storage::transaction_submit_in_txn(conn, ctx, new, &submit))
    }

    pub fn submit(&mut self, new: &NewTransaction) -> TxHash {
        self.try_submit(new, true).unwrap().hash
    }

    pub fn claim(&mut self, hash: TxHash) -> Claim {
        storage::transaction_claim_exclusive(&mut self.conn, hash, &self.electorate).unwrap()
    }

    pub fn claim_as(&mut self, hash: TxHash, owner: &str) -> Claim {
        let electorate = self.electorate.clone();
        self.write(|conn, ctx| {
            storage::transaction_claim_in_txn(conn, ctx, hash, owner, at(2), &electorate)
        })
    }

    pub fn job(&mut self, hash: TxHash) -> ConsensusJob {
        match self.claim(hash) {
            Claim::Claimed(job) => *job,
            other => panic!("{other:?}"),
        }
    }

    /// The job of a deploy or call that is next in its queue; a transfer is executed.
    pub fn claim_or_execute(&mut self, hash: TxHash) -> Option<ConsensusJob> {
        let record = storage::transaction_get(&mut self.conn, hash).unwrap().unwrap();
        if record.transaction.payload == Payload::Transfer {
            self.execute(hash);
            return None;
        }
        match self.claim(hash) {
            Claim::Claimed(job) => Some(*job),
            _ => None,
        }
    }

    pub fn decide(&mut self, decision: &Decision) -> Result<Persisted, StoreError> {
        let now = decision.decided_at;
        self.try_write(|conn, ctx| storage::decision_persist_in_txn(conn, ctx, decision, now))
    }

    /// Claims and decides.
    pub fn accept(&mut self, hash: TxHash, writes: &[(u32, &str)]) {
        let job = self.job(hash);
        let persisted = self.decide(&accepted(&job, writes)).unwrap();
        assert!(matches!(persisted, Persisted::Stored { .. }), "{persisted:?}");
    }

    /// A contract with one page, 0, that holds `init`.
    pub fn deployed(&mut self) -> Address {
        let submitted = self.try_submit(&deploy(alice(), 0), true).unwrap();
        self.accept(submitted.hash, &[(0, "init")]);
        submitted.contract.unwrap()
    }

    pub fn execute(&mut self, hash: TxHash) -> Status {
        self.write(|conn, ctx| storage::transfer_execute_in_txn(conn, ctx, hash, at(5)))
    }

    /// The transaction of the first event.
    pub fn first_hash(&mut self) -> TxHash {
        self.events()[0].transaction
    }

    pub fn set_window(&mut self, millis: u64) {
        let window = Duration::from_millis(millis);
        self.write(|conn, ctx| storage::finality_window_set_in_txn(conn, ctx, window));
    }

    pub fn finalize(&mut self, hash: TxHash, now: i64) -> bool {
        self.write(|conn, ctx| storage::transaction_finalize_in_txn(conn, ctx, hash, at(now)))
    }

    pub fn status(&mut self, hash: TxHash) -> Status {
        storage::transaction_get(&mut self.conn, hash).unwrap().unwrap().status
    }

    pub fn balance(&mut self, address: Address) -> Amount {
        let account = storage::account_get(&mut self.conn, address).unwrap();
        account.map_or(Amount::ZERO, |account| account.balance)
    }

    pub fn page(&mut self, contract: Address, version: StateVersion, index: u32) -> String {
        let pages =
            storage::contract_pages(&mut self.conn, contract, version, &[key(index)]).unwrap();
        String::from_utf8(pages[0].to_vec()).unwrap()
    }

    pub fn events(&mut self) -> Vec<Event> {
        storage::events_after(&mut self.conn, 0, usize::MAX).unwrap()
    }

    pub fn assert_conserved(&mut self) {
        let supply = storage::supply(&mut self.conn).unwrap();
        assert!(supply.is_conserved(), "{supply:?}");
    }

    /// Runs SQL as it is.
    pub fn sql(&mut self, sql: &str) -> Result<(), diesel::result::Error> {
        self.conn.batch_execute(sql)
    }
}

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(1_000_000 + millis)
}

pub fn alice() -> Address {
    Address::new([0xa1; 20])
}

pub fn bob() -> Address {
    Address::new([0xb0; 20])
}

pub fn validator(number: u8) -> Validator {
    Validator { address: Address::new([number; 20]), stake: Stake::try_from(3).unwrap() }
}

pub fn key(index: u32) -> PageKey {
    PageKey { slot: SlotId(Digest::new([9; 32])), index }
}

fn new(
    from: Option<Address>,
    to: Option<Address>,
    value: Amount,
    payload: Payload,
) -> NewTransaction {
    NewTransaction {
        from,
        to,
        value,
        payload,
        nonce: None,
        rules: TransactionRules::default(),
        idempotency_key: None,
        envelope: None,
        context: None,
    }
}

pub fn transfer(
    from: Option<Address>,
    to: Option<Address>,
    value: impl Into<Amount>,
) -> NewTransaction {
    new(from, to, value.into(), Payload::Transfer)
}

pub fn deploy(from: Address, value: u64) -> NewTransaction {
    let payload = Payload::Deploy {
        code: Bytes::from_static(b"class Contract: ..."),
        calldata: Bytes::from(calldata::Value::Null.encode()),
    };
    new(Some(from), None, value.into(), payload)
}

pub fn call(from: Address, to: Address, value: u64) -> NewTransaction {
    let calldata = Bytes::from(calldata::Value::from("set").encode());
    new(Some(from), Some(to), value.into(), Payload::Call { calldata })
}

pub fn step(job: &ConsensusJob, sequence: u32) -> Announcement {
    let statuses = [Status::Proposing, Status::Committing, Status::Revealing];
    Announcement {
        hash: job.transaction.hash,
        queue: job.contract,
        attempt: job.attempt,
        rotation: 0,
        status: statuses[usize::try_from(sequence).unwrap() % 3],
        at: at(3),
        sequence,
    }
}

pub fn returning(writes: &[(u32, &str)]) -> Execution {
    let value = Bytes::from(calldata::Value::from("done").encode());
    let mut execution = Execution::ending(ExecutionOutcome::Return(value));
    let pages =
        writes.iter().map(|(index, text)| (key(*index), Bytes::copy_from_slice(text.as_bytes())));
    execution.state = StateDelta(pages.collect::<Pages>());
    execution.stdout.push_str("hello");
    execution
}

pub fn decision(job: &ConsensusJob, status: Status, receipt: Execution) -> Decision {
    let receipt = Arc::new(receipt);
    let size = usize::from(job.transaction.rules.validators);
    let seats = job.validators.iter().take(size).map(|validator| SeatRecord {
        validator: validator.address,
        stake: validator.stake,
        commitment: Some(Commitment(Digest::new([4; 32]))),
        vote: Some(Vote::Agree),
    });
    Decision {
        hash: job.transaction.hash,
        attempt: job.attempt,
        phase: job.phase,
        basis: Basis {
            balance: job.contract_balance,
            code: job.code.as_ref().map(|code| code.hash),
        },
        status,
        announced: (0..3).map(|sequence| step(job, sequence)).collect(),
        rotations: vec![RotationRecord {
            rotation: 0,
            draw: DrawRecord { seed: Digest::new([5; 32]) },
            seats: seats.collect(),
            leader_receipt: Some(Arc::clone(&receipt)),
            evidence: Vec::new(),
            started_at: at(2),
            ended_at: Some(at(4)),
        }],
        receipt: Some(receipt),
        decided_at: at(4),
        has_window: job.transaction.rules.mode.has_finality_window(),
    }
}

pub fn accepted(job: &ConsensusJob, writes: &[(u32, &str)]) -> Decision {
    decision(job, Status::Accepted, returning(writes))
}
