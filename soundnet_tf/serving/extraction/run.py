"""Embeddings of many files in one file of features; run again, it does only what is not yet done.

What was heard is kept in parts of some dozens of files in the folder OUT.partial, from which the
whole is put together at the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import keras
import numpy as np
from absl import logging

import soundnet_tf
from soundnet_tf import constants
from soundnet_tf.files import lock, storage
from soundnet_tf.files.find import find_media
from soundnet_tf.files.identity import Identity, identities_of
from soundnet_tf.files.progress import progress_bar
from soundnet_tf.files.skipped import skipped_lines
from soundnet_tf.models import pretrained
from soundnet_tf.models.fingerprint import weights_sha256
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.serving import embed
from soundnet_tf.serving.extraction import feature_file
from soundnet_tf.serving.extraction.index import Index
from soundnet_tf.serving.extraction.many_files import GROUP_FILES, HeardFile, hear_files
from soundnet_tf.serving.extraction.parts import (
    Outcome,
    Parts,
    Place,
    blocks,
    places_in,
    refuse_other,
)
from soundnet_tf.serving.extraction.settings import ExtractConfig
from soundnet_tf.serving.listener import Listener

_PART_FILES, _PART_BYTES = GROUP_FILES, 1 << 26


@dataclass(frozen=True)
class Summary:
    """What is in the file of features.

    Attributes:
        files, rows, channels: their numbers.
        sound_secs: seconds of sound in all files.
        skipped: id to reason of those that gave nothing.
        is_new: False if it was there already.
    """

    files: int
    rows: int
    channels: int
    sound_secs: float
    skipped: dict[str, str]
    is_new: bool

    def text(self, out: str) -> str:
        """What is in the file `out`, and what was skipped and why, for people."""
        state = "wrote" if self.is_new else "nothing to do, the same was made before:"
        lines = [
            f"{state} {out}: {self.files} files, {self.sound_secs / 3600:.2f} hours of sound, "
            f"{self.rows} rows of {self.channels}"
        ]
        if self.skipped:
            lines.append(f"{len(self.skipped)} skipped:")
        lines += skipped_lines(self.skipped, "in skipped_names of the file")
        return "\n".join(lines)


def extract(config: ExtractConfig, progress: bool = True) -> Summary:
    """Writes the embeddings of all files, in the order of their ids, into one file.

    A file that cannot be read is skipped. After an interruption the same call goes on: files that
    were heard and have not changed since are not heard again. If the whole is there already,
    nothing is done; if files were added or have changed, only those are heard, and the others' rows
    are taken from it. (What is heard together differs then, and with it perhaps the last bits.)

    Args:
        config: what to extract and how.
        progress: whether to show progress on stderr.

    Raises:
        FileNotFoundError: there are no files, or no such model.
        ValueError: an unknown layer; `config.out` or OUT.partial has features of other settings, or
            `config.out` those of files that are not there any more; no file gave features.
        HeldError: another run is writing to `config.out`.
    """
    with lock.hold_file(config.out, "extract"):
        return _extract(config, progress)


def _extract(config: ExtractConfig, progress: bool) -> Summary:
    found = find_media(config.inputs)
    identities = identities_of(found, config.checksum, progress)
    student, labels = pretrained.load(config.model)
    listener = Listener(FoldedNetwork(student), labels)
    listener.network.select([config.layer])
    settings = _settings(config, student)
    folder = f"{config.out}.partial"
    places: dict[str, Place] = {}
    if storage.exists(config.out):
        about, skipped = feature_file.read_about(config.out)
        refuse_other(config.out, about, settings)
        places = _unchanged(config.out, identities)
        if places.keys() == found.keys():
            if storage.exists(folder):
                Parts(folder, settings).remove()  # ended between the last two steps
            return _summary(about, skipped, is_new=False)
    parts = Parts(folder, settings)
    _hear_rest(found, identities, places, config, listener, parts, progress)
    places |= parts.done(identities)
    in_order = {name: places[name] for name in found}
    return _put_together(in_order, config.out, settings, identities, parts)


def _unchanged(out: str, identities: Mapping[str, Identity]) -> dict[str, Place]:
    """Places in the whole that is there of the files that have not changed.

    Raises:
        ValueError: it has files that are not there any more, whose rows would be lost.
    """
    before = feature_file.read_features(out, memory_map=True)
    names = [*before.names, *before.skipped]
    if gone := [name for name in names if name not in identities]:
        raise ValueError(
            f"{out} has {len(gone)} files that are not among the inputs any more "
            f"({', '.join(gone[:3])}{' …' if len(gone) > 3 else ''}): choose another --out, or "
            "remove it first"
        )
    places = places_in(out, identities)
    if changed := len(names) - len(places):
        if not before.inputs:
            why = "a version wrote it that did not note which contents its files had"
        else:
            why = "they have changed"
        logging.warning("%d files of %s are heard again: %s", changed, out, why)
    return places


def _hear_rest(
    found: dict[str, str],
    identities: Mapping[str, Identity],
    places: Mapping[str, Place],
    config: ExtractConfig,
    listener: Listener,
    parts: Parts,
    progress: bool,
) -> None:
    """Adds parts until all that was found is in one, or has a place already."""
    done = {*places, *parts.done(identities)}
    todo = {name: path for name, path in found.items() if name not in done}
    with progress_bar(len(found), "extracting", "file", progress, initial=len(done)) as bar:
        part, part_bytes = [], 0
        groups = hear_files(
            todo, listener, config.layer, config.channel, config.short, config.audio_stream
        )
        for group in groups:
            outcomes = [_outcome(file, config) for file in group]
            part += outcomes
            part_bytes += sum(outcome.rows[0].nbytes for outcome in outcomes if outcome.rows)
            if len(part) >= _PART_FILES or part_bytes >= _PART_BYTES:
                parts.add(part, identities)
                part, part_bytes = [], 0
            bar.update(len(group))
        if part:
            parts.add(part, identities)


def _outcome(file: HeardFile, config: ExtractConfig) -> Outcome:
    if file.heard is None:
        return Outcome(file.name, None, reason=file.reason)
    steps, secs = file.heard.steps[config.layer], file.heard.duration_secs
    embeddings, timestamps = embed.pool(steps, secs, config.pooling)
    return Outcome(file.name, (np.atleast_2d(embeddings), np.atleast_1d(timestamps)), secs)


def _put_together(
    places: dict[str, Place],
    out: str,
    settings: dict,
    identities: Mapping[str, Identity],
    parts: Parts,
) -> Summary:
    """Writes the whole and removes the parts."""
    skipped = {name: place.reason for name, place in places.items() if place.reason}
    heard = {name: place for name, place in places.items() if not place.reason}
    if not heard:
        parts.remove()
        examples = "; ".join(f"{name}: {reason}" for name, reason in list(skipped.items())[:3])
        raise ValueError(f"none of {len(skipped)} files gave features ({examples})")
    durations = np.array([place.duration_secs for place in heard.values()])
    offsets = np.cumsum([0, *(place.rows for place in heard.values())])
    about = {
        **settings,
        "files": len(heard),
        "rows": int(offsets[-1]),
        "channels": next(blocks(heard.values()))[0].shape[1],
        "sound_secs": float(durations.sum()),
    }
    inputs = {name: identities[name].as_text() for name in places}
    index = Index(list(heard), offsets, durations, skipped, about, inputs=inputs)
    feature_file.write(out, index, lambda: blocks(heard.values()))
    parts.remove()
    return _summary(about, skipped, is_new=True)


def _summary(about: Mapping, skipped: dict[str, str], is_new: bool) -> Summary:
    numbers = {field.name: about[field.name] for field in fields(Summary)[:4]}
    return Summary(**numbers, skipped=skipped, is_new=is_new)


def _settings(config: ExtractConfig, student: keras.Model) -> dict[str, str | int]:
    """Everything that shapes the embeddings, besides the files."""
    return config.claims() | {
        "weights_sha256": weights_sha256(student),
        "sample_rate": constants.SAMPLE_RATE,
        "version": soundnet_tf.__version__,
    }
