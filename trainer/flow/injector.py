"""Power injector and hand syringe, through the lumen of the device they are connected to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from trainer.errors import nearest
from trainer.flow.fluids import Hemodynamics, Pharmacy
from trainer.flow.hydraulics import BLOOD, BLOOD_MPA_S, Column, Lumen, kink_resistance, lumen_resistance, lumen_volume
from trainer.flow.types import Floats
from trainer.frame import InjectionView
from trainer.instruments.types import Shapes, TipPose
from trainer.units import PSI_MMHG

FLUSH = "saline"
"""Devices are flushed with this before they are inserted."""
LEAST_RATE = 1e-9


@dataclass(slots=True)
class Line:
    """A device in place: its tip, its lumen now, and what stands in it."""

    device: str
    tip: TipPose
    lumen: Lumen
    inner_radius_mm: float
    inner_length_mm: float
    column: Column
    kinks: tuple[tuple[float, float], ...] = ()
    """Share of the inner diameter left and length, mm, of each kink."""

    def resistance(self, pharmacy: Pharmacy) -> float:
        """Resistance of the lumen with the fluids in it, mmHg s/mL (viscosity by volume)."""
        total = self.column.volume_mL
        weighed = sum(v * (BLOOD_MPA_S if f == BLOOD else pharmacy.fluids[f].viscosity_mPa_s)
                      for f, v in self.column.content)
        mean = weighed / total if total > 0.0 else BLOOD_MPA_S
        free = lumen_resistance(self.lumen, mean, self.inner_radius_mm, self.inner_length_mm)
        return free + kink_resistance(self.lumen, mean, self.kinks)


@dataclass(slots=True)
class Program:
    """A running injection of the power injector."""

    slot: str
    fluid: str
    rate_mL_s: float
    volume_mL: float
    rise_s: float
    limit_psi: float
    time_s: float = 0.0
    given_mL: float = 0.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What leaves one tip in a step."""

    slot: str
    tip: TipPose
    volume_mL: float
    amounts: Floats  # (S,)
    contrast_mL: float
    hub_psi: float
    limited: bool


@dataclass(slots=True)
class Injector:
    """All lines, the power injector and the one hand syringe."""

    lumens: Mapping[str, Lumen]
    pharmacy: Pharmacy
    constants: Hemodynamics
    lines: dict[str, Line] = field(default_factory=dict)
    program: Program | None = None
    state: str = "idle"
    syringe_fluid: str = ""
    syringe_size_mL: int = 0
    syringe_left_mL: float = 0.0
    view_slot: str = ""
    view_fluid: str = ""
    view_given_mL: float = 0.0

    def connect(self, shapes: Shapes | None) -> None:
        """Follows the devices in place: a new device arrives flushed, a removed one takes its fluid along."""
        if shapes is None:
            self.lines.clear()
            self.stop()
            return
        present: dict[str, Line] = {}
        for k, (slot, device, tip) in enumerate(zip(shapes.slots, shapes.devices, shapes.tips)):
            lumen = self.lumens.get(device)
            if lumen is None or lumen.inner_diameter_mm <= 0.0:
                continue
            radius, length = _inside(shapes, k, lumen)
            volume = lumen_volume(lumen, radius, length)
            line = self.lines.get(slot)
            if line is None or line.device != device:
                line = Line(device, tip, lumen, radius, length, Column(FLUSH, volume))
            line.tip, line.inner_radius_mm, line.inner_length_mm = tip, radius, length
            line.kinks = tuple((share, span) for at, share, span in shapes.narrowed if at == slot)
            line.column.fit(volume)
            present[slot] = line
        self.lines = present
        if self.program is not None and self.program.slot not in present:
            self.program, self.state = None, "done"

    def start(self, slot: str, fluid: str, rate_mL_s: float, volume_mL: float, rise_s: float,
              limit_psi: float) -> str | None:
        """Starts the power injector. Returns what the operator is told when it cannot start."""
        problem = self._problem(slot, fluid)
        if problem:
            return problem
        if not (0.0 < rate_mL_s <= 40.0 and 0.0 < volume_mL <= 150.0 and 0.0 <= rise_s <= 10.0
                and 0.0 < limit_psi <= 1200.0):
            return ("The injector takes 0-40 mL/s, 0-150 mL, a rise of 0-10 s and a limit of 1-1200 psi.")
        self.program = Program(slot, fluid, rate_mL_s, volume_mL, rise_s, limit_psi)
        self.state, self.view_slot, self.view_fluid, self.view_given_mL = "injecting", slot, fluid, 0.0
        return None

    def _problem(self, slot: str, fluid: str) -> str | None:
        if fluid not in self.pharmacy.fluids:
            return f"There is no fluid '{fluid}'. {nearest(fluid, self.pharmacy.fluids)}"
        if slot not in self.lines:
            return f"There is no lumen to inject through in the slot '{slot}'."
        return None

    def stop(self) -> None:
        if self.program is not None:
            self.program, self.state = None, "done"

    def load(self, fluid: str, size_mL: float) -> str | None:
        """Fills a fresh hand syringe. Returns what the operator is told when that is impossible."""
        if fluid not in self.pharmacy.fluids:
            return f"There is no fluid '{fluid}'. {nearest(fluid, self.pharmacy.fluids)}"
        sizes = sorted(self.constants.syringe_psi)
        if size_mL not in sizes:
            return f"There is no {size_mL:g} mL syringe; sizes are {', '.join(map(str, sizes))} mL."
        self.syringe_fluid, self.syringe_size_mL = fluid, int(size_mL)
        self.syringe_left_mL = float(size_mL)
        return None

    def advance(self, dt_s: float, tip_mmHg: Mapping[str, float], syringe_slot: str,
                syringe_mL_s: float) -> list[Delivery]:
        """What leaves each tip in one step against the blood pressure there."""
        out = []
        p = self.program
        if p is not None:
            p.time_s += dt_s
            ramp = min(1.0, p.time_s / p.rise_s) if p.rise_s > 0.0 else 1.0
            wanted = min(p.rate_mL_s * ramp, (p.volume_mL - p.given_mL) / dt_s)
            line = self.lines[p.slot]
            limit = min(p.limit_psi, line.lumen.max_pressure_psi)
            delivery = self._push(line, p.slot, p.fluid, wanted, limit, dt_s, tip_mmHg[p.slot])
            p.given_mL += delivery.volume_mL
            self.view_given_mL = p.given_mL
            self.state = "limited" if delivery.limited else "injecting"
            out.append(delivery)
            if p.given_mL >= p.volume_mL - 1e-9:
                self.program, self.state = None, "done"
        busy = p is not None and p.slot == syringe_slot
        ready = syringe_slot in self.lines and self.syringe_left_mL > 0.0 and not busy
        if ready and syringe_mL_s > LEAST_RATE:
            wanted = min(syringe_mL_s, self.syringe_left_mL / dt_s)
            line = self.lines[syringe_slot]
            hand = self.constants.syringe_psi[self.syringe_size_mL]
            delivery = self._push(line, syringe_slot, self.syringe_fluid, wanted, hand, dt_s,
                                  tip_mmHg[syringe_slot])
            self.syringe_left_mL = max(0.0, self.syringe_left_mL - delivery.volume_mL)
            if p is None:
                self.view_slot, self.view_fluid = syringe_slot, self.syringe_fluid
                self.view_given_mL = self.syringe_size_mL - self.syringe_left_mL
            if self.syringe_left_mL < 1e-9:
                self.syringe_left_mL = 0.0
            out.append(delivery)
        return out

    def push(self, slot: str, fluid: str, rate_mL_s: float, limit_psi: float, dt_s: float,
             tip_mmHg: float) -> Delivery:
        """Pushes through a device for one step, beside injector and syringe."""
        return self._push(self.lines[slot], slot, fluid, rate_mL_s, limit_psi, dt_s, tip_mmHg)

    def _push(self, line: Line, slot: str, fluid: str, rate: float, limit_psi: float, dt_s: float,
              tip_mmHg: float) -> Delivery:
        """Pushes at the asked rate, or at what the pressure limit leaves of it."""
        R = line.resistance(self.pharmacy)
        most = max(0.0, (limit_psi * PSI_MMHG - tip_mmHg) / R)
        limited = rate > most
        rate = min(rate, most)
        amounts = np.zeros(len(self.pharmacy.names))
        contrast = 0.0
        for name, volume in line.column.push(fluid, rate * dt_s):
            if name != BLOOD:
                amounts += volume * self.pharmacy.contents(name)
                contrast += volume * self.pharmacy.fluids[name].contrast_mL
        psi = (tip_mmHg + R * rate) / PSI_MMHG
        return Delivery(slot, line.tip, rate * dt_s, amounts, contrast, psi, limited)

    def view(self, deliveries: list[Delivery], dt_s: float, totals: Mapping[str, float]) -> InjectionView:
        """What the panel shows after a step."""
        shown = deliveries[0] if deliveries else None
        state = self.state
        if shown is not None and self.program is None:
            state = "limited" if shown.limited else "injecting"
        return InjectionView(
            state=state, slot=shown.slot if shown else self.view_slot, fluid=self.view_fluid,
            rate_mL_s=shown.volume_mL / dt_s if shown else 0.0, delivered_mL=self.view_given_mL,
            pressure_psi=shown.hub_psi if shown else 0.0, syringe_fluid=self.syringe_fluid,
            syringe_left_mL=self.syringe_left_mL, contrast_mL=totals["contrast_mL"],
            iodine_g=totals["iodine_g"], drug_mg=totals["drug_mg"], embolic_mL=totals["embolic_mL"])


def _inside(shapes: Shapes, k: int, lumen: Lumen) -> tuple[float, float]:
    """(outer radius, length) of what lies in the lumen of device k; the next device in the stack, mm."""
    if k + 1 >= len(shapes.slots):
        return 0.0, 0.0
    reach = float(shapes.device_end[k + 1] - shapes.device_end[k])
    return shapes.tips[k + 1].outer_radius_mm, min(lumen.length_mm, max(0.0, lumen.length_mm + reach))
