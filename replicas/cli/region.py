"""Determines the region of a command, and prints a message if the sources of the region disagree."""

from __future__ import annotations

from replicas.cli.app import tell


def region_of(option: str | None, name: str | None = None) -> str | None:
    """Return the region of a command. Print where it comes from if another source names a different region.

    Return None if no source names a region: the first AWS call then fails with a message that lists the options.
    """
    from replicas.aws.region import choose_region

    choice = choose_region(option, name)
    if choice is None:
        return None
    if choice.note:
        tell(choice.note)
    return choice.taken.region
