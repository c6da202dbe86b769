"""What settings of stages that write pages have in common."""

from soundnet_tf.files import storage


def check_out(out: str) -> None:
    """ValueError for no folder, or a remote one."""
    if not out:
        raise ValueError("out is empty; name a folder, such as --out=report")
    if storage.is_remote(out):
        raise ValueError(f"out is {out}; give a local folder, a page is to be opened there")
