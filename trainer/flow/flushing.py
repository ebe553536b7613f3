"""Air and clot in lumens, and flushing them.

A lumen gets air in its hub when a device is taken out of it or when it went in dry. With nothing inside it and no
flush, blood stagnates in it and clots; with a device inside, the drip at the rotating valve keeps it clear. Saline by
hand of at least the dead space, or `flush`, clears it. Anything else given sends air and clot ahead of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trainer.flow.hydraulics import BLOOD, Column
from trainer.flow.injector import FLUSH, Delivery, Injector
from trainer.instruments.mishap_rules import FlushRules

LEAST_ML = 1e-6


HEPARIN = "heparin_flush"
"""The fluid in which clot forms more slowly."""


@dataclass(slots=True)
class _Lumen:
    device: str
    air: bool = False
    idle_s: float = 0.0
    """Since it was last flushed or run through, with nothing inside it."""
    saline_mL: float = 0.0
    other_mL: float = 0.0


@dataclass(slots=True)
class _Run:
    slot: str
    aspirate_s: float
    left_mL: float


@dataclass(frozen=True, slots=True)
class Sent:
    """Air or clot that was pushed out of a tip."""

    slot: str
    what: str  # air | clot


@dataclass(slots=True)
class Flushing:
    """The state of every lumen in place. `step` after the injector in each step."""

    rules: FlushRules
    sent: list[Sent] = field(default_factory=list)
    _lumens: dict[str, _Lumen] = field(default_factory=dict)
    _dry: set[str] = field(default_factory=set)
    _slots: tuple[str, ...] = ()
    _run: _Run | None = None

    def dry(self, slot: str) -> None:
        """The next device in this slot goes in unflushed."""
        self._dry.add(slot)

    def start(self, slot: str, injector: Injector) -> str | None:
        """Begins a flush. Returns what the operator is told when that is impossible."""
        line = injector.lines.get(slot)
        if line is None:
            return f"There is no lumen to flush in the slot '{slot}'."
        if self._run is not None or (injector.program is not None and injector.program.slot == slot):
            return "Wait until the injection or flush that is running has ended."
        self._run = _Run(slot, self.rules.aspirate_s, self.rules.volumes * line.column.volume_mL)
        return None

    def words(self, slot: str) -> str:
        """What the hub shows; a clot shows nothing, only that a flush is due."""
        lumen = self._lumens.get(slot)
        if self._run is not None and self._run.slot == slot:
            return "flushing"
        if lumen is None:
            return ""
        return "air in hub" if lumen.air else "flush due" if lumen.idle_s > self.rules.due_s else ""

    def follow(self, slots: tuple[str, ...], injector: Injector) -> None:
        """Devices put in and taken out since the last step."""
        gone = [s for s in self._slots if s not in slots]
        for slot in gone:
            before = self._slots[: self._slots.index(slot)]
            if before and before[-1] in self._lumens:
                self._lumens[before[-1]].air = True
        self._lumens = {s: known for s, known in self._lumens.items()
                        if s in injector.lines and injector.lines[s].device == known.device and s not in gone}
        for slot, line in injector.lines.items():
            if slot not in self._lumens:
                self._lumens[slot] = _Lumen(line.device, air=slot in self._dry)
        self._dry.clear()
        self._slots = slots
        if self._run is not None and self._run.slot not in injector.lines:
            self._run = None

    def push(self, injector: Injector, dt_s: float, tip_mmHg: float | None) -> list[Delivery]:
        """One step of a running flush: first draws back, then pushes saline at what a hand can."""
        run = self._run
        if run is None or tip_mmHg is None:
            return []
        line = injector.lines[run.slot]
        if run.aspirate_s > 0.0:
            run.aspirate_s -= dt_s
            if run.aspirate_s <= 1e-9:
                run.aspirate_s = 0.0
                line.column = Column(BLOOD, line.column.volume_mL)
            return []
        hand = min(injector.constants.syringe_psi[self.rules.syringe_mL], line.lumen.max_pressure_psi)
        rate = min(self.rules.rate_mL_s, run.left_mL / dt_s)
        out = injector.push(run.slot, FLUSH, rate, hand, dt_s, tip_mmHg)
        run.left_mL -= out.volume_mL
        if run.left_mL < LEAST_ML:
            self._clear(run.slot)
            self._run = None
        return [out]

    @property
    def running(self) -> str:
        """Slot that is being flushed, or ''."""
        return self._run.slot if self._run is not None else ""

    def step(self, injector: Injector, deliveries: list[Delivery], fluids: dict[str, str], dt_s: float) -> None:
        """Clocks and what was given. fluids: what each slot was given; by hand when it is the syringe's."""
        for k, slot in enumerate(self._slots):
            if slot in self._lumens and k == len(self._slots) - 1:
                heparin = injector.lines[slot].column.share(HEPARIN) > 0.5
                self._lumens[slot].idle_s += dt_s * (self.rules.heparin_slows if heparin else 1.0)
            elif slot in self._lumens and not self._lumens[slot].air:
                self._lumens[slot].idle_s = 0.0
        for d in deliveries:
            lumen = self._lumens.get(d.slot)
            if lumen is not None and d.volume_mL > 0.0:
                self._given(d, lumen, fluids[d.slot] in (FLUSH, HEPARIN), injector.lines[d.slot].column.volume_mL)

    def _given(self, d: Delivery, lumen: _Lumen, saline: bool, dead_mL: float) -> None:
        if saline:
            lumen.saline_mL, lumen.other_mL = lumen.saline_mL + d.volume_mL, 0.0
        else:
            lumen.other_mL, lumen.saline_mL = lumen.other_mL + d.volume_mL, 0.0
            if lumen.other_mL > self.rules.sent_mL:
                if lumen.air:
                    self.sent.append(Sent(d.slot, "air"))
                if lumen.idle_s > self.rules.clot_s:
                    self.sent.append(Sent(d.slot, "clot"))
                lumen.air, lumen.idle_s = False, 0.0
        if saline and lumen.saline_mL >= dead_mL:
            self._clear(d.slot)

    def _clear(self, slot: str) -> None:
        self._lumens[slot] = _Lumen(self._lumens[slot].device)
