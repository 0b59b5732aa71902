//! Keys of providers: read once, shown never.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// Why a secret file was refused. Never holds a line of the file.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The file cannot be read.
    #[error("cannot read the secret file: {0}")]
    Unreadable(#[from] std::io::Error),
    /// Neither TOML nor `KEY=VALUE` lines.
    #[error("line {0} of the secret file is neither `KEY=VALUE` nor TOML")]
    Malformed(usize),
}

/// The keys of providers by the name of their environment variable.
///
/// Neither `Debug` nor any error shows a value, and [`Secrets::redact`] takes values out of texts
/// that came from outside, for servers like to quote what they were sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets {
    values: BTreeMap<String, String>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// Shorter values are placeholders such as `test`: taking those out would spoil what they occur in.
const SECRET_BYTES_MIN: usize = 8;

/// What stands where a key stood.
const REDACTED: &str = "[redacted]";

impl Secrets {
    /// The environment variables of these names, as far as they are set.
    pub fn from_environment<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut secrets = Self::default();
        for name in names {
            if let Ok(value) = std::env::var(name) {
                secrets.insert(name, &value);
            }
        }
        secrets
    }

    /// Reads a file; see [`Secrets::parse`].
    pub fn from_file(path: &Path) -> Result<Self, SecretsError> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    /// Reads a TOML table of texts, or lines `KEY=VALUE` with comments, quotes and `export`.
    pub fn parse(text: &str) -> Result<Self, SecretsError> {
        let mut secrets = Self::default();
        if let Ok(table) = text.parse::<toml::Table>() {
            for (name, value) in table.iter().filter_map(|(name, v)| Some((name, v.as_str()?))) {
                secrets.insert(name, value);
            }
            return Ok(secrets);
        }
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (name, value) = line.split_once('=').ok_or(SecretsError::Malformed(index + 1))?;
            let value = value.trim();
            let unquoted = ['"', '\''].into_iter().find_map(|quote| {
                value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote))
            });
            secrets.insert(name.trim(), unquoted.unwrap_or(value));
        }
        Ok(secrets)
    }

    /// Adds or replaces one; an empty value is no secret.
    pub fn insert(&mut self, name: &str, value: &str) {
        if !value.trim().is_empty() {
            self.values.insert(name.to_owned(), value.trim().to_owned());
        }
    }

    /// Adds those of `other`, which win over equal names.
    #[must_use]
    pub fn merged(mut self, other: Self) -> Self {
        self.values.extend(other.values);
        self
    }

    /// Is there a value under this name?
    pub fn contains(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// The text with every secret taken out, also where it is escaped as in JSON or an address.
    ///
    /// Call it before the text is cut: half a key is still too much of it.
    pub fn redact(&self, text: &str) -> String {
        let is_long = |value: &&String| value.len() >= SECRET_BYTES_MIN;
        let mut values: Vec<&String> = self.values.values().filter(is_long).collect();
        // A secret that is part of another must not spoil the longer one.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        let mut clean = text.to_owned();
        for value in values {
            let quoted = serde_json::Value::from(value.as_str()).to_string();
            let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
            for form in [value.as_str(), quoted.trim_matches('"'), &encoded] {
                if clean.contains(form) {
                    clean = clean.replace(form, REDACTED);
                }
            }
        }
        clean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_file_forms_are_read() {
        let lines = "# keys\nexport A=one\nB = \"two\"\nC='three'\n\nD=\n";
        let toml = "A = \"one\"\nB = \"two\"\nC = \"three\"\n";
        for text in [lines, toml] {
            let secrets = Secrets::parse(text).unwrap();
            let found = ["A", "B", "C", "D"].map(|name| secrets.get(name));
            assert_eq!(found, [Some("one"), Some("two"), Some("three"), None]);
        }
    }

    #[test]
    fn a_bad_line_is_named_by_its_number_only() {
        let error = Secrets::parse("A=1\nsk-very-secret\n").unwrap_err();
        assert!(error.to_string().contains("line 2"), "{error}");
        assert!(!format!("{error} {error:?}").contains("sk-very"));
    }

    #[test]
    fn every_form_of_a_secret_is_redacted() {
        let mut secrets = Secrets::default();
        secrets.insert("SHORT", "abcabcab");
        secrets.insert("LONG", "abcabcab/\"def");
        secrets.insert("TOY", "and");
        let text = "abcabcab/\"def and abcabcab%2F%22def and {\"k\":\"abcabcab/\\\"def\"} abcabcab";
        let clean = secrets.redact(text);
        let wanted = "[redacted] and [redacted] and {\"k\":\"[redacted]\"} [redacted]";
        assert_eq!(clean, wanted);
        assert_eq!(format!("{secrets:?}"), r#"{"LONG", "SHORT", "TOY"}"#);
    }
}
