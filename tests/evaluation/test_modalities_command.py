"""bin/evaluate.py --modalities on films that sound tells apart and sight does not."""

import json

import commands
import pytest
from colour_teacher import write_colour_teacher
from tone_films import BLUE, RED, write_manifest

from soundnet_tf.models import checkpoint, student


def command(*flags):
    return commands.completed("evaluate", *flags)


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return write_manifest(tmp_path_factory.mktemp("films"))


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    labels = {"objects": ("dog", "rain", "sea"), "scenes": ("street", "cafe")}
    checkpoint.save_student(folder, student.SoundNet8(object_classes=3, scene_classes=2), labels)
    return folder


@pytest.mark.slow
def test_all_modalities_of_a_layer(manifest, model, tmp_path):
    """Each colour is once in each class, so that sight is right of one of two: 0.5. pool2 is early
    enough for random weights to tell a low tone from a high one."""
    teacher = write_colour_teacher(tmp_path / "colours.keras", (RED, BLUE))
    out = tmp_path / "out"
    done = command(
        f"--data={manifest}", "--modalities=sound,vision,both", f"--teacher={teacher}",
        f"--model={model}", "--layer=pool2", f"--out={out}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    content = json.loads((out / "results.json").read_text())
    found = {name: outcome["accuracy_mean"] for name, outcome in content["modalities"].items()}
    assert found == {"sound": 1.0, "vision": 0.5, "both": 1.0}
    assert (content["layer"], content["videos"], content["teacher"]) == ("pool2", 12, teacher)
    assert done.stdout == (
        "| modality | accuracy % | paper % |\n| --- | --- | --- |\n"
        "| sound | 100.0 ± 0.0 | 32.4 |\n| vision | 50.0 ± 0.0 | 49.4 |\n"
        "| both | 100.0 ± 0.0 | 51.4 |\n| most frequent class | 50.0 |  |\n\n"
        f"{content['seconds']:.0f} s; details in {out}/results.json\n"
    )


@pytest.mark.slow
def test_the_layer_is_the_papers_and_sound_alone_needs_no_teacher(manifest, model, tmp_path):
    done = command(
        f"--data={manifest}", "--modalities=sound", f"--model={model}", f"--out={tmp_path}"
    )
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "results.json").read_text())
    assert (content["layer"], list(content["modalities"])) == ("conv7", ["sound"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (
            ["--modalities=sound,vision"],
            "modalities sound, vision need a teacher that looks at the videos; give its",
        ),
        (
            ["--modalities=smell", "--teacher=keras:VGG16"],
            "modalities 'smell' is unknown; choose one of sound, vision, both",
        ),
        (["--modalities="], "modalities is empty; choose some of sound, vision, both"),
        (
            ["--modalities=sound", "--dataset=esc10"],
            "--dataset=esc10 has no videos; modalities need --dataset=csv with a manifest",
        ),
        (
            ["--modalities=sound", "--protocol=modern", "--input_scale=1"],
            "--protocol and --input_scale are not for --modalities; leave them out",
        ),
        (["--teacher=keras:VGG16"], "--teacher=keras:VGG16 looks at videos; give --modalities too"),
    ],
)
def test_flags_that_do_not_fit(manifest, tmp_path, flags, message):
    done = command(f"--data={manifest}", f"--out={tmp_path}/out", *flags)
    assert done.returncode == 1 and done.stdout == "" and "Traceback" not in done.stderr
    assert f"evaluate.py: {message}" in done.stderr


@pytest.mark.slow
def test_an_out_that_is_a_file_is_said_before_anything_is_heard(manifest, tmp_path):
    (tmp_path / "out").touch()
    done = command(f"--data={manifest}", "--modalities=sound", f"--out={tmp_path}/out")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"evaluate.py: {tmp_path}/out: cannot be made a folder" in done.stderr
