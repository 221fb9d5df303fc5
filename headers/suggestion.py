"""A stricter policy in place of one that is written wrongly or allows too much.

What works is kept: sources of images, fonts, connections and the like stay as they are. The rules, in this order:

1. What browsers misread is put right: curly quotes, quotes that are missing, names with a typing error, a comma or a
   missing semicolon between directives, `'none'` beside other sources, http: places. What cannot be read is left out,
   and so is what browsers no longer obey. Of a directive that stands twice the first stays: it is the one that works.
2. Each nonce becomes `'nonce-{RANDOM}'`: the server makes a new one for every response.
3. In the first policy, scripts that run inline, from anywhere, or from a host that serves anybody's script are allowed
   by nonce with `'strict-dynamic'` instead. `'unsafe-inline'` and `https:` follow it for browsers that know no nonce or
   no `'strict-dynamic'`; all others pass over them. A script-src-elem or script-src-attr beside it goes.
4. The first policy gets what it lacks of object-src `'none'`, base-uri `'self'`, form-action `'self'` and
   frame-ancestors `'self'`, also in place of one that lets everybody.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches

from fixby.headers.allows import loads
from fixby.headers.check import Evidence
from fixby.headers.csp import DEPRECATED, DIRECTIVES, KEYWORDS, SOURCE_LISTS, Flaw, Policy, host_source, parse
from fixby.headers.csp_checks import ANYWHERE, Policies, failures
from fixby.headers.source_match import Place

NONCE = "'nonce-{RANDOM}'"
"""Stands for a nonce that the server makes anew for every response."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Policies in place of others, one a header, and a sentence for each thing that is another."""

    policies: tuple[str, ...]
    changes: tuple[str, ...]

    @property
    def needs_nonce(self) -> bool:
        """Whether a server has to make a nonce for every response."""
        return any(NONCE in policy for policy in self.policies)


def suggested(values: Sequence[str], page: Place) -> Suggestion:
    """Stricter policies in place of those in the values of a header of `page`; one where there is none."""
    changes: list[str] = []
    some = [found for value in values for found in _mended(value, changes)] or [{}]
    _harden(some[0], page, changes)
    return Suggestion(tuple(map(_written, filter(None, some))), tuple(dict.fromkeys(changes)))


_Directives = dict[str, list[str]]
_NOWHERE, _DATA = Evidence("", ""), Place("data")


def _written(directives: _Directives) -> str:
    return "; ".join(" ".join((name, *values)) for name, values in directives.items())


def _mended(value: str, changes: list[str]) -> Iterator[_Directives]:
    """The policies of a header's value, their mistakes put right."""
    for text in _policies(_straight(value, changes), changes):
        directives: _Directives = {}
        for token in _tokens(text, changes):
            name, *words = token.split()
            _add(directives, _name(name, changes), words, changes)
        if directives:
            yield directives


def _straight(value: str, changes: list[str]) -> str:
    """A value with straight quotes, also where UTF-8 was read as ISO 8859-1, and without other foreign characters."""
    with suppress(UnicodeError):
        value = value.encode("latin-1").decode("utf-8")
    text = _CURLY.sub("'", value)
    if text != value:
        changes.append("Quotes are straight ones: browsers pass over a directive with curly ones.")
    plain = "".join(one if " " <= one <= "~" else " " for one in text)
    if plain.split() != text.split():
        changes.append("Characters that are not ASCII are gone.")
    return plain


_CURLY = re.compile("[\u2018-\u201f\u2032\u2033`\u00b4]")


def _policies(value: str, changes: list[str]) -> list[str]:
    """The policies between commas, where a comma is no slip between two sources."""
    found: list[str] = []
    for part in value.split(","):
        first = next(iter(part.split()), "")
        if found and first and Flaw.STRAY_COMMA in (mistake.flaw for mistake in parse(first).mistakes):
            found[-1] += f" {part}"
            changes.append("Sources are parted by spaces, not by commas.")
        else:
            found.append(part)
    return found


def _tokens(text: str, changes: list[str]) -> Iterator[str]:
    """The directives of a policy, with a semicolon before each name."""
    for token in filter(str.strip, text.split(";")):
        words = token.split()
        starts = [0, *(at for at, word in enumerate(words) if at and _begins(words[0], word))]
        if len(starts) > 1:
            changes.append(f"A semicolon stands before {words[starts[1]]}.")
        for start, end in zip(starts, [*starts[1:], len(words)], strict=True):
            yield " ".join(words[start:end])


def _begins(directive: str, word: str) -> bool:
    return directive.lower() not in ("trusted-types", "sandbox") and word.lower().rstrip(":") in DIRECTIVES


def _name(written: str, changes: list[str]) -> str:
    """The directive that is meant, or nothing."""
    name = written.lower().rstrip(":")
    if name in DIRECTIVES:
        return name
    near = get_close_matches(name, DIRECTIVES, 1, 0.8)
    changes.append(f"{written} is meant to be {near[0]}." if near else f"{written} is no directive, and is left out.")
    return near[0] if near else ""


def _add(directives: _Directives, name: str, words: Sequence[str], changes: list[str]) -> None:
    if not name:
        return
    if name in directives:
        changes.append(f"The second {name} is left out: browsers obey the first.")
    elif name in DEPRECATED:
        changes.append(f"{name} is left out: browsers no longer obey it.")
    else:
        directives[name] = _sources(words, changes) if name in SOURCE_LISTS else list(words)


def _sources(words: Sequence[str], changes: list[str]) -> list[str]:
    found = [source for word in words if (source := _source(word, changes))]
    if "'none'" in found and len(set(found)) > 1:
        changes.append("'none' is left out where other sources stand beside it.")
        found = [source for source in found if source != "'none'"]
    return list(dict.fromkeys(found))


def _source(word: str, changes: list[str]) -> str:
    """A source as it is meant, or nothing."""
    bare = word.strip("'\"")
    lower = bare.lower()
    if lower.startswith("nonce-"):
        if word != NONCE:
            changes.append(f"A nonce is made anew for every response: {NONCE}.")
        return NONCE
    if f"'{lower}'" in KEYWORDS or re.match(r"sha(256|384|512)-", lower):
        return _checked(f"'{bare if '-' in lower and lower.startswith('sha') else lower}'", word, changes)
    if word != bare and (near := get_close_matches(f"'{lower}'", KEYWORDS, 1, 0.8)):
        return _checked(near[0], word, changes)
    if lower.startswith("http://"):
        changes.append(f"{bare} is named under https.")
        return f"https://{bare[7:]}"
    return _checked(word, word, changes)


def _checked(source: str, word: str, changes: list[str]) -> str:
    """A source that browsers understand, or nothing."""
    if any(mistake.flaw is not Flaw.MISSING_SEMICOLON for mistake in parse(f"img-src {source}").mistakes):
        changes.append(f"{word} is no source, and is left out.")
        return ""
    if source.lower() != word.lower():
        changes.append(f"{word} is written {source}.")
    return source


def _harden(directives: _Directives, page: Place, changes: list[str]) -> None:
    """Make the first policy strict."""
    if _scripts_are_weak(directives, page):
        _allow_by_nonce(directives, changes)
    for name, value, why in _DEFAULTS:
        if _is_open(directives, name, page):
            changes.append(f"{name} {value} is {'stricter' if name in directives else 'new'}: {why}.")
            directives[name] = [value]


_DEFAULTS = (
    ("object-src", "'none'", "plug-ins run script"),
    ("base-uri", "'self'", "an injected base leads scripts elsewhere"),
    ("form-action", "'self'", "an injected form sends what visitors type elsewhere"),
    ("frame-ancestors", "'self'", "other sites may not frame the page"),
)
_WEAK_SCRIPTS = frozenset({"CSP-NO-SCRIPT-SRC", "CSP-SCRIPT-INLINE", "CSP-SCRIPT-WIDE", "CSP-ALLOWLIST-BYPASS"})


def _understood(directives: _Directives) -> Policy:
    """The policy as a browser would have it, with some nonce."""
    return parse(_written(directives).replace("{RANDOM}", "A" * 22))


def _scripts_are_weak(directives: _Directives, page: Place) -> bool:
    policy = _understood(directives)
    if not policy.directives:
        return True
    found = failures(Policies(page, [(policy, _NOWHERE)]))
    return any(check.id in _WEAK_SCRIPTS and check.severity.rank > 1 for check in found)


def _is_open(directives: _Directives, name: str, page: Place) -> bool:
    policy = _understood(directives)
    return policy.governing(name) is None or loads(policy, name, ANYWHERE, page) or loads(policy, name, _DATA, page)


def _allow_by_nonce(directives: _Directives, changes: list[str]) -> None:
    old = directives.get("script-src", directives.get("default-src", []))
    kept = [source for source in old if _is_kept(source)]
    finer = [name for name in ("script-src-elem", "script-src-attr") if directives.pop(name, None) is not None]
    changes += [f"{name} is left out: script-src says it for all scripts." for name in finer]
    fallbacks = ["'unsafe-inline'", "https:"]
    directives["script-src"] = list(dict.fromkeys([NONCE, "'strict-dynamic'", *kept, *fallbacks]))
    changes.append(
        "Scripts run by a nonce, and what they load with them; browsers that know no nonce run them as before."
    )


def _is_kept(source: str) -> bool:
    """Whether a source of scripts still says something beside a nonce: a hash, `'unsafe-eval'` and the like."""
    dropped = ("'self'", "'none'", "'unsafe-inline'", "'strict-dynamic'", "*", NONCE)
    return source not in dropped and not source.endswith(":") and not host_source(source)
