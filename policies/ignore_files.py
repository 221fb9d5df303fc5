"""What other tools were told to ignore, as decisions: `.trivyignore`, `.grype.yaml`, `osv-scanner.toml`.

To ignore a vulnerability is to accept its risk; an entry without an end gets one. Which of the formats a file has is
found from its content.
"""

import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from fixby.errors import ReportError
from fixby.policies.decisions_file import Kind, Stated

WITHOUT_END = "30d"
"""For how long a risk is accepted of which a file names no end."""


def accepted(content: str) -> list[Stated]:
    """The acceptances that a file amounts to. Raises `ReportError` for a file of no known format.

    Entries that name no vulnerability, rule or package cannot be said in a query and are left out.
    """
    some = _of_toml(content) or _of_yaml(content) or _of_lines(content)
    if not some:
        raise ReportError(
            "The file ignores nothing that Fixby could accept.",
            "Known are .trivyignore, .trivyignore.yaml, .grype.yaml, osv-scanner.toml and detect-secrets baselines.",
        )
    return some


def _of_toml(content: str) -> list[Stated]:
    """OSV-Scanner's."""
    try:
        top = tomllib.loads(content)
    except (ValueError, RecursionError):
        return []
    vulnerabilities = (
        _accept(_named(row.get("id")), row.get("reason"), row.get("ignoreUntil"))
        for row in _rows(top.get("IgnoredVulns"))
    )
    packages = (
        _accept(_package(row.get("name")), row.get("reason"), row.get("effectiveUntil"))
        for row in _rows(top.get("PackageOverrides"))
        if row.get("ignore") is True or _is_ignored(row.get("vulnerability"))
    )
    return [*_present(vulnerabilities), *_present(packages)]


def _is_ignored(table: object) -> bool:
    return isinstance(table, dict) and table.get("ignore") is True


def _of_yaml(content: str) -> list[Stated]:
    """Trivy's and Grype's."""
    import yaml  # noqa: PLC0415 - slow to import, and rarely needed

    try:
        top = yaml.load(content, yaml.BaseLoader)  # noqa: S506 - it makes nothing but texts, lists and mappings
    except (yaml.YAMLError, RecursionError):
        return []
    if not isinstance(top, dict):
        return []
    trivy = (_of_trivy(row) for section in _TRIVY for row in _rows(top.get(section)))
    return [*_present(trivy), *_present(map(_of_grype, _rows(top.get("ignore"))))]


_TRIVY = ("vulnerabilities", "misconfigurations", "secrets", "licenses")


def _of_trivy(row: Mapping[str, Any]) -> Stated | None:
    if any(row.get(key) and not _texts(row[key]) for key in ("paths", "purls")):
        return None  # it is meant for less than its id, and nobody knows for what
    paths = _joined("path", _texts(row.get("paths")))
    packages = _joined("package", map(_of_purl, _texts(row.get("purls"))))
    words = " ".join(filter(None, (_named(row.get("id")), paths, packages)))
    return _accept(words if row.get("id") else "", row.get("statement"), row.get("expired_at"))


def _of_grype(row: Mapping[str, Any]) -> Stated | None:
    package = row.get("package")
    name = _package(package.get("name")) if isinstance(package, dict) else ""
    return _accept(" ".join(filter(None, (_named(row.get("vulnerability")), name))), row.get("reason"), None)


def _of_lines(content: str) -> list[Stated]:
    """Trivy's list: an id a line, with its end; comments right above say why."""
    found: list[Stated | None] = []
    remarks: list[str] = []
    for line in map(str.strip, content.splitlines()):
        words = line.partition("#")[0].split()
        if line.startswith("#"):
            remarks.append(line.strip("# "))
        elif words and _ID.fullmatch(words[0]):
            end = next((word.removeprefix("exp:") for word in words[1:] if word.startswith("exp:")), None)
            found.append(_accept(_named(words[0]), " ".join(remarks), end))
            remarks = []
        elif words:
            return []
        else:
            remarks = []
    return list(_present(found))


_ID = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)+|[A-Z]+\d+")
_VULNERABILITY = re.compile(
    r"(?:CVE|GHSA|PYSEC|OSV|RUSTSEC|GO|MAL|DSA|DLA|USN|RHSA|ALPINE|ALAS|ELSA)-.+", re.IGNORECASE
)


def _named(id_: object) -> str:
    """A query for what bears an id: a vulnerability, or else a rule."""
    if not isinstance(id_, str) or not id_.strip():
        return ""
    return shlex.quote(f"{'cve' if _VULNERABILITY.fullmatch(id_) else 'rule'}:{id_.strip()}")


def _package(name: object) -> str:
    return shlex.quote(f"package:{name}") if isinstance(name, str) and name else ""


def _joined(qualifier: str, values: Iterable[str]) -> str:
    some = ",".join(values)
    return shlex.quote(f"{qualifier}:{some}") if some else ""


def _texts(values: object) -> list[str]:
    return [value for value in values if isinstance(value, str) and value] if isinstance(values, list) else []


def _of_purl(purl: str) -> str:
    """The name of a package of a purl: `@scope/name` or `group/artifact` with its namespace, a system's without."""
    kind, _, path = re.sub(r"[?#].*", "", purl).partition(":")[2].partition("/")
    name = re.sub(r"(?<=.)@[^/]*$", "", path).replace("%40", "@")
    return name.rpartition("/")[2] if kind in _SYSTEMS else name


_SYSTEMS = ("alpm", "apk", "deb", "rpm")


def _accept(query: str, reason: object, until: object) -> Stated | None:
    if not query:
        return None
    end = until.isoformat() if isinstance(until, date) else until
    words = reason.strip() if isinstance(reason, str) else ""
    return Stated(
        Kind.ACCEPT,
        words or "ignored before",
        query=query,
        until=end if isinstance(end, str) and end else WITHOUT_END,
    )


def _rows(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (row for row in value if isinstance(row, dict)) if isinstance(value, list) else ()


def _present(some: Iterable[Stated | None]) -> Iterator[Stated]:
    return (one for one in some if one is not None)
