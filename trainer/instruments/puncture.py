"""Puncture of the artery: a straight needle through flat skin, blood, wire, dilator and sheath.

    puncture = Puncture(patient, rules)
    puncture.move(hands, dt_s)         # skin point and needle
    puncture.do("wire")                # None, or why not
    puncture.done, puncture.access()   # at the end

The artery is the centerline of the punctured vessel and of those it comes from, with the radius of its lumen; beyond
its drawn end it goes on straight. s runs along it, mm, 0 at the place that the anatomy names, positive to the heart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.access import nominal_puncture, sheath_on
from trainer.anatomy.body import load_body
from trainer.anatomy.types import Access, Patient
from trainer.commands import Hand
from trainer.frame import AccessView, Event, read_only
from trainer.instruments.puncture_rules import PunctureRules, RouteRules, puncture_rules
from trainer.instruments.shapes import empty_shapes
from trainer.instruments.types import Shapes

Floats = NDArray[np.float64]

UP_MM = 260.0
"""Length of artery toward the heart that a needle or its wire can meet."""
NEEDLE, POINT_ALONG, POINT_ACROSS = "needle", "skin_along", "skin_across"
"""Hands of the puncture: the needle's advance; the finger's way toward the heart and toward the patient's left."""
STEPS = {
    "wire": "guide wire through the needle",
    "needle_out": "needle out",
    "press": "press on the puncture",
    "sheath": "sheath with dilator over the wire",
    "dilator_out": "dilator and wire out",
}
"""Acts in the order in which they are meant to be done (press only when it bleeds)."""


@dataclass(frozen=True, slots=True)
class Course:
    """Centerline from distal to proximal: points (n, 3), radius (n,) and place s (n,), mm."""

    points: Floats
    radius: Floats
    s: Floats

    def nearest(self, point: Floats) -> tuple[float, float, float]:
        """Distance of a point from the axis, radius there, place s; mm."""
        a, b = self.points[:-1], self.points[1:]
        d = b - a
        t = np.clip(((point - a) * d).sum(1) / (d * d).sum(1), 0.0, 1.0)
        away = np.linalg.norm(point - a - t[:, None] * d, axis=1)
        k = int(np.argmin(away))
        radius = self.radius[k] + t[k] * (self.radius[k + 1] - self.radius[k])
        return float(away[k]), float(radius), float(self.s[k] + t[k] * (self.s[k + 1] - self.s[k]))

    def at(self, s: float) -> Floats:
        return np.array([np.interp(s, self.s, self.points[:, c]) for c in range(3)])


def course_of(patient: Patient, route: RouteRules) -> Course:
    """The artery about the nominal puncture of the patient's access."""
    tree = patient.tree
    v, nominal = nominal_puncture(patient.access, tree)
    points: list[Floats] = []
    radius: list[Floats] = []
    place: list[Floats] = []
    s, upto = 0.0, 1e9
    while True:
        own = slice(int(tree.first[v]), int(tree.first[v + 1]))
        arc = tree.arc(v)
        keep = arc <= upto
        x, r, a = tree.points[own][keep][::-1], tree.radius[own][keep][::-1], arc[keep][::-1]
        if not points:
            s = nominal - float(a[0])
        points.append(x)
        radius.append(r)
        place.append(s + a[0] - a)
        s = float(place[-1][-1])
        if s > UP_MM or tree.parent[v] < 0:
            break
        p = int(tree.parent[v])
        upto = float(tree.arc(p)[int(tree.attach[v]) - int(tree.first[p])])
        v = p
    line, width, at = np.concatenate(points), np.concatenate(radius), np.concatenate(place)
    out = line[0] - line[1]
    out /= np.linalg.norm(out)
    line = np.concatenate([[line[0] + route.goes_on_mm * out], line])
    width = np.concatenate([[route.goes_on_radius_mm], width])
    at = np.concatenate([[at[0] - route.goes_on_mm], at])
    rises = np.concatenate([[True], np.diff(at) > 1e-9])  # a branch begins on its parent's line
    return Course(line[rises], width[rises], at[rises])


@dataclass(slots=True)
class Puncture:
    """State of the puncture of one patient. Events wait in `events` without a time until they are taken."""

    patient: Patient
    rules: PunctureRules = field(default_factory=puncture_rules)
    events: list[Event] = field(default_factory=list)
    done: bool = False
    looked: bool = False
    """Fluoroscopy of the landmark was used."""
    along_mm: float = 0.0
    across_mm: float = 0.0
    depth_mm: float = 0.0
    attempts: int = 0
    wire: bool = False
    needle: bool = True
    sheath: bool = False
    entry_s: float = 0.0
    pressing_s: float = 0.0
    _bleeds: bool = False
    _told: set[str] = field(default_factory=set)
    _resisted: bool = False
    route: RouteRules = field(init=False)
    course: Course = field(init=False)
    landmark: tuple[Floats, float] | None = field(init=False)
    _frame: tuple[Floats, Floats, Floats, Floats] = field(init=False)

    def __post_init__(self) -> None:
        self.route = self.rules.routes[self.patient.access.route]
        self.course = course_of(self.patient, self.route)
        origin = self.course.at(0.0)
        up = self.course.at(4.0) - self.course.at(-4.0)
        up /= np.linalg.norm(up)
        skin = np.array([0.0, -1.0, 0.0])
        skin -= (skin @ up) * up
        skin /= np.linalg.norm(skin)
        left = np.cross(up, skin)
        left *= 1.0 if left[0] >= 0.0 else -1.0
        self._frame = origin, up, left, skin
        heads = load_body().femoral_heads
        self.landmark = (min(heads, key=lambda h: float(np.linalg.norm(h[0] - origin)))
                         if self.route.high_share is not None else None)
        self.along_mm, self.across_mm = self.start

    @property
    def ideal_along_mm(self) -> float:
        """Skin point, mm toward the heart, from which the needle meets the artery at the nominal place."""
        return -self.route.skin_mm / float(np.tan(np.radians(self.route.angle_deg)))

    @property
    def start(self) -> tuple[float, float]:
        """Where the finger begins, along and across, mm."""
        return self.ideal_along_mm + self.route.start_along_mm, self.route.start_across_mm

    @property
    def skin_point(self) -> Floats:
        origin, up, left, skin = self._frame
        out: Floats = origin + self.along_mm * up + self.across_mm * left + self.route.skin_mm * skin
        return out

    @property
    def direction(self) -> Floats:
        """Unit vector of the needle, into the patient."""
        _, up, _, skin = self._frame
        angle = np.radians(self.route.angle_deg)
        out: Floats = np.cos(angle) * up - np.sin(angle) * skin
        return out

    @property
    def tip(self) -> Floats:
        return self.skin_point + self.depth_mm * self.direction

    @property
    def blood(self) -> str:
        """What comes out of the needle: '' | weak (bevel in the wall) | dark (vein) | bright (artery)."""
        if not self.needle or self.depth_mm <= 0.0:
            return ""
        away, radius, _ = self.course.nearest(self.tip)
        if away < radius:
            return "bright"
        if away < radius + self.rules.needle.wall_mm:
            return "weak"
        return "dark" if self._in_vein() else ""

    def _in_vein(self) -> bool:
        if self.route.vein_radius_mm <= 0.0:
            return False
        _, _, left, _ = self._frame
        medial = -np.sign(self._frame[0][0]) * left
        away, _, _ = self.course.nearest(self.tip - self.route.vein_medial_mm * medial)
        return away < self.route.vein_radius_mm

    @property
    def pulse(self) -> float:
        """How clearly the finger on the skin feels the artery, 0..1."""
        _, _, left, skin = self._frame
        point = self.skin_point - self.route.skin_mm * skin
        _, _, s = self.course.nearest(point)
        off = float((point - self.course.at(s)) @ left)
        return float(np.exp(-((off / self.route.pulse_mm) ** 2)))

    # -- what the hands do ------------------------------------------------------------------------------------

    def move(self, hands: Sequence[Hand], dt_s: float) -> None:
        """Finger and needle for one step."""
        self.pressing_s = max(0.0, self.pressing_s - dt_s)
        rules = self.rules.needle
        for hand in hands:
            if not np.isfinite(hand.advance_mm_s) or self.done:
                continue
            if hand.slot == NEEDLE and self.needle and not self.wire and not self._bleeds:
                most = rules.speed_mm_s * dt_s
                before = self.depth_mm
                self.depth_mm = float(np.clip(before + np.clip(hand.advance_mm_s * dt_s, -most, most),
                                              0.0, rules.length_mm))
                if before == 0.0 and self.depth_mm > 0.0:
                    self.attempts += 1
                    self._told.clear()
            elif hand.slot in (POINT_ALONG, POINT_ACROSS) and self.depth_mm == 0.0 and not self.wire:
                step = float(np.clip(hand.advance_mm_s, -rules.point_mm_s, rules.point_mm_s)) * dt_s
                if hand.slot == POINT_ALONG:
                    self.along_mm = float(np.clip(self.along_mm + step, -120.0, 120.0))
                else:
                    self.across_mm = float(np.clip(self.across_mm + step, -60.0, 60.0))
        self._feel()

    def _feel(self) -> None:
        """Tells, once an attempt, what the needle met."""
        blood = self.blood
        if blood == "bright" and "bright" not in self._told:
            self._told.add("bright")
            _, _, self.entry_s = self.course.nearest(self.tip)
            self._tell("access.blood", "info", "bright blood in pulses: the needle is in the artery")
            if self.landmark is not None and not self.looked:
                self._tell("access.blind", "minor", "the artery was punctured without a look at the femoral head")
        elif blood == "dark" and "dark" not in self._told:
            self._told.add("dark")
            self._tell("access.venous", "minor", "dark blood without a pulse: the needle is in the vein, the artery "
                                                 "lies lateral to it")
        elif not blood and "bright" in self._told and "through" not in self._told and self._beyond():
            self._told.add("through")
            self._tell("access.through_wall", "info", "no blood any more: the needle has gone through the back wall; "
                                                      "pull back until it comes again")

    def _beyond(self) -> bool:
        """Whether the tip is past the artery."""
        _, _, s = self.course.nearest(self.tip)
        return float((self.tip - self.course.at(s)) @ self._frame[3]) < 0.0

    def do(self, step: str) -> str | None:
        """One act of STEPS. An error text for the operator, or None."""
        if self.done:
            return "The sheath is in place."
        act = {"wire": self._wire, "needle_out": self._needle_out, "press": self._press, "sheath": self._sheath,
               "dilator_out": self._dilator_out}.get(step)
        if act is None:
            return f"There is no step '{step}' of a puncture; there are {', '.join(STEPS)}."
        return act()

    def _wire(self) -> str | None:
        if self.wire:
            return "The wire is in."
        if not self.needle or self.depth_mm == 0.0:
            return "The wire goes through the needle: puncture first."
        blood = self.blood
        if blood == "bright":
            self.wire, self._resisted = True, False
            return None
        if blood == "weak":
            if self._resisted:
                self._tell("access.subintimal", "major", "the wire was pushed against resistance into the wall of the "
                                                         "artery: take the needle out and press")
                self._bleeds, self._resisted = True, False
                return None
            self._resisted = True
            return "The wire meets resistance at once: the bevel lies in the wall. Move the needle until blood pulses."
        if blood == "dark":
            return "Dark blood without a pulse: this is the vein. Take the needle out."
        return "No blood comes: the needle is not in the artery."

    def _needle_out(self) -> str | None:
        if not self.needle:
            return "The needle is out."
        if self.wire:
            self.needle = False
            return None
        if "bright" in self._told or self._bleeds:
            self._bleeds = True
            self._tell("access.bleeding", "minor", "the needle is out of the artery without a wire: it bleeds; press")
        self.depth_mm = 0.0
        self._told.clear()
        return None

    def _press(self) -> str | None:
        if not self._bleeds:
            return "Nothing bleeds."
        if self.depth_mm > 0.0:
            return "Take the needle out first."
        self._bleeds, self.pressing_s = False, self.rules.press_s
        return None

    def _sheath(self) -> str | None:
        if not self.wire:
            return "A sheath goes over a wire: puncture, and pass the wire through the needle."
        if self.needle:
            return "Take the needle out over the wire first."
        if self.sheath:
            return "The sheath is in; take out dilator and wire."
        self.sheath = True
        self._judge()
        return None

    def _judge(self) -> None:
        """Where the artery was entered, once it is dilated."""
        if self.landmark is None or self.route.high_share is None or self.route.low_share is None:
            return
        middle, radius = self.landmark
        share = float(self.course.at(self.entry_s)[2] - middle[2]) / radius
        if share > self.route.high_share:
            self._tell("access.high", "major", "the artery was entered above the femoral head's middle third, where "
                                               "the ligament is near: bleeding goes behind the peritoneum and "
                                               "cannot be pressed on", share=share)
        elif share < self.route.low_share:
            self._tell("access.low", "major", "the artery was entered below the femoral head, at or beyond the "
                                              "bifurcation: nothing to press against; false aneurysm, fistula or "
                                              "closure of a small vessel", share=share)

    def _dilator_out(self) -> str | None:
        if not self.sheath:
            return "There is no sheath yet."
        self.done = True
        self._tell("access.done", "info", f"sheath in place after {self.attempts} "
                                          f"{'attempt' if self.attempts == 1 else 'attempts'}")
        return None

    def access(self) -> Access:
        """The access as it was made. Only when `done`."""
        return sheath_on(self.patient.access, self.patient.tree, self.entry_s)

    # -- what others see --------------------------------------------------------------------------------------

    def view(self) -> AccessView:
        along, across = self.start
        return AccessView(along_mm=self.along_mm - along, across_mm=self.across_mm - across,
                          depth_mm=self.depth_mm, pulse=self.pulse, blood=self.blood,
                          needle=self.needle, wire=self.wire, sheath=self.sheath,
                          bleeds=self._bleeds, pressing_s=self.pressing_s, attempts=self.attempts,
                          next=self._next())

    def _next(self) -> str:
        if self._bleeds:
            return "press on the puncture" if self.depth_mm == 0.0 else "needle out, then press"
        if self.sheath:
            return STEPS["dilator_out"]
        if self.wire:
            return STEPS["needle_out"] if self.needle else STEPS["sheath"]
        if self.depth_mm == 0.0:
            return "find the pulse over the femoral head, then the needle" if self.landmark else "find the pulse"
        return {"bright": STEPS["wire"], "weak": "a little deeper or back until blood pulses",
                "dark": "the vein: needle out, go lateral"}.get(self.blood, "advance until blood pulses")

    def shapes(self) -> Shapes:
        """What X-ray meets: needle, wire and sheath on one line from outside the skin into the artery."""
        outside = self.skin_point - (self.rules.needle.length_mm - self.depth_mm) * self.direction
        line = np.linspace(outside, self.tip, 8)
        first = float(np.linalg.norm(self.tip - outside))
        ends = {"access_needle": first} if self.needle else {}
        if self.wire:
            ahead = np.arange(self.entry_s + 1.0, self.entry_s + self.rules.wire.ahead_mm, 3.0)
            line = np.concatenate([line, [self.course.at(s) for s in ahead]])
        path = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line, axis=0), axis=1))])
        if self.wire:
            ends["access_wire"] = float(path[-1])
        if self.sheath:
            ends["access_sheath"] = min(first + self.patient.access.sheath_mm, float(path[-1]))
        empty = empty_shapes((), (), np.zeros(0), np.zeros(0), self.tip, self.direction)
        return replace(empty, devices=tuple(ends), nodes=read_only(line), s=read_only(path),
                       device_end=read_only(np.array(list(ends.values()))))

    def look(self, beam_on: bool, isocenter_mm: Sequence[float]) -> None:
        """Tells whether X-ray is on, and where its picture's middle lies."""
        if self.landmark is not None and beam_on:
            self.looked |= float(np.linalg.norm(np.array(isocenter_mm) - self.landmark[0])) < self.rules.fluoro_mm

    def take(self, t_s: float) -> list[Event]:
        """What happened since the last call."""
        out = [replace(e, t_s=t_s) for e in self.events]
        self.events.clear()
        return out

    def _tell(self, code: str, severity: str, text: str, **detail: Any) -> None:
        x, y, z = (float(c) for c in self.tip)
        self.events.append(Event(0.0, code, severity, text, self.patient.access.punctured, (x, y, z), detail))
