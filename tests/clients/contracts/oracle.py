# { "Depends": "py-genlayer:test" }

import json

from genlayer import *


class Oracle(gl.Contract):
    """Asks a model and the web, under each of the equivalence principles."""

    answer: str
    page: str

    def __init__(self):
        pass

    @gl.public.write
    def ask(self, question: str) -> str:
        self.answer = gl.eq_principle.strict_eq(
            lambda: gl.nondet.exec_prompt(f"Answer shortly: {question}")
        )
        return self.answer

    @gl.public.write
    def compare(self, question: str) -> str:
        self.answer = gl.eq_principle.prompt_comparative(
            lambda: gl.nondet.exec_prompt(f"Answer shortly: {question}"),
            principle="the answers mean the same",
        )
        return self.answer

    @gl.public.write
    def sum_up(self, text: str) -> str:
        self.answer = gl.eq_principle.prompt_non_comparative(
            lambda: text,
            task="sum up in one word",
            criteria="it is one word",
        )
        return self.answer

    @gl.public.write
    def fetch(self, url: str) -> int:
        def price() -> int:
            response = gl.nondet.web.get(url)
            return int(json.loads(response.body.decode())["price"])

        found = gl.eq_principle.strict_eq(price)
        self.page = str(found)
        return found

    @gl.public.view
    def seen(self) -> dict[str, str]:
        return {"answer": self.answer, "page": self.page}
