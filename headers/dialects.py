"""How servers and frameworks write down which headers they send."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fixby.headers.suggestion import NONCE
from fixby.reports.plain import safe


class Server(StrEnum):
    """What sends the headers of a site."""

    NGINX = "nginx"
    APACHE = "apache"
    CADDY = "caddy"
    NEXTJS = "nextjs"
    HELMET = "helmet"
    CLOUDFLARE = "cloudflare"


@dataclass(frozen=True, slots=True)
class Line:
    """A header to send, or with no value one to send no more.

    `note` is worth knowing, `unless` a reason to look first, for which the line is a comment; `replaces` says that the
    header is sent already, with another value.
    """

    name: str
    value: str
    note: str = ""
    unless: str = ""
    replaces: bool = False


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one of them writes headers: `set` and `remove` give the lines of one header.

    `nonce` stands for a fresh nonce where it can make one, `nonce_note` says how the page comes by it, or who has to
    make one. `variable` is what begins a variable even in a quoted value. `overwrites` says that the line replaces
    what the application sends.
    """

    where: str
    set: Callable[[Line], Sequence[str]]
    remove: Callable[[str], Sequence[str]]
    comment: str = "#"
    head: Sequence[str] = ()
    tail: Sequence[str] = ()
    indent: str = ""
    nonce: str = ""
    nonce_note: str = ""
    variable: str = ""
    overwrites: bool = False


def written(server: Server, origin: str, lines: Sequence[Line]) -> str:
    """The lines for one origin, ready to be pasted."""
    dialect = DIALECTS[server]
    told = [f"{dialect.comment} {safe(origin)}: {dialect.where}"]
    body = (f"{dialect.indent}{line}" for line in _body(dialect, lines))
    return "\n".join([*told, *dialect.head, *body, *dialect.tail])


def _body(dialect: Dialect, lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        notes, is_comment = _notes(dialect, line), _is_comment(dialect, line)
        yield from (f"{dialect.comment} {note}" for note in notes)
        some = dialect.set(line) if line.value else dialect.remove(line.name)
        for one in some:
            text = one.replace(_NONCE_HERE, dialect.nonce or "{RANDOM}")
            yield f"{dialect.comment} {text}" if is_comment else text


_NONCE_HERE = "FIXBYNONCE"
"""Stands for a nonce while what stands around it is quoted."""


def _value(line: Line) -> str:
    return line.value.replace(NONCE, f"'nonce-{_NONCE_HERE}'")


def _notes(dialect: Dialect, line: Line) -> list[str]:
    notes = [line.note, line.unless, dialect.nonce_note if NONCE in line.value else ""]
    if line.replaces and not dialect.overwrites:
        notes.append(f"{line.name} is sent already: take that out where it is set, or both are sent.")
    if _is_variable(dialect, line):
        notes.append(f"{dialect.variable} begins a variable here, and cannot be quoted: write %24 instead of $.")
    return [safe(note) for note in notes if note]


def _is_comment(dialect: Dialect, line: Line) -> bool:
    no_nonce = NONCE in line.value and not dialect.nonce
    return bool(line.unless) or no_nonce or _is_variable(dialect, line)


def _is_variable(dialect: Dialect, line: Line) -> bool:
    return bool(dialect.variable) and dialect.variable in line.value


def _nginx(line: Line) -> Sequence[str]:
    quoted = _value(line).replace("\\", "\\\\").replace('"', '\\"')
    hidden = [f"proxy_hide_header {line.name};"] if line.replaces else []
    return [*hidden, f'add_header {line.name} "{quoted}" always;']


def _nginx_remove(name: str) -> Sequence[str]:
    if name.lower() == "server":
        return ["server_tokens off;"]
    return [f"proxy_hide_header {name};", f"fastcgi_hide_header {name};"]


def _apache(line: Line) -> Sequence[str]:
    quoted = _value(line).replace("%", "%%").replace("\\", "\\\\").replace('"', '\\"')
    unset = [f"Header onsuccess unset {line.name}"] if line.replaces else []
    return [*unset, f'Header always set {line.name} "{quoted}"']


def _apache_remove(name: str) -> Sequence[str]:
    if name.lower() == "server":
        return ["ServerTokens Prod"]
    return [f"Header onsuccess unset {name}", f"Header always unset {name}"]


def _caddy(line: Line) -> Sequence[str]:
    quoted = _value(line).replace("{", "\\{").replace("}", "\\}").replace('"', '\\"')
    return [f'>{line.name} "{quoted}"']


def _nextjs(line: Line) -> Sequence[str]:
    return [f"{{ key: {json.dumps(line.name)}, value: {json.dumps(_value(line))} }},"]


def _nextjs_remove(name: str) -> Sequence[str]:
    if name.lower() == "x-powered-by":
        return ["// X-Powered-By: write poweredByHeader: false beside headers()."]
    return [f"// {name}: it comes from the server before Next.js; take it out there."]


def _cloudflare(line: Line) -> Sequence[str]:
    return [f"{line.name}: {_value(line)}"]


def _helmet(line: Line) -> Sequence[str]:
    """One of helmet's own handlers, which set nothing but this header, or one of Express."""
    name, value = line.name.lower(), _value(line)
    if name in ("content-security-policy", "content-security-policy-report-only") and "," not in value:
        return list(_helmet_policy(value, only_reports=name.endswith("only")))
    if name == "strict-transport-security":
        return [f"app.use(helmet.strictTransportSecurity({_hsts_options(value)}));"]
    if name == "x-content-type-options":
        return ["app.use(helmet.xContentTypeOptions());"]
    if name in _HELMET_POLICIES:
        return [f"app.use(helmet.{_HELMET_POLICIES[name]}({{ policy: {json.dumps(value)} }}));"]
    said = " + res.locals.nonce + ".join(json.dumps(part) for part in value.split(_NONCE_HERE))
    return [f"app.use((req, res, next) => {{ res.setHeader({json.dumps(line.name)}, {said}); next(); }});"]


_HELMET_POLICIES = {
    "cross-origin-embedder-policy": "crossOriginEmbedderPolicy",
    "cross-origin-opener-policy": "crossOriginOpenerPolicy",
    "cross-origin-resource-policy": "crossOriginResourcePolicy",
    "referrer-policy": "referrerPolicy",
}


def _helmet_policy(value: str, *, only_reports: bool) -> Iterator[str]:
    directives = {name: values for part in value.split(";") if part.strip() for name, *values in [part.split()]}
    yield "app.use(helmet.contentSecurityPolicy({"
    yield f"  useDefaults: false, reportOnly: {str(only_reports).lower()},"
    yield "  directives: {"
    if "default-src" not in directives:
        yield '    "default-src": helmet.contentSecurityPolicy.dangerouslyDisableDefaultSrc,'
    for name, values in directives.items():
        said = (_HELMET_NONCE if _NONCE_HERE in one else json.dumps(one) for one in values)
        yield f"    {json.dumps(name)}: [{', '.join(said)}],"
    yield "  },"
    yield "}));"


_HELMET_NONCE = "(req, res) => `'nonce-${res.locals.nonce}'`"


def _helmet_remove(name: str) -> Sequence[str]:
    if name.lower() == "x-powered-by":
        return ["app.use(helmet.xPoweredBy());"]
    return [f"app.use((req, res, next) => {{ res.removeHeader({json.dumps(name)}); next(); }});"]


def _hsts_options(value: str) -> str:
    words = [word.strip().lower() for word in value.split(";")]
    age = next((word.partition("=")[2].strip('"') for word in words if word.startswith("max-age=")), "")
    truths = {"includeSubDomains": "includesubdomains" in words, "preload": "preload" in words}
    said = ", ".join(f"{name}: {str(is_on).lower()}" for name, is_on in truths.items())
    return f"{{ maxAge: {int(age) if age.isdecimal() else 0}, {said} }}"


DIALECTS: Mapping[Server, Dialect] = {
    Server.NGINX: Dialect(
        where="for the server block. A location with an add_header of its own inherits none: repeat them there.",
        set=_nginx,
        remove=_nginx_remove,
        variable="$",
        nonce="$request_id",
        nonce_note=(
            "The nonce is $request_id, 128 random bits: hand it to the application with"
            " proxy_set_header X-Nonce $request_id, and write it into each script: <script nonce=...>."
        ),
    ),
    Server.APACHE: Dialect(
        where="for the virtual host; needs mod_headers.",
        set=_apache,
        remove=_apache_remove,
        variable="${",
        nonce_note=(
            "Apache makes no nonce. Let the application send this, with 128 new random bits in base64 for {RANDOM} in"
            " every response, and the same in each script: <script nonce=...>."
        ),
    ),
    Server.CADDY: Dialect(
        where="for the site's block.",
        variable="{$",
        overwrites=True,
        set=_caddy,
        remove=lambda name: [f"-{name}"],
        head=("header {",),
        tail=("}",),
        indent="\t",
        nonce="{http.request.uuid}",
        nonce_note=(
            "The nonce is {http.request.uuid}, random for every request: write it into each script, with templates as"
            ' {{placeholder "http.request.uuid"}}.'
        ),
    ),
    Server.NEXTJS: Dialect(
        where="for next.config.js.",
        set=_nextjs,
        remove=_nextjs_remove,
        comment="//",
        head=("async headers() {", '  return [{ source: "/:path*", headers: ['),
        tail=("  ] }];", "},"),
        indent="    ",
        nonce_note=(
            "headers() is the same for every response and cannot make a nonce: send this from proxy.ts (middleware.ts"
            " before Next.js 16), with 128 new random bits in base64 for {RANDOM}."
        ),
    ),
    Server.HELMET: Dialect(
        where="for Express with helmet 8.",
        set=_helmet,
        remove=_helmet_remove,
        comment="//",
        nonce="res.locals.nonce",
        nonce_note=(
            'Make the nonce in a handler before this one: res.locals.nonce = crypto.randomBytes(16).toString("base64"),'
            " and write it into each script."
        ),
    ),
    Server.CLOUDFLARE: Dialect(
        where=(
            "for the file _headers of Pages and Workers; elsewhere each line is a response header transform rule"
            " that sets a static value."
        ),
        set=_cloudflare,
        remove=lambda name: [f"! {name}"],
        head=("/*",),
        indent="  ",
        nonce_note=(
            "_headers is the same for every response and cannot make a nonce: let a Worker send this, with 128 new"
            " random bits in base64 for {RANDOM}, and write it into the scripts with HTMLRewriter."
        ),
    ),
}
