"""Joins nodes of a graph into blocks that do not wait for each other in a circle.

A graph has for each node the nodes that it waits for, in an order in which the nodes could run one after another.
Blocks are tuples of nodes; together they have each node once, and they wait for each other as their nodes do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush
from typing import TypeVar

Graph = Mapping[str, Sequence[str]]
Block = tuple[str, ...]
_Key = TypeVar("_Key")


def joined(graph: Graph, together: Iterable[tuple[str, str]]) -> tuple[Block, ...]:
    """Return the finest blocks that have both nodes of each pair in one block, in the graph's order."""
    parent = {node: node for node in graph}

    def root(node: str) -> str:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, other in together:
        parent[root(other)] = root(one)
    blocks: dict[str, list[str]] = {}
    for node in graph:
        blocks.setdefault(root(node), []).append(node)
    return tuple(tuple(block) for block in blocks.values())


def chains(graph: Graph, alike: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of nodes that are `alike` and could never run side by side with anything that needs only one.

    Each is the only one that the second waits for, and the second the only one that waits for the first. So a block of
    such pairs ends when its last node would have ended, and nothing has to wait longer for it.
    """
    waiting = _reversed(graph)
    for node, before in graph.items():
        if len(before) == 1 and len(waiting[before[0]]) == 1 and alike[node] == alike[before[0]]:
            yield before[0], node


def contracted(graph: Graph, blocks: Sequence[Block]) -> dict[int, tuple[int, ...]]:
    """Return the graph of the blocks, each named by its place in the sequence."""
    block_of = {node: number for number, block in enumerate(blocks) for node in block}
    return {
        number: tuple(
            sorted({block_of[before] for node in block for before in graph[node] if block_of[before] != number})
        )
        for number, block in enumerate(blocks)
    }


def order(graph: Graph, blocks: Sequence[Block]) -> tuple[Block, ...] | None:
    """Return the blocks in an order in which they can run one after another, or None if they wait in a circle.

    An order of all nodes in which each block is in one piece exists exactly where the blocks have no circle: it is the
    proof that they have none. Of several orders it is the one closest to the graph's own.
    """
    waits = contracted(graph, blocks)
    waiting = _reversed(waits)
    place = {node: number for number, node in enumerate(graph)}
    missing = {number: len(before) for number, before in waits.items()}
    ready = [(place[blocks[number][0]], number) for number, count in missing.items() if not count]
    heapify(ready)
    found: list[Block] = []
    while ready:
        _, number = heappop(ready)
        found.append(blocks[number])
        for after in waiting[number]:
            missing[after] -= 1
            if not missing[after]:
                heappush(ready, (place[blocks[after][0]], after))
    return tuple(found) if len(found) == len(blocks) else None


def merged(graph: Graph, blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Return the finest blocks without a circle that keep each given block together.

    Blocks on a circle have to be one, since each waits for all others on it. Joining those leaves no circle.
    """
    pairs = [(blocks[circle[0]][0], blocks[number][0]) for circle in _circles(graph, blocks) for number in circle]
    return joined(graph, [*pairs, *((block[0], node) for block in blocks for node in block)])


def split(graph: Graph, blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Return the blocks with each that is on a circle cut into parts, of which no two could be one without a circle.

    The nodes of such a block come back in the graph's order, each to the first part that can take it. What cannot be
    joined at one point cannot be joined later either, as further joins only add to what waits.
    """
    on_circle = {number for circle in _circles(graph, blocks) for number in circle}
    parts: list[list[str]] = [list(block) for number, block in enumerate(blocks) if number not in on_circle]
    wanted = {node: number for number in on_circle for node in blocks[number]}
    parts_of: dict[int, list[int]] = {number: [] for number in on_circle}
    loose = [node for node in graph if node in wanted]
    for node in loose:
        parts.append([node])
    start = len(parts) - len(loose)
    waits = {number: set(before) for number, before in contracted(graph, [tuple(part) for part in parts]).items()}
    waiting = {number: set(after) for number, after in _reversed(waits).items()}
    for number, node in enumerate(loose, start):
        for part in parts_of[wanted[node]]:
            if not _detour(waiting, part, number) and not _detour(waiting, number, part):
                parts[part] += parts[number]
                parts[number] = []
                _contract(waits, waiting, part, number)
                break
        else:
            parts_of[wanted[node]].append(number)
    place = {node: position for position, node in enumerate(graph)}
    kept = (tuple(sorted(part, key=place.__getitem__)) for part in parts if part)
    return tuple(sorted(kept, key=lambda part: place[part[0]]))


def circle(graph: Graph, blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Return the blocks of a shortest circle, each followed by one that waits for it; empty if there is none."""
    waiting = _reversed(contracted(graph, blocks))
    shortest: tuple[int, ...] = ()
    for start in (number for group in _circles(graph, blocks) for number in group):
        found = _way_back(waiting, start)
        if not shortest or len(found) < len(shortest):
            shortest = found
    return tuple(blocks[number] for number in shortest)


def _way_back(waiting: Mapping[int, Iterable[int]], start: int) -> tuple[int, ...]:
    """Return the shortest way from a block on a circle back to it, without its end."""
    came_from: dict[int, int] = {}
    queue = deque([start])
    while queue:
        number = queue.popleft()
        for after in waiting[number]:
            if after == start:
                way = [number]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return tuple(reversed(way))
            if after not in came_from:
                came_from[after] = number
                queue.append(after)
    return ()


def _circles(graph: Graph, blocks: Sequence[Block]) -> list[list[int]]:
    """Return the sets of several blocks of which each waits, over others, for each (Tarjan's algorithm)."""
    waits = contracted(graph, blocks)
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    found: list[list[int]] = []
    for root in waits:
        if root in index:
            continue
        work: list[tuple[int, Iterator[int]]] = [(root, iter(waits[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            number, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on_stack.add(other)
                    work.append((other, iter(waits[other])))
                    break
                if other in on_stack:
                    low[number] = min(low[number], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[number])
                if low[number] == index[number]:
                    component = [stack.pop()]
                    while component[-1] != number:
                        component.append(stack.pop())
                    on_stack.difference_update(component)
                    if len(component) > 1:
                        found.append(sorted(component))
    return sorted(found)


def _detour(waiting: Mapping[int, set[int]], start: int, end: int) -> bool:
    """Tell whether there is a way from one block to another that passes a third."""
    seen = {start, end}
    queue = [after for after in waiting[start] if after != end]
    while queue:
        number = queue.pop()
        if number in seen:
            continue
        seen.add(number)
        if end in waiting[number]:
            return True
        queue += waiting[number]
    return False


def _contract(waits: dict[int, set[int]], waiting: dict[int, set[int]], kept: int, gone: int) -> None:
    """Make one block of two in a graph that is given in both directions."""
    for there, back in ((waits, waiting), (waiting, waits)):
        for other in there.pop(gone) - {kept}:
            there[kept].add(other)
            back[other].discard(gone)
            back[other].add(kept)
        there[kept].discard(gone)


def _reversed(graph: Mapping[_Key, Iterable[_Key]]) -> dict[_Key, list[_Key]]:
    turned: dict[_Key, list[_Key]] = {key: [] for key in graph}
    for key, before in graph.items():
        for other in before:
            turned[other].append(key)
    return turned
