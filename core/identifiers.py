"""Names of vulnerabilities, and which of them mean the same one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_SCHEMES = ("CVE", "GHSA", "PYSEC", "RUSTSEC", "GO", "MAL", "OSV", "DSA", "DLA", "USN", "ALPINE", "RHSA")
_GHSA = re.compile(r"GHSA(-[23456789cfghjmpqrvwx]{4}){3}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Identifiers:
    """The names under which a vulnerability is published (CVE, GHSA, PYSEC, OSV, ...), best known scheme first."""

    names: tuple[str, ...] = ()

    @property
    def primary(self) -> str:
        """The name that stands for the whole group, or an empty string where there is none."""
        return self.names[0] if self.names else ""


NO_IDENTIFIERS = Identifiers()


def identifiers(names: Iterable[str]) -> Identifiers:
    """The names spelt as their publishers do, each once, in an order that does not depend on the input's."""
    spelt = {_spelt(name) for name in names if name.strip()}
    return Identifiers(tuple(sorted(spelt, key=_order) if len(spelt) > 1 else spelt))


def _spelt(name: str) -> str:
    name = name.strip()
    if _GHSA.fullmatch(name):
        return "GHSA" + name[4:].lower()
    scheme = name.partition("-")[0].upper()
    return name.upper() if scheme in _SCHEMES and scheme != "GHSA" else name


def _order(name: str) -> tuple[int, str]:
    scheme = name.partition("-")[0].upper()
    return (_SCHEMES.index(scheme) if scheme in _SCHEMES else len(_SCHEMES), name)
