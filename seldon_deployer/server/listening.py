"""Ending to listen so that nobody who has connected is turned away."""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from contextlib import suppress

# Of Linux: a filter of one instruction, that keeps nothing of a packet.
_SO_ATTACH_FILTER = 26
_KEEP_NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)


def stop_connecting(listener: socket.socket) -> None:
    """Have a listening socket take no new connection; those that it has can still be accepted.

    Closing it would reset who connected since it was last asked, between two system calls. Clients
    that come now try again by themselves, and find the port closed. Nothing where that cannot be
    done: not on Linux, or not allowed.
    """
    if sys.platform != "linux" or listener.family not in (socket.AF_INET, socket.AF_INET6):
        return
    instruction = ctypes.create_string_buffer(_KEEP_NOTHING)
    program = struct.pack("HP", 1, ctypes.addressof(instruction))
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
