#!/usr/bin/env python3
"""Cuts videos into clips and writes them as shards: bin/prepare.py --videos=DIR --out=SHARDS"""

import sys

from absl import app, flags

from soundnet_tf.bin import fail

_VIDEOS = flags.DEFINE_string(
    "videos",
    None,
    "Folder (searched to the bottom), quoted glob such as 'films/**/*.mp4', or text file with one "
    "path a line; gs:// and the like too.",
    required=True,
)
_OUT = flags.DEFINE_string("out", None, "Folder of the shards, local or remote.", required=True)
_CLIP = flags.DEFINE_float("clip_seconds", 20.0, "Length of a clip (paper: 20).")
_FRAME_EVERY = flags.DEFINE_float("frame_every", 5.0, "Seconds from frame to frame (paper: 5).")
_SHARDS = flags.DEFINE_integer("num_shards", 16, "Files of the training split.")
_VAL_FRACTION = flags.DEFINE_float("val_fraction", 0.1, "Share of the videos that is held out.")
_WORKERS = flags.DEFINE_integer("workers", None, "Processes that decode; default: cores.")
_CHANNEL = flags.DEFINE_enum("channel", "mean", ["mean", "first"], "Of stereo (paper: first).")
_CODEC = flags.DEFINE_enum(
    "audio_codec", "pcm16", ["pcm16", "flac", "vorbis"], "Of the sound in the shards."
)
_STRICT = flags.DEFINE_bool("strict", False, "Stop at the first video that cannot be used.")

_MOST_LINES = 20


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {argv[1:]}; a glob needs quotes")
    # Imported here: worker processes import this file again and should stay without TensorFlow.
    from tensorflow import errors

    from soundnet_tf.data.prepare import PrepareConfig, prepare

    try:
        config = PrepareConfig(
            videos=_VIDEOS.value,
            out=_OUT.value,
            clip_secs=_CLIP.value,
            frame_every_secs=_FRAME_EVERY.value,
            num_shards=_SHARDS.value,
            val_fraction=_VAL_FRACTION.value,
            workers=_WORKERS.value,
            channel=_CHANNEL.value,
            strict=_STRICT.value,
            audio_codec=_CODEC.value,
        )
        print_summary(prepare(config))
    except (ValueError, OSError, errors.OpError) as error:
        return fail(error)
    except KeyboardInterrupt:
        print("\nInterrupted: the same command goes on at the next shard.", file=sys.stderr)
        return 130
    return 0


def print_summary(manifest) -> None:
    """Prints what was written, what was skipped and why, and what to run next."""
    print(f"{'split':<7}{'shards':>8}{'videos':>8}{'clips':>8}{'hours':>9}{'MB':>10}")
    for name, split in manifest.splits.items():
        counts = f"{len(split.shards):>8}{split.videos:>8}{split.clips:>8}"
        print(f"{name:<7}{counts}{split.seconds / 3600:>9.2f}{split.bytes / 1e6:>10.1f}")
    if manifest.skipped:
        print(f"{len(manifest.skipped)} videos skipped:")
    for skipped in manifest.skipped[:_MOST_LINES]:
        print(f"  {skipped.video_id}: {skipped.reason}")
    if len(manifest.skipped) > _MOST_LINES:
        print(f"  and {len(manifest.skipped) - _MOST_LINES} more in manifest.json")
    teacher = "--imagenet_teacher=pypi:efficientnet_lite0"
    print(f"Next: bin/train.py --data={manifest.directory} --out=RUN {teacher}")


if __name__ == "__main__":
    app.run(main)
