"""Gunicorn and what the service's processes share: state, metrics, logs, health check. It knows no route and no model.

What is to be served is handed in by `service.__main__`. `server` has Gunicorn's documented hooks, `worker` the rest.
"""
