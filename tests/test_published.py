"""The JSON documents that other programs read: each as its schema says, and as it was before."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]
from referencing import Registry, Resource

from fixby.decision import Decision
from fixby.finding import Category
from fixby.headers.check import Verdict as HeaderVerdict
from fixby.headers.csp import Flaw
from fixby.headers.hsts import Effect
from fixby.known import Presence
from fixby.lifecycle import Change
from fixby.policies.gate import Verdict
from fixby.severity import Severity, SeveritySource
from fixby.sla.clock import Status
from fixby.tracked import State
from tests.command import SHELL, Ended, advisories, called, git, repository
from tests.responses import POOR

ROOT = Path(__file__).parents[1]
SCHEMAS = {file.name: json.loads(file.read_text()) for file in sorted((ROOT / "docs" / "schemas").glob("*.json"))}
REGISTRY: Registry[Any] = Registry().with_resources(
    (name, Resource.from_contents(schema)) for name, schema in SCHEMAS.items()
)
DEFINITIONS = SCHEMAS["definitions.json"]["$defs"]
GOLDEN = Path(__file__).with_name("golden")


def validate(document: Any) -> None:  # noqa: ANN401 - JSON
    """Raises `ValidationError` where a document is not what the schema that it names says."""
    name, version = re.fullmatch(r"fixby\.(\w+)/(\d+)", document["schema"]).groups()  # type: ignore[union-attr]
    Draft202012Validator(SCHEMAS[f"{name}.{version}.json"], registry=REGISTRY).validate(document)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a finding of each kind, and one that was fixed."""
    folder = tmp_path_factory.mktemp("published")
    silenced = SHELL.replace("shell=True)", "shell=True)  # nosec: we trust it")
    files = {
        "app.py": SHELL,
        "old.py": SHELL,
        "silenced.py": silenced,
        "settings.py": 'password = "Kq7nW2vR9tLx4zBd"\n',
        "broken.py": "def broken(:\n",
        "requirements.txt": "jinja2==2.7.1\nrequests\n",
        "node_modules/left-out.js": "eval(x)\n",
    }
    repo = repository(folder / "repo", files)
    advisories(folder / "advisories")
    return repo


@pytest.fixture(scope="module")
def documents(repo: Path) -> dict[str, Ended]:
    """What each command prints when ada calls them, in this order."""
    with pytest.MonkeyPatch.context() as ada:
        ada.setenv("FIXBY_ACTOR", "ada@example.org")
        return _printed(repo)


def _printed(repo: Path) -> dict[str, Ended]:
    scan = ("scan", ".", "--advisories", "../advisories", "--json")
    printed = {"init": called("init", "--json", cwd=repo), "scan": called(*scan, cwd=repo)}
    (repo / "old.py").unlink()
    printed["scan of a change"] = called(*scan, "--only", "sast", cwd=repo)
    printed["scan without a store"] = called(*scan, "--no-store", "--only", "sca", cwd=repo)
    printed["list"] = called("list", "-category:secret", "--json", cwd=repo)
    picked = ("--fields", "id,severity,due_at,path,package,identifiers,locations")
    printed["list of some fields"] = called("list", "-category:secret", *picked, "--json", cwd=repo)
    printed["list of nothing"] = called("list", "severity:info", "--json", cwd=repo)
    ids = [one["id"] for one in printed["list"].document["findings"]]
    fixed = next(one["id"] for one in printed["list"].document["findings"] if one["state"] == "fixed")
    printed["show"] = called("show", ids[0], "--json", cwd=repo)
    printed["show of a fixed one"] = called("show", fixed, "--json", cwd=repo)
    printed["gate"] = called("gate", "--json", cwd=repo)
    repository(repo.parent, {"bandit.json": _report(), "damaged.json": "{"})
    printed["parse"] = called("parse", "../bandit.json", "../damaged.json", "--json", cwd=repo)
    printed["ingest"] = called("ingest", "../bandit.json", "../damaged.json", "--json", cwd=repo)
    unknown = called("list", "severity:unknown", "--json", cwd=repo).document["findings"][0]["id"]
    acceptance = ("--reason", "not reachable", "--until", "30d", "--json")
    printed["policy show"] = called("policy", "show", "--json", cwd=repo)
    printed["policy check"] = called(
        "policy", "check", ROOT / "policies" / "default.toml", "fixby.toml", "--json", cwd=repo
    )
    printed["dismiss"] = called("dismiss", unknown, "--reason", "not used", "--json", cwd=repo)
    printed["reopen"] = called("reopen", unknown, "--reason", "it is", "--json", cwd=repo)
    printed["assign"] = called("assign", unknown, "--to", "bob", "--json", cwd=repo)
    printed["tag"] = called("tag", unknown, "--add", "login", "--json", cwd=repo)
    printed["comment"] = called("comment", unknown, "--text", "soon", "--json", cwd=repo)
    printed["accept"] = called("accept", unknown, *acceptance, cwd=repo)
    some = ("--query", "severity:low,unknown -category:secret is:open", "--yes", "--json")
    printed["dismiss by a query"] = called("dismiss", *some, "--reason", "not used", cwd=repo)
    printed["reopen of several"] = called("reopen", *some[:1], "is:dismissed", *some[2:], "--reason", "it is", cwd=repo)
    repository(repo.parent, {".trivyignore": "CVE-2019-10906 exp:2099-01-31\n", "decided.toml": _DECIDED})
    printed["decisions export"] = called("decisions", "export", "--json", cwd=repo)
    printed["decisions import"] = called("decisions", "import", "../.trivyignore", "--json", cwd=repo)
    printed["decisions apply"] = called("decisions", "apply", "../decided.toml", "--dry-run", "--json", cwd=repo)
    repository(repo.parent, {"known_exploited_vulnerabilities.json": _exploited()})
    printed["update"] = called("update", "--from", "../known_exploited_vulnerabilities.json", "--json", cwd=repo)
    printed["advisories show"] = called(
        "advisories", "show", "PYSEC-2014-8", "--advisories", "../advisories", "--json", cwd=repo
    )
    printed["notify"] = called("notify", "--show", "--json", cwd=repo)
    printed["sla explain"] = called("sla", "explain", unknown, "--json", cwd=repo)
    printed["sla report"] = called("sla", "report", "--json", cwd=repo)
    printed["attest"] = called("attest", "restore-drill", "--note", "it took an hour", "--json", cwd=repo)
    printed["gate that is recorded"] = called("gate", "--record", "--json", cwd=repo)
    event = printed["gate that is recorded"].document["recorded"]
    printed["gate again"] = called("gate", "--again", str(event), "--json", cwd=repo)
    evidence = ("--output", "../evidence.zip", "--json")
    printed["export evidence"] = called("export", "evidence", *evidence, cwd=repo)
    printed["verify of evidence"] = called("verify", "../evidence.zip", "--json", cwd=repo)
    printed |= _printed_of_headers(repo)
    printed |= _printed_of_state(repo)
    upkeep = {"doctor": ("doctor",), "verify": ("db", "verify"), "upgrade": ("db", "upgrade")}
    return printed | {name: called(*command, "--json", cwd=repo) for name, command in upkeep.items()}


def _printed_of_state(repo: Path) -> dict[str, Ended]:
    (repo.parent / "state.git").mkdir()
    git(repo.parent / "state.git", "init", "--quiet", "--bare")
    repository(repo.parent / "before", {"app.py": SHELL, "gone.py": SHELL, "fixby.toml": ""})
    printed = {"diff": called("scan", ".", "--diff", "../before", "--only", "sast", "--json", cwd=repo)}
    git(repo.parent / "before", "init", "--quiet")
    git(repo.parent / "before", "add", "app.py")
    printed["what is staged"] = called("scan", "../before", "--staged", "--json", cwd=repo)
    for command in ("init", "push", "pull", "show"):
        remote = ("--remote", "../state.git", "--json")
        printed[f"state {command}"] = called("state", command, *remote, cwd=repo)
    return printed | {"state key": called("state", "key", "--json", cwd=repo)}


def _printed_of_headers(repo: Path) -> dict[str, Ended]:
    repository(repo.parent, {"home.txt": POOR, "down.txt": "HTTP/1.1 503 Service Unavailable\n\n"})
    return {
        "headers": called("headers", "--from", "../home.txt", "https://example.org/", "--json", cwd=repo),
        "headers of a site that is down": called("headers", "--from", "../down.txt", "--json", cwd=repo),
        "headers csp": called("headers", "csp", "script-src self a.com; object-src none", "--json", cwd=repo),
    }


_DECIDED = """\
[[dismiss]]
query = "severity:unknown"
reason = "not used"
"""


def _report() -> str:
    row = {
        "code": "5     return subprocess.call(folder, shell=True)\n",
        "filename": "./elsewhere.py",
        "issue_severity": "HIGH",
        "issue_text": "subprocess call with shell=True identified, security issue.",
        "line_number": 5,
        "line_range": [5],
        "more_info": "https://bandit.readthedocs.io/en/1.9.4/plugins/b602.html",
        "test_id": "B602",
        "test_name": "subprocess_popen_with_shell_equals_true",
    }
    return json.dumps({"errors": [], "metrics": {"_totals": {}, "./elsewhere.py": {}}, "results": [row]})


def _exploited() -> str:
    """A catalogue of known exploited vulnerabilities."""
    row = {"cveID": "CVE-2019-10906", "dateAdded": "2026-01-02", "knownRansomwareCampaignUse": "Unknown"}
    top = {"catalogVersion": "2026.01.03", "dateReleased": "2026-01-03T10:00:00.000Z", "count": 1}
    return json.dumps(top | {"vulnerabilities": [row]})


COMMANDS = (
    ("init", 0),
    ("scan", 3),
    ("scan of a change", 3),
    ("scan without a store", 3),
    ("list", 0),
    ("list of some fields", 0),
    ("list of nothing", 0),
    ("show", 0),
    ("show of a fixed one", 0),
    ("gate", 1),
    ("parse", 3),
    ("ingest", 3),
    ("policy show", 0),
    ("policy check", 2),
    ("dismiss", 0),
    ("reopen", 0),
    ("assign", 0),
    ("tag", 0),
    ("comment", 0),
    ("accept", 0),
    ("dismiss by a query", 0),
    ("reopen of several", 0),
    ("advisories show", 0),
    ("decisions export", 0),
    ("decisions import", 0),
    ("decisions apply", 0),
    ("update", 0),
    ("notify", 0),
    ("sla explain", 0),
    ("sla report", 0),
    ("attest", 0),
    ("gate that is recorded", 1),
    ("gate again", 0),
    ("export evidence", 0),
    ("verify of evidence", 0),
    ("headers", 0),
    ("headers of a site that is down", 3),
    ("headers csp", 0),
    ("diff", 3),
    ("what is staged", 1),
    ("state init", 0),
    ("state push", 0),
    ("state pull", 0),
    ("state show", 0),
    ("state key", 0),
    ("doctor", 0),
    ("verify", 0),
    ("upgrade", 0),
)


@pytest.mark.parametrize(("name", "code"), COMMANDS)
def test_one_document_is_printed_and_is_what_its_schema_says(documents: dict[str, Ended], name: str, code: int) -> None:
    ended = documents[name]
    assert ended.code == code
    validate(ended.document)
    assert ended.out.count("\n}\n") == 1


def test_progress_and_messages_go_to_standard_error(documents: dict[str, Ended]) -> None:
    assert "bandit: running\n" in documents["scan"].err
    assert "fixby: ../damaged.json: the report is no JSON" in documents["parse"].err
    quiet = ("list", "show", "gate", "doctor", "verify", "init")
    assert [documents[name].err for name in quiet] == [""] * len(quiet)


VARYING = ("doctor", "sla report", "export evidence", "verify of evidence", "state key")
"""They tell of the machine, of this month, of digests of what varies, and of what is each store's own."""


@pytest.mark.parametrize("name", [name for name, _ in COMMANDS if name not in VARYING])
def test_a_document_is_what_it_was_before(
    documents: dict[str, Ended],
    repo: Path,
    name: str,
    rewrite_golden: bool,  # noqa: FBT001 - a fixture
) -> None:
    text = _normalised(documents[name].out, repo)
    golden = GOLDEN / f"{name.replace(' ', '_')}.json"
    if rewrite_golden:
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text(), "if that is right: pytest --rewrite-golden"


def _normalised(text: str, repo: Path) -> str:
    """Without instants, folders, versions, hashes of the log, and the ids of secrets, which each store makes."""
    document = _without_ids_of_secrets(json.loads(text))
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    for pattern, word in (
        (re.escape(str(repo.parent)), "<folder>"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<instant>"),
        (r'"tool_version": "\d[^"]*"', '"tool_version": "<version>"'),
        (r"https://bandit.readthedocs.io/en/[^/]*/", "https://bandit.readthedocs.io/en/<version>/"),
        (r'"digest": "[0-9a-f]{64}"', '"digest": "<digest>"'),
        (r'"(source|file)": "[^"]*/([^"/]*)"', r'"\1": "<folder>/\2"'),
        (r'"(seconds_left|applies_after|recorded|event|seq)": -?\d+', r'"\1": "<number>"'),
        (r'"(bytes|pushed)": [1-9]\d*', r'"\1": "<number>"'),
        (r'"snapshot": "\d+:[0-9a-f]{64}"', '"snapshot": "<snapshot>"'),
    ):
        text = re.sub(pattern, word, text)
    return text


def _without_ids_of_secrets(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_without_ids_of_secrets(item) for item in value]
    if not isinstance(value, dict):
        return value
    parts = {key: _without_ids_of_secrets(item) for key, item in value.items()}
    return parts | {"id": "<secret>"} if value.get("category") == "secret" else parts


def _with_more(document: dict[str, Any]) -> None:
    document["more"] = 1


def _with_less(document: dict[str, Any]) -> None:
    del document["scans"][0]["target"]


def _with_more_in_a_finding(document: dict[str, Any]) -> None:
    document["scans"][0]["findings"][0]["more"] = 1


def _with_a_local_time(document: dict[str, Any]) -> None:
    document["scans"][0]["started_at"] = "2026-01-02T03:04:05+01:00"


def _complete_with_reasons(document: dict[str, Any]) -> None:
    document["scans"][0] |= {"outcome": "complete", "reasons": ["a file was not read"]}


@pytest.mark.parametrize(
    "spoil", [_with_more, _with_less, _with_more_in_a_finding, _with_a_local_time, _complete_with_reasons]
)
def test_a_schema_refuses_what_was_not_promised(
    documents: dict[str, Ended], spoil: Callable[[dict[str, Any]], None]
) -> None:
    document = documents["scan"].document
    spoil(document)
    with pytest.raises(ValidationError):
        validate(document)


def test_every_schema_is_one_and_every_document_has_one(documents: dict[str, Ended]) -> None:
    for schema in SCHEMAS.values():
        Draft202012Validator.check_schema(schema)
    named = {ended.document["schema"] for ended in documents.values()}
    assert {f"{name.removeprefix('fixby.').replace('/', '.')}.json" for name in named} | {"definitions.json"} == set(
        SCHEMAS
    )


def test_the_words_of_the_schemas_are_those_of_the_program() -> None:
    finding = DEFINITIONS["finding"]["properties"]
    tracked = DEFINITIONS["tracked_finding"]["properties"]
    response = SCHEMAS["headers.1.json"]["properties"]["responses"]["items"]["properties"]
    mistake = SCHEMAS["csp.1.json"]["properties"]["policies"]["items"]["properties"]["mistakes"]["items"]["properties"]
    event = SCHEMAS["show.1.json"]["properties"]["history"]["items"]["properties"]["event"]
    for schema, words in (
        (finding["category"], Category),
        (finding["severity_source"], SeveritySource),
        (DEFINITIONS["severity"], Severity),
        (DEFINITIONS["verdict"], Verdict),
        (DEFINITIONS["sighting"]["properties"]["presence"], Presence),
        (tracked["sla_status"], Status),
        (tracked["state"], State),
        (event, (*Change, *Decision)),
        (DEFINITIONS["header_check"]["properties"]["verdict"], HeaderVerdict),
        (response["hsts"]["oneOf"][0]["properties"]["effect"], Effect),
        (mistake["flaw"], Flaw),
    ):
        assert set(schema["enum"]) == {str(word) for word in words}
