"""The network that joins the nodes on this machine: a bridge, its subnet, and a way out for builds."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.support.swarm.shell import run


@dataclass(frozen=True)
class Network:
    """`number` makes bridge and subnet: 10.99.<number>.0/24."""

    number: int

    @property
    def bridge(self) -> str:
        return f"swl{self.number}"

    @property
    def gateway(self) -> str:
        return f"10.99.{self.number}.1"

    def address(self, node: int) -> str:
        return f"10.99.{self.number}.{10 + node}"

    def cable(self, node: int) -> str:
        return f"swl{self.number}n{node}"

    @property
    def is_free(self) -> bool:
        """Neither the bridge nor an address of its subnet is in use."""
        links = json.loads(run("ip", "-j", "addr"))
        names = {link["ifname"] for link in links}
        addresses = [entry.get("local", "") for link in links for entry in link["addr_info"]]
        prefix = f"10.99.{self.number}."
        return self.bridge not in names and not any(a.startswith(prefix) for a in addresses)

    def up(self) -> None:
        run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "addr", "add", f"{self.gateway}/24", "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "up")
        # Nodes reach registries of packages through this machine.
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1", encoding="ascii")
        for table, chain, rule in self._rules():
            run("iptables", "-w", "-t", table, "-I", chain, *rule)

    def down(self) -> None:
        for table, chain, rule in self._rules():
            delete = ["iptables", "-w", "-t", table, "-D", chain, *rule]
            while subprocess.run(delete, capture_output=True, check=False).returncode == 0:
                pass
        subprocess.run(["ip", "link", "del", self.bridge], capture_output=True, check=False)

    def _rules(self) -> list[tuple[str, str, list[str]]]:
        subnet, mark = f"10.99.{self.number}.0/24", ["-m", "comment", "--comment", self.bridge]
        smaller = ["-p", "tcp", "--tcp-flags", "SYN,RST", "SYN", "-j", "TCPMSS"]
        clamp = [*smaller, "--clamp-mss-to-pmtu"]
        out = ["-s", subnet, "!", "-o", self.bridge]
        return [
            ("nat", "POSTROUTING", [*out, *mark, "-j", "MASQUERADE"]),
            ("mangle", "FORWARD", [*out, *mark, *clamp]),
            ("filter", "FORWARD", ["-i", self.bridge, *mark, "-j", "ACCEPT"]),
            ("filter", "FORWARD", ["-o", self.bridge, *mark, "-j", "ACCEPT"]),
        ]
