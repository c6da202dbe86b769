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
        "import soundnet_tf.serving.export.run",
        "import soundnet_tf.models.student",
        "import soundnet_tf.hear",
        "import soundnet_tf.serving.extraction.run, soundnet_tf.serving.recognition_report",
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


STOPPED_AT_TENSORFLOW = """
import os, runpy, sys
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == "tensorflow":
            sys.exit("oneDNN " + os.environ.get("TF_ENABLE_ONEDNN_OPTS", "as it is"))
sys.meta_path.insert(0, Stop())
runpy.run_module("soundnet_tf.bin." + sys.argv.pop(1), run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize(
    "command",
    [
        "train --data=x --out=x",
        "label --data=x --imagenet_teacher=keras:VGG16",
        "export --run=x --out=x",
        "finetune --manifest=x --out=x",
        "evaluate --data=x --out=x",
    ],
)
def test_a_binary_turns_onednn_on_before_tensorflow_reads_of_it(command, monkeypatch):
    """Without AVX-512 TensorFlow leaves it off. What the user has set stays."""
    for given, expected in ((None, "1"), ("0", "0")):
        monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
        if given:
            monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", given)
        arguments = [sys.executable, "-c", STOPPED_AT_TENSORFLOW, *command.split()]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.stderr.strip().endswith(f"oneDNN {expected}")
