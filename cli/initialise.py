"""`fixby init`: a commented configuration and an empty store."""

import json
from pathlib import Path

from fixby.cli.output import emit, printable
from fixby.cli.place import Place, writing
from fixby.errors import UsageError
from fixby.reports import published

TEMPLATE = """\
# What Fixby does here. Every line is optional; asset, store and scanners show the defaults, the others are examples.
# asset = {asset}              # the name under which findings are stored
# tier = "1"                     # words of your own that policies and reports may ask for; so are exposure, tags, team
# exposure = "internet"
# tags = ["pci"]
# team = "payments"
# store = ".fixby/fixby.db"      # a file below this folder; FIXBY_STORE may name a postgresql:// URL
# scanners = ["bandit", "detect-secrets", "osv", "pip-audit", "semgrep"]
# database_age = "2d"            # how old the databases of Trivy and Grype may be; 5d if nothing is said
# exclude = ["tests/data/**"]    # files to leave out; they are counted and shown
# rules = ["security/rules"]     # more Semgrep rules, files or folders
# advisories = "all.zip"         # OSV records, a folder or zip, to audit dependencies offline
# advisories_max_age = "7d"      # how old those that fixby update keeps may be
# policy = "policy.toml"         # windows of your own; the shipped ones: critical 24h, high 7d, medium 30d, low 90d
# gate = "gate.toml"             # a gate of your own
# allowed_signers = "signers"    # whose SSH keys sign acceptances, in the format that git uses
#
# [[sites]]                      # what `fixby headers` visits, as often as there are sites
# url = "https://example.com"
# paths = ["/", "/login"]
"""


def run(path: Path, *, as_json: bool) -> None:
    """Write `fixby.toml` where there is none, and make the store."""
    if not path.is_dir():
        raise UsageError(f"{path} is no folder.", "Name the folder that is to be scanned.")
    file = path / "fixby.toml"
    written = not file.exists()
    if written:
        _write(file, TEMPLATE.format(asset=json.dumps(printable(path.resolve().name))))
    found = Place(path).configuration()
    with writing(found) as database:
        store = database.place
    if as_json:
        emit(published.written(published.initialised(printable(file.resolve()), printable(store))))
    else:
        emit(f"{file} {'written' if written else 'was there'}; the store is {store}.\nNext: fixby scan {path}")


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}.") from error
