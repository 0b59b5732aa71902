# {
#   "Seq": [
#     { "Depends": "py-lib-genlayer-embeddings:test" },
#     { "Depends": "py-genlayer:test" }
#   ]
# }
import numpy as np
from genlayer import *
import genlayer_embeddings as gle
from dataclasses import dataclass
import typing


@allow_storage
@dataclass
class Entry:
    log_id: u256
    text: str


class Logs(gl.Contract):
    """Finds the log that is nearest to a text, in the style of public log indexers."""

    before: u8
    store: gle.VecDB[np.float32, typing.Literal[384], Entry]
    after: str

    def __init__(self):
        self.before = 7
        self.after = "kept"

    def embedder(self):
        return gle.SentenceTransformer("all-MiniLM-L6-v2")

    def vector(self, text: str) -> np.ndarray[tuple[typing.Literal[384]], np.dtypes.Float32DType]:
        return self.embedder()(text)

    @gl.public.view
    def nearest(self, text: str) -> dict | None:
        found = list(self.store.knn(self.vector(text), 1))
        if len(found) == 0:
            return None
        first = found[0]
        return {"id": first.value.log_id, "text": first.value.text,
                "numbers": len(list(str(x) for x in first.key)),
                "same": str(1 - first.distance) == "1.0"}

    @gl.public.view
    def order(self, text: str, count: int) -> list:
        return [found.value.log_id for found in self.store.knn(self.vector(text), count)]

    @gl.public.view
    def entries(self) -> list:
        assert (self.before, self.after) == (7, "kept")
        assert len(self.store) == len(list(self.store))
        return [f"{entry.id}: {entry.value.text}" for entry in self.store]

    @gl.public.write
    def add(self, text: str, id: int) -> int:
        return self.store.insert(self.vector(text), Entry(text=text, log_id=u256(id)))

    @gl.public.write
    def renumber(self, text: str, id: int) -> None:
        for entry in self.store.knn(self.vector(text), 2):
            if entry.value.text == text:
                entry.value.log_id = u256(id)

    @gl.public.write
    def replace(self, id: int, text: str) -> None:
        for entry in self.store:
            if entry.value.log_id == id:
                entry.remove()
                self.store.insert(self.vector(text), Entry(u256(id), text))

    @gl.public.write
    def remove(self, id: int) -> None:
        for entry in self.store:
            if entry.value.log_id == id:
                entry.remove()

    @gl.public.write
    def remove_all_found(self, text: str) -> int:
        removed = 0
        for entry in self.store.knn(self.vector(text), 100):
            entry.remove()
            removed += 1
        return removed

    @gl.public.write
    def set_by_id(self, id: int, text: str) -> None:
        self.store.get_by_id(id).value = Entry(u256(id), text)


#> deploy []
#> call nearest ["I like mango"] => null
#> call entries [] => []
#> call add ["I like to eat mango", 10] => 0
#> call nearest ["I like mango"] => {"id": 10, "text": "I like to eat mango", "numbers": 384, "same": false}
#> call add ["I like carrots", 11] => 1
#> call nearest ["I like carrots"] => {"id": 11, "text": "I like carrots", "numbers": 384, "same": true}
#> call add ["Payments are due on Monday", 12] => 2
#> call order ["when is my payment due?", 1] => [12]
#> call order ["mango", 50] => [10, 11, 12]
#> call order ["mango", 0] => []
#> call order ["mango", -3] => []
#> call renumber ["I like carrots", 99] => null
#> call order ["I like carrots", 1] => [99]
#> call replace [10, "I like to eat a lot of mangoes"] => null
#> call entries [] => ["0: I like to eat a lot of mangoes", "1: I like carrots", "2: Payments are due on Monday"]
#> call nearest ["I like mango a lot"] => {"id": 10, "text": "I like to eat a lot of mangoes", "numbers": 384, "same": false}
#> call remove [10] => null
#> call entries [] => ["1: I like carrots", "2: Payments are due on Monday"]
#> call nearest ["I like to eat mango"] => {"id": 99, "text": "I like carrots", "numbers": 384, "same": false}
#> fail set_by_id [0, "gone"] => no element with id 0
#> fail set_by_id [3, "never there"] => no element with id 3
#> fail set_by_id [-1, "never there"] => no element with id -1
#> call set_by_id [1, "carrots it is"] => null
#> call add ["the place of the first", 13] => 0
#> call entries [] => ["0: the place of the first", "1: carrots it is", "2: Payments are due on Monday"]
#> call remove_all_found ["anything"] => 3
#> call entries [] => []
#> call nearest ["anything"] => null
#> call add ["same", 1] => 2
#> call add ["same", 2] => 1
#> call order ["same", 2] => [2, 1]
