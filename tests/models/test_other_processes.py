"""What other processes make of a student: one that loads its file, and one that is forked."""

import subprocess
import sys

import numpy as np
import pytest

from soundnet_tf.models import checkpoint, student

LOAD = """
import sys
{imports}
import keras, numpy as np
model = keras.models.load_model(sys.argv[1])
waveform = np.random.default_rng(0).uniform(-0.4, 0.4, (1, 240_000)).astype(np.float32)
np.save(sys.argv[2], model(waveform)["scenes"])
assert {imported} == any(name.startswith("soundnet_tf") for name in sys.modules)
"""


@pytest.mark.parametrize("imports", ["import soundnet_tf", ""])
@pytest.mark.parametrize("saver", ["model.save", "save_student"])
def test_a_keras_file_loads_with_and_without_the_package(saver, imports, tmp_path):
    network = student.SoundNet8(object_classes=3, scene_classes=2)
    path, out = str(tmp_path / "student.keras"), str(tmp_path / "out.npy")
    if saver == "model.save":
        network.save(path)
    else:
        checkpoint.save_student(str(tmp_path), network, {"objects": "abc", "scenes": "de"})
    script = LOAD.format(imports=imports, imported=bool(imports))
    subprocess.run([sys.executable, "-c", script, path, out], check=True, capture_output=True)
    waveform = np.random.default_rng(0).uniform(-0.4, 0.4, (1, 240_000)).astype(np.float32)
    expected = network(waveform)["scenes"].numpy()
    np.testing.assert_allclose(np.load(out), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_weights_fit_whichever_way_layers_compute(tmp_path):
    """`SoundNet8(weights=RUN/best/student.keras)` is what its docstring says; back again too."""
    plain = student.SoundNet5(object_classes=3, scene_classes=2, plain_layers=True)
    fast = student.SoundNet5(object_classes=3, scene_classes=2)
    for source, is_plain in ((plain, False), (fast, True)):
        for name in ("a.keras", "a.weights.h5"):
            path = str(tmp_path / name)
            source.save(path) if name == "a.keras" else source.save_weights(path)
            target = student.SoundNet5(path, True, 3, 2, plain_layers=is_plain)
            for found, expected in zip(target.weights, source.weights, strict=True):
                np.testing.assert_array_equal(found, expected)


FORK = """
import multiprocessing, sys
import numpy as np
import soundnet_tf
from soundnet_tf import hear
from soundnet_tf.models import student
from soundnet_tf.models.folded import FoldedNetwork
sound = np.random.default_rng(0).uniform(-0.3, 0.3, 22050).astype(np.float32)
folder = sys.argv[1]
live = soundnet_tf.Stream(soundnet_tf.load(folder).network, ["pool5"])
ears = soundnet_tf.load(folder)
model = hear.load_model(folder)
ways = {
    "embed": lambda: soundnet_tf.embed(sound, 22050, model=folder),
    "recognize": lambda: soundnet_tf.recognize(sound, 22050, model=folder),
    "load": lambda: soundnet_tf.load(folder),
    "hear": lambda: ears.hear([sound], ["pool5"]),
    "push": lambda: live.push(sound),
    "Stream": lambda: soundnet_tf.Stream(ears.network, ["pool5"]),
    "load_model": lambda: hear.load_model(folder),
    "scene": lambda: hear.get_scene_embeddings(sound[None], model),
}
ways["embed"]()
def work():
    for name, way in ways.items():
        try:
            way()
        except RuntimeError as error:
            print(name, "spawn" in str(error), flush=True)
child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join(60)
child.kill()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forks with threads, which only Linux allows")
def test_a_forked_process_is_told_so_and_does_not_hang(tmp_path):
    network = student.SoundNet8(object_classes=3, scene_classes=2)
    checkpoint.save_student(str(tmp_path), network, {"objects": "abc", "scenes": "de"})
    command = [sys.executable, "-c", FORK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ways = ["embed", "recognize", "load", "hear", "push", "Stream", "load_model", "scene"]
    assert done.stdout.split("\n")[:-1] == [f"{way} True" for way in ways]


FORK_FIRST = """
import multiprocessing, sys
import numpy as np
import soundnet_tf, soundnet_tf.hear
sound = np.random.default_rng(0).uniform(-0.3, 0.3, 22050).astype(np.float32)
def work():
    print(soundnet_tf.embed(sound, 22050, model=sys.argv[1])[0].shape, flush=True)
child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join(60)
child.kill()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="forks with threads, which only Linux allows")
def test_a_child_may_be_the_first_to_use_a_network(tmp_path):
    """A second has 3 steps of pool5: (22050 - 4573) // 8192 + 1."""
    network = student.SoundNet8(object_classes=3, scene_classes=2)
    checkpoint.save_student(str(tmp_path), network, {"objects": "abc", "scenes": "de"})
    command = [sys.executable, "-c", FORK_FIRST, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(3, 256)"
