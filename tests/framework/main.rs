//! What we rely on in actix and tokio, as tests: an upgrade that changes one of these facts fails
//! here, by name, before it changes the network's behaviour. `P<n>` is the number of the pitfall in
//! ARCHITECTURE.md. Clocks are paused: no test waits for real time.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    reason = "these tests show what `do_send`, `System::stop` and panics do"
)]

mod clock;
mod lifecycle;
mod mail;

use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::prelude::*;
use actix_rt::task::yield_now;
use tokio::time::{sleep, timeout};

const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_hours(1);

/// Runs a future in an actor system whose clock stands still while anything can run, and jumps to
/// the next timer when nothing can.
fn paused<F: Future>(test: impl FnOnce() -> F) -> F::Output {
    let system = System::with_tokio_rt(|| {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap_or_else(|error| unreachable!("no runtime: {error}"))
    });
    system.block_on(async { test().await })
}

/// What happened, in order; shared between a test and its actors.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn push<L: ToString + ?Sized>(&self, line: &L) {
        // A panicking actor may have poisoned the lock; what it wrote before is still true.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line.to_string());
    }

    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).join(" ")
    }
}

/// Notes its number, and answers with how many notes its receiver has taken.
#[derive(Message)]
#[rtype(result = "usize")]
struct Note(u64);

#[derive(Message)]
#[rtype(result = "()")]
struct Panic;

#[derive(Message)]
#[rtype(result = "()")]
struct Stop;

/// The plain actor most tests need: writes down its life.
struct Scribe {
    log: Log,
    notes: usize,
}

impl Scribe {
    fn new(log: &Log) -> Self {
        Self { log: log.clone(), notes: 0 }
    }
}

impl Actor for Scribe {
    type Context = Context<Self>;
    fn stopped(&mut self, _: &mut Self::Context) {
        self.log.push("stopped");
    }
}

impl Supervised for Scribe {
    fn restarting(&mut self, _: &mut Self::Context) {
        self.log.push("restarting");
    }
}

impl Handler<Note> for Scribe {
    type Result = usize;
    fn handle(&mut self, note: Note, _: &mut Self::Context) -> usize {
        self.log.push(&note.0);
        self.notes += 1;
        self.notes
    }
}

impl Handler<Panic> for Scribe {
    type Result = ();
    fn handle(&mut self, _: Panic, _: &mut Self::Context) {
        panic!("on purpose");
    }
}

impl Handler<Stop> for Scribe {
    type Result = ();
    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

/// What a [`Scripted`] actor does with a note.
type Script = Box<dyn FnMut(u64, &mut Context<Scripted>)>;

/// Does something with its context when told to; for tests about one method of the context.
struct Scripted(Script);

impl Scripted {
    fn start(script: impl FnMut(u64, &mut Context<Self>) + 'static) -> Addr<Self> {
        Actor::start(Self(Box::new(script)))
    }
}

impl Actor for Scripted {
    type Context = Context<Self>;
}

impl Handler<Note> for Scripted {
    type Result = usize;
    fn handle(&mut self, note: Note, ctx: &mut Self::Context) -> usize {
        (self.0)(note.0, ctx);
        0
    }
}

/// An actor on a thread of its own: waits for the gate before each note, panics when told to.
struct Worker {
    log: Log,
    gate: Arc<Mutex<Receiver<()>>>,
}

impl Worker {
    /// Starts `threads` of them behind a gate that opens once per message sent into it.
    fn start(threads: usize, log: &Log) -> (Addr<Self>, Sender<()>) {
        let (opener, gate) = channel();
        let (log, gate) = (log.clone(), Arc::new(Mutex::new(gate)));
        let new = move || Self { log: log.clone(), gate: Arc::clone(&gate) };
        (SyncArbiter::start(threads, new), opener)
    }
}

impl Actor for Worker {
    type Context = SyncContext<Self>;
}

impl Handler<Note> for Worker {
    type Result = usize;
    fn handle(&mut self, note: Note, _: &mut Self::Context) -> usize {
        // Only even notes wait; a closed gate is an open one.
        if note.0.is_multiple_of(2) {
            let _open_or_closed = self.gate.lock().map(|gate| gate.recv());
        }
        self.log.push(&note.0);
        0
    }
}

impl Handler<Panic> for Worker {
    type Result = ();
    fn handle(&mut self, _: Panic, _: &mut Self::Context) {
        panic!("on purpose");
    }
}

impl Handler<Stop> for Worker {
    type Result = ();
    fn handle(&mut self, _: Stop, _: &mut Self::Context) {
        let caught = catch_unwind(|| panic!("on purpose"));
        self.log.push(if caught.is_err() { "caught" } else { "missed" });
    }
}

async fn closed<A>(address: &Addr<A>) -> bool
where
    A: Handler<Note>,
    A::Context: ToEnvelope<A, Note>,
{
    matches!(address.send(Note(0)).await, Err(MailboxError::Closed))
}
