//! The keys of clients: what is kept of them, and what is refused.

use agora::domain::ledger::StoreError;
use agora::domain::{ApiKey, NewApiKey, Tier};
use agora::storage;

use crate::harness::{Store, at};

on_both_databases!(
    tiers_are_kept_under_names_of_their_own,
    a_key_has_its_tier_until_it_is_taken_away,
    a_prefix_names_one_key,
    a_restore_does_not_bring_a_key_back,
);

fn tier(name: &str) -> Tier {
    Tier { name: name.into(), per_minute: 7, per_hour: 70, per_day: u32::MAX }
}

fn new_key(secret: u8, tier: &str) -> NewApiKey {
    let key = ApiKey::new([secret; 32]);
    NewApiKey {
        prefix: key.prefix().to_owned(),
        digest: ApiKey::digest_of(key.reveal()),
        tier: tier.to_owned(),
        description: None,
    }
}

fn give_out(store: &mut Store, key: &NewApiKey) {
    store.write(|conn, ctx| storage::api_key_create_in_txn(conn, ctx, key, at(1)));
}

fn tier_name(store: &mut Store, key: &NewApiKey) -> Option<String> {
    storage::api_key_tier(&mut store.conn, &key.digest).unwrap().map(|tier| tier.name)
}

fn refusal<R: std::fmt::Debug>(
    store: &mut Store,
    write: impl FnMut(&mut storage::Connection, &mut storage::BatchContext) -> Result<R, StoreError>,
) -> StoreError {
    store.try_write(write).unwrap_err()
}

fn tiers_are_kept_under_names_of_their_own(store: &mut Store) {
    let names = |store: &mut Store| -> Vec<String> {
        let tiers = storage::api_tier_list(&mut store.conn).unwrap();
        tiers.into_iter().map(|record| record.tier.name).collect()
    };
    assert_eq!(names(store), ["free", "pro", "unlimited"]);
    store.write(|conn, ctx| storage::api_tier_create_in_txn(conn, ctx, &tier("ci")).map(drop));
    assert_eq!(names(store), ["free", "pro", "unlimited", "ci"]);
    let kept = storage::api_tier_list(&mut store.conn).unwrap().pop().unwrap();
    assert_eq!((kept.id, kept.tier), (4, tier("ci")));
    let refused =
        refusal(store, |conn, ctx| storage::api_tier_create_in_txn(conn, ctx, &tier("ci")));
    assert_eq!(refused, StoreError::AlreadyExists { what: "tier", name: "ci".into() });
}

fn a_key_has_its_tier_until_it_is_taken_away(store: &mut Store) {
    let (mine, other) = (new_key(1, "free"), new_key(2, "pro"));
    assert_eq!(tier_name(store, &mine), None);
    give_out(store, &mine);
    give_out(store, &other);
    assert_eq!(tier_name(store, &mine).as_deref(), Some("free"));
    store.write(|conn, ctx| storage::api_key_delete_in_txn(conn, ctx, &mine.prefix));
    assert_eq!(tier_name(store, &mine), None);
    assert_eq!(tier_name(store, &other).as_deref(), Some("pro"), "the other stays");
    let refused =
        refusal(store, |conn, ctx| storage::api_key_delete_in_txn(conn, ctx, &mine.prefix));
    assert_eq!(refused, StoreError::NotFound { what: "key", name: "glk_0101".into() });
    let nowhere = new_key(3, "gold");
    let refused =
        refusal(store, |conn, ctx| storage::api_key_create_in_txn(conn, ctx, &nowhere, at(1)));
    assert_eq!(refused, StoreError::NotFound { what: "tier", name: "gold".into() });
}

fn a_prefix_names_one_key(store: &mut Store) {
    let first = new_key(1, "free");
    give_out(store, &first);
    let digest = ApiKey::digest_of("glk_0101, and then something else");
    let second = NewApiKey { digest, ..first };
    let refused =
        refusal(store, |conn, ctx| storage::api_key_create_in_txn(conn, ctx, &second, at(2)));
    assert_eq!(refused, StoreError::AlreadyExists { what: "key", name: "glk_0101".into() });
    assert_eq!(tier_name(store, &second), None);
}

fn a_restore_does_not_bring_a_key_back(store: &mut Store) {
    let key = new_key(1, "free");
    give_out(store, &key);
    let snapshot = store.snapshot();
    store.write(|conn, ctx| storage::api_key_delete_in_txn(conn, ctx, &key.prefix));
    store.restore(snapshot);
    assert_eq!(tier_name(store, &key), None);
}
