"""What is not the Swarm's: the certificate that the edge shows, and whether MLflow and Jenkins answer."""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator

from cryptography import x509

from monitoring.hosts.numbers import Number
from monitoring.hosts.settings import HostSettings

SECONDS = 3.0

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
        return x509.load_der_x509_certificate(shown or b"").not_valid_after_utc.timestamp()
    # It can be shown, and not be read.
    except (OSError, ValueError, x509.InvalidVersion) as error:
        logger.info("%s:%d shows no certificate: %s", host, port, error)
        return None


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
