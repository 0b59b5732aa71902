# { "Depends": "py-genlayer:test" }
"""What contracts do with images; the values are those of Pillow 10.4."""
from genlayer import *

import copy
import hashlib
import io
import PIL
import PIL.Image
from PIL import Image, UnidentifiedImageError


def noise(mode: str, width: int, height: int) -> Image.Image:
    state, data = 1, bytearray()
    for _ in range(width * height * len(mode)):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        data.append(state >> 16 & 255)
    return Image.frombytes(mode, (width, height), bytes(data))


def saved(image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


class Images(gl.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def names(self) -> None:
        assert PIL.Image is Image and PIL.UnidentifiedImageError is UnidentifiedImageError
        assert issubclass(UnidentifiedImageError, OSError)
        assert Image.LANCZOS == Image.Resampling.LANCZOS == 1 and Image.Resampling.BICUBIC == 3
        assert Image.FLIP_LEFT_RIGHT == Image.Transpose.FLIP_LEFT_RIGHT == 0

    @gl.public.view
    def made(self) -> None:
        image = Image.new("RGB", (3, 2), "red")
        assert image.size == (3, 2) and (image.width, image.height) == (3, 2)
        assert image.mode == "RGB" and image.format is None and image.getbands() == ("R", "G", "B")
        assert repr(image) == "<PIL.Image.Image image mode=RGB size=3x2>"
        assert isinstance(image, Image.Image) and type(image).__name__ == "Image"
        assert image.tobytes() == b"\xff\0\0" * 6
        assert Image.new("L", (1, 1)).tobytes() == b"\0" and Image.new("L", (1, 1), 300).getpixel((0, 0)) == 255
        assert Image.new("RGBA", (1, 1)).getpixel((0, 0)) == (0, 0, 0, 0)
        assert Image.new("RGBA", (1, 1), (1, 2, 3)).getpixel((0, 0)) == (1, 2, 3, 255)
        assert Image.new("RGBA", (1, 1), "#12345678").getpixel((0, 0)) == (0x12, 0x34, 0x56, 0x78)
        assert Image.new("RGB", (1, 1), 0x123456).getpixel((0, 0)) == (0x56, 0x34, 0x12)
        assert Image.new("L", (1, 1), "#123").getpixel((0, 0)) == 31
        assert Image.new("RGB", (0, 5)).tobytes() == b""

    @gl.public.view
    def pixels(self) -> None:
        image = Image.frombytes("RGB", (2, 2), bytes(range(12)))
        assert image.getpixel((1, 0)) == (3, 4, 5) and image.getpixel((-1, -1)) == (9, 10, 11)
        image.putpixel((0, 1), (200, 100, 50))
        assert list(image.getdata()) == [(0, 1, 2), (3, 4, 5), (200, 100, 50), (9, 10, 11)]
        assert image.getdata()[2] == (200, 100, 50) and len(image.getdata()) == 4
        assert list(image.getdata(1)) == [1, 4, 100, 10]
        access = image.load()
        access[0, 0] = "white"
        assert access[0, 0] == (255, 255, 255)
        image.putdata([(1, 1, 1)])
        assert image.getpixel((0, 0)) == (1, 1, 1) and image.getpixel((1, 0)) == (3, 4, 5)
        red, green, blue = image.split()
        assert green.mode == "L" and green.tobytes() == bytes([1, 4, 100, 10])
        assert image.getchannel("B") == blue and Image.merge("RGB", (red, green, blue)) == image
        assert blue.histogram()[50] == 1 and len(image.histogram()) == 768
        assert red.getextrema() == (1, 200) and image.getextrema()[2] == (1, 50)

    @gl.public.view
    def compared_and_copied(self) -> None:
        image = noise("RGB", 4, 4)
        same, deep = image.copy(), copy.deepcopy(image)
        assert image == same == deep and image is not same
        same.putpixel((0, 0), 0)
        deep.putpixel((0, 0), 0)
        assert image != same and same == deep and image != image.convert("RGBA") and image != 1

    @gl.public.view
    def closed(self) -> None:
        with noise("L", 2, 2) as image:
            pass
        assert len(image.tobytes()) == 4
        image.close()
        try:
            image.tobytes()
        except ValueError as error:
            assert "closed" in str(error)
        else:
            raise AssertionError

    @gl.public.view
    def modes(self) -> None:
        image = Image.new("RGBA", (1, 1), (10, 200, 30, 40))
        assert image.convert("RGB").getpixel((0, 0)) == (10, 200, 30)
        assert image.convert("L").getpixel((0, 0)) == 124
        assert Image.new("L", (1, 1), 7).convert("RGBA").getpixel((0, 0)) == (7, 7, 7, 255)
        assert Image.new("RGB", (1, 1), 7).convert("RGBA").getpixel((0, 0)) == (7, 0, 0, 255)
        assert image.convert() == image and image.convert("RGBA") is not image
        assert image.convert("L").point(lambda value: 255 if value > 100 else 0).tobytes() == b"\xff"

    @gl.public.view
    def parts(self) -> None:
        image = Image.frombytes("L", (3, 3), bytes(range(9)))
        assert image.crop((1, 1, 3, 3)).tobytes() == bytes([4, 5, 7, 8])
        assert image.crop((-1, 2, 2, 4)).tobytes() == bytes([0, 6, 7, 0, 0, 0])
        assert image.crop((1, 1, 1, 2)).size == (0, 1) and image.crop() == image
        board = Image.new("L", (4, 4))
        board.paste(image, (2, -1))
        assert board.tobytes() == bytes([0, 0, 3, 4, 0, 0, 6, 7] + [0] * 8)
        board.paste(9, (0, 2, 2, 4))
        assert board.crop((0, 2, 3, 4)).tobytes() == bytes([9, 9, 0, 9, 9, 0])
        board = Image.new("RGB", (3, 3), "white")
        board.paste("black", (0, 0, 3, 3), image.point(lambda value: value * 30))
        assert board.getpixel((1, 0)) == (225, 225, 225) and board.getpixel((2, 2)) == (15, 15, 15)
        board.paste(image, (1, 1))
        assert board.getpixel((2, 2)) == (4, 4, 4)
        glass = Image.new("RGBA", (3, 3), (255, 0, 0, 51))
        board.paste(glass, (0, 0), glass)
        assert board.getpixel((2, 2)) == (54, 3, 3)

    @gl.public.view
    def turned(self) -> None:
        image = Image.frombytes("L", (2, 3), bytes(range(6)))
        turned = [list(image.transpose(way).getdata()) for way in range(7)]
        assert turned == [[1, 0, 3, 2, 5, 4], [4, 5, 2, 3, 0, 1], [1, 3, 5, 0, 2, 4], [5, 4, 3, 2, 1, 0],
                          [4, 2, 0, 5, 3, 1], [0, 2, 4, 1, 3, 5], [5, 3, 1, 4, 2, 0]]
        assert image.transpose(Image.ROTATE_90).size == (3, 2)
        assert image.rotate(90, expand=True) == image.transpose(Image.Transpose.ROTATE_90)
        assert image.rotate(-90, expand=True) == image.transpose(Image.Transpose.ROTATE_270)
        assert image.rotate(180) == image.transpose(Image.Transpose.ROTATE_180)
        assert image.rotate(360) == image and noise("L", 3, 3).rotate(270).size == (3, 3)

    @gl.public.view
    def sizes(self) -> None:
        expected = {"L": "fe5b5dcd249ad05154853f64cb1d33e79d8e3e45232fc541544caa1aa6ecd786",
                    "RGB": "fd6dbd831026236d8297b8a5fb9b3bcadd903b76ee1e08592456ddbdc8839ada",
                    "RGBA": "eb08b7cf0ce90bac8fcc3438c44ec930bedabafb44fd1e79f6a357f322f17eed"}
        for mode, digest in expected.items():
            image, found = noise(mode, 23, 17), hashlib.sha256()
            for way in range(5):
                for size in ((7, 5), (50, 9), (40, 60)):
                    found.update(image.resize(size, way).tobytes())
                    found.update(image.resize(size, way, (2, 3, 20, 15)).tobytes())
            assert found.hexdigest() == digest, (mode, found.hexdigest())
        assert image.resize((5, 5)) == image.resize((5, 5), Image.BICUBIC) != image.resize((5, 5), Image.BOX)
        assert image.resize((23, 17)) == image

    @gl.public.view
    def thumbnails(self) -> None:
        for size, expected in (((10, 10), (10, 7)), ((100, 5), (7, 5)), ((5, 100), (5, 4)), ((3, 16), (3, 2)),
                               ((12, 1), (1, 1)), ((30, 30), (23, 17)), ((9.9, 9.9), (9, 7))):
            image = noise("RGB", 23, 17)
            assert image.thumbnail(size) is None and image.size == expected, (size, image.size)
        assert image == noise("RGB", 23, 17).resize((9, 7))

    @gl.public.view
    def files(self) -> None:
        for mode in ("L", "RGB", "RGBA"):
            image = noise(mode, 23, 17)
            data = saved(image)
            assert data.startswith(b"\x89PNG") and saved(image) == data
            again = Image.open(io.BytesIO(data))
            again.load()
            assert again == image and again.format == "PNG" and again.mode == mode and again.n_frames == 1
            assert again.copy().format is None and again.convert("L").format is None
            image.save(file := io.BytesIO(), "png", optimize=True)
            assert Image.open(io.BytesIO(file.getvalue()), formats=["png"]) == image
