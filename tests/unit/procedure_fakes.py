"""A small patient and a small simulation for the tests of scoring and procedure. No physics in it."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from trainer.anatomy.types import (
    Access,
    Beds,
    Breathing,
    Couinaud,
    Heart,
    Patient,
    Territory,
    Tumor,
    VesselTree,
)
from trainer.commands import Action, Commands, Hand
from trainer.frame import DeviceView, DoseView, Frame, InjectionView, Truth, Vitals, XrayView
from trainer.units import STEP_S

# name: (parent, where on the parent it leaves 0..1, end point, radius mm)
VESSELS = {
    "aorta": (None, 0.0, (0.0, 0.0, -200.0), 10.0),
    "iliac": ("aorta", 1.0, (-50.0, 0.0, -300.0), 4.0),
    "celiac": ("aorta", 0.5, (0.0, -20.0, -100.0), 3.5),
    "common_hepatic": ("celiac", 1.0, (-40.0, -20.0, -100.0), 2.4),
    "gastroduodenal": ("common_hepatic", 1.0, (-40.0, -20.0, -140.0), 1.8),
    "proper_hepatic": ("common_hepatic", 1.0, (-50.0, -20.0, -80.0), 2.1),
    "left_hepatic": ("proper_hepatic", 1.0, (-30.0, -40.0, -60.0), 1.4),
    "right_hepatic": ("proper_hepatic", 1.0, (-80.0, -20.0, -80.0), 1.7),
    "cystic": ("right_hepatic", 0.5, (-70.0, -30.0, -110.0), 0.8),
    "right_anterior": ("right_hepatic", 1.0, (-95.0, -30.0, -75.0), 1.3),
    "right_posterior": ("right_hepatic", 1.0, (-95.0, 10.0, -80.0), 1.3),
    "segment_8": ("right_anterior", 1.0, (-95.0, -40.0, -40.0), 0.9),
    "segment_5": ("right_anterior", 1.0, (-110.0, -30.0, -100.0), 0.8),
    "segment_8_far": ("segment_8", 1.0, (-95.0, -50.0, -20.0), 0.5),
    "feeder": ("segment_8", 0.5, (-120.0, -40.0, -50.0), 0.65),
}
# name: (vessel, organ, segment, tissue mL, flow mL/s)
TERRITORIES = {
    "legs": ("iliac", "legs", "", 5000.0, 10.0),
    "duodenum_pancreas": ("gastroduodenal", "duodenum_pancreas", "", 200.0, 2.5),
    "left_liver": ("left_hepatic", "liver", "3", 400.0, 1.4),
    "gallbladder": ("cystic", "gallbladder", "", 30.0, 0.25),
    "segment_6": ("right_posterior", "liver", "6", 300.0, 1.3),
    "segment_5": ("segment_5", "liver", "5", 200.0, 0.6),
    "segment_8": ("segment_8_far", "liver", "8", 350.0, 0.5),
    "tumor": ("feeder", "tumor", "8", 14.0, 0.4),
}
NAMES = list(VESSELS)


def patient() -> Patient:
    """Vessels as straight lines; breathing share 0; one bed per territory."""
    points: dict[str, np.ndarray] = {}
    attach = []
    first = [0]
    for name, (parent, share, end, _) in VESSELS.items():
        if parent is None:
            start = np.zeros(3)
            attach.append(-1)
        else:
            k = round(share * (len(points[parent]) - 1))
            start = points[parent][k]
            attach.append(first[NAMES.index(parent)] + k)
        count = int(np.linalg.norm(np.array(end) - start) / 2.0) + 2
        points[name] = start + np.linspace(0.0, 1.0, count)[:, None] * (np.array(end) - start)
        first.append(first[-1] + count)
    total = first[-1]
    tree = VesselTree(
        names=tuple(NAMES), parent=np.array([NAMES.index(p) if p else -1 for p, *_ in VESSELS.values()]),
        first=np.array(first), points=np.vstack(list(points.values())),
        radius=np.concatenate([np.full(len(points[n]), VESSELS[n][3]) for n in NAMES]),
        attach=np.array(attach), breathing=np.zeros(total), generated=np.zeros(len(NAMES), dtype=bool),
    )  # fmt: skip
    rows = list(TERRITORIES.values())
    ends = np.array([points[r[0]][-1] for r in rows])
    beds = Beds(
        vessel=np.array([NAMES.index(r[0]) for r in rows]), territory=np.arange(len(rows)), center=ends,
        sigma=np.full((len(rows), 3), 10.0), tissue_mL=np.array([r[3] for r in rows]),
        flow_mL_s=np.array([r[4] for r in rows]), transit_s=np.full(len(rows), 4.0),
        breathing=np.zeros(len(rows)), vein=np.full(len(rows), -1),
    )  # fmt: skip
    mouth = points["iliac"][-1]
    return Patient(
        tree=tree, beds=beds, veins=tree, vein_kind=("systemic",) * len(NAMES),
        territories=tuple(Territory(n, r[1], r[2]) for n, r in TERRITORIES.items()),
        tumors=(Tumor("tumor", ends[-1], 30.0, "8", "feeder"),), liver=Couinaud((), {}),
        breathing=Breathing(0.2, (0.0, 0.0, -12.0), 0.0), heart=Heart(70.0, 120.0, 78.0, 93.0),
        access=Access("right_femoral", "iliac", mouth, np.array([0.0, 0.0, 1.0]), 1.9),
    )  # fmt: skip


def way(p: Patient) -> tuple[np.ndarray, list[str]]:
    """Points from the sheath mouth to the end of the feeder, about 1 mm apart, and the vessel of each."""
    tree, out, names = p.tree, [], []
    for name in ("iliac", "aorta", "celiac", "common_hepatic", "proper_hepatic", "right_hepatic",
                 "right_anterior", "segment_8", "feeder"):  # fmt: skip
        v = tree.index(name)
        line = tree.points[tree.first[v] : tree.first[v + 1]]
        if name == "iliac":
            line = line[::-1]
        elif name == "aorta":
            line = line[len(line) // 2 :][::-1]
        elif name == "segment_8":
            line = line[: round(0.5 * (len(line) - 1)) + 1]
        for a, b in pairwise(line):
            out += [a, 0.5 * (a + b)]
            names += [name, name]
    return np.array(out), names


XRAY = XrayView(None, 0, "none", None, 0, "", False, 0.0, 0.0, 1100.0, 750.0, 480.0, (0.0, 0.0, 0.0),
                (0.0, 0.0, 0.0, 0.0), 7.5, 3.0, 70.0, 0.0, 0.0, 0, False)  # fmt: skip


def frame(step: int = 0, **changes: Any) -> Frame:
    base = Frame(step, step * STEP_S, (), XRAY, DoseView(), InjectionView(), Vitals(), (), False, Truth())
    return replace(base, **changes)


def device(slot: str, inserted_mm: float, **changes: Any) -> DeviceView:
    base = DeviceView(slot, slot, slot, inserted_mm, 0.0, inserted_mm, 1300.0, 0.8, 0.0, 0.0)
    return replace(base, **changes)


class FakeSimulation:
    """Devices slide along the way to the feeder; what is injected goes where the tip is. Deterministic, and
    dependent on the seed, so that recordings of different seeds differ."""

    def __init__(self) -> None:
        self.patient = patient()
        self._way, self._names = way(self.patient)

    def reset(self, seed: int) -> Frame:
        self._noise = np.random.default_rng(seed)
        self._inserted: dict[str, float] = {}
        self._given = dict.fromkeys(("contrast_mL", "drug_mg", "embolic_mL"), 0.0)
        self._places: dict[str, float] = {}
        self._drug: dict[str, float] = {}
        self._fluid, self._fluoro_s, self._pulses, self._step = "contrast", 0.0, 0, 0
        self._finished = False
        return self._frame(Commands())

    def drug_exposure(self) -> dict[str, float]:
        return {}

    def aftermath(self) -> dict[str, float]:
        return {}

    def step(self, commands: Commands) -> Frame:
        self._step += 1
        for action in commands.actions:
            self._act(action)
        for hand in commands.hands:
            if hand.slot in self._inserted:
                self._inserted[hand.slot] += hand.advance_mm_s * STEP_S
        given = commands.syringe_mL_s * STEP_S if commands.syringe_slot in self._inserted else 0.0
        place = self._place(commands.syringe_slot) if given else ""
        if self._fluid == "embolic":
            self._given["embolic_mL"] += 0.125 * given
            self._places[place] = self._places.get(place, 0.0) + 0.125 * given
        elif self._fluid == "drug":
            self._given["drug_mg"] += 2.0 * given
            self._drug[place] = self._drug.get(place, 0.0) + 2.0 * given
        else:
            self._given["contrast_mL"] += given
        if commands.fluoro_pedal or commands.dsa_pedal:
            self._fluoro_s += STEP_S
            self._pulses += 1
        return self._frame(commands)

    def _act(self, action: Action) -> None:
        if action.kind == "insert":
            self._inserted[action.args["slot"]] = 0.0
        elif action.kind == "load_syringe":
            self._fluid = action.args["fluid"]
        elif action.kind == "finish":
            self._finished = True

    def _at(self, slot: str) -> int:
        return int(np.clip(self._inserted[slot], 0, len(self._way) - 1))

    def _place(self, slot: str) -> str:
        below = {"feeder": "tumor", "segment_8": "segment_8", "celiac": "duodenum_pancreas"}
        return below.get(self._names[self._at(slot)], "duodenum_pancreas")

    def _frame(self, commands: Commands) -> Frame:
        beam = commands.fluoro_pedal or commands.dsa_pedal
        live = np.full((8, 8), self._pulses % 251, dtype=np.uint8) if self._pulses else None
        kind = "dsa" if commands.dsa_pedal else "fluoro" if beam else "hold"
        stopped = min(self._places.get("tumor", 0.0) / 0.25, 1.0)
        return frame(
            self._step,
            devices=tuple(device(s, mm) for s, mm in self._inserted.items()),
            xray=replace(XRAY, live=live, live_id=self._pulses, live_kind=kind, beam_on=beam),
            dose=DoseView(fluoro_time_s=self._fluoro_s, kap_Gycm2=0.01 * self._fluoro_s),
            injection=InjectionView(rate_mL_s=commands.syringe_mL_s, slot=commands.syringe_slot, **self._given),
            vitals=Vitals(pressure_mmHg=93.0 + self._noise.normal()),
            finished=self._finished,
            truth=Truth(
                tip_vessel={s: self._names[self._at(s)] for s in self._inserted},
                tip_mm={s: tuple(float(x) for x in self._way[self._at(s)]) for s in self._inserted},
                embolic_by_place=dict(self._places), drug_by_place=dict(self._drug),
                feeder_flow_share=1.0 - stopped, mass_balance_error=0.0,
            ),
        )  # fmt: skip


class Script:
    """A controller that plays a list of (steps, commands) and then finishes."""

    def __init__(self, moves: list[tuple[int, Commands]]) -> None:
        self._commands = [c for n, c in moves for _ in range(n)] + [Commands(actions=(Action("finish"),))]
        self._next = 0

    def poll(self, _: Frame) -> Commands:
        self._next += 1
        return self._commands[min(self._next, len(self._commands)) - 1]


def insert(slot: str) -> tuple[int, Commands]:
    return 1, Commands(actions=(Action("insert", {"slot": slot, "device": slot}),))


def load(fluid: str) -> tuple[int, Commands]:
    return 1, Commands(actions=(Action("load_syringe", {"fluid": fluid, "size_mL": 10.0}),))


def push(slot: str, mm: float, *more: str, beam: bool = True) -> tuple[int, Commands]:
    """Advances slots together at 60 mm/s, 1 mm a step."""
    hands = tuple(Hand(s, 60.0) for s in (slot, *more))
    return round(mm), Commands(hands=hands, fluoro_pedal=beam)


def give(slot: str, mL: float, rate: float = 0.3, dsa: bool = False) -> tuple[int, Commands]:
    steps = round(mL / rate / STEP_S)
    return steps, Commands(syringe_slot=slot, syringe_mL_s=rate, fluoro_pedal=not dsa, dsa_pedal=dsa)


def good_procedure(p: Patient) -> list[tuple[int, Commands]]:
    """Catheter to the celiac trunk and a run, microcatheter into the feeder, test, drug, embolic, run."""
    _, names = way(p)
    celiac, end = names.index("common_hepatic") - 4, len(names) - 10
    return [insert("catheter"), insert("wire"), push("wire", 5.0), push("wire", celiac, "catheter"),
            give("catheter", 6.0, 4.0, dsa=True), insert("microcatheter"), insert("microwire"),
            push("microwire", 5.0), push("microwire", end, "microcatheter"),
            give("microcatheter", 1.0), load("drug"), give("microcatheter", 3.0),
            load("embolic"), give("microcatheter", 1.8, 0.03), load("contrast"),
            give("microcatheter", 1.0, 0.2, dsa=True)]  # fmt: skip
