"""A folder for writers that add to their files, which no bucket can: a local one, whose files are
sent when they have changed."""

import os

from soundnet_tf.files import remote, scratch, storage


class Mirror:
    """A folder, local or remote.

    Attributes:
        local: where to write to: itself, or what stands for it.
    """

    def __init__(self, path: str):
        self._path = path
        self.local = scratch.new_path("") if storage.is_remote(path) else path
        self._sent: dict[str, tuple[int, int] | None] = {}
        storage.make_folder(self.local)

    def send(self) -> None:
        """Sends what was written since the last time; nothing of a local folder."""
        if not storage.is_remote(self._path):
            return
        for file in storage.files_below(self.local):
            state = storage.size_and_time(file)
            if self._sent.get(file) != state:
                remote.upload(file, f"{self._path}/{os.path.relpath(file, self.local)}")
                self._sent[file] = state
