"""An empty Flask view, run by Gunicorn's own threaded worker: what an application costs before it does anything."""

from __future__ import annotations

from flask import Flask

app = Flask("empty")


@app.post("/")
def empty() -> dict[str, str]:
    return {"status": "ok"}
