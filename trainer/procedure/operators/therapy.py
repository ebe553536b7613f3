"""Test run, drug, embolic to near stasis, completion run."""

from __future__ import annotations

from trainer.commands import Commands
from trainer.procedure.operators.base import Operator
from trainer.procedure.operators.hands import Moves
from trainer.units import STEP_S


class Therapy(Operator):
    """Needs what Operator has."""

    def treat(self) -> Moves:
        yield from self.push("microwire", -(self.inserted("microwire") + 1400.0), 250.0, fluoro=False)
        yield from self.act("remove", slot="microwire")
        if self.skill.test_run:
            yield from self.run("microcatheter", self.tray.contrast, rate=0.3, volume=1.5, seconds=7.0)
        yield from self.hand_inject(self.tray.drug, volume_mL=3.0, rate_mL_s=0.15)
        yield from self.embolize()
        yield from self.hand_inject("saline", volume_mL=0.6, rate_mL_s=0.05)
        yield from self.run("microcatheter", self.tray.contrast, rate=0.15, volume=0.6, seconds=7.0)

    def hand_inject(self, fluid: str, volume_mL: float, rate_mL_s: float, glimpse_s: float = 2.0) -> Moves:
        """A slow hand injection with a glimpse of fluoroscopy now and then."""
        yield from self.act("load_syringe", fluid=fluid, size_mL=3.0)
        steps = round(volume_mL / rate_mL_s / STEP_S)
        for i in range(steps):
            looking = (i * STEP_S) % (2.5 * glimpse_s) < glimpse_s
            yield Commands(syringe_slot="microcatheter", syringe_mL_s=rate_mL_s, fluoro_pedal=looking)

    def embolize(self) -> Moves:
        yield from self.hand_inject(self.tray.embolic, volume_mL=2.0, rate_mL_s=self.skill.embolic_mL_s)
