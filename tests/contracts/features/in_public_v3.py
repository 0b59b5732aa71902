# v0.3.0
# { "Depends": "py-genlayer:babwp9t37jw9g4j2bccgn14g6x7x9s1f7dsmh7emvz735pz4zxa0" }
import genlayer as gl
from genlayer.types import *


class InPublic(gl.contract.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def the_message_as_it_came(self) -> None:
        assert gl.message.raw["datetime"].endswith("Z")
        assert gl.message.raw["chain_id"] == gl.chain.id == gl.message.chain_id

    @gl.public.view
    def names_of_the_chain(self) -> None:
        assert gl.chain.IAccount is gl.chain.Account and gl.chain.ON is not None
        assert gl.vm.ABI.StorageView.LATEST_DECIDED == 2
