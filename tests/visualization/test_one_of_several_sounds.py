"""`--channel` and `--audio_stream` of units and maps: what is written of files of which one sound
is chosen is what is written of files that have that alone."""

import commands
import pytest
import several_sounds

CHOICES = {
    "channel": (several_sounds.write_channels, "--channel=first"),
    "channel of films": (several_sounds.write_films, "--channel=first"),
    "stream": (several_sounds.write_streams, "--audio_stream=0"),
}


@pytest.fixture(scope="module", params=CHOICES)
def folders(request, tmp_path_factory):
    """Of files of both sounds and of one, and the flag that chooses it."""
    write, flag = CHOICES[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    write(folder / "both" / "in", folder / "alone" / "in")
    return folder, flag


@pytest.mark.parametrize(
    ("command", "flags", "names"),
    [
        ("units", ["--units=0,1"], ["index.html", "units.csv", "units.json"]),
        ("map", [], ["atlas.parquet", "index.html", "map.csv"]),
    ],
)
def test_the_sound_that_is_chosen_is_heard_and_played(model, folders, command, flags, names):
    """Tables, page and atlas to the last byte; without the choice they are others."""
    folder, flag = folders
    written = []
    for kind, of_kind in (("both", [flag]), ("alone", []), ("both", [])):
        out = folder / kind / f"{command}{len(written)}"
        given = [f"--inputs={folder / kind / 'in'}", f"--model={model}", f"--out={out}"]
        assert commands.run("visualize", command, *given, "--layer=conv1", *flags, *of_kind) == 0
        assert sorted(path.name for path in out.iterdir()) == names
        written.append({name: (out / name).read_bytes() for name in names})
    chosen, alone, other = written
    for name in names:
        assert chosen[name] == alone[name], name
        assert chosen[name] != other[name], name
