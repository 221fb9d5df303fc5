"""OSV records: loaded without losing any, matched as OSV defines it, rated by whoever knows."""

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import InvalidVersion, Version

from fixby.errors import UsageError
from fixby.scanners.advisories import (
    Advisories,
    advice,
    answer,
    fingerprint,
    load,
    matching,
    published_until,
)
from fixby.scanners.report import Record
from fixby.severity import Severity, SeveritySource

REAL = Path(__file__).parents[2] / "shared" / "advisories" / "PyPI-all.zip"

V2_10 = {"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:C/I:C/A:C"}
V30_98 = {"type": "CVSS_V3", "score": "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}
V31_53 = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N"}
V4_93 = {"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}
BROKEN = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}


def record(name: str = "PYSEC-1", affected: list[Record] | None = None, **more: object) -> Record:
    return {
        "id": name,
        "modified": "2024-01-01T00:00:00Z",
        "affected": [affects()] if affected is None else affected,
        **more,
    }


def affects(*events: Record, versions: tuple[str, ...] = (), name: str = "Some.Package", **more: object) -> Record:
    ranges = [{"type": "ECOSYSTEM", "events": list(events)}] if events else []
    return {"package": {"name": name, "ecosystem": "PyPI"}, "ranges": ranges, "versions": list(versions), **more}


def folder(path: Path, *records: Record) -> Path:
    for one in records:
        (path / f"{one['id']}.json").write_bytes(orjson.dumps(one))
    return path


def matched(path: Path, version: str, *parts: Record) -> bool:
    found = matching(load(folder(path, record(affected=list(parts)))), "some-package", version)
    assert found.doubts == ()
    return bool(found.records)


@pytest.fixture(scope="module")
def real() -> Advisories:
    if not REAL.exists():
        pytest.skip("the real advisories are not at hand")
    return load(REAL)


@pytest.mark.parametrize(
    ("events", "affected", "unaffected"),
    [
        (
            ({"introduced": "0"}, {"fixed": "2.0"}),
            ["0", "0.dev0", "1.9", "2.0rc1", "1.9+cpu"],
            ["2.0", "2.0.post1", "3", "2.0+cpu"],
        ),
        (({"introduced": "1.0"}, {"last_affected": "2.0"}), ["1.0", "2.0", "2.0+cpu"], ["0.9", "1.0rc1", "2.0.1"]),
        (({"introduced": "1.0"}, {"last_affected": "1.0"}), ["1.0"], ["0.9", "1.1"]),
        (({"introduced": "1.0"},), ["1.0", "99"], ["0.9"]),
        (
            ({"fixed": "5.2"}, {"introduced": "5.0"}, {"fixed": "4.3"}, {"introduced": "4.0"}),
            ["4.0", "4.2", "5.1"],
            ["3", "4.3", "5.2"],
        ),
        (({"introduced": "1.0"}, {"fixed": "2.0"}, {"introduced": "2.0"}, {"fixed": "3.0"}), ["1.5", "2.0"], ["3.0"]),
        (({"introduced": "1.9"}, {"fixed": "1.10"}), ["1.9", "1.9.9"], ["1.10", "1.11", "1.1"]),
        (({"introduced": "0"}, {"limit": "2.0"}), ["1.0"], ["2.0", "3.0"]),
        (({"introduced": "0"}, {"limit": "*"}), ["1.0", "99"], []),
        (({"introduced": "1!1.0"}, {"fixed": "1!2.0"}), ["1!1.5"], ["1.5", "1!2.0"]),
    ],
)
def test_ranges_are_evaluated_as_osv_defines(
    tmp_path: Path, events: tuple[Record, ...], affected: list[str], unaffected: list[str]
) -> None:
    assert all(matched(tmp_path, version, affects(*events)) for version in affected)
    assert not any(matched(tmp_path, version, affects(*events)) for version in unaffected)


def test_listed_versions_count_in_any_spelling_and_beside_ranges(tmp_path: Path) -> None:
    part = affects({"introduced": "3.0"}, {"fixed": "4.0"}, versions=("1.0-rc1", "2013b-old"))
    assert all(matched(tmp_path, version, part) for version in ("1.0rc1", "1.0-rc1", "1.0rc1+local", "3.5"))
    assert not matched(tmp_path, "1.0", part)


def test_any_entry_of_a_record_may_affect_and_only_those_of_the_package_do(tmp_path: Path) -> None:
    parts = [
        affects(versions=("1.0",)),
        affects(versions=("2.0",), name="some_package"),
        affects(versions=("3.0",), name="other"),
    ]
    assert matched(tmp_path, "2.0", *parts)
    assert not matched(tmp_path, "3.0", *parts)


def test_other_ecosystems_do_not_match_and_a_suffix_of_ours_does(tmp_path: Path) -> None:
    other: Record = {"package": {"name": "some-package", "ecosystem": "npm"}, "versions": ["1.0"]}
    ours: Record = {"package": {"name": "some-package", "ecosystem": "PyPI:x"}, "versions": ["2.0"]}
    assert not matched(tmp_path, "1.0", other, ours)
    assert matched(tmp_path, "2.0", other, ours)


@pytest.mark.parametrize("name", ["some-package", "Some.Package", "SOME__package"])
def test_a_package_is_found_by_any_spelling(tmp_path: Path, name: str) -> None:
    data = load(folder(tmp_path, record(affected=[affects(versions=("1.0",))])))
    assert [one["id"] for one in matching(data, name, "1.0").records] == ["PYSEC-1"]


def test_a_withdrawn_record_is_not_in_force_but_tells_the_age_of_the_data(tmp_path: Path) -> None:
    affected = [affects(versions=("1.0",))]
    data = load(
        folder(
            tmp_path,
            record(affected=affected),
            record("PYSEC-2", affected, withdrawn="x", modified="2025-02-03T04:05:06"),
        )
    )
    assert [one["id"] for one in matching(data, "some-package", "1.0").records] == ["PYSEC-1"]
    assert published_until(data) == datetime(2025, 2, 3, 4, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "part",
    [
        affects(),
        affects({"introduced": "0"}, {"fixed": "2.0-n653"}),
        affects({"introduced": "0"}, {"invented": "2.0"}),
        {"package": {"name": "some-package", "ecosystem": "PyPI"}, "ranges": [{"type": "GIT", "events": []}]},
        {"package": {"name": "some-package", "ecosystem": "PyPI"}, "ranges": [{"type": "ECOSYSTEM"}]},
        {"package": {"name": "some-package", "ecosystem": "PyPI"}, "ranges": 1},
    ],
)
def test_what_cannot_be_evaluated_is_a_doubt_by_name_never_a_no(tmp_path: Path, part: Record) -> None:
    found = matching(load(folder(tmp_path, record(affected=[part]))), "some-package", "1.0")
    assert found.records == ()
    assert [doubt.split(":")[0] for doubt in found.doubts] == ["PYSEC-1 cannot be judged for some-package 1.0"]


def test_a_version_that_is_none_is_affected_where_it_is_listed_and_else_a_doubt(tmp_path: Path) -> None:
    data = load(folder(tmp_path, record(affected=[affects({"introduced": "0"}, versions=("2013b-old",))])))
    assert len(matching(data, "some-package", "2013b-old").records) == 1
    assert len(matching(data, "some-package", "2013c-old").doubts) == 1


def test_a_certain_entry_outweighs_a_doubtful_one(tmp_path: Path) -> None:
    assert matched(tmp_path, "1.0", affects({"fixed": "x-y"}), affects(versions=("1.0",)))


VERSIONS = st.builds("{}.{}".format, st.integers(0, 4), st.integers(0, 4))


@given(st.lists(st.tuples(VERSIONS, VERSIONS), max_size=4), VERSIONS)
def test_disjoint_spans_affect_exactly_what_lies_in_one(spans: list[tuple[str, str]], version: str) -> None:
    points = sorted({Version(point) for span in spans for point in span})
    pairs = list(zip(points[::2], points[1::2], strict=False))
    events: list[Record] = [{"fixed": str(high)} for _, high in pairs]
    events += [{"introduced": str(low)} for low, _ in pairs]
    data = Advisories({"some-package": [orjson.dumps(record(affected=[affects(*events, versions=("99",))]))]})
    expected = any(low <= Version(version) < high for low, high in pairs)
    assert bool(matching(data, "some-package", version).records) is expected


def test_a_damaged_record_is_a_problem_by_name_and_the_others_stay(tmp_path: Path) -> None:
    good = folder(tmp_path, record(affected=[affects(versions=("1.0",))]))
    for name, content in {
        "broken": b"{",
        "empty": b"",
        "list": b"[]",
        "no-id": b'{"modified": "2024-01-01T00:00:00Z"}',
        "no-time": b'{"id": "x"}',
        "odd-time": b'{"id": "x", "modified": "yesterday"}',
        "no-name": b'{"id": "x", "modified": "2024-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "PyPI"}}]}',
    }.items():
        (good / f"{name}.json").write_bytes(content)
    (good / "folder.json").mkdir()
    (good / "README.md").write_text("not a record")
    data = load(good)
    assert len(matching(data, "some-package", "1.0").records) == 1
    names = ["broken", "empty", "folder", "list", "no-id", "no-name", "no-time", "odd-time"]
    assert [problem.split()[1] for problem in data.problems] == [f"{name}.json" for name in names]


def test_a_damaged_member_of_a_zip_is_a_problem_by_name(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("GOOD.json", orjson.dumps(record("GOOD")))
        archive.writestr("BAD.json", orjson.dumps(record("BAD-RECORD")))
    path.write_bytes(path.read_bytes().replace(b"BAD-RECORD", b"BAD-CHANGE", 1))
    data = load(path)
    assert [problem.split(":")[0] for problem in data.problems] == ["advisory BAD.json cannot be read"]
    assert set(data.by_name) == {"GOOD"}


def test_data_without_any_record_of_ours_is_a_problem(tmp_path: Path) -> None:
    assert load(tmp_path).problems == (f"{tmp_path.name} holds no advisory for PyPI",)
    assert published_until(load(tmp_path)) is None


@pytest.mark.parametrize("use", [load, fingerprint])
def test_a_path_that_leads_nowhere_is_wrong_usage(tmp_path: Path, use: object) -> None:
    assert callable(use)
    with pytest.raises(UsageError, match="there are no advisories at"):
        use(tmp_path / "missing")


def test_a_zip_that_was_cut_short_is_wrong_usage(tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("A.json", orjson.dumps(record()))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UsageError, match="no zip that can be read"):
        load(path)


def test_advisories_that_cannot_be_fingerprinted_are_wrong_usage(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        fingerprint(tmp_path)


def test_the_fingerprint_changes_with_the_content_and_with_nothing_else(tmp_path: Path) -> None:
    first = fingerprint(folder(tmp_path, record()))
    (tmp_path / "PYSEC-1.json").touch()
    assert fingerprint(tmp_path) == first
    assert fingerprint(folder(tmp_path, record(summary="changed"))) != first


@pytest.mark.parametrize(
    ("more", "severity", "source"),
    [
        ({}, Severity.UNKNOWN, SeveritySource.DEFAULT),
        ({"severity": []}, Severity.UNKNOWN, SeveritySource.DEFAULT),
        ({"severity": [V31_53]}, Severity.MEDIUM, SeveritySource.CVSS),
        ({"severity": [V2_10, V31_53]}, Severity.MEDIUM, SeveritySource.CVSS),
        ({"severity": [V31_53, V30_98]}, Severity.MEDIUM, SeveritySource.CVSS),
        ({"severity": [V31_53, V4_93]}, Severity.CRITICAL, SeveritySource.CVSS),
        ({"severity": [V2_10]}, Severity.CRITICAL, SeveritySource.CVSS),
        ({"severity": [BROKEN, V2_10]}, Severity.CRITICAL, SeveritySource.CVSS),
        ({"severity": [{"type": "Ubuntu", "score": "low"}]}, Severity.UNKNOWN, SeveritySource.DEFAULT),
        ({"severity": [V31_53], "database_specific": {"severity": "LOW"}}, Severity.MEDIUM, SeveritySource.CVSS),
        (
            {"severity": [BROKEN], "database_specific": {"severity": "MODERATE"}},
            Severity.MEDIUM,
            SeveritySource.SCANNER,
        ),
        ({"database_specific": {"severity": "CRITICAL"}}, Severity.CRITICAL, SeveritySource.SCANNER),
        ({"database_specific": {"severity": "??"}}, Severity.UNKNOWN, SeveritySource.DEFAULT),
        ({"affected": [affects(severity=[V31_53])]}, Severity.MEDIUM, SeveritySource.CVSS),
    ],
)
def test_the_newest_cvss_vector_rates_an_advisory_else_its_word(
    tmp_path: Path, more: Record, severity: Severity, source: SeveritySource
) -> None:
    one = {**record(), **more}
    said = advice(load(folder(tmp_path, one)), one)
    assert (said.severity, said.severity_source) == (severity, source)


def test_any_alias_that_knows_settles_the_severity_and_the_weakness(tmp_path: Path) -> None:
    one = record(
        aliases=["CVE-1"], summary="It breaks", references=[{"type": "WEB", "url": "https://b"}, {"url": "https://a"}]
    )
    copy = record("GHSA-1", aliases=["CVE-1"], severity=[V4_93], database_specific={"cwe_ids": ["CWE-79", "CWE-20"]})
    related = record("CVE-2", severity=[V31_53], database_specific={"cwe_ids": ["CWE-1"]})
    said = advice(load(folder(tmp_path, one, copy, related)), one)
    assert (said.severity, said.cwes) == (Severity.CRITICAL, ("CWE-20", "CWE-79"))
    assert (said.title, said.references) == ("It breaks", ("https://b", "https://a"))


def test_a_withdrawn_alias_settles_nothing(tmp_path: Path) -> None:
    one = record(aliases=["CVE-1"])
    data = load(folder(tmp_path, one, record("GHSA-1", aliases=["CVE-1"], severity=[V4_93], withdrawn="2024")))
    assert advice(data, one).severity is Severity.UNKNOWN


def test_the_answer_holds_what_pip_audit_reads_and_nothing_it_breaks_on() -> None:
    one = record(
        affected=[
            affects({"introduced": "0"}, {"fixed": "1.2"}, {"fixed": "bad-version"}),
            affects({"introduced": "2"}, {"fixed": "2.3"}),
            affects({"introduced": "0"}, {"fixed": "9"}, name="other"),
        ],
        aliases=["CVE-1"],
        details="long",
        schema_version="9.0",
        published="yesterday",
    )
    events: list[Record] = [{"introduced": "0"}, {"fixed": "1.2"}, {"fixed": "2.3"}]
    assert answer(one, "Some.Package") == {
        "id": "PYSEC-1",
        "aliases": ["CVE-1"],
        "details": "long",
        "affected": [
            {
                "package": {"name": "some-package", "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": events}],
            }
        ],
    } | {"aliases": ("CVE-1",)}


def test_the_real_advisories_load_whole_and_say_how_old_they_are(real: Advisories) -> None:
    assert real.problems == ()
    assert (
        len({orjson.loads(one)["id"] for records in real.by_package.values() for one in records}) == 2651
    )  # 10 more are withdrawn
    assert str(published_until(real)) == "2024-10-10 17:22:00.587279+00:00"


def test_in_the_real_advisories_ranges_and_lists_of_versions_agree(real: Advisories) -> None:
    """The lists were made from the ranges by their publishers: an independent judgement of our evaluation."""
    agreed, differing = 0, set()
    records = [one for package in sorted(real.by_package)[::5] for one in map(orjson.loads, real.by_package[package])]
    for one in records:
        parts = one["affected"]
        assert isinstance(parts, list)
        for part in parts:
            ranges_only = {**one, "affected": [{**part, "versions": []}]}
            name = part["package"]["name"]
            alone = Advisories({name.lower().replace("_", "-").replace(".", "-"): [orjson.dumps(ranges_only)]})
            for version in filter(_is_version, part.get("versions", [])):
                if matching(alone, name, version).records:
                    agreed += 1
                else:
                    differing.add(str(one["id"]))
    assert agreed > 10_000
    assert len(differing) < len(records) / 100


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
