//! Every method, in one table per subject.

mod accounts;
mod blocks;
mod calls;
mod clock;
mod contracts;
mod filters;
mod keys;
mod network;
mod snapshots;
mod submission;
mod transactions;
mod validators;
mod words;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(super) use self::blocks::number_in;
pub(super) use self::filters::Watched;
use super::definition::Definition;

/// The tables, in the order in which they are documented.
static TABLES: [&[Definition]; 12] = [
    network::METHODS,
    accounts::METHODS,
    submission::METHODS,
    transactions::METHODS,
    contracts::METHODS,
    calls::METHODS,
    blocks::METHODS,
    filters::METHODS,
    validators::METHODS,
    clock::METHODS,
    snapshots::METHODS,
    keys::METHODS,
];

static BY_NAME: LazyLock<BTreeMap<&'static str, &'static Definition>> =
    LazyLock::new(|| all().map(|definition| (definition.name, definition)).collect());

/// Every method, in the order of the documentation.
pub(super) fn all() -> impl Iterator<Item = &'static Definition> {
    TABLES.iter().flat_map(|table| table.iter())
}

/// The method of a name.
pub(super) fn find(name: &str) -> Option<&'static Definition> {
    BY_NAME.get(name).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_has_a_name_of_its_own_and_says_what_it_does() {
        assert_eq!(all().count(), BY_NAME.len());
        for method in all() {
            assert!(method.summary.ends_with('.'), "{}", method.name);
            assert!(!method.result.is_empty(), "{}", method.name);
            let first_optional = method.params.iter().position(|param| !param.required);
            let last_required = method.params.iter().rposition(|param| param.required);
            let is_ordered = match (first_optional, last_required) {
                (Some(optional), Some(required)) => required < optional,
                _ => true,
            };
            assert!(is_ordered, "{} needs a parameter after one it does not need", method.name);
        }
    }
}
