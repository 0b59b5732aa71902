//! The network's clock, and the window that is measured on it.

use std::time::Duration;

use actix::Message;

use crate::domain::ledger::StoreError;
use crate::domain::{ClockChange, ClockReading};

/// Turn the network's clock. Answered after it is durable, with what the clock then shows.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<ClockReading, StoreError>")]
pub struct ChangeClock(pub ClockChange);

/// The database is shared: follow what other processes did to the clock.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct FollowClock;

/// Read how long a decision can be appealed.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<Duration, StoreError>")]
pub struct GetFinalityWindow;

/// Change how long a decision can be appealed, also for those that are not final yet.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<(), StoreError>")]
pub struct ChangeFinalityWindow(pub Duration);

/// Open windows close at other instants now. To the finality actor.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct WindowsMoved;
