"""A map as tables: CSV, and Parquet with sounds and pictures for tools that explore embeddings."""

import contextlib
import csv
import io
import shlex
from collections.abc import Iterator

import numpy as np

from soundnet_tf.files import atomic
from soundnet_tf.visualization.recordings import Excerpt
from soundnet_tf.visualization.sound_map import Placed, SoundMap

_TOGETHER = 64  # clips a row group


def as_table(found: SoundMap) -> str:
    """A line a clip: where it is on both maps, and its label."""
    file = io.StringIO(newline="")
    table = csv.writer(file, lineterminator="\r\n")  # a carriage return in a name is quoted then
    columns = ("id", "recording", "start", "duration", "label", "x", "y", "picture_x", "picture_y")
    table.writerow(columns)
    for number, clip in enumerate(found.clips):
        places = [*found.sound.points[number], *_on(found.pictures, number)]
        told = ["" if place is None else f"{place:.6g}" for place in places]
        at = [f"{clip.start_secs:.3f}", f"{clip.duration_secs:.3f}"]
        table.writerow([clip.id, clip.recording, *at, found.labels[number], *told])
    return file.getvalue()


class Atlas:
    """Writes atlas.parquet a clip at a time, in the order of the map's.

    Sounds and pictures are structs of `bytes` and `path`, as Hugging Face's datasets keep them:
    Embedding Atlas and Renumics Spotlight know both by that.
    """

    def __init__(self, path: str, found: SoundMap):
        import pyarrow
        from pyarrow import parquet

        self._found, self._rows = found, []
        file = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
        text, number = pyarrow.string(), pyarrow.float64()
        vector = pyarrow.list_(pyarrow.float32(), found.sound.vectors.shape[1])
        fields = [("id", text), ("recording", text), ("label", text)]
        fields += [("start", number), ("duration", number), ("x", number), ("y", number)]
        fields += [("picture_x", number), ("picture_y", number), ("vector", vector)]
        fields += [("sound_start", number), ("sound", file), ("frame", file)]
        self._schema = pyarrow.schema(fields)
        self._writer = parquet.ParquetWriter(path, self._schema)

    def add(self, number: int, excerpt: Excerpt | None, mp3: bytes | None, jpeg: bytes | None):
        """A clip with the seconds of it to play; None where they cannot be read any more."""
        clip = self._found.clips[number]
        x, y = self._found.sound.points[number].tolist()
        picture_x, picture_y = _on(self._found.pictures, number)
        row = {
            "id": clip.id,
            "recording": clip.recording,
            "label": self._found.labels[number] or None,
            "start": clip.start_secs,
            "duration": clip.duration_secs,
            **{"x": x, "y": y, "picture_x": picture_x, "picture_y": picture_y},
            "vector": self._found.sound.vectors[number],
            "sound_start": excerpt and excerpt.start_secs,
            "sound": mp3 and {"bytes": mp3, "path": f"{number}.mp3"},
            "frame": jpeg and {"bytes": jpeg, "path": f"{number}.jpg"},
        }
        self._rows.append(row)
        if len(self._rows) == _TOGETHER:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        import pyarrow

        if self._rows:
            table = pyarrow.Table.from_pylist(self._rows, self._schema)
            # Sounds and pictures do not get smaller, so nothing is gained by larger groups.
            self._writer.write_table(table)
            self._rows = []


@contextlib.contextmanager
def new_atlas(path: str, found: SoundMap) -> Iterator[Atlas]:
    """A file that is whole at the end of the `with` block, or not there."""
    with atomic.new_file(path) as temporary:
        atlas = Atlas(temporary, found)
        try:
            yield atlas
        finally:
            atlas.close()


def commands(path: str) -> tuple[str, ...]:
    """How the two tools open an atlas."""
    file = shlex.quote(path)
    return (
        f"embedding-atlas {file} --x x --y y --text label",
        f"spotlight {file} --dtype vector=Embedding --dtype sound=Audio --dtype frame=Image",
    )


def _on(placed: Placed | None, number: int) -> tuple[float | None, float | None]:
    """Where a clip is on a map; None, None if it is not on it."""
    if placed is None:
        return None, None
    place = np.searchsorted(placed.clips, number)
    if place == len(placed.clips) or placed.clips[place] != number:
        return None, None
    x, y = placed.points[place].tolist()
    return x, y
