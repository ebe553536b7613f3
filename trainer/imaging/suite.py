"""The angiography suite: pedals, pictures, runs, roadmap and dose, one step at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from trainer.anatomy.types import Patient
from trainer.commands import Action, Commands
from trainer.flow.types import Cells, FlowState
from trainer.frame import Event, XrayView, read_only
from trainer.imaging import bands
from trainer.imaging.chain import Chain, Motion, wedge_row
from trainer.imaging.darkroom import Darkroom
from trainer.imaging.devices import DeviceProjector, Layer
from trainer.imaging.display import Window, add_roadmap, auto_window, coarse_log
from trainer.imaging.dose import DoseMeter, Shutters, SkinMap
from trainer.imaging.exposure import Exposure, control, target_uGy
from trainer.imaging.geometry import Geometry
from trainer.imaging.injuries import Drawn
from trainer.imaging.organs import bed_clouds
from trainer.imaging.patient_body import scene_of, skin_rings
from trainer.imaging.pose import Pose, Preview
from trainer.imaging.pulse import Shot, aec_water_mm, gas_drift_mm
from trainer.imaging.review import Review
from trainer.imaging.runs import Run
from trainer.imaging.scatter import SIZE
from trainer.imaging.stand import Stand
from trainer.imaging.system import Mode, System, load_system
from trainer.imaging.types import ImagingFrame
from trainer.instruments.types import Shapes

Floats = NDArray[np.float64]
Image8 = NDArray[np.uint8]

PIXELS = 1024
MASK_FRAMES = 2
"""Frames averaged into the mask at the start of a run."""
PREVIEW_WEIGHT = 0.85
"""Share of the newest frame in the picture of a moving arm, where little is to be averaged."""
AEC_S = 0.15
"""Time constant of exposure control, s."""
WORK_WITH_PICTURE = 10000.0
WORK_WITHOUT = 62000.0
WORK_BEFORE_RUN = 70000.0
"""Units of pose building in a step, by what else the step has to do."""
GAS_SHARE = 0.6
"""Share of the liver's motion that upper bowel gas takes (unverified)."""


START_AHEAD_MM = 60.0
"""The picture begins centered this far beyond the sheath's mouth, where devices will appear."""


class Imaging:
    """Everything that X-ray shows. `step` is called once a step; pictures are made only at pulses."""

    def __init__(
        self,
        patient: Patient,
        cells: Cells,
        layers: Mapping[str, Sequence[Layer]],
        seed: int,
        *,
        size: int = PIXELS,
        threads: int | None = None,
    ) -> None:
        self.system: System = load_system()
        x, y, z = (float(v) for v in patient.access.mouth + START_AHEAD_MM * patient.access.direction)
        self.stand = Stand(self.system, size, (x, y, z))
        self._scene = scene_of(patient, seed)
        self._coarse = scene_of(patient, seed, coarse=True)
        self._drawn = Drawn(patient, cells, bed_clouds(patient, seed), seed & 0xFFFFFFFF)
        self._redrawn: Pose | None = None
        self.chain = Chain(self.system, DeviceProjector(layers, size), size, threads or bands.default_threads())
        self._darkroom = Darkroom()
        self.meter = DoseMeter(self.system, SkinMap(skin_rings(patient)))
        self.review = Review()
        self.key = seed & 0xFFFFFFFF
        self._phase = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(79,))).uniform(0, 2 * math.pi, 3)
        self._pose = self._drawn.pose(self.stand.geometry, self._scene)
        self._water: float | None = None
        self._window: Window | None = None
        self._by_hand = (0.0, 1.0)
        self._exposure: Exposure | None = None
        self._pulse = 1.0  # share of a pulse interval gone by; a press gives a pulse at once
        self._pulses = 0
        self._kind = "none"
        self._preview: Preview | None = None
        self._looked = False  # a preview was made for the pulse that is due
        self._shot: Shot | None = None
        self._live: Image8 | None = None
        self._live_id = 0
        self._live_t_s = 0.0
        self._run: Run | None = None
        self._run_exposure: Exposure | None = None
        self._mask = np.zeros((size, size), dtype=np.float32)
        self._peak = np.zeros((size, size), dtype=np.float32)
        self._peak_geometry: Geometry | None = None
        self._roadmap = False
        self._alerts = 0
        self._events: list[Event] = []

    def step(
        self,
        t_s: float,
        dt_s: float,
        commands: Commands,
        shapes: Shapes | None,
        flow: FlowState | None,
        breath: float,
        offset_mm: Floats,
    ) -> ImagingFrame:
        """One step. offset_mm (3,): displacement of what breathes fully; breath is not needed for the picture.

        Pictures are made while the caller goes on with the next step; each call first waits for the last one's.
        """
        self._darkroom.wait()
        run_wanted = commands.dsa_pedal
        self.stand.step(dt_s, commands, locked=self._run is not None)
        geometry = self.stand.geometry
        if shapes is not None and shapes.injuries is not self._drawn.injuries:
            self._drawn.injure(shapes.injuries)
            if self._pose.ready:
                self._redrawn = self._drawn.again(self._pose)
            else:
                self._pose = self._drawn.pose(geometry, self._scene)
        if geometry != self._pose.geometry:
            self._pose, self._redrawn = self._drawn.pose(geometry, self._scene), None
        if self._redrawn is not None and self._redrawn.ready:
            self._pose, self._redrawn = self._redrawn, None
        moving = any(commands.carm_rad_s) or any(commands.table_mm_s) or self.stand.traveling
        for action in commands.actions:
            self._console(action, t_s)
        pictured = self._shot is not None
        self._develop(t_s)
        if self._run is not None and not run_wanted and self._shot is None:
            self._darkroom.later(self._end_run, t_s)
        beam_on = False
        if run_wanted:
            if self._pose.ready:
                beam_on = True
                if self._due(dt_s, self.stand.dsa_hz):
                    self._dsa_pulse(t_s, shapes, flow, offset_mm)
                    pictured = True
            elif not moving:
                self._darkroom.later(self._pose.advance, WORK_BEFORE_RUN)
        elif commands.fluoro_pedal:
            beam_on = True
            self.meter.fluoro_time_s += dt_s
            if self._due(dt_s, self.stand.pulse_hz) or self._looked:
                self._fluoro_pulse(t_s, shapes, flow, offset_mm)
                pictured = True
        else:
            self._release()
        if not moving and not self._pose.complete and (self._pose.ready or not run_wanted):
            self._darkroom.later(self._pose.advance, WORK_WITH_PICTURE if pictured else WORK_WITHOUT)
        elif self._redrawn is not None:
            self._darkroom.later(self._redrawn.advance, WORK_WITH_PICTURE if pictured else WORK_WITHOUT)
        self.meter.settle(t_s, beam_on)
        self._watch_dose(t_s)
        frame = ImagingFrame(self._view(beam_on), self.meter.view(), tuple(self._events))
        self._events = []
        self._darkroom.start()
        return frame

    # Console

    def _console(self, action: Action, t_s: float) -> None:
        if action.kind == "roadmap":
            self._set_roadmap(bool(action.args.get("on", True)), t_s)
        elif action.kind == "window":
            brightness, contrast = float(action.args["brightness"]), float(action.args["contrast"])
            self._by_hand = (min(max(brightness, -80.0), 80.0), min(max(contrast, 0.5), 2.5))
        elif action.kind in Review.ACTS:
            told = self.review.act(action.kind, action.args)
            if told is not None:
                self._event(t_s, f"xray.{action.kind}", "info", told)

    def _set_roadmap(self, on: bool, t_s: float) -> None:
        if on and self._peak_geometry != self.stand.geometry:
            self._event(t_s, "xray.roadmap_unavailable", "info", "Roadmap needs a run in this view")
            on = False
        self._roadmap = on

    def _event(self, t_s: float, code: str, severity: str, text: str) -> None:
        self._events.append(Event(t_s, code, severity, text))

    def _watch_dose(self, t_s: float) -> None:
        alerts = self.system.alerts_mGy.values
        while self._alerts < len(alerts) and self.meter.air_kerma_mGy >= alerts[self._alerts]:
            severity = "minor" if self._alerts == 0 else "major"
            self._event(
                t_s,
                "xray.high_dose",
                severity,
                f"Air kerma at the reference point passed {alerts[self._alerts]:.0f} mGy",
            )
            self._alerts += 1

    # Timing

    def _due(self, dt_s: float, rate_hz: float) -> bool:
        """Whether a pulse falls into this step. The first comes at once; the remainder is carried."""
        due = self._pulse >= 1.0 - 1e-9
        if due:
            self._pulse -= 1.0
        self._pulse += rate_hz * dt_s
        return due

    def _release(self) -> None:
        """No pedal: hold the last picture, when it has come."""
        self._pulse = 1.0
        self._looked = False
        if self._shot is None:
            self._darkroom.later(self._hold)

    def _hold(self) -> None:
        if self._kind in ("fluoro", "roadmap", "dsa"):
            self._kind = "hold"
            self._live_id += 1
        self.chain.fresh = True

    # Pictures

    def _motion(self, geometry: Geometry, t_s: float, offset_mm: Floats) -> Motion:
        gas = GAS_SHARE * np.asarray(offset_mm) + gas_drift_mm(t_s, self._phase)
        return Motion(geometry.shift_px(np.asarray(offset_mm)), geometry.shift_px(gas))

    def _expose(
        self,
        t_s: float,
        kind: str,
        body: Pose | Preview,
        rate_hz: float,
        locked: Exposure | None,
        shapes: Shapes | None,
        flow: FlowState | None,
        offset_mm: Floats,
    ) -> None:
        """Casts the shadow of one pulse and counts its dose."""
        while self._shot is not None:  # pedals changed within a pulse: the old picture comes first
            self._develop(t_s)
        mode: Mode = self.system.dsa if kind == "dsa" else self.system.fluoro_at(self.stand.dose_mode)
        stages = self.system.stages.dsa if kind == "dsa" else self.system.stages.fluoro
        geometry, shutters = body.geometry, self.stand.shutters
        water = aec_water_mm(body.water_mm, shutters)
        if self._water is None or (kind == "dsa" and locked is None):
            self._water = water  # a run keeps the exposure of its first pulse, so that one measures anew
        self._water += (water - self._water) * (1.0 - math.exp(-1.0 / (rate_hz * AEC_S)))
        exposure = locked or control(self.system, mode, stages, geometry, self._water, rate_hz, shutters)
        iodine = None
        if isinstance(body, Pose) and flow is not None:
            iodine = flow.iodine_mg_mL.copy(), np.append(flow.bed_iodine_mg, flow.extravasated_iodine_mg)
        motion = self._motion(geometry, t_s, offset_mm)
        wedges = self.stand.wedges
        contraction = flow.contraction if flow is not None else 0.0
        self._darkroom.later(self._cast, body, shutters, wedges, exposure, motion, iodine, shapes, contraction)
        unit = target_uGy(mode, self.system, geometry, rate_hz)
        self._shot = Shot(kind, t_s, geometry, shutters, exposure, body.water_mm, unit, self._pulses)
        self._pulses += 1
        self._exposure = exposure
        through = float(wedge_row(64, wedges, self.system.wedge.value).mean())
        self.meter.add(t_s, geometry, shutters, exposure.reference_uGy, through=through, shield=self.stand.shield)

    def _cast(
        self,
        body: Pose | Preview,
        shutters: Shutters,
        wedges: tuple[float, float],
        exposure: Exposure,
        motion: Motion,
        iodine: tuple[Floats, Floats] | None,
        shapes: Shapes | None,
        contraction: float,
    ) -> None:
        """Draws a pulse's shadow."""
        self.chain.aim(body.geometry, shutters, wedges)
        if isinstance(body, Pose):
            body.beat(contraction)
        if isinstance(body, Pose) and iodine is not None:
            self.chain.draw_iodine(body, *iodine, motion)
        else:
            self.chain.iodine[:] = 0.0
        self.chain.attenuate(body, body.geometry, exposure, motion, shapes)

    def _develop(self, t_s: float) -> None:
        """The next step from a shadow to a picture: onto the panel, then read out. Shares the work among steps."""
        shot = self._shot
        if shot is None:
            return
        if not shot.on_panel:
            key = (self.key, shot.number)
            self._darkroom.later(
                self.chain.expose, shot.geometry, shot.shutters, shot.exposure, shot.water_mm, shot.unit_uGy, key
            )
            shot.on_panel = True
            return
        self._shot = None
        if shot.kind == "dsa":
            self._darkroom.later(self._show_difference, shot)
        else:
            self._darkroom.later(self._show_fluoro, t_s, shot)

    def _fluoro_pulse(self, t_s: float, shapes: Shapes | None, flow: FlowState | None, offset_mm: Floats) -> None:
        """One pulse. With the arm under way the coarse body is drawn a step before, to share the work.

        Where the arm has come to rest that body is shown again until the fine one is done.
        """
        body: Pose | Preview = self._pose
        if not self._pose.ready:
            seen = self._preview
            if seen is None or not (self._looked or seen.geometry == self.stand.geometry):
                self._darkroom.later(self._look_ahead, self.stand.geometry, np.array(offset_mm))
                self._looked = True
                return
            body = seen
        self._looked = False
        kind = "fluoro" if isinstance(body, Pose) else "preview"
        self._expose(t_s, kind, body, self.stand.pulse_hz, None, shapes, flow, offset_mm)

    def _look_ahead(self, geometry: Geometry, offset_mm: Floats) -> None:
        self._preview = Preview(geometry, self._coarse, offset_mm)

    def _show_fluoro(self, t_s: float, shot: Shot) -> None:
        """A fluoroscopic picture, with the roadmap over it if one is on."""
        chain = self.chain
        weight = self.system.filter.fluoro_weight if shot.kind == "fluoro" else PREVIEW_WEIGHT
        picture = self._native_gray(weight)
        if self._roadmap and self._peak_geometry == shot.geometry:
            self._kind = "roadmap"
            picture = add_roadmap(picture, self._peak, chain.shutter)
        else:
            if self._roadmap:
                self._roadmap = False
                self._event(t_s, "xray.roadmap_off", "info", "Roadmap ended: the view changed")
            self._kind = "fluoro"
        if shot.kind == "fluoro":
            self.review.recent.add(shot.t_s, shot.geometry, picture)
        self._show_live(picture, shot)

    def _native_gray(self, weight: float) -> Image8:
        chain = self.chain
        n = chain.size // SIZE
        inside = chain.shutter[n // 2 :: n, n // 2 :: n][:SIZE, :SIZE] > 0.9
        low = coarse_log(chain.expected, chain.free, inside)
        w = self._window = auto_window(low, inside, self._window)
        brightness, contrast = self._by_hand
        return chain.picture(weight, Window(w.mid, w.gain * contrast, w.gray + brightness), low)

    def _dsa_pulse(self, t_s: float, shapes: Shapes | None, flow: FlowState | None, offset_mm: Floats) -> None:
        if self._run is None:
            while self._shot is not None:  # a picture of fluoroscopy is read out before the panel is cleared
                self._develop(t_s)
            shutter = self.chain.shutter_of(self.stand.shutters)[::2, ::2]
            self._run = Run(len(self.review.store.runs) + 1, self.stand.geometry, shutter)
            self._run_exposure = None
            self._darkroom.later(self._clear_run)
            self._event(t_s, "xray.run_started", "info", f"Run {self._run.number} started")
        self._expose(t_s, "dsa", self._pose, self.stand.dsa_hz, self._run_exposure, shapes, flow, offset_mm)
        self._run_exposure = self._exposure
        self.meter.frames += 1

    def _clear_run(self) -> None:
        self._peak[:] = 0.0
        self._peak_geometry = None
        self.chain.fresh = True

    def _show_difference(self, shot: Shot) -> None:
        """A run's picture: the first ones make the mask, all are shown and stored subtracted from it."""
        run = self._run
        if run is None:
            return
        log = self.chain.integrate(1.0)
        number = run.count
        if number == 0:
            self._mask[:] = log
        elif number < MASK_FRAMES:
            self._mask += (log - self._mask) / np.float32(number + 1)
        picture = self.chain.difference(log, self._mask, self._peak if number >= MASK_FRAMES else None)
        run.add(log, number < MASK_FRAMES)
        self._kind = "dsa"
        self._show_live(picture, shot)

    def _end_run(self, t_s: float) -> None:
        run, self._run = self._run, None
        self.chain.fresh = True
        if run is None or not run.count:
            return
        self._peak_geometry = run.geometry
        self.review.add(run)
        e = self._run_exposure
        told = f": {e.words}" if e is not None else ""
        self._event(t_s, "xray.run_stored", "info", f"Run {run.number} stored, {run.count} images{told}")

    def _show_live(self, picture: Image8, shot: Shot) -> None:
        self._live, self._live_t_s = read_only(picture), shot.t_s
        self._live_id += 1

    def _view(self, beam_on: bool) -> XrayView:
        s, e, d = self.stand, self._exposure, self.system.geometry
        return XrayView(
            live=self._live,
            live_id=self._live_id,
            live_kind=self._kind,
            reference=self.review.picture,
            reference_id=self.review.id,
            reference_label=self.review.label,
            beam_on=beam_on,
            primary_deg=math.degrees(s.primary),
            secondary_deg=math.degrees(s.secondary),
            sid_mm=s.sid_mm,
            sod_mm=d.sod_mm,
            fov_mm=s.field_mm,
            isocenter_mm=s.isocenter,
            collimation=s.shutters,
            pulse_rate_hz=s.pulse_hz,
            dsa_rate_hz=s.dsa_hz,
            kVp=e.beam.kvp if e else 0.0,
            mA=e.mA if e else 0.0,
            pulse_ms=e.ms if e else 0.0,
            copper_mm=e.beam.copper_mm if e else 0.0,
            runs=len(self.review.store.runs),
            roadmap=self._roadmap,
            live_t_s=self._live_t_s,
            dose_mode=s.dose_mode,
            shield=s.shield,
            window=self._by_hand,
            wedges=s.wedges,
            stored_views=s.stored_views,
            reviewed=self.review.shown,
            mask_shift_px=self.review.shift_px,
        )
