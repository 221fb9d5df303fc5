"""What other tools were told to ignore, read as decisions."""

import pytest

from fixby.errors import ReportError
from fixby.policies.decisions_file import Kind, Stated, parse, written
from fixby.policies.ignore_files import accepted
from fixby.query import parse as parse_query
from fixby.store.selection import condition

TRIVYIGNORE = """\
# Accepted by the owner.
CVE-2018-14618

# Until the next release
CVE-2019-14697 exp:2027-01-31
AVD-DS-0002   # inline
"""
TRIVY_YAML = """\
vulnerabilities:
  - id: CVE-2022-40897
    paths: ["usr/lib/a b/METADATA", "opt/**"]
    statement: Accept the risk
  - id: CVE-2023-3817
    expired_at: 2027-09-01
    purls: ["pkg:deb/debian/libssl1.1@1.1.1n?arch=amd64", "pkg:npm/%40scope/name@1.0.0"]
misconfigurations:
  - id: AVD-DS-0001
licenses:
  - statement: no id
"""
GRYPE = """\
ignore:
  - vulnerability: CVE-2008-4318
    fix-state: unknown
    package: {name: libcurl, version: 1.5.1, type: npm}
    reason: not called
  - fix-state: wont-fix
  - package: {name: tar}
"""
OSV = """\
[[IgnoredVulns]]
id = "GO-2022-0968"
ignoreUntil = 2027-11-09
reason = "No ssh servers are connected to"

[[IgnoredVulns]]
id = "GHSA-2222-2222-2222"

[[PackageOverrides]]
name = "lib"
version = "1.0.0"
ignore = true
effectiveUntil = 2027-11-09T12:00:00Z

[[PackageOverrides]]
name = "other"
license.override = ["MIT"]
"""


def accept(query: str, reason: str = "ignored before", until: str = "30d") -> Stated:
    return Stated(Kind.ACCEPT, reason, query=query, until=until)


FILES = {
    "a list of Trivy": (
        TRIVYIGNORE,
        [
            accept("cve:CVE-2018-14618", "Accepted by the owner."),
            accept("cve:CVE-2019-14697", "Until the next release", "2027-01-31"),
            accept("rule:AVD-DS-0002"),
        ],
    ),
    "YAML of Trivy": (
        TRIVY_YAML,
        [
            accept("cve:CVE-2022-40897 'path:usr/lib/a b/METADATA,opt/**'", "Accept the risk"),
            accept("cve:CVE-2023-3817 package:libssl1.1,@scope/name", until="2027-09-01"),
            accept("rule:AVD-DS-0001"),
        ],
    ),
    "Grype": (GRYPE, [accept("cve:CVE-2008-4318 package:libcurl", "not called"), accept("package:tar")]),
    "OSV-Scanner": (
        OSV,
        [
            accept("cve:GO-2022-0968", "No ssh servers are connected to", "2027-11-09"),
            accept("cve:GHSA-2222-2222-2222"),
            accept("package:lib", until="2027-11-09T12:00:00+00:00"),
        ],
    ),
}


@pytest.mark.parametrize(("content", "expected"), FILES.values(), ids=FILES)
def test_what_a_file_ignores_is_accepted(content: str, expected: list[Stated]) -> None:
    assert accepted(content) == expected
    assert all(condition(parse_query(stated.query)) for stated in expected)


@pytest.mark.parametrize(
    "content", ["", "# only words\n", "just some prose\n", "[1, 2]", "a: 1", "[tool]\nx = 1", "\0"]
)
def test_a_file_that_ignores_nothing_is_refused(content: str) -> None:
    with pytest.raises(ReportError, match="ignores nothing"):
        accepted(content)


@pytest.mark.parametrize("content", [content for content, _ in FILES.values()], ids=FILES)
def test_what_was_read_can_be_written_and_read_again(content: str) -> None:
    some = accepted(content)
    again = parse(written(some), "decisions.toml")
    assert [(one.query, one.reason, one.until) for one in again] == [(one.query, one.reason, one.until) for one in some]
