//! Other values for keys of a scenario file: what a sweep varies.

use std::path::Path;
use std::str::FromStr;

use toml::{Table, Value};

use super::{Scenario, ScenarioError};

/// A key of a scenario file and the values to try, written `network.committee=5,7,11` or
/// `behaviour.0.probability=0.1,0.2`: tables by name, the groups of a list by number from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variation {
    /// The key with its tables.
    pub key: String,
    /// The values, as written.
    pub values: Vec<String>,
}

/// A text that is no variation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` varies nothing; valid is `KEY=VALUE,VALUE…`, like `network.committee=5,7,11`")]
pub struct NoVariation(String);

impl FromStr for Variation {
    type Err = NoVariation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || NoVariation(text.chars().take(80).collect());
        let (key, values) = text.split_once('=').ok_or_else(wrong)?;
        let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
        let key = key.trim();
        let is_whole = !key.split('.').any(str::is_empty) && !values.iter().any(String::is_empty);
        if is_whole { Ok(Self { key: key.to_owned(), values }) } else { Err(wrong()) }
    }
}

impl Scenario {
    /// The scenario in the file `path` with other values, `(key, value)`, for some keys; its name
    /// tells them.
    pub fn read_with(path: &Path, changes: &[(&str, &str)]) -> Result<Self, ScenarioError> {
        let plain = Self::read(path)?;
        let refused =
            |message: String| ScenarioError { file: path.to_owned(), line: 1, column: 1, message };
        let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
        let mut file: Table =
            text.parse().map_err(|error: toml::de::Error| refused(error.message().to_owned()))?;
        let mut name = plain.name;
        for (key, value) in changes {
            let wrong = |why: &str| refused(format!("`{key}={value}`: {why}"));
            let keys: Vec<&str> = key.split('.').collect();
            set(&mut file, &keys, parsed(value)).map_err(wrong)?;
            name = format!("{name} {key}={value}");
        }
        let text = toml::to_string(&file).map_err(|error| refused(error.to_string()))?;
        let scenario = Self::parse(path, &text).map_err(|error| {
            let changes: Vec<String> =
                changes.iter().map(|(key, value)| format!("`{key}={value}`")).collect();
            refused(format!("with {}: {}", changes.join(" and "), error.message))
        })?;
        Ok(Self { name, ..scenario })
    }
}

/// A value as TOML reads it; a bare word is a text.
fn parsed(text: &str) -> Value {
    let read = format!("value = {text}").parse::<Table>().ok();
    let value = read.and_then(|mut table| table.remove("value"));
    value.unwrap_or_else(|| Value::String(text.to_owned()))
}

fn set(table: &mut Table, keys: &[&str], value: Value) -> Result<(), &'static str> {
    let Some((first, rest)) = keys.split_first() else { return Err("which key?") };
    let Some((second, after)) = rest.split_first() else {
        table.insert((*first).to_owned(), value);
        return Ok(());
    };
    match table.entry(*first).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(inner) => set(inner, rest, value),
        Value::Array(list) => {
            let inner = second.parse::<usize>().ok().and_then(|number| list.get_mut(number));
            match inner {
                Some(Value::Table(inner)) => set(inner, after, value),
                _ => Err("there is no such group; they are counted from 0"),
            }
        }
        _ => Err("there is no such table"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
        [[behaviour]]
        count = 2
        kind = \"wrong\"
        [workload]
        arrival = \"all at once\"
        count = 3
    ";

    fn with(changes: &[(&str, &str)]) -> Result<Scenario, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.toml");
        std::fs::write(&path, TEXT).unwrap();
        Scenario::read_with(&path, changes).map_err(|error| error.message)
    }

    #[test]
    fn keys_of_tables_and_of_groups_are_changed() {
        let changes = [("network.committee", "3"), ("behaviour.0.probability", "0.25")];
        let scenario = with(&changes).unwrap();
        assert_eq!(scenario.network.committee, 3);
        assert_eq!(scenario.behaviours[0].probability.0.to_string(), "0.25");
        assert_eq!(scenario.name, "small network.committee=3 behaviour.0.probability=0.25");
        let words = with(&[("workload.arrival", "poisson 2")]).unwrap();
        assert!(matches!(words.workload.arrival, super::super::Arrival::Poisson(_)));
    }

    #[test]
    fn a_wrong_change_is_named() {
        for (key, value, why) in [
            ("network.size", "3", "unknown field `size`"),
            ("network.committee", "0", "a committee of 0"),
            ("behaviour.1.count", "1", "no such group"),
            ("workload.count.x", "1", "no such table"),
        ] {
            let error = with(&[(key, value)]).unwrap_err();
            assert!(error.contains(&format!("`{key}={value}`")) && error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_variation_needs_a_key_and_values() {
        let good: Variation = "network.committee=5, 7".parse().unwrap();
        assert_eq!((good.key.as_str(), good.values.len()), ("network.committee", 2));
        for wrong in ["", "a", "a=", "=1", "a=1,,2", "a..b=1"] {
            assert!(wrong.parse::<Variation>().is_err(), "{wrong}");
        }
    }
}
