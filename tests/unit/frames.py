"""Frames for tests of hands and screens."""

from __future__ import annotations

from dataclasses import replace

from trainer.frame import DeviceView, DoseView, Frame, InjectionView, Truth, Vitals, XrayView

LENGTHS = {"catheter": 800.0, "wire": 1500.0, "microcatheter": 1300.0, "microwire": 1800.0}


def device(
    slot: str, inserted_mm: float = 300.0, beyond_mm: float = 300.0, force_N: float = 0.0
) -> DeviceView:
    return DeviceView(
        slot, f"{slot}_id", f"the {slot}", inserted_mm, 0.0, beyond_mm, LENGTHS[slot], 1.0, force_N, 0.0
    )


def frame(*devices: DeviceView, step: int = 0, **xray: object) -> Frame:
    view = XrayView(None, 0, "none", None, 0, "", False, 0.0, 0.0, 1100.0, 750.0, 320.0, (0.0, 0.0, 0.0),
                    (0.0, 0.0, 0.0, 0.0), 15.0, 3.0, 0.0, 0.0, 0.0, 0, False)  # fmt: skip
    return Frame(step, step / 60.0, devices, replace(view, **xray), DoseView(), InjectionView(), Vitals(), (),
                 False, Truth())  # fmt: skip
