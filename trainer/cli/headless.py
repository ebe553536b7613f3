"""The verbs that play without a window: autoplay, replay."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from trainer.cli import console
from trainer.procedure.operators import make_operator
from trainer.procedure.recording import Recorder
from trainer.procedure.replay import replay as simulate_again
from trainer.procedure.session import Session, recording_path, save_result
from trainer.scenario.checking import located
from trainer.scenario.loading import CaseFile, find
from trainer.scoring.result import Result
from trainer.units import STEP_HZ, STEP_S


def play(case: CaseFile, seed: int, operator: str, folder: Path | None, minutes: float,
         habits: str = "good") -> Result:
    """Plays a case with a simulated operator to its finish, or to the end of the time allowed.

    folder: where recording and result are stored; None stores nothing.
    """
    with located(case):
        controller = make_operator(operator, case.scenario, seed, habits)
    if habits != "good":
        operator = f"{operator}_{habits}"
    session = Session(case, seed, controller, operator=operator)
    if folder is not None:
        path = recording_path(folder, case.scenario.id, seed, operator)
        session.recorder = Recorder(path, case.scenario.id, case.text, seed, operator)
    most = round(minutes * 60 * STEP_HZ)
    with console.progress(f"{case.scenario.id} seed {seed}", most) as bar:
        for step in range(most):
            session.step()
            if session.finished:
                break
            if step % STEP_HZ == 0:
                bar.update(bar.task_ids[0], completed=step, note=f"{step * STEP_S / 60:.1f} min simulated")
    result = session.result()
    if session.recorder is not None:
        save_result(result, session.recorder.path)
    return result


def autoplay(arguments: argparse.Namespace) -> int:
    """Plays a case; 1 when the operator did not finish it."""
    case = find(arguments.scenario)
    result = play(case, arguments.seed, arguments.operator, arguments.out, arguments.minutes,
                  arguments.habits)
    if arguments.json:
        console.document(result.to_json())
    else:
        show(result.to_json())
    return 0 if result.completed else 1


def show(doc: dict[str, Any]) -> None:
    """A result for people."""
    where, dose = doc["selectivity"], doc["dose"]
    organs = ", ".join(f"{k} {100 * v:.1f} %" for k, v in where["extrahepatic"].items() if v >= 0.0005)
    rows = [
        ("Score", f"{doc['score']['total']:.0f} of 100"),
        ("Finished", "yes" if doc["completed"] else "no"),
        ("Selectivity", doc["level"] or "nothing given"),
        ("Embolic in the tumor", f"{100 * where['tumor']:.1f} % of {doc['embolic_mL']:.3f} mL"),
        ("... in its segment, other liver", f"{100 * where['target_segment']:.1f} %, "
                                            f"{100 * where['other_liver']:.1f} %"),
        ("... outside the liver", organs or "none"),
        ("Tumor flow left", f"{100 * doc['tumor_flow_left']:.0f} % (SACE {doc['sace']})"),
        ("Fluoroscopy, KAP", f"{dose['fluoro_time_s'] / 60:.1f} min, {dose['kap_Gycm2']:.1f} Gy cm2"),
        ("Contrast", f"{doc['contrast_mL']:.0f} mL"),
        ("Time", f"{doc['procedure_time_s'] / 60:.1f} min"),
        ("Handling errors", f"{len(doc['handling']['errors'])}"),
    ]  # fmt: skip
    console.table(f"{doc['scenario']}, seed {doc['seed']}, {doc['operator']}", ("measure", "value"), rows)
    for reason in doc["score"]["reasons"]:
        console.out.print(f"  {reason}", markup=False, soft_wrap=True)
    if doc["recording"]:
        console.say(f"recorded: {doc['recording']}")


def replay(arguments: argparse.Namespace) -> int:
    """Simulates a recording again; 1 when --verify finds a difference."""
    with console.progress("replay", 1.0) as bar:

        def tell(step: int, steps: int) -> None:
            bar.update(bar.task_ids[0], completed=step, total=steps)

        again = simulate_again(arguments.recording, arguments.verify, progress=tell)
    if arguments.json:
        console.document({"recording": str(arguments.recording), "scenario": again.recording.scenario_id,
                          "seed": again.recording.seed, "steps": again.recording.steps,
                          "verified": again.verified, "difference": again.difference,
                          "first_step": again.first_step, "result": dict(again.result)})  # fmt: skip
    else:
        show(dict(again.result))
    if again.verified is None:
        return 0
    if again.verified:
        console.say(f"verified: {again.recording.steps} steps, every one as recorded")
        return 0
    console.say(f"not verified: {again.difference}")
    return 1
