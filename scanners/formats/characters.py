"""Characters that JSON may write and no store holds: they are taken out of a report before anybody reads it."""

import re


def storable(content: bytes) -> bytes:
    r"""A report as it is, but for strings of JSON: whatever is read of these can be encoded in UTF-8, and has no NUL.

    Bytes that are no UTF-8 are spelt out (`\xf8`), as in names of files; NUL and surrogates without their other half
    become U+FFFD.
    """
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return content
    whole = content if _is_utf8(content) else _spelt_out(content)
    return _ESCAPE.sub(_storable, whole) if _DOUBTFUL.search(whole) else whole


def _is_utf8(content: bytes) -> bool:
    if content.isascii():
        return True
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _spelt_out(content: bytes) -> bytes:
    """The content with each byte that is no UTF-8 written as a string of JSON writes a backslash and its digits."""
    decoded = content.decode("utf-8", "surrogateescape")
    return _NO_CHARACTER.sub(lambda found: f"\\\\x{ord(found[0]) - 0xDC00:02x}", decoded).encode()


def _storable(found: re.Match[bytes]) -> bytes:
    return b"\\ufffd" if found["lone"] else found[0]


_NO_CHARACTER = re.compile("[\udc80-\udcff]")
_DOUBTFUL = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<lone>u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2}))|.)",
    re.DOTALL,
)
"""One escape of a string of JSON, two where they are a pair, and whether it stands for nothing that can be stored."""
