"""The credential plugin of a kubeconfig (`exec`): its failures become our errors.

The official client runs the plugin, writes a failure to the root logger and goes on without
credentials, so that the API answers as to a stranger. What it writes is caught here.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from seldon_deployer.errors import ClusterUnreachable

_ROOT = logging.getLogger()
# The official client's text for an exit code other than 0, with all that went to stderr.
_ENDED = re.compile(r"exec: process returned (-?\d+)(?:\. (.*))?", re.DOTALL)


@contextmanager
def told_failures(plugin: str) -> Iterator[None]:
    """Raise ClusterUnreachable when the official client cannot use the plugin in this block."""
    caught = _Caught()
    # A root logger without a handler would be given one for stderr, before any filter is asked.
    quiet = logging.NullHandler()
    _ROOT.addFilter(caught)
    _ROOT.addHandler(quiet)
    try:
        yield
    finally:
        _ROOT.removeHandler(quiet)
        _ROOT.removeFilter(caught)
    if caught.words is not None:
        raise ClusterUnreachable(
            f"the credential plugin {plugin} of the kubeconfig {caught.words}",
            why=caught.why,
            hint="install it, or put it on the PATH"
            if isinstance(caught.error, OSError)
            else "log in to the cluster again, or correct `exec` of the user in the kubeconfig",
        ) from caught.error


def tell_refresh_failures(configuration: Any, plugin: str) -> None:
    """The same for later, when the official client runs the plugin again for a new token."""
    refresh: Callable[[Any], None] | None = configuration.refresh_api_key_hook
    if refresh is None:
        return

    def told_refresh(of: Any) -> None:
        with told_failures(plugin):
            refresh(of)

    configuration.refresh_api_key_hook = told_refresh


class _Caught(logging.Filter):
    """Keeps the official client's words about the plugin from the log, of this thread only."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()
        self.words: str | None = None
        self.why = ""
        self.error: BaseException | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        if record.thread != self._thread or record.module != "kube_config":
            return True
        # It is written while the exception is handled.
        self.error = sys.exc_info()[1]
        self.words, self.why = _told(self.error, record.getMessage())
        return False


def _told(error: BaseException | None, message: str) -> tuple[str, str]:
    if isinstance(error, OSError):
        return "cannot be run", error.strerror or str(error)
    if ended := _ENDED.match(message):
        lines = (ended[2] or "").strip().splitlines()
        return f"exited with {ended[1]}", lines[-1].strip() if lines else "it said nothing"
    if isinstance(error, AttributeError):
        # At a terminal the plugin writes there itself, and the client trips over the lack of it.
        return "failed", "its own words stand above"
    return "gave no credentials", message.removeprefix("exec: ")
