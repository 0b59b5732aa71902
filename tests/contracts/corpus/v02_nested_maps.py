# { "Depends": "py-genlayer:1jb45aa8ynh2a9c9xn3b7qqh8sm5q93hwfp7jqmwsfhh8jpz09h6" }
from genlayer import *


class Votes(gl.Contract):
    votes: TreeMap[Address, TreeMap[str, u256]]
    lists: TreeMap[str, DynArray[Address]]

    def __init__(self):
        pass

    @gl.public.write
    def vote(self, topic: str, n: u256) -> None:
        own = self.votes.get_or_insert_default(gl.message.sender_address)
        own[topic] = own.get(topic, 0) + n
        self.lists.get_or_insert_default(topic).append(gl.message.sender_address)

    @gl.public.view
    def tally(self, who: Address) -> dict[str, int]:
        return self.votes[who]

    @gl.public.view
    def voters(self, topic: str) -> list[Address]:
        return self.lists[topic]


#> deploy []
#> call vote ["b", 2] => null
#> call vote ["a", 1] => null
#> call vote ["b", 3] => null
#> call tally ["@aa"] => {"a": 1, "b": 5}
#> call voters ["b"] => ["@aa", "@aa"]
#> fail voters ["zz"] => KeyError
