"""Class lists of ImageNet and Places, in the order of the networks' outputs.

Each file of `assets/labels` is a published list: `n01440764 tench, Tinca tinca` (ImageNet),
`/a/airplane_cabin` (the 401 categories of Places2), `/a/airplane_cabin 1` (Places365).
"""

from functools import cache
from importlib import resources

from soundnet_tf import constants

NAMES = ("imagenet_1000", "places2_401", "places365")
BACKGROUND = "background"  # class 0 of the TensorFlow networks with 1001 outputs

_BY_COUNT = {
    constants.IMAGENET_CLASSES: "imagenet_1000",
    constants.PLACES2_CLASSES: "places2_401",
    constants.PLACES365_CLASSES: "places365",
}


@cache
def _lines(name: str) -> tuple[str, ...]:
    if name not in NAMES:
        raise ValueError(f"No label list {name!r}; there are {', '.join(NAMES)}.")
    folder = resources.files("soundnet_tf").joinpath("assets", "labels")
    return tuple(folder.joinpath(f"{name}.txt").read_text("utf-8").splitlines())


def keys(name: str) -> tuple[str, ...]:
    """Published identifiers of a list, in output order, each of them unique.

    Returns:
        WordNet ids (`n01440764`) for `imagenet_1000`, paths (`/a/airplane_cabin`) for Places.

    Raises:
        ValueError: `name` is none of `NAMES`.
    """
    return tuple(line.split()[0] for line in _lines(name))


def load(name: str) -> tuple[str, ...]:
    """Names for people, in output order.

    ImageNet's are whole lists of synonyms (`tench, Tinca tinca`), of which two are the same: a bird
    and a machine are both `crane`. A category of Places has one spelling in both of its lists
    (`/v/volleyball_court/outdoor` is `volleyball court outdoor`).

    Raises:
        ValueError: `name` is none of `NAMES`.
    """
    if name == "imagenet_1000":
        return tuple(line.split(" ", 1)[1] for line in _lines(name))
    return tuple(key[len("/a/") :].replace("_", " ").replace("/", " ") for key in keys(name))


def for_classes(count: int) -> tuple[str, ...]:
    """Names for a network with `count` outputs: 365, 401, 1000, or 1001 (background first).

    Raises:
        ValueError: no known list has `count` classes.
    """
    if count == constants.IMAGENET_CLASSES + 1:
        return (BACKGROUND, *load("imagenet_1000"))
    if count not in _BY_COUNT:
        raise ValueError(f"No label list has {count} classes; there are 365, 401, 1000 and 1001.")
    return load(_BY_COUNT[count])
