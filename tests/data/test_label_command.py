"""The label command, and what it writes against posteriors worked out from the stored JPEGs."""

import commands
import labelled_shards
import numpy as np
import pytest
from labelled_shards import by_hand, clips_in

from soundnet_tf.data import panel as module


@pytest.fixture
def flags(both, fresh):
    return [
        f"--data={fresh}",
        f"--imagenet_teacher={both['objects']}",
        f"--places_teacher={both['scenes']}",
    ]


@pytest.fixture
def batches(monkeypatch):
    """How many frames a teacher looked at at once, each time."""
    seen, sight = [], module._sight

    def counted(teachers):
        see = sight(teachers)
        return lambda squares: seen.append(len(squares)) or see(squares)

    monkeypatch.setattr(module, "_sight", counted)
    return seen


def test_what_is_written_is_what_the_pictures_say(flags, fresh, both, batches, capsys):
    """Every frame in its place, in batches of 3 that end within clips; three shards have clips."""
    assert commands.run("label", *flags, "--batch_frames=3") == 0
    assert "3 shards labelled, 0 were already" in capsys.readouterr().out
    clips = clips_in(fresh)
    frames = sum(len(clip.jpegs) for clip in clips.values())
    assert sum(batches) == frames == 20 and max(batches) == 3
    said = set()
    for clip in clips.values():
        for head in both:
            expected = np.array([by_hand(jpeg, head) for jpeg in clip.jpegs])
            stored = clip.posteriors[head].values.astype(np.float64)
            np.testing.assert_allclose(stored, expected, atol=5e-3)
            said |= set(stored.argmax(axis=1)) if head == "objects" else set()
    assert said == {0, 1, 2, 3, 4}  # every class is right somewhere


def test_parts_label_every_other_shard(flags, fresh, both, capsys):
    """Of shards 0, 1, 2 part 1 of 2 has the second, part 0 the others."""
    options = ["--parts=2", "--batch_frames=4"]
    assert commands.run("label", *flags, "--part=1", *options) == 0
    said = capsys.readouterr().out
    assert "1 shards labelled, 0 were already" in said and "2 shards are left" in said
    assert commands.run("label", *flags, "--part=0", *options) == 0
    assert "2 shards labelled, 0 were already" in capsys.readouterr().out
    assert all(set(clip.posteriors) == set(both) for clip in clips_in(fresh).values())


def test_the_bytes_are_those_of_the_library(flags, fresh, both, prepared, tmp_path):
    assert commands.run("label", *flags, "--batch_frames=4") == 0
    other = labelled_shards.copy_of(prepared, tmp_path / "other")
    labelled_shards.run(other, both, batch_frames=4)
    assert labelled_shards.contents(fresh) == labelled_shards.contents(other)
