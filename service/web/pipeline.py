"""The path that every request takes: begin, admit, answer or refuse, finish.

Predictions take it in the direct lane, all other routes through Flask's hooks in `guard`, messages of a stream in
`views/stream`: the only code for keys, request ids, requests in flight, metrics, log lines and problems.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Sequence

import msgspec

from service.bundle.contract import Invalid
from service.process.logs import log_failure, log_request
from service.process.metrics import Metrics, RequestMetrics
from service.process.state import State
from service.settings import Settings
from service.web.body import Environ
from service.web.keys import ANYONE, NOBODY, Authenticator, Key, Scope
from service.web.problems import BadHeader, InternalError, Problem, Unavailable, Unprocessable
from service.web.reply import Headers, Reply
from service.web.sites import SiteGuard
from service.web.trace_context import trace_id_of

CONTAINED = "this replica was found bad and takes no requests; ask another"
_SANE_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}").fullmatch
_SANE_SUBJECT = re.compile(r"[\x21-\x7e]{1,200}").fullmatch


class RequestContext(msgspec.Struct, gc=False):
    """One request, from its arrival to its line of the log."""

    environ: Environ
    #: Its name in the metrics.
    route: str
    request_id: str
    started: float
    #: Headers that say who answers: the release alone, until an arm is chosen.
    signed_by: Headers
    #: Who asks, once that is admitted.
    key: Key = NOBODY
    subject: str | None = None
    #: The arm that X-Arm asks for.
    arm_name: str | None = None
    logged: bool = True
    #: The caller's, if it told one.
    trace_id: str | None = None
    #: Where a request for a prediction is counted: of its model, then of its arm.
    metrics: RequestMetrics | None = None


def request_id_of(environ: Environ) -> str:
    """The client's, if it sent a sane one."""
    sent = environ.get("HTTP_X_REQUEST_ID")
    if sent and _SANE_ID(sent):
        return str(sent)
    return os.urandom(16).hex()


def subject_of(environ: Environ) -> str | None:
    subject: str | None = environ.get("HTTP_X_SUBJECT")
    if subject and not _SANE_SUBJECT(subject):
        raise BadHeader("X-Subject must be up to 200 visible ASCII characters")
    return subject or None


class Pipeline:
    """What all requests of a process go through."""

    def __init__(
        self, settings: Settings, authenticator: Authenticator, state: State, metrics: Metrics
    ):
        self.authenticator, self.state, self.metrics = authenticator, state, metrics
        self._sites = SiteGuard(loopback_only=settings.auth and not authenticator.required)
        self._release: Headers = [("X-Release", settings.release)]
        self._log_sample, self._max_waiting = settings.log_sample, settings.max_waiting

    def begin(self, environ: Environ, route: str) -> RequestContext:
        """Its id and clock; from here it is in flight, until `state.request_ended`."""
        self.state.request_began()
        return RequestContext(
            environ,
            route,
            request_id_of(environ),
            time.perf_counter(),
            self._release,
            trace_id=trace_id_of(environ),
        )

    def admit(
        self, context: RequestContext, scopes: Sequence[Scope] | None, model: str | None = None
    ) -> None:
        """Sets whose key it is, or refuses. An open page has no scopes; None: any key will do."""
        is_open = scopes is not None and not scopes
        self._sites.check(context.environ, is_page=is_open)
        if is_open:
            context.key = ANYONE
            return
        key = self.authenticator.identify(context.environ.get("HTTP_AUTHORIZATION"))
        if scopes is not None:
            key.check(scopes, model)
        context.key = key

    def refuse_when_unable(self) -> None:
        """503, with which the edge asks another replica."""
        if self.state.contained:
            raise Unavailable(CONTAINED)
        if self.state.worker.waiting() > self._max_waiting:
            raise Unavailable("too many requests are waiting; try again")

    def answer(self, context: RequestContext, work: Callable[[RequestContext], Reply]) -> Reply:
        """The whole way of a request that has begun: its reply is counted, logged and signed."""
        try:
            reply = self.attempt(context, work)
        finally:
            self.state.request_ended()
        signature = self.finish(context, reply.status)
        length = ("Content-Length", str(len(reply.body)))
        return Reply(reply.status, [*reply.headers, *signature, length], reply.body)

    def attempt(self, context: RequestContext, work: Callable[[RequestContext], Reply]) -> Reply:
        """The reply of `work`, or the problem that it raised. What it sets on the context holds for both."""
        try:
            return work(context)
        # The last line before a client.
        except Exception as error:  # pylint: disable=broad-exception-caught
            return self.refuse(context, error)

    def refuse(self, context: RequestContext, error: Exception) -> Reply:
        """The problem document of an error."""
        problem = _problem(context, error)
        self.metrics.refusal(problem.code).inc()
        if context.metrics is not None and isinstance(error, Invalid):
            context.metrics.model.count_refused(error.values)
        is_v2 = context.environ["PATH_INFO"].startswith("/v2")
        return problem.reply(context.request_id, is_v2)

    def finish(self, context: RequestContext, status: str) -> Headers:
        """Counts and logs; gives the headers that say which request was answered by whom."""
        self.metrics.request(context.route, status[:3]).inc()
        if status >= "4" and context.metrics is not None:
            context.metrics.count_failure(status)
        if context.logged:
            log_request(
                self._log_sample,
                context.environ,
                status,
                (context.request_id, context.trace_id),
                context.started,
            )
        return [*context.signed_by, ("X-Request-Id", context.request_id)]


def _problem(context: RequestContext, error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, Invalid):
        return Unprocessable.of(error)
    log_failure(context.request_id, error, context.trace_id)
    return InternalError("this request failed; its id is in the log")
