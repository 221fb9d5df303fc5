"""Cookies as a response sets them (RFC 6265bis)."""

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

_NUMBER = re.compile("-?[0-9]+")


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie that a response sets: its name, and its attributes by their name in lower case."""

    name: str
    value: str
    attributes: dict[str, str]

    @property
    def is_secure(self) -> bool:
        """Whether it is sent over https only."""
        return "secure" in self.attributes

    @property
    def is_http_only(self) -> bool:
        """Whether script cannot read it."""
        return "httponly" in self.attributes

    @property
    def same_site(self) -> str:
        """`strict`, `lax`, `none`, or nothing."""
        said = self.attributes.get("samesite", "").lower()
        return said if said in ("strict", "lax", "none") else ""

    def is_deleted(self, now: float) -> bool:
        """Whether the response takes the cookie away; `now` is a UTC instant in seconds."""
        max_age = self.attributes.get("max-age", "")
        if _NUMBER.fullmatch(max_age):
            return max_age.startswith("-") or not max_age.strip("0")
        try:
            return parsedate_to_datetime(self.attributes.get("expires", "")).timestamp() <= now
        except (ValueError, TypeError, OverflowError):
            return False

    def refused(self) -> str:
        """Why browsers do not take the cookie, or nothing (RFC 6265bis, 5.7)."""
        name = self.name.lower()
        if name.startswith(("__secure-", "__host-")) and not self.is_secure:
            return "its prefix asks for Secure"
        if name.startswith("__host-") and (self.attributes.get("path") != "/" or self.attributes.get("domain")):
            return "__Host- asks for Path=/ and no Domain"
        return "SameSite=None asks for Secure" if self.same_site == "none" and not self.is_secure else ""


def cookie(line: str) -> Cookie | None:
    """What one Set-Cookie line sets, or None where browsers ignore it."""
    pair, *rest = line.split(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    attributes: dict[str, str] = {}
    for part in rest:
        key, _, said = part.partition("=")
        attributes[key.strip().lower()] = said.strip()
    return Cookie(name.strip(), value.strip(), attributes) if name.strip() or value.strip() else None
