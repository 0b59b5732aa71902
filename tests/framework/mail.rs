//! Mailboxes: what bounds them, what loses mail and in which order it is handled.

use super::*;

#[test]
fn p1_mailbox_capacity_bounds_each_sender_but_not_the_mailbox() {
    paused(|| async {
        let mut context = Context::<Scribe>::new();
        context.set_mailbox_capacity(2);
        let address = context.run(Scribe::new(&Log::default()));
        sleep(MILLISECOND).await;
        let of_one = (0..100).filter(|n| address.try_send(Note(*n)).is_ok()).count();
        sleep(MILLISECOND).await;
        let of_clones = (0..100).filter(|n| address.clone().try_send(Note(*n)).is_ok()).count();
        assert!(of_one < 5, "one handle got {of_one} messages in");
        assert_eq!(of_clones, 100);
    });
}

#[test]
fn p4_dropping_a_request_cancels_mail_not_yet_handled() {
    paused(|| async {
        let log = Log::default();
        let address = Scribe::new(&log).start();
        drop(address.send(Note(1)));
        address.do_send(Note(2));
        sleep(MILLISECOND).await;
        assert_eq!(log.take(), "2");
    });
}

#[test]
fn p6_the_queue_of_a_sync_arbiter_has_no_limit() {
    paused(|| async {
        let (address, _shut) = Worker::start(1, &Log::default());
        assert_eq!((0..10_000).filter(|_| address.try_send(Note(0)).is_ok()).count(), 10_000);
    });
}

#[test]
fn p14_an_actor_that_notifies_itself_starves_the_whole_thread() {
    paused(|| async {
        let log = Log::default();
        let to = log.clone();
        let address = Scripted::start(move |left: u64, ctx: &mut Context<Scripted>| {
            match left.checked_sub(1) {
                Some(left) => ctx.notify(Note(left)),
                None => to.push("done"),
            }
        });
        address.do_send(Note(50_000));
        yield_now().await;
        yield_now().await;
        assert_eq!(log.take(), "done", "we got a turn only after 50 000 messages");
    });
}

#[test]
fn p16_notifications_are_out_of_order_and_mail_to_oneself_is_in_order() {
    paused(|| async {
        let log = Log::default();
        let address = Scribe::create(|ctx| {
            (0..6).for_each(|n| ctx.notify(Note(n)));
            Scribe::new(&log)
        });
        sleep(MILLISECOND).await;
        assert_eq!(log.take(), "0 5 4 3 2 1");
        (0..6).for_each(|n| address.do_send(Note(n)));
        sleep(MILLISECOND).await;
        assert_eq!(log.take(), "0 1 2 3 4 5");
    });
}

/// Begins at once and ends later: the first note last.
struct Overlapping(Log);

impl Actor for Overlapping {
    type Context = Context<Self>;
}

impl Handler<Note> for Overlapping {
    type Result = ResponseActFuture<Self, usize>;
    fn handle(&mut self, note: Note, _: &mut Self::Context) -> Self::Result {
        self.0.push(&format!("begin{}", note.0));
        let pause = sleep(Duration::from_secs(10 - note.0)).into_actor(self);
        Box::pin(pause.map(move |(), actor, _| {
            actor.0.push(&format!("end{}", note.0));
            0
        }))
    }
}

#[test]
fn p20_handlers_that_answer_with_an_actor_future_overlap() {
    paused(|| async {
        let log = Log::default();
        let address = Overlapping(log.clone()).start();
        (0..3).for_each(|n| address.do_send(Note(n)));
        sleep(HOUR).await;
        assert_eq!(log.take(), "begin0 begin1 begin2 end2 end1 end0");
    });
}

#[test]
fn p21_stopping_drops_the_mail_behind_the_message_that_stops() {
    paused(|| async {
        let log = Log::default();
        let address = Scribe::new(&log).start();
        address.do_send(Note(1));
        address.do_send(Stop);
        address.do_send(Note(2));
        sleep(MILLISECOND).await;
        assert_eq!(log.take(), "1 stopped");
    });
}

#[test]
fn p22_two_sync_threads_finish_mail_out_of_order() {
    let log = Log::default();
    paused(|| async {
        let (address, opener) = Worker::start(2, &log);
        let first = address.send(Note(0));
        address.send(Note(1)).await.unwrap();
        drop(opener);
        first.await.unwrap();
    });
    assert_eq!(log.take(), "1 0");
}

#[test]
fn p27_a_request_that_timed_out_before_it_was_handled_is_never_handled() {
    paused(|| async {
        let log = Log::default();
        let address = clock::Busy(log.clone()).start();
        address.do_send(Note(1));
        let answer = address.send(Note(2)).timeout(MILLISECOND).await;
        assert!(matches!(answer, Err(MailboxError::Timeout)));
        sleep(HOUR).await;
        assert_eq!(log.take(), "1 timer");
    });
}

#[test]
fn mail_to_a_stopped_actor_vanishes_without_a_word() {
    paused(|| async {
        let log = Log::default();
        let address = Scribe::new(&log).start();
        address.send(Stop).await.unwrap();
        sleep(MILLISECOND).await;
        address.do_send(Note(1));
        sleep(MILLISECOND).await;
        assert_eq!(log.take(), "stopped");
        assert!(!address.connected(), "the only way to know");
    });
}
