import time

_good = DirectLane.__call__


def _slow(self, environ, start_response):
    if environ["REQUEST_METHOD"] == "POST":
        time.sleep(0.2)
    return _good(self, environ, start_response)


DirectLane.__call__ = _slow
