"""What kind of weakness a rule of SARIF is about; the standard has no word for it.

| the rule or the tool says | category |
|---|---|
| the name of a vulnerability (CVE, GHSA, ...) as the rule's id | dependency; container for packages of a system |
| a tag `secret`, or the tool looks for nothing else | secret |
| the name `License` | licence |
| a tag `misconfiguration` or `iac`, or the tool looks for nothing else | misconfiguration |
| anything else | code |
"""

import re
from collections.abc import Iterable

from fixby.finding import Category


def category_of(tool: str, name: str, tags: frozenset[str], vulnerabilities: tuple[str, ...]) -> Category:
    """The category of a rule of that name, with those tags (in small letters), which is about those vulnerabilities."""
    if vulnerabilities:
        return Category.CONTAINER if name == "OsPackageVulnerability" else Category.DEPENDENCY
    if not tags.isdisjoint(_SECRET_TAGS) or name == "Secret" or tool in _SECRET_TOOLS:
        return Category.SECRET
    if name == "License":
        return Category.LICENCE
    if not tags.isdisjoint(_SETTING_TAGS) or name == "Misconfiguration" or tool in _SETTING_TOOLS:
        return Category.MISCONFIGURATION
    return Category.CODE


def vulnerability_names(ids: Iterable[str]) -> tuple[str, ...]:
    """The names of published vulnerabilities with which the ids of a rule begin, each once."""
    found = (match[1] for id_ in ids if (match := _VULNERABILITY.match(id_)))
    return tuple(dict.fromkeys(found))


_VULNERABILITY = re.compile(
    r"(?:\[[A-Z]{1,20}\] )?(CVE-\d{4}-\d{4,19}|GHSA(?:-[0-9a-z]{4}){3}|PYSEC-\d{4}-\d{1,9}"
    r"|RUSTSEC-\d{4}-\d{4}|GO-\d{4}-\d{1,9}"
    r"|MAL-\d{4}-\d{1,9}|DSA-\d{1,9}-\d{1,3}|USN-\d{1,9}-\d{1,3}|(?:RH|EL|AL)[SBE]A-\d{4}[-:]\d{1,9}"
    r"|SNYK-[A-Z0-9]{2,20}-[A-Z0-9.-]{1,100}"
    r"|ALAS[\w-]{0,20}-\d{4}-\d{1,9}|TEMP-\d{1,9}-[0-9A-F]{1,9}|OSV-\d{4}-\d{1,9})",
    re.IGNORECASE,
)
_SECRET_TAGS = frozenset({"secret", "secrets", "secret-detection", "hardcoded-secret"})
_SETTING_TAGS = frozenset({"misconfiguration", "iac", "infrastructure-as-code"})
_SECRET_TOOLS = frozenset(
    {
        "betterleaks",
        "detect-secrets",
        "ggshield",
        "gitguardian",
        "gitleaks",
        "kingfisher",
        "nosey-parker",
        "noseyparker",
    }
    | {"trufflehog", "whispers"}
)
_SETTING_TOOLS = frozenset(
    {"checkov", "dockle", "hadolint", "kics", "kube-linter", "kubescape", "snyk-iac", "terrascan", "tfsec", "zizmor"}
)
