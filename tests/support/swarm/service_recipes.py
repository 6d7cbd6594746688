"""The stand-ins of what the service's stack and its builds need, and of the registry."""

from __future__ import annotations

from pathlib import Path

from tests.support.swarm.recipe import PATH, Recipe

STAND_IN = Path(__file__).parent / "stand_in"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
TRUST = f"/usr/local/share/{CERTIFICATES.name}"
CERTIFICATE_SETTINGS = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
ENTRY = "/usr/local/bin/docker-entrypoint.sh"

SERVICE_RECIPES = (
    Recipe(
        name="python",
        variable="BASE_IMAGE",
        packages=("python3", "python3-venv", "python3-pip", "ca-certificates"),
        # The machine's own authorities: where its traffic is inspected, builds need them.
        files={TRUST: CERTIFICATES},
        commands=(
            f"cat {TRUST} > {CERTIFICATES}",
            "rm -f /usr/lib/python3*/EXTERNALLY-MANAGED",
            "for name in python python3; do ln -s /usr/bin/python3 /usr/local/bin/$name; done",
        ),
        config={
            "Env": [
                PATH,
                "LANG=C.UTF-8",
                *(f"{name}={CERTIFICATES}" for name in CERTIFICATE_SETTINGS),
                "UV_SYSTEM_CERTS=1",
                "UV_NATIVE_TLS=1",
            ],
            "Cmd": ["python3"],
        },
    ),
    Recipe(
        name="haproxy",
        variable="EDGE_IMAGE",
        packages=("haproxy",),
        files={ENTRY: STAND_IN / "haproxy.sh"},
        commands=(
            "groupmod -g 99 haproxy && usermod -u 99 -g 99 haproxy",
            "mkdir -p /usr/local/etc/haproxy /var/lib/haproxy",
            "chown haproxy:haproxy /var/lib/haproxy",
            "ln -s /usr/sbin/haproxy /usr/local/sbin/haproxy",
        ),
        config={
            "Env": [PATH],
            "User": "haproxy",
            "Entrypoint": ["docker-entrypoint.sh"],
            "Cmd": ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"],
            "WorkingDir": "/var/lib/haproxy",
            "StopSignal": "SIGUSR1",
        },
    ),
    Recipe(
        name="postgres",
        variable="DB_IMAGE",
        packages=("postgresql-15",),
        files={ENTRY: STAND_IN / "postgres.sh"},
        # Else the package makes a cluster of its own.
        before="mkdir -p $1/etc/postgresql-common"
        " && echo create_main_cluster = false > $1/etc/postgresql-common/createcluster.conf",
        commands=(
            "groupmod -g 999 postgres && usermod -u 999 -g 999 postgres",
            "install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data",
            "install -d -o postgres -g postgres -m 3777 /var/run/postgresql",
            "mkdir -p /docker-entrypoint-initdb.d",
            "rm -rf /var/log/postgresql/*",
            "chown postgres:postgres /var/lib/postgresql",
            "sed -i \"s/^#listen_addresses.*/listen_addresses = '*'/\""
            " /usr/share/postgresql/15/postgresql.conf.sample",
        ),
        config={
            "Env": [
                PATH.replace("=", "=/usr/lib/postgresql/15/bin:"),
                "LANG=C.UTF-8",
                "PG_MAJOR=15",
                "PGDATA=/var/lib/postgresql/data",
            ],
            "Entrypoint": ["docker-entrypoint.sh"],
            "Cmd": ["postgres"],
            "Volumes": {"/var/lib/postgresql/data": {}},
            "ExposedPorts": {"5432/tcp": {}},
            "StopSignal": "SIGINT",
        },
    ),
    Recipe(
        name="registry",
        variable="REGISTRY_IMAGE",
        packages=("docker-registry", "ca-certificates"),
        files={"/entrypoint.sh": STAND_IN / "registry.sh"},
        commands=(
            "ln -s /usr/bin/docker-registry /usr/local/bin/registry",
            "mkdir -p /var/lib/registry /etc/docker/registry",
            "[ -e /etc/docker/registry/config.yml ] || printf '%s\\n' 'version: 0.1'"
            " 'storage: {filesystem: {rootdirectory: /var/lib/registry}, delete: {enabled: true}}'"
            " 'http: {addr: \":5000\"}' > /etc/docker/registry/config.yml",
            "sed -i 's#rootdirectory:.*#rootdirectory: /var/lib/registry#;/^auth:/,$d'"
            " /etc/docker/registry/config.yml",
        ),
        config={
            "Env": [PATH],
            "Entrypoint": ["/entrypoint.sh"],
            "Cmd": ["/etc/docker/registry/config.yml"],
            "Volumes": {"/var/lib/registry": {}},
            "ExposedPorts": {"5000/tcp": {}},
        },
    ),
)
