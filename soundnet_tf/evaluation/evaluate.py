"""One evaluation: a network and a labelled set to accuracies, with the floors and the paper's
figures beside them."""

import os
import time
from collections.abc import Iterator
from dataclasses import asdict

import tensorflow as tf

from soundnet_tf.evaluation import (
    baselines,
    features,
    modern,
    multimodal,
    paper_results,
    plots,
    probe,
    results,
)
from soundnet_tf.evaluation.settings import ALL, HEADS_LAYER, MODERN, PAPER, EvaluateConfig
from soundnet_tf.files import atomic, lock
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.serving import listener
from soundnet_tf.sounds import esc_dcase, labelled_set
from soundnet_tf.sounds.labelled_set import LabelledSet
from soundnet_tf.sounds.waveforms import read_clips
from soundnet_tf.version import __version__

CHOSEN = "chosen"
_TABLE_LAYERS = {
    "soundnet8": ("conv4", "conv5", "pool5", "conv6", "conv7", HEADS_LAYER),
    "soundnet5": ("conv3", "pool3", "conv4", HEADS_LAYER),
}


def run(config: EvaluateConfig) -> str:
    """Evaluates layers, or modalities if they are given, and says what came of it.

    Raises: as `evaluate` and `multimodal.evaluate`.
    """
    if config.modalities is None:
        content = evaluate(config)
        lines = table(content)
    else:
        with lock.hold_folder(config.out, "evaluate"):
            content = multimodal.evaluate(
                labelled_set.from_manifest(config.data),
                config.model,
                config.teacher,
                config.chosen_layer,
                modalities=config.modalities,
            )
            multimodal.save(content, config.out)
        lines = multimodal.table(content)
    return f"{lines}\n{content['seconds']:.0f} s; details in {config.out}/results.json"


def evaluate(config: EvaluateConfig, progress: bool = True) -> dict:
    """Evaluates, writes `OUT/results.json` and pictures, and returns the results.

    Returns:
        `rows`: for each layer and input scale a dict with `layer` ("chosen" is what the modern
        protocol made of several), `input_scale`, the keys of
        `results.figures`, `details`, `seconds` and `paper` (percent, or None); the keys of the
        first row once more at the top; `baselines` (`chance`, and if they were asked for `mfcc` and
        `untrained`, each as `results.figures`); `settings`, `classes`, `seconds` and versions.

    Raises:
        FileNotFoundError: the set or the model is not there.
        OSError: `out` cannot be made.
        ValueError: a set, a layer or settings that cannot be used.
        MediaError: a recording that cannot be read.
        HeldError: another run is writing to `out`.
    """
    with lock.hold_folder(config.out, "evaluate"):  # before minutes that could not be kept
        return _evaluate(config, progress)


def _evaluate(config: EvaluateConfig, progress: bool) -> dict:
    start = time.perf_counter()
    data = esc_dcase.load(config.dataset, config.data)
    network = listener.load(config.model).network
    layers = _layers(config, network)
    waveforms = read_clips(data, probe.windows_for(data).clip_secs, progress)
    rows = list(_rows(config, data, network, waveforms, layers, progress))
    content = {
        **rows[0],
        "rows": rows,
        "baselines": _baselines(config, data, waveforms, layers, network, progress),
        "dataset": config.dataset,
        "classes": list(data.classes),
        "protocol": config.protocol,
        "settings": asdict(config) | {"layer": config.chosen_layer},
        "versions": {"soundnet_tf": __version__, "tensorflow": tf.__version__},
        "seconds": time.perf_counter() - start,
    }
    atomic.write_json(os.path.join(config.out, "results.json"), content)
    plots.save(content, config.out)
    return content


def _layers(config: EvaluateConfig, network: FoldedNetwork) -> tuple[str, ...]:
    known = [layer.name for layer in network.architecture.trunk]
    known += [HEADS_LAYER] if network.heads else []
    if config.protocol == MODERN:
        choices = modern.choices(set(known))
        return tuple(dict.fromkeys(name for choice in choices for name in choice.layers))
    if config.chosen_layer == ALL:
        table = _TABLE_LAYERS[network.architecture.name]
        return tuple(name for name in table if name in known)
    if config.chosen_layer not in known:
        raise ValueError(
            f"no layer {config.chosen_layer} in this {network.architecture.name}; choose one of "
            f"{', '.join(known)}, or {ALL}"
        )
    return (config.chosen_layer,)


def _rows(config, data, network, waveforms, layers, progress: bool) -> Iterator[dict]:
    for scale in config.input_scales:
        steps = features.layer_features(network, waveforms, layers, scale, progress)
        for layer, outcome in _outcomes(config, data, steps, progress):
            yield _row(data, layer, scale, outcome)


def _outcomes(config, data, steps, progress: bool) -> Iterator[tuple[str, probe.Outcome]]:
    """The paper's probe of each layer, or the modern one of all together."""
    if config.protocol == MODERN:
        yield CHOSEN, modern.cross_validate(data, steps, progress)
        return
    for layer, values in steps.items():
        windows, title = probe.windows_for(data), f"fitting {layer}"
        yield layer, probe.cross_validate(data, values, windows, title, progress)


def _row(data: LabelledSet, layer: str, scale: float, outcome: probe.Outcome) -> dict:
    return {
        "layer": layer,
        "input_scale": scale,
        **results.figures(data, outcome.predictions),
        "details": list(outcome.details),
        "seconds": outcome.seconds,
        "paper": paper_results.LAYERS.get(data.name, {}).get(layer),
    }


def _baselines(config, data, waveforms, layers, network, progress: bool) -> dict:
    """MFCC with a linear SVM; the untrained network by the same probe, one layer of it; chance."""
    chance = {"chance": results.chance(data)}
    if not config.baselines:
        return chance
    untrained = baselines.untrained_network(network, waveforms)
    if config.chosen_layer == ALL and config.protocol == PAPER:
        layers = (network.architecture.embedding,)
    steps = features.layer_features(untrained, waveforms, layers, progress=progress)
    ((layer, outcome),) = _outcomes(config, data, steps, progress)
    return {
        "mfcc": results.figures(data, baselines.mfcc_predictions(data, waveforms, progress)),
        "untrained": results.figures(data, outcome.predictions) | {"layer": layer},
        **chance,
    }


def table(content: dict) -> str:
    """The results as a Markdown table, floors and the paper's figures included."""
    rows = [
        {
            "layer": row["layer"],
            "input scale": f"{row['input_scale']:g}",
            "accuracy %": results.percent(row),
            "paper %": row["paper"],
        }
        for row in content["rows"]
    ]
    floor, named = content["baselines"], {}
    if "untrained" in floor:
        untrained = floor["untrained"]
        named["untrained network, " + untrained["layer"]] = results.percent(untrained)
    if "mfcc" in floor:
        named["MFCC, mean and deviation"] = results.percent(floor["mfcc"])
    named["most frequent class"] = f"{100 * floor['chance']:.1f}"
    others = paper_results.OTHERS.get(content["dataset"], {})
    for name, figure in named.items():
        paper = others.get("SVM on MFCC") if name.startswith("MFCC") else None
        rows.append({"layer": name, "input scale": None, "accuracy %": figure, "paper %": paper})
    for name, figure in others.items():
        if name != "SVM on MFCC":
            row = {"layer": name, "input scale": None, "accuracy %": None, "paper %": figure}
            rows.append(row)
    return results.markdown(rows)
