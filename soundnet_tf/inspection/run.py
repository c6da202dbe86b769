"""Videos are looked at before anything is learned from them: figures, copies, a page, keep.csv."""

from collections.abc import Sequence

from soundnet_tf.files import lock
from soundnet_tf.inspection import findings, page, report, tables, watched
from soundnet_tf.inspection.findings import Seen
from soundnet_tf.inspection.report import Report
from soundnet_tf.inspection.settings import InspectConfig

NO_MATCH = "Whether sound and picture match was not asked (--model, with labelled --data)"


def inspect(config: InspectConfig, progress: bool = True) -> Report:
    """Looks at every clip and writes the report; run again, it looks only at what is new.

    Args:
        config: what to look at.
        progress: whether to show progress on stderr.

    Returns:
        What was found. In `config.out` are index.html, clips.csv, duplicates.csv, keep.csv,
        report.json and what they are made of.

    Raises:
        FileNotFoundError: there are no videos, or the folder was not prepared.
        ValueError: the folder has a look at something else, or with other settings.
        HeldError: another run is writing there.
    """
    with lock.hold_folder(config.out, "inspect"):
        videos = _gather(config, progress)
        match = NO_MATCH
        if config.model is not None:
            from soundnet_tf.inspection import match as matching

            match = matching.add_ranks(config, videos, progress)
        findings.judge(videos, config)
        pairs = findings.pairs_of(videos, config)
        groups = findings.drop_copies(videos, pairs, config.copied_share)
        found = Report(config, videos, pairs, groups, match)
        tables.write_clips(config.out, videos)
        tables.write_duplicates(config.out, videos, groups, pairs)
        tables.write_keep(config.out, videos)
        page.write(found)
        report.write_json(found)
    return found


def _gather(config: InspectConfig, progress: bool) -> Sequence[Seen]:
    if config.videos is not None:
        return watched.gather(config, progress)
    from soundnet_tf.inspection import prepared  # which needs TensorFlow, as films do not

    return prepared.gather(config, progress)
