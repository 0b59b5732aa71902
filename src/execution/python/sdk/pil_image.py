"""`PIL.Image`: the part of the imaging library that contracts need, in code of our own.

Images are `L`, `RGB` or `RGBA`. What a file has beyond that (palettes, sixteen bits, CMYK) becomes one
of these when it is opened, at once and not at first use; of an animation there is the first picture.
"""

import math

import _images
from PIL import UnidentifiedImageError
from genlayer import program

MAX_IMAGE_PIXELS = _images.pixels_max()
_SIDE_MAX = _images.side_max()
_CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}
_MODES = {count: mode for mode, count in _CHANNELS.items()}
_COLORS = {"black": 0x000000, "white": 0xFFFFFF, "red": 0xFF0000, "lime": 0x00FF00, "blue": 0x0000FF,
           "green": 0x008000, "yellow": 0xFFFF00, "cyan": 0x00FFFF, "magenta": 0xFF00FF,
           "gray": 0x808080, "grey": 0x808080, "silver": 0xC0C0C0, "orange": 0xFFA500,
           "purple": 0x800080, "brown": 0xA52A2A, "pink": 0xFFC0CB, "navy": 0x000080}


class DecompressionBombError(Exception):
    """The file says that its image is larger than images may be."""


class Resampling:
    """How pixels become one when the size changes."""

    NEAREST, LANCZOS, BILINEAR, BICUBIC, BOX = range(5)


class Transpose:
    """How an image is mirrored or turned; to turn is to turn to the left."""

    (FLIP_LEFT_RIGHT, FLIP_TOP_BOTTOM, ROTATE_90, ROTATE_180, ROTATE_270, TRANSPOSE,
     TRANSVERSE) = range(7)


for _kind in (Resampling, Transpose):
    globals().update((name, value) for name, value in vars(_kind).items() if name.isupper())


def _public(names):
    return ", ".join(sorted(name for name in names if not name.startswith("_")))


def _channels(mode):
    if mode not in _CHANNELS:
        raise ValueError(f"unrecognized image mode {mode!r}: there are 'L', 'RGB' and 'RGBA'")
    return _CHANNELS[mode]


def _integers(what, values, counts):
    values = tuple(values) if isinstance(values, (tuple, list)) else None
    if values is None or len(values) not in counts or not all(isinstance(n, int) for n in values):
        raise TypeError(f"{what} must be a tuple of {' or '.join(map(str, counts))} integers")
    return values


def _size(size, least=0):
    width, height = _integers("the size", size, (2,))
    if width < least or height < least:
        raise ValueError(f"width and height must be at least {least}, not {width} and {height}")
    if max(width, height) > _SIDE_MAX or width * height > MAX_IMAGE_PIXELS:
        raise ValueError(f"an image of {width} x {height} pixels is too large: {_SIDE_MAX} to a "
                         f"side and {MAX_IMAGE_PIXELS} in all are the most")
    return width, height


def _named(color):
    """Red, green, blue and perhaps alpha of a color in words or as `#rrggbb`."""
    digits = color[1:]
    if color.startswith("#") and len(digits) in (3, 4):
        digits = "".join(digit * 2 for digit in digits)
    if color.lower() in _COLORS:
        digits = f"{_COLORS[color.lower()]:06x}"
    elif not color.startswith("#") or len(digits) not in (6, 8):
        digits = ""
    try:
        return tuple(bytes.fromhex(digits)) or [][0]
    except (ValueError, IndexError):
        raise ValueError(f"unknown color specifier: {color!r}; write '#rrggbb'") from None


def _pixel(mode, color):
    """The bytes of a pixel of this color."""
    count = _CHANNELS[mode]
    if isinstance(color, str):
        color = _named(color)
        if mode == "L":
            color = (_images.convert(bytes(color[:3]), 3, 1)[0],)
    if isinstance(color, int):
        color = (color,) if mode == "L" else (color & 0xFFFFFFFF).to_bytes(4, "little")[:count]
    color = tuple(color) if isinstance(color, (tuple, list, bytes)) else ()
    if count == 4 and len(color) == 3:
        color += (255,)
    if count == 3:
        color = color[:3] if len(color) == 4 else color
    if len(color) != count or not all(isinstance(value, int) for value in color):
        raise TypeError(f"a color of mode {mode} must be an int, a text, or a tuple of {count} integers")
    return bytes(min(max(value, 0), 255) for value in color)


class _Data:
    """The pixels of an image, or one band of them, as a sequence that cannot be changed."""

    def __init__(self, data, count):
        self._data, self._count = data, count

    def __len__(self):
        return len(self._data) // self._count

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[n] for n in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        start = index * self._count
        return self._data[start] if self._count == 1 else tuple(self._data[start:start + self._count])

    def __iter__(self):
        return iter(self._data) if self._count == 1 else zip(*[iter(self._data)] * self._count)


class _Access:
    """What `load` gives: pixels by `[x, y]`."""

    def __init__(self, image):
        self._image = image

    def __getitem__(self, place):
        return self._image.getpixel(place)

    def __setitem__(self, place, color):
        self._image.putpixel(place, color)


class Image:
    """An image in memory."""

    format = None
    filename = ""
    is_animated = False
    n_frames = 1
    __hash__ = None
    #: What to do where an image cannot go: into storage, and out of a block.
    __agora_instead__ = ": keep or return its bytes, a PNG that `save` wrote or `tobytes()`"

    def __init__(self):
        raise TypeError("make an image by `Image.new`, `Image.open` or `Image.frombytes`")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(f"'Image' object has no attribute '{name}'")
        there = _public(dir(type(self)))
        raise AttributeError(f"an image has no `{name}` on this network; there are: {there}")

    def _bytes(self):
        if self._pixels is None:
            raise ValueError("operation on a closed image")
        return self._pixels

    def _form(self):
        return [_CHANNELS[self.mode], self.width, self.height]

    @property
    def width(self):
        """Pixels of a row."""
        return self.size[0]

    @property
    def height(self):
        """Rows."""
        return self.size[1]

    @property
    def info(self):
        """What files say beside their pixels, which is not kept."""
        return {}

    def __repr__(self):
        return f"<PIL.Image.Image image mode={self.mode} size={self.width}x{self.height}>"

    def __eq__(self, other):
        if not isinstance(other, Image):
            return NotImplemented
        return (self.mode == other.mode and self.size == other.size
                and self._bytes() == other._bytes())

    def __enter__(self):
        return self

    def __exit__(self, *error):
        # Leaving `with` closes the file, and the image is in memory.
        pass

    def close(self):
        """Frees the pixels: nothing can be done with the image any more."""
        self._pixels = None

    def copy(self):
        """Another image of the same pixels."""
        return _make(self.mode, self.size, self._bytes()[:])

    def load(self):
        """Access to pixels by `[x, y]`."""
        self._bytes()
        return _Access(self)

    def verify(self):
        """Nothing is left to be checked: files are read when they are opened."""

    def tobytes(self):
        """The pixels, row after row."""
        return bytes(self._bytes())

    def getdata(self, band=None):
        """All pixels, or one band of them, as a sequence."""
        return _Data(self.tobytes(), _CHANNELS[self.mode]) if band is None else (
            self.getchannel(band).getdata())

    def getbands(self):
        """The names of the bands."""
        return tuple(self.mode)

    def getchannel(self, channel):
        """One band as a grey image, by its number or its name."""
        bands = self.getbands()
        index = bands.index(channel) if channel in bands else channel
        if not isinstance(index, int) or not 0 <= index < len(bands):
            raise ValueError(f"the image has no channel {channel!r}")
        return _make("L", self.size, self._bytes()[index::len(bands)])

    def split(self):
        """The bands as grey images."""
        return tuple(self.getchannel(index) for index in range(len(self.mode)))

    def histogram(self):
        """How often each of the 256 values is there, band after band."""
        bands = [band._bytes() for band in self.split()]
        return [band.count(value) for band in bands for value in range(256)]

    def getextrema(self):
        """The least and the greatest value, of each band when there are several."""
        extrema = tuple((min(band._bytes()), max(band._bytes())) for band in self.split())
        return extrema[0] if self.mode == "L" else extrema

    def _start(self, place):
        x, y = _integers("the place of a pixel", place, (2,))
        x, y = (x + self.width if x < 0 else x), (y + self.height if y < 0 else y)
        if not (0 <= x < self.width and 0 <= y < self.height):
            raise IndexError(f"image index out of range: {place} of {self.size}")
        return (y * self.width + x) * _CHANNELS[self.mode]

    def getpixel(self, xy):
        """The color of a pixel: an int, or a tuple of its bands."""
        start, data = self._start(xy), self._bytes()
        return data[start] if self.mode == "L" else tuple(data[start:start + len(self.mode)])

    def putpixel(self, xy, value):
        """Colors a pixel."""
        start, data = self._start(xy), self._bytes()
        data[start:start + len(self.mode)] = _pixel(self.mode, value)

    def putdata(self, data):
        """Colors pixels from the first on."""
        pixels = b"".join(_pixel(self.mode, color) for color in data)
        if len(pixels) > len(self._bytes()):
            raise TypeError("too many data entries")
        self._pixels[:len(pixels)] = pixels

    def point(self, lut):
        """Every value replaced: by a function of it, or by a table of 256."""
        table = [lut(value) for value in range(256)] if callable(lut) else list(lut)
        if len(table) != 256:
            raise ValueError("the table must have 256 values: one for all bands")
        table = bytes(min(max(int(value), 0), 255) for value in table)
        return _make(self.mode, self.size, self._bytes().translate(table))

    def convert(self, mode=None):
        """The image in another mode."""
        mode = mode or self.mode
        count = _channels(mode)
        if mode == self.mode:
            return self.copy()
        return _make(mode, self.size, _images.convert(self._bytes(), _CHANNELS[self.mode], count))

    def crop(self, box=None):
        """The part within a box; what of it is outside of the image is zero."""
        if box is None:
            return self.copy()
        left, upper, right, lower = _box(box)
        size = _size((right - left, lower - upper))
        part = _make(self.mode, size, bytearray(size[0] * size[1] * _CHANNELS[self.mode]))
        part._put(self, -left, -upper)
        return part

    def _put(self, other, left, upper):
        """Copies the pixels of another image of the same mode, as far as there is room."""
        count, to, data = _CHANNELS[self.mode], self._bytes(), other._bytes()
        first, end = max(left, 0), min(left + other.width, self.width)
        if first >= end:
            return
        for y in range(max(upper, 0), min(upper + other.height, self.height)):
            start = (y * self.width + first) * count
            source = ((y - upper) * other.width + first - left) * count
            length = (end - first) * count
            to[start:start + length] = data[source:source + length]

    def paste(self, im, box=None, mask=None):
        """Puts an image or a color over this one, where a mask says so."""
        if isinstance(box, Image):
            box, mask = None, box
        box = (0, 0) if box is None else _integers("the box", box, (2, 4))
        if len(box) == 2:
            size = im.size if isinstance(im, Image) else mask.size if mask else self.size
            box += (box[0] + size[0], box[1] + size[1])
        size = _size((box[2] - box[0], box[3] - box[1]))
        im = im.convert(self.mode) if isinstance(im, Image) else new(self.mode, size, im)
        if im.size != size or mask is not None and mask.size != size:
            raise ValueError("images do not match")
        if mask is not None:
            share = mask.getchannel("A" if mask.mode == "RGBA" else 0)._bytes()
            below = self.crop(box)._bytes()
            im = _make(self.mode, size, _images.blend(below, im._bytes(), share))
        self._put(im, box[0], box[1])

    def resize(self, size, resample=None, box=None, reducing_gap=None):
        """The image in another size; of it, the part within the box."""
        resample = BICUBIC if resample is None else resample
        if resample not in range(5):
            raise ValueError("unknown resampling filter: there are NEAREST, LANCZOS, BILINEAR, BICUBIC "
                             "and BOX")
        size, whole = _size(size, 1), (0, 0, *self.size)
        left, upper, right, lower = box = whole if box is None else _inner(box, self.size)
        _size((right - left, lower - upper), 1)
        if size == self.size and box == whole:
            return self.copy()
        data = _images.resize(self._bytes(), self._form(), list(box), list(size), resample)
        return _make(self.mode, size, data)

    def thumbnail(self, size, resample=BICUBIC, reducing_gap=2.0):
        """Makes the image smaller, so that it fits into this size and keeps its form.

        Each pixel is made of all that it stands for; there is no gap to reduce with averages before.
        """
        width, height = (math.floor(side) for side in size)
        if width < 1 or height < 1:
            raise ValueError(f"width and height must be at least 1, not {width} and {height}")
        if width >= self.width and height >= self.height:
            return
        aspect = self.width / self.height
        if width / height >= aspect:
            width = _nearest(height * aspect, lambda side: abs(aspect - side / height))
        else:
            height = _nearest(width / aspect, lambda side: abs(aspect - width / side))
        smaller = self.resize((width, height), resample)
        self.size, self._pixels = smaller.size, smaller._pixels

    def transpose(self, method):
        """The image mirrored or turned."""
        if method not in range(7):
            raise ValueError("unknown method of transposing: there are those of `Image.Transpose`")
        size = self.size[::-1] if method in (2, 4, 5, 6) else self.size
        return _make(self.mode, size, _images.transpose(self._bytes(), self._form(), method))

    def rotate(self, angle, expand=False):
        """The image turned to the left by a multiple of 90 degrees."""
        angle = angle % 360
        if angle == 0:
            return self.copy()
        if angle not in (90, 180, 270) or angle != 180 and not expand and self.width != self.height:
            raise ValueError("images can be turned by 90, 180 and 270 degrees, with `expand=True` "
                             "unless they are square")
        return self.transpose({90: ROTATE_90, 180: ROTATE_180, 270: ROTATE_270}[angle])

    def save(self, fp, format=None, *, optimize=False, compress_level=None):
        """Writes a PNG file to what has a method `write`; how hard to try is up to the network."""
        if not hasattr(fp, "write"):
            raise PermissionError(f"an image can be saved to `io.BytesIO()` only: {program.NO_HOST}")
        if format is None or not isinstance(format, str):
            raise ValueError("unknown file format: write `format=\"PNG\"`")
        if format.upper() != "PNG":
            raise ValueError(f"images are saved as PNG on this network, not as {format}")
        fp.write(self.__agora_png__())

    def __agora_png__(self):
        """The image as a PNG file."""
        _size(self.size, 1)
        return _images.encode(self._bytes(), self._form())


def _nearest(side, distance):
    """The nearer of the two integers about a side, and at least 1."""
    return min((max(rounded(side), 1) for rounded in (math.floor, math.ceil)), key=distance)


def _box(box):
    left, upper, right, lower = box = _integers("the box", box, (4,))
    if right < left or lower < upper:
        raise ValueError(f"the right and the lower side of a box come after the others: {box}")
    return box


def _inner(box, size):
    left, upper, right, lower = box = _box(box)
    if left < 0 or upper < 0 or right > size[0] or lower > size[1]:
        raise ValueError(f"box can't exceed original image size: {box} of {size}")
    return box


def _make(mode, size, data, format=None):
    image = Image.__new__(Image)
    image.mode, image.size, image._pixels = mode, tuple(size), data
    if format is not None:
        image.format = format
    return image


def new(mode, size, color=0):
    """An image of one color."""
    _channels(mode)
    width, height = _size(size)
    pixel = _pixel(mode, 0 if color is None else color)
    return _make(mode, (width, height), bytearray(pixel) * (width * height))


def frombytes(mode, size, data, decoder_name="raw"):
    """An image of pixels, row after row."""
    count = _channels(mode)
    width, height = _size(size)
    if decoder_name != "raw":
        raise ValueError(f"there is no decoder {decoder_name!r} on this network: 'raw' is the one")
    if len(data) != width * height * count:
        raise ValueError(f"{width * height * count} bytes of image data are needed, not {len(data)}")
    return _make(mode, (width, height), bytearray(data))


def merge(mode, bands):
    """An image of grey ones, one for each band."""
    count, bands = _channels(mode), list(bands)
    if len(bands) != count or any(band.mode != "L" or band.size != bands[0].size for band in bands):
        raise ValueError(f"an image of mode {mode} is merged of {count} images of mode L and one size")
    data = bytearray(len(bands[0]._bytes()) * count)
    for index, band in enumerate(bands):
        data[index::count] = band._bytes()
    return _make(mode, bands[0].size, data)


def open(fp, mode="r", formats=None):
    """The image of a PNG, JPEG, GIF or WebP file: what has a method `read`, or a path of the contract."""
    if mode != "r":
        raise ValueError(f"bad mode {mode!r}")
    if isinstance(fp, (bytes, bytearray, memoryview)):
        raise TypeError("bytes are opened by `Image.open(io.BytesIO(data))`")
    file = program.open_file(fp, "rb") if isinstance(fp, str) else fp
    if not hasattr(file, "read"):
        raise TypeError(f"a file must be a path or have a method `read`, as `{type(fp).__name__}` has not")
    format, *image = _images.decode(file.read())
    if format == "unknown":
        raise UnidentifiedImageError(*image)
    if format == "too large":
        raise DecompressionBombError(*image)
    if format == "broken":
        raise OSError(*image)
    if formats is not None and format not in [name.upper() for name in formats]:
        raise UnidentifiedImageError(f"cannot identify image file: {format} is not among {formats}")
    channels, width, height, data = image
    return _make(_MODES[channels], (width, height), data, format)


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(f"module 'PIL.Image' has no attribute '{name}'")
    there = _public(set(globals()) - {"math", "program"})
    raise AttributeError(f"PIL.Image has no `{name}` on this network; there are: {there}")
