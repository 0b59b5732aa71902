"""A contract that replaces its own code, as gltest's example has it."""

from pathlib import Path

from gltest import create_account, get_contract_factory
from gltest.assertions import tx_execution_failed, tx_execution_succeeded

SOURCE = Path(__file__).parents[2] / "contracts" / "upgradable_storage.py"
SHOUT = """
    @gl.public.write
    def shout(self) -> None:
        self.storage = self.storage.upper()
"""


def test_the_code_is_replaced_by_an_upgrader_only():
    contract = get_contract_factory("UpgradableStorage").deploy(args=["initial"])
    assert contract.get_storage(args=[]).call() == "initial"
    new_code = (SOURCE.read_text() + SHOUT).encode()
    stranger = contract.connect(create_account())
    assert tx_execution_failed(stranger.update_code(args=[new_code]).transact())
    assert tx_execution_succeeded(contract.update_code(args=[new_code]).transact())

    upgraded = get_contract_factory("UpgradableStorage").build_contract(contract.address)
    assert tx_execution_succeeded(upgraded.shout(args=[]).transact())
    assert upgraded.get_storage(args=[]).call() == "INITIAL"
    assert tx_execution_failed(stranger.update_code(args=[new_code + b"\n"]).transact())
