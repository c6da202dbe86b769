import os
from pathlib import Path

import hypothesis
import keras
import pytest
import tensorflow as tf

# Building a graph or loading a codec makes a property's first example far slower than the rest.
hypothesis.settings.register_profile("soundnet_tf", deadline=None)
hypothesis.settings.load_profile("soundnet_tf")

SEED = 20161205


def pytest_configure(config):
    """Whoever asks for the tests of GPUs has one; all others compute on the CPU, and so do the
    processes that they start."""
    if config.option.markexpr != "gpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
        return
    os.environ["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"
    if not tf.config.list_physical_devices("GPU"):
        pytest.exit("TensorFlow finds no GPU; CONTRIBUTING.md tells what it needs", returncode=1)
    # Values are asserted to more digits than the 10 bits of this format have.
    tf.config.experimental.enable_tensor_float_32_execution(False)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real recordings, teachers and label lists; skips where there is none."""
    named = os.environ.get("SOUNDNET_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared"
    if folder.is_dir():
        return folder
    if named:
        pytest.fail(f"SOUNDNET_SHARED={named} is not a folder; correct or unset it")
    pytest.skip(f"needs real recordings: name their folder by SOUNDNET_SHARED, or have {folder}")


@pytest.fixture(scope="session")
def browser():
    """Chromium; see `browser.opened` for pages in it."""
    import browser

    with browser.started() as running:
        yield running


@pytest.fixture(scope="session")
def s3_address():
    """Of a real S3 server on loopback; see `s3_server`."""
    import s3_server

    with s3_server.running() as address:
        yield address


@pytest.fixture
def bucket(s3_address, monkeypatch) -> str:
    """The name of a new bucket there, which the environment leads to as s3:// and as gs://."""
    import s3_server

    for name, value in s3_server.environment(s3_address).items():
        monkeypatch.setenv(name, value)
    return s3_server.new_bucket(s3_address)


@pytest.fixture(autouse=True, scope="module")
def _seed_module():
    """Seeds what the module's own fixtures draw, before they are made."""
    keras.utils.set_random_seed(SEED)


@pytest.fixture(autouse=True)
def _isolate_test():
    """Every test starts from one seed, and leaves the global dtype policy as it was."""
    keras.utils.set_random_seed(SEED)
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)
