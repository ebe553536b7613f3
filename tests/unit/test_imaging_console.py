"""The machine's console: dose modes, shield, detector, wedges, window, kept positions."""

import numpy as np
import pytest
from test_imaging_suite import FLUORO, IDLE, SIZE, drive, suite

from trainer.commands import Action, Commands
from trainer.errors import CallError
from trainer.imaging.chain import wedge_row
from trainer.imaging.suite import Imaging


def acts(*actions: Action) -> Commands:
    return Commands(actions=actions)


def look(imaging: Imaging, *actions: Action, seconds: float = 1.0) -> np.ndarray:
    """The picture after fluoroscopy, with what was set before."""
    frames = drive(imaging, [(acts(*actions), 1, 0.0), (IDLE, 90, 0.0), (FLUORO, round(60 * seconds), 0.0)])
    live = frames[-1].xray.live
    assert live is not None
    return live.astype(float)


def test_dose_modes_change_the_dose_at_the_receptor_and_with_it_all_others() -> None:
    received, given = [], []
    for mode in ("low", "normal", "high"):
        imaging = suite()
        look(imaging, Action("dose_mode", {"mode": mode}))
        assert imaging._exposure is not None
        received.append(imaging._exposure.receptor_uGy)
        given.append(imaging.meter.air_kerma_mGy)
    assert received[0] / received[1] == pytest.approx(0.4, rel=0.02)
    assert received[2] / received[1] == pytest.approx(2.0, rel=0.02)
    assert given[0] < 0.5 * given[1] < 0.3 * given[2]
    with pytest.raises(CallError, match="low, normal, high"):
        suite().step(0.0, 1 / 60, acts(Action("dose_mode", {"mode": "none"})), None, None, 0.0, np.zeros(3))


def test_a_shield_spares_the_operator_and_nobody_else() -> None:
    both = []
    for on in (True, False):
        imaging = suite()
        look(imaging, Action("shield", {"on": on}))
        both.append((imaging.meter.kap_Gycm2, imaging.meter.operator_uSv))
    assert both[0][0] == both[1][0]
    system = imaging.system
    assert both[1][1] == pytest.approx(both[1][0] * system.operator_uSv_Gycm2.value)
    assert both[0][1] == pytest.approx(both[0][0] * system.operator_shielded_uSv_Gycm2.value)


def test_a_nearer_detector_magnifies_less() -> None:
    imaging = suite()
    look(imaging, Action("sid", {"mm": 700.0}))
    geometry = imaging.stand.geometry
    assert geometry.sid == 900.0
    assert geometry.magnification == pytest.approx(900.0 / geometry.sod)


def test_a_wedge_darkens_its_side_and_takes_dose_away() -> None:
    imaging, plain = suite(), suite()
    before = look(plain)
    after = look(imaging, Action("wedge", {"left": 0.3, "right": 0.0}))
    assert imaging.chain.gain[:, 4].mean() < 0.5 * plain.chain.gain[:, 4].mean()
    assert np.array_equal(imaging.chain.gain[:, 200:], plain.chain.gain[:, 200:])
    assert after[:, :40].mean() < before[:, :40].mean()
    share = float(wedge_row(64, (0.3, 0.0), imaging.system.wedge.value).mean())
    ratio = imaging.meter.kap_Gycm2 / imaging.meter.air_kerma_mGy / (plain.meter.kap_Gycm2 / plain.meter.air_kerma_mGy)
    assert ratio == pytest.approx(share, rel=1e-6)


def test_the_window_by_hand_is_added_to_the_automatic_one() -> None:
    plain = look(suite())
    bright = look(suite(), Action("window", {"brightness": 30.0, "contrast": 1.0}))
    strong = look(suite(), Action("window", {"brightness": 0.0, "contrast": 1.6}))
    middle = (plain > 60) & (plain < 190)
    assert np.median((bright - plain)[middle]) == pytest.approx(30.0, abs=1.0)
    assert strong[middle].std() > 1.3 * plain[middle].std()


def test_kept_positions_are_driven_to() -> None:
    imaging = suite()
    view = Action("view", {"primary_deg": 30.0, "secondary_deg": 20.0})
    frames = drive(imaging, [(acts(view), 180, 0.0), (acts(Action("store_view", {"place": 2})), 1, 0.0)])
    assert frames[-1].xray.stored_views == ("", "LAO 30 / CRA 20", "", "")
    there = imaging.stand.geometry
    away = acts(Action("view", {"primary_deg": -45.0, "secondary_deg": 0.0}), Action("fov", {"diagonal_mm": 220.0}))
    drive(imaging, [(away, 300, 0.0)])
    assert imaging.stand.geometry != there
    drive(imaging, [(acts(Action("recall_view", {"place": 2})), 400, 0.0)])
    assert imaging.stand.geometry == there
    drive(imaging, [(acts(Action("recall_view", {"place": 4})), 5, 0.0)])  # none is kept there
    assert imaging.stand.geometry == there
    assert there.pixels == SIZE
