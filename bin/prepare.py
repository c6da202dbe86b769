"""Cuts videos into clips of sound and frames, and writes them as shards for training.

    python bin/prepare.py --videos=DIR --out=SHARDS
"""

import sys

from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_string(
    "videos",
    None,
    "a folder (searched through to the bottom), a pattern in quotes such as 'films/**/*.mp4', or a "
    "text file with one path a line; gs:// and other remote paths work too",
    required=True,
)
flags.DEFINE_string("out", None, "folder of the shards, may be remote", required=True)
flags.DEFINE_float("clip_seconds", 20.0, "length of the clips (the paper: 20)")
flags.DEFINE_float("frame_every", 5.0, "seconds from one frame to the next (the paper: 5)")
flags.DEFINE_integer("num_shards", 16, "shards of the training split")
flags.DEFINE_float("val_fraction", 0.1, "share of the videos that is kept for validation")
flags.DEFINE_integer("workers", None, "processes that decode (default: one a core)")
flags.DEFINE_enum("channel", "mean", ["mean", "first"], "which channel of stereo (paper: first)")
flags.DEFINE_bool("strict", False, "stop at the first video that cannot be used")

MOST_LINES = 20


def main(argv: list[str]) -> int:
    if len(argv) > 1:
        print(f"not a flag: {argv[1]} (put a pattern in quotes)", file=sys.stderr)
        return 1
    # Imported here, since each worker process imports this file and does without TensorFlow.
    import tensorflow as tf

    from soundnet_tf.data.prepare import PrepareConfig, prepare

    try:
        config = PrepareConfig(
            videos=FLAGS.videos,
            out=FLAGS.out,
            clip_secs=FLAGS.clip_seconds,
            frame_every_secs=FLAGS.frame_every,
            num_shards=FLAGS.num_shards,
            val_fraction=FLAGS.val_fraction,
            workers=FLAGS.workers,
            channel=FLAGS.channel,
            strict=FLAGS.strict,
        )
        print_summary(prepare(config))
    except (ValueError, OSError, tf.errors.OpError) as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. The same command goes on after the last full shard.", file=sys.stderr)
        return 130
    return 0


def print_summary(manifest) -> None:
    """Prints what was written, what was skipped and why, and what to run next."""
    print(f"{'split':<7}{'shards':>8}{'videos':>8}{'clips':>8}{'hours':>9}{'MB':>10}")
    for name, split in manifest.splits.items():
        print(
            f"{name:<7}{len(split.shards):>8}{split.videos:>8}{split.clips:>8}"
            f"{split.seconds / 3600:>9.2f}{split.bytes / 1e6:>10.1f}"
        )
    if manifest.skipped:
        print(f"{len(manifest.skipped)} videos skipped:")
    for skipped in manifest.skipped[:MOST_LINES]:
        print(f"  {skipped.video_id}: {skipped.reason}")
    if len(manifest.skipped) > MOST_LINES:
        print(f"  and {len(manifest.skipped) - MOST_LINES} more in manifest.json")
    print(f"Next: python bin/train.py --data={manifest.directory}")


def run() -> None:
    app.run(main)


if __name__ == "__main__":
    run()
