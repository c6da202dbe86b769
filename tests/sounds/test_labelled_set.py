"""Labelled sets: what a manifest says, and every manifest that cannot be used."""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies

from soundnet_tf.sounds.labelled_set import (
    LabelledClip,
    LabelledSet,
    from_manifest,
    labels_of_manifest,
)

GOOD = ("a1,a,1", "b1,b,1", "a2,a,2", "b2,b,2")


@pytest.fixture
def manifest(tmp_path):
    """Writes rows below a header, and empty files for the paths that they name."""

    def write(*rows, header="path,label,fold", create=True, encoding="utf-8"):
        path = tmp_path / "set.csv"
        path.write_bytes("\n".join([header, *rows]).encode(encoding))
        for row in rows if create else ():
            file = tmp_path / row.split(",")[0].strip()
            file.parent.mkdir(exist_ok=True)
            file.touch()
        return str(path)

    return write


def test_what_a_manifest_says(manifest, tmp_path):
    data = from_manifest(manifest("sub/x.wav,sea,1", "y.ogg,dog,1", "z.mp4,sea,2", "w.mp3,dog,2"))
    assert data.name == "set.csv"
    assert data.classes == ("dog", "sea")
    assert data.clips[0] == LabelledClip(str(tmp_path / "sub" / "x.wav"), "sea", "1")
    assert [clip.path for clip in data.clips[1:]] == [
        str(tmp_path / name) for name in ("y.ogg", "z.mp4", "w.mp3")
    ]
    assert data.labels.dtype == np.int64
    np.testing.assert_array_equal(data.labels, [1, 0, 1, 0])
    assert data.folds == data.test_folds == ("1", "2")


def test_absolute_paths_stay(manifest, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "a1").touch()
    data = from_manifest(manifest(f"{elsewhere}/a1,a,1", *GOOD[1:]))
    assert data.clips[0].path == str(elsewhere / "a1")


def test_remote_paths_are_not_below_the_manifest(manifest):
    """They are looked for, each at its own place; no such place is there."""
    path = manifest(*GOOD[1:])
    with open(path, "a") as file:
        file.write("\nmemory://far/a1,a,1")
    with pytest.raises(
        FileNotFoundError, match="1 of 4 recordings .*: line 5: .* 'memory://far/a1'$"
    ):
        from_manifest(path)


def test_other_columns_order_and_spaces_do_not_matter(manifest, tmp_path):
    rows = ["a1, 1, x, a ", "b1, 1, y, b", "", "a2, 2, z, a", "b2, 2, , b"]
    data = from_manifest(manifest(*rows, header="path, fold, note, label"))
    assert data.clips[0] == LabelledClip(str(tmp_path / "a1"), "a", "1")
    assert [clip.label for clip in data.clips] == ["a", "b", "a", "b"]


def test_a_quoted_comma_and_a_mark_of_utf8(manifest, tmp_path):
    """As spreadsheets save them."""
    (tmp_path / "sea, rough.wav").touch()
    path = manifest('"sea, rough.wav",é,1', "b1,b,1", "a2,é,2", "b2,b,2", encoding="utf-8-sig")
    data = from_manifest(path)
    assert data.clips[0] == LabelledClip(str(tmp_path / "sea, rough.wav"), "é", "1")


def test_folds_are_numbers_in_their_order(manifest):
    rows = [f"{name}{fold},{name},{fold}" for name in "ab" for fold in range(11, 0, -1)]
    data = from_manifest(manifest(*rows))
    assert data.folds == data.test_folds == tuple(str(fold) for fold in range(1, 12))


def test_folds_of_one_number_are_one_fold(manifest):
    """Else "01" would train on its own recordings in "1"."""
    data = from_manifest(manifest("a1,a,1", "b1,b,01", "a2,a,2", "b2,b,2"))
    assert data.folds == ("1", "2")


def test_folds_may_count_from_zero(manifest):
    data = from_manifest(manifest("a1,a,0", "b1,b,0", "a2,a,1", "b2,b,1"))
    assert data.test_folds == ("0", "1")


def test_train_and_test_are_one_split(manifest):
    data = from_manifest(manifest("a1,a,train", "b1,b,test", "a2,a,test", "b2,b,train"))
    assert data.folds == ("test", "train")
    assert data.test_folds == ("test",)
    train, test = data.split("test")
    assert (train.tolist(), test.tolist()) == ([0, 3], [1, 2])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a1,a,1", "b1,b"], r"set\.csv, line 3: has no fold; a row is path,label,fold"),
        (["a1,a,1", "b1, ,"], r"set\.csv, line 3: has no label and no fold; a row is"),
        (["a1,a,1", "b1,b,1,x"], r"set\.csv, line 3: has more fields than columns; a row is"),
        (["a1,a,1", "", "b1,b,dev"], r"line 4: fold 'dev'; it should be a whole number, train or"),
        (["a1,a,-1"], r"line 2: fold '-1'; it should be a whole number"),
        (["a1,a,1.5"], r"line 2: fold '1\.5'; it should be a whole number"),
        ([*GOOD, "a1,b,2"], r"set\.csv names a file more than once: \S+/a1$"),
        ([*GOOD, "./a1,b,2"], r"names a file more than once: \S+/a1, \S+/\./a1$"),
        ([], r"set\.csv has no recordings"),
        (["a1,a,1", "a2,a,2"], r"set\.csv has one class, a; two or more are needed"),
        ([*GOOD, "c1,c,1", "d1,d,1"], r"fewer than two recordings of c, d; a class needs one to"),
        ([*GOOD, 'c1,"c\nd",1', 'c2,"c\nd",2'], r"set\.csv: the label 'c\\nd' has a line break"),
        ([*GOOD, "c1,c\u2028d,1", "c2,c\u2028d,2"], r"the label 'c\\u2028d' has a line break"),
        (["a1,a,1", "a2,a,1", "b1,b,1", "b2,b,2"], r"all recordings of a are in fold 1; then"),
        (["a1,a,1", "a2,a,4", "b1,b,1", "b2,b,4"], r"set\.csv: fold 2 is empty, of 1 to 4"),
        (["a1,a,2", "a2,a,3", "b1,b,2", "b2,b,3"], r"set\.csv: fold 1 is empty, of 1 to 3"),
        (["a1,a,0", "a2,a,2", "b1,b,0", "b2,b,2"], r"set\.csv: fold 1 is empty, of 0 to 2"),
        (["a1,a,1", "a2,a,1", "b1,b,1", "b2,b,1"], r"recordings in fold 1 only; two or more folds"),
        (["a1,a,test", "a2,a,test", "b1,b,test", "b2,b,test"], r"recordings in fold test only"),
        ([*GOOD, "a3,a,test"], r"mixes numbered folds with train and test: \('1', '2', 'test'\)"),
        (
            ["a1,a,train", "a2,a,test", "b1,b,train", "b2,b,train"],
            r"set\.csv: no recording of b is in fold test",
        ),
        (
            ["a1,a,train", "a2,a,test", "b1,b,test", "b2,b,test"],
            r"all recordings of b are in fold test; then nothing is left to train on",
        ),
    ],
)
def test_sets_that_cannot_be_used(manifest, rows, message):
    with pytest.raises(ValueError, match=message):
        from_manifest(manifest(*rows))


def test_a_huge_fold_is_an_error_at_once(manifest):
    with pytest.raises(ValueError, match="fold 3 is empty, of 1 to 10000000000000"):
        from_manifest(manifest(*GOOD, "a3,a,10000000000000"))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("path,class,fold", "lacks label; .* columns path,label,fold, it has path,class,fold"),
        ("a.wav,dog,1", "the first line lacks path, label, fold; .* it has a.wav,dog,1"),
        ("", "the first line lacks path, label, fold"),
    ],
)
def test_columns_that_are_missing(manifest, header, message):
    with pytest.raises(ValueError, match=message):
        from_manifest(manifest(*GOOD, header=header))


def test_columns_that_stand_twice(manifest):
    """The last would win silently."""
    rows = [f"{row},x" for row in GOOD]
    with pytest.raises(ValueError, match=r"set\.csv: its header has label more than once; lea"):
        from_manifest(manifest(*rows, header="path,label,fold, label"))
    assert from_manifest(manifest(*rows, header="path,label,fold,")).classes == ("a", "b")


def test_paths_are_taken_as_they_are_written(manifest, tmp_path):
    (tmp_path / " #1 .wav").touch()
    data = from_manifest(manifest(" #1 .wav,a,1", *GOOD[1:]))
    assert data.clips[0].path == str(tmp_path / " #1 .wav")
    told = r"line 2: no such file: ' a1' \(without the blanks around it there is one: take them out"
    with pytest.raises(FileNotFoundError, match=told):
        from_manifest(manifest(" a1,a,1", *GOOD[1:]))


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_a_second_name_of_a_recording(manifest, tmp_path, link):
    path = manifest(*GOOD)
    (tmp_path / "b2").unlink()
    getattr(tmp_path / "b2", link)(tmp_path / "b1")
    with pytest.raises(ValueError, match=r"names a file more than once: \S+/b1, \S+/b2$"):
        from_manifest(path)


def test_an_empty_file(tmp_path):
    (tmp_path / "empty.csv").touch()
    with pytest.raises(ValueError, match=r"empty\.csv: the first line lacks path, label, fold"):
        from_manifest(str(tmp_path / "empty.csv"))


def test_a_manifest_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.csv: no such manifest; it should be a CSV"):
        from_manifest(str(tmp_path / "none.csv"))


def test_a_manifest_that_is_not_utf8(manifest):
    path = manifest("a1,é,1", *GOOD[1:], encoding="latin-1")
    with pytest.raises(ValueError, match=r"set\.csv is no UTF-8 text .*; save it as UTF-8"):
        from_manifest(path)


def test_a_quote_that_is_left_open(manifest):
    path = manifest(*GOOD, '"a3,' + 200_000 * "x", create=False)
    with pytest.raises(ValueError, match=r"set\.csv, line \d: .*; is a quote left open"):
        from_manifest(path)


def test_recordings_that_are_not_there(manifest, tmp_path):
    rows = [f"{name}{fold},{name},{fold}" for name in "abc" for fold in (1, 2)]
    path = manifest(*rows)
    for name in ("a1", "a2", "b1", "c2"):
        (tmp_path / name).unlink()
    message = (
        r"set\.csv: 4 of 6 recordings are not there: line 2: no such file: 'a1', line 3: .* 'a2', "
        r"line 4: no such file: 'b1' and 1 more"
    )
    with pytest.raises(FileNotFoundError, match=message):
        from_manifest(path)


@hypothesis.given(
    strategies.integers(2, 6).flatmap(
        lambda folds: strategies.lists(
            strategies.tuples(strategies.sampled_from("ab"), strategies.integers(1, folds)),
            max_size=20,
        ).map(lambda extra: [(name, n + 1) for name in "ab" for n in range(folds)] + extra)
    )
)
def test_splits_partition_the_clips(rows):
    """Each clip is tested once, and never trained on in that split."""
    clips = tuple(LabelledClip(str(i), name, str(fold)) for i, (name, fold) in enumerate(rows))
    data = LabelledSet("any", ("a", "b"), clips)
    everything = np.arange(len(clips))
    tested = []
    for fold in data.test_folds:
        train, test = data.split(fold)
        np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), everything)
        assert {clips[i].fold for i in test} == {fold}
        tested.append(test)
    np.testing.assert_array_equal(np.sort(np.concatenate(tested)), everything)


def test_a_folder_is_no_manifest(tmp_path):
    with pytest.raises(ValueError, match="is a folder; a manifest is a CSV file with path,label"):
        from_manifest(str(tmp_path))


def test_labels_alone_want_no_folds(manifest, tmp_path):
    """One recording is enough to look at; a column of folds is left alone, whatever it says."""
    labels = labels_of_manifest(manifest("a.wav,sea", header="path,label"))
    assert labels.name == "set.csv"
    assert [(c.path, c.label) for c in labels.clips] == [(str(tmp_path / "a.wav"), "sea")]
    labels = labels_of_manifest(manifest("a.wav,sea,x", "b.wav,dog,"))
    assert [clip.label for clip in labels.clips] == ["sea", "dog"]
    with pytest.raises(ValueError, match="lacks label; .* the columns path,label, it has path$"):
        labels_of_manifest(manifest("a.wav", header="path"))
    with pytest.raises(ValueError, match="line 2: has no label; a row is path,label$"):
        labels_of_manifest(manifest("a.wav, ", header="path,label"))
    with pytest.raises(ValueError, match="set.csv has no recordings"):
        labels_of_manifest(manifest(header="path,label"))
