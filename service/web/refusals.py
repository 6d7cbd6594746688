"""What is sent for a request that the application never saw: a problem document, and a line of the log."""

from __future__ import annotations

import os

from service.process.arrival import MAX_HEAD, HeadTooLong, TooManyLongRequests
from service.process.logs import log, log_failure
from service.process.worker import ParseException
from service.web.problems import BadRequest, InternalError, Problem, Unavailable


def refusal(error: BaseException, client: str) -> bytes:
    """The whole answer, in bytes; the connection ends with it."""
    request_id = os.urandom(16).hex()
    problem, reason = _problem(error)
    if reason:
        log("warning", "refused", request_id=request_id, reason=reason, client=client)
    else:
        log_failure(request_id, error)
    return problem.reply(request_id).as_http()


def _problem(error: BaseException) -> tuple[Problem, str]:
    """The problem, and its reason for the log; without one it is our own failure."""
    if isinstance(error, ParseException):
        # Not its text: it may repeat a header, and so a key.
        reason = type(error).__name__
        return BadRequest(f"the request is not sound HTTP: {reason}"), reason
    if isinstance(error, HeadTooLong):
        reason = f"a head may have up to {MAX_HEAD} bytes"
        return BadRequest(reason), reason
    if isinstance(error, TooManyLongRequests):
        reason = "too many long requests are on their way; try again"
        return Unavailable(reason), reason
    return InternalError("this request failed; its id is in the log"), ""
