"""Every command that writes refuses at once where another run is writing, and says which."""

import os

import commands
import prepare_material
import pytest
from tone_manifest import write_tones

from soundnet_tf.files import lock


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Prepared shards of one film, and labelled tones."""
    folder = tmp_path_factory.mktemp("given")
    (folder / "films").mkdir()
    prepare_material.write_good_videos(folder / "films")
    config = prepare_material.config(folder / "films", folder / "shards", num_shards=3)
    prepare_material.run(config)
    write_tones(folder, per_class=1)
    for name in ("teacher.keras", "weights.npy"):
        (folder / name).write_text("never looked into")
    return folder


COMMANDS = {
    "prepare": "--videos=GIVEN/films --out=OUT",
    "label": "--data=GIVEN/shards --imagenet_teacher=file:GIVEN/teacher.keras",
    "train": "--data=GIVEN/shards --imagenet_teacher=file:GIVEN/teacher.keras --out=OUT",
    "finetune": "--manifest=GIVEN/tones.csv --model=soundnet5 --out=OUT",
    "evaluate": "--data=GIVEN/tones.csv --out=OUT",
    "evaluate ": "--data=GIVEN/tones.csv --modalities=sound --out=OUT",
    "reproduce": "--table=layers --dataset=csv --eval_data=GIVEN/tones.csv --out=OUT",
    "export": "--weights=GIVEN/weights.npy --out=OUT",
    "extract": "--inputs=GIVEN --out=OUT.npz",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_second_run_is_refused_by_one_sentence(given, tmp_path, command):
    """Before it has looked into teachers or models, which are none."""
    flags = COMMANDS[command].replace("GIVEN", str(given)).replace("OUT", str(tmp_path / "out"))
    command = command.strip()
    place = str(given / "shards") if command == "label" else flags.rpartition("--out=")[2]
    hold = lock.hold_file if command in ("export", "extract") else lock.hold_folder
    with hold(place, "another"):
        before = sorted(os.listdir(os.path.dirname(place)))
        done = commands.completed(command, *flags.split())
        assert sorted(os.listdir(os.path.dirname(place))) == before
    assert done.returncode == 1 and done.stdout == ""
    sentence = done.stderr.strip().splitlines()[-1]
    told = f"{command}.py: {place} is in use: another is writing there (process {os.getpid()} on "
    assert sentence.startswith(told) and "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == []
