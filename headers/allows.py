"""What a browser lets happen on a page by its policies: what runs and loads (CSP Level 3), and who may frame it.

An attacker is taken to be at https://evil.test:8443, or https://attacker.test:8443 for a page that frames this one:
origins that a policy allows only where it allows everybody's, or names them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from fixby.headers import structured_fields
from fixby.headers.csp import Delivery, Disposition, Policy, Sources
from fixby.headers.source_match import Place, matches


@dataclass(frozen=True, slots=True)
class Allows:
    """What a browser lets happen: scripts of these kinds, and loading from an attacker's origin.

    `nonce_script` is one with a nonce of the policy's, `dyn_evil_script` an attacker's that a running script adds.
    """

    inline_script: bool
    inline_handler: bool
    nonce_script: bool
    self_script: bool
    evil_script: bool
    data_script: bool
    dyn_evil_script: bool
    eval: bool
    inline_style: bool
    blob_worker: bool
    evil_img: bool
    evil_connect: bool
    self_connect: bool
    base_evil: bool
    framed_by_other_origin: bool
    framed_by_same_origin: bool

    @property
    def foreign_script(self) -> bool:
        """Whether somebody who can write into the page can run script of theirs in it."""
        return self.inline_script or self.inline_handler or self.evil_script or self.data_script


EVIL = Place("https", "evil.test", 8443, "/s/evil.js")
ATTACKER = Place("https", "attacker.test", 8443, "/")
_OWN_SCRIPT = "/s/self.js"
_DATA = Place("data")
_BLOB = Place("blob")


def allows(policies: Iterable[Policy], page: Place, frame_options: Sequence[str] = ()) -> Allows:
    """What the policies of a page allow together: what each of those that are enforced allows.

    `frame_options` are the lines of X-Frame-Options, which count where no policy says who may frame the page.
    """
    enforced = [policy for policy in policies if policy.disposition is Disposition.ENFORCE]

    def all_allow(asked: Callable[[Policy], bool]) -> bool:
        return all(asked(policy) for policy in enforced)

    evil, attacker = (replace(one, scheme="http") if page.scheme == "http" else one for one in (EVIL, ATTACKER))
    runs = all_allow(_scripts_run)
    strings = not any(demands_trusted_types(policy) for policy in enforced)
    nonces = {nonce for policy in enforced for nonce in _nonces(policy)} | {""}
    return Allows(
        inline_script=runs and all_allow(lambda policy: _inline(policy, "script-src-elem")),
        inline_handler=runs and all_allow(lambda policy: _inline(policy, "script-src-attr")),
        nonce_script=runs and any(all(_inline(one, "script-src-elem", nonce) for one in enforced) for nonce in nonces),
        self_script=runs and all_allow(lambda policy: loads_script(policy, replace(page, path=_OWN_SCRIPT), page)),
        evil_script=runs and all_allow(lambda policy: loads_script(policy, evil, page)),
        data_script=runs and all_allow(lambda policy: loads_script(policy, _DATA, page)),
        dyn_evil_script=runs and strings and all_allow(lambda policy: loads_script(policy, evil, page, added=True)),
        eval=runs and (all_allow(evaluates) if strings else any(map(_evaluates_trusted_types, enforced))),
        inline_style=all_allow(lambda policy: _inline(policy, "style-src-attr")),
        blob_worker=runs and strings and all_allow(lambda policy: _worker(policy, page)),
        evil_img=all_allow(lambda policy: loads(policy, "img-src", evil, page)),
        evil_connect=all_allow(lambda policy: loads(policy, "connect-src", evil, page)),
        self_connect=all_allow(lambda policy: loads(policy, "connect-src", page, page)),
        base_evil=all_allow(lambda policy: loads(policy, "base-uri", evil, page)),
        framed_by_other_origin=_framed(enforced, frame_options, attacker, page),
        framed_by_same_origin=_framed(enforced, frame_options, page, page),
    )


def loads(policy: Policy, directive: str, place: Place, page: Place) -> bool:
    """Whether a directive lets a page have what is at a place."""
    sources = policy.sources(directive)
    return sources is None or matches(sources, place, page)


def loads_script(policy: Policy, place: Place, page: Place, *, added: bool = False) -> bool:
    """Whether a script element may load a place; `added` by a script that runs, not by the page's source."""
    sources = policy.sources("script-src-elem")
    if sources is None:
        return True
    return added if _STRICT_DYNAMIC in sources.keywords else matches(sources, place, page)


def evaluates(policy: Policy) -> bool:
    """Whether a policy lets text become script."""
    sources = policy.sources("script-src")
    return sources is None or "'unsafe-eval'" in sources.keywords


def _evaluates_trusted_types(policy: Policy) -> bool:
    """Whether a policy lets text become script where trusted types are demanded: Chromium takes any text then."""
    sources = policy.sources("script-src")
    return bool(sources and "'trusted-types-eval'" in sources.keywords)


def demands_trusted_types(policy: Policy) -> bool:
    """Whether a policy refuses plain strings where they would become script (Trusted Types, 4.2)."""
    return "'script'" in policy.directives.get("require-trusted-types-for", ())


def inline_is_void(sources: Sources, governing: str) -> bool:
    """Whether browsers pass over `'unsafe-inline'` in the list of the directive that decides (CSP 3, 6.7.3.2)."""
    return sources.voids_inline or (not governing.startswith("style-src") and _STRICT_DYNAMIC in sources.keywords)


_STRICT_DYNAMIC = "'strict-dynamic'"


def _scripts_run(policy: Policy) -> bool:
    sandbox = policy.directives.get("sandbox")
    return sandbox is None or "allow-scripts" in (flag.lower() for flag in sandbox)


def _nonces(policy: Policy) -> tuple[str, ...]:
    sources = policy.sources("script-src-elem")
    return sources.nonces if sources else ()


def _inline(policy: Policy, directive: str, nonce: str = "") -> bool:
    sources = policy.sources(directive)
    if sources is None or (nonce and nonce in sources.nonces):
        return True
    return "'unsafe-inline'" in sources.keywords and not inline_is_void(sources, policy.governing(directive) or "")


def _worker(policy: Policy, page: Place) -> bool:
    sources = policy.sources("worker-src")
    return sources is None or _STRICT_DYNAMIC in sources.keywords or matches(sources, _BLOB, page)


def _framed(policies: Sequence[Policy], frame_options: Sequence[str], parent: Place, page: Place) -> bool:
    """Whether a page of `parent` may frame the page: frame-ancestors decides, else X-Frame-Options (HTML, 7.7)."""
    deciding = [policy for policy in policies if "frame-ancestors" in policy.directives]
    if deciding:
        return all(loads(policy, "frame-ancestors", parent, page) for policy in deciding)
    match frame_options_effect(frame_options):
        case "deny":
            return False
        case "sameorigin":
            return parent.origin == page.origin
        case _:
            return True


def frame_options_effect(lines: Sequence[str]) -> str:
    """What the lines of X-Frame-Options do: `deny`, `sameorigin`, or nothing (an empty text)."""
    values = {value.strip(_SPACE).lower() for value in structured_fields.split(lines)} if lines else set()
    valid = values & {"deny", "sameorigin", "allowall"}
    if len(values) > 1:
        return "deny" if valid else ""
    return values.pop() if valid - {"allowall"} else ""


_SPACE = "\t\n\v\f\r "


def as_if_enforced(policies: Iterable[Policy]) -> list[Policy]:
    """The policies that only report, as they would be enforced; one in a page's source is never read."""
    return [
        replace(policy, disposition=Disposition.ENFORCE)
        for policy in policies
        if policy.disposition is Disposition.REPORT and policy.delivery is Delivery.HEADER
    ]
