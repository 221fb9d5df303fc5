"""The rules that Semgrep is run with: our own and those that the user names."""

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.resources import files as resources
from pathlib import Path

from fixby.errors import ConfigurationError, UsageError
from fixby.scanners.scanner import Options

OURS = Path(str(resources("fixby.policies") / "rules"))
"""The folder of our own rules."""


def places(options: Options) -> list[Path]:
    """Our own folder of rules, and the files and folders that the user names."""
    return [OURS, *(path.resolve() for path in options.rules)]


def digests(options: Options) -> list[str]:
    """The SHA-256 of each rule file, sorted: where the files lie does not count. Raises `UsageError`."""
    return sorted(sha256(path.read_bytes()).hexdigest() for path in _files(options))


def names(options: Options) -> frozenset[str]:
    """The names of all rules, and of whatever else in their files has an `id`. Raises `UsageError`."""
    return frozenset(name.decode() for path in _files(options) for name in _ID.findall(path.read_bytes()))


_ID = re.compile(rb"""\bid["']?\s*:\s*["']?([\w.-]+)""")


def check_names(options: Options) -> None:
    """Of rules that share a name Semgrep runs the first only and says nothing.

    Raises `ConfigurationError` for two that differ, and `UsageError` for a place without rules.
    """
    holders: dict[bytes, list[Path]] = {}
    for path in _files(options):
        for name in _NAME.findall(path.read_bytes()):
            holders.setdefault(name, []).append(path)
    suspects = {path for paths in holders.values() if len(paths) > 1 for path in paths}
    if suspects:
        _compare(sorted(suspects))


_NAME = re.compile(rb"""^[\s{,-]*["']?id["']?\s*:\s*["']?([\w.-]+)""", re.MULTILINE)
"""Of a rule, or of anything in it that happens to have an `id`."""


def _files(options: Options) -> list[Path]:
    found: list[Path] = []
    for place in places(options):
        inside = [place] if place.is_file() else sorted(p for p in place.rglob("*") if p.suffix in {".yaml", ".yml"})
        if not inside:
            raise UsageError(f"There are no Semgrep rules in {place}.", "Name a rule file or a folder with rule files.")
        found += inside
    return found


def _compare(paths: Sequence[Path]) -> None:
    rules: dict[object, tuple[object, Path]] = {}
    for path in paths:
        for rule in _rules_in(path):
            first, place = rules.setdefault(rule.get("id"), (rule, path))
            if first != rule:
                raise ConfigurationError(
                    f"Two different Semgrep rules are called {rule.get('id')}: in {place} and in {path}.",
                    "Semgrep would run the first only; rename one of them.",
                )


def _rules_in(path: Path) -> Iterator[dict[str, object]]:
    import yaml  # noqa: PLC0415 - slow to import, and rarely needed

    try:
        loaded = yaml.safe_load(path.read_bytes())
    except yaml.YAMLError as error:
        raise ConfigurationError(f"The Semgrep rules in {path} are no YAML: {error}") from error
    rules = loaded.get("rules") if isinstance(loaded, dict) else None
    yield from (rule for rule in rules or () if isinstance(rule, dict))
