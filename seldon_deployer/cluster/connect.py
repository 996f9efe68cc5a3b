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
from seldon_deployer.cluster.kubeconfig import (
    DEFAULT_PATH,
    find_files,
    has_kubeconfig,
    read_files,
    unusable,
)
from seldon_deployer.cluster.plugin import tell_refresh_failures, told_failures
from seldon_deployer.cluster.transport import Transport
from seldon_deployer.errors import ConfigError

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
    Raises ConfigError when there is nothing to connect to or it cannot be read, and
    ClusterUnreachable when the kubeconfig's credential plugin fails.
    """
    if api_client is not None:
        return _cluster(api_client, namespace or "default", "the given Kubernetes client")
    if kubeconfig is None and context is None and in_cluster():
        return _from_pod(namespace)
    if kubeconfig is not None or context is not None or has_kubeconfig():
        return _from_kubeconfig(kubeconfig, context, namespace)
    raise ConfigError(
        "there is no cluster to connect to",
        why=f"KUBECONFIG is not set, there is no {DEFAULT_PATH} and we do not run in a pod",
        hint="set KUBECONFIG, or work without a cluster: --runtime=local",
    )


def in_cluster() -> bool:
    """Whether we run in a pod that has credentials for its cluster."""
    return "KUBERNETES_SERVICE_HOST" in os.environ and (_SERVICE_ACCOUNT / "token").is_file()


def _from_kubeconfig(
    kubeconfig: str | Path | None, context: str | None, namespace: str | None
) -> Cluster:
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.config import ConfigException, load_kube_config

    files = find_files(kubeconfig)
    path = os.pathsep.join(map(str, files))
    current, contexts, clusters, users = read_files(files)
    name = context or current
    if name is None or name not in contexts:
        raise ConfigError(
            f"the kubeconfig has no context {name!r}" if name else "no context is chosen",
            why=f"{path} has {', '.join(contexts) or 'none'}",
            hint="name one with --context, or choose it: `kubectl config use-context`",
        )
    chosen = contexts[name]
    configuration = Configuration()
    plugin = _plugin(users.get(str(chosen.get("user"))))
    try:
        with told_failures(plugin):
            load_kube_config(
                config_file=path,
                context=name,
                client_configuration=configuration,
                persist_config=False,
            )
    except (ConfigException, OSError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise unusable(path, _words(error, name)) from error
    tell_refresh_failures(configuration, plugin)
    # The official client does not read this one.
    proxy = clusters.get(chosen["cluster"], {}).get("proxy-url")
    configuration.proxy = proxy or configuration.proxy
    return _cluster(
        ApiClient(_tuned(configuration)),
        namespace or chosen.get("namespace") or "default",
        f"kubeconfig context {name}",
    )


def _plugin(user: dict[str, Any] | None) -> str:
    """The command of a user's credential plugin, for messages."""
    found = (user or {}).get("exec")
    return str(found.get("command") or "") if isinstance(found, dict) else ""


def _words(error: Exception, context: str) -> str:
    """What the official client found wrong; the words of Python itself help nobody."""
    from kubernetes.config import ConfigException

    if isinstance(error, ConfigException):
        return str(error).partition("\n")[0].removeprefix("Invalid kube-config file. ")
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return f"a field of the context {context}, its cluster or its user is not what it has to be"


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
