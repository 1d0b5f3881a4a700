"""Canonical JSON straight from plain values, with no other value in between.

`greenlang.ledger.canonical` says what that form is, and has all of it in plain Python; tests compare the two.
"""

from cpython.dict cimport PyDict_GetItem
from cpython.exc cimport PyErr_Clear
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdio cimport snprintf
from libc.string cimport memchr, memcpy

from greenlang_core.output cimport Output, begin, bytes_of, discard, put, reserve

from decimal import Decimal as _Decimal


cdef extern from "json_text.h" nogil:
    enum:
        ESCAPED_SIZE "GL_ESCAPED_SIZE"
    char* write_escaped "gl_write_escaped" (char* target, const char* text, size_t length)

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size)
    long long PyLong_AsLongLongAndOverflow(object number, int* overflow) except? -1

cdef enum:
    FIRST_ROOM = 1024
    LONGEST_INTEGER = 21        # the digits of 64 bits, a sign and the byte that ends them
    DEEPEST = 200               # values are nested; past this the twin says what is wrong

cdef type Decimal = _Decimal


def encode(value):
    """The canonical JSON of a value, or None where only the twin in Python knows it.

    Written here are None, truth values, integers of 64 bits, text, decimals that need no exponent, and lists,
    tuples and dictionaries of them with texts for keys; of these types themselves, not of types made from them.
    """
    cdef Output output
    begin(&output, FIRST_ROOM)
    try:
        return bytes_of(&output) if put_value(&output, value, 0) else None
    finally:
        discard(&output)


cdef int put_value(Output* output, object value, int depth) except -1:
    """Write a value; 0 where it is not for here."""
    cdef type kind = type(value)
    if kind is str:
        return put_text(output, value)
    if kind is Decimal:
        return put_decimal(output, str(value))
    if value is None:
        return put_word(output, b"null")
    if value is True:
        return put_word(output, b"true")
    if value is False:
        return put_word(output, b"false")
    if kind is int:
        return put_integer(output, value)
    if depth == DEEPEST:
        return 0
    if kind is dict:
        return put_object(output, value, depth)
    if kind is list:
        return put_list(output, value, depth)
    if kind is tuple:
        return put_tuple(output, value, depth)
    return 0


cdef int put_object(Output* output, dict value, int depth) except -1:
    cdef list keys = list(value)
    cdef bint first = True
    cdef PyObject* item
    for key in keys:
        if type(key) is not str:
            return 0
    keys.sort()
    put_byte(output, b"{")
    for key in keys:
        if not first:
            put_byte(output, b",")
        first = False
        if not put_text(output, key):
            return 0
        put_byte(output, b":")
        item = PyDict_GetItem(value, key)
        if item == NULL or not put_value(output, <object> item, depth + 1):
            return 0
    return put_byte(output, b"}")


cdef int put_list(Output* output, list values, int depth) except -1:
    cdef Py_ssize_t index = 0
    put_byte(output, b"[")
    while index < PyList_GET_SIZE(values):
        if index:
            put_byte(output, b",")
        if not put_value(output, <object> PyList_GET_ITEM(values, index), depth + 1):
            return 0
        index += 1
    return put_byte(output, b"]")


cdef int put_tuple(Output* output, tuple values, int depth) except -1:
    cdef Py_ssize_t index
    put_byte(output, b"[")
    for index in range(PyTuple_GET_SIZE(values)):
        if index:
            put_byte(output, b",")
        if not put_value(output, <object> PyTuple_GET_ITEM(values, index), depth + 1):
            return 0
    return put_byte(output, b"]")


cdef int put_text(Output* output, str value) except -1:
    cdef Py_ssize_t size
    cdef const char* coded = PyUnicode_AsUTF8AndSize(value, &size)
    cdef char* target
    if coded == NULL:           # a lone surrogate, which the twin names
        PyErr_Clear()
        return 0
    target = reserve(output, ESCAPED_SIZE * size + 2)
    target[0] = b'"'
    target = write_escaped(target + 1, coded, size)
    target[0] = b'"'
    output.size = target + 1 - output.data
    return 1


cdef int put_integer(Output* output, object value) except -1:
    cdef int overflow
    cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow:
        return 0
    output.size += snprintf(reserve(output, LONGEST_INTEGER), LONGEST_INTEGER, b"%lld", number)
    return 1


cdef int put_decimal(Output* output, str value) except -1:
    """Write what `str` gives of a decimal, without its last zeros; 0 with an exponent, or where it is no number."""
    cdef Py_ssize_t size
    cdef const char* digits = PyUnicode_AsUTF8AndSize(value, &size)
    cdef const char* point
    cdef char* target
    if digits == NULL:
        raise MemoryError()
    if digits[size - 1] > b"9" or memchr(digits, b"E", size) != NULL or memchr(digits, b"N", size) != NULL:
        return 0                # NaN may have digits behind it
    point = <const char*> memchr(digits, b".", size)
    if point != NULL:
        while digits[size - 1] == b"0":
            size -= 1
        if digits[size - 1] == b".":
            size -= 1
    if size == 2 and digits[0] == b"-" and digits[1] == b"0":
        digits, size = digits + 1, 1
    target = reserve(output, size + 2)
    target[0] = b'"'
    memcpy(target + 1, digits, size)
    target[size + 1] = b'"'
    output.size += size + 2
    return 1


cdef int put_byte(Output* output, char byte) except -1:
    reserve(output, 1)[0] = byte
    output.size += 1
    return 1


cdef int put_word(Output* output, bytes word) except -1:
    put(output, word, len(word))
    return 1
