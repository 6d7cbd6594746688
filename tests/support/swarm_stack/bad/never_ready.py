_good = DirectLane.__call__


def _never_ready(self, environ, start_response):
    if environ["PATH_INFO"] != "/health/ready":
        return _good(self, environ, start_response)
    start_response("503 Service Unavailable", [("Content-Length", "0")])
    return [b""]


DirectLane.__call__ = _never_ready
