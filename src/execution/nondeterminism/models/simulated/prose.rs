//! Short texts that could have been meant.

use super::shape::Draw;

const SENTENCES: [&str; 8] = [
    "The available information supports this conclusion.",
    "Several independent sources agree on the main facts.",
    "The evidence is consistent, although some details remain open.",
    "This follows directly from the given facts.",
    "On balance, the arguments in favour outweigh those against.",
    "The statement matches what was observed.",
    "A careful reading of the input leads to this result.",
    "No contradiction was found in the material provided.",
];

const NAMES: [&str; 8] =
    ["Aurora", "Basalt", "Cedar", "Delta", "Ember", "Falcon", "Granite", "Harbour"];

/// What kind of text is wanted, by the words around it. The first that fits counts.
const KINDS: [(&[&str], Kind); 10] = [
    (&["date", "yyyy", "day"], Kind::Date),
    (&["time", "hh:mm"], Kind::Time),
    (&["url", "link", "website"], Kind::Url),
    (&["email"], Kind::Email),
    (&["address", "wallet", "0x"], Kind::Address),
    (&["hash", "digest"], Kind::Hash),
    (&["score", "result"], Kind::Score),
    (&["price", "amount", "temperature", "value", "rate", "percent"], Kind::Figure),
    (&["currency", "symbol", "ticker"], Kind::Currency),
    (
        &[
            "name", "winner", "team", "player", "title", "category", "label", "tag", "city",
            "country", "topic", "keyword", "word", "id", "username",
        ],
        Kind::Name,
    ),
];

#[derive(Debug, Clone, Copy)]
enum Kind {
    Date,
    Time,
    Url,
    Email,
    Address,
    Hash,
    Score,
    Figure,
    Currency,
    Name,
}

/// Is one of the words part of `about`, as a word of its own or of a name in snake case?
fn speaks_of(about: &str, words: &[&str]) -> bool {
    let about = about.to_lowercase();
    let mut found = about.split(|c: char| !c.is_alphanumeric() && c != ':');
    found.any(|part| words.iter().any(|word| part == *word || part.strip_suffix('s') == Some(word)))
}

/// A text about what `about` says: a field's name and what is said of it.
pub(super) fn about(about: &str, draw: &mut Draw) -> String {
    const PROSE: [&str; 12] = [
        "reason",
        "reasoning",
        "explanation",
        "analysis",
        "summary",
        "description",
        "justification",
        "comment",
        "rationale",
        "feedback",
        "sentence",
        "paragraph",
    ];
    let kind = KINDS.iter().find(|(words, _)| speaks_of(about, words)).map(|(_, kind)| *kind);
    let name = (draw.pick(&NAMES)).copied().unwrap_or_default();
    match kind.filter(|_| !speaks_of(about, &PROSE)) {
        None => sentence(draw),
        Some(Kind::Date) => format!("2026-{:02}-{:02}", draw.below(12) + 1, draw.below(28) + 1),
        Some(Kind::Time) => format!("{:02}:{:02}", draw.below(24), draw.below(60)),
        Some(Kind::Url) => format!("https://example.com/{}", name.to_lowercase()),
        Some(Kind::Email) => format!("{}@example.com", name.to_lowercase()),
        Some(Kind::Address) => format!("0x{}", hex(draw, 20)),
        Some(Kind::Hash) => format!("0x{}", hex(draw, 32)),
        Some(Kind::Score) => format!("{}:{}", draw.below(5), draw.below(5)),
        Some(Kind::Figure) => format!("{}.{:02}", draw.below(100), draw.below(100)),
        Some(Kind::Currency) => {
            draw.pick(&["USD", "EUR", "GBP", "JPY"]).copied().unwrap_or_default().to_owned()
        }
        Some(Kind::Name) => name.to_owned(),
    }
}

fn hex(draw: &mut Draw, bytes: usize) -> String {
    let digit = |number: u64| char::from_digit(u32::try_from(number).unwrap_or(0), 16);
    (0..bytes * 2).filter_map(|_| digit(draw.below(16))).collect()
}

/// One sentence.
pub(super) fn sentence(draw: &mut Draw) -> String {
    draw.pick(&SENTENCES).copied().unwrap_or_default().to_owned()
}
