"""Control's eye on the gateway: one that dies comes back on its port.

No clock looks for its end: the system frees the gateway's lock with the process, and that wakes.
"""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

from seldon_deployer.errors import LocalRuntimeError
from seldon_deployer.local.container import BackOff
from seldon_deployer.local.home import hold_lock, read_runtime, wait_free
from seldon_deployer.local.launch import is_running, listen, start

logger = logging.getLogger(__name__)

# A signal to both, as at a logout, reaches them one after the other.
_TOGETHER_SECONDS = 0.3


def keep_gateway(home: Path, ending: threading.Event) -> None:
    """Start the gateway of a home again whenever it ends, in a thread, until `ending` is set."""
    # A daemon: it waits in a system call, which must not hold up the end of control.
    threading.Thread(target=_keep, args=(home, ending), name="gateway-keeper", daemon=True).start()


def _keep(home: Path, ending: threading.Event) -> None:
    back_off = BackOff()
    while not ending.is_set():
        try:
            _start_missing(home)
        except (LocalRuntimeError, OSError) as error:
            logger.warning("the gateway cannot be started: %s", error)
        began = time.monotonic()
        wait_free(home / "gateway.lock")
        pause = back_off.next_seconds(time.monotonic() - began)
        ending.wait(max(pause, _TOGETHER_SECONDS))


def _start_missing(home: Path) -> None:
    """Start the gateway where none runs."""
    # Held by whoever starts or ends the runtime: an end that was asked for is no accident.
    with hold_lock(home / "start.lock", wait=True):
        record = read_runtime(home)
        if record is None or is_running(home, "gateway"):
            return
        logger.warning("the gateway ended; starting it again")
        with listen("gateway", record) as listener, start(home, "gateway", listener) as process:
            process.wait_ready()
