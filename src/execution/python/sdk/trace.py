"""Tracebacks of contracts, in Python's form, without the frames of the SDK."""

import _genlayer
from genlayer import program
from genlayer.types import UserError

FRAMES_MAX = 20
#: Most characters of a line that are shown.
LINE_CHARS = 200
#: Whose frames say nothing to an author.
HIDDEN = ("genlayer/", "_frozen_importlib")
#: For errors that raise another one when they are asked what they say.
NO_TEXT = "<its text cannot be had>"


def _cut(line):
    """A line of the source, or the beginning of a long one."""
    return line if len(line) <= LINE_CHARS else line[:LINE_CHARS] + "…"


def _frames(error):
    shown, entry, sources = [], error.__traceback__, program.sources()
    while entry is not None:
        file = entry.tb_frame.f_code.co_filename
        if not file.startswith(HIDDEN):
            shown.append(f'  File "{file}", line {entry.tb_lineno}, in '
                         f"{entry.tb_frame.f_code.co_name}")
            lines = sources.get(file, "").splitlines()
            if 0 < entry.tb_lineno <= len(lines):
                shown[-1] += "\n    " + _cut(lines[entry.tb_lineno - 1].strip())
        entry = entry.tb_next
    if len(shown) > FRAMES_MAX:
        half = FRAMES_MAX // 2
        left_out = f"  … {len(shown) - FRAMES_MAX} more …"
        shown = [*shown[:half], left_out, *shown[-half:]]
    return shown


def _describe(error):
    if isinstance(error, SyntaxError) and error.filename in program.sources():
        text = f"\n    {_cut(error.text.strip())}" if error.text else ""
        return f'  File "{error.filename}", line {error.lineno}{text}\n{type(error).__name__}: {error.msg}'
    try:
        text = str(error.message if isinstance(error, UserError) else error)
    except BaseException:
        text = NO_TEXT
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def report(error):
    """The traceback of an error and of those it came from."""
    parts, seen = [], set()
    while error is not None and id(error) not in seen and len(seen) < 4:
        seen.add(id(error))
        frames = _frames(error)
        head = ["Traceback (most recent call last):", *frames] if frames else []
        parts.append("\n".join([*head, _describe(error)]))
        if error.__cause__ is not None:
            parts.append("\nThe above exception was the direct cause of the following exception:\n")
            error = error.__cause__
        elif error.__context__ is not None and not error.__suppress_context__:
            parts.append("\nDuring handling of the above exception, another exception occurred:\n")
            error = error.__context__
        else:
            error = None
    return "\n".join(reversed(parts)) + "\n"


def note(what, error):
    """Puts an error that does not end the call where its author finds it."""
    _genlayer.warn(f"{what}:\n{report(error)}")
