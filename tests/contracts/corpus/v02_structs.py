# { "Depends": "py-genlayer:1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6" }
from genlayer import *
from dataclasses import dataclass
import typing


@allow_storage
@dataclass
class Base:
    id: u32
    name: str


@allow_storage
@dataclass
class Job(Base):
    tags: DynArray[str]
    paid: bool = False


class Board(gl.Contract):
    jobs: TreeMap[u256, Job]
    next: u256

    def __init__(self):
        pass

    @gl.public.write
    def add(self, name: str) -> int:
        self.jobs[self.next] = Job(id=self.next, name=name, tags=[])
        self.jobs[self.next].tags.append(name.upper())
        self.next += 1
        return self.next

    @gl.public.write
    def pay(self, id: int) -> None:
        job = self.jobs[u256(id)]
        job.paid = True

    @gl.public.view
    def all(self) -> dict[str, typing.Any]:
        return {str(key): job for key, job in self.jobs.items()}


#> deploy []
#> call add ["dig"] => 1
#> call add ["fly"] => 2
#> call pay [1] => null
#> call all [] => {"0": {"id": 0, "name": "dig", "tags": ["DIG"], "paid": false}, "1": {"id": 1, "name": "fly", "tags": ["FLY"], "paid": true}}
