"""Writes what asv kept as a folder of pages that loads nothing from elsewhere: `make bench-publish`.

asv's pages load jQuery, Flot and Bootstrap from public servers, and are blank without them. npm brings the
same packages, held to the hashes in `dashboard_scripts/package-lock.json`; the pages are pointed at them.

python -m bench.dashboard FOLDER
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import ROOT

PACKAGES = Path(__file__).with_name("dashboard_scripts")

#: Where a file that asv's page loads lies among the packages; Flot's is not made small.
FILES = {
    "bootstrap.min.css": "bootstrap/dist/css/bootstrap.min.css",
    "bootstrap.min.js": "bootstrap/dist/js/bootstrap.min.js",
    "jquery-3.3.1.min.js": "jquery/dist/jquery.min.js",
    "jquery.flot.categories.min.js": "flot/jquery.flot.categories.js",
    "jquery.flot.min.js": "flot/jquery.flot.js",
    "jquery.flot.orderBars.js": "flot-orderbars/js/jquery.flot.orderBars.js",
    "jquery.flot.selection.min.js": "flot/jquery.flot.selection.js",
    "jquery.flot.time.min.js": "flot/jquery.flot.time.js",
    "md5.min.js": "blueimp-md5/js/md5.min.js",
    "stupidtable.min.js": "stupid-table-plugin/stupidtable.min.js",
}

#: An element's address elsewhere, and what guards it there. Links that somebody has to follow load nothing.
ELSEWHERE = re.compile(
    r'(<(?:script|link)\b[^>]*?\b(?:src|href)=")https?://[^"]*/([^"/]+)"([^>]*)>', re.IGNORECASE
)
GUARDS = re.compile(r'\s(?:integrity|crossorigin|referrerpolicy)="[^"]*"')


def point_at_copies(page: str) -> str:
    """The page with `vendor/…` for every script and style from elsewhere.

    Raises
    ------
    KeyError
        Of a file that no package is known for, as a later asv may load.
    """
    return ELSEWHERE.sub(
        lambda found: f'{found[1]}vendor/{FILES[found[2]]}"{GUARDS.sub("", found[3])}>',
        page,
    )


def copy_packages(folder: Path) -> None:
    """The files, with the licences of their packages and the fonts that a style names."""
    with tempfile.TemporaryDirectory() as made:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PACKAGES / name, made)
        subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=made, check=True
        )
        installed = Path(made, "node_modules")
        for path in FILES.values():
            package = path.partition("/")[0]
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(installed / path, folder / path)
            for told in (*installed.glob(f"{package}/LICENSE*"), installed / package / "package.json"):
                shutil.copy(told, folder / package)
        fonts = "bootstrap/dist/fonts"
        shutil.copytree(installed / fonts, folder / fonts, dirs_exist_ok=True)


def publish(root: Path, folder: Path) -> None:
    """Write the pages of the results of `root`, a checkout with `asv.conf.json`."""
    asv = Path(sys.executable).with_name("asv")
    subprocess.run([asv, "publish", "--html-dir", folder], cwd=root, check=True)
    page = folder / "index.html"
    page.write_text(point_at_copies(page.read_text()))
    copy_packages(folder / "vendor")


def main(folder: str) -> int:
    if shutil.which("npm") is None:
        print("npm is needed to publish: it brings the scripts of the pages", file=sys.stderr)
        return 1
    publish(ROOT, Path(folder).resolve())
    print(f"{folder}/index.html; browsers read it from a server: python -m http.server --directory {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
