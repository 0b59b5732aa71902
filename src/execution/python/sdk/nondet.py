"""`gl.nondet`: models and the web, from within non-deterministic blocks."""

import dataclasses
import io
import json
import re
import sys
import types

import _genlayer
from genlayer import calldata
from genlayer.types import Address
from genlayer.vm import lazy_api

_METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")
_UNITS = {"ms": 1, "s": 1000, "m": 60_000}


class NondetException(Exception):
    """What was asked for cannot be had.

    As in v0.3 it has `causes`, from the code to the detail, and `ctx`, of which nothing is known here.
    """

    def __init__(self, causes, ctx=None):
        self.causes = list(causes) if isinstance(causes, (list, tuple)) else str(causes).split(": ")
        self.ctx = {} if ctx is None else ctx
        super().__init__(": ".join(map(str, self.causes)))


def ask(question):
    """Asks the network's models or the web."""
    answer = _genlayer.ask_outside(question, Address, calldata._simple)
    if "error" in answer:
        raise NondetException(answer["error"])
    return answer["ok"]


@dataclasses.dataclass
class Image:
    """A picture: a whole file."""

    raw: bytes

    @property
    def pil(self):
        """The picture as an image of `PIL`, read when it is first asked for."""
        own = vars(self)
        if "_pil" not in own:
            import PIL.Image
            own["_pil"] = PIL.Image.open(io.BytesIO(self.raw))
        return own["_pil"]


def _text(name, value):
    if not isinstance(value, str):
        raise TypeError(f"`{name}` must be a str, not `{type(value).__name__}`")
    return value


def _picture(image):
    raw = image.raw if isinstance(image, Image) else image
    if hasattr(type(raw), "__agora_png__"):
        raw = raw.__agora_png__()
    if not isinstance(raw, (bytes, bytearray, memoryview)):
        raise TypeError(f"an image must be bytes or an Image, not `{type(raw).__name__}`")
    return bytes(raw)


@lazy_api
def exec_prompt(prompt, *, response_format="text", images=None, image=None, **options):
    """A model's answer to a prompt: text, or a dict with `response_format="json"`."""
    if response_format not in ("text", "json"):
        raise ValueError(f"`response_format` must be 'text' or 'json', not {response_format!r}")
    pictures = [_picture(one) for one in [*(images or ()), *([] if image is None else [image])]]
    answer = ask({"ask": "prompt", "text": _text("prompt", prompt), "format": response_format,
                  "images": pictures})
    return json.loads(answer) if response_format == "json" else answer


@dataclasses.dataclass
class Response:
    """What a server answered."""

    status: int
    headers: dict
    body: bytes


def _content(value):
    if value is None or isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"a body or header must be str or bytes, not `{type(value).__name__}`")


@lazy_api
def request(url, *, method="GET", body=None, headers=None, sign=False):
    """Sends a request; an error status is a response as well.

    Nobody signs requests on this network: `sign` is taken and not looked at.
    """
    if method not in _METHODS:
        raise ValueError(f"`method` must be one of {', '.join(_METHODS)}, not {method!r}")
    headers = {_text("header", name): _content(value) for name, value in (headers or {}).items()}
    answer = ask({"ask": "web", "url": _text("url", url), "method": method,
                  "body": _content(body), "headers": headers})
    return Response(**answer)


def _shortcut(name, has_body):
    def plain(url, *, headers=None, sign=False):
        return request(url, method=name, headers=headers)

    def with_body(url, *, body=None, headers=None, sign=False):
        return request(url, method=name, body=body, headers=headers)

    function = with_body if has_body else plain
    function.__name__ = function.__qualname__ = name.lower()
    return lazy_api(function)


def _millis(text):
    match = re.fullmatch(r"\s*(\d{1,6})\s*(ms|s|m)\s*", text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"`wait_after_loaded` must be like '1000ms' or '1s', not {text!r}")
    return int(match[1]) * _UNITS[match[2]]


@lazy_api
def render(url, *, mode="text", wait_after_loaded=None):
    """A page as a browser shows it: its text, its HTML, or a screenshot."""
    if mode not in ("text", "html", "screenshot"):
        raise ValueError(f"`mode` must be 'text', 'html' or 'screenshot', not {mode!r}")
    wait = 0 if wait_after_loaded is None else _millis(wait_after_loaded)
    page = ask({"ask": "render", "url": _text("url", url), "mode": mode, "wait": wait})
    return Image(page) if mode == "screenshot" else page


web = types.ModuleType("genlayer.nondet.web")
web.__dict__.update(
    get=_shortcut("GET", False), post=_shortcut("POST", True), put=_shortcut("PUT", True),
    delete=_shortcut("DELETE", True), head=_shortcut("HEAD", True), patch=_shortcut("PATCH", True),
    options=_shortcut("OPTIONS", True), request=request, render=render, Response=Response, Image=Image)
sys.modules["genlayer.nondet.web"] = web
__path__ = []
