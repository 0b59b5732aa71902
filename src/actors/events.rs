//! The events actor: fans durable events out to whoever listens.

use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Recipient, ResponseActFuture, WrapFuture,
};
use tokio::sync::broadcast;

use super::messages::{EventsCommitted, FollowStore, GetLastCursor, ListEvents, Subscribe};
use crate::domain::Event;
use crate::domain::ledger::StoreError;

/// Pause between looks for events of other processes.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Events one look reads.
const LOOK_MAX: usize = 512;

/// A subscriber's end: events in order, and how many were missed by being too slow.
#[derive(Debug)]
pub struct EventStream(pub broadcast::Receiver<Arc<Event>>);

impl<A, M> actix::dev::MessageResponse<A, M> for EventStream
where
    A: Actor,
    M: actix::Message<Result = Self>,
{
    fn handle(self, _: &mut A::Context, reply: Option<actix::dev::OneshotSender<Self>>) {
        if let Some(reply) = reply {
            // A subscriber that left before the answer needs none.
            let _gone = reply.send(self);
        }
    }
}

/// Fans durable events out to subscribers through one bounded ring; a subscriber that falls behind
/// the ring is told how many it missed and reads them from the store.
///
/// On a database of its own the writer tells every event. On a shared one other processes write
/// events too, so all of them are read back from the store, which keeps their one order; the
/// writer's word is then only a reason to look at once.
#[derive(Debug)]
pub struct Events {
    ring: broadcast::Sender<Arc<Event>>,
    shared: Option<Shared>,
}

/// How far a shared database was read.
#[derive(Debug)]
struct Shared {
    store: Recipient<ListEvents>,
    /// The last event published.
    cursor: i64,
    looking: bool,
    again: bool,
}

impl Events {
    /// A ring of `buffer` events.
    pub fn new(buffer: usize) -> Self {
        Self { ring: broadcast::Sender::new(buffer.max(1)), shared: None }
    }

    fn publish(&self, events: Vec<Event>) {
        if self.ring.receiver_count() == 0 {
            return;
        }
        for event in events {
            // Nobody listening any more is fine.
            let _listeners = self.ring.send(Arc::new(event));
        }
    }

    /// Reads what was stored since the last look, one look at a time.
    fn look(&mut self, ctx: &mut Context<Self>) {
        let Some(shared) = &mut self.shared else { return };
        if shared.looking {
            shared.again = true;
            return;
        }
        (shared.looking, shared.again) = (true, false);
        let answer = shared
            .store
            .send(ListEvents { after: shared.cursor, limit: LOOK_MAX })
            .into_actor(self);
        ctx.spawn(answer.map(|answer, this, ctx| {
            this.found(answer.unwrap_or(Err(StoreError::Closed)), ctx);
        }));
    }

    fn found(&mut self, answer: Result<Vec<Event>, StoreError>, ctx: &mut Context<Self>) {
        let Some(shared) = &mut self.shared else { return };
        shared.looking = false;
        let events = match answer {
            Ok(events) => events,
            // The next look is soon enough.
            Err(error) => return log::warn!(target: "events", "cannot read events: {error}"),
        };
        let again = shared.again || events.len() >= LOOK_MAX;
        if let Some(last) = events.last() {
            shared.cursor = last.cursor;
        }
        self.publish(events);
        if again {
            self.look(ctx);
        }
    }
}

impl Actor for Events {
    type Context = Context<Self>;
}

impl Handler<EventsCommitted> for Events {
    type Result = ();

    fn handle(&mut self, message: EventsCommitted, ctx: &mut Context<Self>) {
        if self.shared.is_some() {
            self.look(ctx);
        } else {
            self.publish(message.0);
        }
    }
}

impl Handler<FollowStore> for Events {
    type Result = ResponseActFuture<Self, Result<(), StoreError>>;

    fn handle(&mut self, message: FollowStore, _: &mut Context<Self>) -> Self::Result {
        let answer = message.newest.send(GetLastCursor).into_actor(self);
        Box::pin(answer.map(move |answer, this, ctx| {
            let cursor = answer.unwrap_or(Err(StoreError::Closed))?;
            let store = message.events;
            this.shared = Some(Shared { store, cursor, looking: false, again: false });
            ctx.run_interval(LOOK_INTERVAL, Self::look);
            Ok(())
        }))
    }
}

impl Handler<Subscribe> for Events {
    type Result = EventStream;

    fn handle(&mut self, _: Subscribe, _: &mut Context<Self>) -> EventStream {
        EventStream(self.ring.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Address, EventKind, Timestamp, TxHash};

    fn event(cursor: i64) -> Event {
        Event {
            cursor,
            at: Timestamp::default(),
            transaction: TxHash::new([1; 32]),
            address: Address::ZERO,
            kind: EventKind::TransactionSubmitted,
        }
    }

    #[actix::test]
    async fn a_subscriber_gets_later_events_in_order() {
        let events = Events::new(8).start();
        events.send(EventsCommitted(vec![event(1)])).await.unwrap();
        let mut stream = events.send(Subscribe).await.unwrap().0;
        events.send(EventsCommitted(vec![event(2), event(3)])).await.unwrap();
        assert_eq!(stream.recv().await.unwrap().cursor, 2);
        assert_eq!(stream.recv().await.unwrap().cursor, 3);
    }

    #[test]
    fn on_a_shared_database_events_of_other_processes_are_published_in_order() {
        use crate::actors::testing::{Probe, paused};
        use std::sync::Mutex;
        paused(|| async {
            let stored = Arc::new(Mutex::new(vec![event(1)]));
            let rows = Arc::clone(&stored);
            let reads = Probe::answering(move |message: &ListEvents| {
                let rows = rows.lock().unwrap();
                Some(Ok(rows.iter().filter(|row| row.cursor > message.after).cloned().collect()))
            });
            let newest = Probe::answering(|_: &GetLastCursor| Some(Ok(1)));
            let events = Events::new(8).start();
            let follow = FollowStore { events: reads.recipient, newest: newest.recipient };
            events.send(follow).await.unwrap().unwrap();
            let mut stream = events.send(Subscribe).await.unwrap().0;
            // One of ours and, before it, one of another process, of which only the store knows.
            stored.lock().unwrap().extend([event(2), event(3)]);
            events.send(EventsCommitted(vec![event(3)])).await.unwrap();
            assert_eq!(stream.recv().await.unwrap().cursor, 2, "nothing before the start");
            assert_eq!(stream.recv().await.unwrap().cursor, 3);
            stored.lock().unwrap().push(event(4));
            let later = tokio::time::timeout(LOOK_INTERVAL * 2, stream.recv()).await;
            assert_eq!(later.unwrap().unwrap().cursor, 4, "without a word from the writer");
        });
    }

    #[actix::test]
    async fn a_slow_subscriber_learns_how_many_it_missed() {
        let events = Events::new(2).start();
        let mut stream = events.send(Subscribe).await.unwrap().0;
        events.send(EventsCommitted((1..=5).map(event).collect())).await.unwrap();
        let missed = stream.recv().await.unwrap_err();
        assert_eq!(missed, broadcast::error::RecvError::Lagged(3));
        assert_eq!(stream.recv().await.unwrap().cursor, 4);
    }
}
