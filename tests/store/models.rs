//! Validators with models of their own, transactions that are run otherwise, and the models that
//! are known by name.

use std::sync::Arc;

use agora::domain::ledger::{
    Claim, Electorate, NewTransaction, ProviderChange, ProviderEntry, StoreError, ValidatorChange,
};
use agora::domain::{
    Address, AppealKind, ContextValidator, EmittedMessage, MessageBody, ModelChoice, Moment,
    NodeModels, RunContext, Stake, Status, Trigger, TxHash,
};
use agora::storage;

use crate::harness::{Store, alice, at, bob, call, decision, returning, validator};

on_both_databases!(
    validators_keep_their_models,
    all_validators_go_at_once,
    a_context_brings_its_own_validators_and_its_own_time,
    a_context_may_change_the_time_alone,
    what_a_contract_sends_is_run_as_itself,
    an_appeal_finds_the_validators_of_the_context,
    a_repetition_with_another_context_is_another_transaction,
    damaged_models_and_contexts_are_an_error_in_words,
    known_models_come_change_and_go,
);

fn stake(weight: u64) -> Stake {
    Stake::try_from(weight).unwrap()
}

fn models(name: &str) -> NodeModels {
    NodeModels::only(ModelChoice { model: name.to_owned(), ..ModelChoice::simulated() })
}

fn context(validators: u64, now: Option<i64>) -> Arc<RunContext> {
    let validator = |number| ContextValidator {
        stake: stake(10 + number),
        models: Some(models(&format!("own {number}"))),
    };
    Arc::new(RunContext {
        validators: (0..validators).map(validator).collect(),
        now: now.map(Moment::from_micros),
    })
}

fn with_context(new: NewTransaction, context: &Arc<RunContext>) -> NewTransaction {
    NewTransaction { context: Some(Arc::clone(context)), ..new }
}

fn electorate(store: &mut Store) -> Electorate {
    storage::electorate_load(&mut store.conn).unwrap()
}

fn change(store: &mut Store, change: &ValidatorChange) {
    let derive = |number: u64| Address::new([u8::try_from(number + 100).unwrap(); 20]);
    store.write(|conn, ctx| {
        storage::validator_change_in_txn(conn, ctx, change, at(7), &derive).map(drop)
    });
}

fn validators_keep_their_models(store: &mut Store) {
    assert!(electorate(store).models.is_empty(), "at first the settings say whom they ask");
    let create = |models| ValidatorChange::Create { address: None, stake: stake(1), models };
    change(store, &create(Some(models("first"))));
    change(store, &create(None));
    let found = electorate(store);
    let named = Address::new([105; 20]);
    assert_eq!(found.validators.len(), 7);
    assert_eq!(found.models.keys().collect::<Vec<_>>(), [&named]);
    assert_eq!(*found.models[&named], models("first"));
    assert_eq!(found.first, Some(validator(1).address), "who joined first");
    // What an update does not say stays.
    let update = |stake, models| ValidatorChange::Update { address: named, stake, models };
    let both = NodeModels { fallback: Some(ModelChoice::simulated()), ..models("second") };
    for (given, weight, kept) in [
        (update(Some(stake(9)), None), 9, models("first")),
        (update(None, Some(both.clone())), 9, both.clone()),
        (update(Some(stake(3)), Some(models("third"))), 3, models("third")),
        (update(None, None), 3, models("third")),
    ] {
        change(store, &given);
        let records = storage::validator_records(&mut store.conn).unwrap();
        let record = records.iter().find(|record| record.validator.address == named).unwrap();
        assert_eq!((record.validator.stake.get(), record.number), (weight, 5), "{given:?}");
        assert_eq!(record.models.as_deref(), Some(&kept), "{given:?}");
    }
    let hash = store.submit(&crate::harness::deploy(alice(), 0));
    store.electorate = electorate(store);
    let job = store.job(hash);
    assert_eq!(job.models, store.electorate.models, "the job has them");
    change(store, &ValidatorChange::Delete { address: named });
    assert!(electorate(store).models.is_empty());
}

fn all_validators_go_at_once(store: &mut Store) {
    let gone = store.write(storage::validator_delete_all_in_txn);
    assert_eq!(gone.len(), 5);
    assert_eq!(electorate(store), Electorate::default());
    // Numbers are never given twice.
    let create = ValidatorChange::Create { address: None, stake: stake(1), models: None };
    change(store, &create);
    assert_eq!(storage::validator_records(&mut store.conn).unwrap()[0].number, 5);
}

fn a_context_brings_its_own_validators_and_its_own_time(store: &mut Store) {
    let contract = store.deployed();
    let context = context(3, Some(77_000_123));
    let hash = store.submit(&with_context(call(alice(), contract, 0), &context));
    let other = store.submit(&call(bob(), contract, 0));
    let job = store.job(hash);
    assert_eq!(job.contract_now.as_micros(), 77_000_123);
    assert_ne!(Moment::from(job.submitted_at), job.contract_now);
    let own = Electorate::of_context(&context, &hash).unwrap();
    assert_eq!((&job.validators, &job.models), (&own.validators, &own.models));
    let mut weights: Vec<u64> = job.validators.iter().map(|one| one.stake.get()).collect();
    weights.sort_unstable();
    assert_eq!(weights, [10, 11, 12]);
    assert!(job.validators.is_sorted_by_key(|one| one.address), "in address order");
    for known in store.electorate.validators.iter() {
        assert!(!job.validators.iter().any(|one| one.address == known.address));
    }
    // A replay finds the same ones, also durably and without any validators on the network.
    store.electorate = Electorate::default();
    let Claim::Claimed(again) = store.claim_as(hash, "one") else { panic!("it waits") };
    assert_eq!((again.validators, again.contract_now), (job.validators.clone(), job.contract_now));
    store.decide(&decision(&job, Status::Accepted, returning(&[]))).unwrap();
    assert!(matches!(store.claim(other), Claim::NoValidators), "the others have none");
    let record = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap();
    assert_eq!(record.context, Some(context));
    let record = storage::transaction_get(&mut store.conn, other).unwrap().unwrap();
    assert_eq!(record.context, None);
}

fn a_context_may_change_the_time_alone(store: &mut Store) {
    let hash =
        store.submit(&with_context(crate::harness::deploy(alice(), 0), &context(0, Some(5))));
    let job = store.job(hash);
    assert_eq!((job.contract_now.as_micros(), job.validators.len()), (5, 5));
    assert_eq!(job.validators, store.electorate.validators);
}

fn what_a_contract_sends_is_run_as_itself(store: &mut Store) {
    let contract = store.deployed();
    let context = context(2, Some(5));
    let hash = store.submit(&with_context(call(alice(), contract, 10), &context));
    let job = store.job(hash);
    let message = |to, is_call| EmittedMessage {
        on: Trigger::Accepted,
        value: 1u64.into(),
        body: if is_call {
            MessageBody::Call { to, calldata: agora::domain::Bytes::from_static(&[0]) }
        } else {
            MessageBody::Transfer { to }
        },
    };
    let mut receipt = returning(&[]);
    receipt.messages = vec![message(contract, true), message(bob(), false)];
    store.decide(&decision(&job, Status::Accepted, receipt)).unwrap();
    // The call goes at once, the transfer when nothing can change any more.
    for hash in [store.first_hash(), hash] {
        assert!(store.finalize(hash, 9_000));
    }
    let children = storage::transaction_get(&mut store.conn, hash).unwrap().unwrap().children;
    let context_of = |store: &mut Store, hash: TxHash| {
        storage::transaction_get(&mut store.conn, hash).unwrap().unwrap().context
    };
    let found: Vec<_> = children.into_iter().map(|child| context_of(store, child)).collect();
    assert_eq!(found, [Some(context), None], "a transfer is not run at all");
}

fn an_appeal_finds_the_validators_of_the_context(store: &mut Store) {
    let contract = store.deployed();
    let open = |store: &mut Store, hash| {
        store.try_write(|conn, ctx| storage::appeal_open_in_txn(conn, ctx, hash, alice(), at(5)))
    };
    // Five judge, and there are more on the network; but the transaction has only three.
    crate::undo::add_validators(store);
    let few = store.submit(&with_context(call(alice(), contract, 0), &context(3, None)));
    let job = store.job(few);
    store.decide(&decision(&job, Status::Accepted, returning(&[]))).unwrap();
    let refused = open(store, few);
    assert!(matches!(refused, Err(StoreError::AppealRefused { .. })), "{refused:?}");
    let many = store.submit(&with_context(call(alice(), contract, 0), &context(20, None)));
    let job = store.job(many);
    store.decide(&decision(&job, Status::Accepted, returning(&[]))).unwrap();
    assert_eq!(open(store, many), Ok(AppealKind::Validators));
    let appealed = store.job(many);
    assert_eq!((appealed.validators, appealed.models), (job.validators, job.models));
}

fn a_repetition_with_another_context_is_another_transaction(store: &mut Store) {
    let key = |context: &Arc<RunContext>| NewTransaction {
        idempotency_key: Some("key".to_owned()),
        ..with_context(crate::harness::deploy(alice(), 0), context)
    };
    let first = store.try_submit(&key(&context(1, None)), true).unwrap();
    let again = store.try_submit(&key(&context(1, None)), true).unwrap();
    assert!(again.duplicate && again.hash == first.hash);
    for other in [context(2, None), context(1, Some(1))] {
        let refused = store.try_submit(&key(&other), true);
        assert!(matches!(refused, Err(StoreError::IdempotencyKeyReused(_))), "{refused:?}");
    }
}

fn damaged_models_and_contexts_are_an_error_in_words(store: &mut Store) {
    let hash = store.submit(&with_context(crate::harness::deploy(alice(), 0), &context(1, None)));
    store.sql("UPDATE validators SET models = '{'").unwrap();
    store.sql("UPDATE run_contexts SET context = '7'").unwrap();
    store.sql("INSERT INTO providers (id, choice) VALUES (1, '7')").unwrap();
    let electorate = store.electorate.clone();
    for error in [
        storage::electorate_load(&mut store.conn).map(drop),
        storage::transaction_get(&mut store.conn, hash).map(drop),
        storage::transaction_claim_exclusive(&mut store.conn, hash, &electorate).map(drop),
        storage::provider_list(&mut store.conn, &[]).map(drop),
    ] {
        assert!(matches!(error, Err(StoreError::Database { .. })), "{error:?}");
    }
}

fn named(provider: &str, model: &str) -> ModelChoice {
    ModelChoice {
        provider: provider.to_owned(),
        model: model.to_owned(),
        ..ModelChoice::simulated()
    }
}

fn known_models_come_change_and_go(store: &mut Store) {
    let defaults = [named("a", "one"), named("a", "two"), named("b", "one")];
    let list = |store: &mut Store| -> Vec<(i64, String, bool)> {
        let entries = storage::provider_list(&mut store.conn, &defaults).unwrap();
        let shown = |entry: ProviderEntry| {
            (
                entry.id,
                format!("{}/{}", entry.choice.provider, entry.choice.model),
                entry.is_default,
            )
        };
        entries.into_iter().map(shown).collect()
    };
    let try_change = |store: &mut Store, change: ProviderChange| {
        store.try_write(|conn, ctx| storage::provider_change_in_txn(conn, ctx, &change, &defaults))
    };
    let entry = |id, name: &str, is_default| (id, name.to_owned(), is_default);
    let all = [entry(1, "a/one", true), entry(2, "a/two", true), entry(3, "b/one", true)];
    assert_eq!(list(store), all);
    let own = ProviderEntry::FIRST_OWN_ID;
    let added = try_change(store, ProviderChange::Add(named("c", "one")));
    assert_eq!(added, Ok(Some(own)));
    assert_eq!(try_change(store, ProviderChange::Add(named("c", "two"))), Ok(Some(own + 1)));
    let update = |id, choice| ProviderChange::Update { id, choice };
    assert_eq!(try_change(store, update(2, named("a", "new"))), Ok(Some(2)));
    assert_eq!(try_change(store, update(2, named("a", "newer"))), Ok(Some(2)));
    assert_eq!(try_change(store, update(own, named("c", "new"))), Ok(Some(own)));
    assert_eq!(try_change(store, ProviderChange::Delete { id: 1 }), Ok(Some(1)));
    assert_eq!(try_change(store, ProviderChange::Delete { id: own + 1 }), Ok(Some(own + 1)));
    let changed = [entry(2, "a/newer", false), entry(3, "b/one", true), entry(own, "c/new", false)];
    assert_eq!(list(store), changed);
    for (refused, is_taken) in [
        (ProviderChange::Add(named("b", "one")), true),
        (update(own, named("b", "one")), true),
        (update(1, named("x", "y")), false),
        (ProviderChange::Delete { id: 1 }, false),
        (ProviderChange::Delete { id: -1 }, false),
        (ProviderChange::Delete { id: own + 1 }, false),
    ] {
        let error = try_change(store, refused.clone()).unwrap_err();
        let named = match error {
            StoreError::AlreadyExists { what: "provider", .. } => is_taken,
            StoreError::NotFound { what: "provider", .. } => !is_taken,
            _ => false,
        };
        assert!(named, "{refused:?}: {error:?}");
    }
    assert_eq!(list(store), changed);
    assert_eq!(try_change(store, ProviderChange::Reset), Ok(None));
    assert_eq!(list(store), all);
}
