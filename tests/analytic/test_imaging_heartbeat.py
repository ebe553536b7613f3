"""The heart's edge beats: how far, when, the whole of it and nothing else."""

from functools import cache

import numpy as np
import pytest
from flow_patient import DT, Y, patient_of

from trainer.anatomy.body import load_body
from trainer.anatomy.surfaces import depth
from trainer.flow.cells import build_cells
from trainer.flow.flow import Flow
from trainer.flow.heart import contraction_at
from trainer.imaging.geometry import Geometry
from trainer.imaging.heartbeat import ON_DIAPHRAGM, SWING_MM, Beat, swing
from trainer.imaging.patient_body import NOTHING
from trainer.imaging.pose import _Shadow, shifted_matrix
from trainer.imaging.scene import MOVING, Layer, build_scene

VIEW = Geometry(isocenter=(30.0, -28.0, 74.0), pixels=512)
"""The heart in the middle of the picture."""
PAD = 20


def shadow_of(layer: Layer, at: float = 0.0) -> np.ndarray:
    """Water path (H, W) mm of a layer whose vertices were moved by a share of their swing."""
    moved = Layer(layer.vertices + at * layer.swing, layer.faces, layer.density, layer.blob_mean, layer.blob_cov,
                  layer.blob_mass)
    drawn = _Shadow(moved, VIEW, PAD)
    while not drawn.finished:
        drawn.advance(1e9)
    return drawn.soft


@cache
def body() -> Layer:
    return build_scene(1.0, 1)[MOVING]


@cache
def beating() -> tuple[Beat, np.ndarray]:
    """The heart's part of the shadow, drawn in small portions, and the whole shadow."""
    layer, size = body(), VIEW.pixels + 2 * PAD
    shadow = shadow_of(layer)
    beat = Beat(layer.vertices, layer.faces, layer.density, layer.swing, VIEW, shifted_matrix(VIEW, PAD), size)
    while not beat.finished:
        beat.advance(5000.0, shadow)
    return beat, shadow


def at(contraction: float) -> np.ndarray:
    beat, shadow = beating()
    beat.show(contraction, shadow)
    return shadow.copy()


def left_border_mm(picture: np.ndarray) -> float:
    """Place of the heart's left border at the isocenter: where the path falls through a level, mean of 40 rows."""
    rows = picture[PAD + 236 : PAD + 276, PAD:-PAD]
    # to the patient's left, the picture's right, the path falls from heart to lung
    found = []
    for row in rows:
        start = 300
        level = 0.5 * (at_rest_level()[0] + at_rest_level()[1])
        k = start + int(np.argmax(row[start:] < level))
        found.append(k - 1 + (row[k - 1] - level) / (row[k - 1] - row[k]))
    return float(np.mean(found)) * VIEW.pixel_iso_mm


@cache
def at_rest_level() -> tuple[float, float]:
    """Path in the heart beside its left border and in the lung beyond it, mm."""
    rows = at(0.0)[PAD + 236 : PAD + 276, PAD:-PAD].mean(axis=0)
    fall = int(np.argmin(np.diff(rows[300:480]))) + 300
    return float(rows[fall - 14]), float(rows[fall + 14])


def test_the_left_border_moves_by_a_few_millimeters_and_comes_back() -> None:
    places = np.array([left_border_mm(at(k)) for k in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 0.5, 0.0)])
    way = places[0] - places
    assert (np.diff(way[:6]) > 0.4).all()  # inward, evenly
    assert 3.0 < way[5] < SWING_MM + 0.2
    assert way[6] == pytest.approx(0.5 * way[5], abs=0.1)
    assert way[7] == 0.0


@pytest.mark.parametrize("contraction", [1.0 / 3.0, 1.0])
def test_a_stage_is_the_body_drawn_anew(contraction: float) -> None:
    """Bit for bit but for rounding: every edge that moved is gone from where it was."""
    rest, there = at(0.0), at(contraction)
    anew = shadow_of(body(), contraction)
    assert np.abs(anew - rest).max() > 10.0
    assert there == pytest.approx(anew, abs=2e-3)


def test_between_two_stages_the_edge_lies_between() -> None:
    anew = shadow_of(body(), 0.5)
    assert left_border_mm(at(0.5)) == pytest.approx(left_border_mm(anew), abs=0.1)
    assert np.abs(at(0.5) - anew).mean() < 0.1 * np.abs(anew - at(0.0)).mean()


def test_the_free_wall_moves_most_and_what_lies_far_not_at_all() -> None:
    heart = load_body().organs["heart"]
    ways = np.array([[0.94, -0.34, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    out = np.array([heart.center + w * next(r for r in np.arange(5.0, 200.0, 0.1) if outside(heart.center + w * r))
                    for w in ways])
    moved = swing(load_body(), out)
    size = np.linalg.norm(moved, axis=1)
    assert size[0] == pytest.approx(SWING_MM, abs=0.1)
    assert size[1] < 0.4 * size[0]
    assert size[2] < ON_DIAPHRAGM * size[0]
    assert (np.einsum("ij,ij->i", moved, ways) <= 0.0).all()  # inward
    assert not swing(load_body(), heart.center + 160.0 * ways).any()


def outside(point: np.ndarray) -> bool:
    heart = load_body().organs["heart"]
    return bool(depth(((heart.center, heart.coefficients),), point[None])[0] < 0.0)


def test_pulse_and_picture_keep_time() -> None:
    """One clock: the pressure's upstroke begins at end diastole, its notch comes at end systole, beat after beat."""
    patient = patient_of(Y, {"left": 2.0, "right": 1.0}, pulse=40.0)
    blood = Flow(patient, build_cells(patient), {}, np.random.SeedSequence(1))
    states = [blood.step(DT) for _ in range(600)]
    contraction = np.array([s.contraction for s in states])
    aortic = np.array([s.aortic_mmHg for s in states])
    beat = 60.0 / patient.heart.rate_bpm / DT
    starts = [k for k in range(1, 599) if contraction[k - 1] > contraction[k] < contraction[k + 1] and k > 2]
    starts = [k for k in starts if contraction[k] < 0.02]
    assert np.diff(starts) == pytest.approx(beat, abs=1.01)
    assert len(starts) == pytest.approx(600 / beat, abs=1.01)
    for k in starts[:-1]:
        assert aortic[k] == pytest.approx(aortic.min(), abs=3.0)
        assert np.argmax(contraction[k : k + round(beat)]) == pytest.approx(0.4 * beat, abs=1.01)
    assert contraction.max() > 0.98


def test_without_a_pulse_nothing_moves() -> None:
    patient = patient_of(Y, {"left": 2.0, "right": 1.0}, pulse=0.0)
    blood = Flow(patient, build_cells(patient), {}, np.random.SeedSequence(1))
    assert {blood.step(DT).contraction for _ in range(120)} == {0.0}


def test_a_beat_is_continuous() -> None:
    values = np.array([contraction_at(p) for p in np.linspace(0.0, 2.0, 2001)])
    assert values.min() == 0.0
    assert values.max() == pytest.approx(1.0)
    assert np.abs(np.diff(values)).max() < 0.01
    assert values[:1000] == pytest.approx(values[1000:-1], abs=1e-9)


def test_a_body_without_a_beating_layer_stands_still() -> None:
    """As a CT's: there is nothing to draw and nothing to change."""
    beat = Beat(NOTHING.vertices, NOTHING.faces, NOTHING.density, NOTHING.swing, VIEW, shifted_matrix(VIEW, PAD), 552)
    assert beat.finished
    shadow = np.ones((552, 552), dtype=np.float32)
    beat.show(0.7, shadow)
    assert (shadow == 1.0).all()
