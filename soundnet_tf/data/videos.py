"""Which videos there are, what each is called, and into which split and shard it falls."""

import hashlib
from dataclasses import replace

from soundnet_tf.data.clips import Video
from soundnet_tf.files.find import VIDEO_EXTENSIONS, find_parts
from soundnet_tf.files.identity import identities_of

TRAIN, VAL = "train", "val"


def find_videos(source: str, checksum: bool = False, progress: bool = False) -> tuple[Video, ...]:
    """Videos of a folder, a pattern or a list, sorted by id, local or remote (gs://, s3://, ...).

    Args:
        source: as `files.find.find_parts` takes it: a folder, a pattern, one video, tars, a list,
            or a table such as keep.csv of `inspection`, perhaps with spans of its videos. Folders,
            patterns and tars give the files with one of VIDEO_EXTENSIONS, a list gives what it
            names, a table what it keeps. A file that is gone has 0 bytes; the decoder will refuse
            it.
        checksum, progress: as of `files.identity.identities_of`.

    Returns:
        Videos whose ids are their paths below the folder, below the fixed beginning of the
        pattern, or below the common parent of the list.

    Raises:
        FileNotFoundError: if `source` does not exist or holds no videos.
        ValueError: if `source` is a file, but neither a video nor a text, or a table in which
            something cannot be followed.
    """
    paths, spans = find_parts(source, VIDEO_EXTENSIONS, "video")
    known = identities_of(paths, checksum, progress)
    return tuple(
        Video(id, path, replace(known[id], spans=spans.get(id, ()))) for id, path in paths.items()
    )


def split_and_shard(
    video_id: str, val_fraction: float, shard_counts: dict[str, int]
) -> tuple[str, int]:
    """Split ("train" or "val") and shard index of a video: fixed by its id alone.

    The first 8 bytes of the id's SHA-256 choose the split, the next 8 the shard.
    """
    digest = hashlib.sha256(video_id.encode()).digest()
    fraction = int.from_bytes(digest[:8], "big") / 2**64
    split = VAL if fraction < val_fraction else TRAIN
    return split, int.from_bytes(digest[8:16], "big") % shard_counts[split]
