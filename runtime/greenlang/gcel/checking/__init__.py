"""What is wrong with a program, before it runs.

`checker` follows types along every edge, `edge_units` the dimensions of units, and `labels` what a language
model has touched.
"""

from greenlang.gcel.checking.checker import Types, check_types

__all__ = ["Types", "check_types"]
