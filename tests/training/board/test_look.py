"""A whole run with looks: when they are, of which network, what is written once; and a run that was
killed in one goes on with nothing twice."""

from types import SimpleNamespace

import board_material as material
import cached_records as cached
import event_files
import numpy as np
import numpy_distillation
import numpy_soundnet
import pytest

from soundnet_tf.data.batch_settings import PipelineConfig
from soundnet_tf.models import checkpoint
from soundnet_tf.training import resuming
from soundnet_tf.training.board import hparams, look
from soundnet_tf.training.board.budget import Budget
from soundnet_tf.training.board.settings import BoardConfig
from soundnet_tf.training.loop import train
from soundnet_tf.training.settings import OptimizerConfig, TrainConfig

CONFIG = TrainConfig(
    teachers={},
    steps=6,
    validate_every=2,
    architecture="soundnet5",
    pipeline=PipelineConfig(batch_size=2, crop_secs=material.CROP_SECS, targets="cached"),
    optimizer=OptimizerConfig(learning_rate=1e-3),
)
HELD_OUT = [material.clip(10 + n, 8.0) for n in range(6)]


def begin(out):
    training = cached.source(*(material.clip(n, 8.0) for n in range(4)))
    board = BoardConfig(every=1, profile_steps=(4,))
    return train(CONFIG, training, cached.source(*HELD_OUT), out, board=board)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Killed after the look of epoch 2 of 3, before its checkpoint."""
    out = tmp_path_factory.mktemp("look") / "run"
    real = resuming.Backup.on_epoch_end

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt
        real(self, epoch, logs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resuming.Backup, "on_epoch_end", on_epoch_end)
        with pytest.raises(KeyboardInterrupt):
            begin(str(out))
    begin(str(out))
    return out


def test_each_look_stands_once(run):
    """At the epochs' last steps; sounds and frames at the first one's. Steps 3 to 6 were taken
    anew, the look at step 4 too."""
    found = event_files.steps(run / "logs" / "board")
    kinds = {tag.split("/")[0] for tag in found}
    assert kinds >= {"filters", "weights", "gradients", "activations", "clips", "classes"}
    for tag, steps in found.items():
        is_once = tag.endswith(("/sound", "/frames"))
        assert steps == ([2] if is_once else [2, 4, 6]), tag
    assert sum(tag.endswith("/sound") for tag in found) == 4


def test_what_is_drawn_is_the_student_that_is_saved(run):
    """The last look is of the last student: its kernels' least and greatest weights, and KL and
    agreement by class as NumPy has them."""
    network, _ = checkpoint.load_student(str(run / "last"))
    board = run / "logs" / "board"
    kernel = network.get_layer("conv2_conv").get_weights()[0]
    found = event_files.histogram(board, "weights/conv2_conv/kernel")
    np.testing.assert_allclose([found[0, 0], found[-1, 1]], [kernel.min(), kernel.max()])
    by_class = {}
    for clip in HELD_OUT:
        wanted = numpy_distillation.targets(clip, material.CROP_SECS, cached.EVERY_SECS)
        sound, _, _ = numpy_distillation.heard(clip, 8.0, cached.EVERY_SECS, "loop")
        logits = numpy_soundnet.forward(network, sound)
        for head, names in cached.LABELS.items():
            for p, z in zip(wanted[head], logits[head], strict=True):
                sums = by_class.setdefault((head, names[p.argmax()]), [])
                sums.append((numpy_distillation.divergence(p, z), p.argmax() == z.argmax()))
    points = event_files.points(board)
    curves = {tag for tag in points if "_by_class/" in tag}
    assert len(curves) == 2 * len(by_class)
    for (head, name), values in by_class.items():
        kl, agreement = np.mean(values, axis=0)
        of_class = f"{head}_by_class/{name}"
        assert points[f"kl_{of_class}"][-1] == (6, pytest.approx(kl, rel=2e-3))
        assert points[f"agreement_{of_class}"][-1] == (6, pytest.approx(agreement))


def test_the_projector_has_the_held_out_clips(run):
    rows = np.loadtxt(run / "logs" / "board" / "conv4.tsv", delimiter="\t")
    assert rows.shape == (len(HELD_OUT), 256)


def test_settings_are_there_to_compare_with_figures_that_are_written(run):
    values, metrics = event_files.hparams(run / "logs")
    assert values == hparams.of_settings(CONFIG)
    for folder, tag in metrics:
        if "probe/" not in tag:  # nobody gave labelled sounds
            assert tag in event_files.points(run / "logs" / folder), tag


def test_the_fourth_step_alone_was_profiled(run):
    """Once, though it was taken twice."""
    folders = list((run / "logs").glob("profile_*"))
    assert [folder.name for folder in folders] == ["profile_000004"]
    assert len(list(folders[0].glob("plugins/profile/*"))) == 1


@pytest.mark.parametrize(("every", "epochs", "first"), [(None, 5, 0), (3, 5, 2), (9, 5, 4)])
def test_sounds_and_frames_are_drawn_at_the_first_look(tmp_path, monkeypatch, every, epochs, first):
    """With --board_every=3 it is after the third epoch; of a shorter run after its last."""
    drawn, epoch_now = [], [0]
    monkeypatch.setattr(look, "steps_done", lambda model: 1 + epoch_now[0])
    monkeypatch.setattr(look.checkpoint, "copy_weights", lambda *_: None)
    monkeypatch.setattr(look.filters, "draw", lambda *_: None)
    monkeypatch.setattr(look.classes, "draw", lambda *_: None)
    monkeypatch.setattr(look.clips, "draw_once", lambda shown: drawn.append(epoch_now[0]))
    judge = SimpleNamespace(by_class={}, distiller=SimpleNamespace(labels={}))
    students = SimpleNamespace(saved=None)
    board = look.Board(str(tmp_path), judge, students, None, None, CONFIG, Budget(every, epochs))
    part = SimpleNamespace(draw=lambda *_: None, write=lambda: None)
    monkeypatch.setattr(board, "_make", lambda: (None, part, [], part, part))
    for epoch_now[0] in range(epochs):
        board.on_epoch_end(epoch_now[0])
    board.on_train_end()
    assert drawn == [first]


def test_each_part_has_the_clips_and_the_student_that_are_its_own(tmp_path, monkeypatch):
    """Gradients are of clips that are learned from, and not of what is frozen; all others look at
    held-out clips."""
    trained = material.distiller()
    trained.student.get_layer("conv2_bn").trainable = False
    judge = SimpleNamespace(distiller=trained)
    training, validation = (
        cached.source(*(material.clip(first + n, 8.0) for n in range(3))) for first in (0, 10)
    )
    asked = []
    monkeypatch.setattr(
        look.histograms, "Histograms", lambda distiller, batch: asked.append((distiller, batch))
    )
    monkeypatch.setattr(
        look.projector, "Projector", lambda folder, distiller, source, *_: asked.append(source)
    )
    students = SimpleNamespace(saved=trained.student)
    budget = Budget(1, 1)
    board = look.Board(str(tmp_path), judge, students, training, validation, CONFIG, budget)
    copy, _, shown, *_ = board._make()
    projected, (distiller, batch) = asked
    assert projected is validation
    assert {clip.id for clip in shown} == {"clip10", "clip11", "clip12"}
    assert {name.decode() for name in batch["id"].numpy()} <= {"clip0", "clip1", "clip2"}
    assert distiller.student is copy and copy is not trained.student
    own = {variable.path for variable in copy.trainable_variables}
    assert own == {variable.path for variable in trained.student.trainable_variables}
    assert not any(path.startswith("conv2_bn/") for path in own)
