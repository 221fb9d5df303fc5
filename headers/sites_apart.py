"""Whether two URLs are of the same site: the same registrable domain, by the public suffix list."""

from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from tldextract import TLDExtract


def is_other_site(page: str, url: str) -> bool:
    """Whether a URL that a page loads is another site's; what is not loaded over the network is not."""
    try:
        there, here = urlsplit(url), urlsplit(page)
    except ValueError:
        return False
    if there.scheme not in ("http", "https") or not there.hostname or there.hostname == here.hostname:
        return False
    return registrable(there.hostname) != registrable(here.hostname or "")


@cache
def registrable(host: str) -> str:
    """The domain that somebody registered, below github.io too; the host where there is none."""
    return _suffixes()(host).top_domain_under_public_suffix or host


@cache
def _suffixes() -> "TLDExtract":
    from tldextract import TLDExtract  # noqa: PLC0415 - it takes a sixth of a second

    return TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
