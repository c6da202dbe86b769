"""Faults of reports, the page that hears, and what recognize prints."""

from mutations.fault import Fault

_CAPTIONS = ("tests/serving/test_captions.py",)
_MOMENTS = ("tests/serving/test_moments.py",)
_SEGMENTS = ("tests/serving/test_segments.py",)
_CHANNELS = ("tests/media/test_channels.py",)
_TERMINAL = ("tests/serving/test_terminal.py",)
_REPORT = ("tests/reporting/test_report.py",)
_TIMELINES = ("tests/reporting/test_timelines.py",)
_FIGURES = ("tests/reporting/test_figures.py",)
_HEAR = "soundnet_tf/assets/hear"
_PAGE = "tests/serving/export/test_page.py"
_GIVEN = "tests/serving/export/test_page_given.py"
_PAGE_ARITHMETIC = ("tests/serving/export/test_page_arithmetic.py",)
_PAGE_FILES = ("tests/serving/export/test_page_files.py",)

REPORTING = (
    Fault(
        "a strip's cells begin at their steps",
        "soundnet_tf/reporting/timelines.py",
        "inner = np.clip((secs[1:] + secs[:-1]) / 2, 0, duration_secs)",
        "inner = np.clip(secs[1:], 0, duration_secs)",
        _TIMELINES,
    ),
    Fault(
        "of several steps a cell shows the first",
        "soundnet_tf/reporting/timelines.py",
        "surest = np.maximum.reduceat(probabilities[:, best], firsts, axis=0)",
        "surest = probabilities[firsts][:, best]",
        _TIMELINES,
    ),
    Fault(
        "what is heard at the first step stands beside every frame",
        "soundnet_tf/reporting/timelines.py",
        "told(recognition.top(head, _TOLD)[step])",
        "told(recognition.top(head, _TOLD)[0])",
        _TIMELINES,
    ),
    Fault(
        "of many recordings the first are shown",
        "soundnet_tf/reporting/hearing.py",
        "return [things[round(i)] for i in np.linspace(0, len(things) - 1, count)]",
        "return list(things[:count])",
        _TIMELINES,
    ),
    Fault(
        "columns that make room keep every second one",
        "soundnet_tf/reporting/overview.py",
        "self._rows.reshape(half, 2, -1).max(axis=1)",
        "self._rows.reshape(half, 2, -1)[:, 0]",
        ("tests/reporting/test_overview.py",),
    ),
    Fault(
        "a sound's last samples are not seen",
        "soundnet_tf/reporting/overview.py",
        "_HOP if behind <= _HOP // 2 else _WINDOW",
        "_HOP",
        ("tests/reporting/test_overview.py",),
    ),
    Fault(
        "epochs count from 0 in charts",
        "soundnet_tf/reporting/curves.py",
        """{"epoch": int(row["epoch"]) + 1, "of": name""",
        """{"epoch": int(row["epoch"]), "of": name""",
        _FIGURES,
    ),
    Fault(
        "an axis of few epochs has 1.5 between 1 and 2, and calls it 2",
        "soundnet_tf/reporting/curves.py",
        "if len(rows) <= _MOST_TICKS:",
        "if len(rows) <= 0:",
        _FIGURES,
    ),
    Fault(
        "the held-out figures on the first screen are the first epoch's",
        "soundnet_tf/reporting/curves.py",
        "return history[-1] if history else None",
        "return history[0] if history else None",
        _FIGURES,
    ),
    Fault(
        "a report of the best student has the last one's figures",
        "soundnet_tf/reporting/curves.py",
        "if which == BEST:",
        "if which == BEST_PROBE:",
        _FIGURES,
    ),
    Fault(
        "frames of a timeline spread over the whole, also if pictures end before the sound",
        "soundnet_tf/reporting/sights.py",
        "strip = strip if any(strip) else []",
        "strip = [sight for sight in strip if sight]",
        _TIMELINES,
    ),
    Fault(
        "the confusion is that of the first row",
        "soundnet_tf/reporting/evaluations.py",
        """best = max(found["rows"], key=lambda row: row["accuracy_mean"])
    classes""",
        """best = found["rows"][0]
    classes""",
        _FIGURES,
    ),
    Fault(
        "teachers look at a video's beginning",
        "soundnet_tf/reporting/sights.py",
        "frame = _frame(path, secs, audio_stream)",
        "frame = _frame(path, 0.0, audio_stream)",
        _REPORT,
    ),
    Fault(
        "a name may hold markup",
        "soundnet_tf/assets/report/timeline.html",
        """-name">{{ one.id }}</h3>""",
        """-name">{{ one.id | safe }}</h3>""",
        _REPORT,
    ),
    Fault(
        "recordings that could not be read leave exit code 0",
        "bin/report.py",
        "return 1 if report.unread else 0",
        "return 0",
        _REPORT,
    ),
)

PAGE = (
    Fault(
        "a sound plays on behind what is shown",
        "soundnet_tf/assets/hear/page.js",
        "  player.pause();\n  if (player.src)",
        "  if (player.src)",
        (_GIVEN,),
    ),
    Fault(
        "a microphone that stops late gets into a file's answers",
        "soundnet_tf/assets/hear/page.js",
        "if (shown !== turn) return;\n    add(turn, last, true);",
        "add(turn, last, true);",
        (_GIVEN,),
    ),
    Fault(
        "a microphone that stops late ends the file that the worker hears",
        "soundnet_tf/assets/hear/page.js",
        "if (!turn || shown !== turn) return; //",
        "if (!turn) return; //",
        (_GIVEN,),
    ),
    Fault(
        "the page's heads hear the trunk's last step",
        f"{_HEAR}/network.js",
        "Math.max(0, heard.length - this.channels)",
        "heard.length",
        _PAGE_ARITHMETIC,
    ),
    Fault(
        "the page's convolutions have no padding before the sound",
        f"{_HEAR}/network.js",
        "this.kept = new Float32Array(padding * channels);",
        "this.kept = new Float32Array(0);",
        _PAGE_ARITHMETIC,
    ),
    Fault(
        "a layer of the page forgets what its next windows need",
        f"{_HEAR}/network.js",
        "this.kept = x.slice(steps * this.stride * this.channels);",
        "this.kept = x.slice(((steps - 1) * this.stride + this.kernel) * this.channels);",
        _PAGE_ARITHMETIC,
    ),
    Fault(
        "an odd step of the page's convolutions is that before it",
        f"{_HEAR}/network.js",
        "const other = Math.min(n + 1, steps - 1);",
        "const other = Math.max(0, Math.min(n + 1, steps - 2));",
        _PAGE_ARITHMETIC,
    ),
    Fault(
        "the page's smallest weights are zero",
        f"{_HEAR}/network.js",
        ": fraction * 2 ** -24;",
        ": 0;",
        _PAGE_ARITHMETIC,
    ),
    Fault(
        "the page's resampler lets through what aliases",
        f"{_HEAR}/resample.js",
        "const REJECTION_DB = 132;",
        "const REJECTION_DB = 40;",
        _PAGE_ARITHMETIC,
    ),
    Fault(
        "the page's resampler takes the phase below",
        f"{_HEAR}/resample.js",
        "return rest < 1e-6 ? below",
        "return rest < 1 ? below",
        _PAGE_ARITHMETIC,
    ),
    Fault(
        "short sound is not looped in the page",
        f"{_HEAR}/hearing.js",
        "if (this.samples < this.network.minimum_samples)",
        "if (this.samples < 0)",
        (f"{_PAGE}::test_short_sound_is_looped_and_has_one_answer",),
    ),
    Fault(
        "looped sound in the page begins with silence behind it",
        f"{_HEAR}/hearing.js",
        "at += this.samples)",
        "at += sound.length)",
        (f"{_PAGE}::test_short_sound_is_looped_and_has_one_answer",),
    ),
    Fault(
        "the page reads 24 bits without their sign",
        f"{_HEAR}/wav.js",
        "view.getInt8(at + 2)",
        "view.getUint8(at + 2)",
        _PAGE_FILES,
    ),
    Fault(
        "the page believes a WAV file's size",
        f"{_HEAR}/wav.js",
        "size === 0 || size > there ? there : size",
        "size",
        _PAGE_FILES,
    ),
    Fault(
        "the page takes the first track's rate for the sound's",
        f"{_HEAR}/header_rate.js",
        "if (isSound && stsd &&",
        "if (stsd &&",
        _PAGE_FILES,
    ),
    Fault(
        "the page hears NaN",
        f"{_HEAR}/sound_file.js",
        "if (!(size <= HIGHEST_PEAK))",
        "if (size > HIGHEST_PEAK)",
        (f"{_GIVEN}::test_what_cannot_be_heard_is_told_and_the_next_is_heard",),
    ),
    Fault(
        "the page hears the sum of channels",
        f"{_HEAR}/sound_file.js",
        "mean[i] /= channels.length",
        "mean[i] /= 1",
        (f"{_PAGE}::test_a_file_gives_the_students_answers",),
    ),
    Fault(
        "the page takes names of classes for HTML",
        f"{_HEAR}/words.js",
        "if (text) element.textContent = text;",
        "if (text) element.innerHTML = text;",
        (f"{_PAGE}::test_what_is_shown_is_what_was_heard",),
    ),
    Fault(
        "the page may ask the network",
        f"{_HEAR}/page.html",
        "; worker-src blob:",
        "; connect-src *; worker-src blob:",
        (f"{_PAGE}::test_the_page_may_ask_nobody",),
    ),
    Fault(
        "the microphone is heard twice as fast",
        f"{_HEAR}/microphone.js",
        "return {rate: context.sampleRate, stop};",
        "return {rate: 2 * context.sampleRate, stop};",
        (f"{_GIVEN}::test_the_microphone",),
    ),
    Fault(
        "weights beyond 16 bits are infinite in the page",
        "soundnet_tf/serving/export/page.py",
        "if not largest <= _LARGEST or",
        "if",
        (f"{_PAGE}::test_weights_that_16_bits_cannot_hold_are_named",),
    ),
)

RECOGNIZE = (
    Fault(
        "a step's stretch begins at its centre",
        "soundnet_tf/serving/moments.py",
        "midway = (secs[1:] + secs[:-1]) / 2",
        "midway = secs[1:]",
        _MOMENTS,
    ),
    Fault(
        "a stretch has the probabilities of its first step",
        "soundnet_tf/serving/moments.py",
        "h: p[steps] for h, p",
        "h: p[first : first + 1] for h, p",
        _MOMENTS,
    ),
    Fault(
        "a label lasts while the first object stays, whatever the scene is",
        "soundnet_tf/serving/captions.py",
        "tuple(names[step] for names in firsts)",
        "firsts[0][step]",
        _CAPTIONS,
    ),
    Fault(
        "names in SubRip are commands for players",
        "soundnet_tf/serving/captions.py",
        "one_line(line).translate(_SUBRIP_SIGNS)",
        "one_line(line)",
        _CAPTIONS,
    ),
    Fault(
        "names in WebVTT are not escaped",
        "soundnet_tf/serving/captions.py",
        "one_line(line).translate(_WEBVTT_SIGNS)",
        "one_line(line)",
        _CAPTIONS,
    ),
    Fault(
        "an hour of subtitles is 60 hours",
        "soundnet_tf/serving/captions.py",
        "hours, minutes = divmod(minutes, 60)",
        "hours, minutes = minutes, 0",
        _CAPTIONS,
    ),
    Fault(
        "two files differ in case alone",
        "soundnet_tf/serving/file_names.py",
        "taken.add(name.casefold())",
        "taken.add(name)",
        ("tests/serving/test_file_names.py",),
    ),
    Fault(
        "control characters of names reach the terminal",
        "soundnet_tf/serving/recognition_table.py",
        "self._cell(one_line(path), colours.bold)",
        "self._cell(path, colours.bold)",
        _TERMINAL,
    ),
    Fault(
        "a cut has a sample of the next one",
        "soundnet_tf/media/channels.py",
        "max(0, end - position)]",
        "max(0, end + 1 - position)]",
        _CHANNELS,
    ),
    Fault(
        "unsigned samples are a half too high",
        "soundnet_tf/media/waveform.py",
        "return ((columns.astype(np.float64) - silence) / half_range).astype(np.float32)",
        "return (columns.astype(np.float64) / half_range).astype(np.float32)",
        _CHANNELS,
    ),
    Fault(
        "segments of 24 bits have 16",
        "soundnet_tf/serving/wav_file.py",
        '32: "pcm_s32le"',
        '32: "pcm_s16le"',
        _SEGMENTS,
    ),
    Fault(
        "segments are cut from the default stream, whichever was heard",
        "soundnet_tf/serving/segments.py",
        "open_channels(path, *extent, self._audio_stream)",
        "open_channels(path, *extent)",
        ("tests/serving/test_commands.py::test_recognize_cuts_of_the_stream_that_was_heard",),
    ),
    Fault(
        "a class of a name is the first one alone",
        "soundnet_tf/serving/segments.py",
        "return [name.casefold(), *(",
        "return [name.casefold()] or [*(",
        _SEGMENTS,
    ),
    Fault(
        "NO_COLOR changes nothing",
        "soundnet_tf/serving/colours.py",
        ' and not os.environ.get("NO_COLOR")',
        "",
        _TERMINAL,
    ),
    Fault(
        "a dumb terminal is coloured",
        "soundnet_tf/serving/colours.py",
        'not in ("", "dumb")',
        'not in ("",)',
        _TERMINAL,
    ),
    Fault(
        "a bar forgets the recordings before",
        "soundnet_tf/serving/hearing_bar.py",
        "self._bar.n = self._done + share",
        "self._bar.n = share",
        _TERMINAL,
    ),
    Fault(
        "a bar moves from recording to recording alone",
        "bin/recognize.py",
        "config.audio_stream, bar.heard",
        "config.audio_stream",
        _TERMINAL,
    ),
)
