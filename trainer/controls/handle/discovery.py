"""Finds handles by asking every port: only a Hello counts, USB numbers are a hint."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from trainer.controls.handle.link import ANSWER_S, Port
from trainer.controls.handle.messages import Hello
from trainer.controls.handle.ports import PortFault, PortInfo, explain, open_port, ports
from trainer.controls.handle.session import Phase, Session


@dataclass(frozen=True, slots=True)
class Found:
    """A port and what is at it. fault: why nothing is, in words."""

    port: PortInfo
    hello: Hello | None
    fault: str = ""


def ask(
    name: str,
    seconds: float = ANSWER_S,
    open_port: Callable[[str], Port] = open_port,
    clock: Callable[[], float] = time.monotonic,
) -> Hello:
    """Who is at a port. Raises PortFault when nobody answers within `seconds`, or the port cannot be used."""
    session = Session()
    try:
        port = open_port(name)
        try:
            session.start(clock())
            end = clock() + seconds
            while clock() < end and session.phase in (Phase.SEEKING, Phase.ZEROING) and session.hello is None:
                out = session.tick(clock())
                if out:
                    port.write(out)
                session.feed(port.read(max(1, port.in_waiting)), clock())
        finally:
            port.close()
    except OSError as error:
        raise explain(error, name) from None
    if session.fault:
        raise PortFault("other", session.fault)
    if session.hello is None:
        raise PortFault("other", "no handle answers here")
    return session.hello


def discover(extra: Sequence[str] = (), seconds: float = ANSWER_S) -> list[Found]:
    """Everything at the ports of this computer and at those named besides; asks all at once."""
    known = ports()
    known += [PortInfo(name, "", "") for name in extra if name not in {port.name for port in known}]

    def one(port: PortInfo) -> Found:
        try:
            return Found(port, ask(port.name, seconds))
        except PortFault as fault:
            return Found(port, None, fault.text)

    if not known:
        return []
    with ThreadPoolExecutor(min(16, len(known))) as pool:
        return list(pool.map(one, known))
