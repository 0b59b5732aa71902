//! The upper bound: the same message pattern with nothing behind it, and with one shared-commit row.

use std::sync::mpsc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, ActorFutureExt, Addr, AsyncContext, Context, Handler, Message, Recipient,
    WrapFuture,
};
use diesel::connection::SimpleConnection;
use diesel::{Connection as _, RunQueryDsl, SqliteConnection};
use futures_util::future::join_all;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::measure::{Figures, Measurement};

#[derive(Message)]
#[rtype(result = "()")]
struct Propose;

#[derive(Message)]
#[rtype(result = "()")]
struct Voted;

/// A node that answers as soon as it starts.
struct Node {
    leads: bool,
    proposed: Recipient<Propose>,
    voted: Recipient<Voted>,
}

impl Actor for Node {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if self.leads {
            self.proposed.do_send(Propose);
        } else {
            self.voted.do_send(Voted);
        }
        ctx.stop();
    }
}

struct Consensus {
    votes: u8,
    store: Option<mpsc::Sender<oneshot::Sender<()>>>,
    done: Option<oneshot::Sender<()>>,
}

impl Consensus {
    fn node(leads: bool, ctx: &mut Context<Self>) {
        let (proposed, voted) = (ctx.address().recipient(), ctx.address().recipient());
        Node { leads, proposed, voted }.start();
    }

    fn finish(&mut self, ctx: &mut Context<Self>) {
        if let Some(done) = self.done.take() {
            let _gone = done.send(());
        }
        ctx.stop();
    }
}

impl Actor for Consensus {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        Self::node(true, ctx);
    }
}

impl Handler<Propose> for Consensus {
    type Result = ();

    fn handle(&mut self, _: Propose, ctx: &mut Context<Self>) {
        (0..5).for_each(|_| Self::node(false, ctx));
    }
}

impl Handler<Voted> for Consensus {
    type Result = ();

    fn handle(&mut self, _: Voted, ctx: &mut Context<Self>) {
        self.votes += 1;
        if self.votes < 5 {
            return;
        }
        let Some(store) = &self.store else { return self.finish(ctx) };
        let (reply, answer) = oneshot::channel();
        store.send(reply).unwrap();
        ctx.wait(answer.into_actor(self).map(|_, this, ctx| this.finish(ctx)));
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Run(oneshot::Sender<()>);

struct Queue {
    store: Option<mpsc::Sender<oneshot::Sender<()>>>,
}

impl Actor for Queue {
    type Context = Context<Self>;
}

impl Handler<Run> for Queue {
    type Result = ();

    fn handle(&mut self, message: Run, _: &mut Context<Self>) {
        Consensus { votes: 0, store: self.store.clone(), done: Some(message.0) }.start();
    }
}

async fn drive(queue: Addr<Queue>, count: usize, in_flight: usize) -> Vec<Duration> {
    let clients = (0..in_flight).map(|_| {
        let queue = queue.clone();
        async move {
            let mut latencies = Vec::new();
            for _ in 0..count / in_flight {
                let (done, waiting) = oneshot::channel();
                let started = Instant::now();
                queue.do_send(Run(done));
                waiting.await.unwrap();
                latencies.push(started.elapsed());
            }
            latencies
        }
    });
    join_all(clients).await.concat()
}

/// The message pattern alone.
pub(crate) fn messages_only(count: usize) -> Figures {
    actix::System::new().block_on(async move {
        let queue = Queue { store: None }.start();
        let measurement = Measurement::start();
        let latencies = drive(queue, count, 64).await;
        measurement.end(latencies.len(), latencies)
    })
}

/// The message pattern and one row per transaction; rows that wait share a commit.
pub(crate) fn with_shared_commits(count: usize, in_flight: usize) -> Figures {
    actix::System::new().block_on(async move {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("toy.sqlite").display().to_string();
        let mut conn = SqliteConnection::establish(&path).unwrap();
        conn.batch_execute(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE toy (id INTEGER PRIMARY KEY, body TEXT);",
        )
        .unwrap();
        let (sender, receiver) = mpsc::channel::<oneshot::Sender<()>>();
        let writer = std::thread::spawn(move || {
            while let Ok(first) = receiver.recv() {
                let waiting: Vec<_> = std::iter::once(first).chain(receiver.try_iter()).collect();
                conn.transaction::<_, diesel::result::Error, _>(|conn| {
                    for _ in &waiting {
                        diesel::sql_query("INSERT INTO toy (body) VALUES ('accepted by five of five')")
                            .execute(conn)?;
                    }
                    Ok(())
                })
                .unwrap();
                for reply in waiting {
                    let _gone = reply.send(());
                }
            }
        });
        let queue = Queue { store: Some(sender) }.start();
        let measurement = Measurement::start();
        let latencies = drive(queue.clone(), count, in_flight).await;
        let figures = measurement.end(latencies.len(), latencies);
        drop(queue);
        let _detached = writer;
        figures
    })
}
