"""What is not the Swarm's: the certificate that the edge shows, and whether MLflow and Jenkins answer."""

from __future__ import annotations

import datetime as dt
import http.client
import logging
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator

from monitoring.hosts.numbers import Number
from monitoring.hosts.settings import HostSettings

SECONDS = 3.0
#: Tags of DER, the form of a certificate: of the version, and of a time with two digits for the year.
VERSION, UTC_TIME = 0xA0, 0x17

logger = logging.getLogger("swarmline.hosts")


def numbers(settings: HostSettings) -> Iterator[Number]:
    if settings.edge and (end := certificate_end(*settings.edge)):
        labels = {"of": "edge"}
        yield Number("swarmline_certificate_expiry_timestamp_seconds", labels, end)
    sites = {"mlflow": settings.mlflow_url, "jenkins": settings.jenkins_url}
    for site, address in sites.items():
        if address:
            path = "/health" if site == "mlflow" else "/login"
            up = answers(address.rstrip("/") + path)
            yield Number("swarmline_site_up", {"site": site}, up)


def certificate_end(host: str, port: int) -> float | None:
    """When the certificate that is shown ends, in Unix seconds; None where none is shown."""
    try:
        with socket.create_connection((host, port), timeout=SECONDS) as plain:
            with unchecked().wrap_socket(plain) as secured:
                shown = secured.getpeercert(binary_form=True)
    except OSError as error:
        logger.info("%s:%d shows no certificate: %s", host, port, error)
        return None
    return end_of(shown) if shown else None


def unchecked() -> ssl.SSLContext:
    """Takes any certificate: one that ran out is what is to be told, and nothing secret is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def answers(address: str) -> bool:
    """Whether the site itself answers: a proxy that cannot reach it says 502, 503 or 504."""
    try:
        # An address of http or https: readers.web_address sees to that.
        with urllib.request.urlopen(address, timeout=SECONDS, context=unchecked()):  # nosec B310
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except (OSError, http.client.HTTPException) as error:
        logger.info("%s does not answer: %s", address, error)
        return False


def end_of(certificate: bytes) -> float:
    """The end of its validity. A certificate is a sequence, whose first part is one too: perhaps a version, then serial
    number, algorithm, issuer, and the validity, whose second part is the end (RFC 5280, 4.1)."""
    whole, *_ = _parts(certificate)
    signed, *_ = _parts(whole[1])
    parts = _parts(signed[1])
    if parts[0][0] == VERSION:
        parts = parts[1:]
    tag, text = _parts(parts[3][1])[1]
    form = "%y%m%d%H%M%SZ" if tag == UTC_TIME else "%Y%m%d%H%M%SZ"
    return dt.datetime.strptime(text.decode("ascii"), form).replace(tzinfo=dt.UTC).timestamp()


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of each part."""
    parts, position = [], 0
    while position < len(data):
        tag, length = data[position], data[position + 1]
        position += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[position : position + size], "big")
            position += size
        parts.append((tag, data[position : position + length]))
        position += length
    return parts
