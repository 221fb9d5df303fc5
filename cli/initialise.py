"""`fixby init`: a commented configuration and an empty store."""

from pathlib import Path

from fixby.cli.output import emit
from fixby.cli.place import Place, writing
from fixby.errors import UsageError
from fixby.reports import published

TEMPLATE = """\
# What Fixby does here. Every line is optional; these are the defaults.
# asset = "{asset}"              # the name under which findings are stored
# store = ".fixby/fixby.db"      # a file below this folder; FIXBY_STORE may name a postgresql:// URL
# scanners = ["bandit", "detect-secrets", "pip-audit", "semgrep"]
# exclude = []                   # globs of files to leave out, such as "tests/data/**"; they are counted and shown
# rules = []                     # more Semgrep rules, files or folders
# advisories = ""                # a folder or zip of OSV records, to audit dependencies offline
# policy = ""                    # a policy of your own; the shipped one: critical 24h, high 7d, medium 30d, low 90d
# gate = ""                      # a gate of your own
"""


def run(path: Path, *, as_json: bool) -> None:
    """Write `fixby.toml` where there is none, and make the store."""
    if not path.is_dir():
        raise UsageError(f"{path} is no folder.", "Name the folder that is to be scanned.")
    file = path / "fixby.toml"
    written = not file.exists()
    if written:
        _write(file, TEMPLATE.format(asset=path.resolve().name))
    found = Place(path).configuration()
    with writing(found) as database:
        store = database.place
    if as_json:
        emit(published.written(published.initialised(str(file), store)))
    else:
        emit(f"{file} {'written' if written else 'was there'}; the store is {store}.\nNext: fixby scan {path}")


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.") from error
