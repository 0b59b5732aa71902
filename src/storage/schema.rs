//! The tables as diesel knows them: one description for both databases.

diesel::table! {
    network (id) {
        id -> Integer,
        seed -> Binary,
        chain_id -> BigInt,
        created_at -> BigInt,
        minted -> Text,
        burned -> Text,
        validators_created -> BigInt,
        finality_window -> BigInt,
        clock_revision -> BigInt,
        clock_offset -> BigInt,
        clock_frozen_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    codes (hash) {
        hash -> Binary,
        source -> Binary,
    }
}

diesel::table! {
    transactions (position) {
        position -> BigInt,
        hash -> Binary,
        kind -> Text,
        sender -> Nullable<Binary>,
        recipient -> Nullable<Binary>,
        queue_address -> Binary,
        value -> Text,
        nonce -> BigInt,
        code_hash -> Nullable<Binary>,
        calldata -> Nullable<Binary>,
        validators -> Integer,
        rotations_max -> Integer,
        mode -> Text,
        idempotency_key -> Nullable<Text>,
        status -> Text,
        attempt -> Integer,
        announced -> Integer,
        owner -> Nullable<Text>,
        submitted_at -> BigInt,
        decided_at -> Nullable<BigInt>,
        final_from -> Nullable<BigInt>,
        finalized_at -> Nullable<BigInt>,
        reason -> Nullable<Text>,
        locked -> Text,
        crashes -> Integer,
        chain_from -> Integer,
        effective_attempt -> Nullable<Integer>,
        appeal -> Nullable<Text>,
        appeals_failed -> Integer,
        appeal_millis -> BigInt,
        block -> BigInt,
    }
}

diesel::table! {
    decisions (position, attempt) {
        position -> BigInt,
        attempt -> Integer,
        phase -> Text,
        status -> Text,
        decided_at -> BigInt,
        balance_before -> Text,
        code_before -> Nullable<Binary>,
        writes -> Binary,
        inverse -> Binary,
        receipt -> Nullable<Binary>,
        consensus -> Text,
    }
}

diesel::table! {
    blocks (number) {
        number -> BigInt,
        hash -> Binary,
        parent -> Binary,
        at -> BigInt,
    }
}

diesel::table! {
    logs (block, place) {
        block -> BigInt,
        place -> BigInt,
        position -> BigInt,
        address -> Binary,
        topic0 -> Nullable<Binary>,
        topic1 -> Nullable<Binary>,
        topic2 -> Nullable<Binary>,
        topic3 -> Nullable<Binary>,
        data -> Binary,
    }
}

diesel::table! {
    envelopes (hash) {
        hash -> Binary,
        subject -> Binary,
        signer -> Binary,
        body -> Text,
    }
}

diesel::table! {
    children (position) {
        position -> BigInt,
        parent -> BigInt,
        triggered_on -> Text,
        origin -> Binary,
    }
}

diesel::table! {
    appeals (position, attempt) {
        position -> BigInt,
        attempt -> Integer,
        kind -> Text,
        appellant -> Binary,
        opened_at -> BigInt,
        closed_at -> Nullable<BigInt>,
        successful -> Nullable<Integer>,
    }
}

diesel::table! {
    contracts (address) {
        address -> Binary,
        position -> BigInt,
        code_hash -> Binary,
        deployed_by -> Binary,
        deployed_at -> BigInt,
        finalized_at -> Nullable<BigInt>,
        final_code_hash -> Nullable<Binary>,
    }
}

diesel::table! {
    contract_storage (contract, slot, page) {
        contract -> Binary,
        slot -> Binary,
        page -> BigInt,
        accepted -> Nullable<Binary>,
        finalized -> Nullable<Binary>,
    }
}

diesel::table! {
    accounts (address) {
        address -> Binary,
        balance -> Text,
        nonce -> BigInt,
    }
}

diesel::table! {
    validators (address) {
        address -> Binary,
        stake -> BigInt,
        number -> BigInt,
        created_at -> BigInt,
        models -> Nullable<Text>,
    }
}

diesel::table! {
    providers (id) {
        id -> BigInt,
        choice -> Nullable<Text>,
    }
}

diesel::table! {
    run_contexts (position) {
        position -> BigInt,
        context -> Text,
    }
}

diesel::table! {
    outbox (first_cursor) {
        first_cursor -> BigInt,
        count -> Integer,
        body -> Text,
    }
}

diesel::table! {
    owners (id) {
        id -> Text,
        heartbeat_at -> BigInt,
    }
}

diesel::table! {
    snapshot_counters (id) {
        id -> Integer,
        generation -> BigInt,
        restored_cursor -> BigInt,
        snapshot_last -> BigInt,
    }
}

diesel::table! {
    snapshots (id) {
        id -> BigInt,
        created_at -> BigInt,
        transactions -> BigInt,
        bytes -> BigInt,
    }
}

diesel::table! {
    snapshot_chunks (snapshot, number) {
        snapshot -> BigInt,
        number -> BigInt,
        body -> Binary,
    }
}

diesel::table! {
    api_tiers (id) {
        id -> BigInt,
        name -> Text,
        per_minute -> BigInt,
        per_hour -> BigInt,
        per_day -> BigInt,
    }
}

diesel::table! {
    api_keys (prefix) {
        prefix -> Text,
        digest -> Binary,
        tier -> BigInt,
        description -> Nullable<Text>,
        created_at -> BigInt,
    }
}

diesel::joinable!(api_keys -> api_tiers (tier));
diesel::allow_tables_to_appear_in_same_query!(api_keys, api_tiers);
diesel::joinable!(transactions -> codes (code_hash));
diesel::joinable!(contracts -> codes (code_hash));
diesel::joinable!(decisions -> transactions (position));
diesel::joinable!(children -> transactions (position));
diesel::joinable!(run_contexts -> transactions (position));
diesel::allow_tables_to_appear_in_same_query!(
    transactions,
    codes,
    contracts,
    accounts,
    decisions,
    children,
    run_contexts
);
