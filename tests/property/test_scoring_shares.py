"""Shares of the treatment sum to one, whatever was given where."""

from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.anatomy.types import Territory
from trainer.scoring.selectivity import amounts, shares, total

TERRITORIES = (
    Territory("tumor", "tumor", "8"), Territory("s8", "liver", "8"), Territory("s5", "liver", "5"),
    Territory("gallbladder", "gallbladder"), Territory("antrum", "stomach"), Territory("fundus", "stomach"),
    Territory("legs", "systemic"),
)  # fmt: skip
NAMES = [t.name for t in TERRITORIES] + ["systemic"]
mL = st.floats(0.0, 10.0, allow_nan=False)


@settings(max_examples=200, deadline=None)
@given(places=st.dictionaries(st.sampled_from(NAMES), mL), in_flight=mL)
def test_shares_sum_to_one_or_nothing_was_given(places: dict[str, float], in_flight: float) -> None:
    gathered = amounts(places, in_flight, TERRITORIES, "8")
    given_mL = sum(places.values()) + in_flight
    assert abs(total(gathered) - given_mL) <= 1e-9 * max(given_mL, 1.0)
    expected = 1.0 if given_mL > 0.0 else 0.0
    assert abs(total(shares(gathered)) - expected) <= 1e-6


@settings(max_examples=50, deadline=None)
@given(antrum=mL, fundus=mL, gallbladder=mL)
def test_organs_keep_their_names_and_add_up(antrum: float, fundus: float, gallbladder: float) -> None:
    places = {"antrum": antrum, "fundus": fundus, "gallbladder": gallbladder}
    organs = amounts(places, 0.0, TERRITORIES, "8")["extrahepatic"]
    assert organs == {"stomach": antrum + fundus, "gallbladder": gallbladder}
