"""The region of a command, with a line about sources that name another one."""

from __future__ import annotations

from replicas.cli.app import tell


def region_of(option: str | None, name: str | None = None) -> str | None:
    """Return the region that the command takes, and say which source it is from if another source has another region.

    None if there is no region: the first call of AWS then refuses with the options there are.
    """
    from replicas.aws.region import choose_region

    choice = choose_region(option, name)
    if choice is None:
        return None
    if choice.note:
        tell(choice.note)
    return choice.taken.region
