"""`fixby gate` and `fixby scan --gate`: each of their exit codes, come about for real."""

import time
from pathlib import Path

import pytest

from fixby.asset import Asset
from fixby.decision import Acceptance
from fixby.policies.policy import shipped
from fixby.scanners import bandit, detect_secrets, pip_audit, semgrep
from fixby.scanners.scanner import Options, Scanner
from fixby.scanners.scanning import Setting, scan
from fixby.scanners.target import target
from fixby.store import decisions
from fixby.store.decisions import By
from fixby.store.ingestion import record
from fixby.store.opening import open_for_writing, secret_key
from fixby.store.terms import Occasion
from tests.command import SAFE, SHELL, advisories, called, fixby, repository
from tests.images import docker_archive, installed

DAY = 86_400
SCANNERS: tuple[Scanner, ...] = (bandit, detect_secrets, pip_audit, semgrep)


@pytest.fixture
def known(tmp_path: Path) -> Path:
    return advisories(tmp_path / "advisories")


def scanned_back_then(repo: Path, known: Path, seconds_ago: int) -> None:
    """All scanners run now; what they say is stored as if it had been said then."""
    then = int(time.time()) - seconds_ago
    database = open_for_writing(str(repo / ".fixby" / "fixby.db"))
    setting = Setting(secret_key(database), lambda: then, cores=2, options=Options(advisories=known))
    for one in scan(target(repo), SCANNERS, setting):
        record(database, one, Occasion(Asset(repo.name), "fixby", then, shipped()))
    database.close()


def test_a_repository_without_findings_passes_with_0(tmp_path: Path, known: Path) -> None:
    repo = repository(tmp_path / "repo", {"app.py": SAFE, "requirements.txt": "jinja2==3.1.6\n"})
    ended = fixby("scan", ".", "--advisories", known, "--gate", "--json", cwd=repo)
    assert (ended.code, ended.document["gate"]["verdict"]) == (0, "pass")
    gate = fixby("gate", cwd=repo)
    assert (gate.code, gate.out.splitlines()[0]) == (0, "gate: PASS")


def test_an_image_is_judged_by_what_looks_at_images_and_later_again(tmp_path: Path, known: Path) -> None:
    repo = repository(tmp_path / "repo", {"app.py": SAFE})
    scan = ("scan", "--image", tmp_path / "shop.tar", "--advisories", known, "--gate")
    docker_archive(tmp_path / "shop.tar", installed({"jinja2": "3.1.6"}))
    ended = called(*scan, cwd=repo)
    assert ended.code == 0, ended.out
    assert "pass     syft has looked: complete and fresh" in ended.out
    recorded = called("gate", "--record", "--json", cwd=repo, FIXBY_ASSET="shop")
    assert (recorded.code, recorded.document["verdict"]) == (0, "pass")
    assert called("gate", cwd=repo).code == 3, "the files were never looked at"
    docker_archive(tmp_path / "shop.tar", installed({"jinja2": "2.7.1"}))
    assert called(*scan, cwd=repo).code == 1
    assert called("gate", "--again", recorded.document["recorded"], cwd=repo).code == 0


def test_an_asset_of_which_some_files_were_scanned_is_no_image(tmp_path: Path, known: Path) -> None:
    repo = repository(tmp_path / "repo", {"fixby.toml": 'asset = "shop"\n', "src/app.py": SAFE})
    docker_archive(tmp_path / "shop.tar", installed({"jinja2": "3.1.6"}))
    assert called("scan", "src", "--scanner", "bandit", cwd=repo).code == 0
    image = ("--image", tmp_path / "shop.tar", "--asset", "shop", "--advisories", known)
    assert called("scan", *image, cwd=repo).code == 0
    ended = called("gate", cwd=repo)
    assert (ended.code, ended.out.splitlines()[0]) == (3, "gate: UNKNOWN")


def test_a_critical_finding_fails_with_1_and_is_shown(tmp_path: Path, known: Path) -> None:
    repo = repository(tmp_path / "repo", {"requirements.txt": "jinja2==2.7.1\n"})
    assert called("scan", ".", "--advisories", known, cwd=repo).code == 0
    assert called("scan", ".", "--advisories", known, "--gate", cwd=repo).code == 1
    gate = fixby("gate", cwd=repo)
    assert gate.code == 1
    assert gate.out.startswith("gate: FAIL\n  FAIL     no open critical finding: 1 of is:open severity:critical\n")
    assert "requirements.txt:1 jinja2 2.7.1" in gate.out


def test_a_high_finding_past_its_due_date_fails_with_1(tmp_path: Path, known: Path) -> None:
    repo = repository(tmp_path / "repo", {"app.py": SHELL})
    scanned_back_then(repo, known, 8 * DAY)
    ended = called("scan", ".", "--advisories", known, "--gate", "--json", cwd=repo)
    assert (ended.code, [scan["new"] for scan in ended.document["scans"]]) == (1, [0, 0, 0, 0, 0])
    [breached] = called("list", "sla:breached", "--json", cwd=repo).document["findings"]
    assert breached["rule_id"] == "B602"
    failed = [rule for rule in ended.document["gate"]["rules"] if rule["verdict"] == "fail"]
    assert [rule["findings"] for rule in failed] == [[breached["id"]]]
    assert "24 h late  high" in called("list", cwd=repo).out


def test_a_high_finding_whose_risk_is_accepted_passes_once_that_is_signed_off(tmp_path: Path, known: Path) -> None:
    repo = repository(tmp_path / "repo", {"app.py": SHELL})
    scanned_back_then(repo, known, 8 * DAY)
    assert called("scan", ".", "--advisories", known, "--gate", cwd=repo).code == 1
    [breached] = called("list", "sla:breached", "--json", cwd=repo).document["findings"]
    database = open_for_writing(str(repo / ".fixby" / "fixby.db"))
    now = int(time.time())
    decisions.accept(database, [breached["id"]], Acceptance("ada", "behind a login", now + 9 * DAY), By("ada", now))
    assert called("gate", cwd=repo).code == 1
    decisions.approve(database, [breached["id"]], By("grace", now))
    assert called("gate", cwd=repo).code == 0
    database.close()


def test_a_critical_finding_fails_whatever_was_accepted(tmp_path: Path, known: Path) -> None:
    repo = repository(tmp_path / "repo", {"requirements.txt": "jinja2==2.7.1\n"})
    assert called("scan", ".", "--advisories", known, cwd=repo).code == 0
    [critical] = called("list", "severity:critical", "--json", cwd=repo).document["findings"]
    database = open_for_writing(str(repo / ".fixby" / "fixby.db"))
    now = int(time.time())
    taken = Acceptance("ada", "behind a login", now + 9 * DAY)
    assert decisions.accept(database, [critical["id"]], taken, By("ada", now), ["grace", "katherine"])
    database.close()
    assert called("gate", cwd=repo).code == 1


def test_the_gate_says_what_it_was_not_asked_to_look_at(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", {"app.py": SAFE})
    called("scan", ".", "--scanner", "bandit", cwd=repo)
    notes = ["no attestation is required by this gate", "headers are not verified: not configured"]
    assert called("gate", "--json", cwd=repo).document["notes"] == notes
    assert called("gate", cwd=repo).out.splitlines()[-2:] == [f"  note     {told}" for told in notes]


def test_what_was_scanned_more_than_a_day_ago_cannot_be_told(tmp_path: Path, known: Path) -> None:
    repo = repository(tmp_path / "repo", {"app.py": SAFE})
    scanned_back_then(repo, known, DAY - 600)
    assert called("gate", cwd=repo).code == 0
    stale = repository(tmp_path / "stale", {"app.py": SAFE})
    scanned_back_then(stale, known, DAY + 600)
    gate = called("gate", cwd=stale)
    assert (gate.code, gate.out.splitlines()[0]) == (3, "gate: UNKNOWN")
    assert "more than the 24 h allowed" in gate.out


def test_a_scanner_that_never_looked_cannot_be_told(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", {"app.py": SAFE})
    assert called("scan", ".", "--scanner", "bandit", "--gate", cwd=repo).code == 3
    unknown = [rule for rule in called("gate", "--json", cwd=repo).document["rules"] if rule["verdict"] == "unknown"]
    assert [rule["name"].split()[0] for rule in unknown] == ["semgrep", "pip-audit", "detect-secrets"]


def test_a_scan_of_a_part_does_not_speak_for_the_whole(tmp_path: Path, known: Path) -> None:
    repo = repository(tmp_path / "repo", {"part/app.py": SAFE, "app.py": SHELL, "fixby.toml": ""})
    assert called("scan", "part", "--advisories", known, "--gate", cwd=repo).code == 3
    assert called("scan", "part/app.py", "--advisories", known, "--gate", cwd=repo).code == 3
    assert called("scan", ".", "--advisories", known, "--gate", cwd=repo).code == 0


def test_a_part_that_could_not_be_read_is_not_covered_up_by_an_earlier_scan_of_the_whole(
    tmp_path: Path, known: Path
) -> None:
    repo = repository(tmp_path / "repo", {"part/app.py": SAFE, "fixby.toml": ""})
    assert called("scan", ".", "--advisories", known, "--gate", cwd=repo).code == 0
    (repo / "part" / "app.py").write_text("def broken(:\n")
    assert called("scan", "part", "--advisories", known, "--gate", cwd=repo).code == 3
    assert called("gate", cwd=repo).code == 3


def test_what_is_known_to_be_wrong_fails_although_not_all_was_seen(tmp_path: Path, known: Path) -> None:
    repo = repository(tmp_path / "repo", {"requirements.txt": "jinja2==2.7.1\n", "app.py": "def broken(:\n"})
    ended = called("scan", ".", "--advisories", known, "--gate", "--json", cwd=repo)
    assert (ended.code, ended.document["gate"]["verdict"]) == (1, "fail")


def test_nothing_was_ever_scanned(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", {"app.py": SAFE})
    assert called("gate", cwd=repo).code == 3
    assert called("init", ".", cwd=repo).code == 0
    gate = called("gate", "--json", cwd=repo)
    assert (gate.code, gate.document["verdict"]) == (3, "unknown")


def test_names_of_files_steer_no_terminal_through_the_reasons_of_a_gate(tmp_path: Path) -> None:
    repo = repository(tmp_path / "repo", {"\x1b[31m\nred.py": "def broken(:\n"})
    called("scan", ".", "--scanner", "bandit", cwd=repo)
    gate = called("gate", cwd=repo)
    assert gate.code == 3
    assert "�[31m�red.py" in gate.out
    assert "\x1b" not in gate.out
