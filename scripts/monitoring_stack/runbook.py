"""Where alerts lead to, unless RUNBOOK_URL says otherwise: the runbook among the monitor's pages, behind the edge."""

from __future__ import annotations

from scripts.edge import client
from scripts.stack_file.render import StackInputs

VARIABLE = "RUNBOOK_OF_EDGE"
GRAFANA, PAGE = "/grafana/", "/monitor/runbook"


def with_runbook(stack: str, inputs: StackInputs) -> StackInputs:
    """No setting: it is made out anew at each deploy, so that a new name of the edge is a new link."""
    address = "" if inputs.variables.get("RUNBOOK_URL") else _address(stack, inputs)
    variables = {name: text for name, text in inputs.variables.items() if name != VARIABLE}
    return inputs._replace(variables=variables | ({VARIABLE: address} if address else {}))


def _address(stack: str, inputs: StackInputs) -> str:
    """As people reach the edge: beside Grafana, or by the name in its certificate; empty where neither is known."""
    grafana = inputs.variables.get("GRAFANA_URL", "")
    if grafana.endswith(GRAFANA):
        return grafana.removesuffix(GRAFANA) + PAGE
    certificate = None if inputs.variables.get("EDGE_TLS") == "off" else client.trusted(stack)
    host = client.pinned(certificate).host if certificate else ""
    if not host:
        return ""
    host = f"[{host}]" if ":" in host else host
    port = inputs.variables.get("EDGE_PORT") or "443"
    return f"https://{host}{'' if port == '443' else f':{port}'}{PAGE}"
