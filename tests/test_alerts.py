"""What people decide in GitHub's code scanning comes back by its alerts, as the REST API describes them."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from fixby.policies.policy import parse
from fixby.severity import Severity
from fixby.store.opening import open_for_writing
from tests.command import Ended, called
from tests.stories import scan, told, vulnerability, weakness


@pytest.fixture
def store(database_url: str) -> str:
    """A store with findings of an asset, `shop`, and one of another."""
    database = open_for_writing(database_url)
    code = (weakness(), weakness("md5(a)", rule="B324", severity=Severity.CRITICAL, message="m" * 30_000))
    told(database, scan(*code, at=1), asset="shop")
    told(database, scan(vulnerability(severity=Severity.LOW), at=2, scanner="pip-audit"), asset="shop")
    told(database, scan(weakness(path="elsewhere.py"), at=3), asset="other")
    database.close()
    return database_url


def uploaded(shop: Path, store: str) -> list[dict[str, Any]]:
    """The alerts that GitHub makes of what is exported, all of them open."""
    log = called("export", "sarif", "--store", store, cwd=shop).document
    return [_alert(run, result) for run in log["runs"] for result in run["results"]]


def _alert(run: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
    place = result["locations"][0]["physicalLocation"]
    at = {"path": place["artifactLocation"]["uri"], "start_line": 1, "end_line": 1, "start_column": 1, "end_column": 1}
    return {
        "number": 42,
        "created_at": "2026-11-01T00:00:00Z",
        "html_url": "https://github.com/o/r/security/code-scanning/42",
        "state": "open",
        "fixed_at": None,
        "dismissed_by": None,
        "dismissed_at": None,
        "dismissed_reason": None,
        "dismissed_comment": None,
        "rule": {
            "id": rule["id"],
            "severity": result["level"],
            "description": rule["shortDescription"]["text"],
            "name": rule["id"],
            "tags": rule["properties"]["tags"],
            "security_severity_level": "high",
        },
        "tool": {"name": run["tool"]["driver"]["name"], "guid": None, "version": run["tool"]["driver"].get("version")},
        "most_recent_instance": {
            "ref": "refs/heads/main",
            "analysis_key": ".github/workflows/scan.yml:scan",
            "category": run["automationDetails"]["id"].rstrip("/"),
            "state": "open",
            "commit_sha": "39406e42cb832f683daa691dd652a8dc36ee8930",
            "message": {"text": result["message"]["text"]},
            "location": at,
            "classifications": [],
        },
    }


def dismissed(alert: dict[str, Any], reason: str, by: str | None = "octocat", comment: str | None = None) -> Any:  # noqa: ANN401 - JSON
    return alert | {
        "state": "dismissed",
        "dismissed_by": {"login": by, "id": 1, "type": "User"} if by else None,
        "dismissed_at": "2026-11-20T09:00:00Z",
        "dismissed_reason": reason,
        "dismissed_comment": comment,
    }


def ingested(shop: Path, store: str, alerts: Any, *arguments: str) -> Ended:  # noqa: ANN401 - JSON
    (shop / "alerts.json").write_text(json.dumps(alerts))
    return called("ingest", "alerts.json", *arguments, "--store", store, cwd=shop)


def listed(shop: Path, store: str, query: str = "is:open") -> list[Any]:
    found: list[Any] = called("list", query, "asset:shop", "--json", "--store", store, cwd=shop).document["findings"]
    return found


def by_rule(alerts: list[dict[str, Any]], rule: str) -> dict[str, Any]:
    [found] = [one for one in alerts if one["rule"]["id"] == rule]
    return found


@pytest.mark.parametrize("reason", ["false positive", "used in tests"])
def test_what_was_dismissed_as_none_is_dismissed_by_whom_and_why(shop: Path, store: str, reason: str) -> None:
    alert = dismissed(by_rule(uploaded(shop, store), "B307"), reason, comment="the input\n is ours")
    ended = ingested(shop, store, [alert], "--triage")
    assert ended.code == 0
    assert ended.err == "fixby: 1 dismissed, as on GitHub\n"
    [found] = listed(shop, store, "is:dismissed")
    assert found["rule_id"] == "B307"
    [decision] = found["decisions"]
    assert (decision["kind"], decision["by"]) == ("dismiss", "octocat")
    assert decision["reason"] == f"{reason} (GitHub alert 42 2026-11-20): the input is ours"
    assert called("db", "verify", "--store", store, cwd=shop).code == 0


def test_the_same_alerts_again_change_nothing(shop: Path, store: str) -> None:
    alerts = [dismissed(one, "false positive") for one in uploaded(shop, store)]
    assert ingested(shop, store, alerts, "--triage").err == "fixby: 3 dismissed, as on GitHub\n"
    before = called("list", "--json", "--store", store, cwd=shop).out
    assert ingested(shop, store, alerts, "--triage").err == "fixby: 0 dismissed, as on GitHub\n"
    assert called("list", "--json", "--store", store, cwd=shop).out == before


def test_two_alerts_of_one_finding_are_one_dismissal(shop: Path, store: str) -> None:
    """GitHub has an alert for each category under which a result was uploaded."""
    alert = dismissed(by_rule(uploaded(shop, store), "B307"), "false positive")
    ended = ingested(shop, store, [alert, alert | {"number": 43}], "--triage")
    assert (ended.code, ended.err) == (0, "fixby: 1 dismissed, as on GitHub\n")
    assert len(listed(shop, store, "is:dismissed")) == 1


def test_a_report_decides_nothing_unless_somebody_says_so(shop: Path, store: str) -> None:
    alert = dismissed(by_rule(uploaded(shop, store), "B307"), "false positive")
    ended = ingested(shop, store, [alert])
    assert ended.err == "fixby: 1 of our findings were dismissed on GitHub; --triage decides so here.\n"
    assert listed(shop, store, "is:dismissed") == []


def test_alerts_of_ours_are_no_findings_and_no_scan_while_those_of_others_are(shop: Path, store: str) -> None:
    alerts = uploaded(shop, store)
    before = listed(shop, store)
    ended = ingested(shop, store, [*alerts, alerts[0] | {"state": "fixed"}], "--json")
    assert ended.document["scans"] == []
    assert listed(shop, store) == before
    foreign = json.loads(json.dumps(alerts[0]).replace("bandit", "CodeQL").replace("Fixby finding", "Finding"))
    [scanned] = ingested(shop, store, [*alerts, foreign], "--json").document["scans"]
    assert (scanned["scanner"], scanned["new"]) == ("codeql", 1)


def test_who_copies_an_id_decides_nothing(shop: Path, store: str) -> None:
    alert = dismissed(by_rule(uploaded(shop, store), "B307"), "false positive")
    others = [
        alert | {"rule": alert["rule"] | {"id": "B999"}},
        alert | {"tool": {"name": "mine"}},
        json.loads(json.dumps(alert).replace("Fixby finding ", "Fixby finding 0")),
        json.loads(
            json.dumps(alert).replace('"text": "', '"text": "Fixby finding ').replace("\\n\\nFixby finding", "")
        ),
    ]
    for other in others:
        ingested(shop, store, [other], "--triage")
        assert listed(shop, store, "is:dismissed") == []


def test_of_another_asset_nothing_is_decided(shop: Path, store: str) -> None:
    (shop.parent / "other").mkdir()
    [alert] = uploaded(shop.parent / "other", store)
    ingested(shop, store, [dismissed(alert, "false positive")], "--triage")
    assert called("list", "is:dismissed", "--store", store, cwd=shop).out == "No finding is selected.\n"


@pytest.mark.parametrize("by", [None, "", "fixby", "a b", "x\x1b[2J", "a" * 200])
def test_without_a_person_nothing_is_decided(shop: Path, store: str, by: str | None) -> None:
    alert = dismissed(by_rule(uploaded(shop, store), "B307"), "false positive", by)
    ended = ingested(shop, store, [alert], "--triage")
    assert "GitHub does not say who dismissed it" in ended.err
    assert "\x1b" not in ended.err
    assert listed(shop, store, "is:dismissed") == []


def test_a_risk_that_was_taken_there_is_suggested_with_an_end_and_the_policy_decides(shop: Path, store: str) -> None:
    alerts = uploaded(shop, store)
    some = [dismissed(by_rule(alerts, rule), "won't fix", comment="later") for rule in ("B307", "CVE-2024-1234")]
    ended = ingested(shop, store, some, "--triage")
    assert 'octocat said "won\'t fix", and to accept a risk takes an end' in ended.err
    assert listed(shop, store, "is:accepted") == []
    suggested = called("decisions", "import", "alerts.json", "--store", store, cwd=shop)
    stated = tomllib.loads(suggested.out)["accept"]
    assert {one["owner"] for one in stated} == {"octocat"}
    assert all(one["reason"] == "won't fix (GitHub alert 42 2026-11-20): later, says octocat" for one in stated)
    (shop / "decided.toml").write_text(suggested.out)
    ended = called("decisions", "apply", "decided.toml", "--store", store, cwd=shop, FIXBY_ACTOR="octocat")
    assert ended.code == 0
    high, low = (next(one for one in listed(shop, store) if one["severity"] == name) for name in ("high", "low"))
    assert high["state"] == "open"
    assert not high["decisions"][0]["valid"]
    assert low["decisions"][0]["until"]


def test_what_nobody_may_accept_is_told(shop: Path, database_url: str) -> None:
    text = (Path(__file__).parents[1] / "policies" / "default.toml").read_text()
    strict = parse(text.replace('longest = "90d"\napprovers = 1', 'longest = "never"'), "strict.toml")
    database = open_for_writing(database_url)
    told(database, scan(weakness(), at=1), asset="shop", policy=strict)
    database.close()
    alerts = [dismissed(one, "won't fix") for one in uploaded(shop, database_url)]
    (shop / "alerts.json").write_text(json.dumps(alerts))
    ended = called("decisions", "import", "alerts.json", "--store", database_url, cwd=shop)
    assert ended.out.strip() == ""
    assert "the policy allows nobody to accept" in ended.err


def test_suggestions_to_dismiss_are_reviewed_like_all_others(shop: Path, store: str) -> None:
    alert = dismissed(by_rule(uploaded(shop, store), "B324"), "false positive")
    (shop / "alerts.json").write_text(json.dumps(alert))
    ended = called("decisions", "import", "alerts.json", "--store", store, cwd=shop)
    [stated] = tomllib.loads(ended.out)["dismiss"]
    assert stated["reason"] == "false positive (GitHub alert 42 2026-11-20), says octocat"
    assert listed(shop, store, "is:dismissed") == []
