"""Spans of videos become clips: where those start and end, what is left out, how a run goes on."""

import json
import math

import prepare_material
import pytest
import synthetic_media
from prepare_material import ids_in, run

from soundnet_tf.data import clips, planning, reasons, shard_json
from soundnet_tf.data.clips import LeftOut, Video
from soundnet_tf.data.settings import Cutting
from soundnet_tf.data.videos import find_videos
from soundnet_tf.files.identity import Identity
from soundnet_tf.files.spans import Span

SMALL = prepare_material.SMALL


def video(*spans, path="a.mp4") -> Video:
    return Video("a.mp4", str(path), Identity(1, spans=tuple(Span(*span) for span in spans)))


@pytest.mark.parametrize(
    ("span", "starts"),
    [
        ((30, 40), (30.0,)),  # shorter than a clip: one clip of 10 s
        ((30, 50), (30.0,)),
        ((30.1, 50.1), (30.1,)),  # 50.1 - 30.1 is 19.999999999999996 or 20 in decimals
        ((30, 52), (30.0,)),  # a rest of 2 s is shorter than a frame interval
        ((30, 55), (30.0, 50.0)),
        ((80, 200), (80.0,)),  # the film ends at 100 s
        ((98, 200), (98.0,)),
    ],
)
def test_a_span_is_cut_as_a_video_of_its_own(span, starts):
    """Clips of 20 s with a frame each 5 s, of a film of 100 s."""
    assert planning.span_starts(video(span), 100.0, Cutting()) == (starts, ())


def test_clips_end_with_their_span():
    cutting, found = Cutting(), video((10, 40), (60.1, 70.1))
    lengths = [found.clip_secs(secs, cutting) for secs in (10.0, 30.0, 60.1)]
    assert lengths == [20.0, 10.0, 10.0]
    assert video().clip_secs(1e6, cutting) == 20.0


def test_spans_without_a_clip_say_why():
    starts, left_out = planning.span_starts(
        video((10, 30), (98.5, 99.25), (99.5, 130), (100, 110)), 100.0, Cutting()
    )
    assert starts == (10.0,)
    assert left_out == (
        LeftOut(98.5, reasons.too_short(0.75)),
        LeftOut(99.5, reasons.too_short(0.5)),
        LeftOut(100, "beyond the end of the film at 100.00 s"),
    )
    kinds = [reasons.kind_of_reason(span.reason) for span in left_out]
    assert kinds == ["too short", "too short", "beyond the end"]


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    for name in ("a.mp4", "deep/b.mp4"):
        (folder / name).parent.mkdir(exist_ok=True)
        synthetic_media.write_clock_video(folder / name, 8, **SMALL)
    return folder


def config(table, rows, out, **changes):
    table.write_text(f"path,start,end\n{rows}")
    return prepare_material.config(table, out, num_shards=1, val_fraction=0, **changes)


def contents(folder) -> dict:
    return shard_json.read_known(str(folder), "train-00000-of-00001.tfrecord")


def test_clips_of_spans_are_those_of_the_whole_video(films):
    """A film of 8 s in clips of 2 s: that from 4 s on is the same whether the span begins there,
    the span before it ends there, or all of the film is cut. From 5 s on 1.5 s are heard."""
    cutting = Cutting(2.0, 1.0)
    path = films / "a.mp4"

    def cut(*spans):
        runs = planning.plan(video(*spans, path=path), cutting)
        return [clip for run in runs for clip in clips.cut(run, cutting)]

    whole = {clip.start_secs: clip for clip in cut()}
    assert cut((2, 6)) == [whole[2.0], whole[4.0]]
    assert cut((0, 2), (4, 6)) == [whole[0.0], whole[4.0]]
    (short,) = cut((5, 6.5))
    assert (short.id, short.sample_count, len(short.jpegs)) == ("a.mp4@5.000", 33075, 2)
    assert short.sample_count == math.ceil(1.5 * 22050)


def test_a_run_goes_on_by_the_spans(films, tmp_path, caplog):
    """What has the same spans is left alone or taken over; other spans are cut anew, whose file has
    not changed. Both videos are one video each, whatever number of spans they have."""
    table, out = films / "spans.csv", tmp_path / "out"
    rows = "a.mp4,0,2\ndeep/b.mp4,1,3\na.mp4,4,6\na.mp4,50,60\n"
    manifest = run(config(table, rows, out))
    ids = ["a.mp4@0.000", "a.mp4@4.000", "deep/b.mp4@1.000"]
    assert ids_in(manifest) == ids
    assert manifest.splits["train"].videos == 2
    content = contents(out)
    assert content["inputs"][0]["spans"] == [[0.0, 2.0], [4.0, 6.0], [50.0, 60.0]]
    (left_out,) = content["left_out"]
    assert left_out["start_secs"] == 50.0
    assert left_out["reason"] == "beyond the end of the film at 8.00 s"
    before = prepare_material.mtimes(out)
    again = "a.mp4,4,6\na.mp4,50,60\na.mp4,0,2\ndeep/b.mp4,1,3\n"  # only the order is another
    run(config(table, again, out))
    assert prepare_material.mtimes(out) == before
    changed = run(config(table, rows.replace("b.mp4,1,3", "b.mp4,1,3.5"), out, strict=True))
    assert ids_in(changed) == ids
    assert changed.splits["train"].seconds == pytest.approx(6.0)  # 2 of clips, not 2.5
    run(config(table, "deep/b.mp4,1,3\na.mp4,4,6\n", out))
    assert [v["video_id"] for v in contents(out)["inputs"]] == ["a.mp4", "deep/b.mp4"]
    assert contents(out)["inputs"][0]["spans"] == [[4.0, 6.0]]
    assert contents(out)["shard"]["clips"] == 2


def test_a_video_of_which_no_span_is_there_is_skipped_with_the_reason(films, tmp_path):
    rows = "a.mp4,0,2\ndeep/b.mp4,9,11\ndeep/b.mp4,20,30\n"
    manifest = run(config(films / "beyond.csv", rows, tmp_path / "out"))
    (skipped,) = manifest.skipped
    assert skipped.reason == "beyond the end of the film at 8.00 s"
    assert reasons.kind_of_reason(skipped.reason) == "beyond the end"


def test_identities_with_spans_go_through_json(films):
    (films / "one.csv").write_text("path,start,end\na.mp4,0.1,2\n")
    (found,) = find_videos(str(films / "one.csv"))
    fields = json.loads(json.dumps(found.identity.as_fields()))
    assert Identity.from_fields(fields) == found.identity
    assert not found.identity.is_that_of(Identity.from_fields(fields | {"spans": []}))
