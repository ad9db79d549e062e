"""How an export tells what it is doing."""

from __future__ import annotations

from typing import Protocol


class Say(Protocol):
    """Called with what is being done; of work that can be counted, also with how much is done, and of how
    much if that is known."""

    def __call__(self, text: str, done: int = 0, total: int | None = None) -> None: ...


def silent(text: str, done: int = 0, total: int | None = None) -> None:
    """Says nothing."""
