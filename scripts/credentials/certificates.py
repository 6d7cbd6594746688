"""Certificates of the edge: read from files and checked, or made and signed by themselves."""

from __future__ import annotations

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from scripts.command.outcome import Refused

SOON_DAYS = 14
PEM = serialization.Encoding.PEM
OPEN = serialization.PublicFormat.SubjectPublicKeyInfo
VALID_DAYS = 365


def from_files(certificate: Path, key: Path, now: dt.datetime | None = None) -> str:
    """Chain and key as one text, once they parse, belong together and are valid today."""
    now = now or dt.datetime.now(dt.UTC)
    chain = _chain(certificate)
    private = _private_key(key)
    leaf = chain[0]
    if leaf.public_key().public_bytes(PEM, OPEN) != private.public_key().public_bytes(PEM, OPEN):
        raise Refused(f"{key} is not the key of the first certificate in {certificate}")
    for link in chain:
        if link.not_valid_after_utc <= now:
            raise Refused(
                f"{certificate}: {_subject(link)} expired on {link.not_valid_after_utc:%F}"
            )
        if link.not_valid_before_utc > now:
            raise Refused(
                f"{certificate}: {_subject(link)} is valid from {link.not_valid_before_utc:%F} only"
            )
    return "".join(link.public_bytes(PEM).decode() for link in chain) + _private_text(private)


def self_signed(host: str) -> str:
    """For tests and closed networks: callers have to be told to trust it."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([_alternative(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    return certificate.public_bytes(PEM).decode() + _private_text(private)


def open_part(text: str) -> str:
    """The certificates without the key: what callers are given to trust."""
    return text.partition("-----BEGIN PRIVATE KEY-----")[0]


def expiry(text: str) -> dt.datetime:
    return x509.load_pem_x509_certificates(open_part(text).encode())[0].not_valid_after_utc


def _chain(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise Refused(f"{path} has no PEM certificate that can be read") from error


def _private_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise Refused(f"{path} has no PEM private key without a passphrase") from error
    return private  # type: ignore[return-value]  # RSA and others have what is used here too


def _private_text(private: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return private.private_bytes(PEM, form, serialization.NoEncryption()).decode()


def _subject(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string() or "a certificate"


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
