"""Settings of then and now: which differences there are, and how they are said."""

import pytest

from soundnet_tf.files.claim import differences, refuse_other

OLD = {
    "version": "1",
    "settings": {"epochs": 2, "layers": ["a", "b"], "distill": {"temperature": 1.0, "mask": True}},
}


def test_equal_settings_have_none():
    assert differences(OLD, OLD) == []
    assert differences({}, {}) == []


def test_values_are_compared_as_json_keeps_them():
    """A tuple is a list there, a whole number as a name a string; 1 and 1.0 are equal anyhow."""
    assert differences({"a": [1, 2], "b": {"3": "x"}}, {"a": (1.0, 2), "b": {3: "x"}}) == []


def test_each_difference_is_named_by_its_outer_names_and_sorted():
    distill = {"temperature": 2.0, "mask": True}
    new = {"version": "2", "settings": {"epochs": 3, "layers": ("a",), "distill": distill}}
    assert differences(OLD, new) == [
        "settings.distill.temperature was 1.0, is 2.0",
        "settings.epochs was 2, is 3",
        "settings.layers was ['a', 'b'], is ['a']",
        "version was 1, is 2",
    ]


def test_what_came_or_went_is_named():
    assert differences({"a": 1}, {"b": 2}) == ["a was 1, is None", "b was None, is 2"]
    assert differences({"a": {"b": 1, "c": 2}}, {}) == ["a.b was 1, is None", "a.c was 2, is None"]
    assert differences({}, {"a": {"b": 1}}) == ["a.b was None, is 1"]
    assert differences({"a": {"b": 1}}, {"a": 5}) == ["a was {'b': 1}, is 5"]
    assert differences({"a": None}, {}) == []


def test_some_names_may_differ():
    """A name frees what is within it, and no name of the same spelling elsewhere."""
    new = {"version": "2", "settings": {**OLD["settings"], "epochs": 3}}
    assert differences(OLD, new, ("version", "settings.epochs")) == []
    assert differences(OLD, new, ("version", "epochs")) == ["settings.epochs was 2, is 3"]
    assert differences(OLD, new, ("settings",)) == ["version was 1, is 2"]


def test_the_refusal_says_where_what_and_what_to_do():
    refuse_other("OUT", OLD, OLD)
    refuse_other("OUT", {"a": 1}, {"a": 2}, ("a",))
    with pytest.raises(ValueError) as refused:
        refuse_other("OUT", {"a": 1, "b": 2}, {"a": 3, "b": 4})
    assert str(refused.value) == (
        "OUT was made with other settings (a was 1, is 3; b was 2, is 4): choose another --out, "
        "remove it first, or go on with the settings it was made with"
    )
