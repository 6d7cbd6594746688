"""The service's image and the monitor's: built, published, and their bills of materials.

REGISTRY names where to publish, BASE_IMAGE what to build on, BUILD_NETWORK the network of the build; pip's own settings
(PIP_INDEX_URL and so on) reach it.
"""

from __future__ import annotations

import argparse
import json
import os
from datetime import datetime
from typing import Any

from scripts.command import checkout, files
from scripts.command.checkout import ROOT
from scripts.command.outcome import Refused, say
from scripts.engine import images
from scripts.image import context, monitor, release, sbom
from scripts.stack_file import settings

NAME = "swarmline/model"
Document = dict[str, Any]


def build(options: argparse.Namespace) -> Document:
    """Builds what is not built yet: the service's image with the bundles, and the monitor's without."""
    facts = _build_service(options)
    return {**facts, "monitor": monitor.build(options)}


def _build_service(options: argparse.Namespace) -> Document:
    """Says what is in it."""
    inputs = context.gather(ROOT, files.bundles())
    if inputs.left_out:
        say(f"no part of a service, so left out: {', '.join(inputs.left_out)}")
    images.need_engine()
    name = settings.base_image(images.BASE_IMAGE)
    document = release.describe(inputs, images.base(name, options.pull, options.deadline))
    tag = f"{NAME}:{document['release']}"
    if images.exists(tag) and not options.no_cache and _read("release.json") == document:
        say(f"{tag}: unchanged")
        return {"release": document["release"], "image": tag, "built": False}
    folder = files.build() / "image"
    context.stage(inputs, document, folder)
    arguments = {
        "BASE_IMAGE": name,
        "RELEASE": document["release"],
        "SOURCE_DATE_EPOCH": str(int(datetime.fromisoformat(document["created"]).timestamp())),
    }
    labels = labels_of(document, checkout.origin(ROOT))
    images.build(
        folder, tag, arguments, labels, seconds=options.deadline, cache=not options.no_cache
    )
    inventory = _write_sbom(document, tag)
    # What was published before is another release: nobody should deploy it for this one.
    files.release("image.json").unlink(missing_ok=True)
    files.write_json(files.release("release.json"), document)
    over = images.size(tag) - images.size(name)
    say(f"{tag}: built; {_sizes(over, inventory['parts'])}")
    return {"release": document["release"], "image": tag, "built": True, "bytes_over_base": over}


def labels_of(document: Document, source: str) -> dict[str, str]:
    versions = {
        model: {arm: about["version"] for arm, about in arms.items()}
        for model, arms in document["models"].items()
    }
    commit = document["commit"] + ("-dirty" if document["dirty"] else "")
    return {
        **images.standard_labels(NAME, document["release"], commit, source),
        "org.opencontainers.image.created": document["created"],
        "swarmline.release": document["release"],
        "swarmline.models": json.dumps(versions, sort_keys=True),
    }


def _sizes(over: int, parts: dict[str, int]) -> str:
    biggest = [f"{name} {bytes_ / 1e6:.1f}" for name, bytes_ in list(parts.items())[:8]]
    return f"{over / 1e6:.0f} MB on top of its base, of which in MB: {', '.join(biggest)}"


def publish(options: argparse.Namespace) -> Document:
    """Pushes what was built last, and records its digest."""
    place = images.repository(os.environ.get("REGISTRY", ""), NAME)
    document, tag = _built()
    reference = images.push(tag, place, options.deadline)
    facts = {
        "image": reference,
        # Both by digest, so that a deploy brings in what was built together.
        "monitor": monitor.publish(options.deadline),
        "release": document["release"],
        "digest": reference.rpartition("@")[2],
        "sbom": str(files.release("sbom.cdx.json")),
    }
    files.write_json(files.release("image.json"), facts)
    say(f"published {reference}")
    return facts


def write_sbom(_options: argparse.Namespace) -> Document:
    document, tag = _built()
    _write_sbom(document, tag)
    place = files.release("sbom.cdx.json")
    say(f"wrote {place}")
    if other := monitor.write_sbom():
        say(f"wrote {other}")
    return {"release": document["release"], "sbom": str(place)}


def _write_sbom(document: Document, tag: str) -> Document:
    """Also the answer of the image, since its sizes are of use to people."""
    inventory = sbom.ask(tag)
    bill = sbom.document(
        NAME, document["release"], document["created"], inventory, document["models"]
    )
    files.write_json(files.release("sbom.cdx.json"), bill)
    return inventory


def _built() -> tuple[Document, str]:
    images.need_engine()
    document = _read("release.json")
    if document is None:
        raise Refused(f"{files.build() / 'release'}: nothing was built yet; run `make image`")
    tag = f"{NAME}:{document['release']}"
    if not images.exists(tag):
        raise Refused(f"the engine has no image {tag} (any more); run `make image`")
    return document, tag


def _read(name: str) -> Document | None:
    try:
        document: Document = json.loads(files.release(name).read_bytes())
    except (OSError, ValueError):
        return None
    return document
