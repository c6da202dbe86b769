"""What the SVM of sound and vision is trained on, and what is counted, on made-up features."""

import numpy as np
import pytest
from sklearn.svm import LinearSVC

from soundnet_tf.evaluation import multimodal
from soundnet_tf.sounds.labelled_set import LabelledClip, LabelledSet


def made_up(rows):
    """A set of (label, fold) that nobody reads."""
    clips = tuple(LabelledClip(str(i), label, fold) for i, (label, fold) in enumerate(rows))
    return LabelledSet("made up", tuple(sorted({label for label, _ in rows})), clips)


def test_counts_of_a_confusion():
    """Of 3 clips of 3 classes in 2 folds, each its class's one-hot vector, one of a in fold 2 looks
    like b. It is outnumbered in training, and is wrong when it is tested: 9 of 9, 8 of 9."""
    data = made_up([(label, fold) for fold in "12" for label in "abc" for _ in range(3)])
    features = np.eye(3, dtype=np.float32)[data.labels]
    features[9] = [0, 1, 0]
    outcome = multimodal.cross_validate(data, features)
    assert outcome["per_fold"] == {"1": 1.0, "2": pytest.approx(8 / 9)}
    assert outcome["accuracy_mean"] == pytest.approx(17 / 18)
    assert outcome["accuracy_std"] == pytest.approx(1 / 18)
    assert outcome["per_class"] == {"a": pytest.approx(5 / 6), "b": 1.0, "c": 1.0}
    assert outcome["confusion"] == [[5, 1, 0], [0, 6, 0], [0, 0, 6]]


def test_only_the_test_folds_count():
    """Of "train" and "test", only the latter is tested; there 3 of 4 are b."""
    data = made_up([("a", "train"), ("b", "train"), ("a", "test"), *[("b", "test")] * 3])
    outcome = multimodal.cross_validate(data, np.float32(data.labels)[:, None])
    assert outcome["per_fold"] == {"test": 1.0}
    assert outcome["confusion"] == [[1, 0], [0, 3]]


def test_the_test_fold_is_never_trained_on():
    """In fold 2 the classes look the other way round: who has only seen fold 1 is always wrong."""
    data = made_up([(label, fold) for fold in "12" for label in "ab" for _ in range(5)])
    features = np.float32(2 * data.labels - 1)[:, None]
    features[10:] *= -1
    assert multimodal.cross_validate(data, features)["per_fold"] == {"1": 0.0, "2": 0.0}


def test_the_test_fold_is_not_standardised_with():
    """a is -1 and b is 1, but for a b in fold 2 that is a million. Standardised with that, the two
    lie so near to each other that the more frequent b is always said."""
    rows = [("a", "1")] * 5 + [("b", "1")] * 10 + [("a", "2")] * 19 + [("b", "2")]
    data = made_up(rows)
    features = np.float32(2 * data.labels - 1)[:, None]
    features[-1] = 1e6
    assert multimodal.cross_validate(data, features)["per_fold"]["2"] == 1.0


def test_channels_weigh_the_same_whatever_their_scale():
    data = made_up([(label, fold) for fold in "12" for label in "abc" for _ in range(10)])
    noise = np.random.default_rng(0).normal(size=(60, 4))
    features = np.float32(noise + np.eye(4)[data.labels])
    outcome = multimodal.cross_validate(data, features)
    assert 0.4 < outcome["accuracy_mean"] < 0.95
    scaled = features * np.float32([1e-4, 1, 1e4, 1e-4])
    assert multimodal.cross_validate(data, scaled) == outcome


def test_the_svm_is_that_of_features_standardised_by_hand():
    """Each channel by the training folds' mean and deviation, and C = 0.01: with C = 1, or of
    features as they are, other clips are wrong."""
    data = made_up([(label, fold) for fold in "123" for label in "abc" for _ in range(8)])
    rng = np.random.default_rng(2)
    features = np.float32(rng.normal(3, 1, (72, 6)) + np.eye(6)[data.labels])
    features *= np.float32([3, 1, 0.3, 1, 30, 1])

    def confusion(strength, is_standardised=True):
        found = np.zeros((3, 3), int)
        for fold in "123":
            is_test = np.array([clip.fold == fold for clip in data.clips])
            train, test = features[~is_test], features[is_test]
            if is_standardised:
                mean, deviation = train.mean(axis=0), train.std(axis=0)
                train, test = (train - mean) / deviation, (test - mean) / deviation
            svm = LinearSVC(C=strength, max_iter=10_000, random_state=0)
            predictions = svm.fit(train, data.labels[~is_test]).predict(test)
            np.add.at(found, (data.labels[is_test], predictions), 1)
        return found.tolist()

    assert multimodal.cross_validate(data, features)["confusion"] == confusion(0.01)
    assert confusion(0.01) != confusion(1.0)
    assert confusion(0.01) != confusion(0.01, is_standardised=False)
