"""The table "recipe": what of `flags/scratch_small.flags` matters. Every row changes one thing of
it and is a flagfile in `flags/recipe`."""

from soundnet_tf.ablations import learning, tables
from soundnet_tf.ablations.learning import SHUFFLE, SHUFFLED, Entry
from soundnet_tf.ablations.settings import ReproduceConfig
from soundnet_tf.data.manifest import load_manifest
from soundnet_tf.data.videos import TRAIN


def entries(config: ReproduceConfig) -> list[Entry]:
    """The rows in their order.

    Raises:
        FileNotFoundError: the folder is not prepared.
    """
    floor, published = learning.untrained_and_published(config)
    found = [floor]
    if config.data:
        clips = load_manifest(config.data).splits[TRAIN].clips
        for kind in (tables.RECIPE, *tables.RECIPE_ROWS, SHUFFLED):
            flagfile = f"recipe/{kind}" if kind in tables.RECIPE_ROWS else tables.RECIPE
            more = (SHUFFLE,) if kind == SHUFFLED else ()
            runs = [
                learning.training(config, kind, seed, config.data, *more, flagfile=flagfile)
                for seed in config.seeds
            ]
            found.append(Entry(kind, kind, tuple(runs), lambda seed: clips))
    return [*found, *([published] if published else [])]
