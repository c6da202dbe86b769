"""The files beside the shards: what each shard holds, and the manifest that is written last.

A folder with a manifest is complete. Whoever reads shards begins with `load_manifest`.
"""

import dataclasses
import json
import math
import os
import shlex
from dataclasses import dataclass, field
from typing import TypedDict

from soundnet_tf.data import tfds_files
from soundnet_tf.files import atomic, names, storage

FORMAT = 1
MANIFEST_NAME = "manifest.json"
LABELLING_NAME = "labelling.json"  # the manifest, out of the way while shards are labelled
PLANS_NAME = ".plans.jsonl"  # what each shard is to hold, while Beam's workers cut them
JSON_FORM = {"indent": 1, "sort_keys": False, "ensure_ascii": False}  # of all files beside shards


@dataclass(frozen=True)
class Skipped:
    """A video that gave no clip."""

    video_id: str
    reason: str


@dataclass(frozen=True)
class Taken:
    """Which sound and picture stream were taken of a video that has several of a kind, by their
    numbers from 0, as `media.probe` shows them."""

    video_id: str
    audio_stream: int
    video_stream: int


class Labelling(TypedDict):
    """Whose posteriors a shard holds for one head."""

    teacher: str
    fingerprint: str
    classes: int


@dataclass(frozen=True)
class Shard:
    """One finished shard; `sha256` is of the file, `teachers` says by head who labelled it."""

    name: str
    videos: int
    clips: int
    seconds: float
    bytes: int
    sha256: str
    teachers: dict[str, Labelling] = field(default_factory=dict)

    def __post_init__(self):
        names.check_plain(self.name, "a shard's JSON or manifest")
        for name in ("videos", "clips", "seconds", "bytes"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ValueError(f"the {name} of shard {self.name} are {value!r}, no number")


@dataclass(frozen=True)
class Split:
    """Totals of a split's shards."""

    videos: int
    clips: int
    seconds: float
    bytes: int
    shards: tuple[Shard, ...]

    @classmethod
    def of(cls, shards: tuple[Shard, ...]) -> "Split":
        return cls(
            videos=sum(shard.videos for shard in shards),
            clips=sum(shard.clips for shard in shards),
            seconds=sum(shard.seconds for shard in shards),
            bytes=sum(shard.bytes for shard in shards),
            shards=shards,
        )


@dataclass(frozen=True)
class Manifest:
    """A folder of shards.

    Attributes:
        directory: where it lies (not written: the folder may be moved).
        version: the soundnet_tf that wrote it.
        videos: the folder, pattern or list that was prepared.
        settings: everything that shapes the shards, by name.
        splits: "train" and "val".
        skipped: videos without a clip, with the reason of each.
        streams: what was taken of videos with more than one sound or picture stream.
    """

    directory: str
    version: str
    videos: str
    settings: dict[str, str | int | float]
    splits: dict[str, Split]
    skipped: tuple[Skipped, ...]
    streams: tuple[Taken, ...] = ()

    def shard_paths(self, split: str) -> list[str]:
        """Paths of a split's shards, in order. Raises KeyError if there is no such split."""
        return [os.path.join(self.directory, s.name) for s in self.splits[split].shards]


def load_manifest(directory: str) -> Manifest:
    """Reads the manifest of a prepared folder.

    Raises:
        FileNotFoundError: if the folder was not prepared, or that or its labelling did not come to
            the end, or if a shard has gone or has another size than when it was written.
        ValueError: if another version of the format wrote it.
    """
    manifest = _read(directory, MANIFEST_NAME)
    if manifest is None:
        raise FileNotFoundError(_why_incomplete(directory))
    paths = [path for split in manifest.splits for path in manifest.shard_paths(split)]
    there = storage.sizes_and_times(paths)
    for split in manifest.splits.values():
        for shard in split.shards:
            found, _ = there[os.path.join(directory, shard.name)] or (None, None)
            if found != shard.bytes:
                raise FileNotFoundError(
                    f"{directory} is incomplete: {shard.name} should have {shard.bytes} bytes, "
                    f"{'is missing' if found is None else f'has {found}'}; prepare it again"
                )
    return manifest


def no_clips(manifest: Manifest) -> str | None:
    """Why nothing can be trained on a folder: clips to learn from, or to hold out, are missing.
    None if there are both."""
    empty = [name for name, split in manifest.splits.items() if not split.clips]
    if not empty:
        return None
    return (
        f"{manifest.directory} has no clips in {' and '.join(map(repr, empty))}; prepare more "
        "videos, or others with another --val_fraction and --out"
    )


def load_for_labelling(directory: str) -> Manifest:
    """The manifest of a prepared folder, also of one whose labelling has begun.

    Raises: as `load_manifest`.
    """
    begun = None
    if not storage.exists(os.path.join(directory, MANIFEST_NAME)):
        begun = _read(directory, LABELLING_NAME)
    return begun or load_manifest(directory)


def begin_labelling(manifest: Manifest) -> None:
    """Puts the manifest out of the way: until `end_labelling` the folder is not complete. What is
    kept of it has no hashes, as the shards change."""
    splits = {
        name: Split.of(tuple(dataclasses.replace(shard, sha256="") for shard in split.shards))
        for name, split in manifest.splits.items()
    }
    _write(dataclasses.replace(manifest, splits=splits), LABELLING_NAME)
    withdraw(manifest.directory)


def withdraw(directory: str) -> None:
    """Says of a folder that it is no longer complete, to whoever reads it."""
    storage.remove(os.path.join(directory, MANIFEST_NAME))
    tfds_files.remove(directory)


def end_labelling(manifest: Manifest) -> None:
    """Writes the manifest of a folder whose shards are all labelled."""
    write_manifest(manifest)
    # It may be gone: nothing was to do, or another run of other shards ended too.
    storage.remove(os.path.join(manifest.directory, LABELLING_NAME))


def _why_incomplete(directory: str) -> str:
    if storage.exists(os.path.join(directory, LABELLING_NAME)):
        return (
            f"{directory} is only half labelled: run bin/label.py --data={shlex.quote(directory)} "
            "again with the flags it began with"
        )
    names = storage.list_folder(directory) if storage.is_folder(directory) else ()
    begun = any("-of-" in name for name in names)
    if begun:
        return (
            f"{directory} is only half prepared: it has no {MANIFEST_NAME}; run bin/prepare.py "
            f"--out={shlex.quote(directory)} again with the flags it began with"
        )
    return (  # which may well be the folder of the videos
        f"{directory} is not a prepared folder: it has no {MANIFEST_NAME}; "
        "bin/prepare.py --videos=VIDEOS --out=SHARDS makes one"
    )


def _read(directory: str, name: str) -> Manifest | None:
    path = os.path.join(directory, name)
    content = atomic.read_json(path)
    if content is None:
        return None
    try:
        return _parsed(directory, path, content)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is no manifest that bin/prepare.py wrote ({error!r}); prepare the folder again"
        ) from error


def _parsed(directory: str, path: str, content: dict) -> Manifest:
    if content["format"] != FORMAT:
        raise ValueError(f"{path} has format {content['format']}, this version reads {FORMAT}")
    return Manifest(
        directory=directory,
        version=content["version"],
        videos=content["videos"],
        settings=content["settings"],
        splits={
            name: Split(**{**split, "shards": tuple(Shard(**shard) for shard in split["shards"])})
            for name, split in content["splits"].items()
        },
        skipped=tuple(Skipped(**skipped) for skipped in content["skipped"]),
        streams=tuple(Taken(**taken) for taken in content.get("streams", ())),
    )


def write_manifest(manifest: Manifest) -> None:
    """Writes `manifest` into its directory, unless it says so already, after what TFDS reads."""
    tfds_files.write(manifest)
    _write(manifest, MANIFEST_NAME)


def _write(manifest: Manifest, name: str) -> None:
    content = {"format": FORMAT, **dataclasses.asdict(manifest)}
    del content["directory"]
    path = os.path.join(manifest.directory, name)
    if atomic.read_json(path) != json.loads(json.dumps(content)):
        atomic.write_json(path, content, **JSON_FORM)
