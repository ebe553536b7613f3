"""The built-in body beside a real one, through the same chain: gray levels, local detail, edges, power spectrum.

They are two people, so closeness is asked for, not equality. `python tests/path_maps.py` draws the curves.
"""

from pathlib import Path

import numpy as np
import pytest
from path_maps import Look, look, people

DATA = Path(__file__).parents[2] / "../shared/data/totalsegmentator_ct/example_ct.nii.gz"
CELIAC = (14.0, -165.0, 403.0)
CENTER = (-10.0, -10.0, -60.0)


@pytest.mark.parametrize("lao", [0.0, 30.0])
def test_the_built_in_body_is_as_rough_as_measured_projections(lao: float) -> None:
    """Exponent of the power spectrum at 0.02-0.15 cycles/mm: 3.4-4.5 in two people's projections (body.md 4)."""
    assert 3.3 < look(*people(), lao, CENTER).slope() < 4.7


@pytest.mark.skipif(not DATA.exists(), reason="reference data ../shared/data is absent")
@pytest.mark.parametrize("lao", [0.0, 30.0])
def test_it_lies_close_to_a_ct(lao: float, tmp_path: Path) -> None:
    pytest.importorskip("nibabel", reason="nibabel (extra anatomy) is not installed")
    from trainer.scenario.ct.importing import import_ct

    real = look(*people(str(import_ct(DATA, tmp_path, CELIAC, "real").path)), lao, CENTER)
    made = look(*people(), lao, CENTER)

    def figures(k: Look) -> np.ndarray:
        """Middle gray, spread of gray levels, detail mm, steepness in the middle and of the steepest."""
        inside = k.inside()
        low, middle, high = np.percentile(k.picture[inside], (5, 50, 95))
        return np.array([middle, high - low, k.detail()[inside].std(), *np.percentile(k.edges()[inside], (50, 95))])

    ratio = figures(made) / figures(real)
    assert ratio[0] == pytest.approx(1.0, abs=0.1)
    assert (np.abs(np.log(ratio[1:])) < np.log(1.5)).all(), ratio
    assert made.slope() == pytest.approx(real.slope(), abs=1.0)
