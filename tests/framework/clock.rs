//! The paused clock, timers and waiting.

use super::*;

#[test]
fn p7_p23_an_actors_timer_a_day_away_fires_on_the_paused_clock() {
    paused(|| async {
        let log = Log::default();
        let to = log.clone();
        let address = Scripted::start(move |_, ctx: &mut Context<Scripted>| {
            let to = to.clone();
            ctx.run_later(24 * HOUR, move |_, _| to.push("fired"));
        });
        address.send(Note(0)).await.unwrap();
        sleep(23 * HOUR).await;
        assert_eq!(log.take(), "");
        sleep(2 * HOUR).await;
        assert_eq!(log.take(), "fired");
    });
}

#[test]
fn p8_the_paused_clock_does_not_wait_for_a_sync_arbiter() {
    paused(|| async {
        let (address, _shut) = Worker::start(1, &Log::default());
        let answer = timeout(HOUR, address.send(Note(0))).await;
        assert!(answer.is_err(), "an hour passed in no time while the thread was busy");
    });
}

/// Answers after ten seconds during which it does nothing else.
pub(crate) struct Busy(pub(crate) Log);

impl Actor for Busy {
    type Context = Context<Self>;
}

impl Handler<Note> for Busy {
    type Result = AtomicResponse<Self, usize>;
    fn handle(&mut self, note: Note, ctx: &mut Self::Context) -> Self::Result {
        ctx.run_later(Duration::from_secs(1), |busy, _| busy.0.push("timer"));
        let pause = sleep(Duration::from_secs(10)).into_actor(self);
        AtomicResponse::new(Box::pin(pause.map(move |(), busy, _| {
            busy.0.push(&note.0);
            0
        })))
    }
}

#[test]
fn p10_waiting_freezes_the_actors_own_timers_and_mail() {
    paused(|| async {
        let log = Log::default();
        let address = Busy(log.clone()).start();
        address.do_send(Note(1));
        address.do_send(Note(2));
        sleep(Duration::from_secs(9)).await;
        assert_eq!(log.take(), "", "a timer was due after one second");
        sleep(Duration::from_secs(2)).await;
        assert_eq!(log.take(), "1 timer");
    });
}

#[test]
fn p17_the_same_actors_give_the_same_trace_every_time() {
    let trace = || {
        let log = Log::default();
        paused(|| async {
            let start = |n: u64| {
                let to = log.clone();
                let at_ten = move |_: u64, ctx: &mut Context<Scripted>| {
                    let to = to.clone();
                    ctx.run_later(Duration::from_secs(10), move |_, _| to.push(&n));
                };
                let address = Scripted::start(at_ten);
                address.do_send(Note(0));
                address
            };
            let _kept: Vec<_> = (0..16).map(start).collect();
            sleep(HOUR).await;
        });
        log.take()
    };
    let traces: BTreeSet<String> = (0..50).map(|_| trace()).collect();
    assert_eq!(traces.len(), 1, "{traces:?}");
}

/// Asks its peer before it answers, and does nothing else meanwhile.
struct Polite(Option<Recipient<Note>>);

impl Actor for Polite {
    type Context = Context<Self>;
}

impl Handler<Note> for Polite {
    type Result = AtomicResponse<Self, usize>;
    fn handle(&mut self, note: Note, _: &mut Self::Context) -> Self::Result {
        let peer = self.0.clone().filter(|_| note.0 > 0);
        let ask = async move {
            if let Some(peer) = peer {
                let _answer_or_closed = peer.send(Note(note.0 - 1)).await;
            }
            0
        };
        AtomicResponse::new(Box::pin(ask.into_actor(self)))
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Meet(Recipient<Note>);

impl Handler<Meet> for Polite {
    type Result = ();
    fn handle(&mut self, meet: Meet, _: &mut Self::Context) {
        self.0 = Some(meet.0);
    }
}

#[test]
fn p25_two_actors_that_wait_for_each_other_wait_for_ever() {
    paused(|| async {
        let one = Polite(None).start();
        let other = Polite(Some(one.clone().recipient())).start();
        one.send(Meet(other.clone().recipient())).await.unwrap();
        assert!(timeout(HOUR, one.send(Note(1))).await.is_ok(), "there and no further");
        assert!(timeout(HOUR, one.send(Note(2))).await.is_err(), "there and back");
    });
}

#[test]
fn p29_timers_with_one_deadline_fire_out_of_order_within_an_actor() {
    paused(|| async {
        let log = Log::default();
        let to = log.clone();
        let address = Scripted::start(move |_, ctx: &mut Context<Scripted>| {
            for n in 0..6 {
                let to = to.clone();
                ctx.run_later(MILLISECOND, move |_, _| to.push(&n));
            }
        });
        address.send(Note(0)).await.unwrap();
        sleep(HOUR).await;
        assert_eq!(log.take(), "0 5 4 3 2 1");
    });
}
