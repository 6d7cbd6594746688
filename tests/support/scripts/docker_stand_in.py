"""A docker command that acts on a Swarm in a file, and keeps every call: answered as docker would.

STAND_IN names its folder: `swarm.json` is the Swarm, `calls.jsonl` what it was asked. Of a service whose image is in
`bad`, replicas have the state and the error that stand there; beyond so many as `room` says, they find no node. An
entry of `faults` has `call`, the words with which a command begins, and what happens then: `words` to fail with, that
it `hangs`, a `signal` for whoever called, `others` that is configs which somebody else makes at that moment, and
`times`, how often. Of several, the first that is not used up counts.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

KEPT = ("DOCKER_HOST", "DOCKER_CERT_PATH", "DOCKER_TLS_VERIFY", "DOCKER_CONFIG")
Facts = dict[str, Any]


def main(words: list[str]) -> None:
    stdin = sys.stdin.read() if "-" in words or "-i" in words else ""
    if said := act(words, stdin, os.environ):
        print(said)


def act(words: list[str], stdin: str, environ: Mapping[str, str]) -> str:
    """What the command prints; SystemExit with its words where it fails."""
    folder = Path(environ.get("STAND_IN", "."))
    seen = {name: environ[name] for name in KEPT if name in environ}
    with (folder / "calls.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps({"words": words, "given": stdin, "environ": seen}) + "\n")
    # Whoever called may be dead by now, and who looks next must find what was done.
    with (folder / "lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        swarm = json.loads((folder / "swarm.json").read_bytes())
        try:
            meet_faults(swarm, words, lock)
            return answer(swarm, words, stdin, environ)
        finally:
            part = folder / "swarm.part"
            part.write_text(json.dumps(swarm), encoding="utf-8")
            part.replace(folder / "swarm.json")


def meet_faults(swarm: Facts, words: list[str], lock: IO[str]) -> None:
    for fault in swarm["faults"]:
        call = fault["call"].split()
        if words[: len(call)] != call or not fault["times"]:
            continue
        fault["times"] -= 1
        swarm["config"].update(fault.get("others", {}))
        if "signal" in fault:
            os.kill(os.getppid(), fault["signal"])
        if fault.get("hangs"):
            fcntl.flock(lock, fcntl.LOCK_UN)
            signal.pause()
        if "words" in fault:
            sys.exit(fault["words"])
        return


def answer(swarm: Facts, words: list[str], stdin: str, environ: Mapping[str, str]) -> str:
    kind, verb = words[0], words[1]
    if kind in ("config", "secret"):
        return stored(swarm[kind], verb, words[2:], stdin)
    if kind == "stack":
        return of_stack(swarm, words[1:], stdin, environ)
    if kind in ("service", "node") and verb == "ls":
        names = [name for name in swarm[kind] if of_namespace(name, words)]
        in_json = "{{json .}}" in words
        return "\n".join(json.dumps({"Name": name}) if in_json else name for name in names)
    if kind == "service":
        return of_service_command(swarm, verb, words[2:])
    return of_engine(swarm, words)


def of_namespace(name: str, words: list[str]) -> bool:
    """Whether the service is of the stack that a filter names, if one does."""
    label = "label=com.docker.stack.namespace="
    stacks = [item.removeprefix(label) for item in words if item.startswith(label)]
    return all(name.rpartition("_")[0] == stack for stack in stacks)


def of_engine(swarm: Facts, words: list[str]) -> str:
    if words[:2] == ["inspect", "--type"]:
        return json.dumps([inspected(swarm, words[2], item) for item in words[3:]])
    if words[:3] == ["image", "inspect", "--format"]:
        return "1" if words[-1] in swarm["image"] else sys.exit("Error: No such image")
    if words[0] == "build":
        swarm["image"][words[2]] = {}
    if words[:2] == ["image", "inspect"]:
        return json.dumps([swarm["image"][words[2]]["config"]])
    if words[0] == "cp":
        image, _, path = words[1].rpartition(":")
        Path(words[2]).write_text(json.dumps(swarm["image"][image]["files"][path]), "utf-8")
    # Only the platform's backup asks for a container by its service.
    by_service = "com.docker.swarm.service.name" in words[-1]
    answers = {
        "info": "active true",
        "create": words[-1],
        "push": f"digest: sha256:{'0' * 64}",
        "ps": "c1" if by_service else "",
        "inspect": json.dumps([{"Config": {"Image": "db"}}]),
    }
    return answers.get(words[0], "")


def of_service_command(swarm: Facts, verb: str, words: list[str]) -> str:
    """`counts` has the replicas of services that came by no stack; jobs are complete at once."""
    counts = swarm["counts"]
    if verb == "create":
        counts[values(words, "--name")[0]] = "job"
    if verb == "scale":
        counts.update({name: int(count) for name, count in (item.split("=") for item in words[1:])})
    if verb == "update":
        update(swarm["service"][words[-1]], words)
    if verb == "rollback":
        about = swarm["service"][words[-1]]
        about["image"], about["former"] = about["former"], about["image"]
    if verb == "inspect" and any("PreviousSpec" in word for word in words):
        return str(swarm["service"][words[-1]]["former"])
    if verb == "inspect" and words[0] in swarm["service"]:
        return json.dumps([inspected(swarm, "service", words[0])])
    if verb == "inspect":
        return json.dumps(
            [{"Spec": {"Mode": {"Replicated": {"Replicas": counts.get(words[0], 1)}}}}]
        )
    if verb == "ps" and "{{json .}}" in words:
        count = counts.get(words[-1], 1)
        state = {"CurrentState": "Complete" if count == "job" else "Running", "Error": ""}
        return "\n".join([json.dumps(state)] * (1 if count == "job" else count))
    if verb == "ps":
        return "\n".join(task for name in words for task in tasks(swarm, name))
    return "its last words" if verb == "logs" else ""


def update(about: Facts, words: list[str]) -> None:
    """Replicas and labels alone: Swarm restarts nothing for them."""
    for count in values(words, "--replicas"):
        about["deploy"]["replicas"] = int(count)
    for name, _, text in (item.partition("=") for item in values(words, "--label-add")):
        about["deploy"]["labels"][name] = text
    about["updates"] = about.get("updates", 0) + 1


def values(words: list[str], flag: str) -> list[str]:
    return [after for word, after in zip(words, words[1:]) if word == flag]


def stored(there: Facts, verb: str, words: list[str], stdin: str) -> str:
    """Configs and secrets; the id of each is its name."""
    if verb == "create":
        name = words[-2]
        if name in there:
            sys.exit(f"Error response from daemon: rpc error: {name} already exists")
        labels = dict(label.split("=", 1) for label in values(words, "--label"))
        there[name] = {"labels": labels, "content": stdin}
    if verb == "rm" and there.pop(words[0], None) is None:
        sys.exit(f"Error: no such object: {words[0]}")
    if verb == "ls":
        wanted = {item.partition("=")[2] for item in values(words, "--filter")}
        return "\n".join(name for name, item in there.items() if wanted <= labels_of(item))
    if verb == "inspect":
        return json.dumps([described(name, there[name]) for name in words])
    return ""


def labels_of(item: Facts) -> set[str]:
    return {f"{name}={value}" for name, value in item["labels"].items()}


def described(name: str, item: Facts) -> Facts:
    data = base64.b64encode(item["content"].encode()).decode()
    spec = {"Name": name, "Labels": item["labels"], "Data": data}
    return {"ID": name, "CreatedAt": "", "Spec": spec}


def of_stack(swarm: Facts, words: list[str], stdin: str, environ: Mapping[str, str]) -> str:
    if words[0] == "config":
        texts = [Path(path).read_text("utf-8") for path in values(words, "-c")]
        return "".join(filled(text, environ) for text in texts)
    before = swarm["service"]
    swarm["service"] = {
        name: about for name, about in before.items() if name.rpartition("_")[0] != words[-1]
    }
    if words[0] == "rm":
        return ""
    if environ["STAND_IN_PACKAGES"] not in sys.path:
        sys.path.append(environ["STAND_IN_PACKAGES"])
    import yaml  # pylint: disable=import-outside-toplevel  # the rest of the calls do not wait for it

    document = yaml.load(stdin.replace("$$", "$"), Loader=yaml.CSafeLoader)
    for name, about in document["services"].items():
        full = f"{words[-1]}_{name}"
        now = before.get(full, {"version": 0, "image": ""})
        more = {"version": now["version"] + 1, "former": now["image"]}
        files = document.get("configs", {})
        swarm["service"][full] = {**about, "files": files, **more}
        if name == "model":
            swarm["deploys"].append(about["image"])
    return ""


def filled(text: str, environ: Mapping[str, str]) -> str:
    def of(match: re.Match[str]) -> str:
        return environ.get(match[1]) or match[2] or ""

    return re.sub(r"\$\{(\w+)(?::?-([^}]*)|[^}]*)\}", of, text)


def tasks(swarm: Facts, name: str) -> list[str]:
    """Of one that breaks, Swarm has tried three times."""
    about = swarm["service"].get(name)
    if about is None:
        return []
    bad = swarm["bad"].get(about["image"])
    count = 3 if bad else about["deploy"].get("replicas", 1)
    return [f"{name}.{about['version']}.{place}" for place in range(count)]


def inspected(swarm: Facts, kind: str, identity: str) -> Facts:
    if kind == "node":
        facts: Facts = {"Status": {"Addr": "127.0.0.1", "State": "ready"}}
        facts["Spec"] = {"Availability": "active"}
        return {"ID": identity, "Description": {"Hostname": identity}, **facts}
    about = swarm["service"][identity.split(".")[0]]
    bad = swarm["bad"].get(about["image"])
    spec = {"ContainerSpec": {"Image": about["image"], "Env": [str(about["version"])]}}
    if configs := about.get("configs"):
        spec["ContainerSpec"]["Configs"] = [
            {"ConfigName": about["files"].get(config["source"], {}).get("name")}
            for config in configs
        ]
    place = int(identity.split(".")[-1]) if kind == "task" else 0
    if place >= swarm.get("room", 99):
        bad = {"state": "pending", "error": "no suitable node (insufficient resources on 1 node)"}
    return (
        of_service(identity, about, bad, spec)
        if kind == "service"
        else of_task(identity, bad, spec)
    )


def of_service(name: str, about: Facts, bad: Facts | None, spec: Facts) -> Facts:
    deploy = about["deploy"]
    mode = {"Replicated": {"Replicas": deploy.get("replicas", 1)}}
    template = {"Name": name, "TaskTemplate": spec, "Labels": deploy["labels"], "Mode": mode}
    gave_up = bad is not None and bad["state"] == "failed"
    update = {
        "State": "rollback_completed" if gave_up else "completed",
        "StartedAt": str(about["version"]),
    }
    return {
        "ID": name,
        "Version": {"Index": about["version"]},
        "Spec": template,
        "UpdateStatus": update if about["version"] > 1 else None,
    }


def of_task(identity: str, bad: Facts | None, spec: Facts) -> Facts:
    state, error = (bad["state"], bad["error"]) if bad else ("running", "")
    return {
        "ID": identity,
        "ServiceID": identity.split(".")[0],
        "Slot": 1,
        "NodeID": "" if state == "pending" else "node1",
        "DesiredState": "running",
        "Spec": spec,
        "Status": {"State": state, "Timestamp": "", "Err": error},
    }


if __name__ == "__main__":
    main(sys.argv[1:])
