"""What policies come to, in words: what decides for each directive, and what an attacker could do all the same."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from fixby.headers.allows import Allows, allows, inline_is_void, loads
from fixby.headers.csp import FETCH, KEYWORDS, REPORTING, SOURCE_LISTS, Policy, host_source
from fixby.headers.csp_checks import ANYWHERE
from fixby.headers.source_match import Place


@dataclass(frozen=True, slots=True)
class Deciding:
    """What one policy says of a directive: `by` is the directive that decides, itself or one that it falls back to.

    `void` are those of its values that browsers pass over for what stands beside them.
    """

    by: str
    values: tuple[str, ...]
    void: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A directive, and what each policy that says something of it lets through; together they must all allow."""

    directive: str
    deciding: tuple[Deciding, ...]

    @property
    def said(self) -> str:
        """What may come, in words."""
        if not self.deciding:
            return "anything"
        lists = [" ".join(one for one in some.values if one not in some.void) for some in self.deciding]
        if self.directive in SOURCE_LISTS and any(some.lower() in ("", "'none'") for some in lists):
            return "nothing"
        return ", and of those only ".join(dict.fromkeys(some or "as it stands" for some in lists))


@dataclass(frozen=True, slots=True)
class Threat:
    """Something that an attacker would like to do, named as in `Allows` where it stands there.

    `sentence` says whether it can be done, `directive` which one stops it, or would.
    """

    name: str
    possible: bool
    sentence: str
    directive: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the policies of a page come to."""

    rules: tuple[Rule, ...]
    threats: tuple[Threat, ...]


def explained(enforced: Sequence[Policy], page: Place, frame_options: Sequence[str] = ()) -> Explanation:
    """What the policies that are enforced on `page` come to, together with the lines of X-Frame-Options."""
    allowed = allows(enforced, page, frame_options)
    return Explanation(
        tuple(Rule(name, tuple(_deciding(enforced, name))) for name in _names(enforced)),
        tuple(_threats(enforced, page, allowed)),
    )


_ALWAYS = (
    *("script-src", "style-src", "img-src", "connect-src", "font-src", "media-src", "object-src", "frame-src"),
    *("worker-src", "manifest-src", "base-uri", "form-action", "frame-ancestors"),
)


def _names(enforced: Sequence[Policy]) -> list[str]:
    """The directives that are worth a line: the main ones, and whatever somebody wrote."""
    written = {name for policy in enforced for name in policy.directives} - {"default-src"} - REPORTING
    return [*_ALWAYS, *sorted(written - set(_ALWAYS))]


def _deciding(enforced: Sequence[Policy], name: str) -> Iterator[Deciding]:
    for policy in enforced:
        if by := policy.governing(name):
            values = policy.directives[by]
            yield Deciding(by, values, tuple(value for value in values if _is_void(policy, name, value)))


def _is_void(policy: Policy, name: str, value: str) -> bool:
    """Whether what stands beside a value makes browsers pass over it (CSP 3, 6.7.2 and 6.7.3.2)."""
    sources, word = policy.sources(name), value.lower()
    if sources is None or name not in SOURCE_LISTS:
        return False
    if word == "'none'":
        return not sources.is_closed
    if name not in FETCH:
        return False
    if word == "'unsafe-inline'":
        return inline_is_void(sources, name)
    is_place = word in ("'self'", "*") or (word not in KEYWORDS and (word.endswith(":") or bool(host_source(value))))
    return name.startswith("script-src") and "'strict-dynamic'" in sources.keywords and is_place


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked of policies: the name in `Allows`, what decides, and the sentences for yes and no."""

    name: str
    decides: str
    yes: str
    no: str
    stops: str


_QUESTIONS = (
    _Question(
        "inline_script",
        "script-src-elem",
        "Whoever can write into the page adds a script element, and it runs.",
        "A script element without an allowed nonce or hash does not run.",
        "script-src without 'unsafe-inline'",
    ),
    _Question(
        "inline_handler",
        "script-src-attr",
        "Whoever can write into the page adds an event handler such as onerror, and it runs.",
        "Event handlers in the page's source do not run.",
        "script-src without 'unsafe-inline'",
    ),
    _Question(
        "evil_script",
        "script-src-elem",
        "A script element loads a file from an attacker's server.",
        "A script element loads nothing from an attacker's server.",
        "script-src without *, schemes and foreign hosts",
    ),
    _Question(
        "data_script",
        "script-src-elem",
        "A script element holds its script in a data: address.",
        "A script element runs nothing from a data: address.",
        "script-src without data:",
    ),
    _Question(
        "dyn_evil_script",
        "script-src-elem",
        "A script of the page that adds script elements can be led to an attacker's file.",
        "A script of the page cannot add one of an attacker's.",
        "require-trusted-types-for 'script'",
    ),
    _Question(
        "eval",
        "script-src",
        "Text that reaches eval or Function becomes script.",
        "Text does not become script.",
        "script-src without 'unsafe-eval', or require-trusted-types-for 'script'",
    ),
    _Question(
        "blob_worker",
        "worker-src",
        "A worker starts from a blob: address.",
        "No worker starts from a blob: address.",
        "worker-src 'self'",
    ),
    _Question(
        "plugins",
        "object-src",
        "An object or embed element loads a file from an attacker's server.",
        "No object or embed element loads anything from an attacker's server.",
        "object-src 'none'",
    ),
    _Question(
        "base_evil",
        "base-uri",
        "A base element leads the page's relative addresses, scripts included, to an attacker's server.",
        "A base element cannot lead the page's addresses to an attacker's server.",
        "base-uri 'none'",
    ),
    _Question(
        "forms",
        "form-action",
        "A form sends what a visitor types to an attacker's server.",
        "No form sends anything to an attacker's server.",
        "form-action 'self'",
    ),
    _Question(
        "inline_style",
        "style-src-attr",
        "Injected styles change how the page looks, and read parts of it.",
        "Injected styles are not applied.",
        "style-src without 'unsafe-inline'",
    ),
    _Question(
        "evil_img",
        "img-src",
        "An image's address carries what was read to an attacker's server.",
        "No image is asked of an attacker's server.",
        "img-src",
    ),
    _Question(
        "evil_connect",
        "connect-src",
        "Script that runs sends what it reads to an attacker's server.",
        "Script cannot send what it reads to an attacker's server by itself.",
        "connect-src",
    ),
    _Question(
        "framed_by_other_origin",
        "frame-ancestors",
        "Any site shows the page in a frame and tricks a visitor into clicking.",
        "Another site cannot show the page in a frame.",
        "frame-ancestors 'none'",
    ),
)


def _threats(enforced: Sequence[Policy], page: Place, allowed: Allows) -> Iterator[Threat]:
    asked: dict[str, Callable[[], bool]] = {
        "plugins": lambda: all(loads(policy, "object-src", ANYWHERE, page) for policy in enforced),
        "forms": lambda: all(loads(policy, "form-action", ANYWHERE, page) for policy in enforced),
    }
    for question in _QUESTIONS:
        ask = asked.get(question.name)
        possible = ask() if ask else bool(getattr(allowed, question.name))
        stops = question.stops if possible else _decider(enforced, question)
        yield Threat(question.name, possible, question.yes if possible else question.no, stops)


def _decider(enforced: Sequence[Policy], question: _Question) -> str:
    """The directives that stop it, as they stand in the policies; another means where there are none."""
    found = dict.fromkeys(by for policy in enforced if (by := policy.governing(question.decides)))
    if question.name == "framed_by_other_origin" and not found:
        return "X-Frame-Options"
    return " and ".join(found) or "sandbox"
