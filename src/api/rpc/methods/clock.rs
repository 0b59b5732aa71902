//! The network's clock and the finality window.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::super::answer::{Answer, RpcError};
use super::super::definition::Kind::{Integer, Text};
use super::super::definition::{Args, Caller, Definition, may, needs};
use super::super::views;
use crate::domain::{ClockChange, Timestamp};

pub(super) const METHODS: &[Definition] = &[
    Definition::new(
        "sim_getFinalityWindowTime",
        "How long a decision can be appealed.",
        &[],
        "whole seconds",
        |caller, _| {
            Box::pin(
                async move { Ok(json!(caller.api.handles.finality_window().await?.as_secs())) },
            )
        },
    ),
    Definition::new(
        "sim_setFinalityWindowTime",
        "Changes how long a decision can be appealed, also for those that are not final yet.",
        &[needs("time", Integer).or("seconds"), may("admin_key", Text)],
        "null",
        |caller, args| Box::pin(set_window(caller, args)),
    )
    .admin(),
    Definition::new(
        "sim_increaseTime",
        "Advances the network's clock.",
        &[needs("seconds", Integer), may("admin_key", Text)],
        "the instant it shows, in seconds since 1970",
        |caller, args| Box::pin(increase(caller, args)),
    )
    .admin()
    .differs("absent there"),
    Definition::new(
        "sim_setTime",
        "Sets the network's clock to a later instant.",
        &[needs("timestamp", Integer), may("admin_key", Text)],
        "the instant it shows, in seconds since 1970",
        |caller, args| Box::pin(set(caller, args)),
    )
    .admin()
    .differs("absent there"),
];

/// The longest window: as over REST, a year.
const WINDOW_SECS_MAX: u64 = 31_536_000;

fn bounded(args: &Args, name: &str, most: u64, valid: &str) -> Result<u64, RpcError> {
    let given = args.required(name, args.integer(name)?)?;
    if given <= most { Ok(given) } else { Err(RpcError::invalid(name, &given.to_string(), valid)) }
}

async fn set_window(caller: Caller, args: Args) -> Answer {
    let valid = "whole seconds from 0 to 31536000";
    let seconds = bounded(&args, "time", WINDOW_SECS_MAX, valid)?;
    caller.api.handles.change_finality_window(Duration::from_secs(seconds)).await?;
    caller.api.rpc.announce("finality_window_time_updated", json!({ "time": seconds }));
    Ok(Json::Null)
}

async fn increase(caller: Caller, args: Args) -> Answer {
    let valid = "whole seconds up to the year 9999";
    let most = Timestamp::LAST.as_millis().unsigned_abs() / 1_000;
    let seconds = bounded(&args, "seconds", most, valid)?;
    turn(&caller, ClockChange::Advance(Duration::from_secs(seconds))).await
}

async fn set(caller: Caller, args: Args) -> Answer {
    let valid = "seconds since 1970, up to the year 9999";
    let most = Timestamp::LAST.as_millis() / 1_000;
    let seconds = bounded(&args, "timestamp", most.unsigned_abs(), valid)?;
    let millis = i64::try_from(seconds).unwrap_or(most).saturating_mul(1_000);
    turn(&caller, ClockChange::Set(Timestamp::from_millis(millis))).await
}

async fn turn(caller: &Caller, change: ClockChange) -> Answer {
    let reading = caller.api.handles.change_clock(change).await?;
    Ok(json!(views::seconds(reading.now)))
}
