import json
from backend.node.genvm.icontract import IContract
from backend.node.genvm.equivalence_principle import EquivalencePrinciple


class Token(IContract):
    def __init__(self, total_supply: int) -> None:
        self.balances = {}
        self.balances[contract_runner.from_address] = total_supply

    async def transfer(self, amount: int, to_address: str) -> None:
        final_result = {}
        async with EquivalencePrinciple(
            result=final_result, principle="sums stay", comparative=True
        ) as eq:
            eq.set(json.dumps({"moved": amount}))
        moved = json.loads(final_result["output"])["moved"]
        self.balances[contract_runner.from_address] -= moved
        self.balances[to_address] = self.balances.get(to_address, 0) + moved

    def get_balances(self) -> dict[str, int]:
        return self.balances

    def get_balance_of(self, address: str) -> int:
        return self.balances.get(address, 0)


#> deploy [10]
#> call transfer [3, "bob"] => null
#> call transfer [1, "bob"] => null
#> call get_balance_of ["bob"] => 4
#> call get_balances [] => {"0xaAaAaAaaAaAaAaaAaAAAAAAAAaaaAaAaAaaAaaAa": 6, "bob": 4}
#> fail get_nothing [] => has no public method
