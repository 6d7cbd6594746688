"""Stands in for the docker command: a Swarm without nodes, in the folder STAND_IN. What is deployed never gets ready.

Each call is a line in `calls`. A file `pull-waits` holds up every pull for as long as it is there.
"""

import base64
import json
import os
import sys
import time
from pathlib import Path

PLACE = Path(os.environ["STAND_IN"])
LABELS = {"swarmline.stack": os.environ.get("STACK", "swarmline")}
SECRETS = (
    "keys",
    "db_password",
    "journal_role",
    "journal_url",
    "journal_key",
    "edge_key",
    "edge_certificate",
)
RELEASE = {"release": "r-new", "created": "2026-01-05T00:00:00+00:00", "models": {}}


def labelled(arguments):
    """What --label or --filter say, as a mapping."""
    words = [one.removeprefix("label=") for one in arguments if "swarmline." in one]
    return dict(word.split("=", 1) for word in words)


def configs():
    return [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((PLACE / "configs").iterdir())
    ]


def create_config(arguments):
    path = PLACE / "configs" / arguments[-2]
    if path.exists():
        sys.exit(f"config {arguments[-2]} already exists")
    data = base64.b64encode(sys.stdin.buffer.read()).decode()
    spec = {"Name": arguments[-2], "Labels": labelled(arguments), "Data": data}
    path.write_text(
        json.dumps({"ID": arguments[-2], "CreatedAt": "2026", "Spec": spec}), encoding="utf-8"
    )


def list_configs(arguments):
    wanted = labelled(arguments).items()
    for config in configs():
        if wanted <= config["Spec"]["Labels"].items():
            print(config["ID"])


def secret(name):
    return {
        "CreatedAt": "2026",
        "Spec": {"Name": name, "Labels": {**LABELS, "swarmline.name": name}},
    }


def pull(_arguments):
    while (PLACE / "pull-waits").exists():
        time.sleep(0.05)


ACTS = {
    "info": lambda _: print("active true"),
    "pull": pull,
    "image inspect": lambda _: print(json.dumps([{"Config": {"Labels": {"swarmline.release": "r-new"}}}])),
    "create": lambda _: print("container"),
    "cp": lambda arguments: Path(arguments[-1]).write_text(json.dumps(RELEASE), encoding="utf-8"),
    "secret ls": lambda _: print(*SECRETS, sep="\n"),
    "secret inspect": lambda names: print(json.dumps([secret(name) for name in names])),
    "config create": create_config,
    "config ls": list_configs,
    "config inspect": lambda names: print(json.dumps([one for one in configs() if one["ID"] in names])),
    "config rm": lambda names: (PLACE / "configs" / names[0]).unlink(),
    "stack config": lambda _: print(f'services: {{model: {{image: "{os.environ["MODEL_IMAGE"]}"}}}}'),
}  # fmt: skip


def main():
    (PLACE / "configs").mkdir(exist_ok=True)
    with (PLACE / "calls").open("a", encoding="utf-8") as calls:
        print(*sys.argv[1:], file=calls)
    two, one = " ".join(sys.argv[1:3]), sys.argv[1]
    if two in ACTS:
        ACTS[two](sys.argv[3:])
    elif one in ACTS:
        ACTS[one](sys.argv[2:])


main()
