"""The verbs about the serial handle: list, monitor, calibrate, emulate, selftest."""

from __future__ import annotations

import argparse
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from typing import Any

from trainer.cli import console
from trainer.controls.handle.calibration import CalibrationError, calibrate
from trainer.controls.handle.discovery import discover
from trainer.controls.handle.link import SerialLink
from trainer.controls.handle.messages import Can, Hello, fixed_name
from trainer.controls.handle.ports import require
from trainer.controls.handle.selftest import CONNECT_S, selftest
from trainer.controls.handle.settings import load_settings, save_settings
from trainer.errors import CallError

TREMBLING_S = 2.0


def handle(arguments: argparse.Namespace) -> int:
    """Runs `handle WHAT`; 0 done, 1 no handle or not fit, 2 wrong call or file."""
    if arguments.what == "emulate":
        from trainer.cli.emulate import emulate

        return emulate(arguments)
    whats = {"list": _list, "monitor": _monitor, "calibrate": _calibrate, "selftest": _selftest}
    return whats[arguments.what](arguments)


def who(hello: Hello) -> dict[str, Any]:
    """A Hello as plain data."""
    return {"name": hello.title, "id": f"{hello.id:08x}", "firmware": hello.version, "protocol": hello.protocol,
            "channels": hello.channels, "buttons": hello.buttons,
            "can": [can.name.lower() for can in Can if can & hello.capabilities and can.name]}  # fmt: skip


def _list(arguments: argparse.Namespace) -> int:
    for name in arguments.ports:
        require(name)
    found = discover(arguments.ports)
    if arguments.json:
        console.document([{"port": one.port.name, "about": one.port.about, "hint": one.port.hint,
                           "handle": who(one.hello) if one.hello else None, "fault": one.fault}
                          for one in found])  # fmt: skip
    elif found:
        rows = [(one.port.name, one.port.hint or one.port.about,
                 f"{one.hello.title} ({one.hello.channels} channels, firmware {one.hello.version})" if one.hello
                 else one.fault) for one in found]  # fmt: skip
        console.table("Serial ports", ("port", "board", "handle"), rows)
    else:
        console.say("No serial port on this computer. Plug the handle in; see hardware/README.md.")
    return 0 if any(one.hello for one in found) else 1


@contextmanager
def linked(port: str) -> Iterator[SerialLink]:
    """A link to the handle at a port ('' any), closed at the end."""
    if port:
        require(port)
    link = SerialLink(port)
    try:
        yield link
    finally:
        link.close()


def _connected(link: SerialLink) -> Hello | None:
    """Who answers; says why not when nobody does within some seconds."""
    if link.wait_live(CONNECT_S):
        return link.hello
    console.say(f"catheter-trainer: {link.trouble}")
    return None


def _monitor(arguments: argparse.Namespace) -> int:
    from trainer.cli.handle_view import snapshot, watch

    with linked(arguments.port) as link:
        hello = _connected(link)
        if hello is None:
            return 1
        settings = load_settings(hello)
        if arguments.json:
            time.sleep(arguments.seconds or 0.5)
            console.document({"port": link.port, "handle": who(hello), **snapshot(link, settings)})
            return 0
        with suppress(KeyboardInterrupt):
            watch(link, settings, arguments.seconds)
    return 0


def _selftest(arguments: argparse.Namespace) -> int:
    with linked(arguments.port) as link:
        checks = selftest(link, arguments.seconds)
    passed = all(check.passed for check in checks)
    if arguments.json:
        console.document({"passed": passed, "checks": [asdict(check) for check in checks]})
    else:
        rows = [("ok" if c.passed else "FAILED", c.name, c.found, "" if c.passed else c.advice) for c in checks]
        console.table("Self-test", ("", "check", "found", "what to do"), rows)
    return 0 if passed else 1


def _calibrate(arguments: argparse.Namespace) -> int:
    name = _checked_name(arguments.name)
    with linked(arguments.port) as link:
        hello = _connected(link)
        if hello is None:
            return 1
        if arguments.channel and arguments.channel > hello.channels:
            raise CallError(f"'{hello.title}' has {hello.channels} channel(s), not {arguments.channel}",
                            where="--channel")  # fmt: skip
        channels = (arguments.channel,) if arguments.channel else range(1, hello.channels + 1)
        try:
            settings = calibrate(
                load_settings(hello), hello, _ask, lambda: _reading(link).counts, lambda: _trembling(link),
                lambda: _reading(link).syringe, channels=channels, mm=arguments.mm, turns=arguments.turns,
                volume_mL=arguments.volume,
            )  # fmt: skip
        except CalibrationError as error:
            console.say(f"catheter-trainer: {error}")
            return 1
        hello = _named(link, hello, name)
        settings = settings.model_copy(update={"id": f"{hello.id:08x}", "name": hello.title})
        path = save_settings(settings, hello)
    if arguments.json:
        console.document({"file": str(path), **settings.model_dump(mode="json")})
    else:
        console.out.print(f"Calibrated '{hello.title}'; kept in {path}", markup=False, soft_wrap=True)
    return 0


def _checked_name(name: str | None) -> str | None:
    try:
        if name is not None:
            fixed_name(name)
    except ValueError as error:
        raise CallError(str(error), where="--name") from None
    return name


def _ask(what: str) -> None:
    """Shows what to do on standard error and waits for Enter."""
    console.say(f"{what}, then press Enter.")
    if not sys.stdin.readline():
        raise CallError("the input ended before the calibration", mend="Run it in a terminal.")
    time.sleep(0.1)


def _reading(link: SerialLink) -> Any:
    reading = link.newest()
    if reading is None or not reading.live:
        raise CalibrationError(link.trouble or "the handle is gone", where="handle calibrate",
                               mend="Plug it in and begin again.")  # fmt: skip
    return reading


def _trembling(link: SerialLink) -> Sequence[tuple[int, int]]:
    seen = [tuple(_reading(link).counts)]
    end = time.monotonic() + TREMBLING_S
    while time.monotonic() < end:
        time.sleep(0.005)
        seen.append(tuple(_reading(link).counts))
    return [(min(axis), max(axis)) for axis in zip(*seen, strict=True)]


def _named(link: SerialLink, hello: Hello, name: str | None) -> Hello:
    """Gives the handle an id when it has none, and a name when one is asked for."""
    if not hello.capabilities & Can.STORE or (hello.id and name is None):
        return hello
    id = hello.id or secrets.randbelow(2**32 - 1) + 1
    title = name or hello.title
    link.order(lambda session: session.rename(id, title))
    end = time.monotonic() + 3.0
    while link.renaming and time.monotonic() < end:
        time.sleep(0.02)
    if link.renaming:
        console.say("The handle did not keep its name; it is calibrated under its old one.")
        return hello
    return replace(hello, id=id, name=fixed_name(title))
