# { "Depends": "py-genlayer:test" }

from datetime import datetime, timezone

from genlayer import *


class Calendar(gl.Contract):
    """What day it is to the contract."""

    marked: str

    def __init__(self):
        self.marked = self.today()

    @gl.public.write
    def mark(self) -> str:
        self.marked = self.today()
        return self.marked

    @gl.public.view
    def today(self) -> str:
        return datetime.now(timezone.utc).isoformat()

    @gl.public.view
    def get_marked(self) -> str:
        return self.marked
