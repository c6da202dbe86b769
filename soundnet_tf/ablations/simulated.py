"""The table "simulated": distillation itself, with enough pairs, from teachers that are made up.

Films are joined of sounds of other classes than those that the probe tells apart. Rows: posteriors
as noisy as real teachers' ("simulated"), the same given to other films ("shuffled"), and the kind
itself, without noise, by the same path ("labels"): the most that this way can give.
"""

import functools

from soundnet_tf.ablations import learning
from soundnet_tf.ablations.learning import SHUFFLE, SHUFFLED, Entry
from soundnet_tf.ablations.settings import ReproduceConfig
from soundnet_tf.files import identity, storage
from soundnet_tf.simulation import films
from soundnet_tf.sounds import esc_dcase, labelled_set
from soundnet_tf.sounds.labelled_set import LabelledSet

_TEACHERS = {"simulated": "noisy", SHUFFLED: "noisy", "labels": "exact"}


def entries(config: ReproduceConfig) -> list[Entry]:
    """The rows in their order.

    Raises:
        FileNotFoundError, ValueError: the sounds are not there, or cannot be made films of.
    """
    if config.sounds is not None:
        _check(config)
    floor, published = learning.untrained_and_published(config)
    found = [floor]
    for kind, teacher in _TEACHERS.items():
        data = str(learning.folder_of(config, "data", teacher))
        more = (SHUFFLE,) if kind == SHUFFLED else ()
        runs = [learning.training(config, kind, seed, data, *more) for seed in config.seeds]
        prepare = functools.partial(_prepare, config, teacher, data)
        found.append(Entry(kind, kind, tuple(runs), prepare))
    return [*found, *([published] if published else [])]


def sounds(path: str) -> LabelledSet:
    """What films are made of.

    Args:
        path: ESC-50's folder, of which the classes that ESC-10 has are left out; or a CSV, of which
            all are taken.

    Raises:
        FileNotFoundError, ValueError: as `esc_dcase.load`.
    """
    if path.endswith(".csv"):
        return labelled_set.from_manifest(path)
    whole, ten = esc_dcase.load("esc50", path), esc_dcase.load("esc10", path)
    classes = tuple(name for name in whole.classes if name not in ten.classes)
    clips = tuple(clip for clip in whole.clips if clip.label in classes)
    return LabelledSet("esc50 without esc10", classes, clips)


def check_apart(learned: LabelledSet, heard: LabelledSet) -> None:
    """ValueError if a recording of which films are made is one that the probe hears, or has the
    bytes of one."""
    sizes = {storage.size(clip.path) for clip in heard.clips}
    alike = [clip.path for clip in learned.clips if storage.size(clip.path) in sizes]
    sizes = {storage.size(path) for path in alike}
    also = [clip.path for clip in heard.clips if storage.size(clip.path) in sizes]
    found = identity.identities_of({path: path for path in (*alike, *also)}, checksum=True)
    known = {found[path].sha256 for path in also}
    if shared := [path for path in alike if found[path].sha256 in known]:
        raise ValueError(
            f"{labelled_set.examples(shared)} would be learned from and tested on; take them out "
            f"of --sounds"
        )


def _check(config: ReproduceConfig) -> None:
    """Before minutes that it would take to be told otherwise."""
    data = sounds(config.sounds)
    films.joined(data)
    check_apart(data, esc_dcase.load(config.dataset, config.eval_data))


def _prepare(config: ReproduceConfig, teacher: str, out: str, seed: int) -> int:
    """Films and teacher are the same for all seeds; gives the number of training films."""
    from soundnet_tf.simulation import prepare

    data = sounds(config.sounds)
    prepare.prepare(data, teacher, out)
    return sum(film.split == "train" for film in films.joined(data))
