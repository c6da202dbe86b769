"""The words at the end of a run, by its figures."""

import pytest

from soundnet_tf.training import probe
from soundnet_tf.training.verdict import FITS, LEARNED, NOTHING, verdict

UNPROBED = {
    "from_trained": False,
    "untrained": None,
    "rows": [{"epoch": 5, "accuracy": {}, "effective_rank": 9.0}],
}
BASELINES = {
    "constant": {"kl_objects": 3.0, "agreement_objects": 0.1, "kl_scenes": 2.0},
    "start": {"kl_objects": 3.4, "kl_scenes": 3.4, "loss": 6.8},
}


def figures(hears_objects, hears_scenes=0.0, kl=3.5):
    hears = {"hears_objects": hears_objects, "hears_scenes": hears_scenes}
    return hears | {f"{k}_{h}": kl for k in ("kl", "shuffled") for h in ("objects", "scenes")}


def probed(right, floor):
    return {
        "from_trained": False,
        "set": "toys",
        "recordings": len(right),
        "untrained": probe_row(None, floor),
        "rows": [probe_row(4, "0" * len(right)), probe_row(5, right)],
    }


def probe_row(epoch, right):
    return probe.row(epoch, {"conv4": [c == "1" for c in right]})


@pytest.mark.parametrize(
    ("held_out", "training", "word"),
    [
        (figures(0.5), figures(1.0), NOTHING),
        (figures(0.5), figures(9.0), FITS),
        (figures(3.5), figures(9.0), LEARNED),
        (figures(0.1, 3.5), figures(9.0), LEARNED),
        (figures(-5.0), figures(9.0), FITS),
        (figures(float("nan"), float("nan")), figures(float("nan"), 9.0), FITS),
    ],
)
def test_without_labelled_sounds_pairs_decide(held_out, training, word):
    assert verdict(held_out, training, BASELINES, UNPROBED)[0] == word


@pytest.mark.parametrize(
    ("right", "floor", "word"),
    [
        ("1" * 30 + "0" * 10, "0" * 40, LEARNED),  # 30 / sqrt(30) = 5.5 standard errors
        ("1" * 5 + "0" * 35, "0" * 40, FITS),  # 2.2
        ("10" * 20, "01" * 20, FITS),  # 20 won and 20 lost
    ],
)
def test_with_labelled_sounds_the_last_probe_decides(right, floor, word):
    """Whatever the pairs say, and not the best probe."""
    found, reasons = verdict(figures(9.0), figures(9.0), BASELINES, probed(right, floor))
    assert found == word
    assert reasons[0].startswith("Probe of toys, 40 recordings: ")


def test_the_reasons_name_the_figures():
    _, reasons = verdict(figures(4.0, kl=2.5), figures(9.0), BASELINES, UNPROBED)
    assert "objects: held-out sounds fit their own pictures surely better" in reasons[0]
    assert "KL 2.500" in reasons[0] and "under the constant answer's 3.000" in reasons[0]
    assert "no better" in reasons[1] and "over the constant answer's 2.000" in reasons[1]


def test_too_few_videos_are_said_to_be_so():
    held_out = figures(float("nan"), float("nan"))
    for training in (0.0, 9.0):
        reasons = verdict(held_out, figures(training), BASELINES, UNPROBED)[1]
        assert "too few" in reasons[0] and "Hold out more videos" in reasons[-1]
    *_, last = verdict(held_out, figures(9.0), BASELINES, probed("1" * 40, "0" * 40))[1]
    assert "Hold out" not in last


def test_an_advantage_is_of_the_recordings_that_differ():
    """Best layers: 7 of 10 right against 4 of 10, of which 2 are not among the 7: 5 won, 2 lost."""
    ours = probe.row(5, {"a": [True] * 7 + [False] * 3, "b": [True] + [False] * 9})
    theirs = probe.row(None, {"a": [False] * 10, "b": [False] * 5 + [True] * 4 + [False]})
    assert probe.best_layer(ours) == ("a", 0.7) and probe.best_layer(theirs) == ("b", 0.4)
    assert probe.advantage(ours, theirs) == pytest.approx((5 - 2) / 7**0.5)
    assert probe.advantage(ours, ours) == 0


@pytest.mark.parametrize(
    ("kl", "right", "word"),
    [
        (3.3, "1" * 20 + "0" * 20, LEARNED),  # under the start's 3.4, and hears as before
        (3.3, "0" * 40, FITS),  # 20 lost: forgotten
        (3.6, "1" * 40, FITS),
    ],
)
def test_a_network_that_was_trained_before_is_held_against_its_start(kl, right, word):
    of_probe = probed(right, "0" * 40) | {"from_trained": True}
    of_probe["rows"].insert(0, probe_row(0, "1" * 20 + "0" * 20))
    found, reasons = verdict(figures(9.0, kl=kl), figures(9.0), BASELINES, of_probe)
    assert found == word and "before training 50.0%" in reasons[0]
    assert f"KL {kl:.3f}" in reasons[1] and "before training 3.400." in reasons[1]


@pytest.mark.parametrize(
    ("hears", "word"),
    [((0.3, 0.2), NOTHING), ((0.3, 5.0), NOTHING), ((5.0, 0.2), LEARNED)],
)
def test_new_heads_that_know_only_what_is_frequent_have_learned_nothing(hears, word):
    """Their KL falls from that of a fresh head to the constant answer's; a head whose KL did not
    fall owes what it hears to before."""
    started = {"kl_objects": 6.9, "kl_scenes": 2.0}
    held_out = figures(*hears) | {"kl_objects": 3.0, "kl_scenes": 2.1}
    unprobed = UNPROBED | {"from_trained": True}
    baselines = BASELINES | {"start": started}
    assert verdict(held_out, figures(0.0), baselines, unprobed)[0] == word


def test_a_network_that_gives_no_numbers_is_said_to_do_so():
    nan = float("nan")
    word, reasons = verdict(figures(nan, nan, kl=nan), figures(nan, nan), BASELINES, UNPROBED)
    assert word == NOTHING and "diverged" in reasons[0] and "too few" not in reasons[0]


def test_a_control_is_not_asked_for_another_one():
    word, reasons = verdict(figures(9.0), figures(9.0), BASELINES, UNPROBED, is_control=True)
    assert word == LEARNED and "does not owe to seeing" in reasons[-1]
    assert not any("--shuffled_pairs" in reason for reason in reasons)


def test_a_network_whose_start_was_not_probed_owes_nothing_to_the_untrained_one():
    """It was far above that before; what counts is that it is not below, and what was learned."""
    of_probe = probed("1" * 40, "0" * 40) | {"from_trained": True}
    assert verdict(figures(0.0, kl=3.3), figures(0.0), BASELINES, of_probe)[0] == NOTHING
    word, reasons = verdict(figures(9.0, kl=3.3), figures(9.0), BASELINES, of_probe)
    assert word == LEARNED and "an untrained network" in reasons[0]
