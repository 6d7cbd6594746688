"""What is in an image, asked inside of it: this file alone is given to its Python, which needs no other.

Prints one JSON document: the system, its Python and Debian packages with their licences, and the biggest parts.
"""

import json
import platform
import re
import sys
from importlib import metadata
from pathlib import Path

TEXT_OF_A_LICENCE = r"/usr/share/common-licenses/([A-Za-z0-9.-]*[A-Za-z0-9])"


def python_packages() -> list[dict[str, str]]:
    packages: dict[str, dict[str, str]] = {}
    for distribution in metadata.distributions():
        about = distribution.metadata
        name = re.sub(r"[-_.]+", "-", about["Name"]).lower()
        # The first that Python finds is the one that it imports.
        facts = {"name": name, "version": distribution.version, "licence": licence(about)}
        packages.setdefault(name, facts)
    return [packages[name] for name in sorted(packages)]


def licence(about: metadata.PackageMetadata) -> str:
    """As a package states it, in the words of the newest field that it has."""
    stated = about.json
    kinds = [str(kind) for kind in stated.get("classifier", [])]
    approved = [kind.rpartition(" :: ")[2] for kind in kinds if kind.startswith("License :: OSI")]
    # The old field has the whole text of a licence now and then.
    old = str(stated.get("license", "")).strip().partition("\n")[0][:100]
    return str(stated.get("license_expression", "")) or " AND ".join(approved) or old


def debian_packages(root: Path) -> list[dict[str, str]]:
    status = root / "var/lib/dpkg/status"
    if not status.is_file():
        return []
    text = status.read_text(encoding="utf-8")
    fields = (dict(re.findall(r"^([A-Za-z-]+): (.*)$", part, re.M)) for part in text.split("\n\n"))
    return [
        {
            "name": package["Package"],
            "version": package["Version"],
            "arch": package.get("Architecture", "all"),
            "licence": debian_licence(root / "usr/share/doc" / package["Package"] / "copyright"),
        }
        for package in fields
        if package.get("Status", "").endswith(" installed")
    ]


def debian_licence(file: Path) -> str:
    """The short names in a copyright file; in one that only people can read, the texts that it points at."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    stated = r"^License:[ \t]*(\S.*)$" if text.startswith("Format:") else TEXT_OF_A_LICENCE
    names = {name.strip() for name in re.findall(stated, text, re.M)}
    return " AND ".join(sorted(name if " " not in name else f"({name})" for name in names))


def parts(root: Path) -> dict[str, int]:
    """Bytes of all that our layers brought: each package's folder, the code, the bundles."""
    folders = [
        *root.glob("packages/*"),
        *(path for path in root.glob("*") if path.name != "packages"),
    ]
    sizes = {str(path.relative_to(root)): weight(path) for path in folders}
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def weight(place: Path) -> int:
    files = place.rglob("*") if place.is_dir() else [place]
    return sum(path.lstat().st_size for path in files if not path.is_dir() or path.is_symlink())


def system(root: Path) -> dict[str, str]:
    text = (root / "etc/os-release").read_text(encoding="utf-8")
    return dict(re.findall(r'^(\w+)="?(.*?)"?$', text, re.M))


if __name__ == "__main__":
    document = {
        "python": platform.python_version(),
        "system": system(Path("/")),
        "packages": python_packages(),
        "debian": debian_packages(Path("/")),
        "parts": parts(Path("/app")),
    }
    json.dump(document, sys.stdout)
