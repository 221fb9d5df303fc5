"""What a TLS connection says of itself, and why one proves nothing."""

import ssl
from contextlib import suppress

from cryptography import x509
from cryptography.x509 import DNSName, IPAddress, SubjectAlternativeName
from cryptography.x509.oid import NameOID

from fixby.headers.response import Tls, TlsFlaw


def tls_of(connection: ssl.SSLSocket) -> Tls:
    """The protocol and the certificate of a connection after its handshake, verified or not."""
    cipher = connection.cipher()
    known = Tls(connection.version() or "", cipher[0] if cipher else "")
    encoded = connection.getpeercert(binary_form=True)
    return read(encoded, known) if encoded else known


def read(certificate: bytes, known: Tls) -> Tls:
    """What is known of a connection, with what its certificate (DER) says; a damaged one says nothing."""
    with suppress(ValueError):
        parsed = x509.load_der_x509_certificate(certificate)
        return Tls(
            known.protocol,
            known.cipher,
            _names(parsed),
            _issuer(parsed),
            int(parsed.not_valid_before_utc.timestamp()),
            int(parsed.not_valid_after_utc.timestamp()),
        )
    return known


def flaw_of(error: ssl.SSLError) -> TlsFlaw:
    """Why a handshake failed, as far as the error tells."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _FLAWS.get(error.verify_code, TlsFlaw.UNTRUSTED)
    return TlsFlaw.HANDSHAKE


_FLAWS = {  # the codes of X509_verify_cert
    9: TlsFlaw.NOT_YET_VALID,
    10: TlsFlaw.EXPIRED,
    18: TlsFlaw.SELF_SIGNED,
    19: TlsFlaw.SELF_SIGNED,
    62: TlsFlaw.NAME,
    64: TlsFlaw.NAME,
}


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names that browsers compare; the common name is none."""
    try:
        extension = certificate.extensions.get_extension_for_class(SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ()
    addresses = map(str, extension.value.get_values_for_type(IPAddress))
    return (*extension.value.get_values_for_type(DNSName), *addresses)


def _issuer(certificate: x509.Certificate) -> str:
    """The issuer's common name, or its organisation's, or all that is said of it."""
    for wanted in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in certificate.issuer.get_attributes_for_oid(wanted):
            return str(attribute.value)
    return certificate.issuer.rfc4514_string()
