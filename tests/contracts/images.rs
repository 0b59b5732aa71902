//! Images in contracts: files of others, what is wrong with them, and the way into blocks and out.

use std::sync::{Arc, Mutex};

use agora::domain::calldata::Value;
use agora::domain::{Bytes, Execution, ExecutionOutcome};
use agora::execution::Executor;
use agora::execution::nondeterminism::{Answer, Prompt};

use crate::harness::*;
use crate::surroundings::{PICTURE, Told, page};

/// Grey, 8 x 8, from dark at the left to bright at the right.
const GREY_JPEG: &str = "ffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303030304030304050805050404050a070706080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffc0000b080008000801011100ffc40014000100000000000000000000000000000006ffc40017100003010000000000000000000000000000094582ffda0008010100003f0004bba664ffd9";
/// One colour, 8 x 8.
const JPEG: &str = "ffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303030304030304050805050404050a070706080c0a0c0c0b0a0b0b0d0e12100d0e110e0b0b1016101113141515150c0f171816141812141514ffdb00430103040405040509050509140d0b0d1414141414141414141414141414141414141414141414141414141414141414141414141414141414141414141414141414ffc00011080008000803011100021101031101ffc40014000100000000000000000000000000000007ffc40014100100000000000000000000000000000000ffc4001501010100000000000000000000000000000708ffc40014110100000000000000000000000000000000ffda000c03010002110311003f000a07adb7ffd9";
/// One colour, 4 x 4.
const LOSSY_WEBP: &str = "524946463c000000574542505650382030000000f001009d012a0400040001402625a00274ba01f800044c0000fef0d703ff304afc8376a1ffde33fdc67fb8cffe440000";

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// A PNG file of 6 x 5 pixels of noise in this form.
fn png(color: png::ColorType, depth: png::BitDepth) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 6, 5);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == png::ColorType::Indexed {
        encoder.set_palette((0..=255).flat_map(|n| [n, 0, 255 - n]).collect::<Vec<u8>>());
    }
    let bits = match depth {
        png::BitDepth::One => 1,
        png::BitDepth::Sixteen => 16,
        _ => 8,
    };
    let length = (6 * bits * color.samples()).div_ceil(8) * 5;
    let data: Vec<u8> = (0..length).map(|n| u8::try_from(n * 37 % 251).unwrap()).collect();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&data).unwrap();
    writer.finish().unwrap();
    file
}

/// A GIF file whose one frame, of colours 0, 1, 1, 0, is a part of the screen or all of it.
fn gif(screen: (u16, u16), place: u16) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder =
        gif::Encoder::new(&mut file, screen.0, screen.1, &[9, 8, 7, 1, 2, 3]).unwrap();
    let buffer = vec![0, 1, 1, 0].into();
    let frame = gif::Frame {
        left: place,
        top: place,
        width: 2,
        height: 2,
        buffer,
        ..gif::Frame::default()
    };
    encoder.write_frame(&frame).unwrap();
    drop(encoder);
    file
}

/// A WebP file of 2 x 1 pixels, without loss.
fn webp(color: image_webp::ColorType) -> Vec<u8> {
    let mut file = Vec::new();
    let data = if color == image_webp::ColorType::Rgba8 {
        &[1, 2, 3, 4, 5, 6, 7, 8][..]
    } else {
        &[1, 2, 3, 4, 5, 6]
    };
    image_webp::WebPEncoder::new(&mut file).encode(data, 2, 1, color).unwrap();
    file
}

/// A contract whose method `go` is given a file and has this body.
fn contract(body: &str) -> String {
    let body = body.replace('\n', "\n        ");
    format!(
        "from genlayer import *\nimport io\nfrom PIL import Image, UnidentifiedImageError\n\n\
         class Images(gl.Contract):\n    def __init__(self):\n        pass\n\n    \
         @gl.public.write\n    def go(self, file: bytes):\n        {body}\n"
    )
}

async fn run(executor: &impl Executor, body: &str, file: &[u8]) -> Execution {
    let file = Value::Bytes(Bytes::copy_from_slice(file));
    executor.execute(request(&contract(body), Some("go"), vec![file])).await.unwrap()
}

async fn outcome(executor: &impl Executor, body: &str, file: &[u8]) -> Value {
    returned(&run(executor, body, file).await)
}

fn integers(values: &[i64]) -> Value {
    Value::Array(values.iter().map(|value| int(*value)).collect())
}

#[tokio::test]
async fn files_of_four_formats_are_opened() {
    use png::BitDepth::{Eight, One, Sixteen};
    use png::ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    let executor = executor();
    let body = "image = Image.open(io.BytesIO(file))\nreturn [image.format, image.mode, \
                *image.size, list(image.convert('RGBA').getpixel((1, 0)))]";
    for (file, format, mode, size, pixel) in [
        (png(Grayscale, Eight), "PNG", "L", [6, 5], [37, 37, 37, 255]),
        (png(Grayscale, One), "PNG", "L", [6, 5], [0, 0, 0, 255]),
        (png(Grayscale, Sixteen), "PNG", "L", [6, 5], [74, 74, 74, 255]),
        (png(GrayscaleAlpha, Eight), "PNG", "RGBA", [6, 5], [74, 74, 74, 111]),
        (png(Indexed, Eight), "PNG", "RGB", [6, 5], [37, 0, 218, 255]),
        (png(Rgb, Eight), "PNG", "RGB", [6, 5], [111, 148, 185, 255]),
        (png(Rgba, Eight), "PNG", "RGBA", [6, 5], [148, 185, 222, 8]),
        (bytes(GREY_JPEG), "JPEG", "L", [8, 8], [30, 30, 30, 255]),
        (bytes(JPEG), "JPEG", "RGB", [8, 8], [199, 40, 10, 255]),
        (gif((2, 2), 0), "GIF", "RGB", [2, 2], [1, 2, 3, 255]),
        (gif((4, 3), 1), "GIF", "RGBA", [4, 3], [0, 0, 0, 0]),
        (webp(image_webp::ColorType::Rgb8), "WEBP", "RGB", [2, 1], [4, 5, 6, 255]),
        (webp(image_webp::ColorType::Rgba8), "WEBP", "RGBA", [2, 1], [5, 6, 7, 8]),
        (bytes(LOSSY_WEBP), "WEBP", "RGB", [4, 4], [202, 40, 10, 255]),
    ] {
        let found = outcome(&executor, body, &file).await;
        let pixel = integers(&pixel);
        let expected = [text(format), text(mode), int(size[0]), int(size[1]), pixel];
        assert_eq!(found, Value::Array(expected.into()));
    }
    let body = "return list(Image.open(io.BytesIO(file)).getchannel(0).tobytes())";
    let middle = integers(&[0, 0, 0, 0, 0, 9, 1, 0, 0, 1, 9, 0]);
    assert_eq!(outcome(&executor, body, &gif((4, 3), 1)).await, middle);
    // What is outside of the screen is not shown.
    let cut = integers(&[0, 0, 0, 9]);
    assert_eq!(outcome(&executor, body, &gif((2, 2), 1)).await, cut);
}

/// The error of opening a file, which the contract handles.
const OPEN: &str = "try:\n    return repr(Image.open(io.BytesIO(file)))\n\
                    except (OSError, Image.DecompressionBombError) as error:\n    \
                    return f'{type(error).__name__}: {error}'";

#[tokio::test]
async fn what_is_no_image_or_not_all_of_one_is_said() {
    let executor = executor();
    let unknown = "UnidentifiedImageError: cannot identify image file: it is no PNG";
    for file in [&b""[..], b"BM", b"<svg/>", b"GIF88a", b"RIFF\0\0\0\0WAVE", b"\x89PNG"] {
        let Value::Text(error) = outcome(&executor, OPEN, file).await else { panic!() };
        assert!(error.starts_with(unknown), "{error}");
    }
    let broken = "OSError: image file is truncated or broken";
    for file in [
        png(png::ColorType::Rgb, png::BitDepth::Eight),
        bytes(JPEG),
        gif((2, 2), 0),
        webp(image_webp::ColorType::Rgb8),
        bytes(LOSSY_WEBP),
    ] {
        for length in [13, file.len() / 2] {
            let cut = &file[..length];
            let Value::Text(error) = outcome(&executor, OPEN, cut).await else { panic!() };
            assert!(error.starts_with(broken), "{cut:?}: {error}");
        }
        let mut noise = file.clone();
        noise.iter_mut().skip(12).for_each(|byte| *byte = 0xa5);
        let Value::Text(error) = outcome(&executor, OPEN, &noise).await else { panic!() };
        assert!(!error.starts_with('<'), "{error}");
    }
}

/// The file with these bytes from there on.
fn patched(mut file: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    file.splice(at..at + bytes.len(), bytes.iter().copied());
    file
}

/// A WebP file of one pixel, with a picture in it that says that it has 16383 x 16383.
fn inner_bomb(frame: bool) -> Vec<u8> {
    let chunk = |kind: &[u8], body: &[u8]| {
        let length = u32::try_from(body.len()).unwrap().to_le_bytes();
        [kind, &length, body].concat()
    };
    let picture =
        chunk(b"VP8 ", &[0xf0, 1, 0, 0x9d, 1, 0x2a, 0xff, 0x3f, 0xff, 0x3f, 0, 0, 0, 0, 0, 0]);
    let head = chunk(b"VP8X", &[if frame { 2 } else { 0 }, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let rest = if frame {
        [chunk(b"ANIM", &[0; 6]), chunk(b"ANMF", &[vec![0; 16], picture].concat())].concat()
    } else {
        picture
    };
    chunk(b"RIFF", &[b"WEBP".to_vec(), head, rest].concat())
}

#[tokio::test]
async fn a_file_that_claims_to_be_huge_is_refused_before_there_is_memory_for_it() {
    let executor = executor();
    let png = png(png::ColorType::Rgb, png::BitDepth::Eight);
    let huge = patched(png.clone(), 16, &[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    // The head has a sum of its own.
    let sum = png_sum(&huge[12..29]);
    let webp = webp(image_webp::ColorType::Rgb8);
    let at = bytes(JPEG).windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap() + 5;
    for (file, words) in [
        (
            patched(huge, 29, &sum),
            "60000 x 60000 pixels is too large: 16384 to a side and 16777216",
        ),
        (patched(bytes(JPEG), at, &[0xea, 0x60, 0xea, 0x60]), "too large: 16384"),
        (patched(bytes(JPEG), at, &[0x3f, 0xff, 0x3f, 0xff]), "16383 x 16383 pixels is too large"),
        (patched(gif((2, 2), 0), 6, &[0xff; 4]), "65535 x 65535 pixels is too large"),
        (patched(webp, 21, &[0xff, 0xff, 0xff, 0x0f]), "16384 x 16384 pixels is too large"),
        (inner_bomb(false), "16383 x 16383 pixels is too large"),
        (inner_bomb(true), "16383 x 16383 pixels is too large"),
        ([png, vec![0; 5 << 20]].concat(), "bytes is too large: 5242880 at most"),
    ] {
        let Value::Text(error) = outcome(&executor, OPEN, &file).await else { panic!() };
        assert!(error.starts_with("DecompressionBombError: "), "{error}");
        assert!(error.contains(words), "{error}");
    }
}

/// The sum of a chunk of PNG, bit by bit.
fn png_sum(chunk: &[u8]) -> [u8; 4] {
    let mut sum = u32::MAX;
    for byte in chunk {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 };
        }
    }
    (!sum).to_be_bytes()
}

#[tokio::test]
async fn a_compressed_bomb_ends_in_an_error_or_within_its_memory() {
    // As large as images may be, in a hundredth of its bytes: it is opened, and ten of it are too many.
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, 4096, 4096);
    encoder.set_color(png::ColorType::Rgba);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![0; 64 << 20]).unwrap();
    writer.finish().unwrap();
    let executor = executor();
    let one = outcome(&executor, "return list(Image.open(io.BytesIO(file)).size)", &file).await;
    assert_eq!(one, integers(&[4096, 4096]));
    let many = "images = [Image.open(io.BytesIO(file)) for _ in range(10)]\nreturn len(images)";
    let execution = run(&executor, many, &file).await;
    assert_eq!(execution.outcome, ExecutionOutcome::VmError("OOM".into()), "{}", execution.stderr);
}

#[tokio::test]
async fn wrong_arguments_are_refused_in_words() {
    let executor = executor();
    let with = "image = Image.new('RGB', (4, 3))\n";
    for (call, words) in [
        ("Image.new('P', (1, 1))", "unrecognized image mode 'P': there are 'L', 'RGB' and 'RGBA'"),
        ("image.convert('CMYK')", "unrecognized image mode 'CMYK'"),
        ("Image.new('RGB', (-1, 1))", "width and height must be at least 0, not -1 and 1"),
        ("Image.new('RGB', (60000, 60000))", "60000 x 60000 pixels is too large"),
        ("Image.new('RGB', (16385, 1))", "16385 x 1 pixels is too large"),
        ("Image.new('RGB', 7)", "the size must be a tuple of 2 integers"),
        ("Image.new('RGB', (1.5, 2))", "the size must be a tuple of 2 integers"),
        ("Image.new('RGB', (1, 1), 'nice')", "unknown color specifier: 'nice'"),
        ("Image.new('RGB', (1, 1), '')", "unknown color specifier: ''"),
        ("Image.new('RGB', (1, 1), (1, 2))", "a color of mode RGB must be"),
        ("Image.frombytes('RGB', (2, 2), b'abc')", "12 bytes of image data are needed, not 3"),
        ("Image.open(b'abc')", "bytes are opened by `Image.open(io.BytesIO(data))`"),
        ("Image.open('/etc/passwd')", "contracts run without files"),
        ("image.save('a.png')", "an image can be saved to `io.BytesIO()` only"),
        ("image.save(io.BytesIO())", "write `format=\"PNG\"`"),
        ("image.save(io.BytesIO(), 'JPEG')", "saved as PNG on this network, not as JPEG"),
        ("Image.new('L', (0, 1)).save(io.BytesIO(), 'PNG')", "must be at least 1, not 0 and 1"),
        ("image.getpixel((4, 0))", "image index out of range: (4, 0) of (4, 3)"),
        ("image.putpixel((0, -4), 0)", "image index out of range"),
        ("image.crop((3, 0, 1, 1))", "the right and the lower side of a box come after"),
        ("image.crop((0, 0, 99999, 99999))", "99999 x 99999 pixels is too large"),
        ("image.crop((1, 2, 3))", "the box must be a tuple of 4 integers"),
        ("image.resize((0, 5))", "width and height must be at least 1, not 0 and 5"),
        ("image.resize((-2, 5))", "width and height must be at least 1, not -2 and 5"),
        ("image.resize((9, 9), 17)", "unknown resampling filter"),
        ("image.resize((9, 9), 0, (0, 0, 5, 3))", "box can't exceed original image size"),
        ("image.resize((9, 9), 0, (1, 1, 1, 2))", "width and height must be at least 1"),
        ("Image.new('L', (1, 16000)).resize((16000, 1))", "for each of 16000 rows are too many"),
        ("image.thumbnail((0, 1))", "width and height must be at least 1"),
        ("image.transpose(7)", "unknown method of transposing"),
        ("image.rotate(45)", "images can be turned by 90, 180 and 270 degrees"),
        ("image.rotate(90)", "with `expand=True` unless they are square"),
        ("image.paste(image, (0, 0, 1, 1))", "images do not match"),
        ("image.paste(image, (0, 0), Image.new('L', (1, 1)))", "images do not match"),
        ("image.point([1, 2])", "the table must have 256 values"),
        ("image.getchannel('A')", "the image has no channel 'A'"),
        ("Image.merge('RGB', [image])", "merged of 3 images of mode L and one size"),
        (
            "image.quantize(4)",
            "an image has no `quantize` on this network; there are: close, convert",
        ),
        ("Image.fromarray([])", "PIL.Image has no `fromarray` on this network; there are: BICUBIC"),
        ("Image.Image()", "make an image by `Image.new`, `Image.open` or `Image.frombytes`"),
        ("from PIL import ImageDraw", "of PIL there is `PIL.Image` on this network"),
        ("import PIL.ImageFont", "of PIL there is `PIL.Image` on this network"),
        ("import _images", "No module named '_images'"),
    ] {
        let execution = run(&executor, &format!("{with}{call}"), b"").await;
        assert!(!execution.outcome.is_success(), "{call}");
        assert!(execution.stderr.contains(words), "{call}: {}", execution.stderr);
    }
}

#[tokio::test]
async fn a_screenshot_is_an_image_and_a_model_is_shown_images() {
    let seen: Arc<Mutex<Vec<Bytes>>> = Arc::default();
    let shown = seen.clone();
    let told = Told::new(
        move |_, prompt| {
            let Prompt::Free { images, .. } = prompt else { panic!("{prompt:?}") };
            shown.lock().unwrap().extend(images.iter().cloned());
            Ok(Answer::Text(format!("{} images", images.len())))
        },
        |_, _| Ok(page("")),
    );
    let body = "def look():\n    shot = gl.nondet.web.render('https://a', mode='screenshot')\n    \
                part = shot.pil.crop((1, 0, 3, 2)).convert('L')\n    \
                assert shot.pil is shot.pil and shot.raw.startswith(b'\\x89PNG')\n    \
                answer = gl.nondet.exec_prompt('see', images=[shot, part, file], image=part)\n    \
                return [answer, list(shot.pil.size), shot.pil.format, part.tobytes()]\n\
                return gl.eq_principle.strict_eq(look)";
    let found = outcome(&told.executor(1), body, b"abc").await;
    let part = Value::Bytes(Bytes::from_static(&[76, 150, 0, 0]));
    assert_eq!(found, Value::Array(vec![text("4 images"), integers(&[3, 2]), text("PNG"), part]));
    let seen = seen.lock().unwrap();
    assert_eq!((seen[0].as_ref(), seen[2].as_ref()), (PICTURE.as_slice(), &b"abc"[..]));
    assert_eq!(seen[1], seen[3]);
    let mut reader = png::Decoder::new(std::io::Cursor::new(&seen[1])).read_info().unwrap();
    let mut data = [1; 4];
    reader.next_frame(&mut data).unwrap();
    assert_eq!((reader.info().size(), data), ((2, 2), [76, 150, 0, 0]));
}

#[tokio::test]
async fn an_image_leaves_a_block_as_bytes_and_is_not_kept() {
    let executor = executor();
    let block = "def make():\n    image = Image.new('L', (2, 2), 7)\n    return RESULT\n\
                 return gl.eq_principle.strict_eq(make)";
    let bytes = outcome(&executor, &block.replace("RESULT", "image.tobytes()"), b"").await;
    assert_eq!(bytes, Value::Bytes(Bytes::from_static(&[7; 4])));
    let execution = run(&executor, &block.replace("RESULT", "image"), b"").await;
    let words = "not calldata encodable: `Image`: keep or return its bytes";
    assert!(execution.stderr.contains(words), "{}", execution.stderr);
    let kept =
        contract("pass").replace("    def __init__", "    image: Image.Image\n    def __init__");
    let error = executor.schema(request(&kept, None, vec![]).code).await.unwrap().unwrap_err();
    assert!(error.contains("`Image` cannot be stored: keep or return its bytes"), "{error}");
}

#[tokio::test]
async fn nothing_of_an_execution_is_met_by_the_next() {
    let executor = executor();
    let body = "met = getattr(Image, 'mark', 0), hasattr(Image.Image, 'mark'), \
                Image.new('L', (1, 1)).info.get('mark')\n\
                Image.mark = Image.Image.mark = Image.new('L', (1, 1)).info['mark'] = 1\n\
                Image.open = None\nreturn [met[0], met[1], met[2]]";
    let fresh = Value::Array(vec![int(0), Value::Bool(false), Value::Null]);
    for _ in 0..3 {
        assert_eq!(outcome(&executor, body, b"").await, fresh);
    }
    // A source that imports nothing of it may share a process, and finds it as it is.
    let told = Told::new(|_, _| panic!(), |_, _| Ok(page("")));
    let tame = "from genlayer import *\n\nclass Looks(gl.Contract):\n    def __init__(self):\n        \
                pass\n\n    @gl.public.write\n    def go(self):\n        def look():\n            \
                image = gl.nondet.web.render('https://a', mode='screenshot').pil\n            \
                image.putpixel((0, 0), 9)\n            return list(image.size)\n        \
                return gl.eq_principle.strict_eq(look)\n";
    let executor = told.executor(1);
    for _ in 0..3 {
        let execution = executor.execute(request(tame, Some("go"), vec![])).await.unwrap();
        assert_eq!(returned(&execution), integers(&[3, 2]));
    }
}
