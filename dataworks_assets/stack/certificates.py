"""Certificates for the key service: the stack's own CA, a server and a client certificate, made on first start."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dataworks_assets.stack.service import write_private

_VALID = timedelta(days=3650)
_RENEW_BEFORE = timedelta(days=30)
_HOST = ipaddress.ip_address("127.0.0.1")


class Certificates(NamedTuple):
    """The PEM files in a folder, readable by their owner alone."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path

    @classmethod
    def within(cls, directory: Path) -> Certificates:
        """Returns the paths without checking that the files exist."""
        return cls(*(directory / name for name in ("ca.pem", "server.pem", "server.key", "client.pem", "client.key")))


def ensure_certificates(directory: Path) -> Certificates:
    """Makes the certificates if one is missing or about to expire.

    The CA's private key is not kept, so all certificates are always renewed together.
    """
    paths = Certificates.within(directory)
    if not all(path.is_file() for path in paths) or _runs_out(paths.server):
        _make_all(paths)
    return paths


def _runs_out(path: Path) -> bool:
    until = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    return until - datetime.now(UTC) < _RENEW_BEFORE


def _make_all(paths: Certificates) -> None:
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = _name("dataworks local authority")
    ca = (
        _builder(ca_name, ca_name, ca_key.public_key(), ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    write_private(paths.ca, ca.public_bytes(serialization.Encoding.PEM))
    for certificate_path, key_path, usage in (
        (paths.client, paths.client_key, ExtendedKeyUsageOID.CLIENT_AUTH),
        (paths.server, paths.server_key, ExtendedKeyUsageOID.SERVER_AUTH),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _builder(_name(f"dataworks {certificate_path.stem}"), ca_name, key.public_key(), ca_key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(_HOST)]), critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        write_private(key_path, _private_pem(key))
        write_private(certificate_path, certificate.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, issuer_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
