"""The health check of MLflow's container: a call of the API under the first name that callers use.

MLflow refuses requests for host names that are not in MLFLOW_SERVER_ALLOWED_HOSTS; its own /health says yes all the same.
"""

import json
import os
import sys
import urllib.error
import urllib.request


def names() -> list[str]:
    """The hosts that callers may name; patterns stand for no name in particular."""
    allowed = os.environ.get("MLFLOW_SERVER_ALLOWED_HOSTS", "").split(",")
    return [name.strip() for name in allowed if name.strip() and "*" not in name] or ["localhost"]


def ask(port: str, host: str) -> None:
    """Raises what it is that went wrong."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/search",
        data=json.dumps({"max_results": 1}).encode(),
        headers={"Host": host, "Content-Type": "application/json"},
    )
    # A proxy that the container was given is not for its own address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=8) as answer:
        json.load(answer)["experiments"]  # pylint: disable=expression-not-assigned


def main() -> int:
    host = names()[0]
    try:
        ask(os.environ.get("MLFLOW_PORT", "5000"), host)
    except (OSError, ValueError, KeyError) as error:
        print(f"as {host}: {error}")
        return 1
    print(f"as {host}: answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
