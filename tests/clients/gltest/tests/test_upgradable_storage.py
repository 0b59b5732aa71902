"""A contract that replaces its own code, as gltest's example has it."""

from pathlib import Path

from gltest import create_account, get_contract_factory
from gltest.assertions import tx_execution_failed, tx_execution_succeeded

NEW_CODE = (Path(__file__).parents[2] / "contracts" / "upgraded_storage.py").read_bytes()


def test_the_code_is_replaced_by_an_upgrader_only():
    contract = get_contract_factory("UpgradableStorage").deploy(args=["initial"])
    assert contract.get_storage(args=[]).call() == "initial"
    stranger = contract.connect(create_account())
    assert tx_execution_failed(stranger.update_code(args=[NEW_CODE]).transact())
    upgraded = get_contract_factory("UpgradedStorage").build_contract(contract.address)
    assert tx_execution_failed(upgraded.shout(args=[]).transact())

    assert tx_execution_succeeded(contract.update_code(args=[NEW_CODE]).transact())
    assert tx_execution_succeeded(upgraded.shout(args=[]).transact())
    assert upgraded.get_storage(args=[]).call() == "INITIAL"
    assert tx_execution_failed(stranger.update_code(args=[NEW_CODE + b"\n"]).transact())
