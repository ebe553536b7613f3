"""Written operators for the scenario tests: what happens when the embolic is given in the wrong place."""

from trainer.procedure.operators.approach import Approach
from trainer.procedure.operators.base import Operator
from trainer.procedure.operators.hands import Moves
from trainer.procedure.operators.make import make_operator
from trainer.procedure.operators.therapy import Therapy
from trainer.scenario.loading import CaseFile


def like_the_expert(case: CaseFile, seed: int, kind: type[Operator]) -> Operator:
    """An operator of a kind with the expert's tray and skill."""
    expert = make_operator("expert", case.scenario, seed)
    made = kind.__new__(kind)
    made.__dict__.update(expert.__dict__)
    return made


class FromCommonHepatic(Approach, Therapy):
    """Gives the whole syringe through the base catheter, from the common hepatic artery."""

    def procedure(self) -> Moves:
        yield from self.set_up()
        yield from self.climb()
        yield from self.cannulate()
        yield from self.take_out("wire")
        yield from self.act(
            "inject",
            slot="catheter",
            fluid=self.tray.embolic,
            rate_mL_s=1.0,
            volume_mL=10.0,
            rise_s=0.3,
            limit_psi=500.0,
        )
        yield from self.wait(12.0)
        yield from self.act(
            "inject", slot="catheter", fluid="saline", rate_mL_s=1.0, volume_mL=5.0, rise_s=0.3, limit_psi=500.0
        )
        yield from self.wait(25.0)
        yield from self.act("finish")
        yield from self.wait(0.1)


class BeforeTheCystic(Approach, Therapy):
    """Gives the embolic by microcatheter from the right hepatic artery."""

    def goal_mm(self) -> float:
        return self.way.start_of("right_hepatic_artery") + 8.0

    def procedure(self) -> Moves:
        yield from self.set_up()
        yield from self.climb()
        yield from self.cannulate()
        yield from self.take_out("wire")
        yield from self.go_coaxial()
        yield from self.select()
        yield from self.take_out("microwire")
        yield from self.load(self.tray.embolic)
        yield from self.hand_inject(volume_mL=4.0, rate_mL_s=0.4)
        yield from self.wait(20.0)
        yield from self.act("finish")
        yield from self.wait(0.1)
