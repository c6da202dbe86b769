"""Prepared clips as WebDataset's tars, for those who train elsewhere.

A tar a shard, of its name and with its clips in their order. A clip of "train-00003-of-00016" has
the key "train-00003-of-00016-000000", -000001 and so on, which has no dot, and the files

    KEY.wav, KEY.flac or KEY.ogg    sound, the samples or bytes that the shard has
    KEY.0.jpg, KEY.1.jpg, ...       frames as they are stored
    KEY.json                        id, video_id, start_secs, sample_rate, sample_count, frame_secs,
                                    and per head posteriors: teacher, fingerprint, values (a row a
                                    frame, in the digits that make the same float16)

Each tar is whole or not there, and the file `.source` beside it says of which shard it was made;
webdataset.json is written last.
"""

import io
import json
import os
import tarfile
import wave
from collections.abc import Callable, Iterator
from typing import Any

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data import cached, manifest, records, shard_reader
from soundnet_tf.data.clips import ClipRecord, Posteriors
from soundnet_tf.data.manifest import Manifest, Shard
from soundnet_tf.data.settings import FLAC, PCM16, VORBIS
from soundnet_tf.files import atomic, lock, storage
from soundnet_tf.files.progress import progress_bar

INFO_NAME = "webdataset.json"
_SUFFIXES = {PCM16: "wav", FLAC: "flac", VORBIS: "ogg"}
_PCM16_BYTES = 2


def export(data: str, out: str, progress: bool = True) -> list[str]:
    """Writes the clips of a prepared folder as tars.

    Tars that were written of the same shards are left untouched, so that a run that was killed goes
    on; the same shards give the same bytes. Shards without clips give no tar.

    Args:
        data: folder that `prepare` wrote, labelled or not.
        out: folder of the tars, local or remote.
        progress: whether to show progress on stderr.

    Returns:
        Names of the tars, in order.

    Raises:
        FileNotFoundError: `data` is not (wholly) prepared or labelled.
        ValueError: a damaged shard, or `out` holds tars of something else.
        HeldError: another run is writing there.
    """
    prepared = manifest.load_manifest(data)
    shards = [s for split in prepared.splits.values() for s in split.shards if s.clips]
    with lock.hold_folder(out, "export"):
        _refuse_others(out, {_tar_name(shard) for shard in shards})
        todo = [shard for shard in shards if not _is_written(out, shard)]
        if todo:
            storage.remove(os.path.join(out, INFO_NAME))
        with progress_bar(sum(s.clips for s in todo), "exporting", "clip", progress) as bar:
            for shard in todo:
                _write(prepared, shard, out, bar.update)
        content = _info(prepared, out, shards)
        if atomic.read_json(os.path.join(out, INFO_NAME)) != content:
            atomic.write_json(os.path.join(out, INFO_NAME), content, **manifest.JSON_FORM)
    return [_tar_name(shard) for shard in shards]


def _write(prepared: Manifest, shard: Shard, out: str, after_clip: Callable[[], object]) -> None:
    """Writes the tar of a shard, then what says so."""
    path = os.path.join(out, _tar_name(shard))
    storage.remove(_source_path(out, shard))
    written = 0
    with atomic.new_file(path) as temporary:
        with tarfile.open(temporary, "w", format=tarfile.USTAR_FORMAT) as tar:
            source = os.path.join(prepared.directory, shard.name)
            for number, clip in enumerate(map(records.decode, shard_reader.each(source))):
                key = f"{_stem(shard)}-{number:06d}"
                for suffix, content in files_of(clip):
                    member = tarfile.TarInfo(f"{key}.{suffix}")  # of no user, and no time
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
                written += 1
                after_clip()
        if written != shard.clips:
            raise ValueError(
                f"{shard.name} has {written} clips, not the {shard.clips} it was written with; "
                f"prepare {prepared.directory} again"
            )
        content = {"shard_sha256": shard.sha256, "bytes": storage.size(temporary)}
    atomic.write_json(_source_path(out, shard), content)


def files_of(clip: ClipRecord) -> Iterator[tuple[str, bytes]]:
    """What follows the key in the names of a clip's files, and what they hold."""
    told: dict[str, Any] = {
        "id": clip.id,
        "video_id": clip.video_id,
        "start_secs": clip.start_secs,
        "sample_rate": SAMPLE_RATE,
        "sample_count": clip.sample_count,
        "frame_secs": list(clip.frame_secs),
        "posteriors": {head: _told(said) for head, said in clip.posteriors.items()},
    }
    yield "json", json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    sound = wav(clip.audio) if clip.audio_codec == PCM16 else clip.audio
    yield _SUFFIXES[clip.audio_codec], sound
    for number, frame in enumerate(clip.jpegs):
        yield f"{number}.jpg", frame


def wav(samples: bytes) -> bytes:
    """Samples (little-endian int16, mono, at SAMPLE_RATE) as a WAV file."""
    encoded = io.BytesIO()
    with wave.open(encoded, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(_PCM16_BYTES)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples)
    return encoded.getvalue()


def _told(said: Posteriors) -> dict[str, Any]:
    # The shortest digits that make the same float16: half as many as those of its float64.
    values = [[float(str(value)) for value in row] for row in said.values]
    return {"teacher": said.teacher, "fingerprint": said.fingerprint, "values": values}


def _info(prepared: Manifest, out: str, shards: list[Shard]) -> dict[str, Any]:
    """What whoever reads the tars has to know: which there are, and names of the classes."""
    tars = {
        split: [
            {"name": _tar_name(s), "clips": s.clips, "bytes": _known(out, s)["bytes"]}
            for s in known.shards
            if s.clips
        ]
        for split, known in prepared.splits.items()
    }
    teachers = cached.teachers_of(prepared.directory, shards)
    labels = {head: list(teacher.labels) for head, teacher in teachers.items()}
    return {"settings": prepared.settings, "tars": tars, "labels": labels}


def _refuse_others(out: str, ours: set[str]) -> None:
    """Whoever reads by a pattern would take tars of another folder for ours."""
    found = storage.list_folder(out) if storage.is_folder(out) else []
    others = [name for name in found if name.endswith(".tar") and name not in ours]
    if others:
        raise ValueError(
            f"{out} has {len(others)} tars of something else, {others[0]} for one; choose another "
            "--out, or remove them"
        )


def _is_written(out: str, shard: Shard) -> bool:
    known = _known(out, shard)
    size = storage.size(os.path.join(out, _tar_name(shard)))
    return known is not None and known == {"shard_sha256": shard.sha256, "bytes": size}


def _known(out: str, shard: Shard) -> Any:
    return atomic.read_json(_source_path(out, shard))


def _stem(shard: Shard) -> str:
    return shard.name.removesuffix(".tfrecord")


def _tar_name(shard: Shard) -> str:
    return f"{_stem(shard)}.tar"


def _source_path(out: str, shard: Shard) -> str:
    return os.path.join(out, f"{_stem(shard)}.source")
