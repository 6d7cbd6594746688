"""The stand-ins of what the stack of monitoring needs."""

from __future__ import annotations

from tests.support.swarm.recipe import PATH, Recipe

#: The official images have BusyBox, by which their health is asked.
WGET = "ln -s /bin/busybox /usr/local/bin/wget"

MONITORING_RECIPES = (
    Recipe(
        name="prometheus",
        variable="PROMETHEUS_IMAGE",
        packages=("prometheus", "busybox"),
        commands=(WGET, "install -d -o 65534 -g 65534 /prometheus"),
        config={
            "Env": [PATH],
            "User": "nobody",
            "Entrypoint": ["/bin/prometheus"],
            "WorkingDir": "/prometheus",
            "Volumes": {"/prometheus": {}},
            "ExposedPorts": {"9090/tcp": {}},
        },
    ),
    Recipe(
        name="alertmanager",
        variable="ALERTMANAGER_IMAGE",
        packages=("prometheus-alertmanager", "busybox"),
        commands=(
            WGET,
            "ln -s /usr/bin/prometheus-alertmanager /bin/alertmanager",
            "install -d -o 65534 -g 65534 /etc/alertmanager /alertmanager",
        ),
        config={
            "Env": [PATH],
            "User": "nobody",
            "Entrypoint": ["/bin/alertmanager"],
            "WorkingDir": "/alertmanager",
            "Volumes": {"/alertmanager": {}},
            "ExposedPorts": {"9093/tcp": {}},
        },
    ),
    Recipe(
        name="node-exporter",
        variable="NODE_EXPORTER_IMAGE",
        packages=("prometheus-node-exporter", "busybox"),
        commands=(WGET, "ln -s /usr/bin/prometheus-node-exporter /bin/node_exporter"),
        config={
            "Env": [PATH],
            "User": "nobody",
            "Entrypoint": ["/bin/node_exporter"],
            "ExposedPorts": {"9100/tcp": {}},
        },
    ),
)
