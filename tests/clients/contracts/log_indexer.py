# {
#   "Seq": [
#     { "Depends": "py-lib-genlayer-embeddings:test" },
#     { "Depends": "py-genlayer:test" }
#   ]
# }

import typing
from dataclasses import dataclass

import numpy as np
from genlayer import *
import genlayer_embeddings as gle


@allow_storage
@dataclass
class Kept:
    log_id: u256
    text: str


class LogIndexer(gl.Contract):
    """Answers which of its logs is nearest to a text."""

    logs: gle.VecDB[np.float32, typing.Literal[384], Kept, gle.EuclideanDistanceSquared]

    def __init__(self):
        pass

    def _vector(self, text: str) -> np.ndarray[tuple[typing.Literal[384]], np.dtypes.Float32DType]:
        return gle.SentenceTransformer("all-MiniLM-L6-v2")(text)

    @gl.public.view
    def get_closest_vector(self, text: str) -> dict | None:
        for found in self.logs.knn(self._vector(text), 1):
            return {
                "vector": [str(number) for number in found.key],
                "similarity": str(1 - found.distance),
                "id": found.value.log_id,
                "text": found.value.text,
            }
        return None

    @gl.public.write
    def add_log(self, log: str, log_id: int) -> None:
        self.logs.insert(self._vector(log), Kept(log_id=u256(log_id), text=log))

    @gl.public.write
    def update_log(self, log_id: int, log: str) -> None:
        self.remove_log(log_id)
        self.add_log(log, log_id)

    @gl.public.write
    def remove_log(self, id: int) -> None:
        for kept in self.logs:
            if kept.value.log_id == id:
                kept.remove()
