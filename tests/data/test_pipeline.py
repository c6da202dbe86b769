"""Crops, loops, frames and order, on records whose sound and pictures tell their time."""

import numpy as np
import pytest
import tensorflow as tf
from clock_records import clip, config, grey_of, jpeg, source, tenth_of

from soundnet_tf.constants import SAMPLE_RATE
from soundnet_tf.data import pipeline
from soundnet_tf.data.batch_settings import AugmentConfig
from soundnet_tf.data.clips import ClipRecord
from soundnet_tf.data.codecs import pcm16
from soundnet_tf.data.order import Share, of_pass


def test_evaluation_takes_the_first_crop_of_every_clip_once():
    batches = list(
        pipeline.eval_batches(
            source(clip(0, 6.0), clip(1, 4.0), clip(2, 5.5)), config(batch_size=2)
        )
    )
    assert [len(batch["id"]) for batch in batches] == [2, 1]
    assert [i.decode() for b in batches for i in b["id"].numpy()] == [
        "video0@0.000", "video1@0.000", "video2@0.000"
    ]  # fmt: skip
    for batch in batches:
        assert batch["waveform"].shape[1:] == (4 * SAMPLE_RATE,)
        np.testing.assert_array_equal(
            tenth_of(batch["waveform"])[:, 2205::22050], [[1, 11, 21, 31]] * len(batch["id"])
        )
        np.testing.assert_array_equal(batch["frame_secs"], [[0, 1, 2, 3]] * len(batch["id"]))
        assert batch["frame_mask"].numpy().all()
        np.testing.assert_array_equal(batch["lengths"], [4 * SAMPLE_RATE] * len(batch["id"]))
        np.testing.assert_allclose(
            grey_of(batch["frames"]), [[10, 30, 50, 70]] * len(batch["id"]), atol=1
        )


def test_clips_to_look_at_are_those_of_evaluation_with_their_files_of_frames():
    """In the order asked for; of 1.5 s looped to 4 s, which has each of its two frames twice."""
    made = [clip(0, 4.0), clip(1, 5.0), clip(2, 1.5)]
    evaluated = list(pipeline.eval_batches(source(*made), config()))
    found = list(pipeline.looked_at(source(*made), config(), [2, 0]))
    jpegs = [example.pop("jpegs").numpy().tolist() for example in found]
    assert jpegs == [[*made[2].jpegs] * 2, [*made[0].jpegs]]
    for example, number in zip(found, (2, 0), strict=True):
        assert example.keys() == evaluated[number].keys()
        for name, values in example.items():
            np.testing.assert_array_equal(values, evaluated[number][name][0], name)


def test_evaluation_gives_equal_batches_twice():
    clips_ = source(*(clip(i, 5.0) for i in range(5)))
    batches = pipeline.eval_batches(
        clips_, config(batch_size=2, augment=AugmentConfig(gain_db=6.0), flip=True)
    )
    first, second = ([{n: v.numpy() for n, v in b.items()} for b in batches] for _ in range(2))
    assert_equal(first, second)


def test_sound_and_frames_are_cut_together():
    """Whatever the crop, a frame of grey 10 + 20 k stands where the sound says second k."""
    starts = set()
    for batch in pipeline.train_batches(source(clip(0, 8.0)), config(), steps=12):
        first = tenth_of(batch["waveform"])[0, 0] / 10
        starts.add(first)
        for secs, grey, valid in zip(
            batch["frame_secs"][0].numpy(),
            grey_of(batch["frames"])[0],
            batch["frame_mask"][0].numpy(),
            strict=True,
        ):
            assert valid and 0 <= secs < 4
            assert (grey - 10) / 20 == pytest.approx(first + secs, abs=0.11)
    assert len(starts) > 6  # random indeed


def test_a_short_clip_is_padded_to_whole_intervals_and_looped_with_its_frames():
    """1.5 s padded to 2 s and looped: frames at 0, 1, 2 = 0 again, 3 = 1 again."""
    (batch,) = pipeline.eval_batches(source(clip(0, 1.5)), config())
    np.testing.assert_array_equal(batch["frame_secs"], [[0, 1, 2, 3]])
    np.testing.assert_allclose(grey_of(batch["frames"]), [[10, 30, 10, 30]], atol=1)
    tenths = tenth_of(batch["waveform"])[0]
    once = tenths[: 2 * SAMPLE_RATE]
    np.testing.assert_array_equal(
        once[: SAMPLE_RATE * 3 // 2], np.arange(33075) * 10 // SAMPLE_RATE
    )
    assert (once[SAMPLE_RATE * 3 // 2 :] == -1).all()  # silence
    np.testing.assert_array_equal(tenths[2 * SAMPLE_RATE :], once)
    assert batch["lengths"].numpy() == [4 * SAMPLE_RATE]


def test_pictures_that_outlast_a_short_clips_sound_are_not_looped():
    """Sound of 1.5 s, frames to 3.5 s: those from the end of the padded turn at 2 s on are out."""
    longer = vars(clip(0, 3.5))
    short = ClipRecord(**(vars(clip(0, 1.5)) | {n: longer[n] for n in ("jpegs", "frame_secs")}))
    (batch,) = pipeline.eval_batches(source(short), config())
    np.testing.assert_array_equal(batch["frame_secs"], [[0, 1, 2, 3]])
    np.testing.assert_allclose(grey_of(batch["frames"]), [[10, 30, 10, 30]], atol=1)


def test_a_short_clip_is_padded_and_counted_when_masked():
    (batch,) = pipeline.eval_batches(source(clip(0, 1.5)), config(short="mask"))
    assert batch["lengths"].numpy() == [33075]
    assert not batch["waveform"].numpy()[0, 33075:].any()
    np.testing.assert_array_equal(batch["frame_mask"], [[True, True, False, False]])
    np.testing.assert_array_equal(batch["frame_secs"], [[0, 1, 0, 0]])
    assert not batch["frames"].numpy()[0, 2:].any()


def test_frames_are_their_centre_square():
    """A frame 512 wide whose middle 256 columns are white: all that is left is white."""
    frame = np.zeros((256, 512, 3), np.uint8)
    frame[:, 128:384] = 255
    record = clip(0, 4.0)
    wide = ClipRecord(**(vars(record) | {"jpegs": (jpeg(frame),) * 4}))
    (batch,) = pipeline.eval_batches(source(wide), config())
    assert batch["frames"].shape == (1, 4, 256, 256, 3)
    assert batch["frames"].numpy()[..., 8:-8, :].min() > 250


def lit_left(number, seconds):
    """A clip whose frames are white in their left half."""
    frame = np.zeros((256, 256, 3), np.uint8)
    frame[:, :128] = 255
    record = clip(number, seconds)
    return ClipRecord(**(vars(record) | {"jpegs": (jpeg(frame),) * len(record.jpegs)}))


def test_flip_mirrors_about_half_of_the_clips():
    sides = [
        bool(batch["frames"][0, 0, 0, 0, 0] > 128)
        for batch in pipeline.train_batches(source(lit_left(0, 4.0)), config(flip=True), steps=40)
    ]
    assert 8 < sum(sides) < 32


def test_gain_stays_within_its_decibels_and_never_clips():
    """Peak 40/4096 leaves room for +6 dB; a peak of 1 may only become quieter."""
    plain = next(iter(pipeline.eval_batches(source(clip(0, 4.0)), config())))["waveform"]
    gains = []
    for batch in pipeline.train_batches(
        source(clip(0, 4.0)), config(augment=AugmentConfig(gain_db=6.0)), steps=20
    ):
        ratio = batch["waveform"].numpy() / plain.numpy()
        assert np.ptp(ratio) < 1e-4
        gains.append(20 * np.log10(ratio.mean()))
    assert -6.01 < min(gains) < -1 and 1 < max(gains) < 6.01
    loud = ClipRecord(**(vars(clip(0, 4.0)) | {"audio": pcm16(np.full(4 * SAMPLE_RATE, 1.0))}))
    for batch in pipeline.train_batches(
        source(loud), config(augment=AugmentConfig(gain_db=6.0)), steps=5
    ):
        assert batch["waveform"].numpy().max() <= 1.0


def test_equal_clips_of_an_epoch_are_augmented_differently():
    """Eight equal clips, whose pictures are lit on the left: were there one seed for all, they
    would stay equal. Gain and side are drawn apart: one does not tell the other."""
    settings = config(batch_size=8, augment=AugmentConfig(gain_db=6.0), flip=True)
    tied = []
    for batch in pipeline.train_batches(source(*[lit_left(0, 8.0)] * 8), settings, steps=2):
        sound = batch["waveform"].numpy() * 4096
        steps = np.diff(sound, axis=1).max(axis=1)  # the clock's steps of 1, times the gain
        starts = np.round(sound[:, 0] / steps - 1).astype(int)
        sides = batch["frames"].numpy()[:, 0, 128, 0, 0] > 128
        assert len(set(starts)) >= 6 and set(starts) <= set(range(41))
        assert len(set(np.round(steps, 4))) == 8
        assert 0 < sum(sides) < 8
        tied.append(sides == (steps < 1))
    assert 0 < np.mean(tied) < 1


def test_augmentation_that_is_off_leaves_training_what_evaluation_sees():
    """But for the order."""
    clips_ = source(*(lit_left(i, 5.0 + i) for i in range(4)))
    off = config(batch_size=4, random_crop=False, flip=False)
    (seen,) = pipeline.eval_batches(clips_, off)
    trained = list(pipeline.train_batches(clips_, off, steps=4))
    for batch in trained:
        places = np.argsort(batch["id"])
        for name in batch:
            np.testing.assert_array_equal(batch[name].numpy()[places], seen[name])
    assert len({tuple(batch["id"].numpy()) for batch in trained}) > 1


def shuffled(steps, first_step=0, seed=0, **options):
    """Of six clips, two a step."""
    clips_ = source(*(clip(i, 5.0) for i in range(6)))
    settings = config(batch_size=2, augment=AugmentConfig(gain_db=3.0), flip=True)
    return [
        {name: value.numpy() for name, value in batch.items()}
        for batch in pipeline.train_batches(clips_, settings, steps, seed, first_step, **options)
    ]


def assert_equal(batches, others):
    for batch, other in zip(batches, others, strict=True):
        for name in batch:
            np.testing.assert_array_equal(batch[name], other[name])


def test_training_is_the_same_for_a_seed_and_another_for_another():
    assert_equal(shuffled(6), shuffled(6))
    order = [i for b in shuffled(3) for i in b["id"]]
    assert order != [i for b in shuffled(3, seed=1) for i in b["id"]]
    assert sorted(order) == [f"video{i}@0.000".encode() for i in range(6)]


def test_passes_have_orders_and_augmentations_of_their_own():
    first, second = shuffled(6)[:3], shuffled(6)[3:]
    orders = [[i for batch in part for i in batch["id"]] for part in (first, second)]
    assert sorted(orders[0]) == sorted(orders[1]) and orders[0] != orders[1]
    sounds = [dict(zip(o, (w for b in p for w in b["waveform"]), strict=True))
              for o, p in zip(orders, (first, second), strict=True)]  # fmt: skip
    assert not any(np.array_equal(sounds[0][i], sounds[1][i]) for i in orders[0])


@pytest.mark.parametrize("step", [1, 3, 4])
def test_starting_at_a_later_step_gives_what_an_unbroken_run_gets_there(step):
    """In the middle of a pass, at its end, and behind it."""
    assert_equal(shuffled(7)[step:], shuffled(7, first_step=step))


@pytest.mark.parametrize("count", [2, 3])
def test_shares_are_the_parts_of_a_batch_that_one_process_would_get(count):
    """Seven clips, so that batches of six go over the end of a pass."""
    clips_ = source(*(clip(i, 5.0) for i in range(7)))
    settings = config(batch_size=6, augment=AugmentConfig(gain_db=3.0))
    whole = pipeline.train_batches(clips_, settings, 4, 3, 1)
    parts = [
        pipeline.train_batches(clips_, settings, 4, 3, 1, Share(index, count))
        for index in range(count)
    ]
    for batch, *shares in zip(whole, *parts, strict=True):
        for name in batch:
            together = np.concatenate([share[name] for share in shares])
            np.testing.assert_array_equal(batch[name], together)
    halves = pipeline.train_batches(clips_, settings, 4, 3, 1, replicas=2)
    sizes = [len(batch["id"]) for batch in halves]
    assert sizes == [3] * 6 and halves.cardinality() == 6


def test_evaluation_is_shared_without_loss():
    clips_ = source(*(clip(i, 4.0) for i in range(7)))
    settings = config(batch_size=4)
    shares = [pipeline.eval_batches(clips_, settings, Share(index, 2)) for index in range(2)]
    found = [[i for batch in share for i in batch["id"].numpy()] for share in shares]
    assert [len(share) for share in found] == [4, 3]
    assert sorted(found[0] + found[1]) == [f"video{i}@0.000".encode() for i in range(7)]
    first = pipeline.eval_batches(clips_, settings, at_most=3)
    assert [i.decode() for batch in first for i in batch["id"].numpy()] == [
        f"video{i}@0.000" for i in range(3)
    ]


def test_a_batch_that_cannot_be_shared_says_what_to_set():
    clips_ = source(*(clip(i, 4.0) for i in range(7)))
    with pytest.raises(ValueError, match="batch of 4 .* among 3 workers; make it a multiple of 3"):
        pipeline.train_batches(clips_, config(batch_size=4), 1, share=Share(0, 3))


def test_a_batch_that_a_workers_devices_cannot_share_says_what_to_set():
    """Two workers' two GPUs each; halves of an odd share would leave a clip of every batch out."""
    clips_ = source(*(clip(i, 4.0) for i in range(7)))
    with pytest.raises(ValueError, match="batch of 6 .* 2 x 2 devices; make it a multiple of 4"):
        pipeline.train_batches(clips_, config(batch_size=6), 1, share=Share(0, 2), replicas=2)


def test_batches_go_on_over_the_end_of_a_pass():
    """Five clips, two a batch: in five batches every clip is seen twice."""
    clips_ = source(*(clip(i, 4.0) for i in range(5)))
    batches = list(pipeline.train_batches(clips_, config(batch_size=2), steps=5))
    assert [len(b["id"]) for b in batches] == [2] * 5
    seen = [i for b in batches for i in b["id"].numpy()]
    assert {seen.count(i) for i in seen} == {2} and sorted(seen[:5]) == sorted(seen[5:])


def test_a_batch_is_any_clips_with_equal_chance():
    """Clips of one video are together in a batch as often as by chance: of n clips in a pass, of
    which k are of one video, b are drawn, so that b (b - 1) k (k - 1) / (n (n - 1)) ordered pairs
    are expected. 200 batches of 6 of 12 clips, 4 a video: 3 videos x 30 x 12 / 132 = 8.2 a batch;
    its standard error is under 0.2."""
    together = 0
    for number in range(100):
        order = np.asarray(of_pass(12, 5, tf.constant(number, tf.int64))) // 4
        for half in (order[:6], order[6:]):
            together += sum(
                np.sum(half == video) * (np.sum(half == video) - 1) for video in range(3)
            )
    assert together / 200 == pytest.approx(3 * 30 * 12 / 132, abs=0.6)


def test_fewer_clips_than_a_batch_is_an_error_that_says_what_to_set():
    with pytest.raises(ValueError, match="1 training clips.*batch of 2.*at most 1"):
        pipeline.train_batches(source(clip(0, 4.0)), config(batch_size=2), steps=1)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"short": "stretch"}, "'stretch' is unknown"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"crop_secs": 0.5}, "0.5 s may hold no frame"),
    ],
)
def test_unfit_settings_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        pipeline.train_batches(source(clip(0, 4.0)), config(**change), steps=1)


@pytest.mark.parametrize(("crop_secs", "every_secs", "frames"), [(20, 5, 4), (12, 5, 3), (4, 4, 1)])
def test_a_crop_has_room_for_every_frame_that_may_begin_in_it(crop_secs, every_secs, frames):
    """In 12 s there may be frames at 0, 5 and 10 s."""
    assert config(crop_secs=float(crop_secs)).frames(float(every_secs)) == frames
