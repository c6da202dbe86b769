"""Small pictures of a film's frames."""

import io
from collections.abc import Sequence

import numpy as np
from absl import logging
from PIL import Image, ImageOps

_GREY = (128, 128, 128)


def thumbnail(jpeg: bytes, pixels: int) -> np.ndarray:
    """uint8 [pixels, pixels, 3], the centre square of a frame. One that cannot be decoded is grey,
    and a warning says so: training on cached posteriors does not need it."""
    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as image:
            image.draft("RGB", (pixels, pixels))  # decodes no more than is needed
            square = ImageOps.fit(image.convert("RGB"), (pixels, pixels))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        logging.warning("a frame cannot be shown in TensorBoard: %s", error)
        square = Image.new("RGB", (pixels, pixels), _GREY)
    return np.asarray(square)


def strip(jpegs: Sequence[bytes], pixels: int) -> np.ndarray:
    """uint8 [pixels, pixels * frames, 3]: frames side by side."""
    return np.concatenate([thumbnail(jpeg, pixels) for jpeg in jpegs], axis=1)


def sprite(thumbnails: Sequence[np.ndarray]) -> bytes:
    """A PNG file of equal squares in rows, as many as columns: what TensorBoard's projector cuts
    its points' pictures out of."""
    side, pixels = int(np.ceil(np.sqrt(len(thumbnails)))), len(thumbnails[0])
    sheet = np.zeros((side * pixels, side * pixels, 3), np.uint8)
    for number, picture in enumerate(thumbnails):
        row, column = (pixels * place for place in divmod(number, side))
        sheet[row : row + pixels, column : column + pixels] = picture
    with io.BytesIO() as file:
        Image.fromarray(sheet).save(file, format="PNG")
        return file.getvalue()
