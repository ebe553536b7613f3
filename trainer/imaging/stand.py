"""C-arm, table and console: what the operator set, moved in time, and the geometry that follows from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from trainer.commands import Commands
from trainer.errors import CallError
from trainer.imaging.dose import Shutters
from trainer.imaging.geometry import LIMIT_PRIMARY, LIMIT_SECONDARY, Geometry, angle_label
from trainer.imaging.system import System

TABLE_MM_S = 120.0
"""Speed of a table move by action, mm/s (design default, unverified)."""
# to the left and upward as far as the left arm and the arch: a real table is turned for that (stylized)
TABLE_LIMIT_MM = ((-220.0, 420.0), (-150.0, 150.0), (-330.0, 260.0))
SHUTTER_MAX = 0.45
PLACES = 4
"""Positions that can be kept."""


def nearest_of(value: float, allowed: tuple[float, ...]) -> float:
    return min(allowed, key=lambda x: abs(x - value))


def _toward(now: float, goal: float, step: float) -> float:
    return goal if abs(goal - now) <= step else now + math.copysign(step, goal - now)


class Kept(NamedTuple):
    """A position of arm and table."""

    angles: tuple[float, float]
    isocenter: tuple[float, float, float]
    field_mm: float
    sid_mm: float


class Stand:
    """State of the console. `step` applies one step's commands."""

    def __init__(self, system: System, size: int, start: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> None:
        """start: patient point at the isocenter when the procedure begins, mm."""
        self.system, self.size = system, size
        self.primary = self.secondary = 0.0
        self.isocenter = start
        self.field_mm = system.fields_mm.values[0]
        self.shutters: Shutters = (0.0, 0.0, 0.0, 0.0)
        self.pulse_hz, self.dsa_hz = 7.5, 3.0
        self.sid_mm = system.geometry.sid_mm
        self.wedges = (0.0, 0.0)
        self.dose_mode = "normal"
        self.shield = True
        self.kept: dict[int, Kept] = {}
        self._goal: tuple[float, float] | None = None
        self._table: tuple[float, float, float] | None = None
        self._acts: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "view": self._view,
            "table": self._move_table,
            "fov": self._fov,
            "collimate": self._collimate,
            "pulse_rate": lambda a: setattr(self, "pulse_hz", nearest_of(float(a["hz"]), system.fluoro.rates_hz)),
            "sid": self._sid,
            "wedge": self._wedge,
            "dose_mode": self._dose_mode,
            "shield": lambda a: setattr(self, "shield", bool(a["on"])),
            "store_view": self._store,
            "recall_view": self._recall,
            "dsa_rate": lambda a: setattr(self, "dsa_hz", nearest_of(float(a["hz"]), system.dsa.rates_hz)),
        }

    def _view(self, args: Mapping[str, Any]) -> None:
        p, s = math.radians(float(args["primary_deg"])), math.radians(float(args["secondary_deg"]))
        self._goal = (min(max(p, -LIMIT_PRIMARY), LIMIT_PRIMARY), min(max(s, -LIMIT_SECONDARY), LIMIT_SECONDARY))

    def _move_table(self, args: Mapping[str, Any]) -> None:
        x, y, z = (min(max(float(args[k]), lo), hi) for k, (lo, hi) in zip(("x_mm", "y_mm", "z_mm"), TABLE_LIMIT_MM))
        self._table = (x, y, z)

    def _fov(self, args: Mapping[str, Any]) -> None:
        self.field_mm = nearest_of(float(args["diagonal_mm"]), self.system.fields_mm.values)

    def _collimate(self, args: Mapping[str, Any]) -> None:
        left, right, top, bottom = (
            min(max(float(args[k]), 0.0), SHUTTER_MAX) for k in ("left", "right", "top", "bottom")
        )
        self.shutters = (left, right, top, bottom)

    def _sid(self, args: Mapping[str, Any]) -> None:
        low, high = self.system.sid_range_mm.values
        self.sid_mm = min(max(float(args["mm"]), low), high)

    def _wedge(self, args: Mapping[str, Any]) -> None:
        left, right = (min(max(float(args[k]), 0.0), SHUTTER_MAX) for k in ("left", "right"))
        self.wedges = (left, right)

    def _dose_mode(self, args: Mapping[str, Any]) -> None:
        if args["mode"] not in self.system.dose_modes.factors:
            raise ValueError(f"mode: one of {', '.join(self.system.dose_modes.factors)}")
        self.dose_mode = str(args["mode"])

    def _store(self, args: Mapping[str, Any]) -> None:
        place = min(max(int(args["place"]), 1), PLACES)
        self.kept[place] = Kept((self.primary, self.secondary), self.isocenter, self.field_mm, self.sid_mm)

    def _recall(self, args: Mapping[str, Any]) -> None:
        kept = self.kept.get(int(args["place"]))
        if kept is not None:
            self._goal, self._table = kept.angles, kept.isocenter
            self.field_mm, self.sid_mm = kept.field_mm, kept.sid_mm

    @property
    def stored_views(self) -> tuple[str, ...]:
        """What each kept position shows, '' where none is kept."""
        kept = (self.kept.get(k) for k in range(1, PLACES + 1))
        return tuple(angle_label(Geometry(*k.angles)) if k else "" for k in kept)

    def step(self, dt_s: float, commands: Commands, locked: bool) -> None:
        """Applies settings, then moves arm and table for dt_s; locked: a run is on and nothing moves."""
        for action in commands.actions:
            act = self._acts.get(action.kind)
            if act is None:
                continue
            try:
                act(action.args)
            except (KeyError, TypeError, ValueError) as error:
                raise CallError(f"action '{action.kind}' lacks a usable {error}", where="commands") from None
        if locked:
            return
        jog = commands.carm_rad_s
        if any(jog):
            self._goal = None
            self.primary += jog[0] * dt_s
            self.secondary += jog[1] * dt_s
        elif self._goal is not None:
            turn = math.radians(self.system.speed_deg_s.value) * dt_s
            self.primary = _toward(self.primary, self._goal[0], turn)
            self.secondary = _toward(self.secondary, self._goal[1], turn)
            if (self.primary, self.secondary) == self._goal:
                self._goal = None
        self.primary = min(max(self.primary, -LIMIT_PRIMARY), LIMIT_PRIMARY)
        self.secondary = min(max(self.secondary, -LIMIT_SECONDARY), LIMIT_SECONDARY)
        self._slide(dt_s, commands.table_mm_s)

    def _slide(self, dt_s: float, jog: tuple[float, float, float]) -> None:
        at = self.isocenter
        if any(jog):
            self._table = None
            at = (at[0] + jog[0] * dt_s, at[1] + jog[1] * dt_s, at[2] + jog[2] * dt_s)
        elif self._table is not None:
            g = self._table
            step = TABLE_MM_S * dt_s
            at = (_toward(at[0], g[0], step), _toward(at[1], g[1], step), _toward(at[2], g[2], step))
            if at == g:
                self._table = None
        x, y, z = (min(max(v, lo), hi) for v, (lo, hi) in zip(at, TABLE_LIMIT_MM))
        self.isocenter = (x, y, z)

    @property
    def traveling(self) -> bool:
        """Whether the arm or the table is still on its way."""
        return self._goal is not None or self._table is not None

    @property
    def geometry(self) -> Geometry:
        d = self.system.geometry
        return Geometry(self.primary, self.secondary, self.isocenter, self.field_mm, self.sid_mm, d.sod_mm, self.size)
