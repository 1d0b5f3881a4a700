"""The console: pages for people, served beside the API that they ask.

`pages` serves the files of `static/console` under a policy that lets them load nothing from elsewhere and run
nothing that is not a file; `looking` are the operations that exist for whoever looks: what an execution was
asked to do, what its steps do, and who asks.
"""

from __future__ import annotations

from greenlang.service.console.looking import Looking
from greenlang.service.console.pages import Pages

__all__ = ["Looking", "Pages"]
