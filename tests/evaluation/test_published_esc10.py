"""The published network on the whole of ESC-10: the figures that count, by both protocols."""

import pytest

from soundnet_tf.evaluation import evaluate, features, probe, results
from soundnet_tf.evaluation.settings import EvaluateConfig
from soundnet_tf.models.weights import published
from soundnet_tf.serving import listener
from soundnet_tf.sounds import esc_dcase
from soundnet_tf.sounds.waveforms import read_clips

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def esc10(shared):
    try:
        published.find()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    return str(shared / "data/esc10")


@pytest.fixture(scope="module")
def pool5(esc10, tmp_path_factory):
    out = str(tmp_path_factory.mktemp("pool5"))
    config = EvaluateConfig(esc10, out, "esc10", input_scales=(1.0,))
    return evaluate.evaluate(config, progress=False)


def test_pool5_has_the_papers_92_percent_and_its_floors_are_below_it(pool5):
    """92 ± 1 % (the paper reports 92.2, and 67.5 for an SVM on MFCC)."""
    (row,) = pool5["rows"]
    assert 0.91 <= row["accuracy_mean"] <= 0.93
    assert row["paper"] == 92.2
    assert sum(map(sum, row["confusion"])) == 400
    floors = pool5["baselines"]
    assert 0.55 <= floors["mfcc"]["accuracy_mean"] <= 0.75
    assert 0.55 <= floors["untrained"]["accuracy_mean"] < 0.82
    assert floors["chance"] == 0.1


def test_layers_stand_in_the_papers_order(esc10, pool5):
    """An independent run of the protocol gave 92.5 % of conv6 and 85.3 of conv7. The paper's order,
    which it measured on ESC-50: conv6 and pool5, conv7, conv8. All hear more than the floors do."""
    data = esc_dcase.load("esc10", esc10)
    waveforms = read_clips(data, probe.ESC_WINDOWS.clip_secs, progress=False)
    layers = ["conv6", "conv7", "conv8"]
    steps = features.layer_features(listener.load().network, waveforms, layers)
    accuracies = {"pool5": pool5["accuracy_mean"]}
    for layer, values in steps.items():
        outcome = probe.cross_validate(data, values, probe.ESC_WINDOWS)
        accuracies[layer] = results.figures(data, outcome.predictions)["accuracy_mean"]
    assert 0.915 <= accuracies["conv6"] <= 0.935
    assert 0.84 <= accuracies["conv7"] <= 0.87
    floors = [pool5["baselines"][name]["accuracy_mean"] for name in ("untrained", "mfcc")]
    assert min(accuracies["conv6"], accuracies["pool5"]) > accuracies["conv7"]
    assert accuracies["conv7"] > accuracies["conv8"] > max(floors)


def test_the_modern_protocol_is_better_than_the_papers(esc10, pool5, tmp_path):
    """It gave 93.2 % when its classifiers were first compared, and nothing was changed after that.
    The band is no claim but that: one clip is 0.25, by chance alone figures of 400 clips are known
    to ± 1.3, and other rounding may choose otherwise in a fold. (With least squares as the only
    classifier it was 95.0.)"""
    config = EvaluateConfig(
        esc10, str(tmp_path), "esc10", protocol="modern", input_scales=(1.0,), baselines=False
    )
    content = evaluate.evaluate(config, progress=False)
    assert 0.92 <= content["accuracy_mean"] <= 0.955
    assert content["accuracy_mean"] > pool5["accuracy_mean"]
    for detail in content["details"]:
        assert len(detail["layers"]) >= 2, "several layers joined were best in every fold"
