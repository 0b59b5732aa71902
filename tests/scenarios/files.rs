//! Scenario files that are wrong: each error names the place, the bad value and what is valid.

use std::path::Path;

use agora::simulation::scenario::Scenario;

const WORKLOAD: &str = "[workload]\narrival = \"all at once\"\ncount = 1\n";

/// What is put before a valid workload, where the error is, and what it says.
const WRONG: &[(&str, (usize, usize), &str)] = &[
    ("[netwrk]\n", (1, 2), "unknown field `netwrk`"),
    ("[network]\nvalidators = 0\n", (2, 14), "0 validators; valid are 1 to"),
    ("[network]\nvalidators = -1\n", (2, 14), "invalid value"),
    ("[network]\nvalidators = \"many\"\n", (2, 14), "invalid type: string"),
    ("[network]\nvalidators = 99999999999999999999\n", (2, 14), ""),
    ("[network]\nvalidators = 3\nstakes = [1, 2]\n", (3, 10), "2 stakes for 3 validators"),
    ("[network]\ncommittee = 0\n", (2, 13), "a committee of 0"),
    ("[network]\nfinality_window = \"soon\"\n", (2, 19), "`soon`"),
    ("[network]\nfinality_window = 30\n", (2, 19), "invalid type"),
    ("[network]\nprofile = \"genesis\"\n", (2, 11), "`genesis` is not a profile"),
    ("[network]\nprofile = \"origin\"\nfinality_window = \"1s\"\n", (3, 19), "no finality window"),
    ("[network]\ncrawl_interval = \"0s\"\n", (2, 18), "a pause of nothing"),
    ("[[behaviour]]\ncount = 9\nkind = \"silent\"\n", (2, 9), "9 of 5 validators"),
    ("[[behaviour]]\nkind = \"silent\"\n", (1, 1), "who? give either `count` or `stake`"),
    ("[[behaviour]]\ncount = 1\nkind = \"sleepy\"\n", (3, 8), "unknown variant `sleepy`"),
    ("[[behaviour]]\ncount = 1\nkind = \"slow\"\n", (1, 1), "how slow?"),
    ("[[behaviour]]\ncount = 1\nkind = \"silent\"\nprobability = 1.5\n", (4, 15), "1.5"),
    (
        "[[behaviour]]\ncount = 1\nkind = \"silent\"\nresults = \"equal\"\n",
        (1, 1),
        "`results` belongs to the kind `wrong` only",
    ),
    ("[appeals]\npolicy = \"often\"\n", (2, 10), "unknown variant `often`"),
    ("[appeals]\npolicy = \"always\"\nlimit = 0\n", (3, 9), "a limit of 0"),
    ("[latency]\nmessage = \"uniform 5ms\"\n", (2, 11), "uniform"),
    ("[latency]\nloss = nan\n", (2, 8), ""),
    ("[[crash]]\nwhat = \"node\"\nat = \"finalize\"\nnth = 1\n", (1, 1), "a node lives in"),
    ("[[crash]]\nwhat = \"queue\"\nat = \"persist\"\nnth = 0\n", (4, 7), "the 0th time"),
    ("[[crash]]\nwhat = \"queue\"\nat = \"persist\"\n", (1, 1), "when? give either"),
    ("[[store_fault]]\nkind = \"full\"\n", (1, 1), "nothing would ever be stored"),
    ("[[store_fault]]\nkind = \"slow\"\n", (1, 1), "`delay` belongs to the kind `slow`"),
    (
        "[[store_fault]]\nkind = \"full\"\nfrom = \"9s\"\nuntil = \"3s\"\n",
        (1, 1),
        "`until` is not after `from`",
    ),
    ("key = \n", (1, 7), ""),
    ("\u{0}", (1, 2), ""),
];

#[test]
fn every_error_names_its_place_and_what_is_valid() {
    for (before, (line, column), says) in WRONG {
        let text = format!("{before}{WORKLOAD}");
        let error = Scenario::parse(Path::new("wrong.toml"), &text).unwrap_err();
        assert_eq!((error.line, error.column), (*line, *column), "{before}: {error}");
        assert!(error.message.contains(says), "{before}: {error}");
        assert!(error.to_string().starts_with(&format!("wrong.toml:{line}:")), "{error}");
    }
}

#[test]
fn a_workload_must_end_and_send_something() {
    for (text, says) in [
        ("", "missing field `workload`"),
        ("[workload]\narrival = \"poisson 1\"\n", "how much?"),
        ("[workload]\narrival = \"all at once\"\nduration = \"1s\"\n", "never ends here"),
        ("[workload]\narrival = \"every 0s\"\nduration = \"1s\"\n", "never ends"),
        ("[workload]\narrival = \"sometimes\"\ncount = 1\n", "sometimes"),
        ("[workload]\narrival = \"poisson 0\"\ncount = 1\n", "0"),
        ("[workload]\narrival = \"all at once\"\ncount = 1\nmix = {}\n", "nothing is ever"),
        ("[workload]\narrival = \"all at once\"\ncount = 1\ncontracts = 0\n", "no contract"),
        ("[workload]\narrival = \"all at once\"\ncount = 1\nskew = 99.0\n", "a skew of 99"),
    ] {
        let error = Scenario::parse(Path::new("wrong.toml"), text).unwrap_err();
        assert!(error.message.contains(says), "{text}: {error}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Scenario::read(Path::new("no/such/file.toml")).unwrap_err();
    assert!(error.to_string().starts_with("no/such/file.toml:1:1: cannot be read"), "{error}");
}
