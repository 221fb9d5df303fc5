"""Certificates that prove nothing, and what is shown to whom: against real servers with real certificates."""

import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from fixby.errors import UsageError
from fixby.headers.fetching import Wish, visit, visit_all
from fixby.headers.manner import ClientCertificate, ExtraHeader
from fixby.headers.response import Tls, TlsFlaw, Trouble
from tests.servers import Authority, Received, Reply, answer, manner, redirect, site

PAGE: dict[str, Reply] = {"/": answer(200, "Strict-Transport-Security: max-age=1", body=b"page")}


def test_a_certificate_that_proves_it_is_told(authority: Authority) -> None:
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)
    with site(PAGE, authority.tls("one.test", "*.two.test", "127.0.0.1", not_after=end)) as one:
        page = visit(f"https://one.test:{one.port}/", manner(one, ca_file=authority.file)).page
        assert visit(f"https://127.0.0.1:{one.port}/", manner(one, ca_file=authority.file)).page
    assert page
    assert page.trusted
    assert page.tls
    assert (page.tls.protocol, page.tls.cipher) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    assert page.tls.names == ("one.test", "*.two.test", "127.0.0.1")
    assert page.tls.issuer.startswith("trustme")
    assert page.tls.not_after == int(end.timestamp())
    assert page.tls.not_before


def self_signed(folder: Path) -> ssl.SSLContext:
    ca = trustme.CA()
    (folder / "self.pem").write_bytes(ca.cert_pem.bytes() + ca.private_key_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "self.pem")
    return context


@pytest.mark.parametrize("flaw", [flaw for flaw in TlsFlaw if flaw is not TlsFlaw.HANDSHAKE])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_a_certificate_with_a_flaw_fails_and_the_headers_are_read_without_proof(
    authority: Authority, tmp_path: Path, flaw: TlsFlaw
) -> None:
    now = datetime.now(UTC)
    context = {
        TlsFlaw.EXPIRED: lambda: authority.tls("one.test", not_after=now - timedelta(days=3)),
        TlsFlaw.NOT_YET_VALID: lambda: authority.tls("one.test", not_before=now + timedelta(days=3)),
        TlsFlaw.NAME: lambda: authority.tls("other.test"),
        TlsFlaw.SELF_SIGNED: lambda: self_signed(tmp_path),
        TlsFlaw.UNTRUSTED: lambda: Authority(trustme.CA(), None).tls("one.test"),
        TlsFlaw.OLD_PROTOCOL: lambda: authority.tls("one.test"),
    }[flaw]()
    if flaw is TlsFlaw.OLD_PROTOCOL:
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
    with site(PAGE, context) as one:
        place = f"https://one.test:{one.port}"
        secret = ExtraHeader("Authorization", "Bearer secret", frozenset({place}))
        found = visit(f"{place}/", manner(one, ca_file=authority.file, headers=(secret,)))
    assert found.failure
    assert (found.failure.kind, found.failure.flaw, found.failure.url) == (Trouble.TLS, flaw, f"{place}/")
    assert found.page is None
    [shown] = found.answers
    assert not shown.trusted
    assert shown.values("Strict-Transport-Security") == ("max-age=1",)
    assert shown.tls == found.failure.tls
    assert shown.tls
    assert (shown.tls.protocol == "TLSv1.1") == (flaw is TlsFlaw.OLD_PROTOCOL)
    assert [request.headers.get("authorization") for request in one.requests] == [None]
    if flaw is TlsFlaw.EXPIRED:
        assert shown.tls.not_after
        assert -3.1 < (shown.tls.not_after - time.time()) / 86400 < -2.9
    if flaw is TlsFlaw.NAME:
        assert shown.tls.names == ("other.test",)


def nameless(authority: Authority, common_name: str, folder: Path) -> ssl.SSLContext:
    """A certificate of the old kind, which names its owner in the common name only."""
    issuer = x509.load_pem_x509_certificate(authority.ca.cert_pem.bytes())
    signer = serialization.load_pem_private_key(authority.ca.private_key_pem.bytes(), None)
    assert isinstance(signer, EllipticCurvePrivateKey)
    key = generate_private_key(SECP256R1())
    builder = x509.CertificateBuilder(
        issuer_name=issuer.subject,
        subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=datetime.now(UTC) - timedelta(days=1),
        not_valid_after=datetime.now(UTC) + timedelta(days=1),
    )
    coding, form, secret = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    made = builder.sign(signer, SHA256()).public_bytes(coding) + key.private_bytes(coding, form, secret)
    (folder / "old.pem").write_bytes(made)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "old.pem")
    return context


def test_the_common_name_is_no_name(authority: Authority, tmp_path: Path) -> None:
    old = nameless(authority, "one.test", tmp_path)
    for context in (old, authority.tls("other.test", common_name="one.test")):
        with site(PAGE, context) as one:
            found = visit(f"https://one.test:{one.port}/", manner(one, ca_file=authority.file))
        assert found.failure
        assert found.failure.flaw is TlsFlaw.NAME
        assert found.failure.tls
        assert found.failure.tls.names == (() if context is old else ("other.test",))


def test_what_speaks_no_tls_fails_in_the_handshake() -> None:
    with site({}) as one:
        found = visit(f"https://one.test:{one.port}/", manner(one, seconds=0.8))
    assert found.failure
    assert found.failure.kind is Trouble.TIME

    def refuse(_: Any, __: Received) -> bytes:  # noqa: ANN401 - a socket
        return b""

    with site({"/": refuse}, ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)) as one:
        found = visit(f"https://one.test:{one.port}/", manner(one))
    assert found.failure
    assert (found.failure.kind, found.failure.flaw, found.failure.tls) == (Trouble.TLS, TlsFlaw.HANDSHAKE, None)
    assert not found.answers


def test_a_redirect_of_what_proves_nothing_is_not_followed(authority: Authority) -> None:
    with site({"/": redirect("/next"), "/next": answer()}, authority.tls("other.test")) as one:
        found = visit(f"https://one.test:{one.port}/", manner(one, ca_file=authority.file))
    assert [hop.status for hop in found.answers] == [302]
    assert one.paths() == ["/"]


def test_what_proves_nothing_is_not_used_again_for_what_must(authority: Authority) -> None:
    with site(PAGE, authority.tls("other.test")) as one:
        found = visit_all([Wish(f"https://one.test:{one.port}/", manner(one, ca_file=authority.file))] * 4)
    assert [(one.failure.flaw if one.failure else None, one.answers[0].trusted) for one in found] == [
        (TlsFlaw.NAME, False)
    ] * 4
    assert all(isinstance(one.failure.tls, Tls) for one in found if one.failure)


def test_trust_is_asked_anew_in_the_middle_of_redirects(authority: Authority) -> None:
    start: dict[str, Reply] = {}
    with site(PAGE, authority.tls("two.test")) as one, site(start) as plain:
        start["/"] = redirect(f"https://one.test:{one.port}/")
        found = visit(f"http://two.test:{plain.port}/", manner(one, plain, ca_file=authority.file))
    assert [hop.trusted for hop in found.answers] == [True, False]
    assert found.failure
    assert found.failure.flaw is TlsFlaw.NAME


def identified(authority: Authority, *names: str) -> ssl.SSLContext:
    """A server that wants to see a certificate, but takes none for an answer."""
    context = authority.tls(*names)
    context.verify_mode = ssl.CERT_OPTIONAL
    authority.ca.configure_trust(context)
    return context


def test_the_clients_certificate_is_shown_to_its_origins_and_nobody_else(authority: Authority, tmp_path: Path) -> None:
    authority.ca.issue_cert("client@one.test").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "me.pem"))
    shown: dict[str, bool] = {}

    def note(next_: str) -> Reply:
        def reply(connection: Any, received: Received) -> bytes:  # noqa: ANN401 - a TLS socket
            shown[received.headers["host"]] = bool(connection.getpeercert())
            return redirect(next_) if next_ else answer()

        return reply

    replies: dict[str, Reply] = {"/last": note("")}
    with (
        site(replies, identified(authority, "one.test")) as one,
        site(replies, identified(authority, "two.test")) as two,
    ):
        mine = f"https://one.test:{one.port}"
        replies["/"] = note(f"https://two.test:{two.port}/last")
        client = ClientCertificate(tmp_path / "me.pem", frozenset({mine}))
        found = visit(f"{mine}/", manner(one, two, ca_file=authority.file, client=client))
        assert found.failure is None
        assert shown == {f"one.test:{one.port}": True, f"two.test:{two.port}": False}
        shown.clear()
        assert visit(f"{mine}/", manner(one, two, client=client)).failure, "the authority is not trusted"
        assert shown == {f"one.test:{one.port}": False}


def test_http_1_is_offered(authority: Authority) -> None:
    offered: list[str | None] = []

    def note(connection: Any, _: Received) -> bytes:  # noqa: ANN401 - a TLS socket
        offered.append(connection.selected_alpn_protocol())
        return answer()

    tls = authority.tls("one.test")
    tls.set_alpn_protocols(["h2", "http/1.1"])
    with site({"/": note}, tls) as one:
        assert visit(f"https://one.test:{one.port}/", manner(one, ca_file=authority.file)).page
    assert offered == ["http/1.1"]


def test_files_that_are_no_certificates_are_named(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    for name in ("no.pem", "missing.pem"):
        client = ClientCertificate(tmp_path / name, frozenset({"https://one.test"}))
        for how in (manner(ca_file=tmp_path / name), manner(client=client)):
            with pytest.raises(UsageError, match=name):
                visit("https://one.test/", how)


def test_the_environment_gives_no_trust(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(authority.file))
    with site(PAGE, authority.tls("one.test")) as one:
        found = visit(f"https://one.test:{one.port}/", manner(one))
    assert found.failure
    assert found.failure.flaw is TlsFlaw.UNTRUSTED


def test_ipv6_is_visited_where_it_is_wanted(authority: Authority) -> None:
    tls = authority.tls("one.test", "::1")
    with site(PAGE, tls, host="::1") as six:
        how = manner(six, ca_file=authority.file, resolve={"one.test": "::1"}, families=(6,))
        by_name = visit(f"https://one.test:{six.port}/", how).page
        by_address = visit(f"https://[::1]:{six.port}/", how).page
        neither = visit(f"https://127.0.0.1:{six.port}/", how)
    assert by_name
    assert by_address
    assert by_name.address == by_address.address == "::1"
    assert neither.failure
    assert neither.failure.kind is Trouble.NAME
    assert six.requests[1].headers["host"] == f"[::1]:{six.port}"


def test_an_override_may_be_of_one_port_and_must_be_allowed() -> None:
    with site(PAGE) as one:
        how = manner(one, resolve={f"Shop.test:{one.port}": "127.0.0.1", "shop.test": "10.0.0.1"})
        assert visit(f"http://shop.test:{one.port}/", how).page
        assert visit("http://shop.test/", how).failure
        how = manner(one, allowed=(ip_network("10.0.0.0/8"),))
        found = visit(f"http://one.test:{one.port}/", how)
        assert found.failure
        assert found.failure.kind is Trouble.FORBIDDEN
    with pytest.raises(UsageError, match="no address"):
        manner(resolve={"shop.test": "localhost"})
