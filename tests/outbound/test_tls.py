"""Whose certificates are believed, by both transports, on real TLS servers."""

import datetime
import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config.outbound.trust import tls_context
from tests.outbound.hostile import HostileServer, says, stops
from tests.outbound.sending import both, outcome

NAME = "partner.example"
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Signer:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def certificate(name, *, signer=None, ends=NOW + DAY):
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(named(name))
        .issuer_name(signer.certificate.subject if signer else named(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 9 * DAY)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
    )
    return Signer(builder.sign(signer.key if signer else key, hashes.SHA256()), key)


@pytest.fixture(scope="module")
def root():
    return certificate("root.example")


@pytest.fixture
def serving(tmp_path, root, monkeypatch):
    """A TLS server with this certificate; `root` is the one root of the system."""
    pem = tmp_path / "root.pem"
    pem.write_bytes(root.certificate.public_bytes(serialization.Encoding.PEM))
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    tls_context.cache_clear()
    servers = []

    def serve(signed, *, versions=(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version, context.maximum_version = versions
        context.set_ciphers("ALL:@SECLEVEL=0")
        chain = Path(tmp_path / "chain.pem")
        chain.write_bytes(
            signed.certificate.public_bytes(serialization.Encoding.PEM)
            + signed.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context.load_cert_chain(chain)
        servers.append(HostileServer(context))
        return servers[-1]

    yield serve
    for server in servers:
        server.close()
    tls_context.cache_clear()


def asked(send, server, resolving, name=NAME):
    resolving({name: ["127.0.0.1"]})
    return outcome(send, f"https://{name}:{server.port}/"), len(server.requests)


@both
def test_a_certificate_of_a_known_root_and_the_right_name_is_believed(send, serving, root, resolving):
    assert asked(send, serving(certificate(NAME, signer=root)), resolving) == (200, 1)


@both
def test_a_certificate_of_another_name_is_refused(send, serving, root, resolving):
    assert asked(send, serving(certificate("other.example", signer=root)), resolving) == ("tls_failed", 0)


@both
def test_a_certificate_of_an_unknown_root_is_refused(send, serving, resolving):
    stranger = certificate("stranger.example")
    assert asked(send, serving(certificate(NAME, signer=stranger)), resolving) == ("tls_failed", 0)
    assert asked(send, serving(certificate(NAME)), resolving) == ("tls_failed", 0)


@both
def test_an_expired_certificate_is_refused(send, serving, root, resolving):
    assert asked(send, serving(certificate(NAME, signer=root, ends=NOW - DAY)), resolving) == (
        "tls_failed",
        0,
    )


@both
def test_the_address_is_no_name_of_the_certificate(send, serving, root):
    server = serving(certificate(NAME, signer=root))
    assert outcome(send, server.url) == "tls_failed"


@both
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_tls_before_1_2_is_refused(send, serving, root, resolving):
    server = serving(certificate(NAME, signer=root), versions=(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1))
    assert asked(send, server, resolving) == ("tls_failed", 0)


@both
def test_plain_text_where_tls_is_asked_is_a_tls_failure(send, server):
    server.behaviour = says(b"HTTP/1.1 400 Bad\r\n\r\n")
    assert outcome(send, server.url.replace("http:", "https:"), timeout_s=3) == "tls_failed"


@both
def test_a_handshake_is_held_to_the_deadline(send, server):
    server.behaviour = stops(b"")
    assert outcome(send, server.url.replace("http:", "https:"), timeout_s=0.5) == "timeout"


def test_mozillas_roots_are_believed_where_the_system_has_none(monkeypatch, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(empty))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    tls_context.cache_clear()
    try:
        assert len(tls_context().get_ca_certs()) > 100
    finally:
        tls_context.cache_clear()
