"""Who may see the pages, and what each answer says to a browser: keys, hosts, headers, errors without the inside."""

from __future__ import annotations

import datetime as dt
import logging
import re
import secrets
from typing import NamedTuple

from flask import Blueprint, Response, g, jsonify, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from monitoring.findings import UnfitFindings
from monitoring.report import NoReport, ReportBusy
from service.journal.errors import JournalError
from service.web.keys import Authenticator, Key, parse_keys
from service.web.problems import Forbidden, Unauthenticated
from service.web.sites import SiteGuard

_LOG = logging.getLogger(__name__)
#: Scripts and styles of our own files alone; nothing from elsewhere, nothing in a frame.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
#: A document that others made (a model's card, Evidently's report): without an origin it reaches nothing of ours.
SANDBOX = (
    "sandbox{scripts}; default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:;"
    "{script_source} base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
CARD_POLICY = SANDBOX.format(scripts="", script_source="")
REPORT_POLICY = SANDBOX.format(
    scripts=" allow-scripts",
    script_source=" script-src 'unsafe-inline' 'unsafe-eval' blob:; worker-src blob:;",
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Vary": "Authorization",
}
#: What a browser asks a person for name and password by. Any name will do, the key is the password.
CHALLENGE = 'Basic realm="swarmline", charset="UTF-8", Bearer realm="swarmline"'
HTML = "text/html; charset=utf-8"
READING = ("GET", "HEAD")
#: Below the prefix of the pages, what is for programs: they are told of faults in JSON.
PROGRAMS = "/v1/"


class Fault(NamedTuple):
    """What a page says in place of its contents."""

    status: int
    title: str
    detail: str


class NoSuchPage(Exception):
    """The message says what there is instead."""


#: What an exception's own words are fit to say.
_FORESEEN: tuple[tuple[type[Exception], int, str], ...] = (
    (Forbidden, 403, "Not with this key"),
    (NoSuchPage, 404, "There is no such page"),
    (NoReport, 404, "There is no report"),
    (ReportBusy, 503, "It is busy"),
)
LOGIN = (
    "Give any name, and as password a key of scope admin; programs send Authorization: Bearer KEY."
)


def authenticator_of(keys: str) -> Authenticator:
    """From the service's own key file. BadKeys where it cannot be read.

    A key may be limited to a model of which there is no window yet: the service has made sure that it is served.
    """
    lines = (line.strip() for line in keys.splitlines())
    limits = [line.split(":", 3)[3] for line in lines if line[:1] != "#" and line.count(":") > 2]
    named = {model.strip() for limit in limits for model in limit.split(",")}
    return Authenticator(parse_keys(keys, named))


def caller() -> Key:
    """Whose key this request came with."""
    key: Key = g.key
    return key


def check_covers(name: str) -> None:
    """A model of which the key may not know is answered like one that there is not."""
    if not caller().covers(name):
        raise NoSuchPage("No window of such a model, version and arm was judged.")


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def guard(pages: Blueprint, authenticator: Authenticator, loopback_only: bool) -> None:
    """Lets in who may look, before any of the pages."""
    sites = SiteGuard(loopback_only)

    @pages.before_request
    def enter() -> None:
        g.key = None
        sites.check(request.environ, is_page=True)
        g.key = authenticator.identify(request.headers.get("Authorization"))
        g.key.check(("admin",))

    @pages.after_request
    def sign(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @pages.errorhandler(Exception)
    def refuse(error: Exception) -> Response:
        fault = _fault(error)
        is_program = request.path.startswith(f"{pages.url_prefix}{PROGRAMS}")
        response = _problem(fault) if is_program else _page(fault)
        if isinstance(error, Unauthenticated):
            response.headers["WWW-Authenticate"] = CHALLENGE
        if fault.status == 503:
            response.headers["Retry-After"] = "10"
        return response


def _page(fault: Fault) -> Response:
    return make_response(render_template("fault.html", fault=fault), fault.status)


def _problem(fault: Fault) -> Response:
    """RFC 9457, as the service's refusals."""
    response = jsonify({"title": fault.title, "status": fault.status, "detail": fault.detail})
    response.status_code = fault.status
    response.content_type = "application/problem+json"
    return response


def _fault(error: Exception) -> Fault:
    for kind, status, title in _FORESEEN:
        if isinstance(error, kind):
            return Fault(status, title, str(error))
    if isinstance(error, Unauthenticated):
        return Fault(401, "A key is needed", LOGIN)
    if isinstance(error, UnfitFindings):
        # A name with a NUL, a time before the first: no database has such a window.
        return Fault(404, "There is no such page", "The address names what cannot be.")
    if isinstance(error, JournalError):
        return Fault(503, "A database does not answer", _without_inside(str(error)))
    if isinstance(error, HTTPException) and error.code and error.code < 500:
        return Fault(error.code, "This cannot be asked", "The address is not one of these pages'.")
    return _unforeseen(error)


def _without_inside(text: str) -> str:
    """What a driver said stands in brackets, and may name hosts and users: it is for the log."""
    _LOG.warning("a page could not be shown: %s", text)
    return re.sub(r" \(.*\)", "", text).partition(";")[0] + "; the page comes back with it."


def _unforeseen(error: Exception) -> Fault:
    mark = secrets.token_hex(4)
    _LOG.error("page %s failed, mark %s", request.path, mark, exc_info=error)
    return Fault(500, "This page failed", f"The monitor's log has it under the mark {mark}.")
