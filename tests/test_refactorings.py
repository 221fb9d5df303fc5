"""What becomes of findings when code is moved, edited, reformatted and mended, with Bandit on real files.

The refactorings and their truth are those of `benchmarks/identity/synthetic.py`, which runs Semgrep and detect-secrets
as well.
"""

import pytest
from synthetic import Case, Score, cases, scored

from fixby.scanners import bandit

CASES = {case.name: case for case in cases()}


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:
    """All cases, scanned at once."""
    return scored(list(CASES.values()), [bandit])


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_finding_stays_itself_and_takes_the_place_of_no_other(case: Case, scores: dict[str, Score]) -> None:
    score = scores[case.name]
    assert score.persisting > 20
    assert (score.split, score.joined, score.unclosed) == ((), (), ())
