//! The values of a scenario file: durations, distributions, probabilities, arrivals and stakes, as
//! short texts that say in words what is wrong with them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// A duration as text: a whole number and one of `ms`, `s`, `m`, `h`, `d`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "`{text}` is not a duration; valid are a whole number and ms, s, m, h or d: `250ms`, `30s`, `1d`"
        )
    };
    let text = text.trim();
    let split = text.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let millis_each = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().ok().ok_or_else(wrong)?;
    let millis = number.checked_mul(millis_each).filter(|millis| *millis <= LONGEST_MS);
    millis.map(Duration::from_millis).ok_or_else(|| format!("`{text}` is longer than 36500 days"))
}

/// A century: nothing that is simulated lasts longer, and no sum of such durations overflows.
const LONGEST_MS: u64 = 36_500 * 86_400_000;

/// A whole number.
fn parse_number(text: &str) -> Result<u64, String> {
    text.parse().ok().ok_or_else(|| format!("`{text}` is not a whole number of 0 or more"))
}

fn parse_millis(text: &str) -> Result<u64, String> {
    let millis = parse_duration(text)?.as_millis();
    Ok(u64::try_from(millis).unwrap_or(LONGEST_MS))
}

/// How a quantity is spread: milliseconds for durations, units for amounts and stakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Spread {
    /// Always the same.
    Constant(u64),
    /// Every whole number from the first to the second equally often.
    Uniform(u64, u64),
    /// Exponential with this mean.
    Exponential(u64),
    /// Normal with this mean and standard deviation, nothing below zero.
    Normal(u64, u64),
}

impl Spread {
    fn parse(text: &str, number: fn(&str) -> Result<u64, String>) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["uniform", min, max] => match (number(min)?, number(max)?) {
                (min, max) if min <= max => Ok(Self::Uniform(min, max)),
                _ => Err(format!("`{text}` ends before it begins; write the smaller one first")),
            },
            ["exponential", mean] => Ok(Self::Exponential(number(mean)?)),
            ["normal", mean, deviation] => Ok(Self::Normal(number(mean)?, number(deviation)?)),
            ["constant", value] | [value] if !NAMES.contains(value) => {
                Ok(Self::Constant(number(value)?))
            }
            _ => Err(format!(
                "`{text}` is not a distribution; valid are one value, `uniform MIN MAX`, \
                 `exponential MEAN` and `normal MEAN DEVIATION`"
            )),
        }
    }

    /// The smallest value it can have.
    pub const fn least(self) -> u64 {
        match self {
            Self::Constant(value) => value,
            Self::Uniform(min, _) => min,
            Self::Exponential(_) | Self::Normal(..) => 0,
        }
    }
}

const NAMES: [&str; 4] = ["constant", "uniform", "exponential", "normal"];

/// A spread of durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Delay(pub Spread);

impl Delay {
    /// No delay at all.
    pub const NONE: Self = Self(Spread::Constant(0));

    /// Never anything but nothing.
    pub fn is_none(self) -> bool {
        self == Self::NONE
    }
}

impl FromStr for Delay {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Spread::parse(text, parse_millis).map(Self)
    }
}

impl FromStr for Spread {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text, parse_number)
    }
}

/// How transactions arrive.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Arrival {
    /// All at the start.
    AllAtOnce,
    /// One after every such pause.
    Every(Duration),
    /// At random, so many a second on average.
    Poisson(f64),
    /// A new one whenever one of so many is decided.
    Closed(u64),
}

impl FromStr for Arrival {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            ["all", "at", "once"] => Ok(Self::AllAtOnce),
            ["every", pause] => parse_duration(pause).map(Self::Every),
            ["poisson", rate] => match rate.parse::<f64>() {
                Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(Self::Poisson(rate)),
                _ => Err(format!("`{rate}` is not a rate: more than 0 transactions a second")),
            },
            ["closed", flight] => match parse_number(flight)? {
                0 => Err("`closed 0` never begins; write at least `closed 1`".to_owned()),
                flight => Ok(Self::Closed(flight)),
            },
            _ => Err(format!(
                "`{text}` is not a way to arrive; valid are `all at once`, `every DURATION`, \
                 `poisson PER_SECOND` and `closed IN_FLIGHT`"
            )),
        }
    }
}

macro_rules! text_values {
    ($($name:ty),+) => { $(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(D::Error::custom)
            }
        }
    )+ };
}

text_values!(Delay, Spread, Arrival, Span);

/// A single duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse_duration(text).map(Self)
    }
}

/// A number from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Share(pub f64);

impl Share {
    /// Always.
    pub const ALL: Self = Self(1.0);
    /// Never.
    pub const NONE: Self = Self(0.0);
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(from)?;
        if (0.0..=1.0).contains(&share) {
            Ok(Self(share))
        } else {
            Err(D::Error::custom(format!("{share} is not between 0 and 1")))
        }
    }
}

/// The stakes of the validators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stakes {
    /// One for each.
    List(Vec<u64>),
    /// Drawn from the seed.
    Drawn(Spread),
}

impl<'de> Deserialize<'de> for Stakes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Stakes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of stakes or a distribution such as `uniform 1 100`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Stakes, E> {
                text.parse().map(Stakes::Drawn).map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Stakes, A::Error> {
                let mut stakes = Vec::new();
                while let Some(stake) = seq.next_element::<u64>()? {
                    if stake == 0 {
                        return Err(A::Error::custom("a stake of 0; every stake is at least 1"));
                    }
                    stakes.push(stake);
                }
                Ok(Stakes::List(stakes))
            }
        }

        from.deserialize_any(Either)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("1d"), Ok(Duration::from_hours(24)));
        for wrong in ["", "5", "ms", "1.5s", "3 weeks", "99999999999d"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn distributions_are_written_in_words() {
        assert_eq!("2s".parse(), Ok(Delay(Spread::Constant(2_000))));
        assert_eq!("uniform 1s 2s".parse(), Ok(Delay(Spread::Uniform(1_000, 2_000))));
        assert_eq!("normal 10 3".parse(), Ok(Spread::Normal(10, 3)));
        for wrong in ["", "uniform", "uniform 2s 1s", "gauss 1s 2s", "exponential", "uniform 1 2"] {
            assert!(wrong.parse::<Delay>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn arrivals_are_written_in_words() {
        assert_eq!("all at once".parse(), Ok(Arrival::AllAtOnce));
        assert_eq!("poisson 2.5".parse(), Ok(Arrival::Poisson(2.5)));
        for wrong in ["closed 0", "poisson 0", "poisson inf", "every", "at once"] {
            assert!(wrong.parse::<Arrival>().is_err(), "{wrong}");
        }
    }
}
