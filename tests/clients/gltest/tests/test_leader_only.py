"""Run a second time with --leader-only, and on a network that the configuration file describes."""

from gltest import get_contract_factory
from gltest.assertions import tx_execution_succeeded
from gltest.clients import get_gl_client
from gltest_cli.config.general import get_general_config


def test_the_flag_reaches_the_network():
    contract = get_contract_factory("Storage").deploy(args=["by whom"])
    receipt = contract.update_storage(args=["by the leader?"]).transact()
    assert tx_execution_succeeded(receipt)
    votes = receipt["consensus_data"]["votes"]
    wanted = get_general_config().get_leader_only()
    assert receipt["leader_only"] is wanted
    assert (len(votes) == 5) is not wanted


def test_the_configured_account_is_the_sender():
    config = get_general_config()
    key = config.get_default_account_key(config.get_network_name())
    sender = get_gl_client().local_account
    assert sender.key.hex().removeprefix("0x") == key.removeprefix("0x")
    receipt = get_contract_factory("Storage").deploy_contract_tx(args=["from"])
    assert receipt["from_address"] == sender.address
