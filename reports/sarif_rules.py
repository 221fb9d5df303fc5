"""The rules of a SARIF run, with what GitHub's code scanning shows of them: help, tags, how bad they are."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fixby.finding import Finding, Rule
from fixby.reports import markdown
from fixby.reports.published import Document
from fixby.reports.sarif_words import OURS, level, score, shown
from fixby.severity import Severity


@dataclass(frozen=True, slots=True)
class Described:
    """A rule with all that is said of it: why it matters, what to do, and how bad the worst of its findings is."""

    rule: Rule
    why: str
    mend: str
    severity: Severity

    @property
    def id(self) -> str:
        """The rule's id."""
        return self.rule.id


def described(some: Iterable[Finding]) -> Iterator[Described]:
    """The rules of some findings, in order of id; what is said of a rule is what all of its findings say."""
    alike: dict[str, list[Finding]] = {}
    for one in some:
        alike.setdefault(one.rule.id, []).append(one)
    for _, findings in sorted(alike.items()):
        worst = max((one.severity for one in findings), key=lambda severity: severity.rank)
        why = _said_by_all(one.message for one in findings)
        yield Described(findings[0].rule, why, _said_by_all(one.fix for one in findings), worst)


def reporting_descriptor(one: Described) -> Document:
    """A rule as SARIF has it (3.49)."""
    rule = one.rule
    links = [link for link in rule.references if _LINK.fullmatch(link)]
    weaknesses = [f"external/cwe/{cwe.lower()}" for cwe in rule.cwes]
    return {
        "id": shown(rule.id),
        "shortDescription": {"text": shown(rule.title)[:_LONGEST] or "-"},
        "fullDescription": {"text": shown(one.why or rule.title)[:_LONGEST] or "-"},
        "help": {"text": _help(one), "markdown": _help_as_markdown(one)},
        **({"helpUri": links[0]} if links else {}),
        "defaultConfiguration": {"level": level(one.severity)},
        "properties": {
            "tags": ["security", *dict.fromkeys(weaknesses)][:_TAGS],
            **score(one.severity),
            OURS: rule_as_ours(rule),
        },
    }


def rule_as_ours(rule: Rule) -> Document:
    """What SARIF has no place for, or none that is long enough."""
    named = {} if shown(rule.id) == rule.id else {"id": rule.id}
    return {**named, "title": rule.title, "cwes": list(rule.cwes), "references": list(rule.references)}


_TAGS = 10
_LONGEST = 1000
_LINK = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][A-Za-z0-9/._~:?=&%#+,;!$()@-]*)?")


def _said_by_all(words: Iterable[str]) -> str:
    """What all say, or nothing where they say different things."""
    some = {*words}
    return some.pop() if len(some) == 1 else ""


def _help(one: Described) -> str:
    parts = (one.rule.title, one.why, one.mend, " ".join(one.rule.cwes), "\n".join(one.rule.references))
    return shown("\n\n".join(dict.fromkeys(filter(None, parts)))) or "-"


def _help_as_markdown(one: Described) -> str:
    """The same as Markdown in which no word of a scanner is markup, and only plain addresses are links."""
    words = (line for part in dict.fromkeys((one.rule.title, one.why, one.mend)) for line in part.splitlines())
    links = (f"<{link}>" if _LINK.fullmatch(link) else markdown.text(link) for link in one.rule.references)
    parts = (
        *map(markdown.text, filter(str.strip, words)),
        markdown.text(" ".join(one.rule.cwes)),
        "\n".join(f"- {link}" for link in links),
    )
    return "\n\n".join(filter(None, parts)) or "-"
