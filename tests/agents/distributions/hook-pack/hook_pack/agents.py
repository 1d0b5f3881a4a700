"""The agent of a pack."""

import greenlang as gl


@gl.agent(name="pack.halve", version="1.0.0")
def halve(value: int) -> int:
    """Halve a number."""
    return value // 2
