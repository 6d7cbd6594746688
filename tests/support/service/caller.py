"""Flask's test client, with a key."""

from __future__ import annotations

from typing import Any


class Caller:
    """Flask's test client with a key, and a word for what tests do most."""

    def __init__(self, app: Any, key: str = "boss"):
        self.client, self.key = app.flask.test_client(), key

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        sent = {"Authorization": f"Bearer {self.key}"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        if isinstance(body, bytes):
            sent.setdefault("Content-Type", "application/json")
            return self.client.post(path, data=body, headers=sent)
        return self.client.post(path, json=body, headers=sent)

    def get(self, path: str) -> Any:
        return self.client.get(path, headers={"Authorization": f"Bearer {self.key}"})

    def predict(self, model: str, *rows: Any, **headers: str) -> Any:
        return self.post(f"/v1/models/{model}/predict", {"rows": list(rows)}, **headers)
