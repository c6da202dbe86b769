"""The table "scaling": the probe and the held-out KL against the number of clips.

Smaller sets are within larger ones and of whole videos, drawn by each seed anew; the clips held out
are always the same.
"""

import functools

from soundnet_tf.ablations import learning
from soundnet_tf.ablations.learning import SHUFFLE, SHUFFLED, Entry
from soundnet_tf.ablations.settings import ReproduceConfig
from soundnet_tf.data import subset
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.videos import TRAIN

CLIPS = "clips"


def entries(config: ReproduceConfig) -> list[Entry]:
    """The rows in their order.

    Raises:
        FileNotFoundError: the folder is not prepared.
        ValueError: too few clips.
    """
    floor, published = learning.untrained_and_published(config)
    clips = load_manifest(config.data).splits[TRAIN].clips if config.data else 0
    found = [floor]
    sizes = subset.sizes(clips) if config.data else ()
    for size in sizes:
        runs = []
        for seed in config.seeds:
            data = config.data if size == clips else str(_folder(config, size, seed))
            runs.append(learning.training(config, f"clips{size}", seed, data))
        prepare = functools.partial(_prepare, config, size)
        found.append(Entry(f"{size} clips", CLIPS, tuple(runs), prepare))
    if sizes:
        runs = [
            learning.training(config, SHUFFLED, seed, config.data, SHUFFLE) for seed in config.seeds
        ]
        prepare = functools.partial(_prepare, config, clips)
        found.append(Entry(f"{clips} clips, shuffled", SHUFFLED, tuple(runs), prepare))
    return [*found, *([published] if published else [])]


def _folder(config: ReproduceConfig, size: int, seed: int):
    return learning.folder_of(config, "data", f"clips{size}-seed{seed}")


def _prepare(config: ReproduceConfig, size: int, seed: int) -> int:
    """How many clips it became, by whole videos."""
    known = load_manifest(config.data)
    if size == known.splits[TRAIN].clips:
        return size
    videos = subset.choose(subset.clips_of_videos(known), size, seed)
    written = subset.write_subset(known, videos, str(_folder(config, size, seed)))
    return written.settings["subset_clips"]
