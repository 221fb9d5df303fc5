"""What a shell may complete of a query."""

from collections.abc import Mapping

from fixby.query import completions
from fixby.scanners.registry import NAMES
from fixby.store.selection import known_values


def completed(incomplete: str, environment: Mapping[str, str]) -> list[str]:
    """What the word under the cursor may become: qualifiers, and the values of those that have few.

    bash ends words at colons, so there the qualifier is one of the words before and no part of what is completed.
    """
    before = _qualifier_in_bash(environment)
    found = completions(f"{before}{incomplete}", {**known_values(), "scanner": list(NAMES)})
    return [one.removeprefix(before) for one in found]


def _qualifier_in_bash(environment: Mapping[str, str]) -> str:
    """The qualifier and its colon where bash took them for words of their own, else nothing."""
    words, position = environment.get("COMP_WORDS", "").split(), environment.get("COMP_CWORD", "")
    if not position.isdecimal():
        return ""
    earlier = words[: int(position)]
    return "".join(earlier[-2:]) if earlier[-1:] == [":"] and len(earlier) > 1 else ""
