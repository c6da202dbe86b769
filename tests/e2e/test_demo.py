"""bin/demo's six steps on films of one colour each, for which a teacher has names."""

import csv
import json
import re

import commands
import pytest
import tone_films
from colour_teacher import write_colour_teacher

from soundnet_tf.data.videos import split_and_shard
from soundnet_tf.models.weights import published

pytestmark = pytest.mark.slow
COLOURS = {"red": tone_films.RED, "blue": tone_films.BLUE}
VAL_FRACTION = 0.5


def names_of_splits(wanted):
    """So many names of films for each split, by their hash."""
    found = {split: [] for split in wanted}
    number = 0
    while any(len(found[split]) < count for split, count in wanted.items()):
        name = f"film{number}.mkv"
        split, _ = split_and_shard(name, VAL_FRACTION, {"train": 2, "val": 1})
        if len(found[split]) < wanted[split]:
            found[split].append(name)
        number += 1
    return found


def test_the_demo_prepares_trains_exports_and_says_what_is_heard(tmp_path, capsys):
    """Four films to learn from, two held out; half of each red, half blue."""
    try:
        published.find()
    except FileNotFoundError as error:
        pytest.skip(str(error))
    films = tmp_path / "films"
    films.mkdir()
    colour_of = {}
    for split, names in names_of_splits({"train": 4, "val": 2}).items():
        for i, name in enumerate(names):
            colour = [*COLOURS][i % 2]
            tone_films.write_film(films / name, COLOURS[colour], 300 + 500 * (i % 2), 12.0, 12.0)
            colour_of[name] = (colour, "trained on" if split == "train" else "held out")
    spec = write_colour_teacher(tmp_path / "teacher.keras", list(COLOURS.values()))
    out = tmp_path / "demo"
    code = commands.run(
        "demo", f"--videos={films}", f"--out={out}", "--epochs=2",
        f"--val_fraction={VAL_FRACTION}", f"--imagenet_teacher={spec}",
    )  # fmt: skip
    printed = capsys.readouterr().out
    assert code == 0
    assert re.findall(r"^== (\d of 6): (\w+)", printed, re.MULTILINE) == [
        ("1 of 6", "what"), ("2 of 6", "prepare"), ("3 of 6", "train"), ("4 of 6", "export"),
        ("5 of 6", "what"), ("6 of 6", "look"),
    ]  # fmt: skip
    assert "4 clips to train on, 2 held out" in printed
    assert f"wrote {out}/saved_model" in printed
    with open(out / "run" / "history.csv", newline="") as file:
        last = list(csv.DictReader(file))[-1]
    assert last["epoch"] == "1"
    row = re.search(r"^last, epoch 2 +(\S+)", printed, re.MULTILINE)
    assert row[1] == f"{float(last['val_kl_objects']):.3f}"
    told = re.findall(
        r"^(\S+)@0\.000 \((.+)\)\n  teacher saw objects: colour (\d) (\d+)%.*\n"
        r"  student hears: colour \d \d+%",
        printed,
        re.MULTILINE,
    )
    expected = {
        (name, split, str([*COLOURS].index(colour)), "100")
        for name, (colour, split) in colour_of.items()
    }
    assert len(told) == 6 and set(told) == expected
    first = sorted(colour_of)[0]
    assert re.search(rf"^{films}/{first}  \(12\.0 s\)\n +objects +scenes\n", printed, re.MULTILINE)
    page = (out / "report" / "index.html").read_text("utf-8")
    assert f"wrote {out}/report/index.html" in printed and all(name in page for name in colour_of)
    assert f"{out}/soundnet.html hears" in printed and (out / "soundnet.html").stat().st_size > 5e6
    run = json.loads((out / "run" / "run.json").read_text())
    # The trained network's new head learns at the paper's rate; random weights want a tenth of it.
    assert run["settings"]["optimizer"]["learning_rate"] == 1e-3
    assert any((out / "run" / "logs" / "board").iterdir())  # what TensorBoard shows beside curves
