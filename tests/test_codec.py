import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixby.component import Component
from fixby.finding import Category, Finding, Location, Rule, Suppression
from fixby.identifiers import Identifiers
from fixby.severity import Severity, SeveritySource
from fixby.store.codec import decoded, encoded
from tests.stories import weakness

texts = st.text(st.characters(codec="utf-8"), max_size=5)
several = st.lists(texts, max_size=3).map(tuple)
numbers = st.none() | st.integers(0, 2**53)
findings = st.builds(
    Finding,
    category=st.sampled_from(Category),
    scanner=texts,
    rule=st.builds(Rule, texts, texts, several, several),
    severity=st.sampled_from(Severity),
    severity_source=st.sampled_from(SeveritySource),
    message=texts,
    locations=st.lists(st.builds(Location, texts, numbers, numbers, numbers, numbers), max_size=3).map(tuple),
    component=st.none() | st.builds(Component, texts, texts, texts, texts, several),
    identifiers=st.builds(Identifiers, several),
    fix=texts,
    code=texts,
    secret_fingerprint=texts,
    suppression=st.none() | st.builds(Suppression, texts, texts),
)


@settings(deadline=None)
@given(findings)
def test_a_finding_comes_back_from_its_json_as_it_was(finding: Finding) -> None:
    again = decoded(orjson.loads(encoded(finding)))
    assert repr(again) == repr(finding)
    assert again == finding
    assert encoded(again) == encoded(finding)


def test_equal_things_have_equal_json_whatever_their_order() -> None:
    assert encoded({"b": 1, "a": [2, "ü"]}) == encoded({"a": [2, "ü"], "b": 1}) == '{"a":[2,"ü"],"b":1}'.encode()


@pytest.mark.parametrize("key", [*orjson.loads(encoded(weakness()))])
def test_a_document_without_one_of_its_keys_is_no_finding(key: str) -> None:
    document = orjson.loads(encoded(weakness()))
    del document[key]
    with pytest.raises(KeyError):
        decoded(document)


@pytest.mark.parametrize(("key", "value"), [("severity", "dreadful"), ("category", ""), ("severity_source", "me")])
def test_a_document_with_an_unknown_word_is_no_finding(key: str, value: str) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        decoded({**orjson.loads(encoded(weakness())), key: value})
