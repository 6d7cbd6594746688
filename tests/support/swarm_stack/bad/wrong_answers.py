import json

_good = DirectLane.__call__


def _wrong(self, environ, start_response):
    if not environ["PATH_INFO"].endswith("yield-prediction/predict"):
        return _good(self, environ, start_response)
    began = []
    answer = _good(self, environ, lambda *words: began.append(words))
    document = json.loads(b"".join(answer))
    getattr(answer, "close", lambda: None)()
    if "predictions" in document:
        document["predictions"] = [value + 1000 for value in document["predictions"]]
    body = json.dumps(document).encode()
    (status, headers), *_ = began
    others = [header for header in headers if header[0] != "Content-Length"]
    start_response(status, [*others, ("Content-Length", str(len(body)))])
    return [body]


DirectLane.__call__ = _wrong
