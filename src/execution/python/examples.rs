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
pub fn examples() -> &'static [Example] {
    &[
        Example {
            name: "key_value_store",
            summary: "Texts under names: put, get, remove and list.",
            source: include_str!("examples/key_value_store.py"),
        },
        Example {
            name: "notes",
            summary: "A text per account: who calls keeps their own.",
            source: include_str!("examples/notes.py"),
        },
        Example {
            name: "print",
            summary: "Prints, so that you can see where printed text appears.",
            source: include_str!("examples/print.py"),
        },
        Example {
            name: "user_error",
            summary: "Ends with an error of its own, with a crash, or well.",
            source: include_str!("examples/user_error.py"),
        },
        Example {
            name: "guest_book",
            summary: "Stored records in a list, counted per author in a map.",
            source: include_str!("examples/guest_book.py"),
        },
        Example {
            name: "token",
            summary: "A token in the manner of ERC-20: balances, transfers and allowances.",
            source: include_str!("examples/token.py"),
        },
        Example {
            name: "vault",
            summary: "Keeps money for its owners, and pays it out to their accounts on finality.",
            source: include_str!("examples/vault.py"),
        },
        Example {
            name: "saver",
            summary: "Passes a part of what it is sent on to a vault, as soon as it is accepted.",
            source: include_str!("examples/saver.py"),
        },
        Example {
            name: "escrow",
            summary: "Money held for a sale: released, given back, or judged by a model.",
            source: include_str!("examples/escrow.py"),
        },
        Example {
            name: "workshop",
            summary: "Deploys contracts of its own, and calls all of them.",
            source: include_str!("examples/workshop.py"),
        },
        Example {
            name: "portfolio",
            summary: "Reads what somebody has in several tokens, each a contract of its own.",
            source: include_str!("examples/portfolio.py"),
        },
        Example {
            name: "guarded_coin",
            summary: "A coin that a model guards: visitors argue for it.",
            source: include_str!("examples/guarded_coin.py"),
        },
        Example {
            name: "spoken_ledger",
            summary: "A ledger that a model keeps by orders in plain words.",
            source: include_str!("examples/spoken_ledger.py"),
        },
        Example {
            name: "match_market",
            summary: "Bets on a match, settled by a page in the web and a model that reads it.",
            source: include_str!("examples/match_market.py"),
        },
    ]
}
