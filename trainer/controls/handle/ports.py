"""Serial ports: which there are, opening one, and what an error means for the person at the table."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import serial
from serial.tools import list_ports

from trainer.errors import CallError

_ERRORS: tuple[type[Exception], ...] = (OSError, ValueError)
if sys.platform != "win32":
    import termios

    _ERRORS += (termios.error,)  # pyserial lets it through, and it is no OSError
BAUD = 250_000
READ_S = 0.005
"""Longest wait of one read."""
WRITE_S = 0.5
BOARDS = {
    (0x2341, None): "Arduino",
    (0x2A03, None): "Arduino",
    (0x1B4F, None): "SparkFun",
    (0x239A, None): "Adafruit",
    (0x1A86, None): "CH340 adapter",
    (0x0403, None): "FTDI adapter",
    (0x10C4, None): "CP210x adapter",
    (0x2E8A, None): "RP2040",
}
"""Vendor numbers often seen on such boards (unverified). A hint for the order of asking, never a decision."""
NEVER = ("bluetooth", "debug-console", "wlan-debug")
"""Ports that hang or disturb something when they are opened."""


@dataclass(frozen=True, slots=True)
class PortInfo:
    """A port of this computer. hint: what its USB numbers suggest, '' when nothing."""

    name: str
    about: str
    hint: str


class PortFault(OSError):
    """A port cannot be used. kind: missing | denied | busy | gone | other; the text says what to do."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind, self.text = kind, text


def ports(found: Iterable[Any] | None = None) -> list[PortInfo]:
    """The ports that may hold a handle, likely ones first. found: what `serial.tools.list_ports.comports()` gives."""
    out = []
    for port in list_ports.comports() if found is None else found:
        about = str(port.description or "")
        if any(word in f"{port.device} {about}".lower() for word in NEVER):
            continue
        hint = next((board for (vendor, product), board in BOARDS.items()
                     if port.vid == vendor and product in (None, port.pid)), "")  # fmt: skip
        if hint or port.vid is not None or not str(port.device).startswith("/dev/ttyS"):
            out.append(PortInfo(str(port.device), "" if about == "n/a" else about, hint))
    return sorted(out, key=lambda p: (not p.hint, p.name))


def port_names() -> list[str]:
    """Names of the ports that may hold a handle, likely ones first."""
    return [port.name for port in ports()]


def open_port(name: str) -> serial.Serial:
    """An open port, ours alone. Raises PortFault."""
    # macOS refuses odd rates on a pseudo-terminal, which has no rate anyway
    baud = 115_200 if sys.platform == "darwin" and name.startswith("/dev/ttys") else BAUD
    try:
        return serial.Serial(name, baud, timeout=READ_S, write_timeout=WRITE_S, exclusive=_exclusive())
    except _ERRORS as error:
        raise explain(error, name) from None


def _exclusive() -> bool | None:
    """Windows locks ports by itself, and pyserial takes only None or True there."""
    return None if sys.platform == "win32" else True


def require(name: str) -> None:
    """Raises CallError when there is no such port, naming those that are there."""
    if sys.platform != "win32" and not Path(name).exists():
        fault = explain(FileNotFoundError(errno.ENOENT, "missing"), name)
        raise CallError(fault.text, mend="See 'catheter-trainer handle list'.")


def explain(error: Exception, name: str, here: Sequence[str] | None = None) -> PortFault:
    """A PortFault for an error of pyserial or of the system. here: the ports to name when this one is missing."""
    text, number = str(error), getattr(error, "errno", None)
    lower = text.lower()
    if isinstance(error, PortFault):
        return error
    windows_denied = "permissionerror(13" in lower or "access is denied" in lower
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in lower or "busy" in lower or windows_denied:
        return PortFault("busy", f"another program uses {name}. Close the serial monitor or the other trainer; "
                         "only one program can talk to a handle.")  # fmt: skip
    if number in (errno.EACCES, errno.EPERM) or "permission denied" in lower:
        return PortFault("denied", f"this user may not open {name}. On Linux: sudo usermod -aG dialout $USER and log "
                         "in again, or install hardware/60-catheter-handle.rules.")  # fmt: skip
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO) or "filenotfounderror" in lower:
        names = port_names() if here is None else list(here)
        return PortFault("missing", f"there is no port {name}. Ports here: {', '.join(names) or 'none'}.")
    if "returned no data" in lower:
        return PortFault("gone", f"{name} went away, or a second program reads from it at the same time. Check the "
                         "cable, and close other programs that use the port.")  # fmt: skip
    if number in (errno.EIO, errno.EBADF) or "write failed" in lower or "timeout" in lower:
        return PortFault("gone", f"{name} went away. Check the cable.")
    return PortFault("other", f"{name} cannot be used ({text}).")
