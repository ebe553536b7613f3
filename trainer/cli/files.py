"""The verbs about scenario files: scenarios, check."""

from __future__ import annotations

import argparse
from typing import Any

from trainer.cli import console
from trainer.errors import TrainerError
from trainer.scenario.loading import CaseFile, cases, find


def scenarios(arguments: argparse.Namespace) -> int:
    """Lists the cases, with the fault of each file that is none."""
    listed = cases()
    if arguments.json:
        console.document([_entry(one.case) if one.case else {"path": str(one.path), "fault": one.fault}
                          for one in listed])  # fmt: skip
        return 0
    rows = [(one.case.scenario.id, one.case.scenario.difficulty, f"{one.case.scenario.minutes:g} min",
             one.case.scenario.title) for one in listed if one.case]  # fmt: skip
    console.table("Cases", ("id", "level", "time", "title"), rows)
    for one in listed:
        if one.fault:
            console.say(one.fault)
    return 0


def _entry(case: CaseFile) -> dict[str, Any]:
    s = case.scenario
    return {"id": s.id, "title": s.title, "summary": s.summary, "difficulty": s.difficulty,
            "minutes": s.minutes, "segment": s.target.segment, "anatomy": s.patient.anatomy,
            "path": str(case.path)}  # fmt: skip


def check(arguments: argparse.Namespace) -> int:
    """Checks each file; 2 when one is wrong, 1 when one is sound but cannot be treated (--reach)."""
    found = [_check_one(name, arguments.reach) for name in arguments.files]
    if arguments.json:
        console.document(found)
    for one in found:
        if one["fault"]:
            console.say(f"catheter-trainer: {one['fault']}")
        elif not arguments.json:
            console.out.print(f"{one['file']}: sound{_figures(one)}", markup=False, soft_wrap=True)
    if any(one["fault"] for one in found):
        return 2
    return 1 if any(one.get("reached") is False for one in found) else 0


def _figures(one: dict[str, Any]) -> str:
    said = (f"; {one['vessels']} vessels, {one['beds']} beds, feeder {one['feeder_mm']:.2f} mm, "
            f"reached by {', '.join(one['fitting'])}")  # fmt: skip
    if "reached" in one:
        said += f"; the expert {'treated it' if one['reached'] else 'could NOT treat it'}: {one['finding']}"
    return said


def _check_one(name: str, reach: bool) -> dict[str, Any]:
    from trainer.scenario.checking import check_case

    try:
        case = find(name)
        report = check_case(case)
    except TrainerError as error:
        return {"file": name, "fault": str(error)}
    found = {"file": name, "fault": "", "id": case.scenario.id, "vessels": report.vessels,
             "beds": report.beds, "feeder_mm": report.feeder_mm, "fitting": list(report.fitting)}  # fmt: skip
    return {**found, **_reach(case)} if reach else found


def _reach(case: CaseFile) -> dict[str, Any]:
    """Whether the simulated expert reaches and treats the tumor of a case."""
    from trainer.cli.headless import play
    from trainer.scenario.checking import SEED

    result = play(case, SEED, "expert", None, 120.0)
    tumor, left = result.selectivity["tumor"], result.tumor_flow_left
    reached = result.completed and tumor >= 0.5 and left < 0.6
    finding = f"{100 * tumor:.0f} % of the embolic in the tumor, {100 * left:.0f} % of its flow left"
    return {"reached": bool(reached), "finding": finding}
