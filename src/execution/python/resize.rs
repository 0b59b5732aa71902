//! Images of another size, and turned ones.
//!
//! The filters are those of Pillow, in its arithmetic: weights become integers before any pixel is looked
//! at. They are made of sums, products and quotients only, which every machine computes alike; the
//! sine of Lanczos' filter is a series of our own, because libraries differ in theirs.

use std::ops::Range;

use super::image_files::{FileError, Image, PIXELS_MAX, zeros};

/// Bits of a weight below its point.
const PRECISION: u32 = 22;

/// How pixels become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filter {
    /// The pixel at the place.
    Nearest,
    /// All alike.
    Box,
    /// The nearer, the more.
    Bilinear,
    /// A smooth curve.
    Bicubic,
    /// The sharpest.
    Lanczos,
}

impl Filter {
    /// The filter of Pillow's number.
    pub(super) const fn from_number(number: usize) -> Option<Self> {
        Some(match number {
            0 => Self::Nearest,
            1 => Self::Lanczos,
            2 => Self::Bilinear,
            3 => Self::Bicubic,
            4 => Self::Box,
            _ => return None,
        })
    }

    /// How far from the middle there is something.
    const fn reach(self) -> f64 {
        match self {
            Self::Nearest | Self::Box => 0.5,
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let distance = x.abs();
        match self {
            Self::Nearest | Self::Box if x > -0.5 && x <= 0.5 => 1.0,
            Self::Bilinear if distance < 1.0 => 1.0 - distance,
            Self::Bicubic if distance < 1.0 => (1.5 * distance - 2.5) * distance * distance + 1.0,
            Self::Bicubic if distance < 2.0 => {
                ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0
            }
            Self::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            _ => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    let turned = x * std::f64::consts::PI;
    if turned == 0.0 { 1.0 } else { sine_of_turns(x) / turned }
}

/// The sine of `x` half turns, by its series about the nearest zero.
fn sine_of_turns(x: f64) -> f64 {
    let nearest = (x + 0.5).floor();
    let rest = (x - nearest) * std::f64::consts::PI;
    let (mut term, mut sum) = (rest, rest);
    for n in 1..12_u32 {
        term *= -rest * rest / f64::from(2 * n * (2 * n + 1));
        sum += term;
    }
    let is_even = (nearest / 2.0).fract().abs() < 0.25;
    if is_even { sum } else { -sum }
}

/// A number that is not negative, without its fraction.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "there is no other way, and it stays within the sides of images"
)]
fn whole(value: f64) -> usize {
    value as usize
}

/// A weight as an integer, rounded.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "there is no other way, and weights are at most a few"
)]
fn fixed(weight: f64) -> i64 {
    let scaled = weight * f64::from(1_u32 << PRECISION);
    (if scaled < 0.0 { scaled - 0.5 } else { scaled + 0.5 }) as i64
}

/// What a pixel of the result is made of.
struct Sources {
    first: usize,
    weights: Vec<i64>,
}

/// The sources of each of `to` pixels, which are spread over a part of all.
fn sources(all: usize, part: &Range<usize>, to: usize, filter: Filter) -> Vec<Sources> {
    let number = |side: usize| u32::try_from(side).unwrap_or(u32::MAX);
    let (start, to) = (f64::from(number(part.start)), number(to));
    let scale = f64::from(number(part.len())) / f64::from(to);
    let stretch = scale.max(1.0);
    let reach = filter.reach() * stretch;
    let at = |index: u32| {
        let middle = start + (f64::from(index) + 0.5) * scale;
        if filter == Filter::Nearest {
            return Sources { first: whole(middle), weights: vec![fixed(1.0)] };
        }
        let first = whole((middle - reach + 0.5).max(0.0));
        let end = whole((middle + reach + 0.5).min(f64::from(number(all))));
        let mut place = (middle - reach + 0.5).max(0.0).floor() - middle + 0.5;
        let mut weights = Vec::with_capacity(end.saturating_sub(first));
        for _ in first..end {
            weights.push(filter.weight(place / stretch));
            place += 1.0;
        }
        let sum: f64 = weights.iter().sum();
        let sum = if sum == 0.0 { 1.0 } else { sum };
        Sources { first, weights: weights.iter().map(|weight| fixed(weight / sum)).collect() }
    };
    (0..to).map(at).collect()
}

/// Rows of another width, of a part of each.
fn across<const N: usize>(
    image: &Image,
    part: &Range<usize>,
    to: usize,
    filter: Filter,
) -> Result<Image, FileError> {
    let sources = sources(image.width, part, to, filter);
    let mut data = zeros(to * image.height * N)?;
    let rows = image.data.chunks_exact((image.width * N).max(1));
    for (row, out) in rows.zip(data.chunks_exact_mut((to * N).max(1))) {
        let row = row.as_chunks::<N>().0;
        for (source, out) in sources.iter().zip(out.as_chunks_mut::<N>().0) {
            let mut sums = [1_i64 << (PRECISION - 1); N];
            for (pixel, weight) in row.iter().skip(source.first).zip(&source.weights) {
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += weight * i64::from(*value);
                }
            }
            *out = sums.map(|sum| u8::try_from((sum >> PRECISION).clamp(0, 255)).unwrap_or(0));
        }
    }
    Ok(Image { channels: N, width: to, height: image.height, data })
}

fn both_ways<const N: usize>(image: &Image, to: &Resize) -> Result<Image, FileError> {
    let wide = transposed(&across::<N>(image, &to.columns, to.width, to.filter)?, 5)?;
    transposed(&across::<N>(&wide, &to.rows, to.height, to.filter)?, 5)
}

/// What is wanted of an image: neither the part nor the result is empty.
#[derive(Debug)]
pub(super) struct Resize {
    /// The part of its rows.
    pub(super) columns: Range<usize>,
    /// Which rows.
    pub(super) rows: Range<usize>,
    /// The width of the result.
    pub(super) width: usize,
    /// The height of the result.
    pub(super) height: usize,
    /// How.
    pub(super) filter: Filter,
}

/// A part of an image in another size.
pub(super) fn resized(image: &Image, to: &Resize) -> Result<Image, FileError> {
    if to.width.saturating_mul(image.height) > PIXELS_MAX {
        let (width, rows) = (to.width, image.height);
        let words = format!("{width} pixels for each of {rows} rows are too many at a time");
        return Err(FileError::TooLarge(words));
    }
    match image.channels {
        1 => both_ways::<1>(image, to),
        3 => both_ways::<3>(image, to),
        _ if to.filter == Filter::Nearest => both_ways::<4>(image, to),
        // What cannot be seen must not colour what can.
        _ => {
            let weighed = weighed(image, |value, alpha| (value * alpha + 127) / 255)?;
            weighed_back(&both_ways::<4>(&weighed, to)?)
        }
    }
}

fn weighed_back(image: &Image) -> Result<Image, FileError> {
    weighed(image, |value, alpha| (255 * value).checked_div(alpha).map_or(value, |v| v.min(255)))
}

fn weighed(image: &Image, weigh: impl Fn(u32, u32) -> u32) -> Result<Image, FileError> {
    let mut data = zeros(image.data.len())?;
    for (pixel, out) in image.data.as_chunks::<4>().0.iter().zip(data.as_chunks_mut::<4>().0) {
        let [.., alpha] = *pixel;
        let by =
            |value: u8| u8::try_from(weigh(u32::from(value), u32::from(alpha))).unwrap_or(u8::MAX);
        let [r, g, b, _] = *pixel;
        *out = [by(r), by(g), by(b), alpha];
    }
    Ok(Image { channels: 4, width: image.width, height: image.height, data })
}

/// An image mirrored or turned in one of Pillow's seven ways.
pub(super) fn transposed(image: &Image, way: usize) -> Result<Image, FileError> {
    let (width, height, channels) = (image.width, image.height, image.channels);
    let swaps = matches!(way, 2 | 4 | 5 | 6);
    let (across, down) = if swaps { (height, width) } else { (width, height) };
    let mut data = zeros(image.data.len())?;
    let mut out = data.chunks_exact_mut(channels);
    for y in 0..down {
        for x in 0..across {
            let (from_x, from_y) = match way {
                0 => (width - 1 - x, y),
                1 => (x, height - 1 - y),
                2 => (width - 1 - y, x),
                3 => (width - 1 - x, height - 1 - y),
                4 => (y, height - 1 - x),
                5 => (y, x),
                _ => (width - 1 - y, height - 1 - x),
            };
            let start = (from_y * width + from_x) * channels;
            if let (Some(out), Some(pixel)) = (out.next(), image.data.get(start..start + channels))
            {
                out.copy_from_slice(pixel);
            }
        }
    }
    Ok(Image { channels, width: across, height: down, data })
}

/// One image over another, by how much a mask says for each pixel.
pub(super) fn blended(below: &[u8], above: &[u8], mask: &[u8]) -> Result<Vec<u8>, FileError> {
    let mut data = zeros(below.len())?;
    let channels = below.len().checked_div(mask.len()).unwrap_or(1).max(1);
    let pixels = below.chunks_exact(channels).zip(above.chunks_exact(channels)).zip(mask);
    for (out, ((below, above), share)) in data.chunks_exact_mut(channels).zip(pixels) {
        let share = u32::from(*share);
        for (out, (below, above)) in out.iter_mut().zip(below.iter().zip(above)) {
            let sum = u32::from(*above) * share + u32::from(*below) * (255 - share);
            *out = u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX);
        }
    }
    Ok(data)
}
