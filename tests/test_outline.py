"""Which line of one version of a file is which of another."""

import random
from difflib import SequenceMatcher

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixby.outline import line_map, lines, outline
from fixby.renamed_files import successors

few_lines = st.lists(st.sampled_from(["a", "b", "c", "", "  "]), max_size=12).map("\n".join)


@given(few_lines, few_lines)
def test_lines_that_are_mapped_are_the_same_and_keep_their_order(before: str, now: str) -> None:
    one, other = outline(before), outline(now)
    mapped = line_map(one, other)
    becomes = {line: mapped.get(line) for line in range(1, len(lines(one)) + 1)}
    places = [place for place in becomes.values() if place]
    assert places == sorted(set(places))
    assert all(lines(one)[line - 1] == lines(other)[place - 1] for line, place in becomes.items() if place)


@given(few_lines, few_lines)
def test_a_line_that_is_gone_stood_between_those_around_it(before: str, now: str) -> None:
    one = outline(before)
    mapped = line_map(one, outline(now))
    last = 0
    for line in range(1, len(lines(one)) + 1):
        if place := mapped.get(line):
            last = place
        else:
            after, until = mapped.gap(line)
            later = [place for rest in range(line, len(lines(one)) + 1) if (place := mapped.get(rest))]
            assert (after, until == later[0] if later else until > len(now)) == (last, True)


def test_no_more_lines_are_lost_than_by_another_diff() -> None:
    chance = random.Random(7)  # noqa: S311 - it makes texts
    for _ in range(200):
        before = [str(chance.randrange(30)) for _ in range(60)]
        now = [line for line in before if chance.random() > 0.1]
        now.insert(chance.randrange(len(now)), "new")
        mapped = line_map(outline("\n".join(before)), outline("\n".join(now)))
        kept = sum(mapped.get(line) is not None for line in range(1, len(before) + 1))
        reference = SequenceMatcher(None, before, now, autojunk=False).get_matching_blocks()
        assert kept >= sum(block.size for block in reference) * 0.97


@pytest.mark.parametrize(
    ("before", "now"),
    [("a\nb\nc", "a\n    b\nc"), ("a\nb\nc", "a\n\tb  \nc"), ("a = [1,2]", "a = [1, 2]"), ("a\r\nb", "a\nb")],
    ids=["indented", "a tab", "a space within", "other line ends"],
)
def test_white_space_is_nothing(before: str, now: str) -> None:
    assert outline(before) == outline(now)


def test_a_line_that_was_changed_is_no_line_of_the_other() -> None:
    mapped = line_map(outline("a\nb\nc"), outline("a\nB\nc"))
    assert (mapped.get(1), mapped.get(2), mapped.get(3), mapped.gap(2)) == (1, None, 3, (1, 3))


def test_ten_thousand_like_lines_are_followed() -> None:
    mapped = line_map(outline("same\n" * 10_000), outline("same\n" * 9_990))
    assert mapped.get(9_000) is not None


def test_a_file_goes_on_as_the_one_that_shares_most_of_its_lines() -> None:
    old = {"a.py": outline("1\n2\n3\n4\n5"), "b.py": outline("6\n7\n8\n9")}
    new = {"c.py": outline("6\n7\n8\nx"), "d.py": outline("1\n2\n3\n4\ny\nz"), "e.py": outline("p\nq")}
    assert successors(old, new) == {"a.py": "d.py", "b.py": "c.py"}


def test_files_with_little_in_common_are_not_the_same() -> None:
    assert successors({"a.py": outline("1\n2\n3\n4\n5")}, {"b.py": outline("1\nb\nc\nd\ne")}) == {}


def test_blank_lines_are_nothing_in_common() -> None:
    assert successors({"a.py": outline("1\n" + "\n" * 50)}, {"b.py": outline("2\n" + "\n" * 50)}) == {}
