_good = Service.wsgi_app


def _never_ready(self, environ, start_response):
    if environ["PATH_INFO"] != "/health/ready":
        return _good(self, environ, start_response)
    start_response("503 Service Unavailable", [("Content-Length", "0")])
    return [b""]


Service.wsgi_app = _never_ready
