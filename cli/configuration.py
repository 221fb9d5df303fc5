"""What a user configured: `fixby.toml` or `[tool.fixby]` in `pyproject.toml`, with `FIXBY_*` variables over it.

The file is found from the target upward. It lies in what is scanned and so is not trusted with everything: its store
and its allowed signers must lie below it, and what it excludes is counted and shown. A file that the caller names may
say anything; then the target's own is not read.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fixby.asset import Asset
from fixby.cli.output import printable
from fixby.errors import ConfigurationError, UsageError
from fixby.policies.document import Table, document, read_text, text, texts
from fixby.sla.duration import HINT, duration

_WEEK = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Configuration:
    """Where things are and what is to be run. `root` is the folder from which paths of findings are told.

    `sites` are read where they are visited; their files are told from `folder`, and what opens networks or gives
    credentials away is taken only where the caller named the file: where it is `trusted`. `advisories_url` is where
    advisories are published, empty for OSV itself; kept ones are too old after `advisories_max_age` seconds.
    """

    root: Path
    asset: Asset
    store: str
    scanners: tuple[str, ...]
    exclude: tuple[str, ...]
    rules: tuple[Path, ...]
    advisories: Path | None
    policy: Path | None
    gate: Path | None
    allowed_signers: Path | None
    sites: tuple[Table, ...] = ()
    folder: Path = Path()
    trusted: bool = False
    database_age: int | None = None
    advisories_url: str = ""
    advisories_max_age: int = _WEEK


def configuration(target: Path, named: Path | None, environment: Mapping[str, str]) -> Configuration:
    """The configuration for a target. Raises `ConfigurationError` with file, line and key, or `UsageError`."""
    named = named or _named(environment)
    file = named or _found(target)
    settings = _Settings(_section(file) if file else _NOTHING, file.parent if file else Path(), environment)
    root = file.parent if file and not named else _repository(target)
    longest = settings.age("advisories_max_age", _WEEK, trusted=named is not None)
    return Configuration(
        root=root,
        asset=settings.asset(root),
        store=environment.get("FIXBY_STORE") or settings.store(root, trusted=named is not None),
        scanners=settings.scanners(),
        exclude=settings.texts("exclude"),
        rules=tuple(settings.existing("rules", rule) for rule in settings.texts("rules")),
        advisories=settings.path("advisories"),
        policy=settings.path("policy"),
        gate=settings.path("gate"),
        allowed_signers=settings.allowed_signers(root, trusted=named is not None),
        sites=settings.sites(),
        folder=settings.folder,
        trusted=named is not None,
        database_age=settings.age("database_age", _LONGEST_AGE, trusted=named is not None),
        advisories_url=settings.advisories_url(trusted=named is not None),
        advisories_max_age=_WEEK if longest is None else longest,
    )


_KEYS = (
    *("advisories", "advisories_max_age", "advisories_url", "allowed_signers", "asset", "database_age", "exclude"),
    *("exposure", "gate", "policy", "rules", "scanners", "sites", "store", "tags", "team", "tier"),
)
_LONGEST_AGE = 5 * 86400
_NOTHING = Table("", "", (), {})


@dataclass(frozen=True, slots=True)
class _Settings:
    """A section of a configuration file, the folder from which its paths are told, and the variables over it."""

    section: Table
    folder: Path
    environment: Mapping[str, str]

    def asset(self, root: Path) -> Asset:
        name = self.text("asset") or printable(root.resolve().name) or "root"
        tags = tuple(sorted(self.texts("tags")))
        return Asset(name, self.text("tier"), self.text("exposure"), tags, self.text("team"))

    def text(self, key: str) -> str:
        return self.environment.get(_variable(key)) or self._read(key)

    def texts(self, key: str) -> tuple[str, ...]:
        if key not in self.section.values:
            return ()
        return self.section.read(key, texts, f'Write {key} = ["...", "..."].')

    def scanners(self) -> tuple[str, ...]:
        names = self.texts("scanners")
        if not names:
            return names
        from fixby.scanners.registry import NAMES  # noqa: PLC0415 - most configurations name none

        for name in names:
            if name not in NAMES:
                raise self.section.error("scanners", f"names {name!r}, which is none", f"Known: {', '.join(NAMES)}.")
        return names

    def age(self, key: str, longest: int, *, trusted: bool) -> int | None:
        """How many seconds old something may be; the target may shorten that, not lengthen it beyond `longest`."""
        age = self.duration(key)
        if age is None or age <= longest or trusted or self.environment.get(_variable(key)):
            return age
        hint = f"Use {_variable(key)} or a file given by --config: the target may not choose it."
        raise self.section.error(key, f"is longer than {longest // 86400}d", hint)

    def sites(self) -> tuple[Table, ...]:
        return tuple(self.section.tables("sites")) if "sites" in self.section.values else ()

    def path(self, key: str) -> Path | None:
        if value := self.environment.get(_variable(key)):
            return existing(Path(value), _variable(key))
        value = self._read(key)
        return self.existing(key, value) if value else None

    def allowed_signers(self, root: Path, *, trusted: bool) -> Path | None:
        """The file of allowed signers. It goes into evidence: the target may not name one outside of itself."""
        found = self.path("allowed_signers")
        trusted = trusted or bool(self.environment.get(_variable("allowed_signers")))
        if found is None or trusted or found.resolve().is_relative_to(root.resolve()):
            return found
        hint = "Name it in FIXBY_ALLOWED_SIGNERS, or in a file given by --config: the target may not choose it."
        raise self.section.error("allowed_signers", "must be a file below the file's folder", hint)

    def advisories_url(self, *, trusted: bool) -> str:
        """Where advisories are published: the target may not say whom to believe, nor whom to ask."""
        if value := self.environment.get(_variable("advisories_url")):
            return value
        value = self._read("advisories_url")
        if value and not trusted:
            hint = "Name it in FIXBY_ADVISORIES_URL, or in a file given by --config: the target may not choose it."
            raise self.section.error("advisories_url", "is not for the target to say", hint)
        return value

    def duration(self, key: str) -> int | None:
        """The seconds of a length of time; None where nobody says it."""
        if value := self.environment.get(_variable(key)):
            try:
                return duration(value)
            except ValueError as error:
                raise UsageError(f"{_variable(key)}: {error}.", HINT) from error
        if key not in self.section.values:
            return None
        return self.section.read(key, lambda value: duration(text(value)), HINT)

    def existing(self, key: str, value: str) -> Path:
        path = self.folder / value
        if not path.exists():
            raise self.section.error(key, f"names {path}, which does not exist", f"Paths are told from {self.folder}.")
        return path

    def store(self, root: Path, *, trusted: bool) -> str:
        """The store that the file names, or `.fixby/fixby.db`; the target may not lead it out of itself."""
        named = self._read("store")
        if trusted and named:
            return named if "://" in named else str(self.folder / named)
        path = root / (named or ".fixby/fixby.db")
        if "://" not in named and path.resolve().is_relative_to(root.resolve()):
            return str(path)
        hint = "Name it with --store, FIXBY_STORE, or in a file given by --config: the target may not choose it."
        if named:
            raise self.section.error("store", "must be a path below the file's folder", hint)
        raise ConfigurationError(f"The store {path} is led out of {root} by a link.", hint)

    def _read(self, key: str) -> str:
        return self.section.read(key, text, f'Write {key} = "...".') if key in self.section.values else ""


def existing(path: Path, what: str) -> Path:
    """The path, if there is something. Raises `UsageError` that names what was given it: an option, a variable."""
    if not path.exists():
        raise UsageError(f"{what}: {path} does not exist.", "Name a file or folder that does.")
    return path


def _section(file: Path) -> Table:
    section = document(read_text(file), str(file))
    if file.name == "pyproject.toml":
        section = section.table("tool").table("fixby")
    section.demand_only(*_KEYS)
    return section


def _found(target: Path) -> Path | None:
    for folder in _upward(target):
        if (folder / "fixby.toml").is_file():
            return folder / "fixby.toml"
        project = folder / "pyproject.toml"
        if project.is_file() and _is_for_us(project):
            return project
    return None


def _is_for_us(project: Path) -> bool:
    """Whether a `pyproject.toml` has a section for us; a damaged one counts where it seems to."""
    try:
        content = project.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise ConfigurationError(f"{project} cannot be read: {error.strerror}.") from error
    try:
        tools = tomllib.loads(content).get("tool") if "fixby" in content else None
    except tomllib.TOMLDecodeError:
        return "[tool.fixby]" in content
    return isinstance(tools, dict) and "fixby" in tools


def _repository(target: Path) -> Path:
    """The checkout that the target is part of, or the target's own folder."""
    folders = _upward(target)
    return next((folder for folder in folders if (folder / ".git").exists()), folders[0])


def _upward(target: Path) -> list[Path]:
    resolved = target.resolve()
    folder = resolved.parent if resolved.is_file() else resolved
    return [folder, *folder.parents]


def _named(environment: Mapping[str, str]) -> Path | None:
    value = environment.get("FIXBY_CONFIG")
    return Path(value) if value else None


def _variable(key: str) -> str:
    return f"FIXBY_{key.upper()}"
