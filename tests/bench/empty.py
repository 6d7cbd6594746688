"""An empty Flask view under our own Gunicorn settings: what the service is measured against."""

from __future__ import annotations

import os

from flask import Flask

from service.process.server import Application
from service.process.state import State
from service.settings import read_settings

app = Flask("empty")


@app.post("/")
def empty() -> dict[str, str]:
    return {"status": "ok"}


if __name__ == "__main__":
    Application(app, "POST /".__eq__, read_settings(os.environ), State()).run()
