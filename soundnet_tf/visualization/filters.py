"""conv1's filters as one figure: their waveforms and spectra, by centre frequency."""

import os

import matplotlib

from soundnet_tf.files import atomic, find
from soundnet_tf.models import filters, filters_figure, pretrained


def draw(model: str, out: str, dots_per_inch: int = 150) -> filters.Filters:
    """Writes the figure of a network, whole or not at all; the same network gives the same bytes.

    Args:
        model: as of `pretrained.load`.
        out: local file, .png, .svg or .pdf.
        dots_per_inch: of a .png.

    Returns:
        What was drawn, with the numbers.

    Raises:
        FileNotFoundError, ValueError: as of `pretrained.load`; a kind of picture that is not known.
    """
    student, _ = pretrained.load(model)
    found = filters.of_student(student)
    name = find.printable(model).replace("$", r"\$")  # two of them would be a formula
    drawn = filters_figure.figure(found, f"{len(found.waveforms)} filters of conv1, {name}")
    form = os.path.splitext(out)[1].removeprefix(".")
    # SVGs and PDFs tell when they were made, SVGs number their parts by chance, if they are let.
    made = {"svg": "Date", "pdf": "CreationDate"}.get(form)
    with (
        atomic.new_file(out) as temporary,
        matplotlib.rc_context({"svg.hashsalt": "soundnet_tf", "svg.fonttype": "none"}),
    ):
        metadata = {made: None} if made else None
        drawn.savefig(temporary, format=form, dpi=dots_per_inch, metadata=metadata)
    return found
