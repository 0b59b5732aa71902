from genvm.base.icontract import IContract
from enum import Enum
import datetime


class Status(Enum):
    ACTIVE = "Active"


class Bounty:
    def __init__(self, issue, points):
        self.issue = issue
        self.points = points


class Values(IContract):
    def __init__(self):
        super().__init__()
        self.rate = 0.1
        self.seen = {3, 1, 2}
        self.by_number = {1: (None, b"x"), 2: ()}
        self.status = Status.ACTIVE
        self.bounties = [Bounty(1, 5)]
        self.at = datetime.datetime(2024, 1, 2)

    def claim(self) -> int:
        self.bounties[0].points -= 1
        return self.bounties[0].points

    def get_all(self) -> list:
        assert self.rate == 0.1 and self.seen == {1, 2, 3} and self.status is Status.ACTIVE
        assert self.by_number == {1: (None, b"x"), 2: ()} and self.at.year == 2024
        return [len(self.bounties), self.bounties[0].points]

    def get_worse(self) -> int:
        self.rate = 2.0
        return 1

    def keep_function(self) -> None:
        self.rate = lambda: 1


#> deploy []
#> call claim [] => 4
#> call claim [] => 3
#> call get_all [] => [1, 3]
#> call get_worse [] => 1
#> fail keep_function [] => a `function` cannot be kept
