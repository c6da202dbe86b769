"""The loop around the steps."""

import types

import keras

from soundnet_tf.training import steps


class Waits(keras.callbacks.Callback):
    """Notes after each step for how long training has waited, as `monitor` does it."""

    def __init__(self):
        super().__init__()
        self.secs = []

    def on_train_batch_end(self, batch, logs=None):
        self.secs.append(self.model.wait_secs)


def test_time_in_which_it_waits_for_batches_is_counted(monkeypatch):
    """By a clock that only batches move: by 1, 2, 3, ... s each."""
    now_secs = [0.0]

    def batches():
        for number in range(1, 5):
            now_secs[0] += number
            yield {}

    def judge(validation, called):
        return {}

    distiller = types.SimpleNamespace(
        wait_secs=0.0, learned=types.SimpleNamespace(reset_state=lambda: None)
    )
    judge.distiller, judge.cluster = distiller, types.SimpleNamespace(replicas_here=1)
    clock = types.SimpleNamespace(perf_counter=lambda: now_secs[0])
    monkeypatch.setattr(steps, "time", clock)
    monkeypatch.setattr(steps, "steps_done", lambda _: 0)
    monkeypatch.setattr(steps, "compiled", lambda *_: lambda batch: {})
    waits = Waits()
    steps.fit(judge, batches(), None, 4, 2, [waits])
    assert waits.secs == [1.0, 3.0, 6.0, 10.0]
