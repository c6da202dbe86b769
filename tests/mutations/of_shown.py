"""Faults of what pages, maps and TensorBoard show: another thing than they say."""

from mutations.fault import Fault

_HEAR = "soundnet_tf/assets/hear"
_BOARD = "soundnet_tf/training/board"
_VISUALIZATION = "soundnet_tf/visualization"
_PAGE = ("tests/serving/export/test_page_shown.py",)
_REPORT = ("tests/reporting/test_report_told.py",)
_MAP = ("tests/visualization/test_map_told.py",)
_SOUNDS = ("tests/visualization/test_one_of_several_sounds.py",)
_SOUNDS_OF_REPORT = ("tests/reporting/test_one_of_several_sounds.py",)

SHOWN = (
    Fault(
        "units and their excerpts are of the default stream, whichever was asked for",
        f"{_VISUALIZATION}/units_stage.py",
        "Files(paths, labels, config.channel, config.audio_stream)",
        "Files(paths, labels)",
        _SOUNDS,
    ),
    Fault(
        "a unit is played in another channel than it was found in",
        f"{_VISUALIZATION}/recordings.py",
        "                    self.channel,\n                    self.audio_stream,\n",
        '                    "mean",\n                    self.audio_stream,\n',
        _SOUNDS,
    ),
    Fault(
        "a map is of the mean of channels, whichever was asked for",
        f"{_VISUALIZATION}/map_sources.py",
        "options = (config.channel, config.audio_stream)",
        'options = ("mean", None)',
        _SOUNDS,
    ),
    Fault(
        "a report's timelines are of the mean of channels, whichever was asked for",
        "soundnet_tf/reporting/hearing.py",
        "stream_audio(path, config.channel, audio_stream=config.audio_stream)",
        "stream_audio(path)",
        _SOUNDS_OF_REPORT,
    ),
    Fault(
        "a report lengthens short sound its own way",
        "soundnet_tf/reporting/hearing.py",
        "ears.labels, config.short)",
        "ears.labels)",
        _SOUNDS_OF_REPORT,
    ),
    Fault(
        "pictures are given to the first clips, if one before has none",
        f"{_VISUALIZATION}/sound_map.py",
        "seen[i] = vector",
        "seen[len(seen)] = vector",
        _MAP,
    ),
    Fault(
        "the nearest by sound are the nearest on the map",
        f"{_VISUALIZATION}/map_page.py",
        "placing.nearest(found.sound.vectors, _NEAR)",
        "placing.nearest(found.sound.points, _NEAR)",
        _MAP,
    ),
    Fault(
        "agreement on the map stands in the column of the features",
        "soundnet_tf/assets/visualization/map.html",
        "{{ map.features_agree or",
        "{{ map.map_agrees or",
        _MAP,
    ),
    Fault(
        "a clip's own label is what its first step hears",
        f"{_VISUALIZATION}/sound_map.py",
        "piece.heard.steps[head].values.mean(axis=0)",
        "piece.heard.steps[head].values[0]",
        _MAP,
    ),
    Fault(
        "a teacher sees the beginning of a prepared clip",
        f"{_VISUALIZATION}/map_sources.py",
        "np.unique(((np.arange(count) + 0.5) * len(jpegs) / count).astype(int))",
        "np.arange(min(count, len(jpegs)))",
        _MAP,
    ),
    Fault(
        "spectra of filters stand upside down beside their shapes",
        "soundnet_tf/models/filters_figure.py",
        'origin="lower"',
        'origin="upper"',
        ("tests/models/test_filters_figure.py",),
    ),
    Fault(
        "filters have half their decibels",
        "soundnet_tf/models/filters_figure.py",
        "return 20 * np.log10",
        "return 10 * np.log10",
        ("tests/models/test_filters_figure.py",),
    ),
    Fault(
        "what teachers see stands beside what is heard at the first steps",
        "soundnet_tf/reporting/hearing.py",
        "for step, sight in zip(chosen, seen, strict=True) if sight is not None",
        "for step, sight in enumerate(seen) if sight is not None",
        _REPORT,
    ),
    Fault(
        "timelines have another recording's label",
        "soundnet_tf/reporting/recordings.py",
        '{"label": labels.get(id)}',
        '{"label": labels.get(next(iter(paths)))}',
        _REPORT,
    ),
    Fault(
        "teacher's and network's columns are exchanged",
        "soundnet_tf/assets/report/timeline.html",
        '{{ said.saw }}</td><td data-of="the network hears">{{ said.heard or "has no such head" }}',
        '{{ said.heard or "has no such head" }}</td><td data-of="the network hears">{{ said.saw }}',
        _REPORT,
    ),
    Fault(
        "a report of the best student has the last one's epoch",
        "soundnet_tf/reporting/run.py",
        "_run(config.run, config.which)",
        "_run(config.run, LAST)",
        _REPORT,
    ),
    Fault(
        "filters in a report are numbered by their order",
        "soundnet_tf/reporting/run.py",
        "zip(found.channels, found.centres_hz",
        "zip(range(len(found.channels)), found.centres_hz",
        _REPORT,
    ),
    Fault(
        "a report's labels are ignored by its map",
        "soundnet_tf/reporting/recordings.py",
        "named = None if labels is None else",
        "named = None if True else",
        _REPORT,
    ),
    Fault(
        "the line of a player of a part runs over the whole timeline",
        "soundnet_tf/assets/report/timeline.js",
        "currentTime / Number(recording.dataset.secs)",
        "currentTime / Number(recording.dataset.soundSecs)",
        _REPORT,
    ),
    Fault(
        "in the page the answer beside a moment is the one before",
        f"{_HEAR}/heard.js",
        "Math.round((secs - first.secs)",
        "Math.floor((secs - first.secs)",
        _PAGE,
    ),
    Fault(
        "in the page an answer is drawn from its moment on",
        f"{_HEAR}/timeline.js",
        ": [secs - NETWORK.hop_secs / 2, secs + NETWORK.hop_secs / 2];",
        ": [secs, secs + NETWORK.hop_secs];",
        _PAGE,
    ),
    Fault(
        "the page's spectrogram has high frequencies at the bottom",
        f"{_HEAR}/timeline.js",
        "pixels[(BANDS - 1 - b) * this.width + x]",
        "pixels[b * this.width + x]",
        _PAGE,
    ),
    Fault(
        "the page hears the first channel of what the browser decodes",
        f"{_HEAR}/sound_file.js",
        "sound.getChannelData(c)",
        "sound.getChannelData(0)",
        _PAGE,
    ),
    Fault(
        "the page leaves out the last seconds of what the browser decodes",
        f"{_HEAR}/sound_file.js",
        "first < sound.length; first += size",
        "first + size < sound.length; first += size",
        _PAGE,
    ),
    Fault(
        "the page hears the sum of a microphone's channels",
        f"{_HEAR}/microphone_worklet.js",
        "sum / channels.length",
        "sum",
        _PAGE,
    ),
    Fault(
        "of a clip's frames TensorBoard shows the first",
        f"{_BOARD}/clips.py",
        "np.unique(np.linspace(0, len(clip.jpegs) - 1, _STRIP_FRAMES).round().astype(int))",
        "np.arange(min(len(clip.jpegs), _STRIP_FRAMES))",
        ("tests/training/board/test_clips.py",),
    ),
    Fault(
        "the projector's points are of the padding too",
        f"{_BOARD}/projector.py",
        "steps[: max(own, 1)].mean(axis=0)",
        "steps.mean(axis=0)",
        ("tests/training/board/test_projector.py",),
    ),
    Fault(
        "TensorBoard shows clips that were learned from",
        f"{_BOARD}/look.py",
        "clips.choose(self._validation",
        "clips.choose(self._training",
        ("tests/training/board/test_look.py",),
    ),
    Fault(
        "TensorBoard has gradients of what is frozen",
        f"{_BOARD}/look.py",
        "student.get_layer(layer.name).trainable = layer.trainable",
        "pass",
        ("tests/training/board/test_look.py",),
    ),
    Fault(
        "files of labels have three classes, whatever --top says",
        "bin/recognize.py",
        "captions.LabelFiles(config.format, sys.stdout, config.top, files)",
        "captions.LabelFiles(config.format, sys.stdout, 3, files)",
        ("tests/serving/test_commands.py",),
    ),
)
