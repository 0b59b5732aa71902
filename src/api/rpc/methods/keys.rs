//! Keys that give clients a rate of their own, where rates are limited.

use serde_json::{Value as Json, json};

use super::super::answer::{Answer, RpcError};
use super::super::definition::Kind::{Integer, Text};
use super::super::definition::{Args, Caller, Definition, may, needs};
use crate::domain::{ApiKey, Tier, TierRecord};

/// Characters of a tier's name or a key's description, at most.
const TEXT_CHARS_MAX: usize = 255;

pub(super) const METHODS: &[Definition] = &[
    Definition::new(
        "admin_createTier",
        "Makes a tier: how many requests may be made with a key of it.",
        &[
            needs("name", Text),
            needs("rate_limit_minute", Integer),
            needs("rate_limit_hour", Integer),
            needs("rate_limit_day", Integer),
            may("admin_key", Text),
        ],
        "the tier: `id`, `name` and its three rates",
        |caller, args| Box::pin(create_tier(caller, args)),
    )
    .admin()
    .differs("open where access is"),
    Definition::new(
        "admin_listTiers",
        "Every tier; `free`, `pro` and `unlimited` are there from the start.",
        &[may("admin_key", Text)],
        "an array of tiers",
        |caller, _| Box::pin(list_tiers(caller)),
    )
    .admin()
    .differs("open where access is"),
    Definition::new(
        "admin_createApiKey",
        "Gives out a key. Who sends it as the header X-API-Key has the rate of its tier instead of that of an address, where `requests_per_second` limits those.",
        &[needs("tier_name", Text), may("description", Text), may("admin_key", Text)],
        "an object with `api_key`, told this once, `key_prefix`, `tier` and `description`",
        |caller, args| Box::pin(create_key(caller, args)),
    )
    .admin()
    .differs("open where access is; no two keys have the same prefix, so that none is taken away for another"),
    Definition::new(
        "admin_deactivateApiKey",
        "Takes a key away.",
        &[needs("key_prefix", Text), may("admin_key", Text)],
        "an object with `key_prefix` and `status`",
        |caller, args| Box::pin(delete_key(caller, args)),
    )
    .admin()
    .differs("open where access is; every process of the network knows within five seconds"),
];

fn view(record: &TierRecord) -> Json {
    let TierRecord { id, tier } = record;
    json!({
        "id": id,
        "name": tier.name,
        "rate_limit_minute": tier.per_minute,
        "rate_limit_hour": tier.per_hour,
        "rate_limit_day": tier.per_day,
    })
}

async fn create_tier(caller: Caller, args: Args) -> Answer {
    let tier = Tier {
        name: text(&args, "name")?,
        per_minute: rate(&args, "rate_limit_minute")?,
        per_hour: rate(&args, "rate_limit_hour")?,
        per_day: rate(&args, "rate_limit_day")?,
    };
    Ok(view(&caller.api.handles.create_tier(tier).await?))
}

async fn list_tiers(caller: Caller) -> Answer {
    let tiers = caller.api.handles.tiers().await?;
    Ok(tiers.iter().map(view).collect())
}

async fn create_key(caller: Caller, args: Args) -> Answer {
    let tier = text(&args, "tier_name")?;
    let description = match args.text("description")? {
        Some(_) => Some(text(&args, "description")?),
        None => None,
    };
    let key = caller.api.handles.create_api_key(&tier, description.clone()).await?;
    Ok(json!({
        "api_key": key.reveal(),
        "key_prefix": key.prefix(),
        "tier": tier,
        "description": description,
    }))
}

async fn delete_key(caller: Caller, args: Args) -> Answer {
    let prefix = text(&args, "key_prefix")?;
    if prefix.chars().count() != ApiKey::PREFIX_CHARS {
        // Without quoting it: somebody may have sent the whole key.
        let valid = format!("the first {} characters of a key", ApiKey::PREFIX_CHARS);
        let message = format!("Invalid parameter `key_prefix`: expected {valid}");
        let data = json!({ "parameter": "key_prefix", "valid": valid });
        return Err(RpcError::new(RpcError::INVALID_PARAMS, message).with(data));
    }
    caller.api.handles.delete_api_key(&prefix).await?;
    caller.api.rates.forget_keys();
    Ok(json!({ "key_prefix": prefix, "status": "deactivated" }))
}

fn text(args: &Args, name: &str) -> Result<String, RpcError> {
    let given = args.required(name, args.text(name)?)?;
    let is_valid = !given.trim().is_empty()
        && given.chars().count() <= TEXT_CHARS_MAX
        && !given.contains(char::is_control);
    if is_valid {
        return Ok(given);
    }
    let valid = format!("1 to {TEXT_CHARS_MAX} printable characters");
    Err(RpcError::invalid(name, &given, &valid))
}

fn rate(args: &Args, name: &str) -> Result<u32, RpcError> {
    let given = args.required(name, args.integer(name)?)?;
    let rate = u32::try_from(given).ok().filter(|rate| *rate > 0);
    rate.ok_or_else(|| {
        RpcError::invalid(name, &given.to_string(), &format!("an integer from 1 to {}", u32::MAX))
    })
}
