"""What belongs to one clip in the report's folder: its row, its strip of pictures, its sound."""

import hashlib
import os

from soundnet_tf.data.clips import LeftOut
from soundnet_tf.files import storage
from soundnet_tf.inspection.look import Look, Row
from soundnet_tf.inspection.rows import Rows
from soundnet_tf.inspection.settings import InspectConfig

_FOLDER = "clips"


def workers(config: InspectConfig) -> int:
    """How many processes look."""
    return config.workers or os.cpu_count() or 1


def add(out: str, rows: Rows, video_id: str, start_secs: float, found: Look | LeftOut) -> None:
    """Writes the files of a clip, and then its row: what has a row is whole."""
    row: Row = {"video_id": video_id, "start_secs": start_secs}
    if isinstance(found, LeftOut):
        rows.add_clip(row | {"problem": found.reason})
        return
    name = hashlib.sha256(f"{video_id}@{start_secs:.3f}".encode()).hexdigest()[:16]
    for kind, content, extension in (("strip", found.strip, "jpg"), ("sound", found.sound, "mp3")):
        row[kind] = None
        if content is not None:
            row[kind] = f"{_FOLDER}/{name[:2]}/{name}.{extension}"
            storage.make_folder(os.path.join(out, _FOLDER, name[:2]))
            with storage.open_file(os.path.join(out, row[kind]), "wb") as file:
                file.write(content)
    rows.add_clip(row | found.row)


def in_order(rows: Rows, video_id: str) -> list[Row]:
    """Rows of a video's clips by their starts."""
    return [row for _, row in sorted(rows.clips.get(video_id, {}).items())]
