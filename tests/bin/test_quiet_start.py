"""What TensorFlow says at its start: no news is left out, all else is passed on as it is."""

import os
import subprocess
import sys

import pytest

from soundnet_tf.bin import quiet_start

# As TensorFlow 2.16 and 2.21 write them.
NO_NEWS = [
    "2026-01-02 03:04:05.678901: E external/local_xla/xla/stream_executor/cuda/cuda_fft.cc:479] "
    "Unable to register cuFFT factory: Attempting to register factory for plugin cuFFT when one "
    "has already been registered",
    "2026-01-02 03:04:05.678901: E external/local_xla/xla/stream_executor/cuda/cuda_dnn.cc:10575] "
    "Unable to register cuDNN factory: Attempting to register",
    "2026-01-02 03:04:05.678901: E external/local_xla/xla/stream_executor/cuda/cuda_blas.cc:1442] "
    "Unable to register cuBLAS factory: Attempting to register",
    "2026-01-02 03:04:05.678901: I tensorflow/core/util/port.cc:113] oneDNN custom operations are "
    "on. You may see slightly different numerical results",
    "2026-01-02 03:04:05.678901: I tensorflow/core/platform/cpu_feature_guard.cc:210] This "
    "TensorFlow binary is optimized to use available CPU instructions",
    "To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow with "
    "the appropriate compiler flags.",
    "2026-01-02 03:04:05.678901: W tensorflow/compiler/tf2tensorrt/utils/py_utils.cc:38] TF-TRT "
    "Warning: Could not find TensorRT",
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "I0000 00:00:1795652978.530975   32427 port.cc:153] oneDNN custom operations are on.",
    "W0000 00:00:1795655714.402076   27135 tf_tfl_flatbuffer_helpers.cc:390] Ignored "
    "output_format.",
    "W0000 00:00:1795655714.402168   27135 tf_tfl_flatbuffer_helpers.cc:393] Ignored "
    "drop_control_dependency.",
]
ABOUT_A_GPU = [
    "2026-01-02 03:04:05.678901: I external/local_tsl/tsl/cuda/cudart_stub.cc:32] Could not find "
    "cuda drivers on your machine, GPU will not be used.",
    "I0000 00:00:1795652978.531833   32427 cudart_stub.cc:31] Could not find cuda drivers on your "
    "machine, GPU will not be used.",
    "E0000 00:00:1795652980.140680   32427 cuda_platform.cc:52] failed call to cuInit: INTERNAL: "
    "CUDA error: Failed call to cuInit: UNKNOWN ERROR (303)",
]
NEWS = [
    "2026-01-02 03:04:05.678901: W tensorflow/core/common_runtime/gpu/gpu_device.cc:2251] Cannot "
    "dlopen some GPU libraries. Please make sure the missing libraries are installed properly",
    "2026-01-02 03:04:05.678901: F tensorflow/core/platform/cpu_feature_guard.cc:98] The "
    "TensorFlow library was compiled to use AVX instructions, but these aren't available on your "
    "machine.",
    "E0000 00:00:1795652980.140680   32427 cuda_platform.cc:52] something else",
    "W0000 00:00:1795652980.140680   32427 gpu_device.cc:2341] Cannot dlopen some GPU libraries.",
    "Traceback (most recent call last):",
    "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.0",
    "",
]


@pytest.mark.parametrize("has_gpu", [True, False])
def test_lines_of_every_start_are_no_news(has_gpu):
    assert not [line for line in NO_NEWS if quiet_start.is_news(line, has_gpu)]
    assert [line for line in NEWS if quiet_start.is_news(line, has_gpu)] == NEWS


def test_that_no_gpu_can_be_used_is_news_where_there_is_one():
    assert not [line for line in ABOUT_A_GPU if quiet_start.is_news(line, has_gpu=False)]
    assert [ln for ln in ABOUT_A_GPU if quiet_start.is_news(ln, has_gpu=True)] == ABOUT_A_GPU


def run(script, **environment):
    """What a process says on stderr, with its exit code."""
    kept = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    kept.pop("CUDA_VISIBLE_DEVICES", None)
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


WRITES = """
import os, sys
from soundnet_tf.bin import quiet_start
def say(text):
    os.write(2, text.encode())
say("before: Unable to register cuFFT factory\\n")
with quiet_start.only_news():
    say("E Unable to register cuFFT factory: a\\nE b\\n")
    print("c", file=sys.stderr)
    say("TF-TRT Warning: Could not find TensorRT\\nno end of line")
    {end}
say("\\nafter: Unable to register cuFFT factory\\n")
"""


def test_only_what_is_written_meanwhile_is_looked_at():
    """And it is all there before the next line is."""
    code, said = run(WRITES.format(end="pass"))
    assert (code, said) == (
        0,
        "before: Unable to register cuFFT factory\nE b\nc\nno end of line\n"
        "after: Unable to register cuFFT factory\n",
    )


def test_an_error_meanwhile_loses_nothing():
    code, said = run(WRITES.format(end="raise ValueError('d')"))
    assert code == 1 and said.startswith("before: Unable to register cuFFT factory\nE b\nc\nno end")
    assert said.endswith("ValueError: d\n")


def test_what_a_process_says_that_is_ended_meanwhile_is_seen():
    """As by TensorFlow's LOG(FATAL): no Python of ours runs after it."""
    code, said = run(WRITES.format(end="os.abort()"))
    assert code < 0 and said.endswith("E b\nc\nno end of line")


STAND_IN = """
import os, sys, types
os.write(2, b"E Unable to register cuFFT factory\\nE of the import\\n")
def list_physical_devices():
    os.write(2, b"Unable to register cuDNN factory\\nE of devices\\n")
config = types.SimpleNamespace(list_physical_devices=list_physical_devices)
if os.environ.get("FAILS"):
    raise ImportError("a library is missing")
"""
IMPORTS = """
import sys, os
sys.path.insert(0, os.environ["STAND_IN"])
from soundnet_tf.bin import launch
launch.quiet_start.arrange()
import tensorflow
assert tensorflow.__spec__.name == "tensorflow" and not [
    finder for finder in sys.meta_path if type(finder).__module__.startswith("soundnet")]
os.write(2, b"E Unable to register cuFFT factory\\n")
"""


@pytest.fixture
def stand_in(tmp_path):
    """A folder with a module called tensorflow."""
    (tmp_path / "tensorflow.py").write_text(STAND_IN)
    return str(tmp_path)


def test_the_first_import_is_quiet_and_no_more(stand_in):
    code, said = run(IMPORTS, STAND_IN=stand_in)
    assert (code, said) == (
        0,
        "E of the import\nE of devices\nE Unable to register cuFFT factory\n",
    )


def test_an_import_that_fails_tells_all(stand_in):
    code, said = run(IMPORTS, STAND_IN=stand_in, FAILS="1")
    assert code == 1 and said.startswith("E of the import\nTraceback")
    assert said.endswith("ImportError: a library is missing\n")


def test_information_that_is_asked_for_is_all_there(stand_in):
    code, said = run(IMPORTS, STAND_IN=stand_in, TF_CPP_MIN_LOG_LEVEL="0")
    assert code == 0 and said.startswith("E Unable to register cuFFT factory\nE of the import\n")
    for level in "12":  # a command's own, that processes which it starts inherit; and less
        code, said = run(IMPORTS, STAND_IN=stand_in, TF_CPP_MIN_LOG_LEVEL=level)
        assert code == 0 and said.startswith("E of the import\nE of devices\n")


def test_tensorflow_itself_starts_in_silence():
    """Also when it first computes. Where there is a GPU it may have news."""
    if quiet_start.has_gpu():
        pytest.skip("this machine has an NVIDIA GPU, of which TensorFlow may tell")
    code, said = run(
        "from soundnet_tf.bin import launch\n"
        "launch.set_up_tensorflow()\n"
        "import tensorflow as tf\n"
        "print(tf.function(lambda x: x + 1)(tf.constant([1.0])).numpy())"
    )
    assert (code, said) == (0, "")
