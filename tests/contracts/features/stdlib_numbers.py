# { "Depends": "py-genlayer:test" }
from genlayer import *

import calendar
import cmath
import decimal
import fractions
import math
import numbers
import random
import statistics
import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation, getcontext
from fractions import Fraction


class Numbers(gl.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def math_module(self) -> None:
        assert math.floor(-1.5) == -2 and math.ceil(1.2) == 2 and math.trunc(-1.5) == -1
        assert math.sqrt(16) == 4.0 and math.isqrt(17) == 4 and math.gcd(12, 18, 27) == 3
        assert math.lcm(4, 6) == 12 and math.factorial(20) == 2432902008176640000
        assert math.comb(5, 2) == 10 and math.perm(5, 2) == 20 and math.prod([2, 3]) == 6
        assert math.log10(1000) == 3.0 and math.log2(8) == 3.0 and math.log(math.e) == 1.0
        assert math.isclose(math.sin(math.pi / 2), 1) and math.hypot(3, 4) == 5.0
        assert math.inf > 10**300 and math.isnan(math.nan) and math.fsum([0.1] * 10) == 1.0
        assert math.dist((0, 0), (3, 4)) == 5.0 and math.pow(2, 10) == 1024.0
        assert math.copysign(1, -0.0) == -1.0 and math.fmod(7, 3) == 1.0 and math.exp(0) == 1.0
        assert math.modf(1.5) == (0.5, 1.0) and math.frexp(8.0) == (0.5, 4) and math.degrees(math.pi) == 180
        assert math.isclose(math.cbrt(27), 3) and math.sumprod([1, 2], [3, 4]) == 11
        assert cmath.sqrt(-1) == 1j

    @gl.public.view
    def decimals(self) -> None:
        assert Decimal("0.1") + Decimal("0.2") == Decimal("0.3")
        assert str(Decimal("2.675").quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)) == "2.68"
        assert str(Decimal(10) / Decimal(3)) == "3.333333333333333333333333333"
        assert Decimal("1.239").quantize(Decimal("1.00"), rounding=ROUND_DOWN) == Decimal("1.23")
        assert int(Decimal("12.9")) == 12 and str(Decimal("1E+3")) == "1E+3" and f"{Decimal('1.5'):.2f}" == "1.50"
        assert Decimal(5).sqrt().quantize(Decimal("0.001")) == Decimal("2.236")
        assert Decimal("1.10").normalize().as_tuple().exponent == -1
        with decimal.localcontext() as context:
            context.prec = 5
            assert str(Decimal(1) / 7) == "0.14286"
        getcontext().prec = 40
        assert len(str(Decimal(1) / 3)) == 42
        try:
            Decimal("abc")
        except InvalidOperation:
            return
        raise AssertionError

    @gl.public.view
    def fractions_and_statistics(self) -> None:
        assert Fraction(1, 3) + Fraction(1, 6) == Fraction(1, 2) and str(Fraction("0.75")) == "3/4"
        assert fractions.Fraction(3.5).limit_denominator(10) == Fraction(7, 2)
        assert statistics.mean([1, 2, 3, 4]) == 2.5 and statistics.median([3, 1, 2]) == 2
        assert statistics.mode("aab") == "a" and round(statistics.stdev([1, 2, 3]), 3) == 1.0
        assert statistics.pstdev([1, 1]) == 0 and statistics.quantiles([1, 2, 3, 4], n=2) == [2.5]
        assert statistics.median_low([1, 2]) == 1 and statistics.fmean([1, 2]) == 1.5
        assert isinstance(1, numbers.Integral) and isinstance(1.0, numbers.Real)

    @gl.public.view
    def chance(self) -> None:
        assert 1 <= random.randint(1, 6) <= 6 and 0 <= random.random() < 1
        assert random.choice([7]) == 7 and len(random.sample(range(10), 3)) == 3
        cards = [1, 2, 3]
        random.shuffle(cards)
        assert sorted(cards) == [1, 2, 3]
        assert random.Random(5).randint(0, 99) == random.Random(5).randint(0, 99) == 79
        assert random.Random("seed").random() == random.Random("seed").random()
        assert random.choices([1, 2], weights=[1, 0], k=3) == [1, 1, 1]
        random.seed(1)
        assert random.randrange(100) == 17 and random.uniform(1, 1) == 1

    @gl.public.view
    def dates(self) -> None:
        at = datetime(2024, 2, 29, 12, 30, 45, 123456, tzinfo=timezone.utc)
        assert at.isoformat() == "2024-02-29T12:30:45.123456+00:00"
        assert at.isoformat(timespec="seconds") == "2024-02-29T12:30:45+00:00"
        assert datetime.fromisoformat("2024-02-29T12:30:45.123456Z") == at
        assert at.strftime("%Y-%m-%d %H:%M:%S %A %B %j") == "2024-02-29 12:30:45 Thursday February 060"
        assert datetime.strptime("29/02/24 12:30", "%d/%m/%y %H:%M") == datetime(2024, 2, 29, 12, 30)
        assert datetime.strptime("2024-01-02T03:04:05+0200", "%Y-%m-%dT%H:%M:%S%z").utcoffset() == timedelta(hours=2)
        assert at.timestamp() == 1709209845.123456 and datetime.fromtimestamp(0, UTC).year == 1970
        assert (at + timedelta(days=1)).date() == date(2024, 3, 1) and at.weekday() == 3
        assert (at - datetime(2024, 1, 1, tzinfo=UTC)).days == 59 and at.replace(year=2020).year == 2020
        assert timedelta(hours=25).total_seconds() == 90000 and str(timedelta(days=1, seconds=5)) == "1 day, 0:00:05"
        assert at.astimezone(timezone(timedelta(hours=-5))).hour == 7 and str(at.date()) == "2024-02-29"
        assert date.fromisoformat("2024-12-31").isocalendar()[1] == 1 and at.time().minute == 30
        assert date(2024, 1, 31) < date(2024, 2, 1) and datetime.min.year == 1
        assert datetime.combine(date(2024, 1, 1), at.time()).hour == 12 and timedelta(weeks=1).days == 7
        assert f"{at:%d.%m.%Y}" == "29.02.2024" and at.isoweekday() == 4
        try:
            datetime(2024, 1, 1) < at
        except TypeError:
            return
        raise AssertionError

    @gl.public.view
    def clock(self) -> None:
        now = datetime.now(timezone.utc)
        assert now.isoformat() == gl.message_raw["datetime"].replace("Z", "+00:00")
        assert datetime.now().timestamp() == now.timestamp() == time.time()
        assert datetime.utcnow().isoformat() + "+00:00" == now.isoformat()
        assert date.today() == now.date() and datetime.now().astimezone().utcoffset() == timedelta(0)
        assert time.gmtime().tm_year == now.year and int(time.time()) == calendar.timegm(time.gmtime())
        assert time.strftime("%Y", time.gmtime(0)) == "1970" and time.time_ns() // 10**9 == int(time.time())
        assert time.mktime(time.gmtime(86400)) == 86400 and time.localtime(0).tm_hour == 0
        assert time.strptime("2024", "%Y").tm_year == 2024

    @gl.public.view
    def calendars(self) -> None:
        assert calendar.monthrange(2024, 2) == (3, 29) and calendar.isleap(2024)
        assert calendar.month_name[2] == "February" and calendar.day_abbr[0] == "Mon"
        assert calendar.timegm((1970, 1, 2, 0, 0, 0)) == 86400

    @gl.public.view
    def rounding(self) -> None:
        assert [round(x, 2) for x in (2.675, 1.005, 1.115, 8.345, 0.125, -2.675)] == [2.67, 1.0, 1.11, 8.35, 0.12, -2.67]
        assert [round(x, 1) for x in (0.15, 0.25, 0.35, 0.05)] == [0.1, 0.2, 0.3, 0.1] and str(round(-0.01, 1)) == "-0.0"
        assert [round(x) for x in (0.5, 1.5, 0.5000000000000001, 0.49999999999999994)] == [0, 2, 1, 0]
        assert round(-2.5) == -2 and type(round(2.5)) is int and round(1e300) == int(1e300) and round(2.5, None) == 2
        assert type(round(2.5, 0)) is float and (2.675).__round__(2) == 2.67 and float.__round__(3.5) == 4
        assert [round(x, -1) for x in (125.0, 135.0, 125.01, 4.9)] == [120.0, 140.0, 130.0, 0.0]
        assert round(2.675, True) == 2.7 and round(1.5, 10**30) == 1.5 and round(1.5, -10**30) == 0.0
        for wrong, error in ((lambda: round(1.5, 1.0), TypeError), (lambda: round("1", 1), TypeError),
                             (lambda: round(float("nan")), ValueError), (lambda: round(float("inf")), OverflowError),
                             (lambda: round(1.7976931348623157e308, -308), OverflowError)):
            try:
                wrong()
                raise AssertionError("rounded")
            except error:
                pass

    @gl.public.view
    def sums(self) -> None:
        assert sum([0.1] * 10) == 1.0 and sum([0.1] * 3) == 0.30000000000000004 and sum([1, 0.1, 0.2]) == 1.3 and sum([]) == 0
        assert sum([0.1, True, 0.2, 3]) == 4.3 and sum([1e16, 1.0, -1e16]) == 1.0 and sum([1e100, 1, -1e100]) == 0.0
        assert sum([0.1, 10**400 - 10**400, 0.2]) == 0.30000000000000004 and sum([2**63, 0.5]) == 2.0**63
        assert sum([1, 2], 3) == 6 and sum((x for x in (1, 2)), start=0.5) == 3.5 and sum([[1], [2]], []) == [1, 2]
        assert sum([float("inf"), 1.0]) == float("inf") and sum([1e308, 1e308]) == float("inf")
        assert type(sum([True, True])) is int and str(sum([-0.0, -0.0], -0.0)) == "-0.0" and sum({1: 2}) == 1
        assert sum([Decimal("0.1"), 1]) == Decimal("1.1") and sum([Fraction(1, 2), 0.5, 0.25]) == 1.25
        for wrong, words in ((lambda: sum(["a"], ""), "join(seq)"), (lambda: sum([b""], b""), "bytes"),
                             (lambda: sum([0.5, "a"]), "unsupported operand"), (lambda: sum(1), "not iterable"),
                             (lambda: sum(), "argument"), (lambda: sum([1], 2, 3), "argument")):
            try:
                wrong()
                raise AssertionError("summed")
            except TypeError as error:
                assert words in str(error), error

    @gl.public.view
    def integers_and_floats(self) -> None:
        assert 7 // -2 == -4 and 7 % -2 == -1 and divmod(-7, 2) == (-4, 1) and pow(2, 200, 1000) == 376
        assert pow(3, -1, 7) == 5 and (2**255).bit_length() == 256 and (6).bit_count() == 2
        assert int("0x1f", 16) == 31 and int("1_000") == 1000 and int(" 12 ") == 12 and int(3.99) == 3
        assert hex(255) == "0xff" and oct(8) == "0o10" and bin(5) == "0b101" and 0b11 ^ 0x5 == 6
        assert round(2.5) == 2 and round(3.14159, 2) == 3.14 and round(1234, -2) == 1200
        assert 0.1 + 0.2 == 0.30000000000000004 and str(1e16) == "1e+16" and repr(1.0) == "1.0"
        assert float("1e-3") == 0.001 and float(" inf ") > 0 and (0.5).as_integer_ratio() == (1, 2)
        assert (1.5).is_integer() is False and float.fromhex("0x1p-1") == 0.5 and 1 / 3 == 0.3333333333333333
        assert f"{1234567.891:,.2f}" == "1,234,567.89" and f"{0.256:.1%}" == "25.6%"
        assert f"{5:03d} {255:#x} {255:b} {1e10:g} {3:+}" == "005 0xff 11111111 1e+10 +3"
        assert f"{10**18:_}" == "1_000_000_000_000_000_000" and ~5 == -6 and 1 << 10 == 1024
        assert sum([0.1] * 3) == 0.30000000000000004 and max([1, 5], default=0) == 5 and abs(-3) == 3
        assert complex(1, 2).imag == 2 and (1 + 2j) * 2 == 2 + 4j and True + True == 2
