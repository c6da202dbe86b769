"""What the projector shows, file by file, and that TensorBoard's own plugin finds it."""

import csv
import dataclasses

import board_material as material
import cached_records as cached
import numpy as np
import numpy_distillation
import numpy_soundnet
import pytest
from google.protobuf import text_format
from PIL import Image
from tensorboard.plugins.projector import ProjectorConfig

from soundnet_tf.training.board import clips
from soundnet_tf.training.board.projector import Projector

SECS = (8.0, 5.0, 9.0, 3.0, 8.0)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Folder, distiller, and the clips in the order in which they are shown; one name has a tab."""
    folder = tmp_path_factory.mktemp("board")
    made = [
        material.clip(n, secs, video="a\tb\n" if n == 2 else None) for n, secs in enumerate(SECS)
    ]
    distiller = material.distiller()
    projector = Projector(str(folder), distiller, cached.source(*made), material.CONFIG, seed=3)
    projector.write()
    return folder, distiller, [made[n] for n in clips.order(len(made), 3)], projector


def config_of(folder):
    text = (folder / "projector_config.pbtxt").read_text()
    (embedding,) = text_format.Parse(text, ProjectorConfig()).embeddings
    return embedding


def test_each_clip_has_a_row_of_its_embedding(written):
    """conv4 of SoundNet-5 over the looped or cut sound, the mean of all its steps."""
    folder, distiller, made, _ = written
    rows = np.loadtxt(folder / config_of(folder).tensor_path, delimiter="\t")
    assert rows.shape == (len(made), 256)
    for row, clip in zip(rows, made, strict=True):
        sound, _, _ = numpy_distillation.heard(clip, 8.0, 2.0, "loop")
        steps = numpy_soundnet.forward(distiller.student, sound)["conv4"]
        np.testing.assert_allclose(row, steps.mean(axis=0), rtol=2e-3, atol=1e-4)


def test_each_clip_is_named_by_its_video_and_what_its_teachers_saw(written):
    """Most probable over both steps, which is the sum of their targets."""
    folder, _, made, _ = written
    with open(folder / config_of(folder).metadata_path, newline="") as file:
        head, *rows = csv.reader(file, delimiter="\t")
    assert head == ["clip", "video", "teacher, objects", "teacher, scenes"]
    for row, clip in zip(rows, made, strict=True):
        wanted = numpy_distillation.targets(clip, 8.0, 2.0)
        seen = [cached.LABELS[h][wanted[h].sum(axis=0).argmax()] for h in ("objects", "scenes")]
        assert row == [clip.id, " ".join(clip.video_id.split()), *seen]


def test_each_clip_has_its_middle_frame_in_the_sprite(written):
    """The middle one of those that are seen beside the looped sound, in rows of 3; frame k is grey
    40 k."""
    folder, _, made, _ = written
    sprite = config_of(folder).sprite
    width, height = sprite.single_image_dim
    sheet = np.asarray(Image.open(folder / sprite.image_path))
    assert sheet.shape == (3 * height, 3 * width, 3)
    for number, clip in enumerate(made):
        row, column = divmod(number, 3)
        pixel = sheet[height * row + height // 2, width * column + width // 2, 0]
        _, numbers, _ = numpy_distillation.heard(clip, 8.0, 2.0, "loop")
        assert abs(int(pixel) - 40 * numbers[len(numbers) // 2]) <= 2


def test_the_next_look_changes_the_embedding_alone(written):
    folder, distiller, _, projector = written
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    kernel, bias = distiller.student.get_layer("conv4_conv").get_weights()
    distiller.student.get_layer("conv4_conv").set_weights([2 * kernel, bias])
    projector.write()
    changed = {p.name for p in folder.iterdir() if p.read_bytes() != before[p.name]}
    assert changed == {config_of(folder).tensor_path}


def test_padding_behind_a_short_clip_has_no_part_in_its_embedding(tmp_path):
    """Of 5 s, filled up with silence to 8: the mean over the steps that 5 s have by themselves."""
    clip, distiller = material.clip(1, 5.0), material.distiller()
    config = dataclasses.replace(material.CONFIG, short="mask")
    Projector(str(tmp_path), distiller, cached.source(clip), config, seed=0).write()
    row = np.loadtxt(tmp_path / config_of(tmp_path).tensor_path, delimiter="\t")
    sound, _, _ = numpy_distillation.heard(clip, 8.0, 2.0, "mask")
    own = numpy_soundnet.forward(distiller.student, sound[: 5 * 22050])["conv4"]
    filled = numpy_soundnet.forward(distiller.student, np.pad(sound, (0, 176400 - len(sound))))
    np.testing.assert_allclose(row, own.mean(axis=0), rtol=2e-3, atol=1e-4)
    assert np.abs(row - filled["conv4"].mean(axis=0)).max() > 1e-2 * np.abs(row).max()
