"""The foreign formats that Fixby knows. To add one: write its module, name it here."""

from importlib import import_module
from typing import cast

from fixby.scanners.formats.format import Format, Report

MODULES: dict[str, str] = {
    "generic-json": "fixby.scanners.formats.generic_json",
    "sarif": "fixby.scanners.formats.sarif",
    "trivy-operator": "fixby.scanners.formats.trivy_operator",
    "trivy": "fixby.scanners.formats.trivy",
    "grype": "fixby.scanners.formats.grype",
    "npm-audit": "fixby.scanners.formats.npm_audit",
    "dependency-check": "fixby.scanners.formats.dependency_check",
    "cyclonedx": "fixby.scanners.formats.cyclonedx",
    "spdx": "fixby.scanners.formats.spdx",
    "osv-scanner": "fixby.scanners.formats.osv_scanner",
    "dependabot": "fixby.scanners.formats.dependabot",
    "gitlab-dependencies": "fixby.scanners.formats.gitlab_dependencies",
    "snyk": "fixby.scanners.formats.snyk",
    "yarn-audit": "fixby.scanners.formats.yarn_audit",
    "spotbugs": "fixby.scanners.formats.spotbugs",
    "zap": "fixby.scanners.formats.zap",
    "gitlab": "fixby.scanners.formats.gitlab",
    "github-code-scanning": "fixby.scanners.formats.github_code_scanning",
    "github-secret-scanning": "fixby.scanners.formats.github_secret_scanning",
    "gitleaks": "fixby.scanners.formats.gitleaks",
    "trufflehog": "fixby.scanners.formats.trufflehog",
    "checkov": "fixby.scanners.formats.checkov",
    "gosec": "fixby.scanners.formats.gosec",
    "brakeman": "fixby.scanners.formats.brakeman",
    "eslint": "fixby.scanners.formats.eslint",
    "hadolint": "fixby.scanners.formats.hadolint",
    "generic-csv": "fixby.scanners.formats.generic_csv",
}
"""The modules of the formats by name, those that can be told with most certainty first."""


def format_named(name: str) -> Format:
    """The reader of a format. Raises `KeyError` for one that is not known."""
    return cast("Format", import_module(MODULES[name]))


def format_of(report: Report) -> Format | None:
    """The reader that recognises a report, or None."""
    return next((one for name in MODULES if (one := format_named(name)).recognises(report)), None)
