"""A fault that tests must notice, and how it is put in."""

from typing import NamedTuple


class Fault(NamedTuple):
    """One fault.

    Attributes:
        name: what is wrong, in a sentence.
        file: below the checkout.
        old: a text that stands in the file exactly once.
        new: what stands there instead.
        tests: files, folders or node ids of pytest, of which at least one test should fail.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


def apply(fault: Fault, code: str) -> str:
    """The code with the fault in it; ValueError if `old` does not stand there once."""
    count = code.count(fault.old)
    if count != 1:
        raise ValueError(
            f"{fault.old!r} stands {count} times in {fault.file}, should stand once; give the "
            f"fault {fault.name!r} the text that is there now, or take it out"
        )
    return code.replace(fault.old, fault.new)
