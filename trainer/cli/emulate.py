"""`handle emulate`: a handle without hardware on a pseudo-terminal."""

from __future__ import annotations

import argparse
import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from trainer.cli import console
from trainer.controls.handle.emulator import TABLE, EmulatedHandle
from trainer.controls.handle.script import Player, read_script
from trainer.controls.handle.terminal import Terminal

KEYS = "w s slide   a d roll   1 2 3 channel   f pedal   g run   c clutch   m next device   e r syringe   q quit"
SLIDE_MM, ROLL_TURNS, SYRINGE = 2.0, 1.0 / 36.0, 20
_TOGGLES = {"f": 0, "g": 1, "c": 2, "m": 3}


class Hands:
    """Keys of a terminal as motion of the handle."""

    def __init__(self) -> None:
        self.channel = 1
        self.left = False

    def key(self, key: str, handle: EmulatedHandle) -> None:
        """One key. Buttons stay down until their key comes again, for a terminal tells no releases."""
        if key in ("w", "s"):
            handle.slide(self.channel, SLIDE_MM if key == "w" else -SLIDE_MM)
        elif key in ("a", "d"):
            handle.roll(self.channel, ROLL_TURNS if key == "d" else -ROLL_TURNS)
        elif key in ("1", "2", "3"):
            self.channel = int(key)
        elif key in ("e", "r"):
            handle.syringe = max(0, min(1023, handle.syringe + (SYRINGE if key == "e" else -SYRINGE)))
        elif key in _TOGGLES:
            number = _TOGGLES[key]
            handle.button(number, not handle.held >> number & 1)
        elif key in ("q", "\x03", "\x04"):
            self.left = True


@contextmanager
def _raw_keys() -> Iterator[bool]:
    """Whether single keys can be read from this terminal; puts it back at the end."""
    if not sys.stdin.isatty():
        yield False
        return
    import termios
    import tty

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield True
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def emulate(arguments: argparse.Namespace) -> int:
    """Runs until the script or the time ends, or `q`."""
    player = Player(read_script(arguments.script)) if arguments.script else None
    handle = EmulatedHandle(replace(TABLE, channels=arguments.channels))
    hands, start = Hands(), time.monotonic()
    terminal: Terminal | None = _plug(arguments.link)
    try:
        with _raw_keys() as keyed:
            if keyed:
                console.say(KEYS)
            while not hands.left:
                now = time.monotonic() - start
                if (player and player.done) or (arguments.seconds and now >= arguments.seconds):
                    break
                if player:
                    player.play(handle, now)
                    terminal = _cable(terminal, now < player.unplugged_until, arguments.link)
                if terminal:
                    terminal.exchange(handle, time.monotonic())
                else:
                    time.sleep(0.001)
                while keyed and select.select([sys.stdin], [], [], 0.0)[0]:
                    hands.key(os.read(sys.stdin.fileno(), 1).decode("ascii", "ignore"), handle)
    except KeyboardInterrupt:
        pass
    finally:
        if terminal:
            terminal.close()
    return 0


def _plug(link: Path | None) -> Terminal:
    terminal = Terminal(link)
    print(link or terminal.path, flush=True)
    return terminal


def _cable(terminal: Terminal | None, out: bool, link: Path | None) -> Terminal | None:
    """The terminal after the cable was pulled or put in."""
    if out and terminal:
        terminal.close()
        return None
    return terminal if out or terminal else _plug(link)
