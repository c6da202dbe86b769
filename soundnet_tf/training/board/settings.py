"""Settings of what TensorBoard shows beside the curves; without TensorFlow."""

from dataclasses import dataclass

from soundnet_tf.settings import Settings, setting


@dataclass(frozen=True)
class BoardConfig(Settings):
    """Decides nothing of what is learned.

    Attributes:
        every: epochs from one look (`board.look`) to the next; None: after the first and the last
            one, and whenever looks have taken less than `budget.SHARE` of the time.
        profile_steps: of the whole run, counted from 1 as TensorBoard does; those that follow on
            each other are in one profile.
    """

    every: int | None = setting(
        "Epochs from one look to the next at filters, weights, clips and classes for TensorBoard; "
        "default: after the first, the last, and as often as takes 2 % of the time.",
        None,
        flag="board_every",
        at_least=1,
    )
    profile_steps: tuple[int, ...] = setting(
        "Steps of the run, from 1, that TensorFlow's profiler looks at, as in 10,20.",
        (),
        at_least=1,
    )
