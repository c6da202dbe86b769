"""One evaluation: a network and a labelled set to accuracies, with the floors and the paper's
figures beside them. Every row is kept when it is measured, and never measured again."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict

import tensorflow as tf

from soundnet_tf.evaluation import (
    baselines,
    features,
    linear,
    modern,
    multimodal,
    paper_results,
    plots,
    probe,
    results,
    table,
)
from soundnet_tf.evaluation.folder import MFCC, NETWORK, UNTRAINED, RowKey, Rows
from soundnet_tf.evaluation.settings import (
    ALL,
    HEADS_LAYER,
    LAYERS,
    LINEAR,
    MODERN,
    PAPER,
    RESULTS_FILE,
    EvaluateConfig,
)
from soundnet_tf.files import atomic, identity, lock
from soundnet_tf.files.progress import print_line, progress_bar
from soundnet_tf.models import pretrained
from soundnet_tf.models.fingerprint import weights_sha256
from soundnet_tf.models.folded import FoldedNetwork
from soundnet_tf.models.process import check_process
from soundnet_tf.sounds import esc_dcase, labelled_set
from soundnet_tf.sounds.labelled_set import LabelledSet
from soundnet_tf.sounds.waveforms import read_clips
from soundnet_tf.version import __version__

CHOSEN = "chosen"


def run(config: EvaluateConfig) -> None:
    """Evaluates layers, or modalities if they are given, and prints what came of it.

    Raises: as `evaluate` and `multimodal.evaluate`.
    """
    if config.modalities is None:
        content = evaluate(config, say=print_line)
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
        print_line(multimodal.table(content))
    print_line(f"{content['seconds']:.0f} s; details in {config.out}/results.json")


def evaluate(
    config: EvaluateConfig, progress: bool = True, say: Callable[[str], None] | None = None
) -> dict:
    """Evaluates, writes `OUT/results.json` and pictures, and returns the results.

    `OUT/rows.json` is written with every row, see `folder.Rows`; what is there is not measured
    again.

    Args:
        config: what to evaluate, and how.
        progress: whether to show bars on stderr.
        say: is given the lines of `table.of_results`, each when its row is measured.

    Returns:
        `rows`: for each layer and input scale a dict with `layer` ("chosen" is what the modern
        protocol made of several), `input_scale`, the keys of
        `results.figures`, `details`, `seconds` and `paper` (percent, or None); the keys of the
        first row once more at the top; `untrained`, rows of the untrained network if floors were
        asked for; `baselines` (`chance`, and if they were asked for `mfcc` and `untrained`, each as
        `results.figures`: the untrained network's embedding, where several layers were measured);
        `settings`, `classes`, `seconds` (of all runs) and versions.

    Raises:
        FileNotFoundError: the set or the model is not there.
        OSError: `out` cannot be made.
        ValueError: a set, a layer or settings that cannot be used, or another evaluation's folder.
        MediaError: a recording that cannot be read.
        HeldError: another run is writing to `out`.
    """
    with lock.hold_folder(config.out, "evaluate"):  # before minutes that could not be kept
        return _evaluate(config, progress, say or (lambda line: None))


def _evaluate(config: EvaluateConfig, progress: bool, say: Callable[[str], None]) -> dict:
    check_process()
    data = esc_dcase.load(config.dataset, config.data)
    student, _ = pretrained.load(config.model)
    network = FoldedNetwork(student)
    layers = _layers(config, network)
    recordings = identity.note_of([clip.path for clip in data.clips], config.checksum, progress)
    claimed = {"protocol": config.protocol, "weights_sha256": weights_sha256(student)}
    rows = Rows(config.out, claimed | data.claims(), recordings)
    keys = _keys(config, network, layers)
    say(table.head())
    kept = sum(key in rows for key in keys)
    with progress_bar(len(keys), "measuring", "row", progress, initial=kept) as bar:
        for key, is_new in _measured(config, data, network, layers, keys, rows, progress):
            say(table.row(key, rows[key], config.dataset))
            bar.update(is_new)
    for line in table.end(results.chance(data), config.dataset):
        say(line)
    content = _content(config, data, network, keys, rows)
    atomic.write_json(os.path.join(config.out, RESULTS_FILE), content)
    plots.save(content, config.out)
    return content


def _layers(config: EvaluateConfig, network: FoldedNetwork) -> tuple[str, ...]:
    known = [layer.name for layer in network.architecture.trunk]
    known += [HEADS_LAYER] if network.heads else []
    if config.protocol == MODERN:
        choices = modern.choices(set(known))
        return tuple(dict.fromkeys(name for choice in choices for name in choice.layers))
    if config.chosen_layer == ALL:
        has_heads = HEADS_LAYER in known and config.protocol == PAPER
        return (*LAYERS[network.architecture.name], *([HEADS_LAYER] if has_heads else []))
    if config.chosen_layer not in known:
        raise ValueError(
            f"no layer {config.chosen_layer} in this {network.architecture.name}; choose one of "
            f"{', '.join(known)}, or {ALL}"
        )
    return (config.chosen_layer,)


def _keys(config: EvaluateConfig, network: FoldedNetwork, layers: tuple[str, ...]) -> list[RowKey]:
    """What is to be measured, in the order of the table: the network, then the floors."""
    rows = (CHOSEN,) if config.protocol == MODERN else layers
    keys = [RowKey(NETWORK, row, scale) for scale in config.input_scales for row in rows]
    if not config.baselines:
        return keys
    if config.protocol == PAPER and config.chosen_layer == ALL:
        rows = (network.architecture.embedding,)  # one of them tells, and each takes long
    return [*keys, *(RowKey(UNTRAINED, row) for row in rows), RowKey(MFCC)]


def _measured(
    config, data, network, layers, keys: list[RowKey], rows: Rows, progress: bool
) -> Iterator[tuple[RowKey, bool]]:
    """Every key once its row is there, and whether it is new."""
    waveforms = None
    for (of, scale), group in itertools.groupby(keys, lambda key: (key.of, key.input_scale)):
        wanted, steps = list(group), None
        missing = [key for key in wanted if key not in rows]
        if missing and waveforms is None:
            waveforms = read_clips(data, probe.windows_for(data).clip_secs, progress)
        for key in wanted:
            if key not in missing:
                yield key, False
                continue
            if of == MFCC:
                predictions = _mfcc_predictions(config, data, waveforms, progress)
                rows.add(key, results.figures(data, predictions))
            else:
                if steps is None:
                    asked = [k.layer for k in missing] if key.layer != CHOSEN else layers
                    heard_by = network
                    if of == UNTRAINED:
                        heard_by = baselines.untrained_network(network, waveforms)
                    steps = features.layer_features(heard_by, waveforms, asked, scale, progress)
                outcome = _outcome(config, data, key, steps, progress)
                rows.add(key, _row(config, data, key, outcome))
            yield key, True


def _outcome(config, data: LabelledSet, key: RowKey, steps, progress: bool) -> probe.Outcome:
    """The probe of the protocol, of one layer; the modern one is of all together."""
    if config.protocol == MODERN:
        return modern.cross_validate(data, steps, progress)
    title = f"fitting {key.title}"
    if config.protocol == LINEAR:
        examples = {key.layer: linear.pool(steps[key.layer])}
        return linear.cross_validate(data, examples, title=title, progress=progress)[key.layer]
    return probe.cross_validate(data, steps[key.layer], probe.windows_for(data), title, progress)


def _mfcc_predictions(config, data: LabelledSet, waveforms, progress: bool):
    """By a linear SVM; of the linear protocol by its own probe."""
    if config.protocol != LINEAR:
        return baselines.mfcc_predictions(data, waveforms, progress)
    examples = {MFCC: baselines.mfcc_examples(waveforms, progress)}
    outcomes = linear.cross_validate(data, examples, title="fitting MFCC", progress=progress)
    return outcomes[MFCC].predictions


def _row(config, data: LabelledSet, key: RowKey, outcome: probe.Outcome) -> dict:
    of_paper = paper_results.LAYERS.get(data.name, {}) if config.protocol == PAPER else {}
    return {
        "layer": key.layer,
        "input_scale": key.input_scale,
        **results.figures(data, outcome.predictions),
        "details": list(outcome.details),
        "seconds": outcome.seconds,
        "paper": of_paper.get(key.layer),
    }


def _content(config, data: LabelledSet, network, keys: Iterable[RowKey], rows: Rows) -> dict:
    found = {of: [rows[key] for key in keys if key.of == of] for of in (NETWORK, UNTRAINED, MFCC)}
    floors = {"chance": results.chance(data)}
    if found[MFCC]:
        by_layer = {row["layer"]: row for row in found[UNTRAINED]}
        first = found[UNTRAINED][0]
        floors["mfcc"] = found[MFCC][0]
        floors["untrained"] = by_layer.get(network.architecture.embedding, first)
    return {
        **found[NETWORK][0],
        "rows": found[NETWORK],
        "untrained": found[UNTRAINED],
        "baselines": floors,
        "dataset": config.dataset,
        "classes": list(data.classes),
        "protocol": config.protocol,
        "settings": asdict(config) | {"layer": config.chosen_layer},
        "versions": {"soundnet_tf": __version__, "tensorflow": tf.__version__},
        "seconds": rows.seconds,
    }
