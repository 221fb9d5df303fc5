"""Who owns a file, as GitHub's documentation of CODEOWNERS says."""

from time import monotonic

import pytest

from fixby.codeowners import Codeowners, Mistake, parse

DOCUMENTED = """\
# This is a comment.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/*  docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
"""
"""The example of GitHub Docs, "About code owners"."""


def owners(text: str, path: str) -> str:
    return " ".join(parse(text).owners(path))


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("anything", "@global-owner1 @global-owner2"),
        ("deep/down.js", "@js-owner"),
        ("main.go", "docs@example.com"),
        ("notes/a.txt", "@octo-org/octocats"),
        ("build/logs/today/1", "@octocat"),
        ("docs/getting-started.md", "@doctocat"),
        ("scripts/a/b", "@doctocat @octocat"),
        ("deeply/nested/logs/x", "@octocat"),
        ("apps/x", "@octocat"),
        ("apps/github", ""),
        ("apps/github/x", ""),
        ("", ""),
    ],
)
def test_the_last_line_that_matches_says_who(path: str, said: str) -> None:
    assert parse(DOCUMENTED).mistakes == ()
    assert owners(DOCUMENTED, path) == said


@pytest.mark.parametrize(
    ("pattern", "matched", "not_matched"),
    [
        ("*", "a a/b .hidden", ""),
        ("docs/*", "docs/a", "docs/a/b x/docs/a docs"),
        ("/docs/**", "docs/a docs/a/b", "docs x/docs/a"),
        ("docs/", "docs/a x/docs/a", "docs x/docs"),
        ("docs", "docs docs/a x/docs x/docs/a", "docsx xdocs"),
        ("a/**/b", "a/b a/x/b a/x/y/b/c", "ab a/xb c/a/b"),
        ("**/b", "b a/b a/b/c", "ab"),
        ("a/b", "a/b a/b/c", "x/a/b a/bc"),
        ("*.py", "a.py x/a.py", "a.pyc apy"),
        ("a?c", "abc x/abc", "ac a/c abbc"),
        ("*/c", "a/c a/c/d", "c a/b/c"),
        ("a.b", "a.b", "axb"),
        ("A", "A", "a"),
        ("a\\*b", "a*b", "axb"),
        ("a**b", "ab axxb", "a/b"),
    ],
)
def test_patterns_are_those_of_gitignore(pattern: str, matched: str, not_matched: str) -> None:
    rules = parse(f"{pattern} @ada")
    assert [path for path in matched.split() if not rules.owners(path)] == []
    assert [path for path in not_matched.split() if rules.owners(path)] == []


def test_spaces_line_ends_and_a_mark_at_the_beginning_are_understood() -> None:
    assert owners("\ufeff*.md\t@ada\r\nmy\\ file.md  @bob @bob\r\n", "a.md") == "@ada"
    assert owners("\ufeff*.md\t@ada\r\nmy\\ file.md  @bob @bob\r\n", "x/my file.md") == "@bob"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("!a @ada", "!"),
        ("[ab].py @ada", "brackets"),
        ("\\#a @ada", "#"),
        ("*.py ada", "ada is no @user"),
        ("*.py @ada @", "@ is no @user"),
        ("[Section] @ada", "brackets"),
        ("^[Section]", "brackets"),
    ],
)
def test_a_line_that_says_nothing_is_a_mistake_and_the_others_count(line: str, problem: str) -> None:
    found = parse(f"* @ada\n{line}\n")
    [mistake] = found.mistakes
    assert mistake.line == 2
    assert problem in mistake.problem
    assert found.owners("a.py") == ("@ada",)


def test_nothing_owns_nothing() -> None:
    assert parse("") == parse("\n# only\n") == Codeowners()
    assert parse("x y").mistakes == (Mistake(1, "y is no @user, @organisation/team or e-mail address"),)


def test_the_time_to_match_is_bounded_whatever_a_file_says() -> None:
    hostile = f"{'/'.join(['**', '*a'] * 50)}/c @ada\n{'*a' * 200}b @ada\n{'?*' * 100}b @ada\n"
    begun = monotonic()
    assert owners(hostile, "/".join(["a" * 200] * 100)) == ""
    assert monotonic() - begun < 2
