"""Joins the window to cases and procedures. Heavy modules are imported inside, in the background threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import platformdirs

from trainer.commands import Commands
from trainer.frame import Frame
from trainer.screen.ports import Backstage, Case, HandPort, Report, Room

if TYPE_CHECKING:
    from trainer.scenario.loading import CaseFile, Listed
    from trainer.scenario.schema import Benchmarks, Labs


class PlayingHand(HandPort, Protocol):
    """A hand that also answers the session's polls."""

    def poll(self, frame: Frame) -> Commands: ...
    def feedback(self, frame: Frame) -> None: ...


MakeHand = Callable[[str, Iterable[tuple[str, str, str, str, bool]], Iterable[tuple[str, str, str]],
                     Iterable[tuple[str, str]]], PlayingHand]
"""(kind, devices (id, slot, label, note, shapeable), fluids (id, label, kind), coils (id, label)) -> hand;
`controls.make.make_hand`."""


def real_backstage(make_hand: MakeHand, controls: str, out_dir: Path | None, only: Path | None) -> Backstage:
    """The trainer's own cases and simulation. only: a single scenario file instead of the case list."""

    def list_cases() -> list[Case]:
        from trainer.scenario.loading import Listed, cases, load

        listed = cases() if only is None else [Listed(only, load(only))]
        return [_case(one) for one in listed]

    def open_room(case: Case, seed: int, report: Report) -> Room:
        return _open_room(case, seed, report, make_hand, controls, out_dir)

    return Backstage(list_cases, open_room, _warm)


def recordings_folder(out_dir: Path | None) -> Path:
    """Where procedures are recorded: the folder that was asked for, or the user's data folder."""
    return out_dir or Path(platformdirs.user_data_dir("catheter-trainer", appauthor=False)) / "procedures"


def _warm(report: Report) -> None:
    """Imports and compiles everything that a step needs."""
    report(0.02, "preparing the X-ray room: the first time takes longer …")
    from trainer.procedure.warm import compile_apart, warm

    compile_apart()
    warm(report)


def _open_room(
    case: Case, seed: int, report: Report, make_hand: MakeHand, controls: str, out_dir: Path | None
) -> Room:
    report(0.05, "reading the case …")
    from trainer.procedure.recording import Recorder
    from trainer.procedure.session import Session, recording_path
    from trainer.scenario.loading import load

    file = load(case.path)
    report(0.15, "laying out devices and fluids …")
    hand = make_hand(controls, device_choices(file), fluid_choices(file), coil_choices(file))
    folder = recordings_folder(out_dir)
    recorder = Recorder(
        recording_path(folder, file.scenario.id, seed, "human"), file.scenario.id, file.text, seed, "human"
    )
    try:
        report(0.25, "the patient comes in: vessels, flow, X-ray …")
        session = Session(file, seed, hand, recorder)
        report(1.0, "ready")
    except BaseException:
        hand.close()
        recorder.close()
        recorder.path.unlink(missing_ok=True)
        raise
    return Room(session, hand)


def device_choices(file: CaseFile) -> list[tuple[str, str, str, str, bool]]:
    """(id, slot, label, note, shapeable) of the case's devices that go into a slot."""
    from trainer.instruments.catalog import SLOT_OF, load_catalog

    catalog, out = load_catalog(), []
    for name in file.scenario.devices:
        spec = catalog[name]
        if spec.kind in SLOT_OF:
            note = f"{spec.outer_diameter_mm:.2f} mm, {spec.length_mm / 10:.0f} cm"
            out.append((name, SLOT_OF[spec.kind], spec.label, note, spec.shapeable_mm > 0.0))
    return out


def coil_choices(file: CaseFile) -> list[tuple[str, str]]:
    """(id, label) of the case's coils."""
    from trainer.instruments.coils import coil_file

    return [(name, coil_file().coils[name].label) for name in file.scenario.coils]


def fluid_choices(file: CaseFile) -> list[tuple[str, str, str]]:
    """(id, label, kind) of the case's fluids; the kind decides how fast a hand pushes it."""
    from trainer.flow.fluids import load_pharmacy

    pharmacy, out = load_pharmacy(), []
    for name in file.scenario.fluids:
        kinds = {pharmacy.species[pharmacy.index(s)].kind for s in pharmacy.fluids[name].contents}
        first = next((k for k in ("embolic", "drug", "contrast") if k in kinds), "saline")
        out.append((name, pharmacy.fluids[name].label, first))
    return out


_LABS = {
    "egfr_mL_min": "eGFR {:g} mL/min", "creatinine_mg_dL": "creatinine {:g} mg/dL",
    "bilirubin_mg_dL": "bilirubin {:g} mg/dL", "albumin_g_L": "albumin {:g} g/L", "inr": "INR {:g}",
    "platelets_G_L": "platelets {:g} G/L", "afp_ng_mL": "AFP {:g} ng/mL",
}  # fmt: skip
"""Blood values in the words of a report."""


def _albi(labs: Labs) -> list[str]:
    """The liver's reserve in words, where the values for it are known."""
    found = labs.albi()
    return [f"ALBI {found[0]:.2f}, grade {found[1]}"] if found is not None else []


def _case(listed: Listed) -> Case:
    if listed.case is None:
        return Case(listed.path.stem, listed.path.name, listed.path, fault=listed.fault)
    s = listed.case.scenario
    h, plan = s.history, s.plan
    labs = [
        _LABS[name].format(value)
        for name, value in h.labs.model_dump().items()
        if value is not None and name in _LABS
    ]
    facts = (
        ("Patient", f"{h.age} years, {h.sex}" + (f", {h.weight_kg:.0f} kg" if h.weight_kg else "")),
        ("Diagnosis", h.diagnosis), ("Child-Pugh", h.child_pugh), ("History", h.story),
        ("Imaging", h.imaging), ("Labs", ", ".join([*labs, *_albi(h.labs)])),
    )  # fmt: skip
    plan_rows = [("Target", f"segment {s.target.segment}"), ("Plan", plan.text)]
    if plan.drug:
        plan_rows.append(
            ("Drug", plan.drug.replace("_", " ") + (f", {plan.drug_mg:g} mg" if plan.drug_mg else ""))
        )
    plan_rows += [("Embolic", plan.embolic.replace("_", " ")), ("End point", plan.end_point)]
    return Case(
        id=s.id, title=s.title, path=listed.path, difficulty=s.difficulty, summary=s.summary, facts=facts,
        task=s.teaching.goals, plan=tuple(plan_rows), hazards=s.teaching.hazards, hints=s.teaching.hints,
        meta=f"{h.age} years, {h.sex}. {h.diagnosis}. About {s.minutes:.0f} min.", lesson=s.teaching.debrief,
        bands=_bands(s.benchmarks),
    )  # fmt: skip


def _bands(benchmarks: Benchmarks) -> tuple[tuple[str, str], ...]:
    """Ranges of practiced operators as rows of text."""
    names = {
        "fluoro_time": "Fluoroscopy", "kap": "Kerma-area product", "contrast": "Contrast",
        "procedure_time": "Procedure",
    }  # fmt: skip
    out = []
    for key, name in names.items():
        band = getattr(benchmarks, key)
        ranges = (
            f"{who} {low:g} to {high:g}"
            for who, (low, high) in (("expert", band.expert), ("trainee", band.trainee))
        )
        out.append((name, f"{', '.join(ranges)} {band.unit}"))
    return tuple(out)
