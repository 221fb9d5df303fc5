"""Refactorings of a small shop of which the truth is known exactly, and what becomes of every finding.

    python benchmarks/identity/synthetic.py [CASE...]

Both versions of each case are written from lines that carry a key where something is weak; neither the scanners nor
the matching see the keys. All cases are scanned at once, each in a folder of its own, and stored as an asset of its
own. A row a case: how many findings are in both versions, how many kept their id, how many got another (split), how
many took the id of another (joined), how many were mended and did not close, and how many cannot be told apart by
anybody (identical code in identical surroundings) and do not count. Exits 1 where anything that counts is wrong.
"""

import ast
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from fixby.asset import Asset
from fixby.errors import FixbyError
from fixby.finding import Finding
from fixby.policies.policy import shipped
from fixby.query import parse
from fixby.scan import Complete, Scan
from fixby.scanners import bandit, detect_secrets, scanning, semgrep
from fixby.scanners.scanner import Scanner
from fixby.scanners.target import target
from fixby.store.database import Database
from fixby.store.ingestion import record
from fixby.store.opening import open_for_writing
from fixby.store.queries import findings
from fixby.store.terms import Occasion
from fixby.tracked import State, TrackedFinding

Value = TypeVar("Value")

SCANNERS: tuple[Scanner, ...] = (bandit, semgrep, detect_secrets)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file; where something is weak, `key` says what, in both versions of a case."""

    text: str
    key: str = ""


Lines = tuple[Line, ...]
Version = Mapping[str, Lines]
"""The files of a repository, by path."""


@dataclass(frozen=True, slots=True)
class Case:
    """Two versions of a repository; `newlines` are those of each, `ambiguous` the keys that nobody can tell apart."""

    name: str
    before: Version
    after: Version
    ambiguous: frozenset[str] = frozenset()
    newlines: tuple[str, str] = ("\n", "\n")


Truth = tuple[str, str, str]
"""What a finding really is: its scanner, its rule, and the key of where it stands."""


@dataclass(frozen=True, slots=True)
class Score:
    """What became of the findings of a case: how many are in both versions, and those that something is wrong with."""

    persisting: int
    split: tuple[Truth, ...]
    joined: tuple[Truth, ...]
    unclosed: tuple[Truth, ...]
    ambiguous: int

    @property
    def holds(self) -> bool:
        """Whether nothing that counts is wrong."""
        return not (self.split or self.joined or self.unclosed)


def main() -> None:
    """Score the cases that the arguments name, or all; exit 1 where anything is wrong."""
    start = time.monotonic()
    some = [case for case in cases() if case.name in sys.argv[1:] or len(sys.argv) == 1]
    print(f"{'case':<48} {'both':>5} {'kept':>5} {'split':>6} {'joined':>7} {'unclosed':>9} {'ambiguous':>10}")
    scores = scored(some)
    for name, score in scores.items():
        numbers = f"{score.persisting:5} {score.persisting - len(score.split):5} {len(score.split):6}"
        print(f"{name:<48} {numbers} {len(score.joined):7} {len(score.unclosed):9} {score.ambiguous:10}")
        for word in ("split", "joined", "unclosed"):
            for truth in getattr(score, word):
                print(f"    {word}: {', '.join(truth)}")
    wrong = sum(not score.holds for score in scores.values())
    print(f"{len(scores)} cases, {wrong} wrong, {time.monotonic() - start:.1f} s")
    sys.exit(1 if wrong else 0)


def cases() -> list[Case]:
    """All refactorings, each applied to a fresh copy of the shop."""
    return [
        Case(name, (before := one.before(SHOP)), one.after(before), one.ambiguous, one.newlines)
        for name, one in REFACTORINGS.items()
    ]


def scored(some: Sequence[Case], scanners: Sequence[Scanner] = SCANNERS) -> dict[str, Score]:
    """What real scanners and a real store make of the cases, by name."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        database = open_for_writing(str(folder / "fixby.db"))
        sides = [_stored(database, folder, some, scanners, side) for side in ("before", "after")]
        database.close()
    return {case.name: _score(case, *(side[case.name] for side in sides)) for case in some}


# Scanning and scoring


@dataclass(frozen=True, slots=True)
class _Side:
    """One version of a case: what the scanners saw, by truth the ids in the store, and which of all ids are open."""

    seen: frozenset[Truth]
    ids: Mapping[Truth, str]
    open: frozenset[str]


def _stored(
    database: Database, folder: Path, some: Sequence[Case], scanners: Sequence[Scanner], side: str
) -> dict[str, _Side]:
    root = folder / side
    for case in some:
        _write(root / _slug(case), getattr(case, side), case.newlines[side == "after"])
    setting = scanning.Setting(key=b"key", clock=lambda: 100, cores=os.cpu_count() or 1)
    scans = scanning.scan(target(root), scanners, setting)
    parts = {case.name: [_part(scan, f"{_slug(case)}/") for scan in scans] for case in some}
    for asset, ones in parts.items():
        for one in ones:
            at = 100 if side == "before" else 200
            occasion = Occasion(Asset(asset), "fixby", at, shipped())
            record(database, replace(one, started_at=at, finished_at=at), occasion)
    stored: defaultdict[str, list[TrackedFinding]] = defaultdict(list)
    for tracked in findings(database, parse(""), 300):
        stored[tracked.asset].append(tracked)
    return {case.name: _side(getattr(case, side), parts[case.name], stored[case.name]) for case in some}


def _slug(case: Case) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in case.name).split())


def _write(folder: Path, version: Version, newline: str = "\n") -> None:
    for path, lines in version.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(f"{line.text}\n" for line in lines), newline=newline)


def _part(scan: Scan, prefix: str) -> Scan:
    """What a scan says of one folder, as if that were all."""
    if not isinstance(scan.outcome, Complete):
        raise FixbyError(f"{scan.scanner} did not look at everything: {scan.reasons}")
    return replace(
        scan,
        findings=tuple(_moved(finding, prefix) for finding in scan.findings if finding.path.startswith(prefix)),
        coverage=replace(scan.coverage, scanned=_below(scan.coverage.scanned, prefix), excluded={}),
        outlines=_below(scan.outlines, prefix),
    )


def _moved(finding: Finding, prefix: str) -> Finding:
    places = (replace(place, path=place.path.removeprefix(prefix)) for place in finding.locations)
    return replace(finding, locations=tuple(places))


def _below(by_path: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    return {path.removeprefix(prefix): value for path, value in by_path.items() if path.startswith(prefix)}


def _side(version: Version, scans: Sequence[Scan], stored: Sequence[TrackedFinding]) -> _Side:
    seen = frozenset(_truth(version, finding) for scan in scans for finding in scan.findings)
    ids: dict[Truth, str] = {}
    for tracked in stored:
        if tracked.state is State.OPEN and not tracked.not_observed:
            truth = _truth(version, tracked.finding)
            if truth in ids:
                raise FixbyError(f"two findings stand for {truth}")
            ids[truth] = tracked.id
    return _Side(seen, ids, frozenset(tracked.id for tracked in stored if tracked.state is State.OPEN))


def _truth(version: Version, finding: Finding) -> Truth:
    place = finding.locations[0]
    first = place.line or 1
    lines = version[place.path][first - 1 : place.end_line or first]
    keys = dict.fromkeys(line.key for line in lines if line.key)
    if len(keys) != 1:
        raise FixbyError(f"{finding.scanner} found {finding.rule.id} at {place}, where the keys are {list(keys)}")
    return (finding.scanner, finding.rule.id, next(iter(keys)))


def _score(case: Case, before: _Side, after: _Side) -> Score:
    was = {id_: truth for truth, id_ in before.ids.items()}
    both = {truth for truth in before.seen & after.seen if truth[2] not in case.ambiguous}
    surely = {truth: id_ for truth, id_ in after.ids.items() if truth[2] not in case.ambiguous}
    gone = {truth for truth in before.seen - after.seen if truth[2] not in case.ambiguous}
    return Score(
        persisting=len(both),
        split=tuple(sorted(truth for truth in both if after.ids.get(truth) != before.ids[truth])),
        joined=tuple(sorted(truth for truth, id_ in surely.items() if was.get(id_, truth) != truth)),
        unclosed=tuple(sorted(truth for truth in gone if before.ids[truth] in after.open - set(after.ids.values()))),
        ambiguous=len({truth for truth in before.seen | after.seen if truth[2] in case.ambiguous}),
    )


# The shop


def _lines(text: str) -> Lines:
    """The lines of a text in which `  #: KEY` (in JavaScript `  //: KEY`) ends a weak line."""
    return tuple(Line(*line.replace("  //: ", "  #: ").split("  #: ")) for line in text.splitlines())


_COMMANDS = """\
# Commands that the shop runs on its own machine.

import subprocess  #: commands import

from shop import settings


def listing(folder):
    # The names in a folder.
    text = subprocess.check_output("ls -l " + folder, shell=True)  #: listing
    return [line.split()[-1] for line in text.decode().splitlines()]


def disk_use(folder):
    # How many kilobytes a folder takes.
    text = subprocess.check_output("du -s " + folder, shell=True)  #: disk use
    return int(text.split()[0])


class Backup:
    # Copies of the shop's data on another machine.

    def __init__(self, folder, host):
        self.folder = folder
        self.host = host

    def pack(self, name):
        print("packing", name)
        subprocess.call("tar czf " + name + " " + self.folder, shell=True)  #: pack
        return name

    def send(self, name):
        print("sending", name)
        subprocess.call("scp " + name + " " + self.host + ":", shell=True)  #: send
        subprocess.call("rm " + name, shell=True)  #: remove
        return settings.KEEP
"""

_FORMULAS = """\
# Prices and discounts that the owner of the shop writes as formulas.


def price(formula, product):
    # The price of a product.
    names = {"cost": product.cost, "weight": product.weight}
    value = eval(formula, names)  #: price
    return round(value, 2)


def discount(formula, customer):
    # What a customer need not pay.
    names = {"orders": customer.orders, "since": customer.since}
    value = eval(formula, names)  #: discount
    return min(value, 50)


def shipping(rule, parcel):
    # What it costs to send a parcel.
    exec(rule, {"parcel": parcel})  #: shipping
    return parcel.cost
"""

_STORAGE = """\
# What the shop keeps between two runs.

import hashlib
import pickle  #: storage import
import random
import tempfile


class Cache:
    # Things by name, in one file.

    def __init__(self, path):
        self.path = path

    def load(self):
        with open(self.path, "rb") as file:
            return pickle.load(file)  #: load

    def name(self, key):
        return hashlib.md5(key.encode()).hexdigest()  #: name

    def scratch(self):
        return tempfile.mktemp(suffix=".cache")  #: scratch


def restored(text):
    # What was dumped as bytes.
    return pickle.loads(text)  #: restored


def checksum(content):
    digest = hashlib.sha1(content)  #: checksum
    return digest.hexdigest()


def token(length):
    return "".join(random.choice("abcdef") for _ in range(length))  #: token


def sample(orders):
    return random.sample(orders, 10)  #: sample
"""

_ORDERS = """\
# Orders in the database.


def by_customer(database, name):
    # The orders of a customer.
    query = "SELECT * FROM orders WHERE customer = '%s'" % name  #: by customer
    return database.execute(query).fetchall()  #: by customer run


def by_day(database, day):
    # The orders of a day.
    query = "SELECT * FROM orders WHERE day = '%s'" % day  #: by day
    return database.execute(query).fetchall()  #: by day run


def forget(database, name):
    assert name  #: forget
    database.execute("DELETE FROM orders WHERE customer = '" + name + "'")  #: delete


def total(database, name):
    assert name  #: total
    return sum(order.price for order in by_customer(database, name))
"""

_REMOTE = """\
# What the shop asks of others.

import requests
import yaml


def rates(url):
    # What currencies are worth today.
    answer = requests.get(url, verify=False, timeout=10)  #: rates
    return answer.json()


def stock(url, article):
    # How many of an article the wholesaler has.
    answer = requests.get(url, params={"article": article}, timeout=None)  #: stock
    return answer.json()["count"]


def catalogue(path):
    with open(path) as file:
        return yaml.load(file)  #: catalogue


def quietly(action):
    try:
        action()
    except Exception:  #: quietly
        pass
"""

_WEB = """\
# The pages of the shop.

import os

from flask import Flask

app = Flask(__name__)


def serve(port):
    app.run(host="0.0.0.0", port=port)  #: serve


def clean(name):
    os.system("rm -r /srv/shop/" + name)  #: clean


def restart(name):
    os.system("systemctl restart " + name)  #: restart


def upload(content):
    with open("/tmp/upload", "wb") as file:  #: upload
        file.write(content)
"""

_SETTINGS = """\
# Where things are.

KEEP = 30
DATABASE = "shop"
database_password = "rose garden in june"  #: database password
mail_password = "nine green bottles"  #: mail password
TIMEOUT = 10
"""

_PAGE = """\
const crypto = require("crypto");
const { exec } = require("child_process");

function list(folder) {
  exec("ls " + folder);  //: page list
}

function empty(folder) {
  exec("rm " + folder + "/*");  //: page empty
}

function digest(password) {
  return crypto.createHash("md5").update(password).digest("hex");  //: page digest
}

module.exports = { list, empty, digest };
"""

SHOP: Version = {
    "shop/commands.py": _lines(_COMMANDS),
    "shop/formulas.py": _lines(_FORMULAS),
    "shop/orders.py": _lines(_ORDERS),
    "shop/remote.py": _lines(_REMOTE),
    "shop/settings.py": _lines(_SETTINGS),
    "shop/storage.py": _lines(_STORAGE),
    "shop/web/__init__.py": _lines(_WEB),
    "web/page.js": _lines(_PAGE),
}


# How to change it


Change = Callable[[Version], Version]


def _same(version: Version) -> Version:
    return version


@dataclass(frozen=True, slots=True)
class _Refactoring:
    """What to do to the shop; `before` is done to the older version, where not the shop itself is to be that."""

    after: Change
    before: Change = _same
    ambiguous: frozenset[str] = frozenset()
    newlines: tuple[str, str] = ("\n", "\n")


def _all(*changes: Change) -> Change:
    def change(version: Version) -> Version:
        for one in changes:
            version = one(version)
        return version

    return change


def _renamed(before: str, after: str) -> Change:
    """Files whose path begins so get another beginning."""
    return lambda version: {
        after + path.removeprefix(before) if path.startswith(before) else path: lines for path, lines in version.items()
    }


def _without(path: str) -> Change:
    return lambda version: {name: lines for name, lines in version.items() if name != path}


def _written(path: str, text: str) -> Change:
    return lambda version: {**version, path: _lines(text)}


def _copied(path: str, copy: str) -> Change:
    return lambda version: {**version, copy: _other(version[path])}


def _other(lines: Lines) -> Lines:
    """The same lines as something else."""
    return tuple(replace(line, key=line.key and f"{line.key}, copied") for line in lines)


def _changed(path: str, change: Callable[[Lines], Lines]) -> Change:
    return lambda version: {**version, path: change(version[path])}


def _put(path: str, text: str, *, before: str = "") -> Change:
    """Lines above the one that begins so, or at the end of the file."""
    return _changed(path, lambda lines: _inserted(lines, _lines(text), _index(lines, before) if before else len(lines)))


def _inserted(lines: Lines, some: Lines, index: int) -> Lines:
    return (*lines[:index], *some, *lines[index:])


def _index(lines: Lines, beginning: str) -> int:
    """The first line that begins so, white space apart."""
    return next(number for number, line in enumerate(lines) if line.text.strip().startswith(beginning))


def _replaced(path: str, before: str, after: str, count: int = -1) -> Change:
    """Text within lines, which stay what they are."""

    def change(lines: Lines) -> Lines:
        done = tuple(replace(line, text=line.text.replace(before, after, count)) for line in lines)
        if done == lines:
            raise FixbyError(f"{path} has no {before!r}")
        return done

    return _changed(path, change)


def _rewritten(path: str, key: str, text: str) -> Change:
    """Other lines in the place of the one of a key."""
    return _changed(
        path, lambda lines: tuple(new for line in lines for new in (_lines(text) if line.key == key else (line,)))
    )


def _as_it_is(lines: Lines) -> Lines:
    return lines


def _extent(lines: Lines, head: str) -> slice:
    """The function or class that begins so, with the empty lines below it."""
    start = _index(lines, head)
    depth = _depth(lines[start])
    inside = (
        number for number in range(start + 1, len(lines)) if lines[number].text and _depth(lines[number]) <= depth
    )
    return slice(start, next(inside, len(lines)))


def _depth(line: Line) -> int:
    return len(line.text) - len(line.text.lstrip())


def _cut(path: str, head: str) -> Change:
    """Without a function or class."""

    def change(lines: Lines) -> Lines:
        extent = _extent(lines, head)
        return (*lines[: extent.start], *lines[extent.stop :])

    return _changed(path, change)


def _taken(origin: str, head: str, path: str, *, before: str = "", how: Callable[[Lines], Lines] = _as_it_is) -> Change:
    """A function of one file in another (or the same) as well, above the line that begins so or at the end."""

    def change(version: Version) -> Version:
        lines, into = version[origin], version.get(path, ())
        block = (*_stripped(lines[_extent(lines, head)]), Line(""), Line(""))
        index = _index(into, before) if before else len(into)
        gap = () if before or not into else (Line(""), Line(""))
        return {**version, path: _inserted(into, (*gap, *how(block)), index)}

    return change


def _stripped(lines: Lines) -> Lines:
    end = max(number for number, line in enumerate(lines) if line.text) + 1
    return lines[:end]


def _transferred(origin: str, head: str, path: str, *, before: str = "") -> Change:
    """A function of one file in another instead."""
    if origin == path:
        return _all(
            _taken(origin, head, "aside"),
            _cut(origin, head),
            _taken("aside", head, path, before=before),
            _without("aside"),
        )
    return _all(_taken(origin, head, path, before=before), _cut(origin, head))


def _wrapped(path: str, first: str, last: str, opening: str) -> Change:
    """The lines from the one that begins so to the one that begins so, inside a block."""

    def change(lines: Lines) -> Lines:
        start, end = _index(lines, first), _index(lines, last) + 1
        margin = " " * _depth(lines[start])
        inside = (replace(line, text=line.text and f"    {line.text}") for line in lines[start:end])
        return (*lines[:start], Line(margin + opening), *inside, *lines[end:])

    return _changed(path, change)


def _formatted(*settings: str) -> Change:
    """As `ruff format` writes it under some settings."""

    def change(version: Version) -> Version:
        with TemporaryDirectory() as name:
            _write(Path(name), version)
            options = [part for one in (*_ALONE, *settings) for part in ("--config", one)]
            ruff = Path(sys.executable).with_name("ruff")
            subprocess.run([ruff, "format", "--quiet", "--isolated", *options, name], check=True)
            return {
                path: _followed(lines, (Path(name) / path).read_text()) if path.endswith(".py") else lines
                for path, lines in version.items()
            }

    return change


_ALONE = ("format.skip-magic-trailing-comma = true",)


def _followed(lines: Lines, text: str) -> Lines:
    """The lines of a text of the same meaning: whatever begins in a line of a key keeps it."""
    old, new = _nodes("\n".join(line.text for line in lines)), _nodes(text)
    if len(old) != len(new):
        raise FixbyError("the formatter changed the meaning")
    keys = {
        number: lines[before.start - 1].key
        for before, after in zip(old, new, strict=True)
        if lines[before.start - 1].key
        for number in after
    }
    return tuple(Line(line, keys.get(number, "")) for number, line in enumerate(text.splitlines(), start=1))


def _nodes(text: str) -> list[range]:
    """The lines of each node of the syntax tree; of a statement that has a body those of its head."""
    return [range(node.lineno, _end(node)) for node in ast.walk(ast.parse(text)) if hasattr(node, "lineno")]


def _end(node: ast.AST) -> int:
    body = getattr(node, "body", None)
    last: int = max(node.lineno + 1, body[0].lineno) if isinstance(body, list) else node.end_lineno + 1  # type: ignore[attr-defined]
    return last


def _sloppy(version: Version) -> Version:
    """Without the spaces that a formatter sets."""
    return {
        path: tuple(replace(line, text=line.text.replace(" + ", "+").replace(", ", ",")) for line in lines)
        for path, lines in version.items()
    }


def _swapped(path: str, first: str, second: str) -> Change:
    """Two lines in each other's place, by their keys."""

    def change(lines: Lines) -> Lines:
        by_key = {line.key: line for line in lines}
        other = {first: by_key[second], second: by_key[first]}
        return tuple(other.get(line.key, line) for line in lines)

    return _changed(path, change)


def _named(before: str, after: str) -> Callable[[Lines], Lines]:
    """A copy under another name."""
    return lambda lines: tuple(replace(line, text=line.text.replace(before, after)) for line in _other(lines))


COMMANDS, FORMULAS, ORDERS, STORAGE = "shop/commands.py", "shop/formulas.py", "shop/orders.py", "shop/storage.py"
SETTINGS, WEB, PAGE = "shop/settings.py", "shop/web/__init__.py", "web/page.js"

_WRAPPED_CALL = """\
        subprocess.call(  #: pack
            "tar czf " + name + " " + self.folder,  #: pack
            shell=True,  #: pack
        )  #: pack
"""

_USERS = """

def users(host):
    print("asking", host)
    found = subprocess.check_output("who " + host, shell=True)  #: users
    return found.split()
"""

_AGAIN = """

def refreshed(folder):
    text = subprocess.check_output("ls -l " + folder, shell=True)  #: again
    return text.decode().splitlines()
"""

_SAME_BEFORE = """\
def raw(folder):
    text = subprocess.check_output("ls -l " + folder, shell=True)  #: raw
    return text.decode()


"""

_ARTICLES = """\
# Articles in the database.


def article(database, number):
    return database.execute("SELECT name, price FROM articles WHERE id = '%s'" % number).fetchone()  #: article
"""

_TEMPLATES = """\
# Letters with gaps to fill.


def render(template, customer):
    return eval("f" + repr(template), {"customer": customer})  #: render
"""

_DROP = """
    def drop(self, name):
        subprocess.call("rm " + name, shell=True)  #: remove
"""

_DROPPED = """

def dropped(path):
    subprocess.call("rm " + path, shell=True)  #: remove
"""

_SAFE_LISTING = "    text = b'' if folder is None else bytes(folder)"

_COMMENTS = "# Written by the owner of the shop.\n" * 40

_LISTING = '    text = subprocess.check_output("ls -l " + folder, shell=True{})  #: listing'

_NARROW, _WIDE = _formatted("line-length = 40"), _formatted("line-length = 110")
_SINGLE, _TABS = _formatted('format.quote-style = "single"'), _formatted('format.indent-style = "tab"')

REFACTORINGS = {
    "nothing": _Refactoring(_same),
    "a file renamed": _Refactoring(_renamed(COMMANDS, "shop/maintenance.py")),
    "a folder renamed": _Refactoring(_renamed("shop/", "store/")),
    "a script's folder renamed": _Refactoring(_renamed("web/", "static/")),
    "the names of two files swapped": _Refactoring(
        _all(_renamed(FORMULAS, "aside"), _renamed(ORDERS, FORMULAS), _renamed("aside", ORDERS))
    ),
    "a file renamed and edited": _Refactoring(
        _all(
            _replaced(COMMANDS, '"ls -l "', '"ls -la "'),
            _put(COMMANDS, _COMMENTS, before="import"),
            _renamed(COMMANDS, "shop/maintenance.py"),
        )
    ),
    "a file renamed and another in its place": _Refactoring(
        _all(_renamed(ORDERS, "shop/sales.py"), _written(ORDERS, _ARTICLES))
    ),
    "a file copied": _Refactoring(_copied(ORDERS, "shop/purchases.py")),
    "a file copied under an earlier name": _Refactoring(_copied(ORDERS, "shop/archive.py")),
    "a file of which a copy stays renamed": _Refactoring(
        _renamed(ORDERS, "shop/sales.py"), before=_copied(ORDERS, "shop/purchases.py")
    ),
    "a file of which a copy stays deleted": _Refactoring(_without(ORDERS), before=_copied(ORDERS, "shop/purchases.py")),
    "a file deleted and another written": _Refactoring(
        _all(_without(FORMULAS), _written("shop/letters.py", _TEMPLATES))
    ),
    "a file deleted": _Refactoring(_without(FORMULAS)),
    "a file split in two": _Refactoring(
        _all(
            _transferred(FORMULAS, "def discount", "shop/discounts.py"),
            _transferred(FORMULAS, "def shipping", "shop/discounts.py"),
        )
    ),
    "two files joined": _Refactoring(
        _all(
            _transferred(FORMULAS, "def price", ORDERS),
            _transferred(FORMULAS, "def discount", ORDERS),
            _transferred(FORMULAS, "def shipping", ORDERS),
            _without(FORMULAS),
        )
    ),
    "a function moved to another file": _Refactoring(
        _all(
            _transferred(STORAGE, "def restored", ORDERS), _put(ORDERS, "import pickle  #: orders import", before="def")
        )
    ),
    "a function moved to a new file": _Refactoring(
        _all(
            _written("shop/disk.py", "import subprocess  #: disk import"),
            _transferred(COMMANDS, "def disk_use", "shop/disk.py"),
        )
    ),
    "a class moved to a new file": _Refactoring(
        _all(
            _written("shop/cache.py", "import hashlib\nimport pickle  #: cache import\nimport tempfile"),
            _transferred(STORAGE, "class Cache", "shop/cache.py"),
        )
    ),
    "a function moved within its file": _Refactoring(_transferred(STORAGE, "def token", STORAGE, before="class")),
    "a function of a script moved": _Refactoring(_transferred(PAGE, "function empty", PAGE, before="function list")),
    "two functions swapped": _Refactoring(_transferred(ORDERS, "def by_day", ORDERS, before="def by_customer")),
    "two functions of one code swapped": _Refactoring(
        _transferred(FORMULAS, "def discount", FORMULAS, before="def price")
    ),
    "two like statements swapped": _Refactoring(_swapped(COMMANDS, "send", "remove")),
    "statements put under a condition": _Refactoring(
        _wrapped(COMMANDS, 'subprocess.call("scp', 'subprocess.call("rm', "if name:")
    ),
    "a statement put under a with": _Refactoring(
        _wrapped(COMMANDS, "text = subprocess", "text = subprocess", "with settings.LOCK:")
    ),
    "functions put into a class": _Refactoring(
        _wrapped(FORMULAS, "def price", "return parcel.cost", "class Formulas:")
    ),
    "a call split over lines": _Refactoring(_rewritten(COMMANDS, "pack", _WRAPPED_CALL)),
    "a call joined from lines": _Refactoring(lambda _: SHOP, before=_rewritten(COMMANDS, "pack", _WRAPPED_CALL)),
    "all lines wrapped": _Refactoring(_NARROW, before=_WIDE),
    "all lines joined": _Refactoring(_WIDE, before=_NARROW),
    "formatted for the first time": _Refactoring(_WIDE, before=_sloppy),
    "other quotation marks": _Refactoring(_WIDE, before=_SINGLE),
    "tabs to spaces": _Refactoring(_WIDE, before=_TABS),
    "spaces to tabs": _Refactoring(_TABS, before=_WIDE),
    "lines end in CRLF": _Refactoring(_same, newlines=("\n", "\r\n")),
    "lines end in LF again": _Refactoring(_same, newlines=("\r\n", "\n")),
    "lines above": _Refactoring(
        _all(*(_changed(path, lambda lines: (*_lines(_COMMENTS), *lines)) for path in SHOP if path.endswith(".py")))
    ),
    "a like one before": _Refactoring(
        _put(COMMANDS, '    subprocess.check_output("sync " + folder, shell=True)  #: sync', before="text = ")
    ),
    "a like one after": _Refactoring(
        _put(COMMANDS, '    subprocess.check_output("sync " + folder, shell=True)  #: sync', before="return [line")
    ),
    "a like one between": _Refactoring(
        _put(
            COMMANDS, '        subprocess.call("sync " + self.host, shell=True)  #: sync', before='subprocess.call("rm'
        )
    ),
    "the same one in a function above": _Refactoring(_put(COMMANDS, _SAME_BEFORE, before="def listing")),
    "the same one in a function below": _Refactoring(_put(COMMANDS, _SAME_BEFORE, before="def disk_use")),
    "the same one right beside": _Refactoring(
        _rewritten(
            COMMANDS,
            "remove",
            '        subprocess.call("rm " + name, shell=True)  #: remove\n'
            '        subprocess.call("rm " + name, shell=True)  #: twin',
        ),
        ambiguous=frozenset({"remove", "twin"}),
    ),
    "one of two of the same beside each other removed": _Refactoring(
        lambda _: SHOP,
        before=_rewritten(
            COMMANDS,
            "remove",
            '        subprocess.call("rm " + name, shell=True)  #: remove\n'
            '        subprocess.call("rm " + name, shell=True)  #: twin',
        ),
        ambiguous=frozenset({"remove", "twin"}),
    ),
    "a method extracted": _Refactoring(
        _all(_rewritten(COMMANDS, "remove", "        self.drop(name)"), _put(COMMANDS, _DROP))
    ),
    "a function extracted with other names": _Refactoring(
        _all(_rewritten(COMMANDS, "remove", "        dropped(name)"), _put(COMMANDS, _DROPPED)),
        ambiguous=frozenset({"remove"}),
    ),
    "a function copied below": _Refactoring(_taken(FORMULAS, "def price", FORMULAS, how=_named("price", "cost_of"))),
    "a function copied above": _Refactoring(
        _taken(FORMULAS, "def price", FORMULAS, before="def price", how=_named("price", "cost_of"))
    ),
    "a function copied to another file": _Refactoring(_taken(FORMULAS, "def price", ORDERS, how=_other)),
    "a function copied to a file before": _Refactoring(_taken(FORMULAS, "def price", COMMANDS, how=_other)),
    "an argument changed": _Refactoring(_replaced(COMMANDS, '"ls -l "', '"ls -la "')),
    "an argument of a script changed": _Refactoring(_replaced(PAGE, '"rm "', '"rm -f "')),
    "a variable renamed": _Refactoring(_replaced(COMMANDS, "folder", "directory")),
    "a result renamed": _Refactoring(
        _all(_replaced(FORMULAS, "value = ", "result = "), _replaced(FORMULAS, "(value", "(result"))
    ),
    "a keyword added": _Refactoring(_rewritten(COMMANDS, "listing", _LISTING.format(", timeout=60"))),
    "a comment added": _Refactoring(
        _rewritten(COMMANDS, "listing", _LISTING.format("").replace("  #: ", "  # quick enough  #: "))
    ),
    "a function renamed": _Refactoring(_replaced(FORMULAS, "def price", "def price_of")),
    "types added": _Refactoring(_replaced(COMMANDS, "(folder)", "(folder: str) -> object")),
    "a secret's name changed": _Refactoring(_replaced(SETTINGS, "mail_password", "smtp_password")),
    "a secret moved to a new file": _Refactoring(
        _all(
            _rewritten(SETTINGS, "mail password", ""),
            _written("shop/mail.py", 'mail_password = "nine green bottles"  #: mail password'),
        )
    ),
    "the first of two of one code mended": _Refactoring(_rewritten(FORMULAS, "price", "    value = names[formula]")),
    "the second of two of one code mended": _Refactoring(
        _rewritten(FORMULAS, "discount", "    value = names[formula]")
    ),
    "the first of two like ones mended": _Refactoring(_rewritten(COMMANDS, "send", "        print(self.host)")),
    "the second of two like ones mended": _Refactoring(_rewritten(COMMANDS, "remove", "        print(self.host)")),
    "one mended and a like one in another file": _Refactoring(
        _all(
            _rewritten(WEB, "clean", "    (app.root / name).unlink()"),
            _put(ORDERS, '\n\ndef printed(name):\n    os.system("lpr " + name)  #: printed'),
        )
    ),
    "one mended and a like one in another function": _Refactoring(
        _all(_rewritten(COMMANDS, "listing", _SAFE_LISTING), _put(COMMANDS, _USERS))
    ),
    "one mended and the same in another function": _Refactoring(
        _all(_rewritten(COMMANDS, "listing", _SAFE_LISTING), _put(COMMANDS, _AGAIN)),
        ambiguous=frozenset({"listing", "again"}),
    ),
    "one commented out": _Refactoring(_rewritten(WEB, "clean", "    # os.system(...)\n    return name")),
    "all of it at once": _Refactoring(
        _all(
            _NARROW,
            _renamed("shop/", "store/"),
            _changed("store/commands.py", lambda lines: (*_lines(_COMMENTS), *lines)),
        ),
        before=_WIDE,
    ),
}
"""What is done to the shop, by name."""


if __name__ == "__main__":
    main()
