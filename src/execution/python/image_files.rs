//! Files of images: PNG, JPEG, GIF and WebP to pixels, and pixels to PNG.
//!
//! Every size is checked before there is memory for it, so a file that claims to be huge is refused
//! and nothing more. The decoders are told to use no SIMD, and compute in integers: the same file is
//! the same pixels on every machine.

use std::io::Cursor;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// Most bytes of a file, which are those of an image for a model.
pub(super) const FILE_BYTES_MAX: usize = 5 << 20;
/// Most pixels to a side.
pub(super) const SIDE_MAX: usize = 16_384;
/// Most pixels of an image: 64 MiB in its largest form.
pub(super) const PIXELS_MAX: usize = 1 << 24;
/// Most bytes a decoder may ask for.
const BYTES_MAX: usize = 4 * PIXELS_MAX;

/// An image of 1 (grey), 3 (colour) or 4 (with alpha) bytes a pixel, row after row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Image {
    /// Bytes of a pixel.
    pub(super) channels: usize,
    /// Pixels of a row.
    pub(super) width: usize,
    /// Rows.
    pub(super) height: usize,
    /// The pixels.
    pub(super) data: Vec<u8>,
}

/// Why there is no image.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FileError {
    /// No format that is known here.
    #[error("cannot identify image file: it is no PNG, JPEG, GIF or WebP")]
    Unknown,
    /// It says that it is larger than images may be.
    #[error("{0}")]
    TooLarge(String),
    /// It ends too early, or is not what its head says.
    #[error("image file is truncated or broken: {0}")]
    Broken(String),
    /// There is no memory for it.
    #[error("there is no memory for an image of {0} bytes")]
    Memory(usize),
}

fn broken(error: impl std::fmt::Display) -> FileError {
    FileError::Broken(error.to_string())
}

/// Refuses sizes that images cannot have.
pub(super) fn check_size(width: usize, height: usize) -> Result<(), FileError> {
    if width > SIDE_MAX || height > SIDE_MAX || width.saturating_mul(height) > PIXELS_MAX {
        return Err(FileError::TooLarge(format!(
            "an image of {width} x {height} pixels is too large: {SIDE_MAX} to a side and \
             {PIXELS_MAX} in all are the most"
        )));
    }
    Ok(())
}

/// Zeros, or the error that there is no memory for them.
pub(super) fn zeros(length: usize) -> Result<Vec<u8>, FileError> {
    let mut data = Vec::new();
    data.try_reserve_exact(length).map_err(|_error| FileError::Memory(length))?;
    data.resize(length, 0);
    Ok(data)
}

fn zeros_of(width: usize, height: usize, channels: usize) -> Result<Vec<u8>, FileError> {
    check_size(width, height)?;
    zeros(width * height * channels)
}

type Decode = fn(&[u8]) -> Result<Image, FileError>;

/// The name of the format, and the image; of an animation, its first picture.
pub(super) fn decode(file: &[u8]) -> Result<(&'static str, Image), FileError> {
    if file.len() > FILE_BYTES_MAX {
        let bytes = file.len();
        let words =
            format!("an image file of {bytes} bytes is too large: {FILE_BYTES_MAX} at most");
        return Err(FileError::TooLarge(words));
    }
    let (format, decode): (_, Decode) = match file {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => ("PNG", png),
        [0xff, 0xd8, 0xff, ..] => ("JPEG", jpeg),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => ("GIF", gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => ("WEBP", webp),
        _ => return Err(FileError::Unknown),
    };
    // A decoder that gives up on a file is no reason to give up on the contract.
    let image = catch_unwind(AssertUnwindSafe(|| decode(file)));
    image.unwrap_or_else(|_| Err(broken("the decoder gave up"))).map(|image| (format, image))
}

fn png(file: &[u8]) -> Result<Image, FileError> {
    let limits = png::Limits { bytes: BYTES_MAX };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(file), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let header = decoder.read_header_info().map_err(broken)?;
    let (width, height) = (size(header.width)?, size(header.height)?);
    check_size(width, height)?;
    let mut reader = decoder.read_info().map_err(broken)?;
    let channels = reader.output_color_type().0.samples();
    let mut data = zeros_of(width, height, channels)?;
    reader.next_frame(&mut data).map_err(broken)?;
    Ok(match channels {
        // Grey with alpha is not among the modes.
        2 => Image { channels: 4, width, height, data: spread_grey(&data)? },
        _ => Image { channels, width, height, data },
    })
}

fn spread_grey(data: &[u8]) -> Result<Vec<u8>, FileError> {
    let mut spread = zeros(data.len() * 2)?;
    for (to, [grey, alpha]) in spread.as_chunks_mut().0.iter_mut().zip(data.as_chunks().0) {
        *to = [*grey, *grey, *grey, *alpha];
    }
    Ok(spread)
}

fn jpeg(file: &[u8]) -> Result<Image, FileError> {
    // Strictly: without, what is missing of a file would be grey. Sizes are checked here, not there.
    let options = DecoderOptions::default()
        .set_max_width(usize::from(u16::MAX))
        .set_max_height(usize::from(u16::MAX))
        .set_strict_mode(true)
        .set_use_unsafe(false);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().map_err(broken)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| broken("it has no size"))?;
    let is_grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (channels, space) = if is_grey { (1, ColorSpace::Luma) } else { (3, ColorSpace::RGB) };
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    let mut data = zeros_of(width, height, channels)?;
    decoder.decode_into(&mut data).map_err(broken)?;
    Ok(Image { channels, width, height, data })
}

fn gif(file: &[u8]) -> Result<Image, FileError> {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let bytes = u64::try_from(BYTES_MAX).ok().and_then(NonZeroU64::new);
    options.set_memory_limit(bytes.map_or(gif::MemoryLimit::Unlimited, gif::MemoryLimit::Bytes));
    let mut decoder = options.read_info(Cursor::new(file)).map_err(broken)?;
    let (width, height) = (usize::from(decoder.width()), usize::from(decoder.height()));
    let mut data = zeros_of(width, height, 4)?;
    let frame = decoder.next_frame_info().map_err(broken)?.ok_or_else(|| broken("it is empty"))?;
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let (across, down) = (usize::from(frame.width), usize::from(frame.height));
    let mut part = zeros_of(across, down, 4)?;
    decoder.read_into_buffer(&mut part).map_err(broken)?;
    if across > 0 && width > 0 {
        let rows = data.chunks_exact_mut(4 * width).skip(top);
        for (to, from) in rows.zip(part.chunks_exact(4 * across)) {
            to.iter_mut().skip(4 * left).zip(from).for_each(|(to, from)| *to = *from);
        }
    }
    let is_opaque = data.as_chunks::<4>().0.iter().all(|[.., alpha]| *alpha == 255);
    if is_opaque {
        return Ok(Image { channels: 3, width, height, data: converted(&data, 4, 3)? });
    }
    Ok(Image { channels: 4, width, height, data })
}

fn webp(file: &[u8]) -> Result<Image, FileError> {
    // The decoder makes room for what a picture within the file says, whatever the file says.
    webp_sizes(file.get(12..).unwrap_or_default(), true)?;
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(file)).map_err(broken)?;
    decoder.set_memory_limit(BYTES_MAX);
    let (width, height) = decoder.dimensions();
    let (width, height) = (size(width)?, size(height)?);
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let mut data = zeros_of(width, height, channels)?;
    decoder.read_image(&mut data).map_err(broken)?;
    Ok(Image { channels, width, height, data })
}

/// Checks the sizes of all pictures in the chunks of a WebP file, and of those in its frames.
fn webp_sizes(mut chunks: &[u8], has_frames: bool) -> Result<(), FileError> {
    while let Some((head, rest)) = chunks.split_first_chunk::<8>() {
        let [kind @ .., a, b, c, d] = head;
        let length = size(u32::from_le_bytes([*a, *b, *c, *d]))?;
        let body = rest.get(..length).unwrap_or(rest);
        match (kind, body) {
            (b"ANMF", body) if has_frames => {
                webp_sizes(body.get(16..).unwrap_or_default(), false)?;
            }
            (b"VP8 ", [_, _, _, _, _, _, a, b, c, d, ..]) => {
                let side = |low, high| usize::from(u16::from_le_bytes([low, high]) & 0x3fff);
                check_size(side(*a, *b), side(*c, *d))?;
            }
            (b"VP8L", [_, a, b, c, d, ..]) => {
                let bits = size(u32::from_le_bytes([*a, *b, *c, *d]))?;
                check_size((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)?;
            }
            _ => {}
        }
        chunks = rest.get(length.saturating_add(length % 2)..).unwrap_or_default();
    }
    Ok(())
}

fn size(value: u32) -> Result<usize, FileError> {
    usize::try_from(value).map_err(broken)
}

/// Pixels of other channels: grey is what Pillow makes of colour.
pub(super) fn converted(data: &[u8], from: usize, to: usize) -> Result<Vec<u8>, FileError> {
    if [from, to].iter().any(|channels| !matches!(channels, 1 | 3 | 4)) {
        return Err(broken("pixels have 1, 3 or 4 channels"));
    }
    let mut out = zeros(data.len() / from * to)?;
    for (pixel, out) in data.chunks_exact(from).zip(out.chunks_exact_mut(to)) {
        let (colour, alpha) = match *pixel {
            [grey] => ([grey; 3], 255),
            [r, g, b, alpha] => ([r, g, b], alpha),
            [r, g, b, ..] => ([r, g, b], 255),
            _ => ([0; 3], 255),
        };
        match out {
            [grey] => *grey = if from == 1 { colour[0] } else { luma(colour) },
            [r, g, b] => [*r, *g, *b] = colour,
            [r, g, b, a] => ([*r, *g, *b], *a) = (colour, alpha),
            _ => {}
        }
    }
    Ok(out)
}

fn luma([r, g, b]: [u8; 3]) -> u8 {
    let sum = u32::from(r) * 19_595 + u32::from(g) * 38_470 + u32::from(b) * 7_471;
    u8::try_from((sum + 0x8000) >> 16).unwrap_or(u8::MAX)
}

/// The PNG file of an image that is not empty.
pub(super) fn encode(image: &Image) -> Result<Vec<u8>, FileError> {
    let side = |side: usize| u32::try_from(side).map_err(broken);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, side(image.width)?, side(image.height)?);
    encoder.set_color(match image.channels {
        1 => png::ColorType::Grayscale,
        3 => png::ColorType::Rgb,
        _ => png::ColorType::Rgba,
    });
    // What this level writes is up to the crate alone, not to the processor.
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(broken)?;
    writer.write_image_data(&image.data).map_err(broken)?;
    writer.finish().map_err(broken)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A file of each format that can be written here.
    fn files() -> Vec<Vec<u8>> {
        let data: Vec<u8> = (0..60_u8).map(|n| n.wrapping_mul(7)).collect();
        let (mut gif, mut webp) = (Vec::new(), Vec::new());
        let pixels: Vec<u8> = (0..20).collect();
        let frame = gif::Frame::from_palette_pixels(5, 4, pixels, data.as_slice(), None);
        let mut encoder = gif::Encoder::new(&mut gif, 5, 4, &[]).unwrap();
        encoder.write_frame(&frame).unwrap();
        drop(encoder);
        let encoder = image_webp::WebPEncoder::new(&mut webp);
        encoder.encode(&data, 5, 4, image_webp::ColorType::Rgb8).unwrap();
        let png = encode(&Image { channels: 3, width: 5, height: 4, data }).unwrap();
        let lossy = b"RIFF<\0\0\0WEBPVP8 0\0\0\0\xf0\x01\0\x9d\x01*\x04\0\x04\0\x01@&%\xa0\x02t\xba\
                      \x01\xf8\0\x04L\0\0\xfe\xf0\xd7\x03\xff0J\xfc\x83v\xa1\xff\xde3\xfd\xc6\x7f\xb8\
                      \xcf\xfeD\0\0";
        vec![png, gif, webp, lossy.to_vec()]
    }

    #[test]
    fn what_is_written_is_read() {
        for file in files() {
            let (_, image) = decode(&file).unwrap();
            let again = decode(&encode(&image).unwrap()).unwrap();
            assert_eq!(again, ("PNG", image));
        }
    }

    proptest! {
        #[test]
        fn whatever_a_file_says_an_image_is_whole_and_within_bounds(
            which in 0..4_usize,
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut file = files().remove(which);
            for (at, byte) in changes {
                let at = at.index(file.len());
                file[at] = byte;
            }
            if let Ok((_, image)) = decode(&file) {
                prop_assert!(check_size(image.width, image.height).is_ok());
                prop_assert_eq!(image.data.len(), image.width * image.height * image.channels);
            }
        }
    }
}
