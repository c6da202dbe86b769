"""The file that says which fine-tuning run a folder holds. No TensorFlow."""

import dataclasses
import os
from collections.abc import Mapping

from soundnet_tf.files import atomic, claim, identity, storage
from soundnet_tf.finetuning.settings import FinetuneConfig
from soundnet_tf.sounds.labelled_set import LabelledSet
from soundnet_tf.training.claimed import RUN_FILE
from soundnet_tf.version import __version__


def note_recordings(data: LabelledSet, checksum: bool) -> dict[str, str | None]:
    """As of `identity.note_of`."""
    return identity.note_of([clip.path for clip in data.clips], checksum, progress=True)


def write_run(
    out: str,
    config: FinetuneConfig,
    data: LabelledSet,
    recordings: Mapping[str, str | None],
    versions: Mapping[str, str],
) -> None:
    """Writes `run.json`: versions (those of other packages are given), settings, data."""
    before = _recordings(atomic.read_json(os.path.join(out, RUN_FILE)) or {})
    run = {
        "soundnet_tf": __version__,
        **versions,
        "settings": _settings(config, data),
        "classes": data.classes,
        "recordings": {name: text or before.get(name) for name, text in recordings.items()},
    }
    storage.make_folder(out)
    atomic.write_json(os.path.join(out, RUN_FILE), run)


def check_folder(
    out: str,
    config: FinetuneConfig,
    data: LabelledSet,
    recordings: Mapping[str, str | None] | None = None,
) -> None:
    """ValueError if another run is in `out`, or one whose recordings (if given) were others."""
    found = atomic.read_json(os.path.join(out, RUN_FILE))
    if not found:
        return
    claim.refuse_other(out, found.get("settings", {}), _settings(config, data))
    if recordings and not identity.is_note_of_the_same(recordings, _recordings(found)):
        raise ValueError(
            f"the run in {out} learned from recordings that have changed since, or did not note "
            f"their {'contents' if recordings['content'] else 'times of change'}: choose another "
            "--out, or remove it first"
        )


def _recordings(run: dict) -> dict[str, str | None]:
    return run.get("recordings", {})


def _settings(config: FinetuneConfig, data: LabelledSet) -> dict:
    """What makes two runs the same one."""
    return dataclasses.asdict(config) | data.claims()
