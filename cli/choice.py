"""One of several words that an option takes."""

from enum import StrEnum
from typing import TypeVar

from fixby.errors import UsageError

Choice = TypeVar("Choice", bound=StrEnum)


def choice(option: str, word: str, known: type[Choice], what: str = "format") -> Choice:
    """The choice that a word given to an option stands for. Raises `UsageError` that lists the known ones."""
    if word not in set(known):
        raise UsageError(f"{option}: there is no {what} {word!r}.", f"Known are: {', '.join(known)}.")
    return known(word)
