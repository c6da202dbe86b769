"""Where stamps begin anew, in closed form."""

import numpy as np
import pytest

from soundnet_tf.media.joins import AmbiguousStampsError, Join, Stamps, find_joins


def stamps(*begins_secs, every_secs=1.0, first_order=0):
    """Packets that last a second, at these moments; order counts on in twos."""
    begins = np.array(begins_secs, float)
    order = first_order + 2 * np.arange(len(begins))
    return Stamps(order, begins, begins, begins + every_secs)


def counted(start, stop):
    return [float(second) for second in range(start, stop)]


def test_one_timeline_has_no_joins():
    streams = {"audio": stamps(*counted(0, 9)), "video": stamps(*counted(2, 7), first_order=1)}
    assert find_joins(streams, 10.0) == {"audio": (), "video": ()}
    assert find_joins({}, 10.0) == {}


def test_the_second_part_begins_where_all_of_the_first_has_ended():
    """Sound is from 0 to 3, pictures from 0 to 4, so the second part comes at 4: its earliest stamp
    is 10, of the pictures; the sound there stays half a second behind them."""
    streams = {
        "audio": stamps(20.0, 21.0, 22.0, 10.5, 11.5),
        "video": stamps(20.0, 21.0, 22.0, 23.0, 10.0, 11.0, first_order=1),
    }
    assert find_joins(streams, 10.0) == {
        "audio": (Join(3, 10.0 - 24.0),),
        "video": (Join(4, 10.0 - 24.0),),
    }


def test_three_parts_add_up():
    """0 to 2, then 0 to 3 at 2, then 5 to 6 at 5."""
    (joins,) = find_joins({"audio": stamps(0, 1, 0, 1, 2, 1)}, 10.0).values()
    assert joins == (Join(2, -2.0), Join(5, 1.0 - 5.0))


def test_a_jump_ahead_of_all_streams_is_left_out():
    """Sound ends at 3 and goes on at 1000, the pictures at 1000.5."""
    streams = {
        "audio": stamps(0, 1, 2, 1000, 1001),
        "video": stamps(0, 1, 2, 1000.5, 1001.5, first_order=1),
    }
    expected = (Join(3, 997.0),)
    assert find_joins(streams, 10.0) == {"audio": expected, "video": expected}
    assert find_joins(streams, 1000.0) == {"audio": (), "video": ()}


def test_a_pause_of_one_stream_is_a_pause():
    """Slides, or sound that is silent for a while: the other goes on."""
    streams = {"audio": stamps(*counted(0, 60)), "video": stamps(0.0, 30.0, 59.0, first_order=1)}
    assert find_joins(streams, 10.0) == {"audio": (), "video": ()}
    assert find_joins(streams | {"video": stamps(0.0, 59.0)}, 10.0)["audio"] == ()


def test_pictures_out_of_order_are_one_part():
    """They are presented otherwise than they are decoded."""
    shown = stamps(0.0, 0.16, 0.08, 0.04, 0.12, every_secs=0.04)
    stream = Stamps(shown.order, np.arange(5) * 0.04 - 0.08, shown.begin_secs, shown.end_secs)
    assert find_joins({"video": stream}, 10.0) == {"video": ()}


def test_stamps_that_begin_anew_in_one_stream_alone():
    streams = {"audio": stamps(0, 1, 2, 0, 1), "video": stamps(*counted(0, 5), first_order=1)}
    with pytest.raises(AmbiguousStampsError, match="1 times in its audio and 0 times in its video"):
        find_joins(streams, 10.0)


def test_a_jump_of_one_stream_while_the_other_goes_on():
    """The sound jumps after 3 s; pictures that come behind it in the file go on for 40 s."""
    streams = {
        "audio": stamps(0, 1, 2, *counted(1000, 1037)),
        "video": stamps(*counted(0, 40), first_order=1),
    }
    with pytest.raises(
        AmbiguousStampsError, match="of its audio jump ahead, those of video do not"
    ):
        find_joins(streams, 10.0)


def test_parts_that_begin_at_different_places_of_the_file():
    """As many jumps, but between the sound's and the pictures' lie four seconds of pictures."""
    streams = {
        "audio": stamps(0, 1, 2, 0, 1, 2, 3, 4, 5, 6),
        "video": stamps(0, 1, 2, 3, 4, 5, 6, 0, 1, 2, first_order=1),
    }
    with pytest.raises(AmbiguousStampsError, match="at other places than those of its"):
        find_joins(streams, 10.0)


def test_short_parts_are_joined_too():
    """Parts of 0.4 s: stamps go back by 0.3 s, in both streams."""
    begins = [0.0, 0.1, 0.2, 0.3] * 3
    streams = {
        "audio": stamps(*begins, every_secs=0.1),
        "video": stamps(*begins, every_secs=0.1, first_order=1),
    }
    (first, second) = find_joins(streams, 10.0)["audio"]
    assert (first.index, second.index) == (4, 8)
    assert (first.shift_secs, second.shift_secs) == (pytest.approx(-0.4), pytest.approx(-0.8))


def test_jitter_of_one_stream_is_no_part():
    streams = {
        "audio": stamps(0, 0.1, 0.2, 0.3, 0.05, 0.15, every_secs=0.1),
        "video": stamps(0, 0.1, 0.2, 0.3, 0.4, 0.5, every_secs=0.1, first_order=1),
    }
    assert find_joins(streams, 10.0) == {"audio": (), "video": ()}


def test_a_slide_long_after_the_sound_has_ended_is_no_jump():
    streams = {"audio": stamps(*counted(0, 9)), "video": stamps(0, 3, 80, first_order=1)}
    assert find_joins(streams, 10.0) == {"audio": (), "video": ()}


def test_sound_that_jumps_ahead_near_the_end_of_the_pictures():
    """Three seconds of pictures lie behind the jump, and none at its time."""
    streams = {
        "audio": stamps(*counted(0, 4), *counted(1000, 1004)),
        "video": stamps(*counted(0, 8), first_order=1),
    }
    with pytest.raises(AmbiguousStampsError, match="of its audio jump ahead, those of video"):
        find_joins(streams, 10.0)
