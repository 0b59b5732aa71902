"""The AVL tree under `TreeMap`.

Nodes lie in an array of `{key, value, left u32, right u32, balance i8}`; they are numbered from 1,
and 0 is none. Balance is the height of the right subtree minus that of the left. The last node
leaves the array when it is removed; indices of others, from 0, wait in a free list.
"""

from genlayer.storage import child, kind, read, write


class Tree:
    """One tree, for the duration of one operation."""

    def __init__(self, codec, slot, offset):
        self.codec = codec
        self.slot = slot
        self.offset = offset
        self.nodes = child(slot, offset + 4)
        self.links = codec.key.size + codec.value.size

    def _u32(self, offset):
        return int.from_bytes(read(self.slot, self.offset + offset, 4), "little")

    def _set_u32(self, offset, value):
        write(self.slot, self.offset + offset, value.to_bytes(4, "little"))

    def _key(self, node):
        return self.codec.key.get(self.nodes, (node - 1) * self.codec.node)

    def _value(self, node):
        return self.nodes, (node - 1) * self.codec.node + self.codec.key.size

    def _links(self, node):
        """Left, right and balance."""
        raw = read(self.nodes, (node - 1) * self.codec.node + self.links, 9)
        balance = raw[8] - 256 if raw[8] > 127 else raw[8]
        return int.from_bytes(raw[:4], "little"), int.from_bytes(raw[4:8], "little"), balance

    def _set_links(self, node, left, right, balance):
        raw = left.to_bytes(4, "little") + right.to_bytes(4, "little") + bytes([balance & 255])
        write(self.nodes, (node - 1) * self.codec.node + self.links, raw)

    def find(self, key):
        """Where the value of `key` lies, or None."""
        node = self._u32(0)
        while node:
            own = self._key(node)
            if own == key:
                return self._value(node)
            left, right, _ = self._links(node)
            node = left if key < own else right
        return None

    def check(self, key):
        """Of a key that is to be written. One that is looked up need only compare."""
        wanted = self.codec.key.name
        expected = {"str": str, "bytes": bytes, "bool": bool, "float": (float, int)}.get(wanted)
        if expected is None and wanted[:1] in "uib" and wanted != "bytes":
            expected = int
        if expected is not None and not isinstance(key, expected):
            raise TypeError(f"the keys of this TreeMap are `{wanted}`, not `{kind(key)}`")
        if wanted == "Address" and not hasattr(key, "as_bytes"):
            raise TypeError(f"the keys of this TreeMap are `Address`, not `{kind(key)}`")

    def walk(self):
        """Pairs of key and place of value, in order of keys."""
        path, node = [], self._u32(0)
        while path or node:
            while node:
                left, right, _ = self._links(node)
                path.append((node, right))
                node = left
            node, right = path.pop()
            yield self._key(node), self._value(node)
            node = right

    def _path(self, key):
        """Nodes from the root towards `key`, each with the direction taken there (-1, 0, 1)."""
        path, node = [], self._u32(0)
        while node:
            own = self._key(node)
            if own == key:
                path.append((node, 0))
                break
            side = -1 if key < own else 1
            path.append((node, side))
            left, right, _ = self._links(node)
            node = left if side < 0 else right
        return path

    def insert(self, key):
        """Adds an entry for a key that is not there, its value zero; returns the value's place."""
        path = self._path(key)
        node = self._allocate(key)
        below = node
        while path:
            parent, side = path.pop()
            left, right, balance = self._links(parent)
            if side < 0:
                left = below
            else:
                right = below
            self._set_links(parent, left, right, balance)
            balance += side
            if balance in (-2, 2):
                below, _ = self._rotate(parent, left, right, balance)
                self._attach(path, parent, below)
                return self._value(node)
            self._set_links(parent, left, right, balance)
            if balance == 0:
                return self._value(node)
            below = parent
        self._set_u32(0, below)
        return self._value(node)

    def _attach(self, path, old, new):
        """Puts `new` in the place of `old` under the last node of `path`."""
        if not path:
            self._set_u32(0, new)
            return
        parent, side = path[-1]
        left, right, balance = self._links(parent)
        if side < 0:
            left = new
        else:
            right = new
        self._set_links(parent, left, right, balance)

    def _rotate(self, node, left, right, balance):
        """Mends a node of balance ±2; returns the subtree's new root and if it became lower."""
        side = -1 if balance < 0 else 1
        heavy = left if side < 0 else right
        heavy_links = self._links(heavy)
        lean = heavy_links[2]
        if lean != -side:
            inner = heavy_links[1] if side < 0 else heavy_links[0]
            outer = heavy_links[0] if side < 0 else heavy_links[1]
            even = lean != 0
            self._link(node, side, inner, right if side < 0 else left, 0 if even else side)
            self._link(heavy, side, outer, node, 0 if even else -side)
            return heavy, even
        middle = heavy_links[1] if side < 0 else heavy_links[0]
        outer = heavy_links[0] if side < 0 else heavy_links[1]
        middle_left, middle_right, middle_lean = self._links(middle)
        near, far = (middle_left, middle_right) if side < 0 else (middle_right, middle_left)
        self._link(node, side, far, right if side < 0 else left,
                   -side if middle_lean == side else 0)
        self._link(heavy, side, outer, near, side if middle_lean == -side else 0)
        self._link(middle, side, heavy, node, 0)
        return middle, True

    def _link(self, node, side, heavy, light, balance):
        """Sets a node's subtrees: `heavy` on `side`, `light` on the other."""
        if side < 0:
            self._set_links(node, heavy, light, balance)
        else:
            self._set_links(node, light, heavy, balance)

    def remove(self, key):
        """Takes an entry out; was it there?"""
        path = self._path(key)
        if not path or path[-1][1] != 0:
            return False
        node, _ = path.pop()
        left, right, balance = self._links(node)
        if left and right:
            self._replace_by_next(path, node, left, right, balance)
        else:
            self._attach(path, node, left or right)
        self._rebalance(path)
        self._free(node)
        return True

    def _replace_by_next(self, path, node, left, right, balance):
        """Puts the next node in order into the place of `node`, which leaves the tree."""
        place = len(path)
        path.append((node, 1))
        following = right
        next_left, next_right, _ = self._links(following)
        while next_left:
            path.append((following, -1))
            following = next_left
            next_left, next_right, _ = self._links(following)
        self._attach(path, following, next_right)
        _, right, _ = self._links(node)
        self._set_links(following, left, right, balance)
        path[place] = (following, 1)
        self._attach(path[:place], node, following)

    def _rebalance(self, path):
        """Mends balances after the subtree at the end of `path` became lower."""
        while path:
            node, side = path.pop()
            left, right, balance = self._links(node)
            balance -= side
            if balance in (-2, 2):
                top, lower = self._rotate(node, left, right, balance)
                self._attach(path, node, top)
                if not lower:
                    return
                continue
            self._set_links(node, left, right, balance)
            if balance != 0:
                return

    def _allocate(self, key):
        """A node of zeros with `key`: a freed one, or a new one at the end."""
        freed = self._u32(8)
        if freed:
            slot = child(self.slot, self.offset + 8)
            node = int.from_bytes(read(slot, (freed - 1) * 4, 4), "little") + 1
            write(slot, (freed - 1) * 4, bytes(4))
            self._set_u32(8, freed - 1)
        else:
            node = self._u32(4) + 1
            self._set_u32(4, node)
        write(self.nodes, (node - 1) * self.codec.node, bytes(self.codec.node))
        self.codec.key.set(self.nodes, (node - 1) * self.codec.node, key)
        return node

    def _free(self, node):
        count = self._u32(4)
        if node == count:
            self._set_u32(4, count - 1)
        else:
            freed = self._u32(8)
            place = child(self.slot, self.offset + 8)
            write(place, freed * 4, (node - 1).to_bytes(4, "little"))
            self._set_u32(8, freed + 1)
        write(self.nodes, (node - 1) * self.codec.node, bytes(self.codec.node))
