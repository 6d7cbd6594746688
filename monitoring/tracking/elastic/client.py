"""The requests: lifecycle and template once, then documents by the bulk API; a busy server is asked again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import requests

from monitoring.findings import Finding, WindowRecord
from monitoring.tracking.elastic import documents
from monitoring.tracking.sender import PlaceUnavailable, WindowRefused
from service.process.logs import log

NAME = "swarmline-monitor"
SECONDS = 10.0
#: Documents of one request.
BATCH = 500
#: Pauses before each further attempt. What the last one leaves is sent with the next look at the database.
PAUSES = (0.5, 2.0)
#: It is too busy, or something before it is; all other refusals would come again.
BUSY = {429, 502, 503, 504}
#: It does not take these documents, or not so many.
REFUSED = {400, 413}


class Elastic:
    """Sends to one address."""

    def __init__(self, url: str, key: str = "", pause: Callable[[float], object] = time.sleep):
        self._url, self._pause = url.rstrip("/"), pause
        self._session = requests.Session()
        # No proxy of the environment: what is sent is not for it.
        self._session.trust_env = False
        if key:
            self._session.headers["Authorization"] = f"ApiKey {key}"
        self._prepared = False

    def send(self, record: WindowRecord, findings: Sequence[Finding]) -> None:
        """PlaceUnavailable where it does not take them within seconds, WindowRefused where it never would."""
        if not self._prepared:
            self._put(f"_ilm/policy/{NAME}", _file("policy.json"))
            self._put(f"_index_template/{NAME}", _file("template.json"))
            self._prepared = True
        actions = [
            (
                {
                    "index": {
                        "_index": documents.index(record),
                        "_id": documents.identity(record, each),
                    }
                },
                documents.document(record, each),
            )
            for each in findings
        ]
        for start in range(0, len(actions), BATCH):
            self._bulk(actions[start : start + BATCH])

    def _put(self, path: str, body: Any) -> None:
        answer = self._ask("PUT", path, json.dumps(body).encode(), "application/json")
        if not answer.ok:
            raise PlaceUnavailable(f"{path} is answered {answer.status_code}: {answer.text[:200]}")

    def _bulk(self, actions: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
        """Of a request that is taken, single documents may not be: those for which it is too busy are sent again."""
        for pause in (*PAUSES, None):
            body = b"".join(json.dumps(part).encode() + b"\n" for pair in actions for part in pair)
            answer = self._ask("POST", "_bulk", body, "application/x-ndjson")
            if not answer.ok:
                kind = WindowRefused if answer.status_code in REFUSED else PlaceUnavailable
                raise kind(f"_bulk is answered {answer.status_code}: {answer.text[:200]}")
            items = answer.json()["items"]
            actions = list(_again(actions, items))
            if not actions:
                return
            if pause is not None:
                self._pause(pause)
        raise PlaceUnavailable(f"it is too busy for {len(actions)} documents")

    def _ask(self, method: str, path: str, body: bytes, kind: str) -> requests.Response:
        for pause in (*PAUSES, None):
            try:
                answer = self._session.request(
                    method,
                    f"{self._url}/{path}",
                    data=body,
                    headers={"Content-Type": kind},
                    timeout=SECONDS,
                )
            except requests.RequestException as error:
                reason = f"{type(error).__name__} at {path}"
            else:
                if answer.status_code not in BUSY:
                    return answer
                reason = f"{path} is answered {answer.status_code}"
            if pause is not None:
                self._pause(pause)
        raise PlaceUnavailable(reason)


def _again(
    actions: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    items: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """A document that is refused for good is said and left: it would stop all others for ever."""
    refused = []
    for action, item in zip(actions, items, strict=True):
        (outcome,) = item.values()
        if outcome["status"] in BUSY:
            yield action
        elif outcome["status"] >= 300:
            refused.append(outcome.get("error", {}).get("reason", outcome["status"]))
    if refused:
        text = f"Elasticsearch refuses {len(refused)} findings: {str(refused[0])[:200]}"
        log("warning", "elastic-refused", message=text)


def _file(name: str) -> Any:
    return json.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))
