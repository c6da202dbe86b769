"""Every figure of a run that learns nothing, against NumPy: losses, metrics, baselines, start."""

import cached_records as cached
import keras
import numpy as np
import numpy_distillation
import pytest

from soundnet_tf.data.batch_settings import PipelineConfig
from soundnet_tf.models import checkpoint, student
from soundnet_tf.models.initialise import HeadStart
from soundnet_tf.training.loop import train
from soundnet_tf.training.settings import DistillConfig, OptimizerConfig, TrainConfig

CROP_SECS = 8.0  # two steps of SoundNet-5, centred on 1.3 s and 5.7 s
SETTINGS = {
    "mask": {
        "short": "mask",
        "reduction": "paper",
        "temperature": 2.0,
        "weights": {"objects": 0.5, "scenes": 2.0},
    },
    "loop": {"short": "loop", "alignment": "index", "loss": "l2", "weights": {"scenes": 3.0}},
}
# Of other order than the teacher's, one class more and one less: rows must go by name.
TRAINED_LABELS = {"objects": ("tree", "lamp", "comb", "boat"), "scenes": ("lake",)}


def clips(first, *seconds):
    """Clips of so many seconds; teachers see something else in each frame of each."""
    made = []
    for number, secs in enumerate(seconds, first):
        rng = np.random.default_rng(100 + number)
        frames = int(np.ceil(secs / cached.EVERY_SECS))
        seen = {h: rng.dirichlet(np.ones(len(n)), frames) for h, n in cached.LABELS.items()}
        made.append(cached.clip(number, secs, seen))
    return made


# Masked, of 2, 1, 2, 1, 1, 2 valid steps: no two batches of a split need weigh the same. One
# training clip is longer than the crop, the last held-out batch is not full.
TRAINING = clips(0, 8.0, 3.0, 9.0, 5.0, 3.0, 8.0)
HELD_OUT = clips(6, 3.0, 5.0, 8.0, 8.0, 4.0)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A student all of whose weights are far from where students start."""
    network = student.SoundNet5(object_classes=4, scene_classes=1, plain_layers=True)
    rng = np.random.default_rng(1)
    for layer in network.layers:
        weights = layer.get_weights()
        if isinstance(layer, keras.layers.BatchNormalization):
            low_high = [(0.5, 1.5), (-0.3, 0.5), (-0.5, 0.5), (0.5, 2.0)]
            weights = [rng.uniform(*of, w.shape) for of, w in zip(low_high, weights, strict=True)]
            if layer.name == "conv1_bn":
                weights[3] *= 1000  # the sound comes times 256
        elif weights:
            fan_in = np.prod(weights[0].shape[:-1])
            weights = [
                rng.normal(0, (2 / fan_in) ** 0.5, weights[0].shape),
                rng.normal(0, 0.3, weights[1].shape),
            ]
        layer.set_weights(weights)
    folder = str(tmp_path_factory.mktemp("trained"))
    checkpoint.save_student(folder, network, TRAINED_LABELS)
    return folder


def config_of(trained, short, **distill):
    """Nothing moves: hardly a rate, no batch norm; the first crops, in any order, are the clips."""
    return TrainConfig(
        teachers={},
        steps=3,  # an epoch
        architecture="soundnet5",
        init_from=trained,
        freeze_batch_norm=True,
        baseline_clips=4,
        pipeline=PipelineConfig(
            batch_size=2,
            crop_secs=CROP_SECS,
            short=short,
            random_crop=False,
            targets="cached",
        ),
        distill=DistillConfig(**distill),
        optimizer=OptimizerConfig(learning_rate=0.0),
    )


@pytest.fixture(scope="module", params=SETTINGS)
def run(request, trained, tmp_path_factory):
    """The settings of a run, what it gave, and the student it saved."""
    settings = SETTINGS[request.param]
    out = str(tmp_path_factory.mktemp(request.param))
    sources = (cached.source(*part) for part in (TRAINING, HELD_OUT))
    result = train(config_of(trained, **settings), *sources, out)
    return settings, result, checkpoint.load_student(f"{out}/last")


def assert_figures(found, expected, prefix=""):
    for name, value in expected.items():
        assert found[prefix + name] == pytest.approx(value, rel=2e-3, abs=1e-6), name


def figures(network, part, settings):
    return numpy_distillation.figures(network, part, CROP_SECS, cached.EVERY_SECS, **settings)


def test_an_epochs_figures_are_means_over_all_valid_steps(run):
    settings, result, (network, _) = run
    (row,) = result.history
    assert_figures(row, figures(network, TRAINING, settings))


def test_held_out_figures_count_the_last_batch_by_its_valid_steps(run):
    settings, result, (network, _) = run
    (row,) = result.history
    expected = figures(network, HELD_OUT, settings)
    assert_figures(row, expected, "val_")
    assert_figures(result.baselines["start"], expected)


def test_the_constant_answer_is_the_mean_of_the_first_training_clips(run):
    """Over the valid steps of 4 clips, as `baseline_clips` says; its logits are its logarithm."""
    settings, result, _ = run
    alignment = settings.get("alignment", "time")

    def wanted(part, head):
        of_clips = [
            numpy_distillation.targets(
                clip, CROP_SECS, cached.EVERY_SECS, settings["short"], alignment
            )[head]
            for clip in part
        ]
        return np.concatenate(of_clips)

    held_out = {head: wanted(HELD_OUT, head) for head in cached.LABELS}
    logits = {
        head: np.broadcast_to(np.log(wanted(TRAINING[:4], head).mean(0)), p.shape)
        for head, p in held_out.items()
    }
    expected = numpy_distillation.compare(held_out, logits)
    del expected["loss"]
    assert_figures(result.baselines["constant"], expected)


def test_it_starts_with_the_trunk_and_the_rows_of_its_classes(run, trained):
    _, result, (network, labels) = run
    source, _ = checkpoint.load_student(trained)
    assert labels == cached.LABELS
    assert result.head_starts == {"objects": HeadStart(3, 3), "scenes": HeadStart(2, 1)}
    for layer in source.layers:
        if layer.name not in TRAINED_LABELS:
            for ours, theirs in zip(
                network.get_layer(layer.name).get_weights(), layer.get_weights(), strict=True
            ):
                np.testing.assert_array_equal(ours, theirs)
    rows = {"objects": ([0, 1, 2], [1, 3, 0]), "scenes": ([1], [0])}  # lamp, boat, tree; lake
    for head, (into, out_of) in rows.items():
        for ours, theirs in zip(
            network.get_layer(head).get_weights(), source.get_layer(head).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(ours[..., into], theirs[..., out_of])
    kernel, bias = network.get_layer("scenes").get_weights()
    assert abs(bias[0]) < 1e-20 and np.std(kernel[..., 0]) == pytest.approx(0.01, rel=0.1)  # fresh
