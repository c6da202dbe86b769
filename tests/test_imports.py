"""Which module may import which: the arrows of the architecture point one way."""

import subprocess
import sys

import pytest


def modules_after(statement):
    script = f"{statement}; import sys; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import soundnet_tf.serving.export",
        "import soundnet_tf.models.student",
        "import soundnet_tf.hear",
        "import soundnet_tf.serving.extract, soundnet_tf.serving.recognition_report",
    ],
)
def test_using_a_student_needs_no_training_code(statement):
    loaded = modules_after(statement)
    assert not {m for m in loaded if m.startswith(("soundnet_tf.training", "soundnet_tf.data"))}


@pytest.mark.parametrize(
    "statement", ["import soundnet_tf", "import soundnet_tf.data.clips, soundnet_tf.labels"]
)
def test_decoding_and_labels_need_no_tensorflow(statement):
    assert not {"tensorflow", "keras"} & modules_after(statement)


def test_public_names_are_found_on_first_use():
    import soundnet_tf

    assert soundnet_tf.SoundNet8.__module__ == "soundnet_tf.models.student"
    with pytest.raises(AttributeError, match="SoundNet9"):
        soundnet_tf.SoundNet9  # noqa: B018
