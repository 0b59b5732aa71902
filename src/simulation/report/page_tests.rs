//! Pages: whole, self-contained, readable by a parser, and never a NaN.

use super::html::{duration, escape, number, percent};
use super::testing::{accepted, huge, pending, run, undetermined};
use super::*;
use crate::domain::PayloadKind;
use crate::simulation::outcome::RunOutcome;

/// Every tag closes, in order; nothing is loaded; no number is broken.
#[track_caller]
fn check(html: &str) {
    const VOID: [&str; 2] = ["meta", "!doctype"];
    for forbidden in ["NaN", "inf ", "http", "src=", "href=", "@import", "url(", "<script"] {
        assert!(!html.contains(forbidden), "{forbidden} in {html}");
    }
    let mut open = Vec::new();
    for tag in html.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').unwrap_or_else(|| panic!("open tag: {tag}"));
        assert!(!text.contains('>') || open.last() == Some(&"style"), "stray > after <{tag}>");
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !VOID.contains(&name) && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

fn many() -> Vec<RunOutcome> {
    let call = |number: u64| accepted(PayloadKind::Call, 100 + number * 37 % 500);
    let mut transactions: Vec<_> = (0..50).map(call).collect();
    transactions.extend([undetermined(PayloadKind::Deploy, 900), pending()]);
    vec![run(1, transactions.clone()), run(2, transactions)]
}

fn cases() -> Vec<Vec<RunOutcome>> {
    vec![
        vec![],
        vec![run(1, vec![])],
        vec![run(1, vec![pending()])],
        vec![run(1, vec![accepted(PayloadKind::Call, 0)])],
        vec![run(1, vec![accepted(PayloadKind::Call, 7)])],
        vec![huge()],
        vec![huge(), run(1, vec![accepted(PayloadKind::Deploy, 1)])],
        many(),
    ]
}

#[test]
fn every_report_is_a_whole_page() {
    for runs in cases() {
        check(&Report::of(&runs).to_html("A report").unwrap());
    }
}

#[test]
fn a_page_shows_what_was_measured() {
    let html = Report::of(&many()).to_html("Fifty calls & more").unwrap();
    for words in [
        "<h1>Fifty calls &amp; more</h1>",
        "2 runs, seeds 1 to 2: 104 transactions",
        "100 of 104 = 96.2 % (90.5 % to 98.5 %)",
        "aria-label=\"Share of last decisions\"",
        "aria-label=\"Distribution of the time to finality\"",
        "aria-label=\"Transactions by rounds\"",
        "UNDETERMINED",
        "prefers-color-scheme: dark",
    ] {
        assert!(html.contains(words), "{words}");
    }
    assert_eq!(html.matches("<svg").count(), 5);
    assert_eq!(Report::of(&[]).to_html("Nothing").unwrap().matches("<svg").count(), 0);
}

#[test]
fn equal_runs_give_equal_pages() {
    assert_eq!(
        Report::of(&many()).to_html("t").unwrap(),
        Report::of(&many()).to_html("t").unwrap()
    );
}

#[test]
fn words_from_outside_are_text() {
    let hostile = "\"><script>alert('x')</script>&";
    check(&Report::of(&many()).to_html(hostile).unwrap());
    let parameters = vec![Parameter {
        name: hostile.to_owned(),
        values: vec![hostile.to_owned(), "b".to_owned()],
    }];
    let sweep = Sweep::new(parameters, vec![Report::of(&many()), Report::of(&[])]).unwrap();
    check(&sweep.to_html(hostile).unwrap());
    assert_eq!(escape("<a b=\"c\">'&"), "&lt;a b=&quot;c&quot;&gt;&#39;&amp;");
}

fn parameter(name: &str, values: &[&str]) -> Parameter {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    Parameter { name: name.to_owned(), values }
}

#[test]
fn sweeps_of_one_and_two_parameters_are_whole_pages() {
    for values in [
        &["0.1"][..],
        &["3", "1", "2"],
        &["silent", "slow", "lying"],
        &["1e300", "-1e300"],
        &["1", "1.0000000000000002"],
        &["1", "1.0"],
        &["NaN-like", "inf-like"],
        &["0", "-0"],
        &["1e-300", "2e-300"],
    ] {
        let one = vec![parameter("faulty", values)];
        for runs in cases() {
            let reports = vec![Report::of(&runs); values.len()];
            let html = Sweep::new(one.clone(), reports).unwrap().to_html("One").unwrap();
            check(&html.replace("NaN-like", "").replace("inf-like", ""));
        }
        let two = vec![parameter("faulty", values), parameter("seats", &["5", "7"])];
        let reports: Vec<_> =
            cases().iter().cycle().take(values.len() * 2).map(|runs| Report::of(runs)).collect();
        let html = Sweep::new(two, reports).unwrap().to_html("Two").unwrap();
        check(&html.replace("NaN-like", "").replace("inf-like", ""));
        assert_eq!(html.matches("<svg").count(), 5);
    }
}

#[test]
fn the_last_parameter_of_a_grid_changes_fastest() {
    let parameters = [parameter("a", &["1", "2"]), parameter("b", &["x", "y"])];
    let grid = Sweep::grid(&parameters).unwrap();
    assert_eq!(grid, [["1", "x"], ["1", "y"], ["2", "x"], ["2", "y"]]);
}

#[test]
fn a_sweep_is_a_table_and_json() {
    let parameters = vec![parameter("a,b", &["1", "2"])];
    let sweep = Sweep::new(parameters, vec![Report::of(&many()), Report::of(&[])]).unwrap();
    let csv = sweep.to_csv().unwrap();
    let lines: Vec<_> = csv.lines().collect();
    assert!(lines[0].starts_with("\"a,b\",events,virtual_ms,transactions,decided"), "{csv}");
    assert!(lines[1].starts_with("1,20,4000,104,102,"), "{csv}");
    assert!(lines[2].starts_with("2,0,0,0,0,"), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&sweep.to_json().unwrap()).unwrap();
    assert_eq!(json["points"][0]["values"][0], "1");
    assert_eq!(json["points"][0]["report"]["all"]["transactions"], 104);
    assert_eq!(
        json["points"][1]["report"]["all"]["to_decision"]["p50_ms"],
        serde_json::Value::Null
    );
}

#[test]
fn a_grid_that_cannot_be_lined_up_is_refused() {
    for (parameters, reports, words) in [
        (vec![], 1, "not `0`"),
        (vec![parameter("a", &["1"]); 3], 1, "not `3`"),
        (vec![parameter("a", &[])], 0, "`a` has no values"),
        (vec![parameter("a", &["1", "1"])], 2, "value `1` twice"),
        (vec![parameter("a", &["1", "2"])], 3, "`2` points"),
    ] {
        let reports = vec![Report::of(&[]); reports];
        let error = Sweep::new(parameters, reports).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn numbers_read_well() {
    for (ms, expected) in [
        (0.0, "0 ms"),
        (999.0, "999 ms"),
        (1_500.0, "1.5 s"),
        (90_000.0, "1.5 min"),
        (7_200_000.0, "2 h"),
        (172_800_000.0, "2 d"),
    ] {
        assert_eq!(duration(ms), expected);
    }
    for (share, expected) in
        [(0.0, "0.0 %"), (0.000_12, "0.012 %"), (0.5, "50.0 %"), (1.0, "100.0 %")]
    {
        assert_eq!(percent(share), expected);
    }
    assert_eq!((number(100.0), number(0.0)), ("100".to_owned(), "0".to_owned()));
}

/// The values of an attribute, in the order of the page.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    html.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn the_style_sheet_knows_every_colour_of_a_report() {
    let html = Report::of(&many()).to_html("Colours").unwrap();
    for name in ["fill", "stroke"] {
        let colours = attributes(&html, name);
        assert!(colours.len() > 20);
        for colour in colours.into_iter().filter(|colour| *colour != "none") {
            let rule = format!("[{name}=\"{colour}\"] {{");
            assert!(html.contains(&rule), "{rule}");
        }
    }
}

#[test]
fn a_lone_bar_is_drawn_where_its_name_stands() {
    let runs = [run(1, vec![accepted(PayloadKind::Call, 7)])];
    let html = Report::of(&runs).to_html("One").unwrap();
    let svg = html.split("</svg>").next().unwrap();
    let bar = svg.split("<rect").nth(1).unwrap();
    let number = |name: &str| attributes(bar, name)[0].parse::<u32>().unwrap();
    let (top, height) = (number("y"), number("height"));
    let name = svg.split("<text").find(|text| text.contains("ACCEPTED")).unwrap();
    let name: u32 = attributes(name, "y")[0].parse().unwrap();
    assert!(height > 10 && (top..top + height).contains(&name), "{top} {height} {name}");
}

#[test]
fn more_rounds_than_bars_share_the_last_one() {
    let html = Report::of(&[huge()]).to_html("Huge").unwrap();
    assert!(html.contains("15+\n"));
    assert!(!html.contains("16\n</text>"));
}
