"""A stand-in for cases and simulation, so that the window can be tested without the physics.

Its pictures are noise with a few shadows and its devices simply follow the hand. Nothing here is shipped.
Run as a program it opens the window: python fake_suite.py WIDTHxHEIGHT OUT_DIR
"""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from trainer.commands import Commands
from trainer.controls.make import make_hand
from trainer.frame import (
    DeviceView,
    DoseView,
    Event,
    Frame,
    InjectionView,
    Truth,
    Vitals,
    XrayView,
    read_only,
)
from trainer.screen.app import run
from trainer.screen.ports import Backstage, Case, Report, Room
from trainer.units import STEP_S, deg

DEVICES = (
    ("c2_5f", "catheter", "Cobra C2 5F", "1.67 mm, 80 cm"),
    ("rc1_5f", "catheter", "RC1 5F", "1.67 mm, 80 cm"),
    ("wire_035_angled", "wire", "Angled hydrophilic wire 0.035", "0.89 mm, 180 cm"),
    ("micro_24", "microcatheter", "Microcatheter 2.4F", "0.80 mm, 130 cm"),
    ("microwire_014", "microwire", "Microwire 0.014", "0.36 mm, 180 cm"),
)
FLUIDS = (
    ("contrast_300", "contrast 300 mgI/mL", "contrast"),
    ("doxorubicin_solution", "doxorubicin 2 mg/mL", "drug"),
    ("deb_100_300", "beads 100-300 um in contrast", "embolic"),
)
LENGTHS = {"catheter": 800.0, "wire": 1800.0, "microcatheter": 1300.0, "microwire": 1800.0}


def picture(seed: int, live_id: int) -> np.ndarray:
    """A gray picture with shadows of a spine and a catheter, (1024, 1024)."""
    rng = np.random.default_rng((seed, live_id))
    y, x = np.mgrid[0:1024, 0:1024] / 1024.0
    image = (
        150 - 70 * np.exp(-(((x - 0.5) / 0.09) ** 2)) * (0.8 + 0.2 * np.sin(y * 34)) + 26 * np.sin(x * 3 + 1)
    )
    image = np.asarray(image + rng.normal(0, 9, image.shape), np.float32)
    line = np.array([[512 + 60 * math.sin(s * 3.0), 1023 - 900 * s] for s in np.linspace(0, 0.7, 60)])
    cv2.polylines(image, [line.astype(np.int32)], False, 40.0, 7, cv2.LINE_AA)
    return read_only(np.clip(image, 0, 255).astype(np.uint8))


class FakeSession:
    """Devices go where the hand pushes; a pedal makes pictures; `finish` ends."""

    def __init__(self, hand: Any, seed: int, out_dir: Path) -> None:
        self._hand, self._seed, self._out = hand, seed, out_dir
        self._pictures = [picture(seed, i) for i in range(6)]
        xray = XrayView(
            None,
            0,
            "none",
            None,
            0,
            "",
            False,
            0.0,
            0.0,
            1100.0,
            750.0,
            320.0,
            (0.0, 0.0, 0.0),
            (0.0, 0.0, 0.0, 0.0),
            15.0,
            3.0,
            0.0,
            0.0,
            0.0,
            0,
            False,
        )
        self.frame = Frame(0, 0.0, (), xray, DoseView(), InjectionView(), Vitals(), (), False, Truth())
        self.seen: list[Commands] = []

    def step(self) -> Frame:
        commands = self._hand.poll(self.frame)
        self.seen.append(commands)
        frame = self.frame
        t = frame.t_s + STEP_S
        events: list[Event] = []
        devices, xray = self._devices(frame, commands), self._xray(frame, commands)
        injection, finished = frame.injection, False
        for act in commands.actions:
            args = dict(act.args)
            if act.kind == "insert":
                events.append(
                    Event(t, "table.insert", "info", f"{args['device']} placed in the {args['slot']} hub")
                )
            elif act.kind == "load_syringe":
                injection = replace(injection, syringe_fluid=args["fluid"], syringe_left_mL=args["size_mL"])
            elif act.kind == "inject":
                injection = replace(
                    injection, state="injecting", fluid=args["fluid"], rate_mL_s=args["rate_mL_s"]
                )
                events.append(Event(t, "flow.reflux", "major", "contrast runs back past the catheter tip"))
            elif act.kind == "finish":
                finished = True
        if commands.syringe_mL_s:
            left = max(0.0, injection.syringe_left_mL - commands.syringe_mL_s * STEP_S)
            injection = replace(injection, syringe_left_mL=left)
        beat = (t * 1.2) % 1.0
        pressure = (
            78 + 42 * math.exp(-(((beat - 0.18) / 0.11) ** 2)) + 12 * math.exp(-(((beat - 0.45) / 0.1) ** 2))
        )
        vitals = Vitals(72.0, pressure, 121.0, 78.0, 0.5 - 0.5 * math.cos(t * 1.5), False)
        dose = frame.dose
        if xray.beam_on:
            dose = replace(
                dose,
                air_kerma_mGy=dose.air_kerma_mGy + 0.004,
                kap_Gycm2=dose.kap_Gycm2 + 0.0009,
                rate_mGy_min=14.4,
                fluoro_time_s=dose.fluoro_time_s + STEP_S,
            )
        self.frame = Frame(
            frame.step + 1, t, devices, xray, dose, injection, vitals, tuple(events), finished, Truth()
        )
        return self.frame

    def _devices(self, frame: Frame, commands: Commands) -> tuple[DeviceView, ...]:
        out = {d.slot: d for d in frame.devices}
        for act in commands.actions:
            if act.kind == "insert":
                slot = str(act.args["slot"])
                label = next(d[2] for d in DEVICES if d[0] == act.args["device"])
                out[slot] = DeviceView(
                    slot, str(act.args["device"]), label, 0.0, 0.0, 0.0, LENGTHS[slot], 1.67, 0.0, 0.0
                )
            elif act.kind == "remove":
                out.pop(str(act.args["slot"]), None)
        for hand in commands.hands:
            d = out.get(hand.slot)
            if d is not None:
                out[hand.slot] = replace(
                    d,
                    inserted_mm=d.inserted_mm + hand.advance_mm_s * STEP_S,
                    beyond_mm=d.inserted_mm,
                    rotation_rad=d.rotation_rad + hand.torque_rad_s * STEP_S,
                    hub_force_N=max(0.0, 0.01 * d.inserted_mm),
                )
        return tuple(out.values())

    def _xray(self, frame: Frame, commands: Commands) -> XrayView:
        old = frame.xray
        beam = commands.fluoro_pedal or commands.dsa_pedal
        new = replace(
            old,
            beam_on=beam,
            primary_deg=old.primary_deg + deg(commands.carm_rad_s[0] * STEP_S),
            secondary_deg=old.secondary_deg + deg(commands.carm_rad_s[1] * STEP_S),
        )
        for act in commands.actions:
            if act.kind == "view":
                new = replace(
                    new, primary_deg=act.args["primary_deg"], secondary_deg=act.args["secondary_deg"]
                )
            elif act.kind == "collimate":
                new = replace(new, collimation=tuple(act.args[k] for k in ("left", "right", "top", "bottom")))
            elif act.kind == "fov":
                new = replace(new, fov_mm=act.args["diagonal_mm"])
        if beam and frame.step % 4 == 0:
            live_id = old.live_id + 1
            new = replace(
                new,
                live=self._pictures[live_id % 6],
                live_id=live_id,
                kVp=78.0,
                mA=45.0,
                pulse_ms=6.0,
                copper_mm=0.2,
                live_kind="dsa" if commands.dsa_pedal else "fluoro",
            )
        elif not beam and old.beam_on:
            new = replace(new, live_kind="hold", live_id=old.live_id + 1)
            if old.live_kind == "dsa":
                new = replace(
                    new,
                    reference=old.live,
                    reference_id=old.reference_id + 1,
                    runs=old.runs + 1,
                    reference_label=f"run {old.runs + 1}, fullest image",
                )
        return new

    def debrief(self) -> dict[str, Any]:
        self._out.mkdir(parents=True, exist_ok=True)
        saved = self._out / "fake.result.json"
        saved.write_text(json.dumps({"steps": self.frame.step}))
        return {**fake_debrief(), "saved": str(saved)}

    def close(self) -> None:
        self._hand.close()


def fake_debrief() -> dict[str, Any]:
    """Debrief data of the right shape with a small tree."""
    rng = np.random.default_rng(4)
    trunk = np.array([[0.0, -10.0, z] for z in np.linspace(-60, 60, 12)])
    vessels = [
        {
            "name": "aorta",
            "points_mm": trunk,
            "radius_mm": np.full(12, 9.0),
            "generated": False,
            "embolic_mL": 0.0,
        }
    ]
    beds = []
    for i in range(60):
        end = np.array([-60.0, -20.0, 40.0]) + rng.normal(0, 1, 3) * np.array([34.0, 20.0, 26.0])
        points = np.linspace([0.0, -10.0, 0.0], end, 12) + np.linspace(0, 1, 12)[:, None] * rng.normal(
            0, 2, (12, 3)
        )
        group = "tumor" if i < 6 else "target_segment" if i < 10 else "other_liver" if i < 14 else ""
        amount = {"tumor": 0.2, "target_segment": 0.02, "other_liver": 0.01}.get(group, 0.0)
        vessels.append(
            {
                "name": f"b{i}",
                "points_mm": points,
                "radius_mm": np.linspace(2.0, 0.4, 12),
                "generated": True,
                "embolic_mL": amount,
            }
        )
        center = np.array([-70.0, -20.0, 60.0]) + rng.normal(0, 7, 3) if group == "tumor" else end
        beds.append(
            {
                "vessel": f"b{i}",
                "center_mm": center,
                "territory": "s8",
                "group": group or "other_liver",
                "embolic_mL": amount,
            }
        )
    reasons = [
        f"Fluoroscopy took {12 + i}.4 min; the expert band is 6 to 10 min (lost 0.{i} points)."
        for i in range(9)
    ]
    errors = [
        {
            "t_s": 65.0,
            "code": "wall_force",
            "severity": "major",
            "vessel": "right_hepatic_artery",
            "position_mm": (-30.0, -10.0, 20.0),
            "detail": "0.9 N on the wall for 2.1 s",
            "title": "Pushed against the wall",
            "definition": "d",
            "advice": "Pull back, turn, and probe again.",
            "source": "unverified",
        }
    ]
    return {
        "vessels": vessels, "beds": beds, "errors": errors, "reasons": reasons,
        "places": {"tumor": 0.87, "target_segment": 0.07, "other_liver": 0.05, "gallbladder": 0.006,
                   "systemic": 0.004, "in_flight": 0.0},
        "tumors": [{"name": "tumor", "center_mm": np.array([-70.0, -20.0, 60.0]), "diameter_mm": 30.0,
                    "segment": "8", "feeder": "tumor_feeder"}],
        "tables": {"Treatment": [("Selectivity reached", "ultraselective"), ("Embolic delivered", "1.42 mL")],
                   "Dose and contrast": [("Fluoroscopy", "12.4 min"), ("Kerma-area product", "31.2 Gy cm2")]},
        "timeline": [{"t_s": 3.0, "kind": "step", "text": "Celiac run", "severity": "info"}],
        "result": {"harm": [{"code": "gallbladder", "title": "Gallbladder", "severity": "minor",
                             "measure": "embolic_mL", "text": "Pain and fever are possible.", "amount": 0.03,
                             "source": "authored"}],
                   "completed": True, "procedure_time_s": 744.0, "level": "ultraselective",
                   "score": {"total": 78.4, "parts": [
                       {"name": "a", "title": "Selectivity", "points": 38.0, "of": 40.0},
                       {"name": "b", "title": "Handling", "points": 20.4, "of": 30.0},
                       {"name": "c", "title": "Dose and contrast", "points": 20.0, "of": 30.0}]}},
    }  # fmt: skip


def cases() -> list[Case]:
    facts = (
        ("Patient", "67 years, male, 78 kg"),
        ("Diagnosis", "hepatocellular carcinoma"),
        ("Child-Pugh", "A5"),
        ("History", "Hepatitis C cirrhosis under surveillance. A new lesion was found at follow-up. " * 3),
        ("Labs", "egfr mL min 74, bilirubin mg dL 1.1, inr 1.1"),
    )
    plan = (
        ("Target", "segment 8"),
        ("Drug", "doxorubicin 50 mg"),
        ("Embolic", "deb 100 300"),
        ("End point", "near stasis"),
    )
    task = (
        "Find the artery that feeds the tumor.",
        "Give the drug and embolize to near stasis.",
        "Spare the gallbladder.",
    )
    return [
        Case(
            "first",
            "First case: a tumor in segment 8",
            Path("first.yaml"),
            "easy",
            "A 30 mm tumor in segment 8, ordinary anatomy: one feeder from the anterior branch.",
            facts,
            task,
            plan,
            "67 years, male. Hepatocellular carcinoma. About 30 min.",
            ("The gallbladder.",),
            ("The celiac trunk leaves the aorta forward at T12.", "A run before every embolic."),
            "A run before every embolic.",
            (("Fluoroscopy", "expert 6 to 10, trainee 15 to 25 min"),),
        ),
        Case(
            "cystic",
            "Beware of the gallbladder",
            Path("cystic.yaml"),
            "medium",
            "The way to segment 5 passes the cystic artery; what goes back ends in the gallbladder.",
            facts,
            task,
            plan,
        ),
        Case(
            "broken",
            "own.yaml",
            Path("own.yaml"),
            fault="own.yaml:7: unknown key 'radus'. Did you mean 'radius'?",
        ),
    ]


def backstage(out_dir: Path) -> Backstage:
    def open_room(case: Case, seed: int, report: Report) -> Room:
        report(0.3, "the patient comes in …")
        hand = make_hand("keyboard", DEVICES, FLUIDS)
        return Room(FakeSession(hand, seed, out_dir), hand)

    return Backstage(cases, open_room, lambda report: report(0.5, "preparing the X-ray room …"))


if __name__ == "__main__":
    width, height = (int(n) for n in sys.argv[1].split("x"))
    folder = Path(sys.argv[2])
    sys.exit(run(None, 1, "keyboard", False, folder, backstage=backstage(folder), size=(width, height)))
