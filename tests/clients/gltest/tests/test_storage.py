"""What gltest's own examples do: fixtures, factories, accounts, assertions."""

from gltest import create_account, get_accounts, get_contract_factory, get_default_account
from gltest.assertions import tx_execution_failed, tx_execution_succeeded
from gltest.helpers import load_fixture
from gltest.types import TransactionStatus


def storage():
    return get_contract_factory("Storage").deploy(args=["initial"])


def values():
    factory = get_contract_factory(contract_file_path="values.py")
    return factory.deploy(args=[5])


def test_a_fixture_is_a_fresh_contract():
    contract = load_fixture(storage)
    assert contract.get_storage(args=[]).call() == "initial"
    receipt = contract.update_storage(args=["changed"]).transact()
    assert tx_execution_succeeded(receipt)
    assert tx_execution_succeeded(receipt, match_std_out=r"was initial")
    assert not tx_execution_succeeded(receipt, match_std_out=r"something else")
    assert contract.get_storage(args=[]).call() == "changed"


def test_the_same_fixture_is_where_it_was():
    contract = load_fixture(storage)
    assert contract.get_storage(args=[]).call() == "initial"
    contract.update_storage(args=["changed again"]).transact()
    other = load_fixture(values)
    assert other.kept(args=[]).call()["number"] == 5
    again = load_fixture(storage)
    assert again.address == contract.address
    assert again.get_storage(args=[]).call() == "initial"


def test_a_fixture_after_a_restored_one():
    contract = load_fixture(values)
    contract.tell(args=[[1, 2]]).transact()
    assert contract.kept(args=[]).call()["text"] == "[int,int]"


def test_a_refusal_is_a_failed_execution():
    contract = load_fixture(storage)
    receipt = contract.refuse(args=["not today"]).transact()
    assert tx_execution_failed(receipt)


def test_accounts_are_apart():
    contract = load_fixture(storage)
    assert get_default_account().address in [account.address for account in get_accounts()]
    mine = contract.connect(create_account())
    assert tx_execution_succeeded(mine.update_storage(args=["by another"]).transact())
    assert contract.get_storage(args=[]).call() == "by another"


def test_finality_is_waited_for():
    contract = load_fixture(storage)
    receipt = contract.update_storage(args=["final"]).transact(
        wait_transaction_status=TransactionStatus.FINALIZED
    )
    assert tx_execution_succeeded(receipt)


def test_triggered_transactions_are_waited_for():
    from gltest.types import CalldataAddress

    contract = load_fixture(storage)
    relay = get_contract_factory("Relay").deploy(args=[CalldataAddress(contract.address)])
    receipt = relay.pass_on(args=["passed on"]).transact(wait_triggered_transactions=True)
    assert tx_execution_succeeded(receipt)
    assert len(receipt["triggered_transactions"]) == 1
    assert contract.get_storage(args=[]).call() == "passed on"


def test_a_payable_method_takes_its_value(gl_client, default_account):
    gl_client.fund_account(default_account.address, 10**18)
    purse = get_contract_factory("Purse").deploy(args=[])
    assert tx_execution_succeeded(purse.give(args=[]).transact(value=1234))
    assert purse.total(args=[]).call() == 1234


def test_many_values_go_in_and_come_back():
    contract = load_fixture(values)
    many = {f"key {index}": ["long " * index, index, b"raw", None, True] for index in range(30)}
    assert contract.echo(args=[many]).call() == many
