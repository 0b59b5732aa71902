//! Finds the JSON object that a prompt shows as an example, however loosely it is written:
//! `{"reasoning": str, "result": true | false // your verdict }`.

use std::cell::Cell;

use serde_json::Value;

use super::shape::Shape;
use super::{hint, schema};

/// An object in a prompt.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) shape: Shape,
    /// How much speaks for its being the form of the answer.
    pub(super) score: usize,
}

/// Words before an object that announce the form of an answer.
const CUES: [&str; 11] = [
    "json",
    "format",
    "respond",
    "return",
    "output",
    "reply",
    "schema",
    "structure",
    "answer",
    "provide",
    "result",
];

/// The object that most probably is the form of the answer; of equals, the last.
pub(super) fn find(prompt: &str) -> Option<Found> {
    const OBJECTS_MAX: usize = 1000;
    let mut parser = Parser::of(prompt);
    let mut best: Option<Found> = None;
    for _ in 0..OBJECTS_MAX {
        while parser.peek().is_some_and(|c| c != '{') {
            parser.at += 1;
        }
        if parser.peek().is_none() {
            break;
        }
        let start = parser.at;
        parser.sure = 0;
        let Some(shape) = parser.object() else {
            parser.at = start + 1;
            continue;
        };
        let text: String = parser.chars.iter().take(parser.at).skip(start).collect();
        let parsed: Option<Value> = serde_json::from_str(&text).ok();
        let from_schema = parsed.as_ref().and_then(schema::read);
        let before: String =
            parser.chars.iter().take(start).skip(start.saturating_sub(160)).collect();
        let before = before.to_lowercase();
        let cues = CUES.iter().filter(|cue| before.contains(*cue)).count();
        let sure = if from_schema.is_some() || parser.sure > 0 { 4 } else { 0 };
        let found = Found { shape: from_schema.unwrap_or(shape), score: cues + sure };
        if best.as_ref().is_none_or(|best| found.score >= best.score) {
            best = Some(found);
        }
    }
    best
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    depth: u8,
    /// Values so far that can only be descriptions.
    sure: usize,
    /// Looks at letters that are left for all of the search. Where none is left the prompt ends, so
    /// nothing that is written in it takes long to read.
    left: Cell<usize>,
}

/// Looks at letters in one search: several for each letter of the longest text.
const LOOKS_MAX: usize = 4 << 20;
/// Looks that one letter of a value takes: it is searched by patterns.
const LOOKS_OF_HINT: usize = 16;
/// Letters of a value or comment that say what is meant.
const HINT_CHARS_MAX: usize = 1_000;

const DEPTH_MAX: u8 = 8;
const FIELDS_MAX: usize = 64;

impl Parser {
    fn of(prompt: &str) -> Self {
        let left = Cell::new(LOOKS_MAX);
        Self { chars: prompt.chars().collect(), at: 0, depth: 0, sure: 0, left }
    }

    /// Takes as many looks, if that many are left.
    fn take(&self, looks: usize) -> Option<()> {
        let left = self.left.get().checked_sub(looks);
        self.left.set(left.unwrap_or_default());
        left.map(drop)
    }

    fn peek(&self) -> Option<char> {
        self.take(1)?;
        self.chars.get(self.at).copied()
    }

    /// What the letters from `start` to here say, as far as they are read.
    fn said_since(&self, start: usize) -> String {
        let end = self.at.min(start + HINT_CHARS_MAX);
        let looks = self.take((end - start) * LOOKS_OF_HINT);
        let chars = self.chars.get(start..end).filter(|_| looks.is_some());
        chars.unwrap_or_default().iter().collect()
    }

    fn peek_after(&self, count: usize) -> Option<char> {
        self.chars.get(self.at + count).copied()
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn skip_while(&mut self, skip: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&skip) {
            self.at += 1;
        }
    }

    /// Is this the begin of a remark that runs to the end of the line?
    fn at_comment(&self) -> bool {
        let next = (self.peek(), self.peek_after(1));
        matches!(next, (Some('/'), Some('/')) | (Some('#'), _))
            || matches!(next, (Some('-'), Some('-')) | (Some('<'), Some('-')))
    }

    fn rest_of_line(&mut self) -> String {
        let start = self.at;
        self.skip_while(|c| c != '\n');
        self.said_since(start)
    }

    /// An object with at least one field.
    fn object(&mut self) -> Option<Shape> {
        if self.depth >= DEPTH_MAX || !self.eat('{') {
            return None;
        }
        self.depth += 1;
        let doubled = self.eat('{');
        let fields = self.fields();
        self.depth -= 1;
        if doubled {
            self.eat('}');
        }
        fields.filter(|fields| !fields.is_empty()).map(Shape::Object)
    }

    fn fields(&mut self) -> Option<Vec<(String, Shape)>> {
        let mut fields: Vec<(String, Shape)> = Vec::new();
        loop {
            self.skip_while(|c| c.is_whitespace() || matches!(c, ',' | ';' | '.' | '…'));
            match self.peek()? {
                '}' => {
                    self.at += 1;
                    return Some(fields);
                }
                _ if self.at_comment() => drop(self.rest_of_line()),
                _ => {
                    let key = self.key()?;
                    self.skip_while(|c| c == ' ' || c == '\t');
                    if !self.eat(':') || fields.len() >= FIELDS_MAX {
                        return None;
                    }
                    let shape = self.value(&key)?;
                    fields.retain(|(name, _)| *name != key);
                    fields.push((key, shape));
                }
            }
        }
    }

    /// A name in quotation marks or without.
    fn key(&mut self) -> Option<String> {
        let mark = self.peek().filter(|c| matches!(c, '"' | '\'' | '`' | '“'));
        let start = self.at + usize::from(mark.is_some());
        self.at = start;
        if let Some(mark) = mark {
            let end = if mark == '“' { '”' } else { mark };
            self.skip_while(|c| c != end && c != '\n');
            let key = self.chars.iter().take(self.at).skip(start).collect();
            return self.eat(end).then_some(key);
        }
        self.skip_while(|c| c.is_alphanumeric() || c == '_' || c == '-');
        (self.at > start).then(|| self.chars.iter().take(self.at).skip(start).collect())
    }

    fn value(&mut self, key: &str) -> Option<Shape> {
        self.skip_while(char::is_whitespace);
        let shape = match self.peek()? {
            '{' => match self.object() {
                Some(shape) => shape,
                None if self.peek_is_empty_object() => Shape::Object(Vec::new()),
                None => return None,
            },
            '[' => self.list(key)?,
            _ => {
                let raw = self.raw(false);
                let comment = self.comment();
                let hint = hint::read(key, &raw, &comment);
                self.sure += usize::from(hint.sure);
                return Some(hint.shape);
            }
        };
        drop(self.comment());
        Some(shape)
    }

    /// `{}` was read and found empty.
    fn peek_is_empty_object(&self) -> bool {
        self.at > 0 && self.chars.get(self.at - 1) == Some(&'}')
    }

    fn list(&mut self, key: &str) -> Option<Shape> {
        self.at += 1;
        self.skip_while(char::is_whitespace);
        let item = match self.peek()? {
            ']' => Shape::Text(key.to_owned()),
            '{' => self.object()?,
            _ => {
                let raw = self.raw(true);
                let hint = hint::read(key, &raw, "");
                self.sure += usize::from(hint.sure);
                match hint.shape {
                    // One word of a list is an example, not the only one possible.
                    Shape::Choice(values) if values.len() == 1 => Shape::Text(key.to_owned()),
                    shape => shape,
                }
            }
        };
        let mut open = 1;
        while open > 0 {
            match self.peek()? {
                '[' => open += 1,
                ']' => open -= 1,
                _ => {}
            }
            self.at += 1;
        }
        Some(Shape::List(Box::new(item)))
    }

    /// A value up to the comma, line end or brace that ends it; quotations and brackets are whole.
    fn raw(&mut self, in_list: bool) -> String {
        let start = self.at;
        let mut open = 0_usize;
        while let Some(c) = self.peek() {
            match c {
                '"' | '`' | '\'' if self.opens_quotation(c) => {
                    self.at += 1;
                    self.skip_while(|other| other != c);
                }
                '(' | '[' | '<' if !self.at_comment() => open += 1,
                ']' if open == 0 && in_list => break,
                ')' | ']' | '>' => open = open.saturating_sub(1),
                ',' | ';' if open == 0 && (in_list || self.ends_value()) => break,
                '\n' | '}' => break,
                _ if open == 0 && self.at_comment() => break,
                _ => {}
            }
            self.at += 1;
        }
        self.said_since(start)
    }

    /// Does this comma end a value, or is it one of an enumeration?
    fn ends_value(&mut self) -> bool {
        let comma = self.at;
        self.at += 1;
        self.skip_while(|c| c == ' ' || c == '\t');
        let ends = self.at_comment()
            || self.peek().is_none_or(|c| matches!(c, '\n' | '\r' | '}' | '(' | '.' | '…'))
            || (self.key().is_some() && {
                self.skip_while(|c| c == ' ');
                self.peek() == Some(':')
            });
        self.at = comma;
        ends
    }

    /// Is there a closing mark on this line, and is this no apostrophe?
    fn opens_quotation(&self, mark: char) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.chars.get(at));
        let is_apostrophe = mark == '\'' && before.is_some_and(|c| c.is_alphanumeric());
        let rest = self.chars.get(self.at + 1..).unwrap_or_default();
        let mut rest = rest.iter().take_while(|c| **c != '\n' && self.take(1).is_some());
        !is_apostrophe && rest.any(|c| *c == mark)
    }

    /// What is remarked after a value, before or after its comma, on the same line.
    fn comment(&mut self) -> String {
        let start = self.at;
        self.skip_while(|c| matches!(c, ' ' | '\t' | ',' | ';'));
        if self.at_comment() || self.peek() == Some('(') {
            return self.rest_of_line();
        }
        self.at = start;
        String::new()
    }
}
