"""What figures of several seeds say, in words: whether more clips help, and whether a control does
as well."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Line:
    """Accuracy against the logarithm of the number of clips.

    Attributes:
        slope: points of a percent for each doubling.
        low, high: of the slope, with a confidence of 95 %; infinite if nobody can tell.
        clips: the largest number.
        runs: through how many the line goes.
    """

    slope: float
    low: float
    high: float
    clips: int
    runs: int


def fit(clips: Sequence[int], accuracies: Sequence[float]) -> Line:
    """A straight line by least squares, every run a point; what lies off it, seeds and whatever the
    line leaves out, is its uncertainty (Student's t).

    Args:
        clips: that each run learned from.
        accuracies: in percent.

    Raises:
        ValueError: fewer than three runs, or all of one number of clips.
    """
    from scipy import stats  # takes a second

    if len(clips) < 3 or len(set(clips)) < 2:
        raise ValueError(f"a line needs three runs of two sizes or more, there are {sorted(clips)}")
    found = stats.linregress([math.log2(size) for size in clips], accuracies)
    reach = float(stats.t.ppf((1 + _CONFIDENCE) / 2, len(clips) - 2) * found.stderr)
    slope = float(found.slope)
    return Line(slope, slope - reach, slope + reach, max(clips), len(clips))


def promise(line: Line) -> str:
    """What the next doubling of clips promises."""
    measured = (
        f"{line.slope:+.1f} points for each doubling, {line.low:+.1f} to {line.high:+.1f} with a "
        f"confidence of 95 %, by {line.runs} runs"
    )
    doubled = f"The next doubling, from {line.clips} to {2 * line.clips} clips, promises"
    if line.low <= 0 <= line.high:
        return f"{doubled} nothing that can be told from noise ({measured})."
    if line.slope < 0:
        return f"{doubled} a loss: more of such clips make it worse ({measured})."
    return f"{doubled} {line.low:.1f} to {line.high:.1f} points more ({measured})."


def compare(name: str, ours: Sequence[float], control: str, theirs: Sequence[float]) -> str:
    """Whether a control does as well, by the spread of seeds.

    Args:
        name, control: what is compared.
        ours, theirs: accuracies in percent, one a seed.
    """
    above = _mean(ours) - _mean(theirs)
    spread = max(max(values) - min(values) for values in (ours, theirs))
    told = (
        f"{name} {_mean(ours):.1f} %, {control} {_mean(theirs):.1f} %: {abs(above):.1f} points "
        f"{'above' if above >= 0 else 'below'}"
    )
    if min(len(ours), len(theirs)) < 2:
        return f"{told}. By one seed nobody can say whether that is luck; give two or more."
    told = f"{told}, and seeds differ by up to {spread:.1f}"
    if above > spread:
        return f"{told}: it is more than luck."
    if -above > spread:
        return f"{told}: {control} does better."
    return f"{told}: {control} does as well."


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
