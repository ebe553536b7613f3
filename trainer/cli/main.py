"""Parses the call, runs one verb, and turns a user's mistake into one message and exit code 2."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from trainer import __version__
from trainer.errors import CallError, TrainerError

Verb = Callable[[argparse.Namespace], int]
DONE, FAILED, WRONG = 0, 1, 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise CallError(message, mend=f"See '{self.prog} --help'.")


def _seed(text: str) -> int:
    try:
        seed = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a seed is a whole number, not '{text}'") from None
    if not 0 <= seed < 2**63:
        raise argparse.ArgumentTypeError("a seed lies between 0 and 2^63")
    return seed


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a number is expected, not '{text}'") from None
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError("the number must be above 0")
    return value


def _coordinate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a number is expected, not '{text}'") from None
    if not abs(value) < 1e5:
        raise argparse.ArgumentTypeError("a place in mm is expected")
    return value


def _spacing(text: str) -> float:
    value = _positive(text)
    if not 1.0 <= value <= 4.0:
        raise argparse.ArgumentTypeError("voxels of 1 to 4 mm are possible")
    return value


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = _Parser(
        prog="catheter-trainer",
        description="A desktop trainer for transarterial tumor therapy. For training, not for treatment.",
        epilog="Without a verb the window opens on its case list. "
        "Exit code: 0 done, 1 failed, 2 wrong call or file.",
    )
    top.add_argument("--version", action="version", version=f"catheter-trainer {__version__}")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)
    _window_verbs(verbs)
    _file_verbs(verbs)
    _import_verbs(verbs)
    _headless_verbs(verbs)
    _handle_verbs(verbs)
    return top


def _json(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--json", action="store_true", help="one JSON document on standard output")


def _window_verbs(verbs: argparse._SubParsersAction[_Parser]) -> None:
    play = verbs.add_parser("play", help="open the window on one case")
    play.add_argument("scenario", metavar="SCENARIO", help="id of a case or path of its file")
    play.add_argument("--seed", type=_seed, default=1)
    play.add_argument("--controls", default="keyboard", metavar="HAND",
                      help="keyboard, left_hand, a key layout file, gamepad, serial, serial:PORT or auto")  # fmt: skip
    play.add_argument("--exam", action="store_true", help="no hints")
    play.add_argument("--fullscreen", action="store_true")
    play.add_argument("--out", type=Path, metavar="DIR", help="folder for recordings and results")


def _file_verbs(verbs: argparse._SubParsersAction[_Parser]) -> None:
    scenarios = verbs.add_parser("scenarios", help="list the bundled and your own cases")
    _json(scenarios)
    check = verbs.add_parser("check", help="check scenario files: form, anatomy, devices")
    check.add_argument("files", nargs="+", metavar="FILE", help="file, or id of a case")
    check.add_argument("--reach", action="store_true", help="have the simulated expert treat it")
    _json(check)


def _import_verbs(verbs: argparse._SubParsersAction[_Parser]) -> None:
    kinds = verbs.add_parser("import", help="make a patient's own data into files for cases")
    kind = kinds.add_subparsers(dest="kind", metavar="KIND", required=True, parser_class=_Parser)
    ct = kind.add_parser("ct", help="a CT (NIfTI file or folder of DICOM files) as the body that X-ray shows")
    ct.add_argument("source", type=Path, metavar="FILE_OR_FOLDER")
    ct.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the body file goes")
    ct.add_argument("--celiac", type=_coordinate, nargs=3, metavar=("X", "Y", "Z"),
                    help="the celiac ostium in the scan's LPS mm; without it, it is guessed")
    ct.add_argument("--name", default="", help="of the body file; without it, that of the scan")
    ct.add_argument("--spacing", type=_spacing, default=2.0, metavar="MM", help="size of its voxels, 1 to 4")
    _json(ct)


def _headless_verbs(verbs: argparse._SubParsersAction[_Parser]) -> None:
    auto = verbs.add_parser("autoplay", help="let a simulated operator play a case, without a window")
    auto.add_argument("scenario", metavar="SCENARIO")
    auto.add_argument("--seed", type=_seed, default=1)
    auto.add_argument("--operator", default="expert")
    auto.add_argument("--habits", default="good", help="how the operator uses the beam: good or ordinary")
    auto.add_argument("--out", type=Path, metavar="DIR", help="folder for the recording and the result")
    auto.add_argument("--minutes", type=_positive, default=120.0, help="give up after so much simulated time")
    _json(auto)
    again = verbs.add_parser("replay", help="simulate a recording again")
    again.add_argument("recording", type=Path, metavar="RECORDING")
    again.add_argument("--verify", action="store_true", help="compare every step and the score")
    _json(again)
    still = verbs.add_parser("preview", help="draw one X-ray image of a case")
    still.add_argument("scenario", metavar="SCENARIO")
    still.add_argument("--seed", type=_seed, default=1)
    still.add_argument("--view", default="LAO 0 CRA 0", help='C-arm angles, e.g. "LAO 30 CRA 15"')
    still.add_argument("--mode", choices=("fluoro", "dsa", "native"), default="dsa")
    still.add_argument("--inject", metavar="VESSEL:mL_per_s:mL", help="contrast given into a vessel")
    still.add_argument("--at", type=_positive, default=3.0, metavar="SECONDS", help="since injection began")
    still.add_argument("--sheet", nargs="?", const="", metavar="LIST.yaml",
                       help="a contact sheet instead: all pictures of a list, or of the shipped one")
    still.add_argument("--out", type=Path, required=True, metavar="FILE.png",
                       help="with --sheet, the folder of its pages")
    spin = verbs.add_parser("spin", help="slices of a turn of the C-arm, with contrast and dose")
    spin.add_argument("scenario", metavar="SCENARIO")
    spin.add_argument("--seed", type=_seed, default=1)
    spin.add_argument("--inject", metavar="VESSEL:mL_per_s:mL", help="contrast given into a vessel")
    spin.add_argument("--at", type=_positive, default=3.0, metavar="SECONDS", help="its start, since injection began")
    spin.add_argument("--plane", choices=("axial", "coronal", "sagittal"), default="axial")
    spin.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    _json(spin)
    bench = verbs.add_parser("bench", help="time and memory of the simulation on this machine")
    bench.add_argument("--minutes", type=_positive, default=2.0, help="simulated time")
    bench.add_argument("--seed", type=_seed, default=1)
    _json(bench)


def _handle_verbs(verbs: argparse._SubParsersAction[_Parser]) -> None:
    handle = verbs.add_parser("handle", help="the serial handle: find, watch, calibrate, emulate, test it")
    whats = handle.add_subparsers(dest="what", metavar="WHAT", parser_class=_Parser, required=True)
    listed = whats.add_parser("list", help="ask every serial port who is there")
    listed.add_argument("ports", nargs="*", metavar="PORT", help="ports to ask besides those that are found")
    _json(listed)
    monitor = whats.add_parser("monitor", help="show what a handle sends, until Ctrl+C")
    monitor.add_argument("--seconds", type=_positive, help="end by itself after so long")
    calibrate = whats.add_parser("calibrate", help="measure counts per mm and turn, direction, trembling, play")
    calibrate.add_argument("--channel", type=int, choices=(1, 2, 3), help="only this one")
    calibrate.add_argument("--mm", type=_positive, default=100.0, help="way of a slide (default 100)")
    calibrate.add_argument("--turns", type=_positive, default=1.0, help="way of a roll (default 1)")
    calibrate.add_argument("--volume", type=_positive, default=10.0, metavar="ML", help="of the syringe (default 10)")
    calibrate.add_argument("--name", help="give the handle a name of up to 16 plain letters")
    emulate = whats.add_parser("emulate", help="be a handle on a pseudo-terminal, moved by keys or a script")
    emulate.add_argument("--script", type=Path, metavar="FILE", help="what is done when; see hardware/README.md")
    emulate.add_argument("--link", type=Path, metavar="PATH", help="a name for the port that stays the same")
    emulate.add_argument("--channels", type=int, choices=(1, 2, 3), default=3)
    emulate.add_argument("--seconds", type=_positive, help="end by itself after so long")
    test = whats.add_parser("selftest", help="tell whether a handle and its line are fit for a procedure")
    test.add_argument("--seconds", type=_positive, default=3.0)
    for verb in (monitor, calibrate, test):
        verb.add_argument("port", nargs="?", default="", metavar="PORT", help="else every port is asked")
        _json(verb)


def _run(arguments: argparse.Namespace) -> int:
    """Imports only what the verb needs: neither the window nor `scenarios` may wait for the simulation."""
    verb = arguments.verb
    if verb in (None, "play"):
        from trainer.cli.window import window

        return window(arguments)
    if verb in ("scenarios", "check"):
        from trainer.cli import files

        return files.scenarios(arguments) if verb == "scenarios" else files.check(arguments)
    if verb == "preview":
        from trainer.cli.preview import preview

        return preview(arguments)
    if verb == "handle":
        from trainer.cli.handle import handle

        return handle(arguments)
    if verb == "spin":
        from trainer.cli.spin import spin

        return spin(arguments)
    if verb == "import":
        from trainer.cli.importing import import_ct

        return import_ct(arguments)
    if verb == "bench":
        from trainer.cli.bench import bench

        return bench(arguments)
    from trainer.cli import headless

    return headless.autoplay(arguments) if verb == "autoplay" else headless.replay(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a call; returns the exit code."""
    try:
        return _run(parser().parse_args(arguments))
    except TrainerError as error:
        print(f"catheter-trainer: {error}", file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        print("catheter-trainer: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # the reader of a pipe has left; keep the interpreter from complaining about it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
