"""Where a response sends its reader: the `Location` as browsers read it (the URL standard, where it matters)."""

import re
from urllib.parse import quote, urldefrag, urljoin

from fixby.headers.head import HopError
from fixby.headers.response import Answer, Trouble

REDIRECTS = frozenset({301, 302, 303, 307, 308})


def target(answer: Answer) -> str | None:
    """The absolute URL that a response redirects to, without its fragment; None where it does not.

    Raises `HopError` where it names several places, or none that makes sense. The scheme may be any.
    """
    places = [value for value in answer.values("Location") if value]
    if answer.status not in REDIRECTS or not places:
        return None
    if len(set(places)) > 1:
        raise HopError(Trouble.MALFORMED, "It redirects to several places at once.")
    try:
        url = urldefrag(urljoin(answer.url, _tidied(places[0]))).url
    except ValueError as error:
        raise HopError(Trouble.MALFORMED, f"It redirects to what is no URL: {places[0][:200]}") from error
    return url


def _tidied(location: str) -> str:
    r"""What browsers make of it first: no white space, / for \ before the query, two for many, no bytes but ASCII."""
    location = "".join(one for one in location.strip(_CONTROL) if one not in "\t\r\n")
    end = min((at for at in map(location.find, "?#") if at >= 0), default=len(location))
    location = _MANY_SLASHES.sub(r"\1//", location[:end].replace("\\", "/")) + location[end:]
    return quote(location.encode("iso-8859-1"), safe=_ASCII)


_MANY_SLASHES = re.compile(r"^((?:https?:)?)/{3,}", re.IGNORECASE)
_CONTROL = "".join(map(chr, range(33)))
_ASCII = "".join(map(chr, range(33, 127)))
