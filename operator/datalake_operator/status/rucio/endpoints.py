"""Where clients find a Rucio: the address that is good for the farthest of those that are served."""

from collections.abc import Mapping
from typing import Any

from datalake_operator.api.rucio import RucioServer
from datalake_operator.build.rucio import called
from datalake_operator.status.rucio import live
from datalake_operator.status.view import View


def endpoints(server: RucioServer, view: View) -> dict[str, str]:
    """Give the URLs of the REST interface and of the authentication server.

    That is the ingress, or the Service: its name inside the cluster, its load balancer, or a node's port. While such
    an address is not known, what was said before stands.
    """
    spec, name = server.spec, server.metadata.name
    if not view.children:
        return {}  # refused before anything was made
    if spec.ingress is not None:
        url = f"https://{spec.ingress.host}"
        return {"rest": url, "auth": url}
    rest = _url(server, view, called.server_service(name), "server")
    auth = _url(server, view, called.auth_service(name), "auth") if spec.auth_server.separate else rest
    before: Mapping[str, str] = view.previous.get("endpoints") or {}
    found = {"rest": rest or before.get("rest"), "auth": auth or before.get("auth")}
    return {key: url for key, url in found.items() if url}


def _url(server: RucioServer, view: View, name: str, component: str) -> str | None:
    service, type_ = view.children.get(("Service", name), {}), server.spec.service.type
    if type_ == "ClusterIP":
        return f"http://{name}.{server.metadata.namespace}.svc"
    if type_ == "LoadBalancer":
        address = (service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}])[0]
        host = address.get("hostname") or address.get("ip")
        return f"http://{_shown(host)}" if host else None
    port = next((port.get("nodePort") for port in service.get("spec", {}).get("ports", ())), None)
    node: Any = next((pod.get("status", {}).get("hostIP") for pod in live.components(view, component)), None)
    return f"http://{_shown(node)}:{port}" if node and port else None


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
