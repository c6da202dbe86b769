"""How settings are declared and checked."""

import dataclasses
import math

import pytest

from soundnet_tf.settings import Setting, Settings, by_head, known, setting


@dataclasses.dataclass(frozen=True)
class Oven(Settings):
    heat: float = setting("Degrees.", 180.0, flag="degrees", above=0, at_most=250)
    racks: int | None = setting("In use.", None, at_least=1)
    mode: str = setting("Of heating.", "fan", choices=("fan", "grill"))
    steps: tuple[str, ...] = setting("In turn.", ("heat",), choices=("heat", "bake"))
    plug: str = "de"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"heat": 0.0}, r"heat \(--degrees\) is 0.0; it should be above 0 and at most 250"),
        ({"heat": 250.1}, "is 250.1; it should be above 0 and at most 250"),
        ({"heat": math.nan}, "is nan; it should be"),
        ({"racks": 0}, "racks is 0; it should be at least 1"),
        ({"mode": "steam"}, "mode 'steam' is unknown; choose one of fan, grill"),
        ({"steps": ("heat", "eat")}, "steps 'eat' is unknown; choose one of heat, bake"),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(change, message):
    with pytest.raises(ValueError, match=message):
        Oven(**change)


def test_what_fits_is_taken():
    """Both ends of closed bounds too; None is no number, and a tuple may be empty."""
    oven = Oven(heat=250.0, racks=1, mode="grill", steps=(), plug="uk")
    assert dataclasses.astuple(oven) == (250.0, 1, "grill", (), "uk")
    assert Oven().racks is None
    assert Oven(steps=["bake"]).steps == ["bake"]


def test_a_bound_that_nobody_knows_is_an_error_of_the_programmer():
    with pytest.raises(TypeError, match=r"bounds \['at_last'\] are unknown"):
        setting("Help.", 1, at_last=2)


def test_by_head_has_the_heads_that_have_a_default():
    @dataclasses.dataclass(frozen=True)
    class Weights(Settings):
        weights: dict = by_head(a=Setting("", 1.0, "a_weight"), b=Setting("", None, "b_weight"))

    assert Weights().weights == {"a": 1.0}
    Weights().weights["a"] = 2.0
    assert Weights().weights == {"a": 1.0}, "each has a mapping of its own"


def test_a_plain_field_is_no_setting_of_a_command():
    declared = {field.name: known(field) for field in dataclasses.fields(Oven)}
    assert declared["plug"] is None
    assert declared["heat"] == Setting(
        "Degrees.", 180.0, "degrees", None, {"above": 0, "at_most": 250}
    )
