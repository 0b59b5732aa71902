# { "Depends": "py-genlayer:test" }

from dataclasses import dataclass

from genlayer import *


@allow_storage
@dataclass
class Bet:
    team: str
    amount: u256


class MatchMarket(gl.Contract):
    page: str
    first: str
    second: str
    winner: str
    score: str
    bets: TreeMap[Address, Bet]
    staked: TreeMap[str, u256]

    def __init__(self, page: str, first: str, second: str):
        self.page, self.first, self.second = page, first, second

    @gl.public.write.payable
    def bet(self, team: str) -> None:
        if self.winner:
            raise gl.vm.UserError("the match is over")
        if team not in (self.first, self.second):
            raise gl.vm.UserError(f"{team} does not play: {self.first} or {self.second}")
        player = gl.message.sender_address
        if gl.message.value == 0 or player in self.bets:
            raise gl.vm.UserError("one bet of more than nothing per player")
        self.bets[player] = Bet(team, gl.message.value)
        self.staked[team] = self.staked.get(team, 0) + gl.message.value

    @gl.public.write
    def resolve(self) -> str:
        if self.winner:
            raise gl.vm.UserError("the match is over already")
        page, first, second = self.page, self.first, self.second

        def read() -> dict:
            text = gl.nondet.web.render(page, mode="text")
            answer = gl.nondet.exec_prompt(
                f"A page about the match of {first} against {second}:\n{text}\n"
                "Who won, and how? The winner is one of the two names, 'draw', or 'unknown' when "
                'the match is not over. Answer as JSON: {"winner": str, "score": str}',
                response_format="json",
            )
            return {"winner": answer["winner"], "score": answer["score"]}

        result = gl.eq_principle.strict_eq(read)
        if result["winner"] not in (first, second, "draw"):
            raise gl.vm.UserError("the match is not over")
        self.winner, self.score = result["winner"], result["score"]
        return self.winner

    @gl.public.write
    def claim(self) -> int:
        player = gl.message.sender_address
        bet = self.bets.get(player)
        if bet is None or bet.amount == 0 or not self.winner:
            raise gl.vm.UserError("there is nothing to claim")
        pot = self.staked.get(self.first, 0) + self.staked.get(self.second, 0)
        won = self.staked.get(self.winner, 0)
        if won == 0:
            share = bet.amount  # Nobody was right: everybody gets back what they gave.
        elif bet.team == self.winner:
            share = pot * bet.amount // won
        else:
            raise gl.vm.UserError(f"{bet.team} did not win")
        bet.amount = 0
        gl.get_contract_at(player).emit_transfer(value=share)
        return share

    @gl.public.view
    def result(self) -> dict:
        return {"winner": self.winner, "score": self.score}
