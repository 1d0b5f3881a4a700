"""Where this user's files are kept, by the XDG Base Directory Specification; no folder needs to exist."""

from __future__ import annotations

__all__ = ["cache_folder", "config_folder", "state_folder"]

import os
from collections.abc import Mapping
from pathlib import Path

from greenlang.errors import InputError


def config_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """For keys and policies: `$XDG_CONFIG_HOME/greenlang`, else `~/.config/greenlang`.

    Raises
    ------
    InputError
        If the environment names no home.
    """
    return _folder("XDG_CONFIG_HOME", ".config", environment)


def state_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """For what runs go on from: `$XDG_STATE_HOME/greenlang`, else `~/.local/state/greenlang`.

    Raises
    ------
    InputError
        If the environment names no home.
    """
    return _folder("XDG_STATE_HOME", ".local/state", environment)


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """For what can be made again: `$XDG_CACHE_HOME/greenlang`, else `~/.cache/greenlang`.

    Raises
    ------
    InputError
        If the environment names no home.
    """
    return _folder("XDG_CACHE_HOME", ".cache", environment)


def _folder(variable: str, below_home: str, environment: Mapping[str, str]) -> Path:
    configured = Path(environment.get(variable, ""))
    # The specification has relative paths ignored.
    if configured.is_absolute():
        return configured / "greenlang"
    home = Path(environment.get("HOME", ""))
    if not home.is_absolute():
        raise InputError(f"neither HOME nor {variable} names a folder", fix=f"set {variable} to one")
    return home / below_home / "greenlang"
