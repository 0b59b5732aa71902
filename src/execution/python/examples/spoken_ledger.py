# { "Depends": "py-genlayer:test" }

import json

from genlayer import *


class SpokenLedger(gl.Contract):
    balances: TreeMap[str, u256]
    total: u256

    def __init__(self, owner: str, total: int):
        self.balances[owner] = total
        self.total = total

    @gl.public.write
    def tell(self, order: str) -> dict:
        balances = dict(self.balances.items())
        prompt = (
            f"A ledger: {json.dumps(balances, sort_keys=True)}\n"
            f"An order to it: {order}\n"
            "Carry the order out if those who pay have enough; otherwise change nothing. "
            'Answer with the whole ledger afterwards, as JSON: {"balances": {"name": int}}'
        )

        def keep_books() -> dict:
            answer = gl.nondet.exec_prompt(prompt, response_format="json")
            return {str(name): int(amount) for name, amount in answer["balances"].items()}

        after = gl.eq_principle.strict_eq(keep_books)
        # A model may be wrong in any way: money must neither appear nor vanish.
        if sum(after.values()) != self.total or min(after.values()) < 0:
            raise gl.vm.UserError("the books do not balance")
        for name, amount in after.items():
            self.balances[name] = amount
        return after

    @gl.public.view
    def balance_of(self, name: str) -> int:
        return self.balances.get(name, 0)
