"""What a user configured: `fixby.toml` or `[tool.fixby]` in `pyproject.toml`, with `FIXBY_*` variables over it.

The file is found from the target upward. It lies in what is scanned and so is not trusted with everything: its store
must lie below it, and what it excludes is counted and shown. A file that the caller names may say anything; then the
target's own is not read.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixby.errors import ConfigurationError, UsageError


@dataclass(frozen=True, slots=True)
class Configuration:
    """Where things are and what is to be run. `root` is the folder from which paths of findings are told."""

    root: Path
    asset: str
    store: str
    scanners: tuple[str, ...]
    exclude: tuple[str, ...]
    rules: tuple[Path, ...]
    advisories: Path | None
    policy: Path | None
    gate: Path | None


def configuration(target: Path, named: Path | None, environment: Mapping[str, str]) -> Configuration:
    """The configuration for a target. Raises `ConfigurationError` with file, line and key, or `UsageError`."""
    named = named or _path(environment.get("FIXBY_CONFIG"))
    file = named or _found(target)
    section = _Section(file, _read(file)) if file else _Section(Path(), {})
    root = file.parent if file and not named else _repository(target)
    store = section.text("store")
    if store and not named:
        section.demand_inside(root, "store", store)
    return Configuration(
        root=root,
        asset=environment.get("FIXBY_ASSET") or section.text("asset") or root.name,
        store=environment.get("FIXBY_STORE") or _store(section, store) or str(root / ".fixby" / "fixby.db"),
        scanners=section.texts("scanners"),
        exclude=section.texts("exclude"),
        rules=tuple(section.folder / rule for rule in section.texts("rules")),
        advisories=_path(environment.get("FIXBY_ADVISORIES")) or section.path("advisories"),
        policy=_path(environment.get("FIXBY_POLICY")) or section.path("policy"),
        gate=_path(environment.get("FIXBY_GATE")) or section.path("gate"),
    )


_KEYS = ("advisories", "asset", "exclude", "gate", "policy", "rules", "scanners", "store")


@dataclass(frozen=True, slots=True)
class _Section:
    """The keys of a configuration file, read with errors that say where."""

    file: Path
    values: Mapping[str, Any]

    @property
    def folder(self) -> Path:
        return self.file.parent

    def text(self, key: str) -> str:
        value = self.values.get(key, "")
        if not isinstance(value, str):
            raise self.error(key, "must be a text", f'Write {key} = "...".')
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(key, "must be a list of texts", f'Write {key} = ["...", "..."].')
        return tuple(value)

    def path(self, key: str) -> Path | None:
        value = self.text(key)
        return self.folder / value if value else None

    def demand_inside(self, root: Path, key: str, value: str) -> None:
        if "://" in value or not (root / value).resolve().is_relative_to(root.resolve()):
            hint = "Name it with --store, FIXBY_STORE, or in a file given by --config: the target may not choose it."
            raise self.error(key, "must be a path below the file's folder", hint)

    def error(self, key: str, problem: str, hint: str) -> ConfigurationError:
        return ConfigurationError(f"{self.file}:{_line(self.file, key)}: {key} {problem}.", hint)


def _read(file: Path) -> Mapping[str, Any]:
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"The configuration {file} cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{file} is no TOML: {error}.") from error
    values = document.get("tool", {}).get("fixby", {}) if file.name == "pyproject.toml" else document
    section = _Section(file, values)
    for key in values:
        if key not in _KEYS:
            raise section.error(key, "is no setting", f"Known are: {', '.join(_KEYS)}.")
    return section.values


def _line(file: Path, key: str) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    return next((number for number, line in enumerate(lines, 1) if re.match(rf"\s*[\"']?{key}\b", line)), 1)


def _found(target: Path) -> Path | None:
    for folder in _upward(target):
        if (folder / "fixby.toml").is_file():
            return folder / "fixby.toml"
        project = folder / "pyproject.toml"
        if project.is_file() and "[tool.fixby]" in project.read_text(encoding="utf-8", errors="replace"):
            return project
    return None


def _repository(target: Path) -> Path:
    """The checkout that the target is part of, or the target's own folder."""
    folders = _upward(target)
    return next((folder for folder in folders if (folder / ".git").exists()), folders[0])


def _upward(target: Path) -> list[Path]:
    resolved = target.resolve()
    folder = resolved.parent if resolved.is_file() else resolved
    return [folder, *folder.parents]


def _store(section: _Section, store: str) -> str:
    return store if "://" in store or not store else str(section.folder / store)


def _path(value: str | None) -> Path | None:
    return Path(value) if value else None
