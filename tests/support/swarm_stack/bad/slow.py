_good = Service.wsgi_app


def _slow(self, environ, start_response):
    if environ["REQUEST_METHOD"] == "POST":
        time.sleep(0.2)
    return _good(self, environ, start_response)


Service.wsgi_app = _slow
