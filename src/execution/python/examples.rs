//! Example contracts: what the documentation, the first start and the tests deploy.

/// One example contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Example {
    /// Its name, as a user types it.
    pub name: &'static str,
    /// What it shows, in one sentence.
    pub summary: &'static str,
    /// Its source.
    pub source: &'static str,
}

/// All example contracts, simplest first.
pub const fn examples() -> &'static [Example] {
    EXAMPLES
}

macro_rules! examples {
    ($($name:literal: $summary:literal,)+) => {
        &[$(Example {
            name: $name,
            summary: $summary,
            source: include_str!(concat!("examples/", $name, ".py")),
        }),+]
    };
}

const EXAMPLES: &[Example] = examples! {
    "key_value_store": "Texts under names: put, get, remove and list.",
    "notes": "A text per account: who calls keeps their own.",
    "print": "Prints, so that you can see where printed text appears.",
    "user_error": "Ends with an error of its own, with a crash, or well.",
    "guest_book": "Stored records in a list, counted per author in a map.",
    "token": "A token in the manner of ERC-20: balances, transfers and allowances.",
    "vault": "Keeps money for its owners, and pays it out to their accounts on finality.",
    "saver": "Passes a part of what it is sent on to a vault, as soon as it is accepted.",
    "escrow": "Money held for a sale: released, given back, or judged by a model.",
    "workshop": "Deploys contracts of its own, and calls all of them.",
    "portfolio": "Reads what somebody has in several tokens, each a contract of its own.",
    "guarded_coin": "A coin that a model guards: visitors argue for it.",
    "spoken_ledger": "A ledger that a model keeps by orders in plain words.",
    "match_market": "Bets on a match, settled by a page in the web and a model that reads it.",
};
