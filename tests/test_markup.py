"""What is read of the source of a page, as Chromium 156 was measured to read it."""

import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixby.headers import markup
from fixby.headers.markup import Loaded

META = """<meta http-equiv="Content-Security-Policy" content="script-src 'none'">"""
URL = "https://example.org/a/b"


def read(source: str, content_type: str = "text/html; charset=utf-8") -> markup.Markup:
    return markup.read(source.encode(), content_type, URL)


def counts(source: str, content_type: str = "text/html; charset=utf-8") -> bool:
    return bool(read(source, content_type).metas)


def many(*sources: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("before", sources, ids=map(repr, sources))


@many(
    *("", " \n\t\f", "\0", "&#32;", "<!-- x -->", "<!-->", "<!--->", "<!-- --!>", "<!x >", "<?x ?>", "</>"),
    *("</ x>", "<![CDATA[x]]>", "<!--[if !IE]><!-->", "</p>", "</x>", "</title>", "</template>", "<head>", "<html>"),
    *("</head>", "</head><title>x</title>", "</head><!-- x -->", "<noscript></noscript>"),
    *("<noscript><div></div>x</noscript>", "<template></template>", "<template><div></div></template>"),
    *("<template>x</template>", "<noframes>x</noframes>", "<style><!--</style>", "<script>x</script>"),
    *("<script></script x>", "<script></SCRIPT\n>", "<script><!--</script>"),
    *("<script><!--<script></script>--></script>", "<base href=/>", "<link rel=x>", "<meta charset=utf-8>"),
    "<bgsound>",
)
def test_a_policy_counts_as_long_as_the_head_lasts(before: str) -> None:
    assert counts(f"<!doctype html><html><head><title>T</title>{before}{META}</head><body></body></html>")


@many(
    *("x", "&nbsp;", "\xa0", "\v", "\u200b", "<", "<3", "<div>", "<p>", "<x>", "<img>", "<br>", "<body>", "</body>"),
    *("</html>", "</br>", "&#x0;", "</head>x", "</head><noscript></noscript>", "<svg>", "<table>", "<form>"),
    *("<input type=hidden>", "<textarea>", "<!--", "<noscript>", "<template>", "<template><template></template>"),
    *("<title>", "<style>", "<script>", "<plaintext>", "<script><!--<script></script>"),
    *("<script>'<!--<script>'</script>", "<iframe>", "<xmp>", "<frameset>", "<p x='"),
)
def test_a_policy_does_not_count_where_the_head_is_over_or_it_is_no_element(before: str) -> None:
    assert not counts(f"<!doctype html><html><head><title>T</title>{before}{META}")


@many(
    *("<meta content=\"script-src 'none'\" http-equiv=content-security-policy>", META.upper()),
    *(META.replace("<meta ", "<meta/"), META.replace("<meta", "<meta\n"), META[:-1] + "/>"),
    *(META.replace(" content", "content"), META.replace("<meta ", "<meta x=y<z ")),
    "<meta http-equiv=Content-Security-Policy content=script-src&#32;'none'>",
    *(META.replace("-Policy", "&#45;Policy"), META.replace("'none'", "&apos;none&#39;")),
    *(META.replace(">", ' content="script-src *">'), META.replace(">", " http-equiv=x>")),
)
def test_however_it_is_written_a_policy_says_the_same(before: str) -> None:
    assert [meta.value.lower() for meta in read(f"<head>{before}").metas] == ["script-src 'none'"]


@many(
    *(META.replace("http-equiv", "name"), META.replace("Policy", "Policy "), META.replace("Policy", "Policy\0")),
    *(META[:-2], META[:-1], META.replace("<meta ", "<meta http-equiv=refresh "), META.replace("content=", "value=")),
    META.replace("http-equiv", "property"),
)
def test_what_is_no_policy_is_not_taken_for_one(before: str) -> None:
    assert not counts(f"<head>{before}")


@many(
    *("text/html; charset=utf-16le", "text/html; charset=hz-gb-2312", "text/html; charset=iso-2022-kr", "text/plain"),
    "application/json",
)
def test_a_policy_does_not_count_where_browsers_read_other_characters(before: str) -> None:
    assert not counts(f"<head>{META}", before)


@many(
    *("text/html", "TEXT/HTML", "text/html; charset=utf-7", "text/html; charset=utf-32"),
    *("text/html; charset=unknown", "", "*/*", "text/html; charset=hex", "text/html; charset=punycode"),
    *("text/html; xcharset=utf-16le", "text/html; charset = utf-16le", "text/html; charset=shift_jis"),
    *("text/html; charset=gb18030", "text/html; charset=cp037", "unknown/unknown", "html"),
)
def test_a_policy_counts_in_every_encoding_that_shares_ascii_and_where_none_is_known(before: str) -> None:
    assert counts(f"<head>{META}", before)


def test_a_byte_order_mark_counts_for_more_than_what_the_header_says() -> None:
    for encoding in ("utf-8-sig", "utf-16"):
        assert markup.read(f"<head>{META}".encode(encoding), "text/html; charset=iso-8859-1", URL).metas


def test_a_policy_in_a_script_or_an_attribute_of_another_element_is_none() -> None:
    assert not counts(f"<head><script>document.write('{META}')</script>")
    assert not read("<body><p title='<script src=https://x.example/>'>").loaded


def test_scripts_and_style_sheets_are_found_with_their_whole_addresses() -> None:
    source = """<base href="/c/"><base href="/d/"><script src="x.js" integrity="sha256-abc"></script>
        <body><link rel="Stylesheet alternate" href="//cdn.example/x.css"><script src=" y.js "></script>
        <template><script src=no.js></script></template><script src="https://["></script><link rel=icon href=no>
        <p data-x="<script src=no.js>"><script nonce=abc>"<script src=no.js>"</script>"""
    found = read(source)
    assert found.loaded == [
        Loaded("script", "https://example.org/c/x.js", "sha256-abc"),
        Loaded("link", "https://cdn.example/x.css", None),
        Loaded("script", "https://example.org/c/y.js", None),
        Loaded("script", "", None),
    ]
    assert found.nonces == {"abc"}


@given(st.text(st.sampled_from("<>/!-?= '\"&#;x9ametiscrp\0\n[]"), max_size=60) | st.binary(max_size=80))
def test_any_source_is_read(source: str | bytes) -> None:
    body = source if isinstance(source, bytes) else source.encode()
    for content_type in ("text/html", "text/html; charset=utf-16", "text/html; charset=idna"):
        assert isinstance(markup.read(body, content_type, URL).metas, Iterable)


@many(
    *("<", "</", "<!--", "<a b='", "<a b=", "<a ", "<script><!--<script>", "<title>", "<base href=x/>", "&#9"),
    *("<meta>", "<p>", "<script></script>", "<template>", "<![CDATA[", "<!-->", "<a\0", "x=y ", "&amp", '<a "'),
    *("<a =", "<script "),
)
def test_the_largest_source_is_read_in_time_whatever_it_is(before: str) -> None:
    source = before * (512 * 1024 // len(before))
    started = time.process_time()
    for start in ("", "<body>", "<a ", "<script>"):
        read(start + source)
    assert time.process_time() - started < 4 * 2, "a second is plenty; quadratic would be minutes"
