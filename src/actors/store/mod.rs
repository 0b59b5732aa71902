//! The store actor: the only way to the database.
//!
//! Writes go to the writer's thread and share its commits; reads go to a pool and never wait
//! behind writes. On a database of its own a claim is kept in memory. The actor itself translates messages to functions of [`crate::storage`].

mod blocks;
mod claims;
mod clock;
mod engine;
mod explorer;
mod keys;
mod models;
mod overseer;
mod rounds;
mod snapshots;
#[cfg(test)]
mod snapshots_tests;
mod writer;
#[cfg(test)]
mod writer_tests;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use actix::{Actor, Context, Handler, Recipient, ResponseFuture, WeakRecipient};

use super::clock::NetworkClock;
use super::messages::{
    AuditSupply, BeatHeart, CancelTransaction, CloseStore, CountStatuses, DuePage, EventsCommitted,
    ExplainWaiting, Finalize, GetAccount, GetContract, GetTransaction, ListContracts, ListDue,
    ListEvents, ListPages, ListPending, ListTransactions, LookAgain, OpenAppeal, ReadPages,
    SubmitTransaction, ViewContract,
};
use super::permits::Permits;
use super::settings::NetworkSettings;
use super::supervision::DeathWatch;
use super::system::Child;
use super::tell_weak;
use crate::domain::ledger::{
    AccountRecord, ContractRecord, ContractView, Electorate, Events, Page, PendingTransaction,
    Position, StatusCounts, StoreError, Submitted, Supply, TransactionRecord,
};
use crate::domain::{Amount, AppealKind, Clock, PageKey, Profile, Status, Timestamp, TxHash};
use crate::storage::{self, Connection, Recover, SubmitContext};
pub use crate::storage::{Database, DatabaseOptions};
use claims::Claims;
pub use overseer::{Access, Overseer};
use writer::{Place, Writer, WriterSettings};

type Answer<T> = ResponseFuture<Result<T, StoreError>>;

/// How many signs of life an owner may miss before its work is taken over.
const HEARTBEATS_MISSED_MAX: u32 = 4;

/// The validators as of the last look; emptied by every change to them.
type ElectorateCache = Arc<RwLock<Option<Electorate>>>;

/// The database, shared by the stores of all generations. `None` once closed: its lock is let go
/// before `CloseStore` is answered.
type DatabaseSlot = Arc<Mutex<Option<Arc<Database>>>>;

/// The only way to the database of this process.
///
/// It belongs to one generation of the network. After a restore there is another store, and this
/// one answers to those of before: nothing it is asked to write is written.
#[derive(Debug)]
pub struct Store {
    database: DatabaseSlot,
    is_shared: bool,
    writer: Writer,
    readers: Permits,
    electorate: ElectorateCache,
    claims: Claims,
    /// Hears of transactions that wait again and that no queue knows of.
    crawler: WeakRecipient<LookAgain>,
    settings: Arc<NetworkSettings>,
    clock: NetworkClock,
}

impl Store {
    /// A store over `database`. Starts the writer's thread, whose end `watch` reports; an
    /// `overseer` stands around an inline one.
    pub fn new(
        database: Arc<Database>,
        settings: Arc<NetworkSettings>,
        clock: NetworkClock,
        events: Recipient<EventsCommitted>,
        watch: DeathWatch<Child>,
        crawler: WeakRecipient<LookAgain>,
        overseer: Option<Box<dyn Overseer>>,
    ) -> Result<Self, StoreError> {
        let writer_settings = WriterSettings {
            batch_max: settings.batch_max,
            announcement_delay: settings.announcement_delay,
            inline: settings.store_inline,
        };
        let place = Place { events, watch, overseer };
        let writer = Writer::start(Arc::clone(&database), writer_settings, place)?;
        let readers = usize::try_from(database.readers().max_size()).unwrap_or(1);
        Ok(Self {
            is_shared: database.is_shared(),
            database: Arc::new(Mutex::new(Some(database))),
            writer,
            readers: Permits::new("database reads", readers),
            electorate: ElectorateCache::default(),
            claims: Claims::default(),
            crawler,
            settings,
            clock,
        })
    }

    /// Runs `read` on a connection of the pool, off the actors' thread; inline, where it stands.
    fn read<T, F>(&self, read: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    {
        if self.settings.store_inline {
            return Box::pin(self.writer.read(read));
        }
        let readers = self.readers.clone();
        let database = self.database.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(pool) = database.map(|database| database.readers().clone()) else {
            return Box::pin(async { Err(StoreError::Closed) });
        };
        Box::pin(async move {
            let _permit = readers.acquire().await;
            let failed = |reason: String| StoreError::Database { operation: "reading", reason };
            let answer = tokio::task::spawn_blocking(move || {
                let mut connection = pool.get().map_err(|error| failed(error.to_string()))?;
                read(&mut connection)
            });
            answer.await.map_err(|error| failed(error.to_string()))?
        })
    }
}

/// The cached validators, or those of the database.
fn electorate(
    cache: &ElectorateCache,
    conn: &mut Connection,
    is_shared: bool,
) -> Result<Electorate, StoreError> {
    // Another process may change them on a shared database.
    if !is_shared && let Some(cached) = &*cache.read().unwrap_or_else(PoisonError::into_inner) {
        return Ok(cached.clone());
    }
    let fresh = storage::electorate_load(conn)?;
    *cache.write().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
    Ok(fresh)
}

impl Actor for Store {
    type Context = Context<Self>;
}

impl Handler<SubmitTransaction> for Store {
    type Result = Answer<Submitted>;

    fn handle(&mut self, message: SubmitTransaction, _: &mut Context<Self>) -> Self::Result {
        let (in_flight, limit) = (self.writer.in_flight(), self.settings.store_in_flight_max);
        if in_flight >= limit {
            return Box::pin(async move { Err(StoreError::Busy { in_flight, limit }) });
        }
        let submit = SubmitContext {
            chain_id: self.settings.chain_id,
            sandbox_mint: self.settings.sandbox_mint,
            at: self.clock.now(),
        };
        Box::pin(self.writer.write(None, move |conn, ctx| {
            storage::transaction_submit_in_txn(conn, ctx, &message.0, &submit)
        }))
    }
}

impl Handler<OpenAppeal> for Store {
    type Result = Answer<AppealKind>;

    fn handle(&mut self, message: OpenAppeal, _: &mut Context<Self>) -> Self::Result {
        let OpenAppeal { hash, appellant } = message;
        let (at, profile) = (self.clock.now(), self.settings.profile);
        if profile == Profile::Origin {
            let reason = "the founding document knows no appeals (profile origin)".to_owned();
            return Box::pin(async move { Err(StoreError::AppealRefused { hash, reason }) });
        }
        let crawler = self.crawler.clone();
        let opened = self.writer.write(None, move |conn, ctx| {
            storage::appeal_open_in_txn(conn, ctx, hash, appellant, at)
        });
        Box::pin(async move {
            let kind = opened.await?;
            tell_weak(&crawler, LookAgain);
            Ok(kind)
        })
    }
}

impl Handler<CancelTransaction> for Store {
    type Result = Answer<()>;

    fn handle(&mut self, message: CancelTransaction, _: &mut Context<Self>) -> Self::Result {
        let (at, hash, claims) = (self.clock.now(), message.0, self.claims.clone());
        Box::pin(self.writer.write(None, move |conn, ctx| {
            // A claim that is only in memory is not in the database yet.
            if claims.holds(hash) {
                return Err(StoreError::NotPending { hash, found: Status::Proposing });
            }
            storage::transaction_cancel_in_txn(conn, ctx, hash, at)
        }))
    }
}

impl Handler<ExplainWaiting> for Store {
    type Result = Answer<()>;

    fn handle(&mut self, message: ExplainWaiting, _: &mut Context<Self>) -> Self::Result {
        let ExplainWaiting { hash, reason } = message;
        Box::pin(self.writer.write(None, move |conn, _| {
            storage::transaction_reason_set_in_txn(conn, hash, &reason)
        }))
    }
}

impl Handler<Finalize> for Store {
    type Result = Answer<bool>;

    fn handle(&mut self, message: Finalize, _: &mut Context<Self>) -> Self::Result {
        let at = self.clock.now();
        Box::pin(self.writer.write(None, move |conn, ctx| {
            storage::transaction_finalize_in_txn(conn, ctx, message.0, at)
        }))
    }
}

impl Handler<BeatHeart> for Store {
    type Result = Answer<Vec<TxHash>>;

    fn handle(&mut self, _: BeatHeart, _: &mut Context<Self>) -> Self::Result {
        let (at, owner) = (self.clock.now(), self.settings.owner.clone());
        let attempts_max = self.settings.attempts_max;
        let patience = self.settings.heartbeat_interval * HEARTBEATS_MISSED_MAX;
        let millis = i64::try_from(patience.as_millis()).unwrap_or(i64::MAX);
        Box::pin(self.writer.write(None, move |conn, ctx| {
            let beat = storage::shared_now(conn)?.unwrap_or(at);
            let oldest = Timestamp::from_millis(beat.as_millis().saturating_sub(millis));
            storage::owner_heartbeat_in_txn(conn, &owner, beat)?;
            let lapsed = Recover::LapsedBefore { owner_heartbeat: oldest };
            storage::recovery_requeue_in_txn(conn, ctx, lapsed, attempts_max, at)
        }))
    }
}

impl Handler<CloseStore> for Store {
    type Result = Answer<()>;

    fn handle(&mut self, _: CloseStore, _: &mut Context<Self>) -> Self::Result {
        let database = self.database.lock().unwrap_or_else(PoisonError::into_inner).take();
        let closing = self.writer.close();
        Box::pin(async move {
            let closed = closing.await;
            drop(database);
            closed
        })
    }
}

impl Handler<ListPending> for Store {
    type Result = Answer<Vec<PendingTransaction>>;

    fn handle(&mut self, message: ListPending, _: &mut Context<Self>) -> Self::Result {
        let ListPending { queue, after, limit } = message;
        self.read(move |conn| match queue {
            None => storage::transaction_list_pending(conn, after, limit),
            Some(queue) => storage::transaction_list_pending_of(conn, queue, after, limit),
        })
    }
}

impl Handler<ListDue> for Store {
    type Result = Answer<DuePage>;

    fn handle(&mut self, message: ListDue, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| {
            let ListDue { now, after, limit } = message;
            let due = storage::transaction_list_due(conn, now, after, limit)?;
            let next_at =
                if due.is_empty() { storage::transaction_next_due_at(conn, now)? } else { None };
            Ok(DuePage { due, next_at })
        })
    }
}

impl Handler<GetTransaction> for Store {
    type Result = Answer<Option<TransactionRecord>>;

    fn handle(&mut self, message: GetTransaction, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| storage::transaction_get(conn, message.0))
    }
}

impl Handler<ListTransactions> for Store {
    type Result = Answer<Page<TransactionRecord>>;

    fn handle(&mut self, message: ListTransactions, _: &mut Context<Self>) -> Self::Result {
        let ListTransactions { filter, before, limit } = message;
        self.read(move |conn| storage::transaction_list(conn, &filter, before, limit))
    }
}

impl Handler<GetContract> for Store {
    type Result = Answer<Option<ContractRecord>>;

    fn handle(&mut self, message: GetContract, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| storage::contract_get(conn, message.0))
    }
}

impl Handler<ListContracts> for Store {
    type Result = Answer<Page<ContractRecord>>;

    fn handle(&mut self, message: ListContracts, _: &mut Context<Self>) -> Self::Result {
        let after = message.after.unwrap_or(Position(0));
        self.read(move |conn| storage::contract_list(conn, after, message.limit))
    }
}

impl Handler<ViewContract> for Store {
    type Result = Answer<Option<ContractView>>;

    fn handle(&mut self, message: ViewContract, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| storage::contract_view(conn, message.address, message.version))
    }
}

impl Handler<ReadPages> for Store {
    type Result = Answer<Vec<crate::domain::Page>>;

    fn handle(&mut self, message: ReadPages, _: &mut Context<Self>) -> Self::Result {
        let ReadPages { address, version, keys } = message;
        self.read(move |conn| storage::contract_pages(conn, address, version, &keys))
    }
}

impl Handler<ListPages> for Store {
    type Result = Answer<Vec<(PageKey, crate::domain::Page)>>;

    fn handle(&mut self, message: ListPages, _: &mut Context<Self>) -> Self::Result {
        let ListPages { address, version, after, limit } = message;
        self.read(move |conn| storage::contract_page_list(conn, address, version, after, limit))
    }
}

impl Handler<GetAccount> for Store {
    type Result = Answer<AccountRecord>;

    fn handle(&mut self, message: GetAccount, _: &mut Context<Self>) -> Self::Result {
        let address = message.0;
        let unknown = AccountRecord { address, balance: Amount::ZERO, nonce: 0 };
        self.read(move |conn| Ok(storage::account_get(conn, address)?.unwrap_or(unknown)))
    }
}

impl Handler<ListEvents> for Store {
    type Result = Answer<Events>;

    fn handle(&mut self, message: ListEvents, _: &mut Context<Self>) -> Self::Result {
        self.read(move |conn| storage::events_after(conn, message.after, message.limit))
    }
}

impl Handler<CountStatuses> for Store {
    type Result = Answer<StatusCounts>;

    fn handle(&mut self, _: CountStatuses, _: &mut Context<Self>) -> Self::Result {
        self.read(storage::status_counts)
    }
}

impl Handler<AuditSupply> for Store {
    type Result = Answer<Supply>;

    fn handle(&mut self, _: AuditSupply, _: &mut Context<Self>) -> Self::Result {
        self.read(storage::supply)
    }
}

impl Handler<super::messages::GetLastCursor> for Store {
    type Result = Answer<i64>;

    fn handle(&mut self, _: super::messages::GetLastCursor, _: &mut Context<Self>) -> Self::Result {
        self.read(storage::event_last_cursor)
    }
}

/// Writes the first state of a network, or reads what an earlier start wrote; sets the clock to
/// where the network was left; then gives back every transaction that a crash left in flight
/// (protocol section 6).
pub fn open_network(
    database: &Database,
    genesis: &crate::domain::ledger::Genesis,
    attempts_max: u32,
    clock: &NetworkClock,
) -> Result<(storage::NetworkRecord, Vec<TxHash>), StoreError> {
    let mut conn = database.writer()?;
    let ((network, dial, last), _) = storage::batch(&mut conn, |conn, ctx| {
        let network = match storage::network_load(conn)? {
            Some(network) => network,
            None => storage::network_create_in_txn(conn, ctx, genesis)?,
        };
        Ok((network, storage::clock_load(conn)?, storage::event_last_at(conn)?))
    })?;
    // Processes that share a database share its clock as well: theirs may differ.
    clock.resume(dial, storage::shared_now(&mut conn)?, last.unwrap_or_default());
    if database.is_shared() {
        return Ok((network, Vec::new()));
    }
    let (recovered, _) = storage::batch(&mut conn, |conn, ctx| {
        storage::recovery_requeue_in_txn(conn, ctx, Recover::All, attempts_max, clock.now())
    })?;
    Ok((network, recovered))
}
