"""What was found so far, a line each, so that a run that was killed goes on where it was.

`rows.jsonl` begins with the settings; then there is a line for each video (what it is made of, and
which clips it has), and one for each clip.
"""

import json
import os
from collections.abc import Mapping
from types import TracebackType
from typing import IO

from soundnet_tf.files import atomic, claim, storage
from soundnet_tf.files.identity import Identity
from soundnet_tf.inspection.look import Row

NAME = "rows.jsonl"
FORMAT = 1
_GONE = Identity(bytes=-1)


class Rows:
    """The rows of an `out`, read when it is opened, and added to.

    Attributes:
        videos: by id.
        clips: by id of the video, then by start in seconds.

    Args:
        out: the folder, which this process holds.
        settings: what shapes the rows.
        known: which files there are now, by id; rows of others, and of files that have changed,
            are left out.

    Raises:
        ValueError: rows of other settings.
    """

    def __init__(self, out: str, settings: Mapping, known: Mapping[str, Identity]):
        self._path = os.path.join(out, NAME)
        self.videos: dict[str, Row] = {}
        self.clips: dict[str, dict[float, Row]] = {}
        header = {"format": FORMAT, "settings": dict(settings)}
        for row in self._found(header):
            kind, video_id = row.pop("kind"), row["video_id"]
            if kind == "clip" and video_id in self.videos:
                self._of(row)[row["start_secs"]] = row
            elif kind == "video" and known.get(video_id, _GONE).is_that_of(
                Identity.from_fields(row)
            ):
                self.videos[video_id] = row
        kept = [
            header,
            *({"kind": "video", **row} for row in self.videos.values()),
            *({"kind": "clip", **row} for of in self.clips.values() for row in of.values()),
        ]
        atomic.write_text(self._path, "".join(map(_line, kept)))
        self._file: IO = open(self._path, "ab")  # noqa: SIM115 (closed by __exit__)

    def __enter__(self) -> "Rows":
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add_video(self, row: Row) -> None:
        self.videos[row["video_id"]] = row
        self._write({"kind": "video", **row})

    def add_clip(self, row: Row) -> None:
        self._of(row)[row["start_secs"]] = row
        self._write({"kind": "clip", **row})

    def _of(self, row: Row) -> dict[float, Row]:
        return self.clips.setdefault(row["video_id"], {})

    def _write(self, row: Row) -> None:
        self._file.write(_line(row).encode())
        self._file.flush()

    def _found(self, header: Row) -> list[Row]:
        if not storage.exists(self._path):
            return []
        lines = storage.read_bytes(self._path).split(b"\n")[:-1]  # what a kill cut off goes
        if not lines:
            return []
        found, *rows = map(json.loads, lines)
        if found["format"] != FORMAT:
            raise ValueError(
                f"{self._path} has format {found['format']}, this version writes {FORMAT}; choose "
                "another --out, or remove it"
            )
        claim.refuse_other(self._path, found["settings"], header["settings"])
        return rows


def _line(row: Row) -> str:
    return json.dumps(row, allow_nan=False) + "\n"
