"""Blocks of nodes: no circle, nothing joined that need not be, nothing left apart that may be joined."""

from graphlib import CycleError, TopologicalSorter
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kedro_airflow_k8s.plan.contraction import chains, circle, contracted, joined, merged, order, split

CROSSED = {"a1": [], "b1": ["a1"], "b2": [], "a2": ["b2"]}
"""Two blocks of which each is convex, and which wait for each other."""


@st.composite
def graphs(draw, most=9):
    """A graph in an order in which its nodes can run."""
    names = [f"n{number}" for number in range(draw(st.integers(1, most)))]
    return {
        name: sorted(draw(st.sets(st.sampled_from(names[:place]), max_size=3)) if place else [])
        for place, name in enumerate(names)
    }


@st.composite
def blocked(draw, most=9):
    """A graph, and blocks of its nodes."""
    graph = draw(graphs(most))
    group = {node: draw(st.integers(0, 4)) for node in graph}
    pairs = [(one, other) for one, other in combinations(graph, 2) if group[one] == group[other] != 0]
    return graph, joined(graph, pairs)


def acyclic(graph, blocks):
    """Tell by another algorithm whether blocks wait for each other in no circle."""
    block_of = {node: block for block in blocks for node in block}
    waits = {block: {block_of[before] for node in block for before in graph[node]} - {block} for block in blocks}
    try:
        TopologicalSorter(waits).prepare()
    except CycleError:
        return False
    return True


def together(blocks):
    return {frozenset(pair) for block in blocks for pair in combinations(block, 2)}


def partitions(nodes):
    """Yield all ways to put nodes into blocks."""
    if not nodes:
        yield []
        return
    first, *rest = nodes
    for blocks in partitions(rest):
        yield [[first], *blocks]
        for number in range(len(blocks)):
            yield [*blocks[:number], [first, *blocks[number]], *blocks[number + 1 :]]


def test_convex_blocks_can_wait_for_each_other():
    blocks = joined(CROSSED, [("a1", "a2"), ("b1", "b2")])

    assert order(CROSSED, blocks) is None
    assert circle(CROSSED, blocks) == (("a1", "a2"), ("b1", "b2"))
    assert merged(CROSSED, blocks) == (("a1", "b1", "b2", "a2"),)
    assert split(CROSSED, blocks) == (("a1",), ("b1", "b2"), ("a2",))


@given(blocked())
@settings(max_examples=300)
def test_an_order_is_found_exactly_where_there_is_no_circle(made):
    """In it each block is in one piece, and every node comes after those that it waits for."""
    graph, blocks = made
    found = order(graph, blocks)

    assert (found is not None) == acyclic(graph, blocks) == (circle(graph, blocks) == ())
    if found is not None:
        place = {node: number for number, node in enumerate(node for block in found for node in block)}
        assert sorted(found) == sorted(blocks)
        assert all(place[before] < place[node] for node in graph for before in graph[node])


@given(blocked())
@settings(max_examples=300)
def test_every_step_of_a_circle_is_a_wait(made):
    graph, blocks = made
    found = circle(graph, blocks)

    for block, after in zip(found, found[1:] + found[:1], strict=True):
        assert any(before in block for node in after for before in graph[node])
    assert len(set(found)) == len(found)


@given(blocked(most=7))
@settings(max_examples=60, deadline=None)
def test_merging_joins_the_least_that_leaves_no_circle(made):
    """Of all partitions without a circle that keep the blocks, the finest."""
    graph, blocks = made
    found = together(merged(graph, blocks))

    right = [each for each in partitions(list(graph)) if acyclic(graph, [tuple(block) for block in each])]
    coarser = [each for each in right if together(blocks) <= together(each)]
    assert acyclic(graph, merged(graph, blocks))
    assert all(found <= together(each) for each in coarser)


@given(blocked())
@settings(max_examples=300)
def test_splitting_leaves_no_circle_and_nothing_that_could_be_joined(made):
    graph, blocks = made
    found = split(graph, blocks)

    assert sorted(node for block in found for node in block) == sorted(graph)
    assert acyclic(graph, found)
    assert together(found) <= together(blocks)
    for one, other in combinations(found, 2):
        if frozenset((one[0], other[0])) in together(blocks):
            rest = [block for block in found if block not in (one, other)]
            assert not acyclic(graph, [*rest, one + other])


@given(blocked())
@settings(max_examples=100)
def test_blocks_off_every_circle_are_not_split(made):
    graph, blocks = made
    kept = set(blocks) & set(split(graph, blocks))

    assert kept >= {block for block in blocks if block not in _on_circles(graph, blocks)}


def _on_circles(graph, blocks):
    """Return the blocks that can be reached from themselves."""
    waits = contracted(graph, blocks)
    reach = {number: set(before) for number, before in waits.items()}
    for middle in waits:
        for number in waits:
            if middle in reach[number]:
                reach[number] |= reach[middle]
    return {blocks[number] for number in waits if number in reach[number]}


@given(graphs(most=30), st.data())
@settings(max_examples=200, deadline=None)
def test_chains_never_make_the_longest_path_longer(graph, data):
    """With every node running as soon as it may, whatever the nodes' durations are, each ends when it would have."""
    durations = {node: data.draw(st.integers(0, 9)) for node in graph}
    alike = {node: data.draw(st.integers(0, 1)) for node in graph}
    blocks = joined(graph, chains(graph, alike))

    assert order(graph, blocks) is not None
    assert ends(graph, durations) == ends_in_blocks(graph, blocks, durations)


def ends(graph, durations):
    found = {}
    for node, before in graph.items():
        found[node] = max((found[each] for each in before), default=0) + durations[node]
    return found


def ends_in_blocks(graph, blocks, durations):
    """Return when each node ends if a block starts when all that it waits for has ended, and runs its nodes in turn."""
    found, done = {}, {}
    for block in order(graph, blocks):
        now = max((done[before] for node in block for before in graph[node] if before not in block), default=0)
        for node in block:
            now += durations[node]
            found[node] = now
        done.update(dict.fromkeys(block, now))
    return found


@pytest.mark.parametrize(
    ("graph", "blocks"),
    [
        ({"a": [], "b": ["a"], "c": ["b"]}, (("a", "b", "c"),)),
        ({"a": [], "b": ["a"], "c": ["a"]}, (("a",), ("b",), ("c",))),
        ({"a": [], "b": [], "c": ["a", "b"]}, (("a",), ("b",), ("c",))),
        ({"a": [], "b": []}, (("a",), ("b",))),
    ],
)
def test_only_what_could_not_run_side_by_side_is_a_chain(graph, blocks):
    assert joined(graph, chains(graph, dict.fromkeys(graph, "large"))) == blocks


def test_nodes_that_are_not_alike_are_no_chain():
    assert joined({"a": [], "b": ["a"]}, chains({"a": [], "b": ["a"]}, {"a": 1, "b": 2})) == (("a",), ("b",))
