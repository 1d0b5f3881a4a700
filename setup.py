"""Builds the compiled core; everything else about the distribution is in pyproject.toml."""

import os
import sys
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

CORE = Path("core_ext/greenlang_core")

#: `GREENLANG_DEBUG=1 make build` puts bounds, overflow and None checks back into the compiled loops.
DEBUG = os.environ.get("GREENLANG_DEBUG") == "1"

DIRECTIVES = {
    "language_level": 3,
    "embedsignature": True,
    "binding": True,
    "boundscheck": DEBUG,
    "wraparound": DEBUG,
    "initializedcheck": DEBUG,
    "nonecheck": DEBUG,
    "cdivision": True,
    "freethreading_compatible": False,
}


def extensions() -> list[Extension]:
    """One extension for each .pyx of the core, in a fixed order."""
    # -g0: debugging symbols name the folder of the build, and two builds would differ.
    flags = ["-O3", "-g0", "-fno-math-errno"] if not DEBUG else ["-O0", "-g"]
    if sys.platform != "darwin":
        flags.append("-fno-semantic-interposition")
    return [
        Extension(
            f"greenlang_core.{source.stem}",
            [source.as_posix()],
            include_dirs=[CORE.as_posix()],
            depends=sorted(path.as_posix() for path in CORE.glob("*.[ph]*") if path.suffix in {".pxd", ".h"}),
            extra_compile_args=flags,
        )
        for source in sorted(CORE.glob("*.pyx"))
    ]


setup(
    ext_modules=cythonize(
        extensions(),
        compiler_directives=DIRECTIVES,
        include_path=["core_ext"],
        annotate=DEBUG,
        nthreads=os.cpu_count() or 1,
    ),
)
