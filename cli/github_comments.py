"""Writes the one comment of a pull request through GitHub's REST API, version 2022-11-28."""

from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import orjson

from fixby.errors import FetchError
from fixby.reports import github_comment


@dataclass(frozen=True, slots=True)
class Api:
    """Where the API is, as in `https://api.github.com`, the repository as `owner/name`, and the token for it."""

    url: str
    repository: str
    token: str


def write(api: Api, number: int, subject: str, author: str, body: str) -> str:
    """Write the comment of a pull request on a subject, in the place of an earlier one; what was done in one word.

    Raises `FetchError` where the API refuses, as it does to a token that may only read.
    """
    found = github_comment.ours(_comments(api, number), subject, author)
    if found is None:
        _asked(api, "POST", f"issues/{number:d}/comments", body)
        return "written"
    _asked(api, "PATCH", f"issues/comments/{found:d}", body)
    return "updated"


_PAGE = 100
_PAGES = 100
_SECONDS = 30


def _comments(api: Api, number: int) -> Iterator[dict[str, Any]]:
    """All comments, page after page: a page that is not full is the last one."""
    for page in range(1, _PAGES + 1):
        some = _asked(api, "GET", f"issues/{number:d}/comments?per_page={_PAGE}&page={page}")
        if not isinstance(some, list):
            raise FetchError("GitHub's API does not answer with a list of comments.")
        yield from (one for one in some if isinstance(one, dict))
        if len(some) < _PAGE:
            return


class _NoRedirects(HTTPRedirectHandler):
    """The token is for this address only."""

    def redirect_request(self, *_: object) -> None:
        """None: the answer is an error then."""


def _asked(api: Api, method: str, path: str, body: str | None = None) -> Any:  # noqa: ANN401 - JSON
    if not api.url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise FetchError("GitHub's API is only asked by https.")
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {api.token}",
        "Content-Type": "application/json",
        "User-Agent": "fixby",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    content = None if body is None else orjson.dumps({"body": body})
    request = Request(f"{api.url}/repos/{api.repository}/{path}", content, headers, method=method)  # noqa: S310 - see above
    try:
        with build_opener(_NoRedirects).open(request, timeout=_SECONDS) as answer:
            return orjson.loads(answer.read())
    except HTTPError as error:
        with error:
            raise FetchError(f"GitHub's API answers {error.code} to {method} {path.partition('?')[0]}.") from error
    except (URLError, OSError, HTTPException, orjson.JSONDecodeError) as error:
        raise FetchError(f"GitHub's API cannot be reached: {getattr(error, 'reason', error)}.") from error
