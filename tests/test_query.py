import pytest

from fixby.errors import UsageError
from fixby.query import QUALIFIERS, Term, addressed, parse


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", ()),
        ("  \t", ()),
        ("is:open", (Term("is", ("open",)),)),
        ("severity:critical,high", (Term("severity", ("critical", "high")),)),
        ("-is:fixed rule:B602", (Term("is", ("fixed",), negated=True), Term("rule", ("B602",)))),
        ('path:"my files/**"', (Term("path", ("my files/**",)),)),
        ("rule:a:b", (Term("rule", ("a:b",)),)),
        ("severity:high,,low,", (Term("severity", ("high", "low")),)),
    ],
)
def test_a_query_is_read_as_it_is_meant(text: str, terms: tuple[Term, ...]) -> None:
    assert parse(text) == terms


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("assignee:me", "'assignee:Grace Hopper'"),
        ("owner:me", "'owner:Grace Hopper'"),
        ("is:open -assignee:bob,me tag:me", "is:open '-assignee:bob,Grace Hopper' tag:me"),
        ('path:"a b" assignee:me', "'path:a b' 'assignee:Grace Hopper'"),
        ('path:"a b"  assignee:bob', 'path:"a b"  assignee:bob'),
    ],
)
def test_me_is_named_and_nothing_else_is_said_otherwise(text: str, said: str) -> None:
    assert addressed(text, lambda: "Grace Hopper") == said
    before = [[value.replace("Grace Hopper", "me") for value in term.values] for term in parse(said)]
    assert before == [list(term.values) for term in parse(text)]


def test_nobody_is_asked_for_a_name_that_no_query_needs() -> None:
    assert addressed("is:open assignee:bob", lambda: pytest.fail("it asked")) == "is:open assignee:bob"


@pytest.mark.parametrize("text", ["colour:red", "-colour:red", ":red", "is:open Severity:high"])
def test_an_unknown_qualifier_is_an_error_that_lists_the_known_ones(text: str) -> None:
    with pytest.raises(UsageError, match="There is no qualifier") as raised:
        parse(text)
    assert all(qualifier in raised.value.hint for qualifier in QUALIFIERS)


@pytest.mark.parametrize("text", ["django", "is:open high", "-"])
def test_a_bare_word_is_an_error_that_lists_the_qualifiers(text: str) -> None:
    with pytest.raises(UsageError, match="is no qualifier:value") as raised:
        parse(text)
    assert "severity" in raised.value.hint


@pytest.mark.parametrize("qualifier", QUALIFIERS)
@pytest.mark.parametrize("nothing", ["", ",", ",,"])
def test_a_qualifier_without_a_value_is_an_error_with_an_example(qualifier: str, nothing: str) -> None:
    with pytest.raises(UsageError, match="has no value") as raised:
        parse(f"{qualifier}:{nothing}")
    assert f"{qualifier}:" in raised.value.hint


@pytest.mark.parametrize("text", ['path:"a b', "path:'a", "path:a\\"])
def test_a_quote_that_does_not_end_is_an_error(text: str) -> None:
    with pytest.raises(UsageError, match="quote"):
        parse(text)
