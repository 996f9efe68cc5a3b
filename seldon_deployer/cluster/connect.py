"""Find a cluster and its credentials: kubeconfig, pod, or a client that somebody else made.

The official client is imported here and nowhere else, and only when a connection is made: it
takes half a second.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from seldon_deployer.cluster.client import Cluster
from seldon_deployer.cluster.transport import Transport
from seldon_deployer.errors import ConfigError

_DEFAULT_KUBECONFIG = "~/.kube/config"
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def connect(
    *,
    kubeconfig: str | Path | None = None,
    context: str | None = None,
    namespace: str | None = None,
    api_client: Any = None,
) -> Cluster:
    """Connect to the cluster that is named, without a request.

    A given `api_client` (a `kubernetes.client.ApiClient`) wins; then a given kubeconfig or
    context; then the credentials of the pod we run in; then the current context of the
    kubeconfig (the files of KUBECONFIG, or the user's own). The namespace is the given one, the
    context's, the pod's, or `default`.
    Raises ConfigError when there is nothing to connect to or it cannot be read.
    """
    if api_client is not None:
        return _cluster(api_client, namespace or "default", "the given Kubernetes client")
    if kubeconfig is None and context is None and in_cluster():
        return _from_pod(namespace)
    if kubeconfig is not None or context is not None or has_kubeconfig():
        return _from_kubeconfig(kubeconfig, context, namespace)
    raise ConfigError(
        "there is no cluster to connect to",
        why=f"no kubeconfig at {_kubeconfig_path()} and we do not run in a pod",
        hint="set KUBECONFIG, or work without a cluster: --runtime=local",
    )


def has_kubeconfig() -> bool:
    """Whether any file of KUBECONFIG, or the user's own kubeconfig, exists."""
    return any(Path(part).expanduser().is_file() for part in _parts(_kubeconfig_path()))


def in_cluster() -> bool:
    """Whether we run in a pod that has credentials for its cluster."""
    return "KUBERNETES_SERVICE_HOST" in os.environ and (_SERVICE_ACCOUNT / "token").is_file()


def _kubeconfig_path() -> str:
    # The official client reads KUBECONFIG when it is imported; we want it as it is now.
    return os.environ.get("KUBECONFIG") or _DEFAULT_KUBECONFIG


def _parts(path: str) -> list[str]:
    return [part for part in path.split(os.pathsep) if part]


def _from_kubeconfig(
    kubeconfig: str | Path | None, context: str | None, namespace: str | None
) -> Cluster:
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.config import ConfigException, load_kube_config
    from yaml import YAMLError

    path = str(kubeconfig) if kubeconfig is not None else _kubeconfig_path()
    files = [file for part in _parts(path) if (file := Path(part).expanduser()).is_file()]
    if not files:
        raise ConfigError(
            f"there is no kubeconfig at {path}",
            hint="set KUBECONFIG, or work without a cluster: --runtime=local",
        )
    configuration = Configuration()
    try:
        current, contexts, clusters = _read(files)
        name = context or current
        if name is None or name not in contexts:
            raise ConfigError(
                f"the kubeconfig has no context {name!r}" if name else "no context is chosen",
                why=f"{path} has {', '.join(contexts) or 'none'}",
                hint="name one with --context, or choose it: `kubectl config use-context`",
            )
        load_kube_config(
            config_file=path,
            context=name,
            client_configuration=configuration,
            persist_config=False,
        )
        chosen = contexts[name]
        # The official client does not read this one.
        proxy = clusters.get(chosen["cluster"], {}).get("proxy-url")
        configuration.proxy = proxy or configuration.proxy
    except (ConfigException, YAMLError, OSError, AttributeError, KeyError, TypeError) as error:
        raise ConfigError(
            f"the kubeconfig {path} cannot be used",
            why=str(error).partition("\n")[0],
            hint="`kubectl config view` shows what it says; give --context to choose another",
        ) from error
    return _cluster(
        ApiClient(_tuned(configuration)),
        namespace or chosen.get("namespace") or "default",
        f"kubeconfig context {name}",
    )


def _read(files: list[Path]) -> tuple[str | None, dict[str, Any], dict[str, Any]]:
    """The current context, the contexts and the clusters of merged files: the first one wins."""
    import yaml

    current: str | None = None
    contexts: dict[str, Any] = {}
    clusters: dict[str, Any] = {}
    for file in files:
        config = yaml.safe_load(file.read_text()) or {}
        current = current or config.get("current-context")
        for each in config.get("contexts") or []:
            contexts.setdefault(each["name"], each["context"])
        for each in config.get("clusters") or []:
            clusters.setdefault(each["name"], each["cluster"])
    return current, contexts, clusters


def _from_pod(namespace: str | None) -> Cluster:
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.config import ConfigException, load_incluster_config

    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)
        own = (_SERVICE_ACCOUNT / "namespace").read_text().strip()
    except (ConfigException, OSError) as error:
        raise ConfigError(
            "the credentials of this pod cannot be used",
            why=str(error),
            hint="check automountServiceAccountToken of the pod",
        ) from error
    return _cluster(
        ApiClient(_tuned(configuration)), namespace or own or "default", "the cluster we run in"
    )


def _tuned(configuration: Any) -> Any:
    host = urlsplit(configuration.host).hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1":
        # HTTP_PROXY of the environment is not meant for this machine itself.
        configuration.proxy = None
    # A connection that a firewall forgot is noticed, also while a watch is silent.
    configuration.socket_options = [
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        *_keepalive(TCP_KEEPIDLE=20, TCP_KEEPINTVL=5, TCP_KEEPCNT=3),
    ]
    return configuration


def _keepalive(**seconds: int) -> list[tuple[int, int, int]]:
    # Not every platform has all three.
    return [
        (socket.IPPROTO_TCP, getattr(socket, name), value)
        for name, value in seconds.items()
        if hasattr(socket, name)
    ]


def _cluster(api_client: Any, namespace: str, origin: str) -> Cluster:
    transport = Transport(api_client)
    return Cluster(transport, namespace=namespace, description=f"{origin} ({transport.server})")
