"""Queries as people write them on the command line."""

import os
from collections.abc import Sequence

from fixby.cli.actor import actor
from fixby.decision import assignee
from fixby.query import addressed


def asked(words: Sequence[str]) -> str:
    """The query that words make, in which `assignee:me` has become the one who asks. Raises `UsageError`."""
    return addressed(" ".join(words), lambda: assignee(actor(os.environ)))
