"""Injector, syringe and dead space."""

import numpy as np
import pytest
from flow_patient import DT, device_at, new_flow, shipped

from trainer.flow.flow import Flow
from trainer.flow.hydraulics import BLOOD, Column, Lumen, lumen_volume
from trainer.instruments.types import Shapes


def ready(device: str = "micro") -> tuple[Flow, Shapes]:
    patient, cells = shipped()
    flow = new_flow(patient, cells)
    shapes = device_at(patient, "right_hepatic_artery", 10.0, device=device)
    flow.step(DT, shapes)
    return flow, shapes


def test_over_the_limit_less_is_delivered() -> None:
    flow, shapes = ready()
    assert flow.start_injection("microcatheter", "contrast_300", 3.0, 6.0, 0.0, 750.0) is None
    for _ in range(60):
        state = flow.step(DT, shapes)
    assert state.delivered_mL_s == pytest.approx(1.6, abs=0.2)
    assert state.limited
    assert state.hub_pressure_psi == pytest.approx(750.0, rel=1e-9)
    assert flow.injection_view().state == "limited"


def test_contrast_that_was_not_warmed_halves_what_is_delivered() -> None:
    rates = []
    for fluid in ("contrast_300", "contrast_300_cold"):
        flow, shapes = ready()
        assert flow.start_injection("microcatheter", fluid, 3.0, 6.0, 0.0, 750.0) is None
        for _ in range(60):
            state = flow.step(DT, shapes)
        assert state.limited
        rates.append(state.delivered_mL_s)
    assert rates[1] / rates[0] == pytest.approx(0.5, abs=0.12)


def test_wider_microcatheter_delivers_the_rate() -> None:
    flow, shapes = ready("wide")
    assert flow.start_injection("microcatheter", "contrast_300", 3.0, 6.0, 0.5, 1000.0) is None
    rates = []
    for _ in range(150):
        state = flow.step(DT, shapes)
        rates.append(state.delivered_mL_s)
    assert max(rates) == pytest.approx(3.0, rel=1e-9)
    assert rates[10] < 1.5  # still rising
    assert sum(rates) * DT == pytest.approx(6.0, rel=1e-9)
    assert flow.injection_view().state == "done"


def test_hand_syringe_is_weak_and_runs_empty() -> None:
    flow, shapes = ready()
    assert flow.load_syringe("contrast_300", 10) is None
    for _ in range(120):
        state = flow.step(DT, shapes, "microcatheter", 3.0)
    assert state.delivered_mL_s <= 0.3
    assert state.limited
    assert flow.load_syringe("contrast_300", 1) is None
    for _ in range(300):
        state = flow.step(DT, shapes, "microcatheter", 1.0)
    assert flow.injection_view().syringe_left_mL == 0.0
    assert state.delivered_mL_s == 0.0


def test_dead_space_delays_and_keeps() -> None:
    flow, shapes = ready()
    dead = lumen_volume(Lumen(0.57, 1300.0, 750.0))
    flow.load_syringe("contrast_300", 1)
    given = [flow.step(DT, shapes, "microcatheter", 0.2).given["iodine_g"] for _ in range(600)]
    first = int(np.argmax(np.array(given) > 0.0)) * DT * 0.2
    assert first == pytest.approx(dead, abs=0.01)
    assert given[-1] == pytest.approx(0.3 * (1.0 - dead), rel=1e-6)
    # saline pushes the rest out
    flow.load_syringe("saline", 3)
    for _ in range(900):
        state = flow.step(DT, shapes, "microcatheter", 0.2)
    assert state.given["iodine_g"] == pytest.approx(0.3, rel=1e-9)
    assert state.given["contrast_mL"] == pytest.approx(1.0, rel=1e-9)


def test_column_keeps_volume() -> None:
    column = Column("saline", 0.5)
    out = column.push("contrast_300", 0.7)
    assert sum(v for _, v in out) == pytest.approx(0.7)
    assert out[0] == ("saline", 0.5)
    column.fit(0.3)
    assert column.volume_mL == pytest.approx(0.3)
    column.fit(0.6)
    assert column.content[0] == (BLOOD, pytest.approx(0.3))


@pytest.mark.parametrize(("call", "word"), [
    (("microcatheter", "contrast_30", 1.0, 1.0, 0.0, 500.0), "contrast_300"),
    (("catheter", "saline", 1.0, 1.0, 0.0, 500.0), "no lumen"),
    (("microcatheter", "saline", -1.0, 1.0, 0.0, 500.0), "0-40"),
])
def test_refusals_say_why(call: tuple[str, str, float, float, float, float], word: str) -> None:
    flow, _ = ready()
    message = flow.start_injection(*call)
    assert message is not None
    assert word in message


def test_syringe_refusals() -> None:
    flow, _ = ready()
    assert "5 mL" in (flow.load_syringe("saline", 5) or "")
    assert "saline" in (flow.load_syringe("salin", 10) or "")


def test_removing_the_device_stops_the_injector() -> None:
    flow, shapes = ready()
    flow.start_injection("microcatheter", "saline", 0.5, 5.0, 0.0, 500.0)
    flow.step(DT, shapes)
    flow.step(DT, None)
    assert flow.injection_view().state == "done"
