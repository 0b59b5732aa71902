//! Probes for actor tests: neighbours that record what they get, on a clock that tests move.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::dev::{MessageResponse, OneshotSender};
use actix::{Actor, Context, Handler, Message, Recipient};

/// Runs a test on one thread whose clock stands still and leaps to the next timer when idle.
pub(crate) fn paused<F: Future<Output = ()>>(test: impl FnOnce() -> F) {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(true).build().unwrap()
    };
    actix::System::with_tokio_rt(runtime).block_on(async { test().await });
}

/// Lets every message that is under way arrive: one virtual millisecond, several times, because
/// each message may cause another.
pub(crate) async fn settle() {
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

type Answers<M> = Box<dyn FnMut(&M) -> Option<<M as Message>::Result> + Send>;

/// An actor that records messages and answers them from a function; `None` never answers.
struct Recorder<M: Message> {
    received: Arc<Mutex<Vec<M>>>,
    answers: Answers<M>,
}

impl<M: Message + Unpin + 'static> Actor for Recorder<M> {
    type Context = Context<Self>;
}

/// An answer, or the promise of none.
struct Perhaps<M: Message>(Option<M::Result>);

impl<M> MessageResponse<Recorder<M>, M> for Perhaps<M>
where
    M: Message + Unpin + 'static,
{
    fn handle(self, _: &mut Context<Recorder<M>>, reply: Option<OneshotSender<M::Result>>) {
        match (self.0, reply) {
            (Some(answer), Some(reply)) => drop(reply.send(answer)),
            // Dropping the sender would be an answer of its own: "closed".
            (None, Some(reply)) => std::mem::forget(reply),
            (_, None) => {}
        }
    }
}

impl<M> Handler<M> for Recorder<M>
where
    M: Message + Clone + Unpin + 'static,
{
    type Result = Perhaps<M>;

    fn handle(&mut self, message: M, _: &mut Context<Self>) -> Perhaps<M> {
        let answer = (self.answers)(&message);
        self.received.lock().unwrap().push(message);
        Perhaps(answer)
    }
}

/// A neighbour of the actor under test.
pub(crate) struct Probe<M: Message + Send + 'static>
where
    M::Result: Send,
{
    pub(crate) recipient: Recipient<M>,
    received: Arc<Mutex<Vec<M>>>,
}

impl<M> Probe<M>
where
    M: Message + Clone + Send + Unpin + 'static,
    M::Result: Send,
{
    /// Answers every message with what `answers` says; `None` keeps the asker waiting.
    pub(crate) fn answering(answers: impl FnMut(&M) -> Option<M::Result> + Send + 'static) -> Self {
        let received = Arc::new(Mutex::new(Vec::new()));
        let recorder = Recorder { received: Arc::clone(&received), answers: Box::new(answers) };
        Self { recipient: recorder.start().recipient(), received }
    }

    /// Takes what has arrived so far.
    pub(crate) fn take(&self) -> Vec<M> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

impl<M> Probe<M>
where
    M: Message<Result = ()> + Clone + Send + Unpin + 'static,
{
    /// Takes facts, which need no answer.
    pub(crate) fn new() -> Self {
        Self::answering(|_| Some(()))
    }
}

/// Values for tests.
pub(crate) mod samples {
    use std::sync::Arc;

    use crate::domain::ledger::{
        ConsensusJob, Hold, PendingTransaction, Position, SharedViews, Snapshot,
    };
    use crate::domain::{
        Address, Amount, Bytes, Code, Moment, Payload, PayloadKind, Phase, Stake, Timestamp,
        Transaction, TransactionRules, TxHash, Validator,
    };

    pub(crate) const CONTRACT: Address = Address::new([3; 20]);

    pub(crate) fn hash(number: u8) -> TxHash {
        TxHash::new([number; 32])
    }

    /// A call that waits at place `number` of the queue of [`CONTRACT`].
    pub(crate) fn pending(number: u8) -> PendingTransaction {
        PendingTransaction {
            position: Position(i64::from(number)),
            hash: hash(number),
            queue: CONTRACT,
            kind: PayloadKind::Call,
        }
    }

    pub(crate) fn pending_transfer(number: u8) -> PendingTransaction {
        PendingTransaction { kind: PayloadKind::Transfer, ..pending(number) }
    }

    /// The job of deciding call number `number`, with five validators.
    pub(crate) fn job(number: u8, attempt: u32) -> ConsensusJob {
        let validator = |index: u8| Validator {
            address: Address::new([index; 20]),
            stake: Stake::try_from(1).unwrap(),
        };
        ConsensusJob {
            transaction: Arc::new(Transaction {
                hash: hash(number),
                from: Some(Address::new([9; 20])),
                to: Some(CONTRACT),
                value: Amount::ZERO,
                payload: Payload::Call { calldata: Bytes::from_static(&[6]) },
                nonce: 0,
                rules: TransactionRules::default(),
            }),
            submitted_at: Timestamp::default(),
            contract_now: Moment::default(),
            attempt,
            phase: Phase::Initial,
            past: Vec::new(),
            receipt: None,
            origin: Address::new([9; 20]),
            contract: CONTRACT,
            contract_balance: Amount::ZERO,
            code: Some(Code::new(Bytes::from_static(b"pass"))),
            snapshot: Snapshot::default(),
            overlay: Arc::default(),
            validators: Arc::new((10..15).map(validator).collect()),
            models: Arc::default(),
            views: SharedViews::default(),
            hold: Hold::default(),
        }
    }
}
