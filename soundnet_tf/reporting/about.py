"""What a network is, in plain words, and the settings of the run that it comes from."""

from collections.abc import Mapping
from typing import Any

from soundnet_tf import constants
from soundnet_tf.files.find import printable
from soundnet_tf.reporting.settings import ReportConfig
from soundnet_tf.serving.listener import Listener
from soundnet_tf.version import __version__

_NAMES = {"soundnet8": "SoundNet-8", "soundnet5": "SoundNet-5"}
_VERSIONS = ("soundnet_tf", "tensorflow", "keras")


def content(config: ReportConfig, ears: Listener, run: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the first screen tells.

    Args:
        config: of the report.
        ears: the network.
        run: what `run.json` holds, if it comes from a run.
    """
    architecture = ears.network.architecture
    name = _NAMES.get(architecture.name, architecture.name)
    heads = " and ".join(f"{len(names)} {head}" for head, names in ears.labels.items())
    return {
        "title": f"{name}, {_short(config.source)}",
        "name": name,
        "source": printable(config.source),
        "is_published": config.source == constants.PUBLISHED,
        "run": None if config.run is None else printable(config.run),
        "heads": heads,
        "rate": f"{constants.SAMPLE_RATE:,}".replace(",", "\u202f"),
        "convolutions": len(architecture.blocks) + 1,
        "hears_secs": f"{architecture.heads.receptive_field_secs:.1f}",
        "every_secs": f"{architecture.heads.hop_secs:.1f}",
        "version": __version__,
        "clips": run and run.get("clips"),
    }


def _short(source: str) -> str:
    """What a network is called in a title: the last two parts of its path."""
    if source == constants.PUBLISHED:
        return "the published weights"
    return printable("/".join(source.rstrip("/").split("/")[-2:]))


def facts(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What `run.json` says, as names with dots and texts: versions and clips, then settings."""
    first = {name: run[name] for name in _VERSIONS if name in run}
    settings = run.get("settings", {})
    rest = {k: v for k, v in run.items() if k not in (*_VERSIONS, "settings")}
    return [*_flat(first), *_flat(rest), *_flat(settings)]


def _flat(value: Any, name: str = "") -> list[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        return [
            found
            for key, inner in value.items()
            for found in _flat(inner, f"{name}.{key}" if name else key)
        ]
    if isinstance(value, Mapping) or value is None or value == "":
        return [(name, "none")]
    return [(name, str(value))]
