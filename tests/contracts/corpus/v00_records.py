# { "Depends": "py-genlayer:test" }
from dataclasses import dataclass
from genlayer import *


@dataclass
class Bet:
    id: str
    has_resolved: bool


@gl.contract
class Bets:
    bets: TreeMap[Address, TreeMap[str, Bet]]
    points: TreeMap[Address, u256]

    def __init__(self):
        pass

    @gl.public.write
    def bet(self, date: str) -> int:
        sender = gl.message.sender_account
        self.bets.get_or_insert_default(sender)[date] = Bet(id=date, has_resolved=False)
        self.points[sender] = self.points.get(sender, 0) + 1
        return self.points[sender]

    @gl.public.write
    def resolve(self, date: str) -> None:
        self.bets[gl.message.sender_account][date].has_resolved = True

    @gl.public.view
    def get_bets(self) -> dict:
        return {k.as_hex: v for k, v in self.bets.items()}


#> deploy []
#> call bet ["may"] => 1
#> call bet ["june"] => 2
#> call resolve ["june"] => null
#> call get_bets [] => {"0xaAaAaAaaAaAaAaaAaAAAAAAAAaaaAaAaAaaAaaAa": {"june": {"id": "june", "has_resolved": true}, "may": {"id": "may", "has_resolved": false}}}
