"""One procedure as reset and step. The only place that knows the order of a step.

    simulation = Simulation(setup)
    frame = simulation.reset(seed)
    frame = simulation.step(commands)

A step is 1/60 s. The order is: breathing, instruments, blood and injection, embolization (inside flow),
X-ray, frame. Nothing here reads a clock but for `timings`, which no result depends on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from trainer.anatomy.build import build_patient
from trainer.anatomy.motion import Breath
from trainer.anatomy.spec import PatientSpec
from trainer.anatomy.types import Patient
from trainer.commands import ACTIONS, SLOTS, Action, Commands
from trainer.errors import ScenarioError, nearest
from trainer.flow.cells import build_cells
from trainer.flow.flow import Flow
from trainer.flow.fluids import load_pharmacy
from trainer.flow.flushing import Sent
from trainer.flow.hydraulics import Lumen
from trainer.flow.types import FlowState
from trainer.frame import Event, Frame, Truth, Vitals
from trainer.imaging.devices import Layer
from trainer.imaging.suite import Imaging
from trainer.imaging.types import ImagingFrame
from trainer.instruments.catalog import Catalog, load_catalog
from trainer.instruments.injuries import WallLoad
from trainer.instruments.instruments import Instruments
from trainer.instruments.puncture import Puncture
from trainer.instruments.puncture_rules import puncture_rules
from trainer.instruments.stops import HubStops
from trainer.instruments.types import Shapes
from trainer.units import STEP_S


@dataclass(frozen=True, slots=True)
class Setup:
    """What a case hands to the simulation."""

    patient: PatientSpec
    devices: tuple[str, ...] = ()
    """Catalog ids that lie on the table; empty means the whole catalog."""
    fluids: tuple[str, ...] = ()
    """Fluids that lie on the table; empty means all."""
    coils: tuple[str, ...] = ()
    """Coils that lie on the table; empty means none."""


class Simulation:
    """A patient on the table. `patient`, `cells` and `catalog` may be read; nothing may be set."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.catalog: Catalog = load_catalog()
        for device in setup.devices:
            if device not in self.catalog.devices:
                raise ScenarioError(f"unknown device '{device}'", mend=nearest(device, self.catalog.devices))
        self._labels = {name: spec.label for name, spec in self.catalog.devices.items()} | {
            name: fluid.label for name, fluid in load_pharmacy().fluids.items()
        }
        self.timings: dict[str, float] = {}
        self.patient: Patient

    def reset(self, seed: int) -> Frame:
        """Builds the patient from the setup and the seed; returns the frame before the first step."""
        anatomy, breath, flow, imaging = np.random.SeedSequence(seed).spawn(4)
        self.patient = build_patient(self.setup.patient, anatomy)
        self.cells = build_cells(self.patient)
        self._breath = Breath(self.patient.breathing, np.random.default_rng(breath))
        self._instruments = Instruments(self.patient.tree, self.patient.access, self.catalog)
        self._stops = HubStops()
        self._flow = Flow(self.patient, self.cells, lumens(self.catalog), flow)
        self._puncture = Puncture(self.patient) if self.setup.patient.puncture == "trainee" else None
        self._imaging = Imaging(
            self.patient, self.cells, xray_layers(self.catalog) | access_layers(), int(imaging.generate_state(1)[0])
        )
        self._step = 0
        self._hold = False
        self._finished = False
        self._cuff = _Cuff(self.patient.heart.systolic_mmHg, self.patient.heart.diastolic_mmHg)
        return self._advance(Commands())

    def step(self, commands: Commands) -> Frame:
        """One 60 Hz step."""
        self._step += 1
        return self._advance(commands)

    def _advance(self, commands: Commands) -> Frame:
        t_s, dt_s = self._step * STEP_S, STEP_S
        events: list[Event] = []
        marks = [perf_counter()]

        def mark() -> None:
            marks.append(perf_counter())

        for action in commands.actions:
            events.extend(self._act(action, t_s))
        breath, offset = self._breath.step(dt_s, self._hold, self._flow.comfort.pain)
        mark()
        shapes = self._instruments.step(commands.hands, offset, dt_s)
        events.extend(self._stops.look(self._instruments, t_s))
        seen = self._step_puncture(commands, dt_s, t_s, events) or shapes
        mark()
        flow = self._flow.step(dt_s, shapes, commands.syringe_slot, commands.syringe_mL_s, breath)
        self._instruments.injuries.jet(shapes, self._flow.jets(), dt_s)
        self._instruments.injuries.relax(self._flow.nitroglycerin_ug_mL(shapes.injuries))
        events.extend(self._instruments.injuries.take(t_s))
        events.extend(self._instruments.coils.take(t_s))
        events.extend(self._instruments.mishaps.take(t_s, self.patient.tree.names))
        events.extend(_sent(self.patient, sent, shapes, t_s) for sent in self._flow.sent())
        mark()
        picture = self._imaging.step(t_s, dt_s, commands, seen, flow, breath, offset)
        if self._puncture is not None:
            self._puncture.look(picture.xray.beam_on, picture.xray.isocenter_mm)
        mark()
        frame = self._frame(t_s, shapes, flow, picture, breath, events)
        mark()
        names = ("anatomy", "instruments", "flow", "imaging", "frame")
        self.timings = {name: b - a for name, a, b in zip(names, marks, marks[1:], strict=False)}
        return frame

    def drug_exposure(self) -> dict[str, float]:
        """Drug in tumor and plasma over time; see `flow.exposure`. Empty when none was given."""
        return self._flow.drug_exposure()

    def aftermath(self) -> dict[str, float]:
        """What is left behind beside the tumor; see `flow.Flow.aftermath`."""
        return self._flow.aftermath()

    def _step_puncture(self, commands: Commands, dt_s: float, t_s: float, events: list[Event]) -> Shapes | None:
        """Moves finger and needle; at the end puts the sheath where it was made. What X-ray meets of it, or None."""
        puncture = self._puncture
        if puncture is None:
            return None
        puncture.move(commands.hands, dt_s)
        events.extend(puncture.take(t_s))
        if not puncture.done:
            return puncture.shapes()
        self.patient = replace(self.patient, access=puncture.access())
        self._instruments = Instruments(self.patient.tree, self.patient.access, self.catalog)
        self._flow.tips.move_sheath(self.patient.access)
        self._puncture = None
        return None

    def _act(self, action: Action, t_s: float) -> list[Event]:
        """Carries out one discrete act; a refusal becomes an event that says why."""
        wanted = ACTIONS.get(action.kind)
        if wanted is None or set(action.args) - set(wanted):
            return [_refusal(t_s, action, f"no such action: {action.kind} {sorted(action.args)}")]
        try:
            handler: Callable[..., str | None] | None = getattr(self, f"_do_{action.kind}", None)
            refused = handler(**action.args) if handler else None
        except (TypeError, ValueError) as error:
            refused = f"{action.kind}: {error}"
        if refused:
            return [_refusal(t_s, action, refused)]
        text = _ANNOUNCE.get(action.kind)
        if text is None:
            return []
        words = {k: self._labels.get(v, v) if isinstance(v, str) else v for k, v in action.args.items()}
        return [Event(t_s, f"table.{action.kind}", "info", text.format(**words), detail=dict(action.args))]

    def _do_insert(self, slot: str, device: str, tip_mm: float = 0.0, tip_deg: float = 0.0,
                   dry: bool = False) -> str | None:
        if slot not in SLOTS:
            return f"there is no place called '{slot}'"
        if self.setup.devices and device not in self.setup.devices:
            return f"'{device}' is not on the table in this case"
        if self._puncture is not None:
            return "There is no sheath yet: puncture the artery first."
        refused = self._instruments.insert(slot, device, float(tip_mm), float(tip_deg))
        if dry and not refused:
            self._flow.flushing.dry(slot)
        return refused

    def _do_puncture(self, step: str) -> str | None:
        if self._puncture is None:
            return "The sheath is in place."
        return self._puncture.do(step)

    def _do_remove(self, slot: str) -> str | None:
        return self._instruments.remove(slot)

    def _do_hold(self, slot: str, on: bool) -> str | None:
        return self._instruments.hold(slot, bool(on))

    def _do_flush(self, slot: str) -> str | None:
        return self._flow.flush(slot)

    def _do_coil(self, slot: str, coil: str) -> str | None:
        if coil not in self.setup.coils:
            return f"'{coil}' is not on the table in this case"
        return self._instruments.coil(slot, coil)

    def _do_inflate(self, slot: str, on: bool) -> str | None:
        return self._instruments.inflate(slot, bool(on))

    def _do_load_syringe(self, fluid: str, size_mL: float) -> str | None:
        return self._not_on_table(fluid) or self._flow.load_syringe(fluid, float(size_mL))

    def _do_inject(
        self,
        slot: str,
        fluid: str,
        rate_mL_s: float,
        volume_mL: float,
        rise_s: float = 0.3,
        limit_psi: float = 1000.0,
    ) -> str | None:
        return self._not_on_table(fluid) or self._flow.start_injection(
            slot, fluid, float(rate_mL_s), float(volume_mL), float(rise_s), float(limit_psi)
        )

    def _do_stop_injection(self) -> str | None:
        self._flow.stop_injection()
        return None

    def _do_breath_hold(self, on: bool) -> str | None:
        self._hold = bool(on)
        return None

    def _do_finish(self) -> str | None:
        self._finished = True
        return None

    def _not_on_table(self, fluid: str) -> str | None:
        if self.setup.fluids and fluid not in self.setup.fluids:
            return f"'{fluid}' is not on the table in this case"
        return None

    def _frame(
        self,
        t_s: float,
        shapes: Shapes,
        flow: FlowState,
        picture: ImagingFrame,
        breath: float,
        events: list[Event],
    ) -> Frame:
        self._cuff.feel(flow.aortic_mmHg, self.patient.heart.rate_bpm, t_s)
        return Frame(
            step=self._step,
            t_s=t_s,
            devices=tuple(replace(d, lumen=self._flow.flushing.words(d.slot))
                          for d in self._instruments.views(shapes)),
            xray=picture.xray,
            dose=picture.dose,
            injection=self._flow.injection_view(),
            vitals=Vitals(
                heart_rate_bpm=self.patient.heart.rate_bpm,
                pressure_mmHg=flow.aortic_mmHg,
                systolic_mmHg=self._cuff.systolic,
                diastolic_mmHg=self._cuff.diastolic,
                breath=breath,
                holding_breath=self._breath.holding,
                pain=flow.pain,
            ),
            events=(*events, *picture.events),
            finished=self._finished,
            access=self._puncture.view() if self._puncture is not None else None,
            truth=_truth(self.patient, shapes, flow, self._instruments.injuries.load),
        )


class _Cuff:
    """Systolic and diastolic pressure of the last finished beat."""

    def __init__(self, systolic: float, diastolic: float) -> None:
        self.systolic, self.diastolic = systolic, diastolic
        self._beat = 0
        self._high, self._low = -np.inf, np.inf

    def feel(self, pressure_mmHg: float, rate_bpm: float, t_s: float) -> None:
        beat = int(t_s * rate_bpm / 60.0)
        if beat != self._beat:
            if np.isfinite(self._high):
                self.systolic, self.diastolic = self._high, self._low
            self._beat, self._high, self._low = beat, -np.inf, np.inf
        self._high, self._low = max(self._high, pressure_mmHg), min(self._low, pressure_mmHg)


def _truth(patient: Patient, shapes: Shapes, flow: FlowState, load: WallLoad) -> Truth:
    names = patient.tree.names
    return Truth(
        tip_vessel={t.slot: names[t.vessel] if t.vessel >= 0 else "" for t in shapes.tips},
        tip_mm={t.slot: (float(t.position[0]), float(t.position[1]), float(t.position[2])) for t in shapes.tips},
        centerline_mm=shapes.nodes,
        max_wall_force_N=shapes.max_wall_force_N,
        wall_force_N={names[v]: n for v, n in load.force_N.items()},
        wall_pressure_kPa={names[v]: p for v, p in load.pressure_kPa.items()},
        extravasated_mL=flow.extravasated_mL,
        wall_penetration_mm=shapes.max_penetration_mm,
        outside_mm=max(0.0, shapes.max_penetration_mm),
        embolic_by_place={**flow.embolic_by_territory_mL, "systemic": flow.embolic_systemic_mL},
        embolic_in_flight_mL=flow.embolic_in_flight_mL,
        drug_by_place={**flow.drug_by_territory_mg, "systemic": flow.drug_systemic_mg},
        feeder_flow_share=flow.feeder_flow_share,
        mass_balance_error=flow.mass_balance_error,
        unconverged=not shapes.converged,
    )


def _sent(patient: Patient, sent: Sent, shapes: Shapes, t_s: float) -> Event:
    """Air or clot that left a tip, with the place."""
    tip = next(t for t in shapes.tips if t.slot == sent.slot)
    vessel = patient.tree.names[tip.vessel] if tip.vessel >= 0 else patient.access.vessel
    x, y, z = (float(v) for v in tip.position)
    text = f"{sent.what} went ahead of what was given through the {sent.slot}: it had not been flushed"
    return Event(t_s, f"lumen.{sent.what}_sent", "minor", text, vessel, (x, y, z), {"slot": sent.slot})


def lumens(catalog: Catalog) -> dict[str, Lumen]:
    """Open channel of each device that has one, by catalog id."""
    return {
        name: Lumen(spec.inner_diameter_mm, spec.length_mm, spec.max_pressure_psi, spec.openings_mm)
        for name, spec in catalog.devices.items()
        if spec.inner_diameter_mm > 0.0
    }


def xray_layers(catalog: Catalog) -> dict[str, tuple[Layer, ...]]:
    """What X-rays meet in each device, by catalog id."""
    return {
        name: tuple(
            Layer(
                layer.material,
                layer.outer_mm,
                layer.inner_mm,
                layer.from_tip_mm,
                spec.length_mm if layer.to_tip_mm is None else layer.to_tip_mm,
            )
            for layer in spec.xray
        )
        for name, spec in catalog.devices.items()
    }


def access_layers() -> dict[str, tuple[Layer, ...]]:
    """What X-rays meet of needle, guide wire and sheath during the puncture."""
    rules = puncture_rules()
    tubes = {"needle": rules.needle.xray, "wire": rules.wire.xray, "sheath": rules.sheath.xray}
    return {f"access_{name}": tuple(Layer(t.material, t.outer_mm, t.inner_mm, 0.0, 1e4) for t in layers)
            for name, layers in tubes.items()}


def _refusal(t_s: float, action: Action, why: str) -> Event:
    return Event(t_s, "refused", "info", why, detail={"action": action.kind, **dict(action.args)})


_ANNOUNCE: Mapping[str, str] = {
    "insert": "{device} placed in the {slot} hub",
    "remove": "{slot} taken out",
    "load_syringe": "syringe loaded with {fluid}",
    "flush": "{slot} flushed by hand",
    "finish": "procedure finished",
}

