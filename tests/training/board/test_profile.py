"""Which steps TensorFlow's profiler looks at."""

from types import SimpleNamespace

import pytest
import tensorflow as tf

from soundnet_tf.training.board.profile import Profile


@pytest.fixture
def profiled(monkeypatch, tmp_path):
    """Takes steps as a run does; gives folder and steps of each profile."""

    def take(wanted, first, last, steps_per_epoch=100):
        found = []
        model = SimpleNamespace(optimizer=SimpleNamespace(iterations=first - 1))
        goes_on = []

        def start(folder):
            assert not goes_on
            goes_on.append((folder.removeprefix(f"{tmp_path}/"), []))

        monkeypatch.setattr(tf.profiler.experimental, "start", start)
        monkeypatch.setattr(tf.profiler.experimental, "stop", lambda: found.append(goes_on.pop()))
        callback = Profile(str(tmp_path), wanted)
        callback.set_model(model)
        for step in range(first, last + 1):
            callback.on_train_batch_begin(step)
            for _, steps in goes_on:
                steps.append(step)
            model.optimizer.iterations = step
            callback.on_train_batch_end(step)
            if step % steps_per_epoch == 0:
                callback.on_test_begin()
                assert not goes_on
        assert not goes_on
        return dict(found)

    return take


def test_the_chosen_steps_are_profiled_and_no_others(profiled):
    assert profiled((10, 20), 1, 30) == {"profile_000010": [10], "profile_000020": [20]}


def test_steps_that_follow_on_each_other_are_one_profile(profiled):
    assert profiled((5, 3, 4, 8), 1, 9) == {"profile_000003": [3, 4, 5], "profile_000008": [8]}


def test_an_evaluation_is_in_no_profile(profiled):
    """Between steps 6 and 7."""
    found = profiled((5, 6, 7), 1, 9, steps_per_epoch=6)
    assert found == {"profile_000005": [5, 6], "profile_000007": [7]}


def test_a_run_that_goes_on_profiles_what_is_to_come(profiled):
    assert profiled((10, 20), 15, 30) == {"profile_000020": [20]}


def test_the_profiler_writes_a_folder(tmp_path):
    """Of the real one, and in place of what a killed run had left of the same step."""
    (tmp_path / "profile_000001").mkdir()
    (tmp_path / "profile_000001" / "old").write_text("")
    model = SimpleNamespace(optimizer=SimpleNamespace(iterations=0))
    callback = Profile(str(tmp_path), (1,))
    callback.set_model(model)
    callback.on_train_batch_begin(0)
    tf.reduce_sum(tf.ones(5))
    model.optimizer.iterations = 1
    callback.on_train_batch_end(0)
    (found,) = (p for p in tmp_path.rglob("*") if p.is_file())
    assert found.relative_to(tmp_path).parts[:3] == ("profile_000001", "plugins", "profile")
    assert found.stat().st_size > 0
