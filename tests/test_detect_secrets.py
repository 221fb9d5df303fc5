"""detect-secrets: the real tool over real files, and baselines that it wrote elsewhere."""

import csv
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha1
from pathlib import Path

import pytest

from fixby.errors import ReportError
from fixby.finding import Category, Finding, Suppression
from fixby.identity import secret_fingerprint
from fixby.scan import Complete, Scan
from fixby.scanners import detect_secrets, detect_secrets_worker
from fixby.scanners.process import run
from fixby.scanners.scanner import NO_OPTIONS, Finished, Request, Scanner, Source
from fixby.scanners.scanning import Setting, scan
from fixby.scanners.target import target
from fixby.severity import Severity, SeveritySource

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
ADAPTER: Scanner = detect_secrets
KEY = b"key"
TOKEN = "ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8"
LINE = f'x = "{TOKEN}"\n'
PASSWORD = 'password = "hunter2xyz"\n'
ALLOWED = "  # pragma: allowlist secret"


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def scanned(folder: Path, files: Mapping[str, str | bytes], cores: int = 1) -> Scan:
    write(folder, files)
    setting = Setting(key=KEY, clock=lambda: 0, cores=cores)
    return scan(target(folder), [ADAPTER], setting)[0]


def ended(folder: Path, names: tuple[str, ...]) -> Finished:
    (workspace := folder.parent / "work").mkdir()
    goal = target(folder)
    with ADAPTER.commands(Request(goal, tuple(goal.files), workspace, NO_OPTIONS, 1)) as (command,):
        Path(command.arguments[-1]).write_bytes(b"".join(name.encode() + b"\0" for name in names))
        return run(command)


def found(result: Scan) -> set[tuple[str, str, int | None, bool]]:
    return {(one.path, one.rule.id, one.locations[0].line, one.suppression is not None) for one in result.findings}


SOURCE = Source(lambda sha: f"keyed {sha}", str, lambda *_: "")


def a_baseline(*rows: dict[str, object], **more: object) -> bytes:
    return json.dumps({"plugins_used": [], "version": "1.5.0", "results": {"a.py": rows}, **more}).encode()


def a_row(**changes: object) -> dict[str, object]:
    return {
        "type": "Secret Keyword",
        "filename": "a.py",
        "hashed_secret": "0f",
        "is_verified": False,
        "line_number": 3,
        **changes,
    }


def only(**changes: object) -> Finding:
    (one,) = detect_secrets.read(a_baseline(a_row(**changes)), SOURCE).findings
    return one


def test_a_secret_is_found_with_its_place_and_nothing_of_itself(tmp_path: Path) -> None:
    result = scanned(tmp_path, {"src/a.py": f"# one\n{LINE}"})
    (one,) = result.findings
    assert result.outcome == Complete()
    assert (one.category, one.rule.title, one.severity) == (Category.SECRET, "GitHub Token", Severity.HIGH)
    assert found(result) == {("src/a.py", "github-token", 2, False)}
    assert one.secret_fingerprint == secret_fingerprint(KEY, sha1(TOKEN.encode(), usedforsecurity=False).hexdigest())
    assert one.severity_source is SeveritySource.DEFAULT
    assert TOKEN not in repr(one)
    assert one.code == ""


def test_every_place_of_a_secret_is_told(tmp_path: Path) -> None:
    result = scanned(tmp_path, {"a.py": LINE + "\n" + LINE})
    assert found(result) == {("a.py", "github-token", line, False) for line in (1, 3)}
    assert len({one.secret_fingerprint for one in result.findings}) == 1


def test_two_tokens_of_one_provider_are_two_secrets(tmp_path: Path) -> None:
    gitlab = "glcbt-" + "a1B2c3D4e5" * 2
    code = f'{LINE}y = "{TOKEN[:-1]}9"; z = "{TOKEN[:-1]}7"\ng = "{gitlab}"\nh = "{gitlab}9"\n'
    result = scanned(tmp_path, {"a.py": code})
    lines = [one.locations[0].line for one in result.findings if one.rule.id in {"github-token", "gitlab-token"}]
    assert sorted(lines, key=str) == [1, 2, 2, 3, 4]
    assert len({one.secret_fingerprint for one in result.findings}) == 5


HASHED_BY_US = {"GitHub Token", "GitLab Token", "Private Key"}
PEM = "-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n"


def test_a_private_key_is_known_wherever_it_stands_and_is_not_another(tmp_path: Path) -> None:
    body, other = "MIIEow+/\nabcd==", "MIIEow+/\nefgh=="
    quoted = f'key = "{PEM.format(body)!r}"\n'.replace("'", "")
    files = {"a.pem": PEM.format(body), "b.yaml": "key: |\n  " + PEM.format(body).replace("\n", "\n  ") + "\n"}
    result = scanned(
        tmp_path, {**files, "c.py": quoted, "other.pem": PEM.format(other), "doc.md": "-----BEGIN RSA PRIVATE KEY-----"}
    )
    fingerprints = {one.path: one.secret_fingerprint for one in result.findings if one.rule.id == "private-key"}
    assert len({fingerprints[name] for name in ("a.pem", "b.yaml", "c.py")}) == 1
    assert len({fingerprints[name] for name in ("a.pem", "other.pem", "doc.md")}) == 3


@pytest.mark.parametrize("after", ["", "\nSome words about it.", "\n...\n", "\nif key:\n    pass"])
def test_a_private_key_whose_end_is_not_marked_does_not_depend_on_what_follows(tmp_path: Path, after: str) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIEow+/\nabcdefgh\nijk=\n"
    result = scanned(tmp_path, {"a.txt": key, "b.txt": key + after, "c.txt": key.replace("ijk", "xyz") + after})
    fingerprints = {one.path: one.secret_fingerprint for one in result.findings if one.rule.id == "private-key"}
    assert fingerprints["a.txt"] == fingerprints["b.txt"] != fingerprints["c.txt"]


def test_a_baseline_that_tells_the_first_letters_only_is_taken_file_by_file() -> None:
    row = a_row(type="GitHub Token", hashed_secret=sha1(b"ghp", usedforsecurity=False).hexdigest())
    document = {"plugins_used": [], "results": {"a.py": [row], "b.py": [row]}}
    first, second = detect_secrets.read(json.dumps(document).encode(), SOURCE).findings
    assert first.secret_fingerprint != second.secret_fingerprint


@pytest.mark.parametrize(
    ("kind", "severity"),
    [
        *(("Private Key", Severity.HIGH), ("AWS Access Key", Severity.HIGH), ("NPM tokens", Severity.HIGH)),
        *(("Secret Keyword", Severity.MEDIUM), ("Basic Auth Credentials", Severity.MEDIUM)),
        *(("Hex High Entropy String", Severity.LOW), ("Public IP (ipv4)", Severity.LOW)),
        ("Something New", Severity.UNKNOWN),
    ],
)
def test_the_severity_follows_from_the_kind(kind: str, severity: Severity) -> None:
    assert only(type=kind).severity is severity
    assert only(type=kind, is_verified=True).severity is Severity.CRITICAL


def test_every_kind_of_the_tool_has_a_severity() -> None:
    code = (
        "from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class as m; import json\n"
        "print(json.dumps(sorted(m())))"
    )
    told = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, check=True)
    kinds = json.loads(told.stdout)
    assert len(kinds) > 20
    assert [kind for kind in kinds if only(type=kind).severity is Severity.UNKNOWN] == []


def test_a_comment_suppresses_the_place_where_it_stands_and_no_other(tmp_path: Path) -> None:
    code = f"{LINE.rstrip()}{ALLOWED}\n{LINE}"
    assert found(scanned(tmp_path, {"a.py": code})) == {
        ("a.py", "github-token", 1, True),
        ("a.py", "github-token", 2, False),
    }


@pytest.mark.parametrize(
    "code",
    [
        f"{PASSWORD.rstrip()}{ALLOWED}\n",
        f"# pragma: allowlist nextline secret\n{PASSWORD}",
        f"{PASSWORD.rstrip()}  # pragma: whitelist secret\n",
    ],
)
def test_a_secret_that_a_comment_allows_is_told_as_suppressed(tmp_path: Path, code: str) -> None:
    result = scanned(tmp_path, {"a.py": code})
    assert [one.suppression for one in result.findings] == [Suppression("pragma: allowlist secret")]
    assert result.suppressed == 1


def test_an_allowed_secret_does_not_hide_the_ones_without_quotation_marks(tmp_path: Path) -> None:
    code = f'first = "{TOKEN}"{ALLOWED}\nAPI_KEY=Zm9vYmFyYmF6MTIzNDU2Nzg5MA\n'
    plain = found(scanned(tmp_path, {"settings": code}))
    assert ("settings", "github-token", 1, True) in plain
    assert any(line == 2 and not suppressed for _, _, line, suppressed in plain)


@pytest.mark.parametrize(
    "name", ["a.svg", "a.css", "a.map", "a.lock", "go.sum", "swagger/a.py", "my-swagger.json", "a.iml"]
)
def test_no_file_is_passed_over_for_its_name(tmp_path: Path, name: str) -> None:
    result = scanned(tmp_path, {name: LINE})
    assert found(result) == {(name, "github-token", 1, False)}
    assert set(result.coverage.scanned) == {name}


def test_checksums_of_lock_files_are_no_findings_but_credentials_are(tmp_path: Path) -> None:
    checksum = "aB3dE5gH7jK9mN1pQ3sT5vW7xY9z" * 3
    code = f'{{"integrity": "sha512-{checksum}==", "resolved": "https://user:hunter2@registry.example/x"}}\n'
    result = scanned(tmp_path, {"package-lock.json": code, "poetry.lock": f'hash = "{"0a1b2c3d" * 8}"\n'})
    assert found(result) == {("package-lock.json", "basic-auth-credentials", 1, False)}
    assert result.outcome == Complete()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (f"# \xe9\n{PASSWORD}".encode("latin-1"), 2),
        (f"\ufeff# é\n{PASSWORD}".encode("utf-16-le"), 2),
        (f"\ufeff# é\n{PASSWORD}".encode("utf-16-be"), 2),
        (f"\ufeff# é\n{PASSWORD}".encode(), 2),
        (f"# é\r\n{PASSWORD}".encode(), 2),
    ],
    ids=["latin-1", "utf-16 little", "utf-16 big", "utf-8 with a mark", "crlf"],
)
def test_a_file_in_another_encoding_is_read(tmp_path: Path, content: bytes, line: int) -> None:
    assert found(scanned(tmp_path, {"a.py": content})) == {("a.py", "secret-keyword", line, False)}


def test_a_token_inside_a_binary_is_found(tmp_path: Path) -> None:
    content = b"\x7fELF\0\xff\xfe" + TOKEN.encode() + b"\0\xff password = 'hunter2xyz'\0"
    result = scanned(tmp_path, {"program": content})
    assert [one.rule.id for one in result.findings] == ["github-token"]
    assert result.outcome == Complete()


def test_a_file_that_cannot_be_opened_is_skipped_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path / "target", {"a.py": PASSWORD})
    (tmp_path / "target" / "link.py").symlink_to("a.py")
    reading = ADAPTER.conclude(ended(tmp_path / "target", ("a.py", "gone.py", "link.py")), SOURCE)
    assert reading.skipped == {"gone.py": "No such file or directory", "link.py": "Too many levels of symbolic links"}
    assert reading.scanned == {"a.py": ""}
    assert len(reading.findings) == 1


def test_a_file_that_takes_too_long_is_skipped_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path, {"slow.py": PASSWORD * 20_000, "a.py": PASSWORD})
    (names := tmp_path / "names").write_bytes(b"slow.py\0a.py\0")
    code = "from fixby.scanners import detect_secrets_worker as worker; worker.SECONDS = 0.5; worker.main()"
    told = subprocess.run(
        [sys.executable, "-I", "-c", code, str(tmp_path), str(names)], capture_output=True, check=True
    )
    reading = detect_secrets.read(told.stdout, SOURCE)
    assert reading.skipped == {"slow.py": "detect-secrets took longer than 0.5 seconds"}
    assert reading.scanned == {"a.py": ""}


def test_a_file_that_is_too_large_is_skipped_with_the_reason(tmp_path: Path) -> None:
    with (tmp_path / "large.txt").open("wb") as stream:
        stream.truncate(detect_secrets_worker.LARGEST + 1)
    assert scanned(tmp_path, {}).coverage.skipped == {"large.txt": "the file is larger than 100 MiB"}


@pytest.mark.parametrize("name", ["new\nline.py", "-x.py", "a b.py", "é.py", "x,y.py", "back\\slash.py"])
def test_a_strange_name_is_told_as_it_is(tmp_path: Path, name: str) -> None:
    result = scanned(tmp_path, {name: PASSWORD})
    assert found(result) == {(name, "secret-keyword", 1, False)}
    assert result.outcome == Complete()


def test_a_name_that_is_no_utf_8_is_told_in_full(tmp_path: Path) -> None:
    result = scanned(tmp_path, {"n\udcff.py": PASSWORD})
    assert found(result) == {("n\\xff.py", "secret-keyword", 1, False)}
    assert result.outcome == Complete()


def test_the_target_can_neither_run_code_nor_hide_secrets(tmp_path: Path) -> None:
    trap = f"open({str(tmp_path / 'trapped')!r}, 'w')\n"
    traps = dict.fromkeys(
        ("detect_secrets.py", "detect_secrets/__init__.py", "fixby.py", "sitecustomize.py", "yaml.py"), trap
    )
    hiding = {"filters_used": [{"path": "detect_secrets.filters.regex.should_exclude_file", "pattern": [".*"]}]}
    (folder := tmp_path / "target").mkdir()
    result = scanned(folder, {**traps, ".secrets.baseline": json.dumps(hiding), "setup.cfg": "", "a.py": PASSWORD})
    assert ("a.py", "secret-keyword", 1, False) in found(result)
    assert not (tmp_path / "trapped").exists()


def test_it_is_isolated_even_where_it_is_started_inside_the_target(tmp_path: Path) -> None:
    write(folder := tmp_path / "target", {"a.py": PASSWORD})
    finished = ended(folder, ("a.py",))
    trap = f"open({str(tmp_path / 'trapped')!r}, 'w')\n"
    write(folder, dict.fromkeys(("detect_secrets.py", "fixby/__init__.py", "sitecustomize.py"), trap))
    inside = replace(finished.command, folder=folder, environment={"PYTHONPATH": str(folder)})
    assert ADAPTER.conclude(run(inside), SOURCE).findings == ADAPTER.conclude(finished, SOURCE).findings
    assert not (tmp_path / "trapped").exists()


def test_it_finds_what_the_tools_own_command_finds(tmp_path: Path) -> None:
    here = Path(detect_secrets.__file__).parents[1]
    files = {str(path.relative_to(here)): path.read_bytes() for path in sorted(here.glob("tests/test_*s.py"))}
    files |= {
        "a.ini": b"[a]\npassword = hunter2xyz\n",
        "b.yaml": b"password: hunter2xyz\n",
        "c.env": b"API_KEY=abc1def2ghi3\n",
    }
    result = scanned(tmp_path, files)
    told = subprocess.run(
        [sys.executable, "-I", "-m", "detect_secrets", "scan", "-n", "--all-files", *files],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    rows = [row for rows in json.loads(told.stdout)["results"].values() for row in rows]
    theirs = {
        (row["filename"], row["type"], secret_fingerprint(KEY, row["hashed_secret"]))
        for row in rows
        if row["type"] not in HASHED_BY_US
    }
    ours = {
        (one.path, one.rule.title, one.secret_fingerprint)
        for one in result.findings
        if not one.suppression and one.rule.title not in HASHED_BY_US
    }
    assert len(theirs) > 3
    assert theirs == ours


def test_several_processes_find_what_one_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = scanned(tmp_path, {f"{number}.py": PASSWORD * (number + 1) for number in range(7)})
    monkeypatch.setattr(detect_secrets, "_WORTHWHILE", 1)
    split = scanned(tmp_path, {}, cores=3)
    assert set(split.findings) == set(whole.findings)
    assert split.coverage == whole.coverage


def test_a_process_that_wrote_nothing_concludes_nothing(tmp_path: Path) -> None:
    write(tmp_path / "target", {"a.py": PASSWORD})
    finished = ended(tmp_path / "target", ("a.py",))
    for bad in (replace(finished, report=b""), replace(finished, exit_code=1, errors="password='hunter2'\n")):
        with pytest.raises(ReportError, match="without a result") as caught:
            ADAPTER.conclude(bad, SOURCE)
        assert "hunter2" not in caught.value.message


def test_what_an_audit_called_no_secret_is_suppressed() -> None:
    assert only(is_secret=False).suppression == Suppression("baseline", "audited as no secret")
    assert only(is_secret=True).suppression is None
    assert only().suppression is None


def test_a_baseline_without_line_numbers_is_read() -> None:
    row = a_row()
    del row["line_number"]
    (one,) = detect_secrets.read(a_baseline(row), SOURCE).findings
    assert one.locations[0].line is None
    assert one.secret_fingerprint == "keyed 0f"


@pytest.mark.parametrize("key", ["type", "hashed_secret"])
@pytest.mark.parametrize("value", [None, 5])
def test_a_row_that_lacks_something_is_an_error_with_its_position(key: str, value: object) -> None:
    with pytest.raises(ReportError, match=rf"a\.py\[1\]: expected a string at `{key}`, found"):
        detect_secrets.read(a_baseline(a_row(), a_row(**{key: value})), SOURCE)


def test_what_is_wanted_is_whatever_may_be_text() -> None:
    assert all(map(ADAPTER.wants, ["a.py", "b.lock", "c.svg", "d", "e.bin", ".env"]))
    assert not any(map(ADAPTER.wants, ["a.png", "b.JPG", "c.tar.gz", "d.whl", "e.woff2"]))


def test_the_configuration_and_the_version_are_told() -> None:
    assert ADAPTER.version() == "1.5.0"
    assert len(ADAPTER.configuration(NO_OPTIONS)) == 64


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of reports is not at hand")
def test_a_baseline_from_elsewhere_is_read_in_full() -> None:
    with (CORPUS / "INDEX.tsv").open() as index:
        (expected,) = (
            row["raw_results"] for row in csv.DictReader(index, delimiter="\t") if row["tool"] == "detect_secrets"
        )
    report = (CORPUS / "detect_secrets" / "many_findings.json").read_bytes()
    reading = detect_secrets.read(report, SOURCE)
    assert ADAPTER.recognises(json.loads(report))
    assert len(reading.findings) == int(expected)
    assert [one.suppression is not None for one in reading.findings] == [False, False, False, True]
    assert reading.scanned is None


@pytest.mark.skipif(not CORPUS.exists(), reason="the corpus of reports is not at hand")
@pytest.mark.parametrize("probe", ["empty_file", "empty_list", "empty_object", "null", "truncated"])
def test_a_damaged_report_is_an_error(probe: str) -> None:
    with pytest.raises(ReportError):
        detect_secrets.read((CORPUS / "probes" / f"detect_secrets__{probe}.json").read_bytes(), SOURCE)
