"""Tags of activity data: what a row says beyond the columns, as `key=value; key=value`."""

from __future__ import annotations

from collections.abc import Mapping

from greenlang.errors import InputError

__all__ = ["parse_tags"]


def parse_tags(text: str) -> Mapping[str, str]:
    """Read `key=value; key=value`; keys in lower case, white space around either dropped.

    Raises
    ------
    InputError
        If a part has no `=`, or a key stands twice.
    """
    tags: dict[str, str] = {}
    for part in text.split(";"):
        key, equals, value = part.partition("=")
        key = key.strip().casefold()
        if not key and not equals:
            continue
        if not key or not equals or key in tags:
            raise InputError(
                f"tag '{key}' stands twice" if key in tags else f"tag '{part.strip()}' is not 'key=value'",
                fix="write tags as 'vehicle=Gasoline Passenger Cars; model_year=2015; distance=1200 mi'",
                place="tags",
            )
        tags[key] = value.strip()
    return tags
