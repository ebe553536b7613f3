"""Tells whether a handle and its line are fit for a procedure."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from trainer.controls.handle.link import SerialLink
from trainer.controls.handle.messages import TICK_S

RATE_SLACK = 0.15
ROUND_TRIP_MS = 20.0
CONNECT_S = 6.0


@dataclass(frozen=True, slots=True)
class Check:
    """One finding. advice: what to do when it failed."""

    name: str
    passed: bool
    found: str
    advice: str = ""


def selftest(
    link: SerialLink, seconds: float, wait: Callable[[float], None] = time.sleep
) -> list[Check]:
    """Checks in order; only the first when nothing answers. Takes `seconds`, and up to 6 s to connect."""
    if not link.wait_live(CONNECT_S):
        return [Check("a handle answers", False, link.trouble, "See fault finding in hardware/README.md.")]
    hello = link.hello
    assert hello is not None
    checks = [Check("a handle answers", True, f"{hello.title}, firmware {hello.version}, at {link.port}")]
    before, started = link.quality(), time.monotonic()
    wait(seconds)
    after, took = link.quality(), time.monotonic() - started
    # Events and Pongs come besides States, so count what can only be more
    rate, wanted = (after.frames - before.frames) / took, 1.0 / (hello.period * TICK_S)
    checks.append(Check("readings per second", rate >= wanted * (1.0 - RATE_SLACK), f"{rate:.0f} of {wanted:.0f}",
                        "Another program may take the processor, or the cable is bad."))  # fmt: skip
    for name, count, advice in (
        ("no frame lost", after.lost - before.lost, "Try another cable or USB port; no hub."),
        ("no frame damaged", after.refused - before.refused, "A long or unshielded cable; keep motors away."),
        ("no command damaged on the way", after.device_refused - before.device_refused, "As above."),
        ("no step too fast", after.overspeed - before.overspeed, "Turn slower, or use encoders with fewer counts."),
        ("no sensor failed", after.faults - before.faults, "Check the sensor's wires and supply."),
    ):
        checks.append(Check(name, count == 0, str(count), advice))
    trip = after.round_trip_ms
    checks.append(Check("answers quickly", 0.0 < trip <= ROUND_TRIP_MS, f"{trip:.1f} ms",
                        "FTDI adapters: set their latency timer to 1 ms."))  # fmt: skip
    return checks
