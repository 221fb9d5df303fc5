"""The action as GitHub's runner would run it, and first of all the README's own lines."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from fixby.severity import Severity
from tests.command import SAFE, SHELL, advisories
from tests.github_api import MAY_READ, Comments, serving
from tests.github_runner import ROOT, Ended
from tests.github_shop import Shop, copied, made, readme_workflow

FILES = {"web/shell.py": SHELL, "requirements.txt": "jinja2==2.10.0\n"}
LAX = 'name = "lax"\n[scans]\nrequired = []\nrecorded = false\nmax_age = "24h"\n'
CRITICAL = {"requirements.txt": "jinja2==2.7.1\n"}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Ended]:
    """A repository without a critical finding in which the workflow was run once by hand, to begin the state."""
    folder = tmp_path_factory.mktemp("first")
    with serving() as comments:
        shop = made(folder, FILES, advisories(folder / "advisories"), comments)
        return shop, shop.run("workflow_dispatch", shop.by_hand(initialise="true"))


@pytest.fixture
def shop(first: tuple[Shop, Ended], tmp_path: Path, api: Comments) -> Shop:
    """A repository like that one."""
    return copied(first[0], tmp_path, api)


def test_the_readme_has_twelve_lines_to_paste() -> None:
    lines = readme_workflow().splitlines()
    assert len(lines) <= 12
    assert yaml.safe_load(readme_workflow())["permissions"] == {}
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    for page in ("README.md", "docs/github.md"):
        told = set(re.findall(r"fixby/fixby@(v\S+)", (ROOT / page).read_text()))
        assert told == {f"v{version}"}, page


def test_every_input_and_output_is_documented_as_it_is() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    documented = (ROOT / "docs" / "github.md").read_text()
    for name, about in action["inputs"].items():
        default = f"`{about['default']}`" if about["default"] else ""
        assert f"| `{name}` | {default} | {about['description']} |\n" in documented
    by_severity = {f"{name}-{severity}" for name in ("new", "open", "breached") for severity in Severity}
    assert not [name for name in action["outputs"].keys() - by_severity if f"`{name}`" not in documented]


def test_the_first_run_begins_the_state_where_somebody_says_so(first: tuple[Shop, Ended]) -> None:
    shop, ended = first
    assert (ended.code, ended.failed) == (0, False), ended.log
    assert shop.state()
    assert "✅ Fixby: passed" in ended.summary
    assert "The state was begun: all clocks start now." in ended.summary
    assert [name for name, _ in ended.used][-1] == "github/codeql-action/upload-sarif"
    assert "### New (" in ended.summary
    assert ended.outputs["verdict"] == "pass"
    assert (ended.outputs["open"], ended.outputs["open-critical"], ended.outputs["breached"]) == ("4", "0", "0")


def test_without_that_a_run_that_finds_no_state_cannot_tell(tmp_path: Path, api: Comments) -> None:
    shop = made(tmp_path, FILES, advisories(tmp_path / "advisories"), api)
    ended = shop.run("push", shop.push())
    assert (ended.code, ended.outputs["verdict"], ended.outputs["exit-code"]) == (3, "unknown", "3")
    assert ended.outputs["open"] == ""
    [error] = ended.annotations("error")
    assert "it was never begun, or it is lost" in error.message
    assert "initialise: true" in error.message
    assert shop.state() == ""
    assert "❔ Fixby: cannot tell" in ended.summary
    assert "upload-sarif" not in str(ended.used)


def test_clocks_go_on_from_run_to_run(shop: Shop) -> None:
    before = shop.state()
    pushed = shop.run("push", shop.push())
    assert (pushed.code, pushed.outputs["new"], pushed.outputs["open"]) == (0, "0", "4"), pushed.log
    assert shop.state() != before
    shop.pushed({"web/shell.py": SAFE})
    nightly = shop.run("schedule", shop.nightly())
    assert (nightly.outputs["open"], nightly.outputs["verdict"]) == ("1", "pass"), nightly.log
    assert "3 fixed since the last scan" in nightly.summary


def test_a_critical_finding_fails_the_push_and_everybody_is_told(shop: Shop) -> None:
    shop.pushed(CRITICAL)
    ended = shop.run("push", shop.push())
    assert (ended.code, ended.outputs["verdict"]) == (1, "fail")
    assert (ended.outputs["new-critical"], ended.outputs["open-critical"]) == ("1", "1")
    assert "❌ Fixby: failed" in ended.summary
    gate, finding, *_ = ended.annotations("error")
    assert gate.properties["title"] == "The gate fails"
    assert (finding.properties["file"], finding.properties["line"]) == ("requirements.txt", "1")
    [sarif] = [given["sarif_file"] for name, given in ended.used if name.endswith("upload-sarif")]
    runs = json.loads(Path(sarif).read_text())["runs"]
    assert {run["tool"]["driver"]["name"] for run in runs} >= {"bandit", "semgrep", "pip-audit", "detect-secrets"}
    assert len({run["automationDetails"]["id"] for run in runs}) == len(runs)
    assert "<title>SLA report" in Path(ended.outputs["report-file"]).read_text()


def test_a_pull_request_shows_what_it_adds_and_records_nothing(shop: Shop, api: Comments) -> None:
    before = shop.state()
    ended = shop.run("pull_request", shop.proposed(CRITICAL), ref="refs/pull/7/merge")
    assert (ended.code, ended.outputs["verdict"]) == (1, "fail"), ended.log
    assert (ended.outputs["new"], ended.outputs["new-critical"], ended.outputs["open"]) == ("1", "1", "")
    assert "This change adds 1 finding, and fixes 0" in ended.summary
    [comment] = api.bodies()
    assert "This change adds 1 finding, and fixes 0" in comment
    assert "actions/runs/1234" in comment
    assert shop.state() == before
    assert "upload-sarif" in str(ended.used)


def test_the_comment_is_written_anew_and_never_twice(shop: Shop, api: Comments) -> None:
    for number in range(130):
        api.add("ada", f"comment {number}")
    shop.run("pull_request", shop.proposed(CRITICAL), ref="refs/pull/7/merge")
    [comment] = api.bodies()
    api.add("mallory", comment)
    ended = shop.run("pull_request", shop.proposed({"web/new.py": SAFE}), ref="refs/pull/7/merge")
    assert (ended.code, ended.outputs["verdict"]) == (0, "pass"), ended.log
    [comment] = api.bodies()
    assert "This change adds no finding" in comment
    assert "This change adds 1 finding" in api.bodies("mallory")[0]
    assert [method for method, _ in api.requests].count("POST") == 1


def test_a_pull_request_of_a_fork_may_only_read_and_fails_for_nothing_but_the_gate(shop: Shop, api: Comments) -> None:
    before = shop.state()
    event = shop.proposed({"web/new.py": SAFE})
    event["pull_request"]["head"]["repo"]["full_name"] = "mallory/web"
    ended = shop.run("pull_request", event, ref="refs/pull/7/merge", token=MAY_READ)
    assert (ended.code, ended.outputs["verdict"]) == (0, "pass"), ended.log
    assert "This change adds no finding" in ended.summary
    assert any("comes from a fork" in one.message for one in ended.annotations("notice"))
    assert api.requests == []
    assert "upload-sarif" not in str(ended.used)
    assert shop.state() == before


def test_a_token_that_may_not_comment_is_no_failure(shop: Shop, api: Comments) -> None:
    ended = shop.run("pull_request", shop.proposed({"web/new.py": SAFE}), ref="refs/pull/7/merge", token=MAY_READ)
    assert ended.code == 0
    assert any("answers 403" in one.message for one in ended.annotations("notice"))
    assert api.bodies() == []


def test_a_pull_request_is_judged_as_its_base_says(shop: Shop) -> None:
    lax = {"fixby.toml": 'gate = "lax.toml"\nexclude = ["requirements.txt"]\n', "lax.toml": LAX}
    ended = shop.run("pull_request", shop.proposed(CRITICAL | lax), ref="refs/pull/7/merge")
    assert (ended.code, ended.outputs["new-critical"]) == (1, "1"), ended.log
    assert "- fixby.toml is added: it says how to judge" in ended.summary


def test_neither_may_a_pull_request_change_the_configuration_that_the_workflow_names(shop: Shop) -> None:
    shop.pushed({"ci/fixby.toml": 'asset = "web"\n'})
    lax = {"ci/fixby.toml": 'asset = "web"\nexclude = ["requirements.txt"]\n', "ci/lax.toml": LAX}
    ended = shop.run_inputs(
        "pull_request", shop.proposed(CRITICAL | lax), {"config": "ci/fixby.toml"}, ref="refs/pull/7/merge"
    )
    assert (ended.code, ended.outputs["new-critical"]) == (1, "1"), ended.log
    assert "- ci/fixby.toml is changed: it says how to judge" in ended.summary


def test_a_shallow_checkout_of_two_commits_is_enough_and_one_of_one_cannot_tell(shop: Shop, api: Comments) -> None:
    event = shop.proposed({"web/new.py": SAFE})
    codes = {}
    for depth in ("1", "2"):
        workflow = readme_workflow().replace("fetch-depth: 0", f"fetch-depth: {depth}")
        codes[depth] = shop.run("pull_request", event, ref="refs/pull/7/merge", workflow=workflow)
    assert codes["2"].code == 0, codes["2"].log
    assert codes["1"].code == 3
    assert "fetch-depth" in codes["1"].summary
    assert "cannot tell" in api.bodies()[0] + codes["1"].summary


def test_of_another_branch_or_a_tag_all_is_judged_and_nothing_is_kept(shop: Shop) -> None:
    before = shop.state()
    shop.pushed(CRITICAL, branch="release")
    ended = shop.run("push", shop.push("refs/heads/release"), ref="refs/heads/release")
    assert (ended.code, ended.outputs["open-critical"]) == (1, "1"), ended.log
    assert shop.state() == before
    assert "Nothing of this run is kept" in ended.summary


def test_state_that_cannot_be_pushed_is_told_and_fails(shop: Shop) -> None:
    hook = shop.remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    ended = shop.run("push", shop.push())
    assert ended.code == 3, ended.log
    assert "Nothing of this run is kept" in ended.summary


def test_where_rulesets_decide_only_what_nobody_checked_fails(shop: Shop) -> None:
    shop.pushed(CRITICAL)
    ended = shop.run_inputs("push", shop.push(), {"fail-on": "error"})
    assert (ended.code, ended.outputs["verdict"], ended.outputs["open-critical"]) == (0, "fail", "1"), ended.log
    shop.pushed({"web/broken.py": "def (:\n"})
    ended = shop.run_inputs("push", shop.push(), {"fail-on": "error"})
    assert (ended.code, ended.outputs["verdict"]) == (3, "fail")
    assert "### Not checked" in ended.summary
    assert any(one.properties.get("title") == "Not checked" for one in ended.annotations("warning"))


def test_inputs_that_are_none_are_wrong_usage(shop: Shop) -> None:
    for given, words in (
        ({"fail-on": "never"}, "there is no mode 'never'"),
        ({"comment": "yes"}, "The input comment is 'yes'."),
        ({"working-directory": "../.."}, "working-directory: there is no folder"),
        ({"scanners": "--resolve"}, "--resolve"),
    ):
        ended = shop.run_inputs("push", shop.push(), given)
        assert (ended.code, ended.outputs["exit-code"]) == (2, "2"), ended.log
        assert words in ended.annotations("error")[0].message


def test_what_is_switched_off_is_not_done(shop: Shop, api: Comments) -> None:
    off = dict.fromkeys(("annotations", "comment", "summary", "upload-sarif"), "false")
    ended = shop.run_inputs("pull_request", shop.proposed(CRITICAL), off, ref="refs/pull/7/merge")
    assert (ended.code, ended.summary, ended.annotations(), api.requests) == (1, "", [], []), ended.log
    assert "upload-sarif" not in str(ended.used)


def test_on_pull_request_target_nothing_is_compared(shop: Shop) -> None:
    event = shop.proposed(CRITICAL)
    ended = shop.run("pull_request_target", event)
    assert ended.code == 2
    assert "Use the event pull_request" in ended.summary


def test_a_queue_of_merges_is_compared_with_what_it_goes_into(shop: Shop) -> None:
    pull = shop.proposed(CRITICAL)["pull_request"]
    event = {"merge_group": {"base_sha": pull["base"]["sha"]}, "repository": {"default_branch": "main"}}
    ended = shop.run("merge_group", event, ref="refs/pull/7/merge")
    assert (ended.code, ended.outputs["new-critical"]) == (1, "1"), ended.log
