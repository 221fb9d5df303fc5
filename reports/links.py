"""Where a terminal's links lead (OSC 8): to advisories, weaknesses, rules and files."""

import platform
from pathlib import Path
from urllib.parse import quote

from fixby.finding import Finding, Location


def of_name(name: str) -> str:
    """The page of a vulnerability or of a weakness, by its name; empty for a name of no known scheme."""
    scheme, _, rest = name.partition("-")
    return f"{_PAGES[scheme]}{_quoted(rest if scheme == 'CWE' else name)}" if scheme in _PAGES else ""


def of_rule(finding: Finding) -> str:
    """What is written about the rule of a finding, or about its vulnerability."""
    written = (of_address(reference) for reference in finding.rule.references)
    return of_name(finding.rule.id) or next(filter(None, written), "")


def of_address(address: str) -> str:
    """An address that may stand in a link: of the web, and without characters that would end the link."""
    return _quoted(address) if address.startswith(("https://", "http://")) else ""


def of_place(root: Path | None, location: Location) -> str:
    """The file of a location below an absolute folder; empty where it would lie elsewhere."""
    parts = location.path.split("/")
    if root is None or not location.path or location.path.startswith("/") or ".." in parts:
        return ""
    return f"file://{_quoted(platform.node())}{_quoted(str(root / location.path), keep='/')}"


_PAGES = {
    "CVE": "https://nvd.nist.gov/vuln/detail/",
    "CWE": "https://cwe.mitre.org/data/definitions/",
    "GHSA": "https://github.com/advisories/",
    "PYSEC": "https://osv.dev/vulnerability/",
    "RUSTSEC": "https://rustsec.org/advisories/",
    "GO": "https://pkg.go.dev/vuln/",
    "MAL": "https://osv.dev/vulnerability/",
    "OSV": "https://osv.dev/vulnerability/",
}


def _quoted(text: str, keep: str = "/:?#[]@!$&'()*+,;=%~") -> str:
    """ASCII without control characters and spaces, whatever came from outside."""
    return quote(text, safe=keep, errors="replace")
