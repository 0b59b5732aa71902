"""The documentation's first steps, with the URL changed and nothing else: no polling settings."""

from genlayer_py import create_account, create_client
from genlayer_py.chains import localnet
from genlayer_py.types import TransactionStatus
from support import ENDPOINT, contract


def test_create_an_account_fund_it_deploy_write_read():
    account = create_account()
    client = create_client(chain=localnet, endpoint=ENDPOINT, account=account)
    client.fund_account(account.address, 1000)
    assert client.get_balance(account.address) == 1000

    deployment = client.deploy_contract(code=contract("storage"), args=["first"])
    receipt = client.wait_for_transaction_receipt(
        transaction_hash=deployment, status=TransactionStatus.ACCEPTED
    )
    address = receipt["data"]["contract_address"]

    written = client.write_contract(
        address=address, function_name="update_storage", args=["second"], value=0
    )
    final = client.wait_for_transaction_receipt(
        transaction_hash=written, status=TransactionStatus.FINALIZED
    )
    assert final["status_name"] == "FINALIZED"
    assert client.read_contract(address=address, function_name="get_storage", args=[]) == "second"
