"""Whose a folder of shards is: those of other settings are not gone on with. No TensorFlow."""

from soundnet_tf.data.settings import PCM16, Cutting, PrepareConfig
from soundnet_tf.data.shard_json import settings_found
from soundnet_tf.files import claim
from soundnet_tf.settings import flag_of


def refuse_other_settings(config: PrepareConfig) -> None:
    """ValueError if the folder `config.out` has finished shards of other settings; says which."""
    for found in settings_found(config.out):
        claim.refuse_other(config.out, _by_flag(found), _by_flag(config.settings()))


def _by_flag(settings: dict) -> dict:
    named = {"audio_codec": PCM16} | settings
    return {_flag(name): value for name, value in named.items()}


def _flag(name: str) -> str:
    for settings in (PrepareConfig, Cutting):
        if name in settings.__dataclass_fields__:
            return f"--{flag_of(settings, name)}"
    return name  # what no flag sets
