"""How settings are declared and checked."""

import dataclasses
import math

import pytest

from soundnet_tf.settings import (
    Setting,
    Settings,
    bounds_in_words,
    by_head,
    flag_of,
    known,
    setting,
)


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
        ({"heat": math.inf}, r"heat \(--degrees\) is inf; it should be finite"),
        ({"heat": None}, "is None; it should be given"),
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


@dataclasses.dataclass(frozen=True)
class Kitchen(Settings):
    oven: Oven = Oven()
    weights: dict = by_head(a=Setting("", 1.0, "a_weight", bounds={"at_least": 0}))


def test_a_heads_value_is_checked_and_settings_within_settings_are_settings():
    assert Kitchen(weights={"a": 0.0, "unknown": -1}).oven == Oven()
    with pytest.raises(ValueError, match=r"weights\['a'\] \(--a_weight\) is -1; .* at least 0"):
        Kitchen(weights={"a": -1})
    with pytest.raises(TypeError, match=r"oven is 200\.0; give a Oven"):
        Kitchen(200.0)


def test_flags_and_bounds_are_found_by_the_names_of_fields():
    assert [flag_of(Oven, name) for name in ("heat", "racks")] == ["degrees", "racks"]
    assert flag_of(Kitchen, "weights", "a") == "a_weight"
    words = {f.name: bounds_in_words(known(f)) for f in dataclasses.fields(Oven) if known(f)}
    assert words["heat"] == "above 0 and at most 250" and words["mode"] == ""


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
