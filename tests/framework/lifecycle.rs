//! Panics, restarts, ends.

use super::*;

#[test]
fn p2_a_supervisor_does_not_restart_after_a_panic() {
    paused(|| async {
        let log = Log::default();
        let scribe = Scribe::new(&log);
        let address = Supervisor::start(|_| scribe);
        assert!(address.send(Panic).await.is_err());
        assert!(closed(&address).await);
        assert!(!address.connected());
        assert!(!log.take().contains("restarting"));
    });
}

#[test]
fn p3_a_supervisor_restarts_the_same_value_at_once() {
    paused(|| async {
        let log = Log::default();
        let scribe = Scribe::new(&log);
        let address = Supervisor::start(|_| scribe);
        address.send(Note(1)).await.unwrap();
        address.send(Stop).await.unwrap();
        assert_eq!(address.send(Note(2)).await, Ok(2), "the count of notes survived");
        assert_eq!(log.take(), "1 stopped restarting 2");
    });
}

#[test]
fn p5_a_panic_ends_a_sync_thread_for_good_while_the_address_looks_alive() {
    paused(|| async {
        let (address, gate) = Worker::start(2, &Log::default());
        drop(gate);
        assert!(address.send(Panic).await.is_err());
        assert_eq!(address.send(Note(1)).await, Ok(0), "the second thread still works");
        assert!(address.send(Panic).await.is_err());
        assert!(address.connected(), "until the next message finds nobody");
        assert!(closed(&address).await);
    });
}

#[test]
fn p11_an_actor_that_holds_its_own_address_never_stops() {
    paused(|| async {
        let log = Log::default();
        drop(Scribe::new(&log).start());
        sleep(HOUR).await;
        assert_eq!(log.take(), "stopped");
        let holder = Scribe::create(|ctx| {
            let own = ctx.address();
            ctx.run_later(48 * HOUR, move |_, _| drop(own));
            Scribe::new(&log)
        });
        drop(holder);
        sleep(HOUR).await;
        assert_eq!(log.take(), "");
    });
}

/// Stops while its answer is under way: as a free future, or as one of its own.
struct Leaver(Log);

impl Actor for Leaver {
    type Context = Context<Self>;
}

impl Handler<Note> for Leaver {
    type Result = ResponseFuture<usize>;
    fn handle(&mut self, _: Note, ctx: &mut Self::Context) -> Self::Result {
        ctx.stop();
        Box::pin(async {
            sleep(MILLISECOND).await;
            1
        })
    }
}

impl Handler<Stop> for Leaver {
    type Result = ResponseActFuture<Self, ()>;
    fn handle(&mut self, _: Stop, ctx: &mut Self::Context) -> Self::Result {
        ctx.stop();
        Box::pin(sleep(MILLISECOND).into_actor(self))
    }
}

/// Begins work that takes an hour.
#[derive(Message)]
#[rtype(result = "()")]
struct Begin;

impl Handler<Begin> for Leaver {
    type Result = ResponseActFuture<Self, ()>;
    fn handle(&mut self, _: Begin, _: &mut Self::Context) -> Self::Result {
        self.0.push("begun");
        Box::pin(sleep(HOUR).into_actor(self).map(|(), leaver, _| leaver.0.push("done")))
    }
}

#[test]
fn p12_a_response_future_outlives_its_actor_and_an_actor_future_does_not() {
    paused(|| async {
        assert_eq!(Leaver(Log::default()).start().send(Note(0)).await, Ok(1));
        assert!(matches!(
            Leaver(Log::default()).start().send(Stop).await,
            Err(MailboxError::Closed)
        ));
    });
}

#[test]
fn p13_a_panic_ends_one_actor_and_not_its_neighbours() {
    paused(|| async {
        let log = Log::default();
        let (victim, neighbour) = (Scribe::new(&log).start(), Scribe::new(&log).start());
        assert!(victim.send(Panic).await.is_err());
        assert!(closed(&victim).await);
        assert_eq!(neighbour.send(Note(1)).await, Ok(1));
    });
}

/// Sent by [`Watch`] when the actor that owns it ends.
#[derive(Message)]
#[rtype(result = "()")]
struct Ended {
    panicked: bool,
}

impl Handler<Ended> for Scribe {
    type Result = ();
    fn handle(&mut self, ended: Ended, _: &mut Self::Context) {
        self.log.push(if ended.panicked { "panicked" } else { "ended" });
    }
}

struct Watch(Recipient<Ended>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.do_send(Ended { panicked: std::thread::panicking() });
    }
}

struct Watched(Option<Watch>);

impl Actor for Watched {
    type Context = Context<Self>;
}

impl Handler<Panic> for Watched {
    type Result = ();
    fn handle(&mut self, _: Panic, _: &mut Self::Context) {
        assert!(self.0.is_none(), "on purpose");
    }
}

#[test]
fn p15_a_field_that_reports_when_dropped_tells_panics_from_clean_ends() {
    paused(|| async {
        let log = Log::default();
        let parent = Scribe::new(&log).start();
        let child = || Watched(Some(Watch(parent.clone().recipient()))).start();
        assert!(child().send(Panic).await.is_err());
        sleep(MILLISECOND).await;
        assert_eq!(log.take(), "panicked");
        drop(child());
        sleep(MILLISECOND).await;
        assert_eq!(log.take(), "ended");
    });
}

#[test]
fn p19_a_panic_caught_inside_a_sync_handler_keeps_the_thread() {
    paused(|| async {
        let log = Log::default();
        let (address, _shut) = Worker::start(1, &log);
        address.send(Stop).await.unwrap();
        address.send(Note(1)).await.unwrap();
        assert_eq!(log.take(), "caught 1");
    });
}

#[test]
fn p26_stopping_the_system_abandons_work_in_flight() {
    let log = Log::default();
    let system = System::new();
    system.block_on(async {
        let address = Leaver(log.clone()).start();
        address.do_send(Begin);
        yield_now().await;
        yield_now().await;
        System::current().stop();
    });
    system.run().unwrap();
    assert_eq!(log.take(), "begun");
}

/// Panics while it handles a message, and once more when it is stopped by that panic.
struct Twice;

impl Actor for Twice {
    type Context = Context<Self>;
    fn stopped(&mut self, _: &mut Self::Context) {
        panic!("on purpose, again");
    }
}

impl Handler<Panic> for Twice {
    type Result = ();
    fn handle(&mut self, _: Panic, _: &mut Self::Context) {
        panic!("on purpose");
    }
}

#[test]
fn p30_a_panic_in_stopped_while_unwinding_aborts_the_process() {
    use std::os::unix::process::ExitStatusExt;
    const CHILD: &str = "AGORA_FRAMEWORK_PANIC_TWICE";
    // The test runs itself in a process of its own, which is the one to die.
    if std::env::var_os(CHILD).is_some() {
        return paused(|| async {
            let _closed = Twice.start().send(Panic).await;
        });
    }
    let name = "lifecycle::p30_a_panic_in_stopped_while_unwinding_aborts_the_process";
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert_eq!(child.status.signal(), Some(6), "{child:?}");
}
