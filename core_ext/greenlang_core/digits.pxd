"""Decimal text to rows and back: digits.h."""

from greenlang_core.wide cimport int128


cdef extern from "digits.h" nogil:
    enum:
        TEXT_SIZE "GL_TEXT_SIZE"
    int parse_decimal "gl_parse_decimal" (const char* text, Py_ssize_t length, int scale, int128* result)
    char* format_decimal "gl_format_decimal" (int128 value, int scale, char* buffer)
