"""Whose the folder of a training run is: another run is not gone on with. No TensorFlow."""

import os

from soundnet_tf.data.batch_settings import AUTO
from soundnet_tf.files import atomic, claim
from soundnet_tf.training.settings import DistillConfig

RUN_FILE = "run.json"
_CLIPS = "clips_sha256"
_MAY_DIFFER = ("soundnet_tf", "tensorflow", "keras", "settings.epochs", "settings.steps")


def refuse_other_run(out: str, run: dict) -> None:
    """Refuses a folder whose run is not this one. Its length may grow.

    Args:
        out: the folder.
        run: what `run.json` will hold, or the part of it that is known so far.

    Raises:
        ValueError: another run is there; says where it differs.
    """
    if found := atomic.read_json(os.path.join(out, RUN_FILE)):
        known = {name: value for name, value in _as_now(found).items() if name in run}
        # Earlier versions noted only how many clips there were.
        may_differ = _MAY_DIFFER if _CLIPS in known else (*_MAY_DIFFER, _CLIPS)
        claim.refuse_other(out, known, _decided(run, known), may_differ)


def _decided(run: dict, known: dict) -> dict:
    """A run whose "auto" targets are those that the known run decided on. Once the clips are open
    it is decided anew, and compared again."""
    settings = run["settings"]
    if settings["pipeline"]["targets"] != AUTO:
        return run
    targets = known.get("settings", {}).get("pipeline", {}).get("targets", AUTO)
    pipeline = settings["pipeline"] | {"targets": targets}
    return run | {"settings": settings | {"pipeline": pipeline}}


def _as_now(run: dict) -> dict:
    """A `run.json` in today's form. Before, the spacing of frames stood among the settings, with a
    seed and a mask that follow from others, and weights of 1 could be left out."""
    settings = run.get("settings", {})
    batches, distill = settings.get("pipeline", {}), settings.get("distill", {})
    if "frame_every_secs" not in batches:
        return run
    kept = {name: batches[name] for name in batches.keys() - {"frame_every_secs", "seed"}}
    learned = {name: distill[name] for name in distill.keys() - {"mask_sound"}}
    learned["weights"] = distill.get("weights") or DistillConfig().weights
    return run | {
        "settings": settings | {"pipeline": kept, "distill": learned},
        "frame_every_secs": batches["frame_every_secs"],
    }
