"""The client that every suite of genlayer-py uses, with an account of its own."""

import pytest
from genlayer_py import create_account, create_client
from genlayer_py.chains import localnet
from support import ENDPOINT, contract, receipt_of, wait


class Author:
    """An account and its client, with the steps that every test takes."""

    def __init__(self):
        self.account = create_account()
        self.client = create_client(chain=localnet, endpoint=ENDPOINT, account=self.account)

    def deploy(self, source: str, args=None, **more) -> str:
        sent = self.client.deploy_contract(code=contract(source), args=args or [], **more)
        found = wait(self.client, sent)
        assert receipt_of(found)["execution_result"] == "SUCCESS", receipt_of(found)
        return found["data"]["contract_address"]

    def write(self, address: str, method: str, args=None, **more):
        sent = self.client.write_contract(
            address=address, function_name=method, args=args or [], **more
        )
        return sent, wait(self.client, sent)

    def read(self, address: str, method: str, args=None, **more):
        return self.client.read_contract(
            address=address, function_name=method, args=args or [], **more
        )


@pytest.fixture(scope="session")
def author() -> Author:
    return Author()


@pytest.fixture(scope="session")
def storage(author) -> str:
    return author.deploy("storage", ["initial"])


@pytest.fixture(scope="session")
def values(author) -> str:
    return author.deploy("values", [7], kwargs={"note": "kept"})
