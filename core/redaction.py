"""Secrets out of text, before it reaches a store, a log, a report or a screen.

A secret is replaced by a fixed marker, and what stands around it stays readable. What counts as one: tokens in the
formats of well-known providers, private keys, passwords in URLs and headers, literals that a name such as `password` or
`api_key` is given, compared or called with, and literals that look random. The same text always gives the same result,
and a result redacted again stays as it is. The time grows with the length of the text and no faster.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import log2

MARK = "[redacted]"
"""What stands in place of a secret."""


@lru_cache(maxsize=4096)
def redacted(text: str) -> str:
    """The text, code or prose, without what looks like a secret."""
    return _settled(_without_secrets, text)


def redacted_literals(text: str) -> str:
    """The text without anything in quotation marks, and without what looks like a secret outside of them."""
    return _settled(lambda before: _LITERAL.sub(_masked_literal, redacted(before)), text)


def literals(code: str) -> frozenset[str]:
    """What stands in quotation marks in the code, in pieces of three characters and more."""
    bodies = (literal.lstrip("rbfuRBFU@").strip("\\\"'`") for literal in _LITERAL.findall(code))
    return frozenset(body for body in bodies if len(body) >= 3)


def without(secrets: Iterable[str], text: str) -> str:
    """The text with each of the secrets masked."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MARK) if len(secret) >= 3 else text
    return text


def _settled(step: Callable[[str], str], text: str) -> str:
    """The text after as many steps as change it: masking one thing may change what stands beside another."""
    for _ in range(_STEPS):
        before, text = text, step(text)
        if text == before:
            break
    return text


_STEPS = 8


def _without_secrets(text: str) -> str:
    lowered = text.lower()
    passes = _FORMATS + _NAMED if any(word in lowered for word in _WORDS) else _FORMATS
    for pattern, replacement in passes:
        text = pattern.sub(replacement, text)
    return _WORD.sub(_random, text)


_WORDS = ("pass", "pwd", "secret", "token", "credential", "contrase", "key")
"""What a name has in it that says it holds a secret."""

_NAME = r"""
    (?P<name> (?i: pass(?:word|wd|phrase|code|wort) | pwd | (?<![a-z0-9])pass(?![a-z0-9])
      | secret(?!ar) | token(?!i[sz]) | credential | contrase[nñ]a
      | (?:api|auth|access|account|client|private|encryption|signing|master)[_-]?key )
      [\w-]{0,40} )
"""
"""A name, from the word in it that says it holds a secret."""

_STRING = r"""
    (?: [rbfuRBFU@]{0,2} (?: \"{3}.*?(?:\"{3}|\Z) | '{3}.*?(?:'{3}|\Z)
      | \\"(?:[^"\\\n]|\\[^"\n])*+(?:\\")? | \\'(?:[^'\\\n]|\\[^'\n])*+(?:\\')?
      | "(?:[^"\\\n]|\\.)*+"? | '(?:[^'\\\n]|\\.)*+'? | `(?:[^`\\]|\\.)*+`? ) )
"""
"""A string literal of most languages; one that is not closed ends with its line."""

_GIVEN = re.compile(
    rf"""
    {_NAME} (?P<given> ["'\])\\]{{0,4}}
      (?: [ \t]{{0,8}} :[ \t]{{0,4}} [\w\[\].|]{{1,40}} (?=[ \t]{{0,4}}=) )?
      \s{{0,8}} (?: [=!]={{1,2}} | :?=>? | : | [+?]= | <- ) \s{{0,8}} )
    (?P<value> {_STRING} (?: [ \t]{{0,8}} [+.]? \s{{0,8}} {_STRING} ){{0,20}} )
    """,
    re.VERBOSE | re.DOTALL,
)
"""`password = "..."`, `"password": "..."`, `password: str = "..."`, `'password' => '...'`."""

_PASSED = re.compile(
    rf"""
    (?P<head> \w\( \s{{0,8}} ["'] [\w.-]{{0,40}} ) {_NAME}
    (?P<given> ["'] \s{{0,4}} , \s{{0,8}} ) (?P<value> {_STRING} )
    """,
    re.VERBOSE | re.DOTALL,
)
"""`get("PASSWORD", "...")`."""

_CALLED = re.compile(
    rf"""
    (?P<head> (?<![a-zA-Z]) (?i: set|with|check|verify|use|add|hash|encrypt|make )_? [a-zA-Z_]{{0,12}}? ) {_NAME}
    (?P<given> \( (?: [\w.]{{1,40}} ,[ ]? )? \s{{0,8}} ) (?P<value> {_STRING} )
    """,
    re.VERBOSE | re.DOTALL,
)
"""`set_password("...")`, `check_password(user, "...")`."""

_COMPARED = re.compile(
    rf"""
    (?P<value> " [^"\\\n]{{1,100}} " | ' [^'\\\n]{{1,100}} ' )
    (?P<given> [ ]{{0,4}} [=!]={{1,2}} [ ]{{0,4}} [\w.$]{{0,40}}? ) {_NAME}
    """,
    re.VERBOSE,
)
"""`"..." == password`."""

_ELEMENT = re.compile(
    rf"(?P<head> < [\w:.-]{{0,40}}? ) {_NAME} (?P<given> > ) (?P<value> [^<\n]{{1,500}} ) (?= < )", re.VERBOSE
)
"""`<password>...</password>`."""

_BARE = re.compile(
    rf"""
    (?P<head> (?:^|\n) [ \t]{{0,40}} (?: -[ ]|export[ ]|set[ ]|(?:ENV|ARG|LABEL)[ ]{{1,4}} )? [\w.-]{{0,40}}? ) {_NAME}
    (?P<given> :[ \t]{{1,8}} | [ \t]{{1,4}}=[ \t]{{1,4}} | (?<=[A-Z0-9_])=
      | (?<=[A-Z0-9_])[ ]{{1,8}}(?=[^\s=:]{{1,200}}(?:\n|\Z)) )
    (?P<value> [^\s"'`,;(){{}}\[\]<$]{{1,200}} ) (?= [ \t]*(?:\#[^\n]*)? (?:\n|\Z) )
    """,
    re.VERBOSE,
)
"""`password: ...` in YAML, `ENV PASSWORD=...` in a Dockerfile, `API_KEY=...` in a shell."""

_OPTION = re.compile(
    rf"""
    (?P<head> (?<![\w-]) --[a-z-]{{0,20}}? ) {_NAME} (?P<given> = | [ ]{{1,4}} )
    (?P<value> (?=[^\s"']{{0,99}}?[\d!@\#%^&*]) [^\s"'`<$\[-][^\s"']{{0,200}} )
    """,
    re.VERBOSE,
)
"""`--password ...` on a command line."""

_HARMLESS_NAME = re.compile(
    r"(?i)(?:ur[il]|name|file|path|dir|types?|fields?|labels?|len(?:gth)?|format|pattern|regexp?|header|prefix|endpoint|ttl|"
    r"help|text|prompt|message|error|hint|title|description|placeholder|algorithm|validators?|hashers?)$"
)
"""`token_url`, `password_field`: they speak of a secret and do not hold it."""

_HARMLESS_VALUE = re.compile(
    r"(?i)(?:\$\{[^{}]*\}|\$?\{\{[^{}]*\}\}|\{[a-z_][\w.\[\]!:]*\}|%\(?\w*\)?[sd]|<[a-z][\w -]*>|\$\([^()]*\)|"
    r"str(?:ing)?|text|bytes|int(?:eger)?|number|bool(?:ean)?|object|any|none|null|true|false|undefined|unknown|required|inherit|"
    r"[a-z.]*SecretStr|\||>-?|\|-)"
)
"""Placeholders, types and nothing."""

_TOKEN = re.compile(
    r"""
    (?<![A-Za-z0-9]) (?:
      (?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA)[A-Z0-9]{16}(?![A-Za-z0-9])
    | gh[pousr]_[A-Za-z0-9]{20,255} | github_pat_[A-Za-z0-9_]{20,255}
    | gl(?:pat|ptt|dt|rt|cbt|oas|soat|ft|imt|agent)-[\w-]{20,255}
    | xox[a-z]-[\w-]{10,255} | xapp-\d-[\w-]{10,255}
    | (?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,255} | whsec_[A-Za-z0-9+/=]{16,255}
    | AIza[\w-]{35} | ya29\.[\w-]{20,512} | GOCSPX-[\w-]{20,64}
    | eyJ[\w-]{8,8192}\.eyJ[\w-]{8,8192}(?:\.[\w-]{0,8192})?
    | npm_[A-Za-z0-9]{30,255} | pypi-[\w-]{40,1024} | dckr_pat_[\w-]{20,255}
    | SG\.[\w-]{16,64}\.[\w-]{16,128} | (?:SK|AC)[0-9a-f]{32}(?![0-9a-f]) | key-[0-9a-f]{32}(?![0-9a-f])
    | [0-9a-f]{32}-us\d{1,2}(?!\d) | \d{8,10}:AA[\w-]{33}(?![\w-])
    | sk-[A-Za-z0-9_-]{20,255} | hf_[A-Za-z]{30,64} | hv[bs]\.[\w-]{20,512} | dop_v1_[0-9a-f]{64}
    | shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32} | sq0[a-z]{3}-[\w-]{22,64} | AGE-SECRET-KEY-1[A-Z0-9]{50,64}
    | [MNO][A-Za-z\d_-]{23,25}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])
    )
    """,
    re.VERBOSE,
)
"""Amazon, GitHub, GitLab, Slack, Stripe, Google, JSON web tokens, npm, PyPI, Docker, SendGrid, Twilio, and more."""

_HEADED = re.compile(
    r"""(?P<head> (?i: AccountKey|SharedAccessKey|SharedAccessSignature|sig )= | hooks\.slack\.com/services/
      | (?i: \b(?:bearer|basic)[ ]{1,4} ) (?= [A-Za-z._~+/-]{0,80} \d ) ) [A-Za-z0-9+/._~%=-]{16,4096}""",
    re.VERBOSE,
)
"""What says itself what follows: connection strings, webhooks, the Authorization header."""

_LOGIN = re.compile(
    r"""
    (?P<head> (?<![\w.]) (?: (?:curl|wget|http)\b [^\n|;&]{0,200}? [ ]
        (?:-u|--user|-a|--proxy-user) [ =]? ["']? [^\s:"'$]{1,60} :
      | sshpass [ ]{1,4} -p [ ]? ["']? | (?:mysql|mysqldump|mysqladmin|mariadb)\b [^\n|;&]{0,200}? [ ] -p ["']? ) )
    (?P<value> [^\s"'`$<{|;&-][^\s"'`]{0,200} )
    """,
    re.VERBOSE,
)
"""`curl -u user:...`, `sshpass -p ...`, `mysql -p...`: options that hold a password and do not say so."""

_PAIR = re.compile(
    rf"""
    (?P<head> (?: (?<![\w.])auth [ ]{{0,4}} = [ ]{{0,4}} (?: [\w.]{{0,40}} )
      | (?:Basic|Digest|ProxyBasic|ProxyDigest)_?Auth(?:Handler)? )
      \( \s{{0,8}} (?: {_STRING} | [\w.]{{1,60}} ) \s{{0,4}} , \s{{0,8}} (?: password[ ]?=[ ]? )? )
    (?P<value> {_STRING} )
    """,
    re.VERBOSE | re.DOTALL,
)
"""`auth=("user", "...")`, `HTTPBasicAuth(user, "...")`."""

_URL_PASSWORD = re.compile(r"(?<=://)(?P<user>[^\s:/@'\"]{0,255}:)(?P<value>[^\s/'\"]+)(?=@)")

_PRIVATE_KEY = re.compile(
    r"(?P<begin>-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----).*?(?P<end>-----END [A-Z0-9 ]{0,60}-----|\Z)",
    re.DOTALL,
)

_WORD = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+/=_-]{20,}+")

_LITERAL = re.compile(_STRING, re.VERBOSE | re.DOTALL)


def _masked_literal(match: re.Match[str]) -> str:
    """A literal with the marker inside its quotation marks; an empty one or a placeholder stays."""
    literal = match[0]
    start = len(literal) - len(literal.lstrip("rbfuRBFU@"))
    mark = next(mark for mark in _QUOTATION_MARKS if literal.startswith(mark, start))
    closed = literal.endswith(mark) and len(literal) >= start + 2 * len(mark)
    body = literal[start + len(mark) : -len(mark) if closed else None]
    if not body or _HARMLESS_VALUE.fullmatch(body):
        return literal
    return literal[: start + len(mark)] + MARK + (mark if closed else "")


_QUOTATION_MARKS = ('"""', "'''", '\\"', "\\'", '"', "'", "`")


def _given(match: re.Match[str]) -> str:
    """What a name is given, masked, unless the name only speaks of a secret."""
    if _HARMLESS_NAME.search(match["name"]) or _is_prompt(match):
        return match[0]
    return _around(match, _LITERAL.sub(_masked_literal, match["value"]))


def _is_prompt(match: re.Match[str]) -> bool:
    """Whether what looks like an opening quotation mark closes a literal such as `"Your password: "`."""
    before = match.string[max(match.start("name") - 60, 0) : match.start("name")]
    opened = _PROMPT.search(before)
    return opened is not None and opened["mark"] == match["value"][0] and opened["mark"] not in match["given"]


_PROMPT = re.compile(r"(?<!\w)(?P<mark>[\"'`])[A-Za-z ]{0,50}\Z")


def _paired(match: re.Match[str]) -> str:
    return _around(match, _LITERAL.sub(_masked_literal, match["value"]))


def _bare(match: re.Match[str]) -> str:
    if _HARMLESS_NAME.search(match["name"]) or _HARMLESS_VALUE.fullmatch(match["value"]):
        return match[0]
    if match["given"].strip(" \t") == "=" and match["given"] != "=" and _VARIABLE.fullmatch(match["value"]):
        return _around(match, _WORD.sub(_random, match["value"]))
    return _around(match, MARK)


_VARIABLE = re.compile(r"[A-Za-z_$][\w.]*|-?[\d.]+")


def _around(match: re.Match[str], value: str) -> str:
    start, end = match.span("value")
    whole = match.start()
    return match[0][: start - whole] + value + match[0][end - whole :]


def _url_password(match: re.Match[str]) -> str:
    return match[0] if _HARMLESS_VALUE.fullmatch(match["value"]) else match["user"] + MARK


def _random(match: re.Match[str]) -> str:
    """A word masked if it looks random: shorter ones only if they are a whole literal."""
    word, before, after = match[0], match.string[: match.start()][-1:], match.string[match.end() : match.end() + 1]
    quoted = before != "" and before in "\"'`" and after == before
    return MARK if _looks_random(word, quoted=quoted) else word


def _looks_random(word: str, *, quoted: bool) -> bool:
    if word.startswith(_CHECKSUMS) or not any(character.isdigit() for character in word):
        return False
    if _HEX.fullmatch(word):
        return quoted and len(word) >= 32 and _entropy(word) > 3.0
    mixed = any(character.isupper() for character in word) and any(character.islower() for character in word)
    return mixed and _entropy(word) > (4.0 if quoted else 4.6)


_CHECKSUMS = ("sha256-", "sha384-", "sha512-")

_HEX = re.compile(r"[0-9a-fA-F]+")


def _entropy(word: str) -> float:
    """Shannon's entropy in bits for each character."""
    return -sum(count / len(word) * log2(count / len(word)) for count in Counter(word).values())


_Replacement = str | Callable[[re.Match[str]], str]

_FORMATS: tuple[tuple[re.Pattern[str], _Replacement], ...] = (
    (_PRIVATE_KEY, rf"\g<begin>{MARK}\g<end>"),
    (_TOKEN, MARK),
    (_HEADED, rf"\g<head>{MARK}"),
    (_LOGIN, rf"\g<head>{MARK}"),
    (_PAIR, _paired),
    (_URL_PASSWORD, _url_password),
)

_NAMED: tuple[tuple[re.Pattern[str], _Replacement], ...] = (
    (_GIVEN, _given),
    (_PASSED, _given),
    (_CALLED, _given),
    (_COMPARED, _given),
    (_ELEMENT, _bare),
    (_BARE, _bare),
    (_OPTION, _bare),
)
