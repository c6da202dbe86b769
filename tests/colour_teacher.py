"""Small real teachers: Keras networks that tell a frame's colour, saved as `.keras` files."""

import keras
import numpy as np

SIZE = 32


def write_colour_teacher(path, palette, sharpness=0.02) -> str:
    """Saves a teacher whose class k is the colour `palette[k]`; gives its spec.

    The mean colour of a frame decides: probabilities are a softmax of -sharpness x the squared
    distance to each colour, which is linear in the mean colour but for a constant.

    Args:
        path: of the `.keras` file to write; names go beside it.
        palette: uint8-like [classes, 3] RGB.
        sharpness: how certain the teacher is.
    """
    palette = np.asarray(palette, np.float32)
    frames = keras.Input((SIZE, SIZE, 3))
    mean = keras.layers.GlobalAveragePooling2D()(frames)
    scores = keras.layers.Dense(len(palette), activation="softmax")
    model = keras.Model(frames, scores(mean))
    scores.set_weights([2 * sharpness * palette.T, -sharpness * (palette**2).sum(axis=1)])
    model.save(path)
    names = "".join(f"colour {k}\n" for k in range(len(palette)))
    path.with_name(path.name + ".labels.txt").write_text(names)
    return f"file:{path}"
