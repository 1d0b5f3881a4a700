"""The text of a program, read.

`tokens` cuts it, `parser` makes the graph of it, `literals` are the values in it. `language` holds the
words of GCEL, which the Python operators share.
"""

from greenlang.gcel.text.language import MODIFIERS, RESERVED_NAMES
from greenlang.gcel.text.literals import fresh_value, literal_options, read_literal
from greenlang.gcel.text.parser import parse, read

__all__ = ["MODIFIERS", "RESERVED_NAMES", "fresh_value", "literal_options", "parse", "read", "read_literal"]
