"""What gltest's users do with vectors: the nearest log, through adding, updating and removing."""

from gltest import get_contract_factory
from gltest.assertions import tx_execution_succeeded


def test_the_nearest_log_is_found():
    contract = get_contract_factory("LogIndexer").deploy(args=[])

    def nearest(text):
        return contract.get_closest_vector(args=[text]).call()

    def done(transaction):
        assert tx_execution_succeeded(transaction.transact())

    assert nearest("I like mango") is None
    done(contract.add_log(args=["I like to eat mango", 0]))
    found = nearest("I like mango")
    assert (found["id"], found["text"], len(found["vector"])) == (0, "I like to eat mango", 384)
    first = float(found["similarity"])
    assert 0 < first < 1

    done(contract.add_log(args=["I like carrots", 1]))
    assert float(nearest("I like carrots")["similarity"]) == 1

    done(contract.update_log(args=[0, "I like to eat a lot of mangoes"]))
    found = nearest("I like mango a lot")
    assert (found["id"], found["text"]) == (0, "I like to eat a lot of mangoes")
    assert 0 < float(found["similarity"]) < 1

    done(contract.remove_log(args=[0]))
    found = nearest("I like to eat mango")
    assert (found["id"], found["text"]) == (1, "I like carrots")
    assert float(found["similarity"]) < first

    done(contract.add_log(args=["This is the third log", 3]))
    found = nearest("This is the third log")
    assert (found["id"], found["text"]) == (3, "This is the third log")
    assert float(found["similarity"]) > 0.99
