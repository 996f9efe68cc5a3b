"""The logs of all pods of a service as one stream of lines."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from queue import SimpleQueue

from seldon_deployer.cluster import PODS, Cluster, Object
from seldon_deployer.errors import ClusterError, NotFound, SeldonDeployerError
from seldon_deployer.service.observe import pod_selector

log = logging.getLogger(__name__)

Source = tuple[str, str]


def read_logs(
    cluster: Cluster,
    deployment: Object,
    *,
    container: str | None,
    tail: int | None,
    follow: bool,
    previous: bool,
) -> Iterator[str]:
    """Read the log lines of a SeldonDeployment's pods; see Service.logs.

    Raises NotFound when there is no pod, or no container of that name.
    """
    namespace = deployment["metadata"]["namespace"]
    pods, _ = cluster.list(PODS, namespace=namespace, label_selector=pod_selector(deployment))
    sources = _sources(deployment, pods, container)
    opened: list[tuple[Source, Iterator[str]]] = []
    failures: list[ClusterError] = []
    for pod, name in sources:
        try:
            lines = cluster.pod_logs(
                pod,
                namespace=namespace,
                container=name,
                tail=tail,
                follow=follow,
                previous=previous,
            )
        except ClusterError as error:
            # One container that has not started must not hide the logs of the others.
            failures.append(error)
            log.warning("no log of %s in pod %s: %s", name, pod, error.why or error.what)
        else:
            opened.append(((pod, name), lines))
    if failures and not opened:
        raise failures[0]
    if len(opened) == 1:
        return opened[0][1]
    named = [_named(source, lines) for source, lines in opened]
    return _merge(named) if follow else _one_after_another(named)


def _sources(deployment: Object, pods: list[Object], container: str | None) -> list[Source]:
    name = deployment["metadata"]["name"]
    if not pods:
        raise NotFound(
            f"{name} has no pods", why="it is stopped, or they have not been made yet", status=404
        )
    sources = [
        (pod["metadata"]["name"], each)
        for pod in sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp")))
        for each in _container_names(pod, with_init=container is not None)
        if container in (None, each)
    ]
    if not sources:
        there = sorted({each for pod in pods for each in _container_names(pod, with_init=True)})
        raise NotFound(
            f"{name} has no container {container}",
            why=f"its pods have {', '.join(there)}",
            status=404,
        )
    return sources


def _container_names(pod: Object, *, with_init: bool) -> list[str]:
    spec = pod["spec"]
    containers = (spec.get("initContainers") or []) if with_init else []
    return [each["name"] for each in [*containers, *spec["containers"]]]


def _named(source: Source, lines: Iterator[str]) -> Iterator[str]:
    pod, container = source
    for line in lines:
        yield f"{pod}/{container}: {line}"


def _one_after_another(streams: list[Iterator[str]]) -> Iterator[str]:
    for lines in streams:
        yield from lines


def _merge(streams: list[Iterator[str]]) -> Iterator[str]:
    """Lines as they come, until every stream has ended.

    The readers are daemon threads: each waits inside a read that nothing but its end ends.
    """
    queue: SimpleQueue[str | SeldonDeployerError | None] = SimpleQueue()

    def read(lines: Iterator[str]) -> None:
        try:
            for line in lines:
                queue.put(line)
            queue.put(None)
        except SeldonDeployerError as error:
            queue.put(error)

    for lines in streams:
        threading.Thread(target=read, args=(lines,), daemon=True).start()
    left = len(streams)
    while left:
        item = queue.get()
        if item is None:
            left -= 1
        elif isinstance(item, SeldonDeployerError):
            log.warning("a log broke off: %s", item)
            left -= 1
        else:
            yield item
