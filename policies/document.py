"""A TOML file that knows where each of its keys stands, so that an error can name file, line and key."""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import TypeVar

from fixby.errors import ConfigurationError

Value = TypeVar("Value")
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a document: `key` leads to it from the top, with a number from 0 for a table of an array."""

    source: str
    toml: str
    key: Key
    values: Mapping[str, object]

    def demand_only(self, *known: str) -> None:
        """Raises `ConfigurationError` for a key that is not among the known ones."""
        for name in self.values:
            if name not in known:
                raise self.error(name, "is not known", f"Known here: {', '.join(known)}.")

    def read(self, name: str, convert: Callable[[object], Value], hint: str) -> Value:
        """The converted value of a key; `hint` says what to write.

        `convert` refuses a value with a `TypeError` or `ValueError` that says why. Raises `ConfigurationError` then,
        and where the key is missing.
        """
        if name not in self.values:
            raise self.error(name, "is missing", hint)
        try:
            return convert(self.values[name])
        except (TypeError, ValueError) as error:
            raise self.error(name, f"is wrong: {error}", hint) from error

    def read_or(self, default: Value, name: str, convert: Callable[[object], Value], hint: str) -> Value:
        """The converted value of a key, as `read` has it, or the default where the key is missing."""
        return self.read(name, convert, hint) if name in self.values else default

    def table(self, name: str) -> "Table":
        """The table under a key. Raises `ConfigurationError` where there is none."""
        return self._child((name,), self.read(name, _table, f"Write a section [{self._dotted(name)}]."))

    def tables(self, name: str) -> list["Table"]:
        """The tables of an array, at least one. Raises `ConfigurationError` where there is none."""
        some = self.read(name, _tables, f"Write one section [[{self._dotted(name)}]] or more.")
        return [self._child((name, str(number)), values) for number, values in enumerate(some)]

    def error(self, name: str, problem: str, hint: str) -> ConfigurationError:
        """An error about a key of this table, for the caller to raise."""
        return ConfigurationError(f"{self.source}:{self._line(name)}: {self._dotted(name)} {problem}.", hint)

    def where(self, name: str) -> str:
        """The line and the key, for people: `line 24: sla.windows.high`."""
        return f"line {self._line(name)}: {self._dotted(name)}"

    def digest(self) -> str:
        """The SHA-256 of what is written, whatever the comments and the layout."""
        return sha256(dumps(self.values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    def _child(self, key: Key, values: Mapping[str, object]) -> "Table":
        return Table(self.source, self.toml, (*self.key, *key), values)

    def _line(self, name: str) -> int:
        return _line(self.toml, (*self.key, name))

    def _dotted(self, name: str) -> str:
        return ".".join([*(part for part in self.key if not part.isdigit()), name])


def document(toml: str, source: str) -> Table:
    """The top table of a TOML text, which errors call `source`. Raises `ConfigurationError` where it is no TOML."""
    try:
        return Table(source, toml, (), tomllib.loads(toml))
    except (ValueError, RecursionError) as error:  # a number of too many digits, brackets that are too deep
        hint = 'Each key stands once, as in name = "value", and sections begin with [section].'
        raise ConfigurationError(f"{source} is no TOML: {error}.", hint) from error


def read_text(file: Path) -> str:
    """The content of a file. Raises `ConfigurationError` where it cannot be read or is not UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.", "Name a file that can be.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 at byte {error.start}.", "Save it as UTF-8.") from error


def text(value: object) -> str:
    """A text that is not blank. Raises `TypeError` or `ValueError`."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    if not value.strip():
        raise ValueError("it is empty")
    return value


def texts(value: object) -> tuple[str, ...]:
    """A list of texts, none of them twice. Raises `TypeError` or `ValueError`."""
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    some = tuple(text(item) for item in value)
    if len(set(some)) < len(some):
        raise ValueError("it names something twice")
    return some


def whole(value: object) -> int:
    """A whole number, not less than nothing. Raises `TypeError` or `ValueError`."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no whole number")
    if value < 0:
        raise ValueError("it is less than nothing")
    return value


def _table(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise TypeError("it is no section")
    return value


def _tables(value: object) -> list[Mapping[str, object]]:
    if not isinstance(value, list):
        raise TypeError("it is no list of sections")
    if not value:
        raise ValueError("it is empty")
    return [_table(item) for item in value]


def _line(toml: str, key: Key) -> int:
    """The number of the line where a key stands, or else of the innermost section that it belongs to."""
    _, line = max(((len(place), -line) for line, place in _places(toml) if key[: len(place)] == place), default=(0, -1))
    return -line


def _places(toml: str) -> Iterator[tuple[int, Key]]:
    """The lines that begin a section or give a key its value, each with the key that it is about."""
    section: Key = ()
    seen: Counter[Key] = Counter()
    for number, line in enumerate(toml.split("\n"), start=1):
        if header := _HEADER.match(line):
            section = _section(_parts(header["key"]), seen, begins_one=header["array"] is not None)
            yield number, section
        elif assignment := _ASSIGNMENT.match(line):
            yield number, (*section, *_parts(assignment["key"]))


def _section(parts: Key, seen: Counter[Key], *, begins_one: bool) -> Key:
    """The key of a section: what lies in an array belongs to the last table of it that was seen."""
    key: Key = ()
    for position, part in enumerate(parts, start=1):
        key = (*key, part)
        if begins_one and position == len(parts):
            seen[key] += 1
        if key in seen:
            key = (*key, str(seen[key] - 1))
    return key


def _parts(key: str) -> Key:
    return tuple(part.strip(" \t\"'") for part in key.split("."))


_HEADER = re.compile(r"\s*\[(?P<array>\[)?(?P<key>[^\]]+)\]")
_ASSIGNMENT = re.compile(r"\s*(?P<key>[\w \t.\"'-]+?)\s*=")
