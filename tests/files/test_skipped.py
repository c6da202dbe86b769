from soundnet_tf.files.skipped import MOST_LINES, skipped_lines


def test_the_first_are_named_and_the_others_counted():
    reasons = {f"{i}.mp4": f"why {i}" for i in range(MOST_LINES + 3)}
    lines = skipped_lines(reasons, "in manifest.json")
    assert lines == [
        *(f"  {i}.mp4: why {i}" for i in range(MOST_LINES)),
        "  and 3 more in manifest.json",
    ]
    assert skipped_lines(reasons, "")[-1] == "  and 3 more"


def test_a_few_are_all_named():
    reasons = {f"{i}": "no" for i in range(MOST_LINES)}
    assert len(skipped_lines(reasons, "elsewhere")) == MOST_LINES
    assert skipped_lines({}, "elsewhere") == []
