"""The Hugging Face Hub: the one place that asks it anything, and only when a user says so."""

from __future__ import annotations

from pathlib import Path

from replicas.errors import ReplicasError


class HubError(ReplicasError):
    """The Hub could not be asked; the message says what for and why not."""


def fetch_config(repository: str) -> Path:
    """The `config.json` of a repository on the Hub, over the network.

    Raises:
        HubError: the Hub cannot be reached, or does not have the file.

    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # its retries are not news; the last failure is told below
    try:
        return Path(hf_hub_download(repository, "config.json", etag_timeout=5))
    except Exception as fault:  # the library's errors share no base: network, gate, missing repository
        reason = str(fault).strip().splitlines()[0]
        raise HubError(f"config.json of {repository} cannot be fetched from the Hub: {reason}") from None
