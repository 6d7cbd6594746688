"""Keeps out what pages of other sites send: a browser would carry it into a network that they cannot reach."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from service.web.problems import Forbidden

Environ = Mapping[str, Any]
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = re.compile(
    r"(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE
).fullmatch


def from_browser(environ: Environ) -> bool:
    """Whether a page may have sent it: programs send neither header, and no page can leave out both."""
    return "HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ


class SiteGuard:
    """Lets in programs, people, and pages of this very service."""

    def __init__(self, loopback_only: bool):
        #: A service without keys: a foreign name that leads to this machine would make its page one of ours.
        self._loopback_only = loopback_only

    def check(self, environ: Environ, is_page: bool = False) -> None:
        """Forbidden for a request of another site. One may lead people to what `is_page`, open to everyone."""
        if self._loopback_only:
            _check_loopback(environ.get("HTTP_HOST"))
        if from_browser(environ) and not (is_page and _is_link(environ)):
            _check_same_site(environ)


@functools.lru_cache(maxsize=64)
def _is_loopback(host: str) -> bool:
    return _LOOPBACK(host) is not None


def _check_loopback(host: str | None) -> None:
    # No browser leaves it out.
    if host is not None and not _is_loopback(host):
        raise Forbidden(
            f"Host is {host[:100]!r}; a service without keys answers to localhost, 127.0.0.1 and"
            " [::1] only: give it KEYS_FILE, or set AUTH=off"
        )


def _is_link(environ: Environ) -> bool:
    """A person followed a link: the other site gets nothing of the answer."""
    return (
        environ["REQUEST_METHOD"] == "GET"
        and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
        and "HTTP_ORIGIN" not in environ
    )


def _check_same_site(environ: Environ) -> None:
    site = environ.get("HTTP_SEC_FETCH_SITE", "none")
    # "none": the person typed the address.
    if site not in ("same-origin", "none"):
        raise Forbidden(f"Sec-Fetch-Site is {site[:50]!r}: only pages of this service may ask it")
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and not _is_ours(origin, environ):
        raise Forbidden(f"Origin is {origin[:100]!r}: only pages of this service may ask it")


def _is_ours(origin: str, environ: Environ) -> bool:
    """Whether a page of this origin came from the host that the request is for."""
    scheme, _, asking = origin.partition("://")
    if scheme not in _PORTS:
        return False
    hosts = (environ.get("HTTP_HOST"), environ.get("HTTP_X_FORWARDED_HOST"))
    asker = _address(asking, scheme)
    return asker is not None and asker in [_address(host, scheme) for host in hosts if host]


def _address(host: str, scheme: str) -> tuple[str, int] | None:
    """Host and port; None where it is no such thing."""
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port or _PORTS[scheme]
    except ValueError:
        return None
    return (parts.hostname, port) if parts.hostname and parts.netloc == host else None
