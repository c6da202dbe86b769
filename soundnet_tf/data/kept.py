"""What of a shard is still good when its videos change: the clips of those that did not."""

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from soundnet_tf.data import records, shard_json, shard_reader
from soundnet_tf.data.clips import ClipRecord, Video
from soundnet_tf.data.manifest import Skipped, Taken
from soundnet_tf.files import identity, storage
from soundnet_tf.files.identity import Identity


@dataclass(frozen=True)
class Kept:
    """What a shard of before has for the one that takes its place.

    Attributes:
        path: where it lies.
        known: which videos were to be in it.
        heads: of which it has posteriors.
        videos: ids of those that have not changed and whose outcomes can be taken from it.
        skipped: by id, those of them that gave no clip.
        left_out: clips of them that gave no record.
        streams: which of their streams were taken, where there are several.
        sha256: of the file of which all this holds.
    """

    path: str
    known: Mapping[str, Identity] = field(default_factory=dict)
    heads: frozenset[str] = frozenset()
    videos: frozenset[str] = frozenset()
    skipped: Mapping[str, Skipped] = field(default_factory=dict)
    left_out: tuple[dict, ...] = ()
    streams: tuple[Taken, ...] = ()
    sha256: str = ""

    def problems(self) -> dict:
        """In the form of a shard's JSON."""
        return {"skipped": [asdict(s) for s in self.skipped.values()], "left_out": self.left_out}


def noted_of(directory: str, name: str, videos: Sequence[Video], settings: dict) -> Kept:
    """What can be taken from the shard that lies in the place of the one that is planned, which is
    to hold these videos, if its file is the one that its JSON tells of."""
    path = os.path.join(directory, name)
    content = shard_json.read(directory, name)
    if content is None or content["settings"] != settings:
        return Kept(path)
    known = shard_json.known_videos(content)
    heads = frozenset(content["shard"].get("teachers", ()))
    unsure = content.get("unsure", ())  # as of `shards`
    same = frozenset(
        v.id for v in videos if v.id not in unsure and v.identity.is_that_of(known.get(v.id))
    )
    ours = [video.id for video in videos if video.id in same]
    is_in_order = ours == [id for id in known if id in same]
    if not is_in_order or not storage.exists(path):
        return Kept(path, known, heads)
    skipped = {s["video_id"]: Skipped(**s) for s in content["skipped"] if s["video_id"] in same}
    left_out = tuple(clip for clip in content["left_out"] if clip["video_id"] in same)
    taken = (Taken(**streams) for streams in content.get("streams", ()))
    streams = tuple(streams for streams in taken if streams.video_id in same)
    sha256 = content["shard"]["sha256"]
    return Kept(path, known, heads, same, skipped, left_out, streams, sha256)


def kept_of(directory: str, name: str, videos: Sequence[Video], settings: dict) -> Kept:
    """As `noted_of`, nothing of a file that is another one: it is read to tell."""
    noted = noted_of(directory, name, videos, settings)
    if noted.videos and identity.sha256(noted.path) != noted.sha256:
        return Kept(noted.path, noted.known, noted.heads)
    return noted


def clips_by_video(kept: Kept) -> Iterator[tuple[str, Iterator[ClipRecord]]]:
    """Ids and clips of a shard that was written before, in its order."""
    if kept.videos == kept.skipped.keys():
        return iter(())
    clips = map(records.decode, shard_reader.each(kept.path))
    return itertools.groupby(clips, key=lambda clip: clip.video_id)
