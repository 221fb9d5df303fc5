"""Vulnerable packages in SARIF: the standard has no place for them, so they stand in the words of each tool.

Trivy and Grype write lines such as `Package: openssl`, OSV-Scanner `Package 'openssl@1.1'` and a table of fixed
versions, pip-audit begins with its name. Snyk has `openssl@1.1` as a logical location, early at the end of the rule's
description, and the ecosystem in the rule's id; Dependency-Check has a package URL. Elsewhere the ecosystem is that of
the type that Grype names, or of the lock file; else it is `generic`.
"""

import re

from fixby.component import Component, component
from fixby.errors import ReportError
from fixby.finding import Location
from fixby.scanners.formats.fields import optional_child
from fixby.scanners.formats.packages import package as package_of
from fixby.scanners.formats.sarif_rules import SarifRule
from fixby.scanners.formats.wording import clean
from fixby.scanners.report import optional_text


def package(rule: SarifRule, message: str, locations: tuple[Location, ...], names: tuple[str, ...]) -> Component | None:
    """The package that a message, or else the rule's help, is about; None where neither names one.

    `names` are those of the logical locations, which Snyk and Dependency-Check use for packages.
    """
    if purl := next((name for name in names if name.startswith("pkg:")), ""):
        return _of_purl(purl)
    snyk = _SNYK.match(rule.rule.id)
    said = _lines(message) if not snyk else _named((*names, _described(rule)), snyk[1])
    if "package" not in said:
        said = _quoted(message) or _lines(rule.help)
    name = said.get("package", "")
    if not name:
        return None
    version = said.get("installed version") or said.get("version") or ""
    fixed = said.get("fixed version") or said.get("fix version") or ""
    fixes = tuple(dict.fromkeys(one for one in re.split(r"[,\s]+|\|\|", fixed) if one)) or _in_table(rule.help, name)
    return _component(_ecosystem(said.get("type", ""), name, locations), clean(name), clean(version), fixes)


def _of_purl(purl: str) -> Component | None:
    try:
        return package_of(purl, "", "", "")
    except ReportError:
        return None


def _in_table(help_: str, name: str) -> tuple[str, ...]:
    """The fixed versions of a package in OSV-Scanner's table of them, which stands last."""
    _, _, table = help_.partition("| Fixed Version |")
    rows = (_ROW.fullmatch(line.strip()) for line in table.split("\n"))
    found = (row["version"] for row in rows if row and row["package"] == name and row["version"].strip("-"))
    return tuple(dict.fromkeys(map(clean, found)))


_ROW = re.compile(r"\| [^|]{1,100} \| (?P<package>[^|]{1,300}) \| (?P<version>[^|\s]{1,200}) \|")
_LINE = re.compile(
    r"^[ *]{0,4}(package|installed version|version|fixed version|fix version|type): ?(.*)$",
    re.IGNORECASE | re.MULTILINE,
)
_SNYK = re.compile(r"SNYK-([A-Z]+)")
_AT = re.compile(r"(?P<package>@?[^@\s]{1,300})@(?P<version>[^@\s]{1,200})")
_KNOWN = re.compile(r"`(?P<package>[^`\s]{1,300})` has a known vulnerability: ")
"""So begins what pip-audit says."""

_PACKAGE = re.compile(r"Package '(?P<package>[^'\n]{1,300}?)@(?P<version>[^'\n@]{0,200})'")


def _lines(words: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in _LINE.findall(words):
        found.setdefault(key.lower(), value.strip())
    return found


def _described(rule: SarifRule) -> str:
    """The last word of a rule's description; so early versions of Snyk name the package."""
    described = optional_text(optional_child(rule.record, "fullDescription"), "text")
    return described.rpartition(" ")[2] if described.startswith("(") else ""


def _named(names: tuple[str, ...], kind: str) -> dict[str, str]:
    """A package such as `@scope/name@1.0` among names, with the ecosystem of Snyk's that a rule is about."""
    found = next((match for name in names if (match := _AT.fullmatch(name))), None)
    if not found:
        return {}
    type_ = f"snyk-{kind.lower()}"
    name = found["package"].rpartition("/")[2] if _TYPES.get(type_, "deb") in _SYSTEMS else found["package"]
    return {**found.groupdict(), "package": name, "type": type_}


_SYSTEMS = frozenset({"apk", "deb", "rpm"})
"""Of their packages Snyk names the source first: `bzip2/libbz2-1.0`. What it calls Linux is one of them."""


def _quoted(words: str) -> dict[str, str]:
    if known := _KNOWN.match(words):
        return {**known.groupdict(), "type": "python"}
    match = _PACKAGE.search(words)
    return match.groupdict() if match else {}


def _ecosystem(type_: str, name: str, locations: tuple[Location, ...]) -> str:
    if type_:
        return _TYPES.get(type_.lower(), "generic")
    file = locations[0].path.rpartition("/")[2] if locations else ""
    return _FILES.get(file) or ("maven" if re.fullmatch(r"[\w.-]+:[\w.-]+", name) else "generic")


def _component(ecosystem: str, name: str, version: str, fixes: tuple[str, ...]) -> Component | None:
    try:
        return component(ecosystem, name.replace(":", "/") if ecosystem == "maven" else name, version, fixes)
    except ValueError:
        return None


_TYPES = {
    "alpm": "alpm",
    "apk": "apk",
    "conan": "conan",
    "dart-pub": "pub",
    "deb": "deb",
    "dotnet": "nuget",
    "gem": "gem",
    "github-action": "githubactions",
    "go-module": "golang",
    "java-archive": "maven",
    "npm": "npm",
    "php-composer": "composer",
    "python": "pypi",
    "rpm": "rpm",
    "rust-crate": "cargo",
    "swift": "swift",
    "snyk-alpine": "apk",
    **dict.fromkeys(("snyk-centos", "snyk-rhel", "snyk-amzn", "snyk-oracle", "snyk-sles", "snyk-rocky"), "rpm"),
    **dict.fromkeys(("snyk-debian", "snyk-ubuntu"), "deb"),
    "snyk-dotnet": "nuget",
    "snyk-golang": "golang",
    "snyk-hex": "hex",
    "snyk-java": "maven",
    "snyk-js": "npm",
    "snyk-php": "composer",
    "snyk-python": "pypi",
    "snyk-ruby": "gem",
    "snyk-rust": "cargo",
    "snyk-swift": "swift",
}
"""The types of Grype's packages, and the ecosystems of Snyk's rules, by their names in package URLs."""

_FILES = {
    **dict.fromkeys(("package-lock.json", "yarn.lock", "pnpm-lock.yaml", "package.json", "bun.lock"), "npm"),
    **dict.fromkeys(("requirements.txt", "poetry.lock", "Pipfile.lock", "uv.lock", "pdm.lock", "pylock.toml"), "pypi"),
    **dict.fromkeys(("go.mod", "go.sum"), "golang"),
    **dict.fromkeys(("pom.xml", "gradle.lockfile"), "maven"),
    "Cargo.lock": "cargo",
    "Gemfile.lock": "gem",
    "composer.lock": "composer",
    "packages.lock.json": "nuget",
    "pubspec.lock": "pub",
    "mix.lock": "hex",
}
"""What the lock files of these names hold."""
