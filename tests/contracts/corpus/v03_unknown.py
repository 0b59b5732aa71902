# { "Depends": "py-genlayer:5jycge4q8k23462jtb0b9fyey1s9qz928sz2nbrd9mg4sxqg2qng" }
import genlayer as gl


class Wrong(gl.contract.Contract):
    def __init__(self):
        pass

    @gl.public.view
    def old(self) -> None:
        gl.get_contract_at(gl.message.sender_address)


#> deploy []
#> fail old [] => module 'genlayer' has no attribute 'get_contract_at'; did you mean `contract.get_at`?
