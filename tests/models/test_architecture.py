"""Lengths and receptive fields of the layer tables, against the published figures."""

import pytest

from soundnet_tf.models.architecture import ARCHITECTURES, SOUNDNET5, SOUNDNET8

LENGTHS_8 = {
    "conv1": 220501, "pool1": 27562, "conv2": 13782, "pool2": 1722, "conv3": 862, "conv4": 432,
    "conv5": 217, "pool5": 54, "conv6": 28, "conv7": 15, "heads": 4,
}  # fmt: skip
LENGTHS_5 = {
    "conv1": 220501, "pool1": 27562, "conv2": 13782, "pool2": 1722, "conv3": 862, "pool3": 107,
    "conv4": 54, "heads": 4,
}  # fmt: skip
FIELDS_8 = {
    "conv1": 64, "pool1": 78, "conv2": 574, "pool2": 798, "conv3": 4638, "conv4": 8222,
    "conv5": 11294, "pool5": 17438, "conv6": 42014, "conv7": 91166, "heads": 320542,
}  # fmt: skip


@pytest.mark.parametrize(
    "architecture, lengths",
    [(SOUNDNET8, LENGTHS_8), (SOUNDNET5, LENGTHS_5)],
    ids=lambda a: str(a)[:9],
)
def test_lengths_of_a_clip_of_20_s_are_the_released_codes(architecture, lengths):
    assert {n: architecture.output_length(n, 441_000) for n in architecture.endpoints} == lengths


def test_receptive_fields_follow_from_kernels_and_strides():
    """By hand: rf grows by (kernel - 1) x the product of the strides before, e.g. conv1 64,
    pool1 64 + 7 x 2 = 78, conv2 78 + 31 x 16 = 574, pool2 574 + 7 x 32 = 798,
    conv3 798 + 15 x 256 = 4638, ..., heads 91166 + 7 x 32768 = 320542 (14.5 s in the paper)."""
    fields = {n: point.receptive_field_samples for n, point in SOUNDNET8.endpoints.items()}
    assert fields == FIELDS_8


def test_seconds_are_those_of_the_facts():
    heads = SOUNDNET8.heads
    assert heads.receptive_field_secs == pytest.approx(14.5, abs=0.05)
    assert heads.hop_secs == pytest.approx(2.97, abs=0.005)
    assert heads.minimum_secs == pytest.approx(9.50, abs=0.005)
    assert SOUNDNET8.endpoints["pool5"].minimum_secs == pytest.approx(0.21, abs=0.005)
    assert SOUNDNET8.endpoints["conv7"].minimum_secs == pytest.approx(0.21, abs=0.005)
    assert SOUNDNET8.endpoints["conv4"].hop_secs == pytest.approx(0.046, abs=0.0005)
    assert SOUNDNET5.heads.minimum_secs == pytest.approx(2.58, abs=0.005)


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=lambda a: a.name)
def test_minimum_is_the_shortest_length_with_a_step(architecture):
    for name, point in architecture.endpoints.items():
        assert architecture.output_length(name, point.minimum_samples) == 1
        assert architecture.output_length(name, point.minimum_samples - 1) == 0


def test_unknown_endpoint_is_named():
    with pytest.raises(ValueError, match="conv9"):
        SOUNDNET8.output_length("conv9", 441_000)
