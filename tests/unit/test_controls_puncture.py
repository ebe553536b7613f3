"""Keys and menu of the puncture."""

from dataclasses import replace

import pytest

from trainer.commands import Action, Hand
from trainer.controls.puncture import STEPS, PunctureMenu, puncture_hands
from trainer.frame import AccessView, Frame
from trainer.instruments.puncture import STEPS as KNOWN

ACCESS = AccessView(along_mm=0.0, across_mm=0.0, depth_mm=0.0, pulse=0.5, blood="", needle=True, wire=False,
                    sheath=False, bleeds=False, pressing_s=0.0, attempts=0, next="")


class _Seen:
    """A frame of which only the access is asked for."""

    def __init__(self, **changes: object) -> None:
        self.access = replace(ACCESS, **changes)  # type: ignore[arg-type]


def frame(**changes: object) -> Frame:
    return _Seen(**changes)  # type: ignore[return-value]


def test_arrows_move_the_finger_or_the_needle() -> None:
    assert puncture_hands("catheter", 1.0, 0.0, "normal") == (Hand("skin_along", 8.0),)
    assert puncture_hands("catheter", 0.0, -1.0, "fine") == (Hand("skin_across", -2.0),)
    assert puncture_hands("wire", -1.0, 1.0, "fast") == (Hand("needle", -25.0),)
    assert puncture_hands("wire", 0.0, 1.0, "normal") == ()


def test_the_menu_knows_all_steps() -> None:
    assert {step for step, _ in STEPS} == set(KNOWN)


@pytest.mark.parametrize(("state", "step"), [
    ({"depth_mm": 40.0, "blood": "bright"}, "wire"),
    ({"depth_mm": 40.0, "blood": "bright", "wire": True}, "needle_out"),
    ({"depth_mm": 40.0, "wire": True, "needle": False}, "sheath"),
    ({"depth_mm": 40.0, "wire": True, "needle": False, "sheath": True}, "dilator_out"),
    ({"bleeds": True}, "press"),
])
def test_enter_does_the_first_step_that_can_be_done(state: dict, step: str) -> None:
    menu, seen = PunctureMenu(), frame(**state)
    view = menu.view(seen)
    assert view.rows[view.cursor].enabled
    assert menu.press("menu_enter", seen) == [Action("puncture", {"step": step})]
    assert menu.done


def test_a_step_that_cannot_be_done_says_why_and_does_nothing() -> None:
    menu, seen = PunctureMenu(), frame()
    rows = menu.view(seen).rows
    assert not any(row.enabled for row in rows)
    assert all(row.note for row in rows)
    assert menu.press("menu_enter", seen) == []
    assert not menu.done
