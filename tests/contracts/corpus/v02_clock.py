# v0.2.5
# { "Seq": [
#   { "Depends": "py-lib-genlayer-embeddings:test" },
#   { "Depends": "py-genlayer:test" }
# ] }
import datetime
from genlayer import *
from enum import Enum


class Phase(Enum):
    OPEN = "OPEN"
    DONE = "DONE"


class Clock(gl.Contract):
    started: datetime.datetime
    phase: str

    def __init__(self, *, days: int = 1):
        self.started = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
        self.phase = Phase.OPEN.value

    @gl.public.view
    def read(self) -> list:
        return [self.started.isoformat(), Phase(self.phase)]


#> deploy []
#> call read [] => ["2023-11-15T22:13:20.123456+00:00", "OPEN"]
