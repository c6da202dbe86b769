"""From a command line to one call of a stage: what all binaries do alike."""

import functools
import inspect
import os
import pathlib
import signal
import sys
from collections.abc import Callable, Mapping

from absl import app, flags, logging

from soundnet_tf.bin import flagfiles, quiet_start, stage_flags
from soundnet_tf.settings import Settings

flags.disclaim_key_flags()

_EXPECTED = (ValueError, OSError, RuntimeError, ImportError)
_HELP = ("help", "h", "helpshort", "helpfull")
_FAULTS = (NotImplementedError, RecursionError)  # RuntimeErrors of Python's own


def run(
    stage: Callable[..., int | None],
    settings: type[Settings],
    *,
    files: str | None = None,
    interrupted: str | None = None,
    ends_like_ctrl_c: bool = False,
) -> None:
    """Reads the flags, calls the stage, and ends the process with its exit code.

    Flags and inputs (`Settings.check_inputs`) are checked before TensorFlow is imported, which the
    stage has to do, not its module: worker processes import that again and should stay without.

    Args:
        stage: is called with the settings, and prints what it did; it gives an exit code, or None
            for 0.
        settings: whose fields are the flags.
        files: what is to be named besides the flags, if anything; the stage is then called with
            the names too, and so is `check_inputs`.
        interrupted: what to say after Ctrl-C of what is kept, if anything.
        ends_like_ctrl_c: whether SIGTERM is like Ctrl-C, so that what was started ends too.
    """
    stage_flags.define(settings)
    program = sys.modules["__main__"]
    command = pathlib.PurePath(sys.argv[0]).stem
    program.__doc__ = f"{program.__doc__}{flagfiles.help_text(command)}"
    try:
        argv = flagfiles.resolved(sys.argv, command)
    except FileNotFoundError as error:
        sys.exit(fail(error))
    options = (stage, settings, files, interrupted, ends_like_ctrl_c)
    app.run(functools.partial(_main, *options), argv)


def run_one_of(commands: Mapping[str, tuple[Callable[..., int | None], type[Settings]]]) -> None:
    """`run` of the stage that the first argument names, for a binary that has several.

    `--help` behind the name tells that stage's docstring and flags; without a name it tells the
    program's, and the first line of each stage's.

    Args:
        commands: names to stages with their settings.
    """
    program = sys.modules["__main__"]
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name.lstrip("-") in _HELP and name.startswith("-"):
        print(f"{(program.__doc__ or '').strip()}\n\n{_told(commands)}")
        sys.exit()
    if name not in commands:
        said = f"there is no {name!r}" if name else "nothing was named"
        sys.exit(fail(ValueError(f"{said}; begin with one of {', '.join(commands)} (see --help)")))
    del sys.argv[1]
    stage, settings = commands[name]
    program.__doc__ = f"\n{inspect.cleandoc(stage.__doc__ or '')}\n"
    run(stage, settings)


def _told(commands: Mapping[str, tuple[Callable[..., int | None], type[Settings]]]) -> str:
    width = max(map(len, commands))
    firsts = {name: (stage.__doc__ or "").splitlines()[0] for name, (stage, _) in commands.items()}
    return "\n".join(f"    {name:{width}}  {first}" for name, first in firsts.items())


def _main(stage, settings, files, interrupted, ends_like_ctrl_c, argv: list[str]) -> int:
    named = _named(argv[1:], files)
    set_up_tensorflow()
    if ends_like_ctrl_c:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        config = stage_flags.read(settings)
        config.check_inputs(*named)
        return stage(config, *named) or 0
    except KeyboardInterrupt:
        print(f"\nInterrupted{f': {interrupted}' if interrupted else ''}.", file=sys.stderr)
        return 130
    except Exception as error:
        is_expected = isinstance(error, (_EXPECTED, _tensorflow_errors()))
        if isinstance(error, _FAULTS) or not is_expected:
            raise
        return fail(error)


def _named(arguments: list[str], files: str | None) -> list[list[str]]:
    if files is None:
        if arguments:
            raise app.UsageError(
                f"unexpected arguments {arguments}; every setting is a --flag, a glob needs quotes"
            )
        return []
    if not arguments:
        raise app.UsageError(f"name {files}")
    return [arguments]


def _tensorflow_errors() -> tuple[type[Exception], ...]:
    tensorflow = sys.modules.get("tensorflow")
    return (tensorflow.errors.OpError,) if tensorflow else ()


def set_up_tensorflow() -> None:
    """To be called before TensorFlow is imported, which then reads these. What the user has set
    stays.

    oneDNN's kernels are on: without AVX-512 TensorFlow leaves them off, and a training step takes
    about twice as long. Of messages only warnings, unless --verbosity says otherwise, and those
    without the lines that each start writes, see `quiet_start`.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    quiet_start.arrange()
    if not flags.FLAGS["verbosity"].present:
        logging.set_verbosity(logging.WARNING)


def fail(error: Exception) -> int:
    """Says what went wrong in one sentence (with --verbosity=1 also where); gives exit code 1."""
    logging.debug("where it came from:", exc_info=error)
    print(f"{pathlib.PurePath(sys.argv[0]).name}: {error}", file=sys.stderr)
    return 1
