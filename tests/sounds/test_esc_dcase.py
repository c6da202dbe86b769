"""ESC-10, ESC-50 and DCASE 2013 in the layouts of their authors, made of empty files."""

import collections
import csv

import numpy as np
import pytest

from soundnet_tf.sounds import esc_dcase, labelled_set

SCENES = (
    "bus busystreet office openairmarket park quietstreet restaurant supermarket tube tubestation"
).split()


def write_esc_folders(folder, classes):
    """Folders as of the first release: 8 recordings of each class in each of 5 folds."""
    for number in range(1, classes + 1):
        name = folder / f"{number:03} - Class {number:02}"
        name.mkdir(parents=True)
        for fold in range(1, 6):
            for take in range(8):
                (name / f"{fold}-{1000 * number + take}-A.ogg").touch()
        (name / "README.txt").touch()
    return folder


def write_esc_table(folder):
    """ESC-50's repository; classes 0, 5, 10 ... are ESC-10. Their names fall as targets rise."""
    (folder / "meta").mkdir(parents=True)
    (folder / "audio").mkdir()
    with open(folder / "meta" / "esc50.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["filename", "fold", "target", "category", "esc10", "src_file", "take"])
        for target in range(49, -1, -1):
            for fold in range(1, 6):
                for take in range(8):
                    name = f"{fold}-{1000 * target + take}-A-{target}.wav"
                    is_esc10 = target % 5 == 0
                    row = [name, fold, target, f"class_{99 - target}", is_esc10, 1000, "A"]
                    table.writerow(row)
                    (folder / "audio" / name).touch()
    return folder


def write_dcase(folder, train="scenes_stereo", test="scenes_stereo_testset"):
    for name in (train, test):
        (folder / name).mkdir(parents=True)
        for scene in SCENES:
            for number in range(1, 11):
                (folder / name / f"{scene}{number:02}.wav").touch()
        (folder / name / "readme.txt").touch()
    return folder


def assert_five_folds(data, per_fold):
    assert data.test_folds == data.folds == ("1", "2", "3", "4", "5")
    tested = [data.split(fold)[1] for fold in data.test_folds]
    assert [len(test) for test in tested] == [per_fold] * 5
    np.testing.assert_array_equal(np.sort(np.concatenate(tested)), np.arange(5 * per_fold))


def test_the_real_esc10(shared):
    folder = shared / "data/esc10"
    data = esc_dcase.load("esc10", str(folder))
    assert data.name == "esc10"
    assert data.classes == (
        "dog bark",
        "rain",
        "sea waves",
        "baby cry",
        "clock tick",
        "person sneeze",
        "helicopter",
        "chainsaw",
        "rooster",
        "fire crackling",
    )
    assert_five_folds(data, per_fold=80)
    assert collections.Counter(data.labels.tolist()) == dict.fromkeys(range(10), 40)
    with open(folder / "esc10.csv", newline="") as file:
        folds = {str(folder / "audio" / r["filename"]): r["fold"] for r in csv.DictReader(file)}
    assert {clip.path: clip.fold for clip in data.clips} == folds


@pytest.mark.parametrize(("dataset", "classes"), [("esc10", 10), ("esc50", 50)])
@pytest.mark.parametrize("below", ["", "audio"])
def test_esc_in_folders(tmp_path, dataset, classes, below):
    folder = write_esc_folders(tmp_path / below, classes)
    data = esc_dcase.load(dataset, str(tmp_path))
    assert data.classes == tuple(f"class {n:02}" for n in range(1, classes + 1))
    assert_five_folds(data, per_fold=8 * classes)
    third = folder / "003 - Class 03" / "4-3007-A.ogg"
    (index,) = (i for i, clip in enumerate(data.clips) if clip.path == str(third))
    assert data.clips[index] == labelled_set.LabelledClip(str(third), "class 03", "4")
    assert data.labels[index] == 2


def test_a_recording_of_two_names_is_refused(tmp_path):
    """One fold would be tested on what the others had trained on."""
    folder = write_esc_folders(tmp_path / "esc", 10) / "003 - Class 03"
    (folder / "4-3007-A.ogg").unlink()
    (folder / "4-3007-A.ogg").symlink_to("5-3007-A.ogg")
    with pytest.raises(ValueError, match=r"a file more than once: .*/4-3007\S+, .*/5-3007\S+$"):
        esc_dcase.load("esc10", str(tmp_path / "esc"))
    write_dcase(tmp_path)
    (tmp_path / "scenes_stereo" / "bus01.wav").unlink()
    (tmp_path / "scenes_stereo" / "bus01.wav").symlink_to("../scenes_stereo_testset/bus01.wav")
    with pytest.raises(ValueError, match="names a file more than once: .*bus01"):
        esc_dcase.load("dcase", str(tmp_path))


def test_a_table_that_a_spreadsheet_saved(tmp_path):
    """With the mark of UTF-8, which is no part of the first column's name."""
    table = write_esc_table(tmp_path) / "meta" / "esc50.csv"
    table.write_bytes(b"\xef\xbb\xbf" + table.read_bytes())
    assert len(esc_dcase.load("esc50", str(tmp_path)).clips) == 2000


@pytest.mark.parametrize(("dataset", "targets"), [("esc50", range(50)), ("esc10", range(0, 50, 5))])
def test_esc_in_a_table(tmp_path, dataset, targets):
    """Classes come in the order of the table's targets, not of their names."""
    data = esc_dcase.load(dataset, str(write_esc_table(tmp_path)))
    assert data.name == dataset
    assert data.classes == tuple(f"class {99 - target}" for target in targets)
    assert_five_folds(data, per_fold=8 * len(targets))
    path = tmp_path / "audio" / "3-20004-A-20.wav"
    (clip,) = (clip for clip in data.clips if clip.path == str(path))
    assert (clip.label, clip.fold) == ("class 79", "3")


@pytest.mark.parametrize("names", [("scenes_stereo", "scenes_stereo_testset"), ("train", "test")])
def test_dcase(tmp_path, names):
    data = esc_dcase.load("dcase", str(write_dcase(tmp_path, *names)))
    assert data.name == "dcase"
    assert data.classes == tuple(SCENES)
    assert data.test_folds == ("test",)
    train, test = data.split("test")
    for indices, name in ((train, names[0]), (test, names[1])):
        found = {data.clips[i].path: data.clips[i].label for i in indices}
        assert found == {
            str(tmp_path / name / f"{scene}{number:02}.wav"): scene
            for scene in SCENES
            for number in range(1, 11)
        }


def test_csv_is_a_manifest(tmp_path):
    rows = ["a1,a,1", "b1,b,1", "a2,a,2", "b2,b,2"]
    (tmp_path / "set.csv").write_text("\n".join(["path,label,fold", *rows]))
    for row in rows:
        (tmp_path / row[:2]).touch()
    path = str(tmp_path / "set.csv")
    assert esc_dcase.load("csv", path) == labelled_set.from_manifest(path)


def test_an_unknown_dataset(tmp_path):
    with pytest.raises(ValueError, match="dataset 'urban' is unknown; choose one of .*'dcase'"):
        esc_dcase.load("urban", str(tmp_path))


@pytest.mark.parametrize("dataset", ["esc10", "esc50", "dcase"])
def test_folders_that_are_not_there(tmp_path, dataset):
    with pytest.raises(FileNotFoundError, match=f"none: no such folder; it should hold {dataset}"):
        esc_dcase.load(dataset, str(tmp_path / "none"))


def test_a_folder_of_something_else(tmp_path):
    (tmp_path / "dog").mkdir()
    with pytest.raises(FileNotFoundError, match="found neither meta/esc50.csv nor folders such as"):
        esc_dcase.load("esc10", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="found no folder train or scenes_stereo$"):
        esc_dcase.load("dcase", str(tmp_path))


def test_dcase_without_its_test_set(tmp_path):
    (tmp_path / "scenes_stereo").mkdir()
    with pytest.raises(FileNotFoundError, match="found no folder test or scenes_stereo_testset"):
        esc_dcase.load("dcase", str(tmp_path))


def test_esc_recordings_that_are_missing(tmp_path):
    folder = write_esc_folders(tmp_path, 10)
    for name in ("2-2000-A.ogg", "2-2001-A.ogg", "5-2000-A.ogg"):
        (folder / "002 - Class 02" / name).unlink()
    message = (
        "esc10 has 10 classes with 8 recordings in each of 5 folds; found 397 recordings of 10 "
        "classes: 6 of class 02 in fold 2, 7 of class 02 in fold 5; for a part "
        "of it take a CSV file with path,label,fold$"
    )
    with pytest.raises(ValueError, match=message):
        esc_dcase.load("esc10", str(tmp_path))


def test_an_esc10_is_no_esc50(tmp_path):
    write_esc_folders(tmp_path, 10)
    with pytest.raises(ValueError, match="esc50 has 50 classes .* found 400 recordings of 10 "):
        esc_dcase.load("esc50", str(tmp_path))


def test_esc_folders_without_recordings(tmp_path):
    (tmp_path / "001 - Dog bark").mkdir()
    with pytest.raises(FileNotFoundError, match="found neither meta/esc50.csv nor folders"):
        esc_dcase.load("esc10", str(tmp_path))


def test_files_of_the_table_that_are_missing(tmp_path):
    write_esc_table(tmp_path)
    for take in range(4):
        (tmp_path / "audio" / f"1-{take}-A-0.wav").unlink()
    message = (
        r"esc50\.csv: 4 of 2000 recordings are not there: "
        r"\S+/1-0-A-0\.wav, \S+/1-1-A-0\.wav, \S+/1-2-A-0\.wav and 1 more"
    )
    with pytest.raises(FileNotFoundError, match=message):
        esc_dcase.load("esc50", str(tmp_path))


def test_a_table_of_something_else(tmp_path):
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "esc50.csv").write_text("filename,fold,category\na.wav,1,dog\n")
    with pytest.raises(ValueError, match=r"esc50\.csv has no target, esc10; fetch it again"):
        esc_dcase.load("esc50", str(tmp_path))


def test_dcase_recordings_that_are_missing(tmp_path):
    write_dcase(tmp_path)
    (tmp_path / "scenes_stereo" / "park03.wav").unlink()
    for number in range(1, 5):
        (tmp_path / "scenes_stereo_testset" / f"tube{number:02}.wav").unlink()
    message = (
        "DCASE 2013 has 10 scenes with 10 recordings to train and 10 to test; "
        "found 10 scenes: 9 of park to train, 6 of tube to test; "
        "for a part of it take a CSV file with path,label,fold$"
    )
    with pytest.raises(ValueError, match=message):
        esc_dcase.load("dcase", str(tmp_path))


def test_dcase_scenes_that_are_missing(tmp_path):
    write_dcase(tmp_path)
    for path in tmp_path.rglob("office*.wav"):
        path.unlink()
    with pytest.raises(ValueError, match="to test; found 9 scenes; for a part of it "):
        esc_dcase.load("dcase", str(tmp_path))


def test_labels_of_a_part(tmp_path):
    """Two recordings of one class can be looked at, and neither trained nor tested on."""
    folder = tmp_path / "001 - Dog bark"
    folder.mkdir()
    for name in ("1-1-A.ogg", "4-2-A.ogg"):
        (folder / name).touch()
    labels = esc_dcase.load_labels("esc10", str(tmp_path))
    assert labels.name == "esc10"
    assert [(clip.path, clip.label) for clip in labels.clips] == [
        (str(folder / "1-1-A.ogg"), "dog bark"),
        (str(folder / "4-2-A.ogg"), "dog bark"),
    ]
    with pytest.raises(ValueError, match="found 2 recordings of 1 classes"):
        esc_dcase.load("esc10", str(tmp_path))
