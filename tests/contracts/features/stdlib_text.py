# { "Depends": "py-genlayer:test" }
from genlayer import *

import base64
import binascii
import csv
import difflib
import hashlib
import hmac
import html
import io
import json
import re
import string
import struct
import textwrap
import unicodedata
import urllib.parse
import zlib
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote, unquote, urlencode, urljoin, urlparse


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found.append(dict(attrs).get("href"))


class Text(gl.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def json_dumps(self) -> None:
        data = {"b": [1, 2.5, None, True], "a": {"z": "é", "y": "\n"}}
        assert json.dumps(data) == '{"b": [1, 2.5, null, true], "a": {"z": "\\u00e9", "y": "\\n"}}'
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert text == '{"a":{"y":"\\n","z":"é"},"b":[1,2.5,null,true]}'
        assert json.dumps({"a": [1, {}]}, indent=2) == '{\n  "a": [\n    1,\n    {}\n  ]\n}'
        assert json.dumps({1: "a", None: "b", False: "c"}) == '{"1": "a", "null": "b", "false": "c"}'
        assert json.dumps((1, "x")) == '[1, "x"]'
        assert json.dumps({"x": {1}}, default=sorted) == '{"x": [1]}'
        assert json.dumps(10**30) == "1" + "0" * 30
        assert json.dumps(float("nan")) == "NaN"
        try:
            json.dumps({"x": b"1"})
        except TypeError as error:
            assert str(error) == "Object of type bytes is not JSON serializable", str(error)
        else:
            raise AssertionError

    @gl.public.view
    def json_loads(self) -> None:
        assert json.loads(' {"a": [1, -2.5e3, "\\u00e9", null, false]} ') == {
            "a": [1, -2500.0, "é", None, False]}
        assert json.loads(b'{"a": 1}') == {"a": 1}
        assert json.loads("[1.10]", parse_float=str) == ["1.10"]
        assert json.loads('{"a": 1}', object_hook=lambda found: sorted(found)) == ["a"]
        assert type(json.loads("1")) is int and type(json.loads("1.0")) is float
        for text, words in (("", "Expecting value: line 1 column 1 (char 0)"),
                            ("{'a': 1}", "Expecting property name enclosed in double quotes: "
                                         "line 1 column 2 (char 1)"),
                            ('{"a": 1} x', "Extra data: line 1 column 10 (char 9)"),
                            ("```json\n{}\n```", "Expecting value: line 1 column 1 (char 0)")):
            try:
                json.loads(text)
            except json.JSONDecodeError as error:
                assert isinstance(error, ValueError) and str(error) == words, (text, str(error))
            else:
                raise AssertionError(text)

    @gl.public.view
    def json_classes(self) -> None:
        class Encoder(json.JSONEncoder):
            def default(self, value):
                return str(value)

        assert json.dumps({"a": 1j}, cls=Encoder) == '{"a": "1j"}'
        assert json.JSONDecoder().raw_decode('{"a": 1} rest') == ({"a": 1}, 8)

    @gl.public.view
    def regular_expressions(self) -> None:
        assert re.search(r"\{.*\}", 'x {"a": 1}\n y', re.DOTALL).group() == '{"a": 1}'
        assert re.sub(r"^```(?:json)?\s*|\s*```$", "", "```json\n{}\n```", flags=re.MULTILINE) == "{}"
        assert re.findall(r"(\w+)@(\w+)\.com", "a@b.com c@d.com") == [("a", "b"), ("c", "d")]
        assert re.split(r"[,;]\s*", "a, b;c") == ["a", "b", "c"]
        match = re.fullmatch(r"(?P<year>\d{4})-(?P<month>\d\d)", "2024-05")
        assert match.groupdict() == {"year": "2024", "month": "05"} and match["year"] == "2024"
        assert match.groups() == ("2024", "05") and match.span() == (0, 7)
        assert re.match(r"0x[0-9a-fA-F]{40}$", "0x" + "aB" * 20)
        assert re.compile("a+", re.I).sub(lambda found: str(len(found[0])), "xAaay") == "x3y"
        assert [found.start() for found in re.finditer("o", "foo")] == [1, 2]
        assert re.escape("a.b") == "a\\.b" and re.sub(r"(a)(b)", r"\2\1", "ab") == "ba"
        assert re.search(r"(?<=\$)\d+(?:\.\d+)?(?=\b)", "cost $12.50!").group() == "12.50"
        assert re.search(r"(?i)PRICE:\s*([\d,]+)", "price: 1,234").group(1) == "1,234"
        assert re.subn("a", "b", "aaa", count=2) == ("bba", 2)
        try:
            re.compile("(")
        except re.error:
            return
        raise AssertionError

    @gl.public.view
    def hashes(self) -> None:
        assert hashlib.sha256(b"abc").hexdigest().startswith("ba7816bf8f01cfea")
        assert hashlib.sha3_256(b"").hexdigest().startswith("a7ffc6f8bf1ed766")
        assert hashlib.md5(b"").hexdigest() == "d41d8cd98f00b204e9800998ecf8427e"
        assert hashlib.sha1(b"").hexdigest().startswith("da39a3ee5e6b4b0d")
        assert hashlib.sha512(b"").hexdigest().startswith("cf83e1357eefb8bd")
        assert hashlib.blake2b(b"").hexdigest().startswith("786a02f742015903")
        assert hashlib.new("sha256", b"abc").digest_size == 32
        running = hashlib.sha256()
        running.update(b"a")
        running.update(b"bc")
        assert running.digest() == hashlib.sha256(b"abc").digest()
        assert running.copy().hexdigest() == running.hexdigest()
        signed = hmac.new(b"key", b"text", hashlib.sha256).hexdigest()
        assert signed.startswith("6afa9046a9579cad") and hmac.compare_digest(signed, signed)

    @gl.public.view
    def keccak(self) -> None:
        empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
        assert Keccak256(b"").hexdigest() == empty
        hasher = Keccak256()
        hasher.update(b"transfer(address,")
        hasher.update(b"uint256)")
        assert hasher.digest()[:4].hex() == "a9059cbb"

    @gl.public.view
    def bytes_and_bases(self) -> None:
        assert base64.b64encode(b"\xff\xfe") == b"//4=" and base64.b64decode("//4=") == b"\xff\xfe"
        assert base64.urlsafe_b64encode(b"\xff\xfe") == b"__4="
        assert base64.b32encode(b"hi") == b"NBUQ====" and base64.b16decode("6869") == b"hi"
        assert binascii.hexlify(b"hi") == b"6869" and binascii.unhexlify("6869") == b"hi"
        assert binascii.crc32(b"hi") == zlib.crc32(b"hi") == 3633523372
        assert struct.pack("<IhQ", 1, -2, 3).hex() == "01000000feff0300000000000000"
        assert struct.unpack(">H", b"\x01\x02") == (258,) and struct.calcsize("<d") == 8
        assert bytes.fromhex("00 ff") == b"\x00\xff" and b"\x00\xff".hex() == "00ff"
        assert (300).to_bytes(2, "big") == b"\x01," and int.from_bytes(b"\x01,", "big") == 300
        assert b"a,b".split(b",") == [b"a", b"b"] and b"x".decode("utf-8", errors="ignore") == "x"
        assert bytes(memoryview(b"abc")[1:]) == b"bc" and bytearray(b"ab") + b"c" == b"abc"
        assert b"\xff".decode("utf-8", "replace") == "\ufffd"

    @gl.public.view
    def urls(self) -> None:
        assert quote("a b/c?é") == "a%20b/c%3F%C3%A9" and quote("a/b", safe="") == "a%2Fb"
        assert quote("ışık") == "%C4%B1%C5%9F%C4%B1k" and quote("٣") == "%D9%A3"
        assert urllib.parse.quote_plus("a b&c") == "a+b%26c" and unquote("a%20b") == "a b"
        assert urlencode({"q": "a b", "n": 1}) == "q=a+b&n=1"
        assert urlencode([("a", [1, 2])], doseq=True) == "a=1&a=2"
        parsed = urlparse("https://user@example.com:8080/p/a?q=1&q=2#f")
        assert (parsed.scheme, parsed.netloc) == ("https", "user@example.com:8080")
        assert (parsed.hostname, parsed.port, parsed.path) == ("example.com", 8080, "/p/a")
        assert parse_qs(parsed.query) == {"q": ["1", "2"]} and parsed.fragment == "f"
        assert urljoin("https://a.b/c/d", "../e") == "https://a.b/e"
        assert urllib.parse.urlunparse(parsed) == parsed.geturl()
        assert urllib.parse.urlsplit("//x/y").netloc == "x"

    @gl.public.view
    def searches_for_letters_before_a_group(self) -> None:
        assert re.search(r"a(s)", "as").span() == (0, 2) and re.search(r"ab(cd)?e", "xabe").span() == (1, 4)
        assert re.sub(r"(?s)<(style|script).*?</\1>", " ", "a<style>b</style>c<script>d</script>") == "a c "
        assert re.findall('href="(https?://[^"]+)"', '<a href="https://a.b/c"> <a href="http://d">') == ["https://a.b/c", "http://d"]
        assert re.search(r'"score": (0\.\d+)', '{"score": 0.75}')[1] == "0.75"
        assert re.search("VERDICT: (APPROVE|APPEAL)", "so VERDICT: APPROVE")[1] == "APPROVE"
        assert [m[1] for m in re.finditer("<(h1|h2)>", "<h1><h2><h3>")] == ["h1", "h2"]
        assert re.split(r"year (20[0-9]{2})", "in year 2024 and year 2025.") == ["in ", "2024", " and ", "2025", "."]
        assert re.search(rb"a(s)b", b"xasb").span() == (1, 4) and re.search("aa(ab)", "aaaab").span() == (1, 5)
        assert re.search("a(s)", "A as S") and not re.search("a(s)", "a s") and re.search("a(s)", "aas").start() == 1

    @gl.public.view
    def groups_that_took_no_part(self) -> None:
        assert re.findall(r"(\d+)?x", "x 1x") == ["", "1"] and re.findall(rb"(a)|b", b"ab") == [b"a", b""]
        assert re.findall(r"(a)|(b)", "ab") == [("a", ""), ("", "b")] and re.compile("(a)?").findall("ba", 1) == ["a", ""]
        assert re.compile("a").findall(string="aa", endpos=1) == ["a"] and re.search("(a)|b", "b").groups() == (None,)
        assert re.sub("(a)|b", r"[\1]", "ab") == "[a][]" and re.split("(a)|b", "xby") == ["x", None, "y"]

    @gl.public.view
    def ends_of_bytes(self) -> None:
        assert b"\xd9\xa3".rstrip(b"c") == b"\xd9\xa3" and b"\xd9\xa3".strip(b"\xd9") == b"\xa3"
        assert b"\xc4\xb0abba".rstrip(b"ab") == b"\xc4\xb0" and b"abxab".lstrip(b"ba") == b"xab"
        assert b"\xc2\xa0 a\n\x0b".strip() == b"\xc2\xa0 a" and b" \t".strip() == b"" and b"a".strip(None) == b"a"
        assert b"aa".lstrip(b"a") == b"" == b"aa".rstrip(bytearray(b"a")) and b"a".strip(b"") == b"a"
        array = bytearray(b" \xd9\xa3 ")
        assert array.strip() == b"\xd9\xa3" and type(array.strip()) is bytearray and array.rstrip(b" c") == b" \xd9\xa3"
        assert bytes.strip(b" a ") == b"a" and array == b" \xd9\xa3 " and array.lstrip() == b"\xd9\xa3 "
        for wrong in (lambda: b"a".strip("a"), lambda: b"a".rstrip(1), lambda: b"a".lstrip(b"a", b"b")):
            try:
                wrong()
                raise AssertionError("stripped")
            except TypeError:
                pass

    @gl.public.view
    def texts(self) -> None:
        assert textwrap.dedent("\n    a\n      b\n") == "\na\n  b\n"
        assert textwrap.shorten("a long sentence here", 12, placeholder="…") == "a long…"
        assert textwrap.wrap("aa bb cc", 5) == ["aa bb", "cc"] and textwrap.fill("a b", 1) == "a\nb"
        assert textwrap.indent("a\nb", "> ") == "> a\n> b"
        assert string.ascii_lowercase[:3] == "abc" and string.digits == "0123456789"
        assert "!" in string.punctuation and string.hexdigits.endswith("ABCDEF")
        assert string.Template("$a and ${b}").substitute(a=1, b=2) == "1 and 2"
        assert string.capwords("a b") == "A B"
        assert html.escape("<a & 'b'>") == "&lt;a &amp; &#x27;b&#x27;&gt;"
        assert html.unescape("&lt;&eacute;&#33;") == "<é!"
        assert unicodedata.normalize("NFKD", "é").encode("ascii", "ignore") == b"e"
        assert unicodedata.category("A") == "Lu" and unicodedata.name("é").endswith("ACUTE")
        assert round(difflib.SequenceMatcher(None, "abcd", "bcde").ratio(), 2) == 0.75
        assert difflib.get_close_matches("appel", ["ape", "apple"]) == ["apple", "ape"]

    @gl.public.view
    def pages(self) -> None:
        links = Links()
        links.feed('<p>see <a href="/x">x</a> and <a class="b" href="/y">y</a></p>')
        assert links.found == ["/x", "/y"]

    @gl.public.view
    def streams(self) -> None:
        stream = io.StringIO()
        stream.write("a,b\n")
        print("1,2", file=stream)
        assert stream.getvalue() == "a,b\n1,2\n"
        assert list(csv.DictReader(io.StringIO(stream.getvalue()))) == [{"a": "1", "b": "2"}]
        out = io.StringIO()
        csv.writer(out).writerow(["x", 'y "z"', 3])
        assert out.getvalue() == 'x,"y ""z""",3\r\n'
        assert io.BytesIO(b"abc").read(2) == b"ab"

    @gl.public.view
    def methods_of_text(self) -> None:
        assert "  a b ".strip().title() == "A B" and "a-b".replace("-", "", 1) == "ab"
        assert "aXb".casefold() == "axb" and "x".zfill(3) == "00x" and "a".center(3, "*") == "*a*"
        assert "key=value=x".partition("=") == ("key", "=", "value=x")
        assert "a.b.c".rsplit(".", 1) == ["a.b", "c"] and "ab\ncd".splitlines() == ["ab", "cd"]
        assert "abc".startswith(("x", "a")) and "abc".removeprefix("a").removesuffix("c") == "b"
        assert "abc".translate(str.maketrans({"a": "1", "b": None})) == "1c"
        assert "{:>5}|{:<5}|{:^5}".format("a", "b", "c") == "    a|b    |  c  "
        assert "{0[x]} {1.real} {name!r}".format({"x": 1}, 2, name="n") == "1 2 'n'"
        assert "%s %d %.2f %5s|%-5s|%x" % ("a", 2, 1.005, "r", "l", 255) == "a 2 1.00     r|l    |ff"
        assert "a1".isalnum() and "12".isdigit() and "Ab".swapcase() == "aB" and "".join([]) == ""
        assert "abcabc".find("c") == 2 and "abcabc".rfind("c") == 5 and "abc".index("b") == 1
        assert "tab\tx".expandtabs(4) == "tab x" and "é".encode().hex() == "c3a9"
        assert "a" < "b" and "abc"[::-1] == "cba" and "x" * 3 == "xxx" and "\N{BULLET}" == "•"
        assert ascii("é") == "'\\xe9'" and repr("a'b") == '"a\'b"' and chr(8364) == "€"
