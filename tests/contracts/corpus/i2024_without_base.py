import json
from genvm.base.equivalence_principle import EquivalencePrinciple, call_llm_with_principle


class Coin:
    description: str = "You keep a coin."

    def __init__(self, have_coin: bool):
        self.have_coin = have_coin

    async def give(self, to: str) -> str:
        result = {}
        async with EquivalencePrinciple(result=result, principle="same", comparative=True) as eq:
            eq.set(json.dumps({"give": to == "friend"}))
        if json.loads(result["output"])["give"]:
            self.have_coin = False
        return self._told()

    def get_have_coin(self) -> bool:
        return self.have_coin

    def _told(self) -> str:
        return self.description + (" It is there." if self.have_coin else " It is gone.")


class Helper:
    pass


#> deploy [true]
#> call give ["stranger"] => "You keep a coin. It is there."
#> call give ["friend"] => "You keep a coin. It is gone."
#> call get_have_coin [] => false
#> fail _told [] => is private
