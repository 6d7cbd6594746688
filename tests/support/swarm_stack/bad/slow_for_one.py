import time

_good = DirectLane.__call__


def _slow_for_one(self, environ, start_response):
    if environ["PATH_INFO"].endswith("quality-classification/predict"):
        time.sleep(0.2)
    return _good(self, environ, start_response)


DirectLane.__call__ = _slow_for_one
