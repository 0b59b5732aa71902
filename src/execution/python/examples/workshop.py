# { "Depends": "py-genlayer:test" }

from genlayer import *

CHILD = '''
from genlayer import *


class Counter(gl.Contract):
    owner: Address
    count: u256

    def __init__(self, owner: Address, start: int):
        self.owner = owner
        self.count = start

    @gl.public.write
    def step(self) -> None:
        self.count += 1

    @gl.public.view
    def get(self) -> int:
        return self.count
'''


class Workshop(gl.Contract):
    made: DynArray[Address]

    def __init__(self):
        pass

    @gl.public.write
    def make(self, start: int) -> Address:
        # With a salt the address is known before the child exists.
        child = gl.deploy_contract(
            code=CHILD.encode(),
            args=[gl.message.sender_address, start],
            salt_nonce=len(self.made) + 1,
            on="accepted",
        )
        self.made.append(child)
        return child

    @gl.public.write
    def step_all(self) -> None:
        for child in self.made:
            gl.get_contract_at(child).emit(on="accepted").step()

    @gl.public.view
    def children(self) -> list[Address]:
        return list(self.made)

    @gl.public.view
    def counts(self) -> list[int]:
        return [gl.get_contract_at(child).view().get() for child in self.made]
