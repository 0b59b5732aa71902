//! The clock and the finality window: stored first, followed after.

use std::time::Duration;

use actix::{Context, Handler};

use super::{Answer, Store};
use crate::actors::messages::{ChangeClock, ChangeFinalityWindow, FollowClock, GetFinalityWindow};
use crate::domain::ledger::StoreError;
use crate::domain::{ClockReading, Profile};
use crate::storage;

impl Handler<ChangeClock> for Store {
    type Result = Answer<ClockReading>;

    fn handle(&mut self, message: ChangeClock, _: &mut Context<Self>) -> Self::Result {
        let (clock, hand) = (self.clock.clone(), self.clock.clone());
        let turned = self.writer.write(None, move |conn, ctx| {
            storage::clock_change_in_txn(conn, ctx, message.0, hand.pause())
        });
        Box::pin(async move {
            let turned = turned.await.map(|dial| clock.follow(dial));
            clock.go_on();
            turned.map(|()| clock.reading())
        })
    }
}

impl Handler<FollowClock> for Store {
    type Result = Answer<()>;

    fn handle(&mut self, _: FollowClock, _: &mut Context<Self>) -> Self::Result {
        let (clock, dial) = (self.clock.clone(), self.read(storage::clock_load));
        Box::pin(async move {
            clock.follow(dial.await?);
            Ok(())
        })
    }
}

impl Handler<GetFinalityWindow> for Store {
    type Result = Answer<Duration>;

    fn handle(&mut self, _: GetFinalityWindow, _: &mut Context<Self>) -> Self::Result {
        self.read(storage::finality_window_load)
    }
}

impl Handler<ChangeFinalityWindow> for Store {
    type Result = Answer<()>;

    fn handle(&mut self, message: ChangeFinalityWindow, _: &mut Context<Self>) -> Self::Result {
        let (window, profile) = (message.0, self.settings.profile);
        if profile == Profile::Origin {
            return Box::pin(async move { Err(StoreError::NoFinalityWindow(profile)) });
        }
        Box::pin(
            self.writer.write(None, move |conn, ctx| {
                storage::finality_window_set_in_txn(conn, ctx, window)
            }),
        )
    }
}
