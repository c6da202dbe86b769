"""A bar on a terminal that tells how far the hearing of recordings is, within each of them too."""

import os
import sys
from collections.abc import Sequence

from soundnet_tf.files.find import one_line
from soundnet_tf.files.progress import Bar, progress_bar
from soundnet_tf.media import probe
from soundnet_tf.serving.recognition_table import clock

_MOST_OF_A_NAME = 30  # characters


class HearingBar:
    """For `with`, and round each recording `begin` and `end`. Written to stderr, to a terminal
    alone; it goes when all is done.

    Args:
        paths: of the recordings, in order. Each counts the same.
        audio_stream: which of their streams is heard.
    """

    def __init__(self, paths: Sequence[str], audio_stream: int | None = None):
        self._count, self._audio_stream = len(paths), audio_stream
        self._done = 0
        self._title = ""
        self._duration_secs: float | None = None
        self.is_shown = sys.stderr.isatty()
        form = "{desc}: {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}]"
        self._bar = progress_bar(
            self._count, "hearing", "file", show=self.is_shown, leave=False, form=form
        )

    def __enter__(self) -> "HearingBar":
        return self

    def __exit__(self, *_) -> None:
        self._bar.close()

    def external_write_mode(self):
        """For `with`, while something else is printed."""
        return Bar.external_write_mode()

    def begin(self, path: str) -> None:
        """The next recording; it is read through for its length, where a bar is shown."""
        if not self.is_shown:
            return
        name = one_line(os.path.basename(path))
        if len(name) > _MOST_OF_A_NAME:
            name = f"{name[: _MOST_OF_A_NAME - 1]}…"
        number = f"{self._done + 1}/{self._count} " if self._count > 1 else ""
        self._title = f"hearing {number}{name}"
        self._show(0.0, "")
        try:
            self._duration_secs = probe(path, self._audio_stream).duration_secs
        except (ValueError, OSError):
            self._duration_secs = None  # whoever hears it says what is wrong

    def heard(self, secs: float) -> None:
        """So much of the recording was heard."""
        if self._duration_secs:
            share = min(1.0, secs / self._duration_secs)
            self._show(share, f", {_clock(secs)} of {_clock(self._duration_secs)}")
        else:
            self._show(0.0, f", {_clock(secs)}")

    def end(self) -> None:
        """The recording is done."""
        self._done += 1
        self._show(0.0, "")

    def _show(self, share: float, text: str) -> None:
        # Without `update`, so that the time that is left goes by all that was heard.
        self._bar.n = self._done + share
        self._bar.set_description_str(f"{self._title}{text}")


def _clock(secs: float) -> str:
    return clock(round(secs)).removesuffix(".0")
