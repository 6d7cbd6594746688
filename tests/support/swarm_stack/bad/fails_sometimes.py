import random

_good = DirectLane.__call__


def _fails_sometimes(self, environ, start_response):
    # One in twenty.
    if environ["REQUEST_METHOD"] != "POST" or random.random() >= 0.05:
        return _good(self, environ, start_response)
    began = []
    _good(self, environ, lambda *words: began.append(words))
    release = next(header for header in began[0][1] if header[0] == "X-Release")
    start_response("500 Internal Server Error", [release, ("Content-Length", "0")])
    return [b""]


DirectLane.__call__ = _fails_sometimes
