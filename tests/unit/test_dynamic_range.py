"""Curves of high dynamic range: reference white, black and the brightest are where the recommendations have them."""

import numpy as np
import pytest
from posedemo.capture.dynamic_range import curve_of

PQ, HLG = 16, 18


@pytest.mark.parametrize(("transfer", "white"), [(PQ, 0.581), (HLG, 0.75)])
def test_reference_white_is_nearly_white(transfer, white):
    """203 candela per square metre: 58 % of PQ and 75 % of HLG (BT.2408, table 1)."""
    curve = curve_of(transfer)
    assert int(curve[round(255 * white)]) == pytest.approx(237, abs=3)  # highlights have what is above
    assert curve[0] == 0
    assert curve[255] == 255
    assert (np.diff(curve.astype(int)) >= 0).all()


def test_grey_of_paper_and_skin_is_where_it_was():
    """18 % of white: 36.5 candela per square metre are 41 % of PQ (BT.2100); on a display of gamma 2.4, 49 %."""
    assert int(curve_of(PQ)[round(255 * 0.407)]) == pytest.approx(255 * 0.18 ** (1 / 2.4), abs=4)


@pytest.mark.parametrize("transfer", [1, 2, 6, 13])
def test_usual_videos_stay_as_they_are(transfer):
    assert curve_of(transfer) is None
