"""Which cluster: a real one, or the embedded runtime where there is none."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from seldon_deployer.cluster import NAMESPACES, Cluster, connect, has_kubeconfig, in_cluster
from seldon_deployer.errors import ConfigError, Conflict

log = logging.getLogger(__name__)

Runtime = Literal["auto", "cluster", "local"]


@dataclass(frozen=True)
class End:
    """Where deployments go. `base_url` is what prediction URLs start with, if it is known.

    volumes: the folder in which the embedded runtime has the claims of its pods.
    """

    cluster: Cluster
    is_local: bool
    base_url: str | None
    volumes: Path | None = None


def choose_end(
    *,
    runtime: Runtime = "auto",
    context: str | None = None,
    namespace: str | None = None,
    base_url: str | None = None,
    kubeconfig: str | Path | None = None,
    api_client: Any = None,
) -> End:
    """Connect to the end that the options and this machine call for, and log which and why.

    `auto`: a given client, kubeconfig or context, or a pod's credentials mean that cluster; else
    the current context of the kubeconfig; where KUBECONFIG is not set and the user has none of
    their own, the embedded runtime, started if it does not run. Raises ConfigError when the
    options exclude each other, the base URL is none, or the kubeconfig is not there.
    """
    _check_base_url(base_url)
    why = _named_cluster(context, kubeconfig, api_client)
    if runtime == "local":
        if why is not None:
            raise ConfigError(
                "runtime=local and a cluster exclude each other",
                why=f"{why} was given as well",
                hint="leave one of them out",
            )
        return local_end(namespace=namespace, base_url=base_url, why="it was asked for")
    if why is None and in_cluster():
        why = "the credentials of this pod"
    if why is None and has_kubeconfig():
        why = "the current context of the kubeconfig"
    if why is None and runtime == "auto":
        return local_end(
            namespace=namespace,
            base_url=base_url,
            why="KUBECONFIG is not set and there is no ~/.kube/config",
        )
    cluster = connect(
        kubeconfig=kubeconfig, context=context, namespace=namespace, api_client=api_client
    )
    log.info(
        "using %s, namespace %s (%s)", cluster.description, cluster.namespace, why or "asked for"
    )
    return End(cluster, is_local=False, base_url=base_url)


def local_end(
    *,
    namespace: str | None = None,
    base_url: str | None = None,
    home: Path | None = None,
    why: str = "it was asked for",
) -> End:
    """Connect to the embedded runtime, starting it if it does not run."""
    from seldon_deployer.local.lifecycle import ensure_running

    runtime = ensure_running(home)
    cluster = connect(kubeconfig=runtime.kubeconfig, namespace=namespace or "default")
    log.info("using the embedded runtime in %s (%s)", runtime.home, why)
    return End(cluster, True, base_url or runtime.gateway_url, runtime.volumes)


def _check_base_url(base_url: str | None) -> None:
    if base_url is None:
        return
    try:
        parts = urlsplit(base_url)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address:
        # Its text is not repeated: credentials may stand in it.
        raise ConfigError(
            "the base URL is no web address",
            why="it does not begin with http:// or https:// and a host",
            hint="write it whole, such as https://seldon.example.com",
        )


def make_namespace(end: End) -> None:
    """Make the namespace if the embedded runtime lacks it; on a cluster that is its admin's."""
    name = end.cluster.namespace
    if not end.is_local or name == "default" or end.cluster.get(NAMESPACES, name) is not None:
        return
    try:
        end.cluster.create(
            NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        )
        log.info("made the namespace %s, which the embedded runtime did not have", name)
    except Conflict:
        log.debug("somebody else made the namespace %s at this moment", name)


def _named_cluster(
    context: str | None, kubeconfig: str | Path | None, api_client: Any
) -> str | None:
    if api_client is not None:
        return "a Kubernetes client"
    if context is not None:
        return f"the context {context}"
    return f"the kubeconfig {kubeconfig}" if kubeconfig is not None else None
