"""What suites measure on, made in the work folder when it is first asked for."""

import os
import sys
from collections.abc import Callable

from benchmark import material, timing
from benchmark.settings import Settings


def films(settings: Settings, clips: int) -> str:
    """A folder of films that give so many clips."""
    count = round(clips * settings.clip_secs / settings.film_secs)
    return _made(
        settings, f"films-{clips}", material.write_films, count=count, secs=settings.film_secs
    )


def shards(settings: Settings, clips: int) -> str:
    """A folder of so many labelled clips."""
    videos = films(settings, clips)
    return _made(
        settings,
        f"shards-{clips}",
        material.write_shards,
        videos=videos,
        clip_secs=settings.clip_secs,
    )


def recording(settings: Settings, minutes: float) -> str:
    """A recording that lasts so long."""
    return _made(settings, f"recording-{minutes:g}.mp3", material.write_recording, minutes=minutes)


def student(settings: Settings) -> str:
    """A folder with a network, for `models.pretrained.load`."""
    return _made(settings, "student", material.write_student)


def _made(settings: Settings, name: str, write: Callable[..., None], **arguments) -> str:
    path = os.path.join(settings.work, name)
    if not os.path.exists(path):
        print(f"making {name} ...", file=sys.stderr)
        timing.call(write, path=path, **arguments)
    return path
