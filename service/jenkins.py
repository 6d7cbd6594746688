"""A job of Jenkins: what of it is queued and runs, and its start; for the service's route and the monitor.

The user's API token is sent, for which Jenkins asks no crumb; nothing else of Jenkins is needed than Job/Read and
Job/Build on this one job.
"""

from __future__ import annotations

import base64
import http.client
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

TIMEOUT = 10.0
#: Builds that are looked through, the newest first.
BUILDS = 20
_TREE = (
    "inQueue,queueItem[url,params],"
    f"builds[url,building,actions[parameters[name,value]]]{{0,{BUILDS}}}"
)
_LARGEST = 1 << 20


class JenkinsFault(Exception):
    """Jenkins did not do what it was asked; the message is a sentence for people, without a secret in it."""


class Build(NamedTuple):
    """One that is queued, runs or has ended, with the parameters that it was started with."""

    url: str
    model: str
    reason: str
    building: bool


class JobState(NamedTuple):
    """The newest build first."""

    in_queue: bool
    queued: Build | None
    builds: tuple[Build, ...]

    @property
    def all_builds(self) -> tuple[Build, ...]:
        """The one that is queued, too."""
        return (self.queued, *self.builds) if self.queued else self.builds

    @property
    def running(self) -> Build | None:
        return next((build for build in self.builds if build.building), None)


class _Parameter(msgspec.Struct):
    name: str = ""
    value: Any = None


class _Action(msgspec.Struct):
    parameters: list[_Parameter] = []


class _Build(msgspec.Struct):
    url: str = ""
    building: bool = False
    # Jenkins shows an empty object for each action that has no such field, and null for some.
    actions: list[_Action | None] = []


class _Item(msgspec.Struct):
    url: str = ""
    params: str = ""


# Jenkins' own names.
# pylint: disable=invalid-name
class _Job(msgspec.Struct):
    inQueue: bool  # noqa: N815
    queueItem: _Item | None = None  # noqa: N815
    builds: list[_Build] = []


# pylint: enable=invalid-name


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The token is for the address of the setting: nobody there may send it elsewhere."""

    # The base class's signature.
    # pylint: disable-next=too-many-arguments,too-many-positional-arguments
    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> None:
        return None


class JenkinsJob:
    """The job at an address, as one user. Threads may share it. `name` is what the job is called, in sentences too."""

    def __init__(
        self, url: str, user: str, token: str, insecure: bool = False, name: str = "retrain"
    ):
        self.url = url.rstrip("/")
        self._name, self._setting = name, f"{name.upper()}_URL"
        self._user = user
        pair = base64.b64encode(f"{user}:{token}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}"}
        context = ssl.create_default_context()
        if insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self._opener = urllib.request.build_opener(
            _NoRedirect, urllib.request.HTTPSHandler(context=context)
        )

    def state(self) -> JobState:
        """JenkinsFault where it cannot be told."""
        tree = urllib.parse.urlencode({"tree": _TREE})
        body, _ = self._ask(f"{self.url}/api/json?{tree}", None)
        try:
            job = msgspec.json.decode(body, type=_Job)
        except msgspec.MsgspecError as error:
            raise JenkinsFault(
                f"what answers at {self._setting} is no Jenkins job: give the job's own address,"
                f" https://HOST/job/swarmline/job/{self._name}"
            ) from error
        item = job.queueItem
        queued = _queued(item) if item is not None else None
        return JobState(job.inQueue, queued, tuple(map(_build, job.builds)))

    def start(self, model: str, reason: str) -> str:
        """The address of the queue's item, or of the job; JenkinsFault where none was started, as far as one knows."""
        return self.start_with({"MODEL": model, "REASON": reason})

    def start_with(self, parameters: Mapping[str, str]) -> str:
        """As `start`, with any parameters."""
        fields = urllib.parse.urlencode(parameters)
        _, headers = self._ask(f"{self.url}/buildWithParameters", fields.encode())
        return headers.get("Location") or f"{self.url}/"

    def _ask(self, url: str, data: bytes | None) -> tuple[bytes, Any]:
        question = urllib.request.Request(url, data, self._headers)
        try:
            # Settings allow http(s) only.
            with self._opener.open(question, timeout=TIMEOUT) as answer:
                return answer.read(_LARGEST), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                raise JenkinsFault(self._sentence(error.code, _text(error))) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise JenkinsFault(f"the {self._name} job cannot be reached: {reason}") from error

    def _sentence(self, status: int, text: str) -> str:
        if 300 <= status < 400:
            return (
                f"{self._setting} redirects elsewhere ({status}); set it to the job's own address"
            )
        if status == 401:
            return f"Jenkins does not know user {self._user} with this token (401): see RETRAIN_USER and the token"
        if status == 403:
            return self._sentence_of_forbidden(text)
        if status == 404:
            return (
                f"Jenkins shows no such job (404): see {self._setting}, and that user {self._user} has Job/Read"
                " on it and on its folder"
            )
        if status == 409:
            return f"the {self._name} job is disabled in Jenkins (409)"
        return f"the {self._name} job answered {status}"

    def _sentence_of_forbidden(self, text: str) -> str:
        if "crumb" in text.lower():
            return (
                "Jenkins asks for a crumb (403), as it does of a password: make an API token for user"
                f" {self._user} and give that"
            )
        return f"Jenkins forbids it (403): user {self._user} needs Job/Read and Job/Build on the {self._name} job"


def _text(error: urllib.error.HTTPError) -> str:
    try:
        return error.read(4096).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return ""


def _build(build: _Build) -> Build:
    parameters = {
        parameter.name: str(parameter.value or "")
        for action in build.actions
        if action is not None
        for parameter in action.parameters
    }
    model, reason = parameters.get("MODEL", ""), parameters.get("REASON", "")
    return Build(build.url, model, reason, build.building)


def _queued(item: _Item) -> Build:
    """Jenkins shows what is queued as lines NAME=value."""
    pairs = dict(line.partition("=")[::2] for line in item.params.splitlines())
    return Build(item.url, pairs.get("MODEL", ""), pairs.get("REASON", ""), False)
