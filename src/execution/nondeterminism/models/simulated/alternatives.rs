//! Finds what a text offers to choose from: words, and numbers within bounds.

use std::sync::LazyLock;

use regex::Regex;

/// Compiles one of the patterns below.
pub(super) fn pattern(text: &str) -> Regex {
    #[expect(clippy::expect_used, reason = "the patterns are constants, and tests use every one")]
    Regex::new(text).expect("BUG: a built-in pattern is not valid")
}

static QUOTED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?:^|[^\w])["'`“‘]([^"'`“”‘’\n]{1,40})["'`”’]"#));
static GAP: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^(?:\s|,|/|\||;|\bor\b|\band\b|\beither\b|\([^)]*\))*$"));
static SLASHED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:^|[\s(\[:,])([\w+-]{1,24}(?:\s*[/|]\s*[\w+-]{1,24})+)"));
static CHAINED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)([\w-]{1,24}(?:\s*,\s*[\w-]{1,24})*)\s*,?\s+or\s+([\w-]{1,24})")
});
static ONE_OF: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:one of|options|choices|categories|following words?)\b[^:\n]{0,40}?:?\s*([\w-]+(?:(?:\s*,\s*(?:or\s+|and\s+)?|\s+or\s+)[\w-]+)+)",
    )
});
static RANGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:^|[^\w.-])(-?\d+(?:\.\d+)?)\s*(?:-|–|—|to|and|\.\.+|through)\s*(-?\d+(?:\.\d+)?)(?:$|[^\w-])",
    )
});
static DATE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d{4}-\d{2}-\d{2}"));

/// Lower-case words that are answers rather than prose.
const ANSWERS: [&str; 26] = [
    "yes", "no", "true", "false", "positive", "negative", "neutral", "mixed", "approve",
    "approved", "reject", "rejected", "valid", "invalid", "high", "medium", "low", "unknown",
    "spam", "ham", "safe", "unsafe", "up", "down", "heads", "tails",
];

fn is_answer(word: &str) -> bool {
    let has_upper = word.chars().any(char::is_uppercase);
    let is_label = has_upper && !word.chars().any(char::is_lowercase);
    let lower = word.to_lowercase();
    // "Type I or II errors" aside, a capital word of one's own is a label; "I" is prose.
    (is_label && word != "I") || ANSWERS.contains(&lower.as_str()) || word.parse::<i64>().is_ok()
}

/// Quoted words that follow each other with nothing but commas or the like between them.
pub(super) fn quoted(text: &str) -> Vec<String> {
    let mut best: Vec<&str> = Vec::new();
    let mut run: Vec<&str> = Vec::new();
    let mut last_end = 0;
    for found in QUOTED.captures_iter(text) {
        let (Some(whole), Some(word)) = (found.get(0), found.get(1)) else { continue };
        // The quotation mark itself stands directly before the word.
        let before = text.get(last_end..whole.start() + 1).unwrap_or_default();
        let gap = before.trim_end_matches(['"', '\'', '`', '“', '‘']);
        if !GAP.is_match(gap) {
            longer(&mut best, std::mem::take(&mut run));
        }
        run.push(word.as_str().trim());
        last_end = whole.end();
    }
    longer(&mut best, run);
    if best.len() > 1 { best.into_iter().map(str::to_owned).collect() } else { Vec::new() }
}

/// Keeps the longer run; of equals, the first.
fn longer<'a>(best: &mut Vec<&'a str>, run: Vec<&'a str>) {
    if run.len() > best.len() {
        *best = run;
    }
}

/// Every quoted text, however far apart.
pub(super) fn all_quoted(text: &str) -> Vec<String> {
    let words = QUOTED.captures_iter(text).filter_map(|found| found.get(1));
    words.map(|word| word.as_str().to_owned()).collect()
}

/// `yes/no`, `A|B|C`; neither `and/or` nor addresses.
pub(super) fn slashed(text: &str) -> Vec<String> {
    for found in SLASHED.captures_iter(text).filter_map(|found| found.get(1)) {
        let words: Vec<&str> = found.as_str().split(['/', '|']).map(str::trim).collect();
        let piped = found.as_str().contains('|');
        let is_prose = words.iter().any(|word| word.eq_ignore_ascii_case("and"));
        let follows = text.get(found.end()..).unwrap_or_default();
        let is_path = follows.starts_with(['/', '.', ':']) && !follows.starts_with(". ");
        let is_path = is_path && follows.len() > 1;
        let fit = piped || words.iter().all(|word| is_answer(word) || capitalised(word));
        if !is_prose && !is_path && fit {
            return words.into_iter().map(str::to_owned).collect();
        }
    }
    Vec::new()
}

fn capitalised(word: &str) -> bool {
    word.starts_with(char::is_uppercase)
}

/// `A, B or C`, where every one is an answer; anything after `one of:`.
pub(super) fn listed(text: &str) -> Vec<String> {
    let split = |list: &str| -> Vec<String> {
        let list = list.replace(" or ", ",").replace(" and ", ",");
        list.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
    };
    if let Some(list) = ONE_OF.captures(text).and_then(|found| found.get(1)) {
        let words = split(list.as_str());
        if words.len() > 1 {
            return words;
        }
    }
    for found in CHAINED.captures_iter(text) {
        let (Some(first), Some(last)) = (found.get(1), found.get(2)) else { continue };
        let mut words = split(first.as_str());
        words.push(last.as_str().to_owned());
        // "Answer yes or no": the chain is one word long, and it is the one before the `or`.
        if words.iter().all(|word| is_answer(word)) {
            return words;
        }
    }
    Vec::new()
}

/// Quoted labels far apart: `say "APPROVE" if it is good, or else "REJECT"`.
fn labels(text: &str) -> Vec<String> {
    let mut words: Vec<String> = all_quoted(text).into_iter().filter(|w| is_answer(w)).collect();
    words.dedup();
    words
}

/// The alternatives in a text, in whatever way they are offered.
pub(super) fn find(text: &str) -> Vec<String> {
    let ways = [quoted, slashed, listed, labels];
    ways.iter().map(|way| way(text)).find(|words| words.len() > 1).unwrap_or_default()
}

/// Bounds in a text: from, to, and whether decimals are meant.
pub(super) fn range(text: &str) -> Option<(f64, f64, bool)> {
    let text = DATE.replace_all(text, "");
    let found = RANGE.captures(&text)?;
    let (from, to) = (found.get(1)?.as_str(), found.get(2)?.as_str());
    let decimal = from.contains('.') || to.contains('.');
    let (from, to): (f64, f64) = (from.parse().ok()?, to.parse().ok()?);
    (from < to).then_some((from, to, decimal))
}
