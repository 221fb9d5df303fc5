"""The one comment that a pull request gets, known by a marker that nobody sees, and written anew from run to run."""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from fixby.reports.github import Told
from fixby.reports.github_summary import cut, summary

BOT = "github-actions[bot]"
"""Who writes with the token of a workflow."""


def body(told: Told, subject: str, link: str) -> str:
    """The comment on what is called `subject`, such as the folder that was scanned; `link` leads to the run."""
    return cut(f"{marker(subject)}\n{summary(told, _LARGEST - 1000, rows=50)}\n[The whole run]({link})\n", _LARGEST)


def marker(subject: str) -> str:
    """What the comment on a subject begins with."""
    return f"<!-- fixby {sha256(subject.encode()).hexdigest()[:16]} -->"


def ours(comments: Iterable[Mapping[str, object]], subject: str, author: str) -> int | None:
    """The number of the first comment on the subject by this author, as the API tells of comments, or None.

    The marker alone is no proof: anybody can write it, and would have their own comment speak for us.
    """
    for comment in comments:
        user, text, number = comment.get("user"), comment.get("body"), comment.get("id")
        by = user.get("login") if isinstance(user, Mapping) else None
        if by == author and isinstance(text, str) and text.startswith(marker(subject)) and isinstance(number, int):
            return number
    return None


_LARGEST = 60_000
"""GitHub takes 65,536 characters."""
