"""What settings of stages that write pages have in common."""

from soundnet_tf.files import storage


def check_out(out: str) -> None:
    """ValueError for a remote folder."""
    if storage.is_remote(out):
        raise ValueError(f"out is {out}; give a local folder, a page is to be opened there")
