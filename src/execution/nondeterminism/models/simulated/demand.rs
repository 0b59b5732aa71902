//! What a prompt demands of its answer.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Value, json};

use super::alternatives::{self, pattern};
use super::shape::{Draw, Shape};
use super::{hint, prose, skeleton};
use crate::execution::nondeterminism::AnswerFormat;

/// What a prompt demands of its answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Demand {
    /// A value of this shape; an object, where JSON is demanded.
    Shaped(Shape),
    /// Words.
    Prose,
}

static CUE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:only|exactly|just|one of|either|single|one word|respond|answer|reply|return|output|say|must be|classify|choose|decide|rate|score|is it)\b",
    )
});
static FIELD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?m)^\s*(?:[-*•]|\d+[.)])?\s*(["'`*]*)([A-Za-z_][A-Za-z0-9_]*)["'`*]*\s*(?:\(([^)\n]*)\))?\s*(?::|–|—|-|=)\s+(\S.*)$"#,
    )
});
static KEYS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b(?:keys?|fields?|properties|attributes)\b[^.\n"'`]{0,40}((?:["'`]\w+["'`](?:\s*\([^)\n]*\))?[\s,]*(?:and\s+)?)+)"#,
    )
});
static KEY: LazyLock<Regex> = LazyLock::new(|| pattern(r#"["'`](\w+)["'`](?:\s*\(([^)\n]*)\))?"#));
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(?:number|integer|score|rating|percentage|percent|probability|scale|rate)\b")
});
static ONLY_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:only|just|single)\b[^.\n]{0,20}\b(?:number|integer)\b|\b(?:number|integer) only\b",
    )
});

impl Demand {
    /// What the prompt demands, as far as it can be told from its words.
    pub(super) fn read(prompt: &str, format: AnswerFormat) -> Self {
        let says_json = prompt.to_lowercase().contains("json");
        if format == AnswerFormat::Json {
            let shape = skeleton::find(prompt).map(|found| found.shape);
            let shape = shape.or_else(|| fields(prompt));
            return Self::Shaped(shape.unwrap_or_else(|| Shape::Object(vec![answer(prompt)])));
        }
        if let Some(found) = skeleton::find(prompt)
            && (says_json || found.score > 4)
        {
            return Self::Shaped(found.shape);
        }
        if let Some(shape) = fields(prompt).filter(|_| says_json) {
            return Self::Shaped(shape);
        }
        single(prompt).map_or(Self::Prose, Self::Shaped)
    }

    /// A value that satisfies the demand.
    pub(super) fn draw(&self, draw: &mut Draw) -> Value {
        match self {
            Self::Shaped(shape) => shape.draw(draw),
            Self::Prose => json!(prose::sentence(draw)),
        }
    }
}

/// The one field of an object whose fields nobody names.
fn answer(prompt: &str) -> (String, Shape) {
    let shape = single(prompt).unwrap_or_else(|| Shape::Text("answer".to_owned()));
    ("answer".to_owned(), shape)
}

/// An object whose fields are listed, line by line or in one sentence.
fn fields(prompt: &str) -> Option<Shape> {
    const FIELDS_MAX: usize = 256;
    let mut fields: Vec<(String, Shape)> = Vec::new();
    let mut add = |name: &str, shape: Shape| {
        if fields.len() < FIELDS_MAX && fields.iter().all(|(known, _)| known != name) {
            fields.push((name.to_owned(), shape));
        }
    };
    for found in FIELD.captures_iter(prompt) {
        let part = |index: usize| found.get(index).map_or("", |part| part.as_str());
        let (marks, name, kind, text) = (part(1), part(2), part(3), part(4));
        let is_field =
            marks.contains(['"', '\'', '`']) || name.contains('_') || is_type(kind, text);
        if is_field {
            add(name, field(name, kind, text));
        }
    }
    if fields.is_empty()
        && let Some(list) = KEYS.captures(prompt).and_then(|found| found.get(1))
    {
        for found in KEY.captures_iter(list.as_str()).take(FIELDS_MAX) {
            let name = found.get(1).map_or("", |name| name.as_str());
            let kind = found.get(2).map_or("", |kind| kind.as_str());
            fields.push((name.to_owned(), field(name, kind, "")));
        }
    }
    (!fields.is_empty()).then_some(Shape::Object(fields))
}

fn is_type(kind: &str, text: &str) -> bool {
    const TYPES: [&str; 11] = [
        "str", "string", "text", "int", "integer", "number", "float", "bool", "boolean", "list",
        "array",
    ];
    let first = |text: &str| {
        let mut words = text.split(|c: char| !c.is_alphanumeric());
        words.next().unwrap_or_default().to_lowercase()
    };
    TYPES.contains(&first(kind).as_str()) || TYPES.contains(&first(text).as_str())
}

fn field(name: &str, kind: &str, text: &str) -> Shape {
    if kind.is_empty() {
        return hint::read(name, text, "").shape;
    }
    let typed = hint::read(name, kind, text).shape;
    match (&typed, hint::described(name, text)) {
        (Shape::Text(_), Some(Shape::Choice(values))) => Shape::Choice(values),
        _ => typed,
    }
}

/// One word or number that the prompt wants. Demands stand at the end more often than elsewhere.
fn single(prompt: &str) -> Option<Shape> {
    let sentences = prompt.split('\n').flat_map(|line| line.split_inclusive(". "));
    let mut sentences: Vec<&str> = sentences.filter(|text| CUE.is_match(text)).collect();
    sentences.reverse();
    // Text is wanted, so numbers and truths stay words, spelt as they are.
    let words = sentences.iter().map(|text| alternatives::find(text)).find(|words| words.len() > 1);
    if let Some(words) = words {
        return Some(Shape::Choice(words.into_iter().map(Value::from).collect()));
    }
    let range = |text: &&str| {
        let (from, to, decimal) = alternatives::range(text).filter(|_| NUMBER.is_match(text))?;
        let lower = text.to_lowercase();
        let decimal = decimal || lower.contains("decimal") || lower.contains("probability");
        Some(hint::bounded(from, to, decimal))
    };
    let only_number = || sentences.iter().any(|text| ONLY_NUMBER.is_match(text));
    let any = || only_number().then_some(Shape::ANY_INTEGER);
    sentences.iter().find_map(range).or_else(any)
}
