//! Instants as people and programs write them.

use super::{Moment, Timestamp};

const DAY_MILLIS: i64 = 86_400_000;
const DAY_MICROS: i64 = DAY_MILLIS * 1_000;

impl Timestamp {
    /// Reads an ISO 8601 instant: a date, with or without a time of day, separators, a fraction of
    /// the second and an offset. What has no offset is UTC. `None` for anything else, and for what
    /// the network's clock never shows.
    ///
    /// ```
    /// use agora::domain::Timestamp;
    ///
    /// let instant = Some(Timestamp::from_millis(1_704_067_200_000));
    /// assert_eq!(Timestamp::from_iso8601("2024-01-01T00:00:00Z"), instant);
    /// assert_eq!(Timestamp::from_iso8601("2024-01-01 02:00+02:00"), instant);
    /// assert_eq!(Timestamp::from_iso8601("2024-13-01"), None);
    /// ```
    pub fn from_iso8601(text: &str) -> Option<Self> {
        Moment::from_iso8601(text).map(|moment| Self::from_millis(moment.as_micros() / 1_000))
    }

    /// The instant in UTC, as [`Self::from_iso8601`] reads it; the fraction only where there is one.
    pub fn to_iso8601(self) -> String {
        Moment::from(self).to_iso8601()
    }
}

impl Moment {
    /// Reads what [`Timestamp::from_iso8601`] reads, to the microsecond.
    pub fn from_iso8601(text: &str) -> Option<Self> {
        let mut reader = Reader(text.as_bytes());
        let mut micros = reader.date()?.checked_mul(DAY_MICROS)?;
        if reader.eat(b"Tt ").is_some() {
            micros = micros.checked_add(reader.time()?)?.checked_sub(reader.offset()?)?;
        }
        let is_shown = micros >= 0 && micros / 1_000 <= Timestamp::LAST.as_millis();
        (reader.0.is_empty() && is_shown).then(|| Self::from_micros(micros))
    }

    /// The instant in UTC, as [`Self::from_iso8601`] reads it; with as much of a fraction, by thousands,
    /// as there is.
    pub fn to_iso8601(self) -> String {
        let (days, micros) =
            (self.as_micros().div_euclid(DAY_MICROS), self.as_micros().rem_euclid(DAY_MICROS));
        let (year, month, day) = civil(days);
        let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let fraction = match (fraction / 1_000, fraction % 1_000) {
            (0, 0) => String::new(),
            (millis, 0) => format!(".{millis:03}"),
            _ => format!(".{fraction:06}"),
        };
        format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}{fraction}Z")
    }
}

/// Year, month and day, from the days since 1970.
fn civil(days: i64) -> (i64, i64, i64) {
    // Counted from the first of March of the year 0, so that the leap day comes last: then months
    // follow a pattern of 153 days in five, and years one of 400.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// The next byte, if it is one of these.
    fn eat(&mut self, wanted: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        wanted.contains(first).then(|| {
            self.0 = rest;
            *first
        })
    }

    fn digit(&mut self) -> Option<i64> {
        self.eat(b"0123456789").map(|digit| i64::from(digit - b'0'))
    }

    /// Exactly `count` digits.
    fn number(&mut self, count: usize) -> Option<i64> {
        (0..count).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    /// Two digits, at most `most`.
    fn pair(&mut self, most: i64) -> Option<i64> {
        self.number(2).filter(|number| *number <= most)
    }

    /// Days since 1970.
    fn date(&mut self) -> Option<i64> {
        let year = self.number(4).filter(|year| *year > 0)?;
        let is_extended = self.eat(b"-").is_some();
        let month = self.pair(12)?;
        if is_extended {
            self.eat(b"-")?;
        }
        let day = self.pair(31)?;
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = if is_leap { 29 } else { 28 };
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let before = lengths.get(..usize::try_from(month).ok()?.checked_sub(1)?)?;
        let length = *lengths.get(before.len())?;
        let past = year - 1;
        let leaps = past / 4 - past / 100 + past / 400;
        let days = past * 365 + leaps + before.iter().sum::<i64>() + day - 1;
        // Days from the first of January of the year 1 to that of 1970.
        (1..=length).contains(&day).then_some(days - 719_162)
    }

    /// Microseconds of the day.
    fn time(&mut self) -> Option<i64> {
        let hours = self.pair(23)?;
        let (minutes, seconds) = self.sixtieths()?;
        let mut micros = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000;
        if self.eat(b".,").is_some() {
            let mut weight = 100_000;
            micros += self.digit()? * weight;
            while let Some(digit) = self.digit() {
                weight /= 10;
                micros += digit * weight;
            }
        }
        Some(micros)
    }

    /// Minutes and seconds, as far as they are there.
    fn sixtieths(&mut self) -> Option<(i64, i64)> {
        let is_extended = self.eat(b":").is_some();
        if !is_extended && !self.0.first().is_some_and(u8::is_ascii_digit) {
            return Some((0, 0));
        }
        let minutes = self.pair(59)?;
        let has_seconds = if is_extended {
            self.eat(b":").is_some()
        } else {
            self.0.first().is_some_and(u8::is_ascii_digit)
        };
        let seconds = if has_seconds { self.pair(59)? } else { 0 };
        Some((minutes, seconds))
    }

    /// Microseconds by which the text is ahead of UTC.
    fn offset(&mut self) -> Option<i64> {
        if self.0.is_empty() || self.eat(b"Zz").is_some() {
            return Some(0);
        }
        let is_ahead = self.eat(b"+-")? == b'+';
        let hours = self.pair(23)?;
        let (minutes, seconds) = self.sixtieths()?;
        let micros = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000;
        Some(if is_ahead { micros } else { -micros })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_of_an_instant_is_read() {
        let instant = 1_709_209_806_500;
        for text in [
            "2024-02-29T12:30:06.5Z",
            "2024-02-29t12:30:06.500z",
            "2024-02-29 12:30:06.500",
            "2024-02-29 12:30:06,500999+00:00",
            "2024-02-29T14:30:06.5+02:00",
            "2024-02-29T14:30:06.5+02",
            "2024-02-29T10:00:06.5-0230",
            "20240229T123006.5Z",
            "2024-03-01T00:30:06.500000+12:00",
        ] {
            let read = Timestamp::from_iso8601(text).map(Timestamp::as_millis);
            assert_eq!(read, Some(instant), "{text}");
        }
        for (text, millis) in [
            ("1970-01-01", 0),
            ("20240229", 1_709_164_800_000),
            ("2024-02-29T12", 1_709_208_000_000),
            ("2024-02-29T1230", 1_709_209_800_000),
            ("9999-12-31T23:59:59.999Z", Timestamp::LAST.as_millis()),
            ("2000-02-29T00:00Z", 951_782_400_000),
        ] {
            let read = Timestamp::from_iso8601(text).map(Timestamp::as_millis);
            assert_eq!(read, Some(millis), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for text in ["1970-01-01T00:00:00Z", "2024-02-29T23:59:59.007Z", "9999-12-31T23:59:59.999Z"]
        {
            let read = Timestamp::from_iso8601(text).map(Timestamp::to_iso8601);
            assert_eq!(read.as_deref(), Some(text));
        }
        // Every day there is, and another time on each.
        for day in 0..=Timestamp::LAST.as_millis() / DAY_MILLIS {
            let instant = Timestamp::from_millis(day * DAY_MILLIS + day % DAY_MILLIS);
            assert_eq!(Timestamp::from_iso8601(&instant.to_iso8601()), Some(instant));
        }
    }

    #[test]
    fn a_moment_keeps_its_microseconds() {
        for (text, micros, written) in [
            ("2024-02-29T12:30:06.123456+00:00", 123_456, "2024-02-29T12:30:06.123456Z"),
            ("2024-02-29T12:30:06.1234567Z", 123_456, "2024-02-29T12:30:06.123456Z"),
            ("2024-02-29T12:30:06.5Z", 500_000, "2024-02-29T12:30:06.500Z"),
            ("2024-02-29T12:30:06.000001Z", 1, "2024-02-29T12:30:06.000001Z"),
        ] {
            let moment = Moment::from_iso8601(text).unwrap();
            assert_eq!(moment.as_micros(), 1_709_209_806_000_000 + micros, "{text}");
            assert_eq!(moment.to_iso8601(), written);
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "now",
            "1704067200",
            "2024",
            "2024-01",
            "2024-1-1",
            "2024-01-01T",
            "2024-01-01T00:00:00 Z",
            "2024-01-01T00:00:00ZZ",
            "2024-01-01Z",
            " 2024-01-01",
            "2023-02-29",
            "1900-02-29",
            "2024-00-10",
            "2024-13-01",
            "2024-04-31",
            "2024-01-00",
            "2024-01-01T24:00:00",
            "2024-01-01T00:60:00",
            "2024-01-01T00:00:60",
            "2024-01-01T00:00:00.",
            "2024-01-01T00:00:00+",
            "2024-01-01T00:00:00+2",
            "2024-01-01T0:00",
            "2024/01/01",
            "1969-12-31T23:59:59",
            "9999-12-31T23:59:59-01:00",
            "0000-01-01",
            "२०२४-०१-०१",
            "2024-01-01T00:00:00−02:00",
        ] {
            assert_eq!(Timestamp::from_iso8601(text), None, "{text}");
        }
    }
}
