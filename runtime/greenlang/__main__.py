"""`python -m greenlang`."""

from greenlang.cli import main

main()
