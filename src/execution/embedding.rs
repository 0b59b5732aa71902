//! Texts as vectors, without a model: words and their parts, hashed to a few directions each.
//!
//! It stands in for `all-MiniLM-L6-v2`, whose weights are no part of this program. It knows spelling
//! and no meaning: texts with words in common are close, synonyms are not. What it makes of a text is
//! the same on every machine: the hash is Keccak, and numbers are added up in the order of the text.

use crate::domain::keccak256;

/// Numbers of a vector.
pub(crate) const DIMENSIONS: usize = 384;
/// Most bytes of a text: far more than the model itself reads of one.
pub(crate) const TEXT_BYTES_MAX: usize = 64 << 10;
/// Directions of one feature.
const DIRECTIONS: usize = 4;
/// Letters from which on words do not gain weight: longer ones are rarer, up to here.
const WEIGHT_LETTERS_MAX: usize = 6;
/// How much of a word's square is the word as a whole; the rest is that of its parts.
const WHOLE: f64 = 0.1;
/// The weight of two words next to each other, beside that of the words.
const PAIR: f64 = 0.1;
/// Where writing without spaces begins, whose words have a letter or two.
const DENSE_FROM: char = '\u{2E80}';

type Sums = [f64; DIMENSIONS];

/// The vector of a text, of length 1; `None` for a text that is too long.
pub(crate) fn embed(text: &str) -> Option<Vec<f32>> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let lower = text.to_lowercase();
    let mut words: Vec<Vec<char>> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().collect())
        .collect();
    if words.is_empty() {
        // Signs alone, or nothing: one word, so that it has a direction, too.
        words.push(lower.trim().chars().collect());
    }
    let mut sums = [0.0; DIMENSIONS];
    for word in &words {
        add_word(&mut sums, word);
    }
    for (first, second) in words.iter().zip(words.iter().skip(1)) {
        let weight = PAIR * (weight_of(first) * weight_of(second)).sqrt();
        let pair: String = first.iter().chain(&[' ']).chain(second).collect();
        add(&mut sums, "pair", &pair, weight);
    }
    Some(normalized(&sums))
}

/// The square of its length, as far as that counts.
fn weight_of(word: &[char]) -> f64 {
    let letters = u8::try_from(word.len().clamp(1, WEIGHT_LETTERS_MAX)).map_or(1.0, f64::from);
    letters * letters
}

fn add_word(sums: &mut Sums, word: &[char]) {
    let weight = weight_of(word);
    let whole: String = word.iter().collect();
    add(sums, "word", &whole, weight * WHOLE.sqrt());
    let is_dense = word.iter().any(|letter| *letter >= DENSE_FROM);
    let lengths = if is_dense { 1..=3 } else { 3..=5 };
    let framed: Vec<char> = [&['<'], word, &['>']].concat();
    let parts: Vec<String> = lengths
        .flat_map(|length| framed.windows(length).map(|part| part.iter().collect()))
        .collect();
    let count = u32::try_from(parts.len()).map_or(1.0, f64::from).max(1.0);
    for part in &parts {
        add(sums, "part", part, weight * ((1.0 - WHOLE) / count).sqrt());
    }
}

/// Adds a feature of this length along its own directions.
fn add(sums: &mut Sums, kind: &str, feature: &str, weight: f64) {
    let hash = keccak256(&[kind.as_bytes(), b":", feature.as_bytes()]);
    for bytes in hash.as_bytes().chunks_exact(3).take(DIRECTIONS) {
        let [low, high, sign] = bytes else { continue };
        let direction = usize::from(u16::from_le_bytes([*low, *high])) % DIMENSIONS;
        if let Some(sum) = sums.get_mut(direction) {
            // Four directions of a half each have length 1.
            *sum += if sign % 2 == 0 { weight * 0.5 } else { weight * -0.5 };
        }
    }
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "rounded to what single precision can hold, as wanted"
)]
fn normalized(sums: &Sums) -> Vec<f32> {
    let length = sums.iter().map(|sum| sum * sum).sum::<f64>().sqrt();
    if length == 0.0 {
        // Directions that take each other back: any one will do.
        let mut vector = vec![0.0; DIMENSIONS];
        if let Some(first) = vector.first_mut() {
            *first = 1.0;
        }
        return vector;
    }
    sums.iter().map(|sum| (sum / length) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn similarity(one: &str, other: &str) -> f64 {
        let (one, other) = (embed(one).unwrap(), embed(other).unwrap());
        one.iter().zip(&other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    fn digest(text: &str) -> String {
        let bytes: Vec<u8> =
            embed(text).unwrap().iter().flat_map(|number| number.to_le_bytes()).collect();
        keccak256(&[&bytes]).to_string()
    }

    #[test]
    fn a_text_has_the_same_bytes_on_every_machine() {
        assert_eq!(
            digest("I like to eat mango"),
            "0xbaa8b1e268670e03ef54f0471e7e0f174d9b4f928a2a33807558828cdd325a5a"
        );
        assert_eq!(
            digest("Über 5 Straßen, 東京都!"),
            "0xd4e08ddc5a1b3d2bc1d4cb5c5f3a8bf95ad41edbf75522e1d528c3c71739b96d"
        );
        assert_eq!(
            digest(""),
            "0xbbaf49436c928e27d46f0154b20ac2bdbae44b0a8662dbfb7c79513841ea8ad3"
        );
    }

    #[test]
    fn every_text_has_a_direction() {
        for text in ["", " ", "!", "🔥", "a", "The quick brown fox", "東京"] {
            assert!((similarity(text, text) - 1.0).abs() < 1e-6, "{text}");
        }
        assert!(similarity("🔥", "🎉").abs() < 0.5);
    }

    #[test]
    fn texts_with_words_in_common_are_close() {
        for (one, other, low, high) in [
            ("I like mango", "i LIKE mango!", 0.999, 1.001),
            ("I like mango", "I like to eat mango", 0.85, 0.99),
            ("I like mango a lot", "I like to eat a lot of mangoes", 0.55, 0.9),
            ("I like carrots", "I like to eat mango", 0.0, 0.6),
            ("dog bites man", "man bites dog", 0.9, 0.9999),
            ("payment was refused", "the payments were refused", 0.6, 0.99),
            ("quantum computers", "a cup of green tea", -0.15, 0.15),
            ("東京都の天気", "東京の天気", 0.5, 0.99),
        ] {
            let found = similarity(one, other);
            assert!((low..high).contains(&found), "{one} | {other}: {found}");
        }
    }

    #[test]
    fn a_text_has_a_largest_size() {
        assert!(embed(&" ".repeat(TEXT_BYTES_MAX)).is_some());
        assert!(embed(&" ".repeat(TEXT_BYTES_MAX + 1)).is_none());
    }
}
