"""`prepare` killed at random moments, again and again: the same command ends in the same bytes."""

import random
import subprocess
import sys

import pytest
from prepare_material import digests, run

from soundnet_tf.data.manifest import load_manifest

# Kills the process before the n-th time that it writes a record or gives a file its name.
KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
import prepare_material
from soundnet_tf.data import records
left = int(sys.argv[4])
def counted(function):
    def call(*args, **options):
        global left
        left -= 1
        if left < 0: os.kill(os.getpid(), signal.SIGKILL)
        return function(*args, **options)
    return call
records.encode, os.replace, os.remove = map(counted, (records.encode, os.replace, os.remove))
prepare_material.run(prepare_material.config(sys.argv[2], sys.argv[3]))
"""


@pytest.mark.slow
def test_killed_again_and_again_it_ends_in_the_bytes_of_an_undisturbed_run(
    config, good_folder, request, tmp_path
):
    """Each run gets a little further; no half of anything is ever taken for whole."""
    run(config(out=str(tmp_path / "whole")))
    out, moments = config().out, random.Random(0)
    helpers = str(request.config.rootpath / "tests")
    kills = 0
    while True:
        steps = str(moments.randrange(1, 14) + 3 * kills)
        arguments = [helpers, str(good_folder), out, steps]
        done = subprocess.run([sys.executable, "-c", KILLED, *arguments], check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -9
        kills += 1
        with pytest.raises(FileNotFoundError, match="only half prepared|is not a prepared folder"):
            load_manifest(out)
    assert kills >= 2
    assert digests(out) == digests(tmp_path / "whole")
