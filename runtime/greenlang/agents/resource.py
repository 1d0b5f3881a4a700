"""Text files that a program names: read once, when it is compiled, and carried inside the plan."""

from __future__ import annotations

__all__ = ["MAX_BYTES", "Resource"]

import hashlib
from dataclasses import dataclass
from pathlib import Path, PurePath

from greenlang.errors import InputError

#: A resource travels inside the plan, so it is a table of factors, not a table of data.
MAX_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Resource:
    """A text file by content: an option of this type takes a file's name in a program.

    The text has LF line ends and no byte order mark, so that every checkout of a file gives one digest.

    Raises
    ------
    InputError
        If `sha256` is not the digest of `text`: a plan's file was changed.
    """

    #: The path as the program writes it.
    name: str
    text: str
    #: SHA-256 of the text in UTF-8, 64 hex digits.
    sha256: str

    def __post_init__(self) -> None:
        if self.sha256 != _digest(self.text):
            raise InputError(
                f"the text of resource '{self.name}' does not have the digest that stands beside it",
                fix="compile the program again from its own files",
            )

    @classmethod
    def of(cls, name: str, text: str) -> Resource:
        """The resource with this text, its line ends made LF."""
        text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        return cls(name, text, _digest(text))

    @classmethod
    def read(cls, name: str, *, folder: Path) -> Resource:
        """Read the file `name`, a path relative to `folder` (the program's own).

        Raises
        ------
        InputError
            If the path is absolute, or the file cannot be read, is no text, or is larger than 16 MiB.
        """
        if PurePath(name).is_absolute():
            # An absolute path would put one machine's folders into a plan that runs on any.
            raise InputError(f"'{name}' is an absolute path", fix="write it relative to the program's file")
        return cls.of(name, _text(folder / name, name, "write its path relative to the program's file"))

    @classmethod
    def load(cls, path: Path) -> Resource:
        """Read a file that somebody named by its path; plans have its name alone.

        Raises
        ------
        InputError
            If it cannot be read, is no text, or is larger than 16 MiB.
        """
        return cls.of(path.name, _text(path, str(path), "check the path"))


def _text(path: Path, shown: str, missing: str) -> str:
    """The text of a file, which is `shown` where it cannot be read; `missing` mends that it is not there."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"there is no file '{shown}'", fix=missing) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"'{shown}' cannot be read: {reason}", fix="name a text file") from error
    if len(content) > MAX_BYTES:
        raise InputError(
            f"'{shown}' is larger than {MAX_BYTES // 1024**2} MiB", fix="give large tables as input data"
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"'{shown}' is not text in UTF-8 (byte {error.start:,})", fix="save it as UTF-8"
        ) from None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
