//! The crawler between probes of the store and of the queues.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Addr};

use super::crawler::{Crawler, QueuePort, SpawnQueue};
use super::messages::{
    Drain, Enqueue, EnqueueRejected, Enqueued, ListPending, LookAgain, QueueHasRoom, QueueIdle,
    WakeUp,
};
use super::supervision::Terminated;
use super::tell;
use super::testing::samples::pending;
use super::testing::{Probe, paused, settle};
use crate::domain::Address;
use crate::domain::ledger::{PendingTransaction, Position, StoreError};

/// A store that holds these transactions as PENDING.
#[derive(Clone, Default)]
struct Waiting(Arc<Mutex<BTreeMap<Position, PendingTransaction>>>);

impl Waiting {
    fn add(&self, number: u8, queue: u8) {
        let transaction =
            PendingTransaction { queue: Address::new([queue; 20]), ..pending(number) };
        self.0.lock().unwrap().insert(transaction.position, transaction);
    }

    fn list(&self, message: &ListPending) -> Vec<PendingTransaction> {
        let waiting = self.0.lock().unwrap();
        let fits = |transaction: &&PendingTransaction| {
            transaction.position > message.after
                && message.queue.is_none_or(|queue| queue == transaction.queue)
        };
        waiting.values().filter(fits).take(message.limit).copied().collect()
    }
}

/// Queues that record what they are offered and hold at most `room` each.
struct Queues {
    room: Arc<Mutex<usize>>,
    taken: Arc<Mutex<Vec<(u8, i64)>>>,
    started: Arc<Mutex<u32>>,
    probes: Mutex<Vec<Probe<Drain>>>,
}

impl std::fmt::Debug for Queues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Queues")
    }
}

impl SpawnQueue for Queues {
    fn spawn(&self, address: Address, _: &Addr<Crawler>) -> QueuePort {
        *self.started.lock().unwrap() += 1;
        let (room, taken) = (Arc::clone(&self.room), Arc::clone(&self.taken));
        let number = address.as_bytes()[0];
        let enqueue = Probe::answering(move |message: &Enqueue| {
            let mut room = room.lock().unwrap();
            let entry = (number, message.transaction.position.0);
            Some(if taken.lock().unwrap().contains(&entry) {
                Ok(Enqueued::AlreadyQueued)
            } else if *room == 0 {
                Err(EnqueueRejected::Full { capacity: 0 })
            } else {
                *room -= 1;
                taken.lock().unwrap().push(entry);
                Ok(Enqueued::Accepted { depth: 1 })
            })
        });
        let drain = Probe::new();
        let port = QueuePort { enqueue: enqueue.recipient.clone(), drain: drain.recipient.clone() };
        self.probes.lock().unwrap().push(drain);
        port
    }
}

struct Setting {
    crawler: Addr<Crawler>,
    waiting: Waiting,
    lists: Probe<ListPending>,
    queues: Arc<Queues>,
}

const INTERVAL: Duration = Duration::from_secs(5);

fn start_with(mut failures: usize, room: usize) -> Setting {
    let waiting = Waiting::default();
    let store = waiting.clone();
    let lists = Probe::answering(move |message| {
        if failures > 0 {
            failures -= 1;
            return Some(Err(StoreError::Closed));
        }
        Some(Ok(store.list(message)))
    });
    let queues = Arc::new(Queues {
        room: Arc::new(Mutex::new(room)),
        taken: Arc::default(),
        started: Arc::default(),
        probes: Mutex::default(),
    });
    let crawler = Crawler::new(lists.recipient.clone(), queues.clone(), 3, INTERVAL).start();
    Setting { crawler, waiting, lists, queues }
}

fn start() -> Setting {
    start_with(0, 100)
}

impl Setting {
    fn taken(&self) -> Vec<(u8, i64)> {
        self.queues.taken.lock().unwrap().clone()
    }

    fn tell<M>(&self, message: M)
    where
        M: actix::Message<Result = ()> + Send + 'static,
        Crawler: actix::Handler<M>,
    {
        tell(&self.crawler.clone().recipient(), message);
    }
}

#[test]
fn every_waiting_transaction_reaches_its_queue_once_and_in_order() {
    paused(|| async {
        let setting = start();
        for (number, queue) in [(1, 1), (2, 2), (3, 1), (4, 2), (5, 1), (6, 3), (7, 1)] {
            setting.waiting.add(number, queue);
        }
        settle().await;
        let of = |queue| setting.taken().into_iter().filter(move |entry| entry.0 == queue);
        assert!(of(1).map(|entry| entry.1).eq([1, 3, 5, 7]), "{:?}", setting.taken());
        assert!(of(2).map(|entry| entry.1).eq([2, 4]));
        assert!(of(3).map(|entry| entry.1).eq([6]));
        assert_eq!(*setting.queues.started.lock().unwrap(), 3);
    });
}

#[test]
fn a_wake_up_is_enough_and_a_lost_one_is_made_up_for_by_the_interval() {
    paused(|| async {
        let setting = start();
        settle().await;
        setting.waiting.add(1, 1);
        setting.tell(WakeUp);
        settle().await;
        assert_eq!(setting.taken(), [(1, 1)]);
        setting.waiting.add(2, 1);
        settle().await;
        assert_eq!(setting.taken().len(), 1, "nobody told it");
        tokio::time::sleep(INTERVAL).await;
        assert_eq!(setting.taken(), [(1, 1), (1, 2)]);
    });
}

#[test]
fn many_wake_ups_are_one_look() {
    paused(|| async {
        let setting = start();
        settle().await;
        setting.lists.take();
        for _ in 0..100 {
            setting.tell(WakeUp);
        }
        settle().await;
        assert!(setting.lists.take().len() <= 2, "one under way and one after it");
    });
}

#[test]
fn a_passed_transaction_is_not_read_again() {
    paused(|| async {
        let setting = start();
        setting.waiting.add(1, 1);
        settle().await;
        setting.lists.take();
        setting.tell(WakeUp);
        settle().await;
        assert_eq!(setting.lists.take()[0].after, Position(1));
    });
}

#[test]
fn a_full_queue_gets_the_rest_in_order_when_it_has_room() {
    paused(|| async {
        let setting = start_with(0, 2);
        for number in 1..=7 {
            setting.waiting.add(number, 1);
        }
        settle().await;
        assert_eq!(setting.taken(), [(1, 1), (1, 2)]);
        // Others are not held up by it.
        *setting.queues.room.lock().unwrap() = 100;
        setting.waiting.add(8, 2);
        setting.tell(WakeUp);
        settle().await;
        assert_eq!(setting.taken(), [(1, 1), (1, 2), (2, 8)]);
        setting.tell(QueueHasRoom { queue: Address::new([1; 20]) });
        settle().await;
        let first: Vec<_> = setting.taken().into_iter().filter(|entry| entry.0 == 1).collect();
        assert_eq!(first, (1..=7).map(|number| (1, number)).collect::<Vec<_>>());
        // It caught up, so new work reaches it the usual way.
        setting.waiting.add(9, 1);
        setting.tell(WakeUp);
        settle().await;
        assert_eq!(setting.taken().last(), Some(&(1, 9)));
    });
}

#[test]
fn work_that_returned_is_found_by_looking_again() {
    paused(|| async {
        let setting = start();
        setting.waiting.add(5, 1);
        settle().await;
        setting.waiting.add(2, 1);
        setting.tell(WakeUp);
        settle().await;
        assert_eq!(setting.taken(), [(1, 5)], "it lies before the cursor");
        setting.tell(LookAgain);
        settle().await;
        assert_eq!(setting.taken(), [(1, 5), (1, 2)]);
    });
}

#[test]
fn an_answer_from_before_a_rewind_does_not_move_the_cursor_on_again() {
    paused(|| async {
        let setting = start();
        setting.waiting.add(5, 1);
        settle().await;
        // A look is under way when the crawler is told to begin again: both are told at once.
        setting.waiting.add(2, 1);
        setting.waiting.add(6, 1);
        setting.tell(WakeUp);
        setting.tell(LookAgain);
        settle().await;
        let mut taken = setting.taken();
        taken.sort_unstable();
        assert_eq!(taken, [(1, 2), (1, 5), (1, 6)], "nothing before the cursor is left behind");
    });
}

#[test]
fn a_failing_store_is_asked_again_after_a_while() {
    paused(|| async {
        let setting = start_with(2, 100);
        setting.waiting.add(1, 1);
        settle().await;
        assert!(setting.taken().is_empty());
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(setting.taken(), [(1, 1)]);
    });
}

#[test]
fn an_idle_queue_is_let_go_unless_it_got_more_in_the_meantime() {
    paused(|| async {
        let setting = start();
        let queue = Address::new([1; 20]);
        setting.waiting.add(1, 1);
        settle().await;
        setting.tell(QueueIdle { queue, offered: 0 });
        setting.waiting.add(2, 1);
        setting.tell(WakeUp);
        settle().await;
        assert_eq!(*setting.queues.started.lock().unwrap(), 1, "it was not idle any more");
        setting.tell(QueueIdle { queue, offered: 2 });
        setting.waiting.add(3, 1);
        setting.tell(WakeUp);
        settle().await;
        assert_eq!(*setting.queues.started.lock().unwrap(), 2, "a fresh one takes new work");
    });
}

#[test]
fn what_a_panicked_queue_held_goes_to_its_successor() {
    paused(|| async {
        let setting = start();
        setting.waiting.add(1, 1);
        settle().await;
        setting.queues.taken.lock().unwrap().clear();
        setting.tell(Terminated { child: Address::new([1; 20]), panicked: true });
        settle().await;
        assert_eq!(setting.taken(), [(1, 1)]);
        assert_eq!(*setting.queues.started.lock().unwrap(), 2);
    });
}

#[test]
fn shutdown_drains_every_queue_and_looks_no_more() {
    paused(|| async {
        let setting = start();
        setting.waiting.add(1, 1);
        setting.waiting.add(2, 2);
        settle().await;
        setting.crawler.send(Drain).await.unwrap();
        let drained: usize =
            setting.queues.probes.lock().unwrap().iter().map(|probe| probe.take().len()).sum();
        assert_eq!(drained, 2);
        setting.lists.take();
        tokio::time::sleep(INTERVAL * 3).await;
        assert!(setting.lists.take().is_empty());
    });
}
