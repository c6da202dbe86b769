"""What figures of several seeds say: lines of known slope, none at all, and controls."""

import math

import pytest

from soundnet_tf.ablations import verdict

SIZES = [30, 60, 120, 240]


def test_a_line_of_known_slope_is_found():
    """Accuracy 70 + 2 log2(clips / 30), without noise: no uncertainty is left."""
    line = verdict.fit(SIZES, [70, 72, 74, 76])
    assert line == verdict.Line(pytest.approx(2), pytest.approx(2), pytest.approx(2), 240, 4)
    assert verdict.promise(line) == (
        "The next doubling, from 240 to 480 clips, promises 2.0 to 2.0 points more (+2.0 points "
        "for each doubling, +2.0 to +2.0 with a confidence of 95 %, by 4 runs)."
    )


def test_seeds_that_differ_make_it_uncertain():
    """Two seeds, each a point off the line, one above and one below: the sum of squares is 8 over
    6 degrees of freedom, sum of (x - mean)^2 is 2 x 5, and Student's t of 97.5 % and 6 is 2.447."""
    seeds = [value for size in range(4) for value in (69 + 2 * size, 71 + 2 * size)]
    line = verdict.fit([size for size in SIZES for _ in range(2)], seeds)
    reach = 2.446912 * math.sqrt(8 / 6 / 10)
    assert (line.slope, line.low, line.high) == pytest.approx((2, 2 - reach, 2 + reach), abs=1e-5)
    assert "promises 1.1 to 2.9 points more" in verdict.promise(line)


def test_no_slope_is_no_promise():
    line = verdict.fit(SIZES, [70, 71, 70, 71])
    assert line.low < 0 < line.slope < line.high
    assert verdict.promise(line).startswith(
        "The next doubling, from 240 to 480 clips, promises nothing that can be told from noise "
        "(+0.2 points for each doubling, "
    )


def test_a_fall_is_called_a_loss():
    assert "promises a loss: more of such clips" in verdict.promise(
        verdict.fit(SIZES, [76, 74, 72, 70])
    )


@pytest.mark.parametrize("clips", [[], [30, 60], [30, 30, 30]])
def test_a_line_needs_points(clips):
    with pytest.raises(ValueError, match="needs three runs of two sizes"):
        verdict.fit(clips, [70.0] * len(clips))


@pytest.mark.parametrize(
    "ours, theirs, said",
    [
        ([81, 80], [74, 73.5], "6.8 points above, and seeds differ by up to 1.0: it is more than"),
        ([81, 77], [77, 76], "2.5 points above, and seeds differ by up to 4.0: control does as we"),
        ([70, 71], [75, 76], "5.0 points below, and seeds differ by up to 1.0: control does bette"),
        ([70, 71], [71, 72], "1.0 points below, and seeds differ by up to 1.0: control does as we"),
        ([81], [74, 73], "7.5 points above. By one seed nobody can say whether that is luck"),
    ],
)
def test_a_control_is_judged_by_the_spread_of_seeds(ours, theirs, said):
    assert said in verdict.compare("trained", ours, "control", theirs)
