"""Every store that there is, for what goes on above them."""

from store_fixtures import run, sqlite_url, url  # noqa: F401  fixtures of this folder's tests
