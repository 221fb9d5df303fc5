"""Trivy and Grype run by `fixby scan`: programs that behave as they do replay reports (`tests/container_tools.py`)."""

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.command import Ended, called, repository
from tests.container_tools import (
    TRIVY_REPORT,
    Behaviour,
    Tool,
    bill,
    grype_report,
    grype_version,
    installed,
    trivy_version,
)

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
LOCK = json.dumps(
    {"lockfileVersion": 3, "packages": {"": {"name": "shop"}, "node_modules/lodash": {"version": "4.17.15"}}}, indent=2
)
FILES: Mapping[str, str | bytes] = {
    "package-lock.json": LOCK,
    "Dockerfile": "FROM scratch\nCOPY . .\n",
    "deploy.sh": "export AWS_ACCESS_KEY_ID=placeholder\n",
    "node_modules/left/index.js": "never handed over\n",
}
UNITS = 4
"""What is looked at: three files and a package."""
HOUR, DAY = 3600, 86400


def ago(seconds: int) -> str:
    """An instant as the tools write it, with the nanoseconds of Go."""
    return datetime.fromtimestamp(time.time() - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.123456789Z")


def trivy(folder: Path, stamp: str = "", **behaviour: Any) -> Tool:  # noqa: ANN401 - the fields of a behaviour
    usual = Behaviour(report=json.dumps(TRIVY_REPORT), version=trivy_version(ago(HOUR)))
    return installed("trivy", folder, replace(usual, **behaviour), stamp)


def grype(folder: Path, **behaviour: Any) -> Tool:  # noqa: ANN401 - the fields of a behaviour
    usual = Behaviour(
        report=grype_report(ago(HOUR)), version=grype_version(), bill=bill(("lodash", "4.17.15", "package-lock.json"))
    )
    return installed("grype", folder, replace(usual, **behaviour))


def scan(folder: Path, tool: Tool, name: str, *options: object, files: Mapping[str, str | bytes] = FILES) -> Ended:
    shop = repository(folder / "shop", files)
    return called("scan", "--scanner", name, "--no-store", "--json", *options, cwd=shop, **tool.environment)


def scanned(ended: Ended) -> Any:  # noqa: ANN401 - JSON
    [found] = ended.document["scans"]
    return found


# Trivy


def test_trivy_reports_vulnerabilities_misconfigurations_secrets_and_licences(tmp_path: Path) -> None:
    tool = trivy(tmp_path)
    ended = scan(tmp_path, tool, "trivy", "--licences")
    found = scanned(ended)
    assert (ended.code, found["outcome"], found["tool_version"], found["reasons"]) == (0, "complete", "0.70.0", [])
    told = {
        one["category"]: (one["rule_id"], one["severity"], one["locations"][0]["path"]) for one in found["findings"]
    }
    assert told == {
        "dependency": ("CVE-2020-8203", "high", "package-lock.json"),
        "misconfiguration": ("DS002", "high", "Dockerfile"),
        "secret": ("aws-access-key-id", "critical", "deploy.sh"),
        "licence": ("GPL-3.0-only", "high", "package-lock.json"),
    }
    assert found["coverage"]["scanned"] == UNITS


def test_trivy_is_run_without_a_network_on_copies_of_our_files_and_nothing_of_the_targets_configures_it(
    tmp_path: Path,
) -> None:
    own = {".trivyignore": "CVE-1\n", "trivy.yaml": "skip-files: ['**']\n", "trivy-secret.yaml": "disable-rules: [x]\n"}
    tool = trivy(tmp_path)
    scan(tmp_path, tool, "trivy", files={**FILES, **own})
    call = tool.call
    assert {"--skip-db-update", "--offline-scan", "--list-all-pkgs", "--exit-code=0"} <= set(call["arguments"])
    assert "--scanners=vuln,misconfig,secret" in call["arguments"]
    assert not {".trivyignore", "trivy.yaml", "trivy-secret.yaml", ".git"} & set(call["folder"])
    assert set(call["files"]) == {*FILES, *own} - {"node_modules/left/index.js"}
    assert call["files"]["package-lock.json"] == LOCK
    assert call["environment"]["TRIVY_SKIP_CHECK_UPDATE"] == "true"
    assert not Path(call["environment"]["HOME"]).exists()


def test_licences_are_judged_only_where_somebody_asks_for_it(tmp_path: Path) -> None:
    tool = trivy(tmp_path)
    scan(tmp_path, tool, "trivy", "--licences")
    assert "--scanners=vuln,misconfig,secret,license" in tool.call["arguments"]


def test_trivy_has_the_users_database_and_no_earlier_scan(tmp_path: Path) -> None:
    tool = trivy(tmp_path)
    repository(tool.home / "cache" / "trivy", {"db/trivy.db": "x", "java-db/java.db": "x", "fanal/fanal.db": "old"})
    scan(tmp_path, tool, "trivy")
    assert tool.call["cache"] == ["db", "java-db"]


@pytest.mark.parametrize("scanner", ["trivy", "grype"])
def test_a_database_that_is_too_old_makes_the_scan_partial(tmp_path: Path, scanner: str) -> None:
    built = ago(6 * DAY)
    old = (
        trivy(tmp_path, version=trivy_version(built))
        if scanner == "trivy"
        else grype(tmp_path, report=grype_report(built))
    )
    ended = scan(tmp_path, old, scanner)
    found = scanned(ended)
    update = {"trivy": "trivy image --download-db-only", "grype": "grype db update"}[scanner]
    assert (ended.code, found["outcome"]) == (3, "partial")
    said = f"the database of {scanner.title()} is of {built[:10]}, 6 d old; 5 d are allowed: {update}"
    assert found["reasons"] == [said]
    assert found["findings"]
    assert scanned(scan(tmp_path, old, scanner, "--database-age", "7d"))["outcome"] == "complete"


def test_how_old_a_database_may_be_can_be_configured_and_the_target_may_only_shorten_it(tmp_path: Path) -> None:
    tool = trivy(tmp_path, version=trivy_version(ago(3 * DAY)))
    strict = scan(tmp_path, tool, "trivy", files={**FILES, "fixby.toml": 'database_age = "2d"\n'})
    assert (scanned(strict)["outcome"], len(scanned(strict)["reasons"])) == ("partial", 1)
    lax = scan(tmp_path, tool, "trivy", files={**FILES, "fixby.toml": '\ndatabase_age = "9w"\n'})
    assert (lax.code, "fixby.toml:2: database_age is longer than 5d" in lax.err) == (2, True)
    mine = repository(tmp_path / "mine", {"fixby.toml": 'database_age = "9w"\n'}) / "fixby.toml"
    assert scanned(scan(tmp_path, tool, "trivy", "--config", mine))["outcome"] == "complete"
    empty = {**FILES, "fixby.toml": "# nothing\n"}
    nonsense = scan(tmp_path, tool, "trivy", "--database-age", "yesterday", files=empty)
    assert (nonsense.code, "is not a duration" in nonsense.err) == (2, True)


def test_without_a_database_trivy_looks_for_the_rest_and_the_scan_is_partial(tmp_path: Path) -> None:
    tool = trivy(tmp_path, version=trivy_version())
    found = scanned(scan(tmp_path, tool, "trivy"))
    assert "--scanners=misconfig,secret" in tool.call["arguments"]
    assert found["outcome"] == "partial"
    assert found["reasons"] == [
        "Trivy has no database of vulnerabilities, so it looked for none: trivy image --download-db-only"
    ]


@pytest.mark.parametrize("version", ["0.69.4", "v0.69.4", "0.69.5", "0.69.6"])
def test_a_malicious_release_is_refused_and_where_its_file_says_what_it_is_never_started(
    tmp_path: Path, version: str
) -> None:
    stamp = f'-ldflags="-s -w -X=github.com/aquasecurity/trivy/pkg/version/app.ver={version}"'
    for tool in (
        trivy(tmp_path / "stamped", stamp=stamp),
        trivy(tmp_path / "silent", version=trivy_version(ago(HOUR), version)),
    ):
        ended = scan(tmp_path, tool, "trivy")
        found = scanned(ended)
        assert (ended.code, found["outcome"], tool.call) == (3, "failed", None)
        assert f"trivy {version.removeprefix('v')} is refused" in found["reasons"][0].replace(" v0", " 0")
        assert "was malicious" in found["reasons"][0]
        assert tool.was_started == ("silent" in str(tool.home))


def test_a_stamp_of_another_version_refuses_nothing(tmp_path: Path) -> None:
    stamp = "github.com/aquasecurity/trivy/pkg/version/app.ver=0.69.40"
    assert scan(tmp_path, trivy(tmp_path, stamp=stamp), "trivy").code == 0


def test_warnings_of_trivy_make_the_scan_partial_and_harmless_ones_do_not(tmp_path: Path) -> None:
    errors = (
        "2026-11-02T10:00:00Z\tINFO\t[vuln] Vulnerability scanning is enabled\n"
        '2026-11-02T10:00:00Z\tWARN\t[analyzer] Analysis error\terr="unable to parse TREE/files/package-lock.json"\n'
        '2026-11-02T10:00:00Z\tERROR\t[npm] Unable to read\tfile_path="files/web/package-lock.json"\n'
        '2026-11-02T10:00:01Z\tWARN\tUnsupported os\tfamily="fedora"\n'
        "2026-11-02T10:00:01Z\tWARN\tUsing severities from other vendors for some vulnerabilities.\n"
        '2026-11-02T10:00:01Z\tERROR\t[misconfig] Falling back to embedded checks\terr="skipped"\n'
    )
    ended = scan(tmp_path, trivy(tmp_path, errors=errors), "trivy")
    assert (ended.code, scanned(ended)["reasons"]) == (
        3,
        [
            '[analyzer] Analysis error err="unable to parse package-lock.json"',
            '[npm] Unable to read file_path="web/package-lock.json"',
            'Unsupported os family="fedora"',
        ],
    )


def test_a_lock_file_of_which_trivy_lists_nothing_counts_as_not_read(tmp_path: Path) -> None:
    report = {**TRIVY_REPORT, "Results": []}
    found = scanned(scan(tmp_path, trivy(tmp_path, report=json.dumps(report)), "trivy"))
    assert found["outcome"] == "partial"
    reason = "trivy lists none of the packages that the file names"
    assert found["coverage"]["skipped"] == [{"path": "package-lock.json", "reason": reason}]
    empty = {**FILES, "package-lock.json": '{"lockfileVersion": 3, "packages": {}}'}
    assert scanned(scan(tmp_path, trivy(tmp_path, report=json.dumps(report)), "trivy", files=empty))["reasons"] == []


def test_a_system_past_its_end_of_life_is_said(tmp_path: Path) -> None:
    system = {"Metadata": {"OS": {"Family": "alpine", "Name": "3.9.4", "EOSL": True}}}
    found = scanned(scan(tmp_path, trivy(tmp_path, report=json.dumps({**TRIVY_REPORT, **system})), "trivy"))
    assert found["outcome"] == "partial"
    assert "alpine 3.9.4 is past its end of life" in found["reasons"][0]


# Both


FATAL = {
    "trivy": "2026-11-02T10:00:00Z\tFATAL\tFatal error\trun error: image scan error: out of cheese\n",
    "grype": "1 error occurred:\n\t* failed to load vulnerability db: database metadata not found\n",
}


@pytest.mark.parametrize("scanner", ["trivy", "grype"])
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"exit_code": 1, "report": ""}, "ended with exit code 1 and without a result: "),
        ({"exit_code": 1}, "ended with exit code 1 and without a result: "),
        ({"exit_code": 0, "report": ""}, "ended with exit code 0 and without a result: "),
        ({"report": '{"matches": [{"vulner'}, "the report is no JSON"),
        ({"report": "[]"}, "the report is none of "),
        ({"report": "{}"}, "the report is none of "),
        ({"mebibytes": 600}, "wrote more than 512 MiB"),
        ({"version": "not JSON"}, "does not tell its version"),
    ],
)
def test_a_crash_a_half_report_and_too_much_output_fail_the_scan(
    tmp_path: Path, scanner: str, wrong: dict[str, Any], said: str
) -> None:
    make = {"trivy": trivy, "grype": grype}[scanner]
    ended = scan(tmp_path, make(tmp_path, errors=FATAL[scanner], **wrong), scanner)
    found = scanned(ended)
    assert (ended.code, found["outcome"], found["findings"], found["coverage"]["scanned"]) == (3, "failed", [], 0)
    assert said in found["reasons"][0]
    if said.endswith("result: "):
        assert found["reasons"][0].endswith(("out of cheese", "database metadata not found"))


@pytest.mark.parametrize("scanner", ["trivy", "grype"])
def test_an_error_beside_a_report_and_exit_code_0_makes_the_scan_partial(tmp_path: Path, scanner: str) -> None:
    make = {"trivy": trivy, "grype": grype}[scanner]
    found = scanned(scan(tmp_path, make(tmp_path, errors=FATAL[scanner]), scanner))
    assert (found["outcome"], len(found["reasons"]), bool(found["findings"])) == ("partial", 1, True)


@pytest.mark.parametrize("scanner", ["trivy", "grype"])
def test_a_tool_that_hangs_is_ended(tmp_path: Path, scanner: str) -> None:
    from fixby.scanners.process import Limits  # noqa: PLC0415 - beside its use
    from fixby.scanners.registry import scanner as named  # noqa: PLC0415
    from fixby.scanners.scanning import Setting  # noqa: PLC0415
    from fixby.scanners.scanning import scan as run  # noqa: PLC0415
    from fixby.scanners.target import target  # noqa: PLC0415

    tool = {"trivy": trivy, "grype": grype}[scanner](tmp_path, seconds=600)
    shop = repository(tmp_path / "shop", FILES)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in tool.environment.items():
            patch.setenv(name, value)
        [found] = run(target(shop), [named(scanner)], Setting(b"key", lambda: 1, 1, limits=Limits(seconds=2)))
    assert found.reasons[0].endswith("The process took longer than 2 seconds.")
    assert not found.coverage.scanned


@pytest.mark.parametrize("scanner", ["trivy", "grype"])
def test_a_tool_that_was_asked_for_and_is_not_installed_fails_its_scan(tmp_path: Path, scanner: str) -> None:
    ended = scan(tmp_path, Tool(tmp_path), scanner)
    assert (ended.code, scanned(ended)["outcome"]) == (3, "failed")
    assert f"{scanner} is not installed" in scanned(ended)["reasons"][0]


def test_a_tool_on_the_path_changes_nothing_until_somebody_asks_for_it(tmp_path: Path) -> None:
    tool = trivy(tmp_path)
    shop = repository(tmp_path / "shop", {"a.txt": "nothing\n"})
    plain = called("scan", "--no-store", "--json", cwd=shop, **tool.environment)
    assert "trivy" not in {one["scanner"] for one in plain.document["scans"]}
    assert not tool.was_started
    container = called("scan", "--only", "container", "--no-store", "--json", cwd=shop, **tool.environment)
    assert [one["scanner"] for one in container.document["scans"]] == ["trivy"]
    nothing = called("scan", "--only", "container", "--no-store", cwd=shop)
    assert (nothing.code, "install grype or trivy" in nothing.err) == (2, True)
    repository(shop, {"fixby.toml": 'scanners = ["trivy", "bandit"]\n'})
    configured = called("scan", "--no-store", "--json", cwd=shop, **tool.environment)
    assert [one["scanner"] for one in configured.document["scans"]] == ["trivy", "bandit"]


def test_doctor_says_which_of_them_are_installed_and_refuses_a_malicious_one(tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop", {"a.txt": "nothing\n"})

    def parts(tool: Tool) -> dict[str, tuple[str, str | None]]:
        ended = called("doctor", "--json", cwd=shop, **tool.environment)
        return {one["name"]: (one["state"], one["problem"]) for one in ended.document["parts"]}

    there = parts(trivy(tmp_path / "good"))
    assert (there["trivy"], there["grype"]) == (("0.70.0", None), ("not installed", None))
    bad = trivy(tmp_path / "bad", stamp="github.com/aquasecurity/trivy/pkg/version/app.ver=0.69.4")
    state, problem = parts(bad)["trivy"]
    assert (state, "was malicious" in str(problem), bad.was_started) == ("cannot run", True, False)


# Grype


def test_grype_reports_matches_and_counts_what_its_rules_ignore(tmp_path: Path) -> None:
    tool = grype(tmp_path)
    ended = scan(tmp_path, tool, "grype")
    found = scanned(ended)
    assert (ended.code, found["outcome"], found["tool_version"]) == (0, "complete", "0.104.0")
    first, second = sorted(found["findings"], key=lambda one: str(one["rule_id"]), reverse=True)
    assert (first["rule_id"], first["identifiers"]) == ("GHSA-p6mc-m468-83gw", ["CVE-2020-8203", "GHSA-p6mc-m468-83gw"])
    assert (first["locations"][0]["path"], first["suppressed"]) == ("package-lock.json", None)
    assert (second["suppressed"]["reason"], found["suppressed"]) == ("a rule of Grype", 1)
    assert found["coverage"]["scanned"] == UNITS
    environment = tool.call["environment"]
    assert (environment["GRYPE_DB_AUTO_UPDATE"], environment["GRYPE_CHECK_FOR_APP_UPDATE"]) == ("false", "false")
    assert environment["GRYPE_DB_CACHE_DIR"] == str(tool.home / "cache" / "grype" / "db")
    assert tool.call["folder"] == ["plan.json"]


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"report": grype_report("")}, "Grype does not say how old its database is"),
        ({"bill": ""}, "Grype does not list the packages that it saw"),
        (
            {"errors": "[0000]  WARN Unable to determine the OS distribution of some packages.\n"},
            "Unable to determine the OS distribution of some packages.",
        ),
        (
            {"errors": '84 packages from EOL distro "debian 10" - vulnerability data may be incomplete\n'},
            '84 packages from EOL distro "debian 10" - vulnerability data may be incomplete',
        ),
    ],
)
def test_whatever_casts_doubt_on_a_scan_of_grype_makes_it_partial(
    tmp_path: Path, odd: dict[str, str], said: str
) -> None:
    found = scanned(scan(tmp_path, grype(tmp_path, **odd), "grype"))
    assert (found["outcome"], found["reasons"]) == ("partial", [said])


def test_a_lock_file_of_which_grype_lists_nothing_counts_as_not_read(tmp_path: Path) -> None:
    empty = json.loads(grype_report(ago(HOUR))) | {"matches": [], "ignoredMatches": []}
    found = scanned(scan(tmp_path, grype(tmp_path, report=json.dumps(empty), bill=bill()), "grype"))
    assert [one["path"] for one in found["coverage"]["skipped"]] == ["package-lock.json"]
    errors = "[0000]  WARN no explicit name and version provided for directory source\n"
    assert scanned(scan(tmp_path, grype(tmp_path, errors=errors), "grype"))["reasons"] == []


# From scan to scan, and over real reports


def test_a_vulnerability_that_is_mended_closes_and_one_that_a_stale_database_no_longer_shows_does_not(
    tmp_path: Path,
) -> None:
    shop = repository(tmp_path / "shop", FILES)

    def run(tool: Tool) -> Any:  # noqa: ANN401 - JSON
        return scanned(called("scan", "--scanner", "trivy", "--json", cwd=shop, **tool.environment))

    assert run(trivy(tmp_path, version=trivy_version(ago(2 * DAY))))["new"] == 4
    gone = {**TRIVY_REPORT, "Results": [TRIVY_REPORT["Results"][0] | {"Vulnerabilities": []}]}
    stale = run(trivy(tmp_path, report=json.dumps(gone), version=trivy_version(ago(9 * DAY))))
    assert (stale["fixed"], stale["not_observed"]) == (0, 4)
    mended = json.loads(json.dumps(TRIVY_REPORT).replace("4.17.15", "4.17.19"))
    mended["Results"][0]["Vulnerabilities"] = []
    repository(shop, {"package-lock.json": LOCK.replace("4.17.15", "4.17.19")})
    assert run(trivy(tmp_path, report=json.dumps(mended)))["fixed"] == 1


def golden() -> list[Path]:
    """The real reports of folders and repositories that the corpus has."""
    some = sorted(CORPUS.glob("trivy-golden/*.json.golden"))
    kinds = ("repository", "filesystem")
    return [file for file in some if json.loads(file.read_bytes()).get("ArtifactType") in kinds]


@pytest.mark.skipif(not golden(), reason="there is no corpus of reports beside this repository")
@pytest.mark.parametrize("file", golden(), ids=lambda file: file.name)
def test_a_real_report_of_trivy_gives_the_findings_that_it_holds(tmp_path: Path, file: Path) -> None:
    report = json.loads(file.read_bytes())
    number = sum(len(one.get("Vulnerabilities") or ()) for one in report.get("Results", ()))
    found = scanned(scan(tmp_path, trivy(tmp_path, report=file.read_text()), "trivy", files={"a.txt": "nothing\n"}))
    told = [one for one in found["findings"] if one["category"] in ("dependency", "container")]
    assert (found["outcome"], len(told)) == ("complete", number)


@pytest.mark.skipif(not CORPUS.exists(), reason="there is no corpus of reports beside this repository")
@pytest.mark.parametrize("name", ["fix_available", "many_vulns"])
def test_a_real_report_of_grype_gives_the_findings_that_it_holds_and_its_database_is_too_old(
    tmp_path: Path, name: str
) -> None:
    report = CORPUS / "anchore_grype" / f"{name}.json"
    tool = grype(tmp_path, report=report.read_text())
    found = scanned(scan(tmp_path, tool, "grype", files={"a.txt": "nothing\n"}))
    matches = json.loads(report.read_bytes())["matches"]
    assert (found["outcome"], len(found["findings"]), len(found["reasons"])) == ("partial", len(matches), 1)
    assert "database" in found["reasons"][0]
