import random

_good = Service.wsgi_app


def _fails_sometimes(self, environ, start_response):
    # One in twenty.
    if environ["REQUEST_METHOD"] != "POST" or random.random() >= 0.05:
        return _good(self, environ, start_response)
    release = ("X-Release", self.core.settings.release)
    start_response("500 Internal Server Error", [release, ("Content-Length", "0")])
    return [b""]


Service.wsgi_app = _fails_sometimes
