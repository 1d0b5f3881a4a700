"""Who may ask where nobody has to say who they are: programs of this machine, and no page of another site.

A browser sends what any page asks of it to this machine too: under a name of the page's own that leads here
(DNS rebinding), or with the page's origin. Neither is answered.
"""

from __future__ import annotations

__all__ = ["refuse_foreign"]

from functools import lru_cache
from urllib.parse import urlsplit

from greenlang.service.addresses import is_local
from greenlang.service.messages import Fault
from greenlang.service.wire import Call, Refusal


def refuse_foreign(call: Call) -> None:
    """Refuse what may come from a page of another site.

    Raises
    ------
    Refusal
        403 if `Host` is no name of this machine, or `Origin` is not what is served here.
    """
    host = call.headers.get("host", "")
    if host and not _names_this_machine(host):
        fix = "ask localhost, or set [authentication] in the configuration"
        raise Refusal(
            403, Fault("host", f"'{host[:80]}' is not this machine, and nobody says who asks", "Host", fix)
        )
    origin = call.headers.get("origin", "")
    if origin and origin.partition("://")[2] != host:
        fix = "ask from a program, or set [authentication] in the configuration"
        raise Refusal(403, Fault("origin", f"a page of '{origin[:80]}' may not ask here", "Origin", fix))


@lru_cache(256)
def _names_this_machine(host: str) -> bool:
    try:
        return is_local(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False
