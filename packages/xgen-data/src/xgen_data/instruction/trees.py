"""OpenAssistant's message trees: which conversations to take from one.

A tree begins with a prompt; every message may have several replies, and people ranked the replies
of the assistant, 0 the best. A *path* runs from the prompt to an assistant's reply. Both published
layouts are read: one message a row (`message_id`, `parent_id`), and one tree a row (`prompt` with
nested `replies`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from xgen_core import Message
from xgen_data.instruction.rows import Row
from xgen_data.steps import Drop

__all__ = ["Node", "TreePath", "paths_of_messages", "paths_of_trees"]

_ROLES: Mapping[str, Literal["user", "assistant"]] = {
    "prompter": "user",
    "assistant": "assistant",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One message of a tree; `rank` is infinite where nobody ranked it."""

    id: str
    parent: str | None
    tree: str
    role: Literal["user", "assistant"]
    text: str
    rank: float
    language: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TreePath:
    """A conversation out of a tree.

    Attributes:
        nodes: from the prompt to an assistant's reply.
        messages: their turns. An answer that several chosen paths of a tree share is trained in the
            first of them only, lest it weigh more because people went on talking after it.
        number: 0 for a tree's best path.
    """

    nodes: tuple[Node, ...]
    messages: tuple[Message, ...]
    number: int


def paths_of_messages(
    rows: Iterable[Row | Drop], path: object, paths: int
) -> Iterator[TreePath | Drop]:
    """Choose paths from rows of one message each; all rows are held in memory.

    Args:
        rows: messages in any order.
        path: the file, for drops.
        paths: the most conversations to take from one tree, best first.
    """
    nodes: dict[str, Node] = {}
    for row in rows:
        node = row if isinstance(row, Drop) else _node(row.values, None, row.line, path)
        if isinstance(node, Drop):
            yield node
        elif node.id in nodes:
            yield Drop(reason="message id seen before", example=f"{path}:{node.line}")
        else:
            nodes[node.id] = node
    yield from _choose(nodes, path, paths)


def paths_of_trees(
    rows: Iterable[Row | Drop], path: object, paths: int
) -> Iterator[TreePath | Drop]:
    """Choose paths from rows of one tree each, a tree at a time."""
    for row in rows:
        if isinstance(row, Drop):
            yield row
            continue
        nodes: dict[str, Node] = {}
        open_: list[tuple[object, str | None]] = [(row.values.get("prompt"), None)]
        while open_:
            value, parent = open_.pop()
            if not isinstance(value, Mapping):
                yield Drop(reason="tree without a prompt", example=f"{path}:{row.line}")
                continue
            values = cast("Mapping[str, object]", value)
            node = _node({**values, "parent_id": parent}, row, row.line, path)
            if isinstance(node, Drop):
                yield node  # and with it all replies to it
                continue
            nodes[node.id] = node
            replies = values.get("replies") or ()
            if isinstance(replies, (list, tuple)):
                open_ += [(reply, node.id) for reply in reversed(replies)]
        yield from _choose(nodes, path, paths)


def _node(values: Mapping[str, object], tree: Row | None, line: int, path: object) -> Node | Drop:
    where = f"{path}:{line}"
    identity, text = values.get("message_id"), values.get("text")
    parent, rank = values.get("parent_id"), values.get("rank")
    if not isinstance(identity, str) or not isinstance(text, str) or not identity:
        return Drop(reason="message without id or text", example=where, damaged=True)
    if parent is not None and not isinstance(parent, str):
        return Drop(reason="parent_id is not text", example=where, damaged=True)
    role = _ROLES.get(str(values.get("role")))
    if role is None:
        return Drop(reason="unknown role", example=where)
    if values.get("deleted") is True:
        return Drop(reason="message deleted", example=where)
    if values.get("review_result") is False:
        return Drop(reason="message failed its review", example=where)
    holder = values if tree is None else tree.values
    return Node(
        id=identity,
        parent=parent,
        tree=str(values.get("message_tree_id") or holder.get("message_tree_id") or ""),
        role=role,
        text=text,
        rank=rank if isinstance(rank, (int, float)) and rank >= 0 else math.inf,
        language=str(values.get("lang") or ""),
        line=line,
    )


def _choose(nodes: Mapping[str, Node], path: object, paths: int) -> Iterator[TreePath | Drop]:
    children: dict[str | None, list[Node]] = {}
    for node in nodes.values():
        children.setdefault(node.parent, []).append(node)
    reached = 0
    for root in children.get(None, ()):
        reached += yield from _choose_in_tree(root, children, path, paths)
    if reached < len(nodes):  # the parent is missing or was dropped, or parents go in a circle
        lost = next(n for n in nodes.values() if not _has_root(n, nodes))
        for _ in range(len(nodes) - reached):
            yield Drop(reason="no way to a first prompt", example=f"{path}:{lost.line}")


def _has_root(node: Node, nodes: Mapping[str, Node]) -> bool:
    seen: set[str] = set()
    while node.parent is not None:
        if node.parent not in nodes or node.id in seen:
            return False
        seen.add(node.id)
        node = nodes[node.parent]
    return True


def _choose_in_tree(
    root: Node, children: Mapping[str | None, list[Node]], path: object, paths: int
) -> Iterator[TreePath | Drop]:
    """Yields the tree's paths; returns how many messages it has."""
    ends: dict[str, tuple[Node, ...]] = {}
    open_: list[tuple[Node, tuple[Node, ...]]] = [(root, ())]
    size = 0
    while open_:
        node, before = open_.pop()
        size += 1
        route = (*before, node)
        open_ += [(reply, route) for reply in children.get(node.id, ())]
        if node.role == "assistant":
            for earlier in before:  # a path goes on for as long as there are answers
                ends.pop(earlier.id, None)
            ends[node.id] = route
    found = sorted(ends.values(), key=_order)
    if not found:
        yield Drop(reason="tree without an answer", example=f"{path}:{root.line}")
    trained: set[str] = set()
    for number, route in enumerate(found[:paths]):
        messages = tuple(
            Message(
                role=n.role,
                content=n.text,
                trained=n.role == "assistant" and n.id not in trained,
            )
            for n in route
        )
        trained.update(n.id for n in route if n.role == "assistant")
        yield TreePath(nodes=route, messages=messages, number=number)
    return size


def _order(route: tuple[Node, ...]) -> tuple[object, ...]:
    """By the rank of the first answer, then of the second, …; unranked after ranked, then by id.

    The end of a conversation counts as a worse rank than any, so that going on is preferred.
    """
    ranks = tuple((n.rank, 0) for n in route if n.role == "assistant")
    return ((*ranks, (math.inf, 1)), tuple(n.id for n in route))
