"""Packages as the tools name them, in package URLs: every tool has words of its own for the same ecosystem."""

from functools import lru_cache

from packageurl import PackageURL

from fixby.component import Component
from fixby.errors import ReportError
from fixby.finding import Category
from fixby.scanners.report import HINT


def package(purl: str, word: str, name: str, version: str, fixed_versions: tuple[str, ...] = ()) -> Component:
    """The package of a package URL; where it is missing or none, of a name in an ecosystem that `word` names.

    An unknown word makes the purl type `generic`. Raises `ReportError` where there is no name either.
    """
    written, kind, called, said = _named(purl, word, name, version)
    return Component(written, kind, called, version or said, fixed_versions)


def category(component: Component, *, in_image: bool) -> Category:
    """Whose package it is: the system's, or anything in an image, is the container's; the rest are dependencies."""
    return Category.CONTAINER if in_image or component.ecosystem in _SYSTEMS else Category.DEPENDENCY


def fix_of(component: Component, otherwise: str = "") -> str:
    """The advice to take a fixed version; `otherwise` where there is none."""
    if not component.fixed_versions:
        return otherwise
    choice = component.fixed_versions[0] if len(component.fixed_versions) == 1 else "one of the fixed versions"
    listed = "" if len(component.fixed_versions) == 1 else f": {', '.join(component.fixed_versions)}"
    return f"Upgrade {component.name} to {choice}{listed}."


_SYSTEMS = frozenset({"alpm", "apk", "deb", "ebuild", "rpm"})


@lru_cache(maxsize=65_536)
def _named(purl: str, word: str, name: str, version: str) -> tuple[str, str, str, str]:
    """The purl, its type, and the name and version that it says where the tool says none."""
    try:
        parts = PackageURL.from_string(purl)
    except ValueError:
        parts = _built(word, name, version)
    if not parts.name:
        raise ReportError("expected a package, found one without a name", HINT)
    spelt = "/".join(filter(None, (parts.namespace, parts.name)))
    if not parts.version and version:
        parts = parts._replace(version=version)
    return parts.to_string(), parts.type, name or spelt, parts.version or ""


def _built(word: str, name: str, version: str) -> PackageURL:
    kind, namespace = _ecosystem(word)
    spelt = name.replace(":", "/") if kind == "maven" else name
    group, _, bare = spelt.strip("/").rpartition("/")
    try:
        return PackageURL(kind, "/".join(filter(None, (namespace, group))) or None, bare, version or None)
    except ValueError as error:
        raise ReportError(f"expected a package, found one without a valid name: {error}", HINT) from error


def _ecosystem(word: str) -> tuple[str, str]:
    """The purl type and namespace that a word stands for; `Debian:10` is a release of `Debian`."""
    plain = word.lower().partition(":")[0].strip()
    if plain in _DISTRIBUTIONS:
        return _DISTRIBUTIONS[plain]
    return _TYPES.get(plain, "generic"), ""


_TYPES = {
    word: kind
    for kind, words in {
        "alpm": "alpm",
        "apk": "apk",
        "bitnami": "bitnami",
        "cargo": "cargo rust rustbinary rust-crate crates.io rust-binary crates",
        "cocoapods": "cocoapods pod",
        "composer": "composer composer-vendor packagist php-composer php",
        "conan": "conan c conancenter",
        "conda": "conda conda-pkg conda-environment",
        "cran": "cran r-package",
        "deb": "deb dpkg",
        "gem": "gem bundler gemspec rubygems ruby",
        "github": "github actions github-actions github-action githubactions",
        "golang": "golang go gomod gobinary go-module go-module-binary golangdep govendor gomodules",
        "hackage": "hackage",
        "hex": "hex mix erlang hex-package erlang-otp",
        "maven": "maven java jar pom gradle gradle-lockfile sbt sbt-lockfile java-archive jenkins-plugin",
        "npm": "npm node-pkg node yarn pnpm bun nodejs javascript",
        "nuget": "nuget dotnet dotnet-core packages-props packages-config dotnet-package .net",
        "pub": "pub dart-pub",
        "pypi": "pypi pip pipenv poetry uv pylock python python-pkg setuptools pdm",
        "rpm": "rpm",
        "swift": "swift swifturl swiftpm",
    }.items()
    for word in words.split()
}

_DISTRIBUTIONS = {
    **{name: ("apk", name) for name in ("alpine", "chainguard", "wolfi")},
    **{name: ("deb", name) for name in ("debian", "ubuntu")},
    **{name: ("rpm", name) for name in ("amazon", "centos", "fedora", "opensuse", "oracle", "photon", "redhat")},
    **dict.fromkeys(("alma", "almalinux"), ("rpm", "alma")),
    **dict.fromkeys(("rocky", "rocky linux"), ("rpm", "rocky")),
    **dict.fromkeys(("red hat", "rhel"), ("rpm", "redhat")),
    **dict.fromkeys(("opensuse-leap", "opensuse.leap", "opensuse-tumbleweed"), ("rpm", "opensuse")),
    **dict.fromkeys(("suse", "sles", "suse linux enterprise server"), ("rpm", "suse")),
    **dict.fromkeys(("cbl-mariner", "azurelinux", "mariner"), ("rpm", "azurelinux")),
    "arch": ("alpm", "arch"),
}
