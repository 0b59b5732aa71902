//! What is said about one field, as a shape.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::alternatives::{self, pattern};
use super::shape::Shape;

/// A shape, and whether the words left no doubt.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hint {
    pub(super) shape: Shape,
    /// False for what could as well be data.
    pub(super) sure: bool,
}

static LIST_OF: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^(?:an? )?(?:list|array|sequence|set)\s*(?:\[\s*(.+?)\s*\]|<\s*(.+?)\s*>|\s+of\s+(.+))?\s*$",
    )
});
static NAMED_NUMBERS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)(?:^|[^\w.])(-?\d+)\s*(?:\bfor\b|\bif\b|\bmeans\b|\bwhen\b|=)"));
static BOTH_TRUTHS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^\W*(?:true\W+(?:or\W+)?false|false\W+(?:or\W+)?true)\W*$|\btrue (?:if|when|or false)\b|^(?:whether|if) ",
    )
});
static PLACEHOLDER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^\s*[<\[(].*[>\])]\s*$|^\.{2,}$|^…$"));

/// What a field's name, value and comment say.
pub(super) fn read(key: &str, raw: &str, comment: &str) -> Hint {
    let raw = raw.trim();
    let choices = alternatives::quoted(raw);
    if choices.len() > 1 {
        return Hint { shape: of_words(key, &choices), sure: true };
    }
    let inner = unquoted(raw);
    let is_quoted = inner.is_some();
    let text = inner.unwrap_or(raw).trim();
    let mut hint = of_text(key, text, is_quoted);
    if !comment.trim().is_empty() {
        hint = Hint { shape: refined(hint.shape, key, comment), sure: true };
    }
    hint
}

/// The inside of a text that is one quotation.
fn unquoted(raw: &str) -> Option<&str> {
    ['"', '\'', '`'].into_iter().find_map(|mark| {
        raw.strip_prefix(mark)?.strip_suffix(mark).filter(|inner| !inner.contains(mark))
    })
}

/// Words to choose from; where all of them are types, the first type is meant.
fn of_words(key: &str, words: &[String]) -> Shape {
    let words: Vec<&str> =
        words.iter().map(|word| word.trim_matches(['"', '\'', '`', ' '])).collect();
    if words.iter().all(|word| is_truth(word)) {
        return Shape::Boolean;
    }
    let types: Vec<Shape> = words.iter().filter_map(|word| of_type(key, word)).collect();
    if let (Some(first), true) = (types.first(), types.len() == words.len()) {
        return first.clone();
    }
    let numbers: Vec<Value> =
        words.iter().filter_map(|w| Some(json!(w.parse::<i64>().ok()?))).collect();
    if numbers.len() == words.len() {
        return Shape::Choice(numbers);
    }
    let values = words.into_iter().filter(|word| !word.is_empty() && *word != "...");
    Shape::Choice(
        values
            .map(|word| match word {
                "null" | "None" => Value::Null,
                _ => json!(word),
            })
            .collect(),
    )
}

fn is_truth(word: &str) -> bool {
    word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false")
}

/// A type's name.
fn of_type(key: &str, text: &str) -> Option<Shape> {
    /// A value of any length can follow a name, and every bracket can be a list of lists.
    const LISTS_MAX: usize = 4;
    if text.bytes().filter(|byte| matches!(byte, b'[' | b'<')).count() > LISTS_MAX {
        return None;
    }
    let text = text.trim().trim_end_matches('?');
    let lower = text.to_lowercase();
    let lower =
        lower.strip_prefix("optional[").and_then(|rest| rest.strip_suffix(']')).unwrap_or(&lower);
    Some(match lower {
        "str" | "string" | "text" | "strings" | "any" => Shape::Text(key.to_owned()),
        "int" | "integer" | "number" | "integers" | "numbers" | "uint" | "u256" | "bigint" => {
            Shape::ANY_INTEGER
        }
        "float" | "decimal" | "double" | "floats" => Shape::ANY_DECIMAL,
        "bool" | "boolean" | "booleans" => Shape::Boolean,
        "dict" | "object" => Shape::Object(Vec::new()),
        "null" | "none" => Shape::Null,
        _ => {
            if let Some(item) = lower.strip_suffix("[]") {
                return of_type(key, item).map(|item| Shape::List(Box::new(item)));
            }
            let found = LIST_OF.captures(lower)?;
            let item = found.iter().skip(1).flatten().next().map(|item| item.as_str());
            let item = item.and_then(|item| of_type(key, item));
            Shape::List(Box::new(item.unwrap_or_else(|| Shape::Text(key.to_owned()))))
        }
    })
}

/// A value or a description of one.
fn of_text(key: &str, text: &str, is_quoted: bool) -> Hint {
    let sure = |shape: Shape| Hint { shape, sure: true };
    let placeholder = PLACEHOLDER.is_match(text);
    let bare = text.trim_matches(['<', '>', '[', ']', '(', ')', ' ']);
    if let Some(shape) = of_type(key, text).or_else(|| of_type(key, bare)) {
        return sure(shape);
    }
    if BOTH_TRUTHS.is_match(bare) {
        return sure(Shape::Boolean);
    }
    if !is_quoted && is_truth(bare) {
        return Hint { shape: Shape::Boolean, sure: false };
    }
    if let Some(shape) = described(key, bare) {
        return sure(shape);
    }
    if let (false, Ok(number)) = (is_quoted, bare.parse::<i64>()) {
        let shape = match number {
            0..=10 => Shape::Integer(0, 10),
            11..=100 => Shape::ANY_INTEGER,
            _ => Shape::Choice(vec![json!(number)]),
        };
        return Hint { shape, sure: false };
    }
    if let (false, Ok(number)) = (is_quoted, bare.parse::<f64>()) {
        let most = if number > 1.0 { number * 2.0 } else { 1.0 };
        return Hint { shape: Shape::Decimal(0.0, most), sure: false };
    }
    let is_word =
        is_quoted && !placeholder && bare.len() <= 24 && !bare.contains(char::is_whitespace);
    let is_word = is_word && !bare.is_empty() && bare.to_lowercase() != key.to_lowercase();
    let about = format!("{key} {bare}");
    let is_pattern = bare.contains("YYYY") || bare.contains("...");
    if is_word && !is_pattern {
        return Hint { shape: Shape::Choice(vec![json!(bare)]), sure: false };
    }
    Hint { shape: Shape::Text(about), sure: placeholder || !is_quoted || is_pattern }
}

/// Alternatives, bounds or a type somewhere in a description.
pub(super) fn described(key: &str, text: &str) -> Option<Shape> {
    let words = alternatives::find(text);
    if words.len() > 1 {
        return Some(of_words(key, &words));
    }
    let lower = text.to_lowercase();
    let speaks = |names: &[&str]| {
        lower.split(|c: char| !c.is_alphanumeric()).any(|word| names.contains(&word))
    };
    let decimal = speaks(&["float", "decimal", "probability"]);
    if let Some((from, to, has_point)) = alternatives::range(text) {
        return Some(bounded(from, to, has_point || decimal));
    }
    if speaks(&["string", "str", "text"]) {
        let list = speaks(&["list", "array"]);
        let shape = Shape::Text(format!("{key} {text}"));
        return Some(if list { Shape::List(Box::new(shape)) } else { shape });
    }
    if speaks(&["boolean", "bool"]) {
        return Some(Shape::Boolean);
    }
    if decimal {
        return Some(Shape::ANY_DECIMAL);
    }
    if speaks(&["integer", "int"]) {
        return Some(Shape::ANY_INTEGER);
    }
    None
}

/// A number within bounds.
pub(super) fn bounded(from: f64, to: f64, decimal: bool) -> Shape {
    // Whole numbers of at most nine digits; the text of the others says enough.
    let whole = |number: f64| format!("{number:.0}").parse::<i64>().ok();
    match (decimal, whole(from), whole(to)) {
        (false, Some(from), Some(to)) => Shape::Integer(from, to),
        _ => Shape::Decimal(from, to),
    }
}

/// A shape with what a comment adds to it.
fn refined(shape: Shape, key: &str, comment: &str) -> Shape {
    match shape {
        Shape::Integer(..) => {
            let numbers = NAMED_NUMBERS.captures_iter(comment);
            let numbers = numbers.filter_map(|found| found.get(1)?.as_str().parse::<i64>().ok());
            let mut numbers: Vec<i64> = numbers.collect();
            if numbers.is_empty() {
                return match alternatives::range(comment) {
                    Some((from, to, decimal)) => bounded(from, to, decimal),
                    None => shape,
                };
            }
            // Only the exceptions are named: "0 for a draw, -1 if it is not over".
            if numbers.iter().all(|number| *number <= 0) {
                numbers.extend([1, 2]);
            }
            Shape::Choice(numbers.into_iter().map(|number| json!(number)).collect())
        }
        Shape::Decimal(..) => {
            alternatives::range(comment).map_or(shape, |(from, to, _)| Shape::Decimal(from, to))
        }
        Shape::Text(about) => {
            let lower = comment.to_lowercase();
            let examples = ["e.g", "example", "such as", "one of", "either", " or "];
            let quoted = alternatives::all_quoted(comment);
            if !quoted.is_empty() && examples.iter().any(|cue| lower.contains(cue)) {
                return Shape::Choice(quoted.into_iter().map(|word| json!(word)).collect());
            }
            match described(key, comment) {
                Some(Shape::Text(_)) | None => Shape::Text(format!("{about} {comment}")),
                Some(Shape::Choice(values)) => Shape::Choice(values),
                Some(_) => Shape::Text(format!("{about} {comment}")),
            }
        }
        other => other,
    }
}
