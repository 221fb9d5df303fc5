"""Findings are recognised in later versions of their code, and never taken for others."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from fixby.matching import Circumstances, Matching, Reason, Trace, match
from fixby.outline import outline

BEGINNING = ["import os", "", "def first(command):"]
END = ["    return command", "", "def second(path):", "    with open(path) as file:", "        return file.read()"]
CALL = "    os.system('convert ' + command + ' --output result.png')"


def version(files: Mapping[str, Sequence[str]], mark: str = "os.system") -> list[Trace]:
    """The findings of one rule, for each line that holds a mark, of some files."""
    outlines = {path: outline("\n".join(lines)) for path, lines in files.items()}
    return [
        Trace(f"{path}:{place}", "B605", path, line, place, place, 1, outlines[path])
        for path, lines in files.items()
        for place, line in enumerate(lines, start=1)
        if mark in line
    ]


def told(matching: Matching) -> list[tuple[str, str, str]]:
    return sorted((pair.before.key, pair.now.key, str(pair.reason)) for pair in matching.pairs)


def matched(before: Mapping[str, Sequence[str]], now: Mapping[str, Sequence[str]]) -> Matching:
    """What is recognised where all files of either version are at hand."""
    circumstances = Circumstances(before.keys() - now.keys(), now.keys() - before.keys())
    return match(version(before), version(now), circumstances)


FILE = [*BEGINNING, CALL, *END]
OTHER = ["import sys", "", "def other(words):", "    sys.exit(words)"]

ONE_TO_ONE = {
    "exact": ({"a.py": FILE}, {"a.py": ["", "# words", *FILE]}, "a.py:6", Reason.EXACT),
    "reindented": (
        {"a.py": FILE},
        {"a.py": [*BEGINNING, "    if command:", f"    {CALL}", *END]},
        "a.py:5",
        Reason.REINDENTED,
    ),
    "renamed": ({"a.py": FILE}, {"b.py": FILE}, "b.py:4", Reason.RENAMED),
    "renamed and edited around": ({"a.py": FILE}, {"b.py": ["# moved", *FILE[:-1]]}, "b.py:5", Reason.RENAMED),
    "renamed and edited": (
        {"a.py": FILE},
        {"b.py": [*BEGINNING, CALL.replace("result", "output"), *END]},
        "b.py:4",
        Reason.EDITED,
    ),
    "moved": (
        {"a.py": [*OTHER, *FILE[2:5]], "b.py": OTHER},
        {"a.py": OTHER, "b.py": [*OTHER, *FILE[2:5]]},
        "b.py:6",
        Reason.MOVED,
    ),
    "edited": (
        {"a.py": FILE},
        {"a.py": [*BEGINNING, CALL.replace("command", "self.command"), *END]},
        "a.py:4",
        Reason.EDITED,
    ),
}


@pytest.mark.parametrize(("before", "now", "key", "reason"), ONE_TO_ONE.values(), ids=ONE_TO_ONE)
def test_a_finding_is_recognised(
    before: Mapping[str, Sequence[str]], now: Mapping[str, Sequence[str]], key: str, reason: Reason
) -> None:
    matching = matched(before, now)
    [(_, found, why)] = told(matching)
    assert (found, why, matching.lost, matching.new) == (key, str(reason), [], [])


def test_code_that_is_split_over_lines_is_the_same() -> None:
    [before] = version({"a.py": FILE})
    now = replace(before, key="now", code=CALL.replace(" + ", "\n    + "), last_line=6, outline=b"")
    assert told(match([before], [now], Circumstances())) == [("a.py:4", "now", "split or joined lines")]


def test_a_rule_that_has_another_name_now_is_the_same() -> None:
    [before] = version({"a.py": FILE})
    now = replace(before, key="now", rule="B700")
    renamed = Circumstances(renamed_rules={"B605": ("B699", "B700")})
    assert told(match([before], [now], renamed)) == [("a.py:4", "now", "rule renamed")]
    assert told(match([before], [now], Circumstances())) == []


SEVERAL = {
    "the first of two alike is fixed": (FILE + FILE, [line for line in FILE if line != CALL] + FILE, {13: 12}),
    "the second of two alike is fixed": (FILE + FILE, FILE + [line for line in FILE if line != CALL], {4: 4}),
    "one alike comes before": (FILE, [CALL, "", *FILE], {4: 6}),
    "one alike comes behind": (FILE, [*FILE, CALL], {4: 4}),
    "one is fixed and one alike comes": (
        FILE + OTHER,
        [line for line in FILE if line != CALL] + OTHER[:3] + [CALL] + OTHER[3:],
        {4: 12},
    ),
    "two functions change places": (
        [*FILE, *OTHER, CALL.replace("png", "gif")],
        [*OTHER, CALL.replace("png", "gif"), *FILE],
        {4: 9, 14: 5},
    ),
}


@pytest.mark.parametrize(("before", "now", "pairs"), SEVERAL.values(), ids=SEVERAL)
def test_like_findings_of_one_file_are_told_apart(
    before: Sequence[str], now: Sequence[str], pairs: Mapping[int, int]
) -> None:
    expected = sorted((f"a.py:{old}", f"a.py:{new}") for old, new in pairs.items())
    assert sorted((old, new) for old, new, _ in told(matched({"a.py": before}, {"a.py": now}))) == expected


DIFFERENT = {
    "a copy in another file": ({"a.py": FILE}, {"a.py": FILE, "b.py": FILE}, 1),
    "other code in another file": ({"a.py": FILE}, {"b.py": [*OTHER, CALL.replace("command", "words")]}, 0),
    "other code in the same place": ({"a.py": FILE}, {"a.py": [*BEGINNING, "    os.system(BEEP)", *END]}, 0),
    "short code of another place": (
        {"a.py": [*BEGINNING, "    os.system(x)", *END]},
        {"b.py": [*OTHER, "    os.system(x)"]},
        0,
    ),
}


@pytest.mark.parametrize(("before", "now", "count"), DIFFERENT.values(), ids=DIFFERENT)
def test_another_finding_is_another(
    before: Mapping[str, Sequence[str]], now: Mapping[str, Sequence[str]], count: int
) -> None:
    matching = matched(before, now)
    assert len(matching.pairs) == count
    assert len(matching.new) == len(version(now)) - count


def test_what_may_still_be_in_its_place_is_in_no_other() -> None:
    before, now = version({"a.py": FILE}), version({"b.py": FILE})
    assert told(match(before, now, Circumstances(appeared={"b.py"}, has_left=lambda _: False))) == []


def test_without_the_files_code_is_recognised_by_itself() -> None:
    lines = {"a.py": [*FILE, *FILE, CALL]}
    before = [replace(one, outline=b"") for one in version(lines)]
    now = [replace(one, outline=b"", line=one.line + 7) for one in before]
    assert [(one.line, other.line) for one, other in zip(before, now, strict=True)] == [(4, 11), (13, 20), (19, 26)]
    assert len(told(match(before, now, Circumstances()))) == 3
    edited = [replace(now[0], code=CALL.replace("result", "output"))]
    assert [why for _, _, why in told(match(before[:1], edited, Circumstances()))] == ["edited"]


def test_a_finding_without_code_is_known_by_its_line() -> None:
    before = [Trace(str(line), "rule", "a.py", "", line, line) for line in (3, 9)]
    now = [Trace(str(line), "rule", "a.py", "", line, line) for line in (9, 12)]
    assert told(match(before, now, Circumstances())) == [("9", "9", "exact")]


def any_version(chance: random.Random) -> dict[str, list[str]]:
    lines = [CALL, "    os.system(a)", "    os.system(b)", "x", "y", "z", "", "    return a"]
    return {path: chance.choices(lines, k=chance.randrange(12)) for path in ("a.py", "b.py", "c.py")}


def test_the_order_in_which_findings_are_given_is_nothing_and_each_is_in_one_pair() -> None:
    chance = random.Random(11)  # noqa: S311 - it makes versions
    for _ in range(300):
        before, now = version(any_version(chance)), version(any_version(chance))
        circumstances = Circumstances({"a.py"}, {"c.py"})
        first = match(before, now, circumstances)
        again = match(chance.sample(before, len(before)), chance.sample(now, len(now)), circumstances)
        assert told(first) == told(again)
        olds, news = [pair.before.key for pair in first.pairs], [pair.now.key for pair in first.pairs]
        assert sorted(olds + [one.key for one in first.lost]) == sorted(one.key for one in before)
        assert sorted(news + [one.key for one in first.new]) == sorted(one.key for one in now)


@pytest.mark.parametrize("count", [5000])
def test_thousands_of_like_findings_in_one_file_are_no_trouble(count: int) -> None:
    before, now = version({"a.py": [CALL] * count}), version({"a.py": [CALL] * (count - 10)})
    assert len(match(before, now, Circumstances()).pairs) == count - 10
    edited = version({"a.py": [CALL.replace("result", "output")] * count})
    assert len(match(before, edited, Circumstances()).pairs) == count
    before, now = ([replace(one, outline=b"") for one in some] for some in (before, now))
    assert len(match(before, now, Circumstances()).pairs) == count - 10
