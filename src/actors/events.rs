//! The events actor: fans durable events out to whoever listens.

use std::sync::Arc;

use actix::{Actor, Context, Handler};
use tokio::sync::broadcast;

use super::messages::{EventStream, EventsCommitted, Subscribe};
use crate::domain::Event;

/// Fans durable events out to subscribers through one bounded ring; a subscriber that falls behind
/// the ring is told how many it missed and reads them from the store.
#[derive(Debug)]
pub struct Events {
    ring: broadcast::Sender<Arc<Event>>,
}

impl Events {
    /// A ring of `buffer` events.
    pub fn new(buffer: usize) -> Self {
        Self { ring: broadcast::Sender::new(buffer.max(1)) }
    }
}

impl Actor for Events {
    type Context = Context<Self>;
}

impl Handler<EventsCommitted> for Events {
    type Result = ();

    fn handle(&mut self, message: EventsCommitted, _: &mut Context<Self>) {
        if self.ring.receiver_count() == 0 {
            return;
        }
        for event in message.0 {
            // Nobody listening any more is fine.
            let _listeners = self.ring.send(Arc::new(event));
        }
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
