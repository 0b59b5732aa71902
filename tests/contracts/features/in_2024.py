from backend.node.genvm.icontract import IContract


class Shop(IContract):
    def __init__(self):
        self.balance = 3
        self.address = "somewhere"
        self.items = []

    def list_item(self, name: str) -> int:
        self.items.append(name)
        return len(self.items)

    def is_cheap(self) -> bool:
        self.balance += 1
        return self.balance > 3
