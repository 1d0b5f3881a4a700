"""Canonical JSON straight from plain values, with no other value in between.

`greenlang.ledger.canonical` says what that form is, and has all of it in plain Python; tests compare the two.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.dict cimport PyDict_GetItem
from cpython.exc cimport PyErr_Clear
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject
from cpython.tuple cimport PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdio cimport snprintf
from libc.string cimport memchr, memcpy

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


cdef struct Text:
    char* data
    Py_ssize_t size
    Py_ssize_t room


def encode(value):
    """The canonical JSON of a value, or None where only the twin in Python knows it.

    Written here are None, truth values, integers of 64 bits, text, decimals that need no exponent, and lists,
    tuples and dictionaries of them with texts for keys; of these types themselves, not of types made from them.
    """
    cdef Text text
    text.data = <char*> PyMem_Malloc(FIRST_ROOM)
    if text.data == NULL:
        raise MemoryError()
    text.size, text.room = 0, FIRST_ROOM
    try:
        return PyBytes_FromStringAndSize(text.data, text.size) if put(&text, value, 0) else None
    finally:
        PyMem_Free(text.data)


cdef int put(Text* text, object value, int depth) except -1:
    """Write a value; 0 where it is not for here."""
    cdef type kind = type(value)
    if kind is str:
        return put_text(text, value)
    if kind is Decimal:
        return put_decimal(text, str(value))
    if value is None:
        return put_bytes(text, b"null", 4)
    if value is True:
        return put_bytes(text, b"true", 4)
    if value is False:
        return put_bytes(text, b"false", 5)
    if kind is int:
        return put_integer(text, value)
    if depth == DEEPEST:
        return 0
    if kind is dict:
        return put_object(text, value, depth)
    if kind is list:
        return put_list(text, value, depth)
    if kind is tuple:
        return put_tuple(text, value, depth)
    return 0


cdef int put_object(Text* text, dict value, int depth) except -1:
    cdef list keys = list(value)
    cdef bint first = True
    cdef PyObject* item
    for key in keys:
        if type(key) is not str:
            return 0
    keys.sort()
    put_byte(text, b"{")
    for key in keys:
        if not first:
            put_byte(text, b",")
        first = False
        if not put_text(text, key):
            return 0
        put_byte(text, b":")
        item = PyDict_GetItem(value, key)
        if item == NULL or not put(text, <object> item, depth + 1):
            return 0
    return put_byte(text, b"}")


cdef int put_list(Text* text, list values, int depth) except -1:
    cdef Py_ssize_t index = 0
    put_byte(text, b"[")
    while index < PyList_GET_SIZE(values):
        if index:
            put_byte(text, b",")
        if not put(text, <object> PyList_GET_ITEM(values, index), depth + 1):
            return 0
        index += 1
    return put_byte(text, b"]")


cdef int put_tuple(Text* text, tuple values, int depth) except -1:
    cdef Py_ssize_t index
    put_byte(text, b"[")
    for index in range(PyTuple_GET_SIZE(values)):
        if index:
            put_byte(text, b",")
        if not put(text, <object> PyTuple_GET_ITEM(values, index), depth + 1):
            return 0
    return put_byte(text, b"]")


cdef int put_text(Text* text, str value) except -1:
    cdef Py_ssize_t size
    cdef const char* coded = PyUnicode_AsUTF8AndSize(value, &size)
    if coded == NULL:           # a lone surrogate, which the twin names
        PyErr_Clear()
        return 0
    reserve(text, ESCAPED_SIZE * size + 2)
    text.data[text.size] = b'"'
    text.size = write_escaped(text.data + text.size + 1, coded, size) - text.data
    text.data[text.size] = b'"'
    text.size += 1
    return 1


cdef int put_integer(Text* text, object value) except -1:
    cdef int overflow
    cdef long long number = PyLong_AsLongLongAndOverflow(value, &overflow)
    if overflow:
        return 0
    reserve(text, LONGEST_INTEGER)
    text.size += snprintf(text.data + text.size, LONGEST_INTEGER, b"%lld", number)
    return 1


cdef int put_decimal(Text* text, str value) except -1:
    """Write what `str` gives of a decimal, without its last zeros; 0 with an exponent, or where it is no number."""
    cdef Py_ssize_t size
    cdef const char* digits = PyUnicode_AsUTF8AndSize(value, &size)
    cdef const char* point
    if digits == NULL:
        raise MemoryError()
    if not b"0" <= digits[size - 1] <= b"9" or memchr(digits, b"E", size) != NULL:
        return 0
    point = <const char*> memchr(digits, b".", size)
    if point != NULL:
        while digits[size - 1] == b"0":
            size -= 1
        if digits[size - 1] == b".":
            size -= 1
    if size == 2 and digits[0] == b"-" and digits[1] == b"0":
        digits, size = digits + 1, 1
    reserve(text, size + 2)
    text.data[text.size] = b'"'
    memcpy(text.data + text.size + 1, digits, size)
    text.data[text.size + size + 1] = b'"'
    text.size += size + 2
    return 1


cdef int put_byte(Text* text, char byte) except -1:
    reserve(text, 1)
    text.data[text.size] = byte
    text.size += 1
    return 1


cdef int put_bytes(Text* text, const char* piece, Py_ssize_t size) except -1:
    reserve(text, size)
    memcpy(text.data + text.size, piece, size)
    text.size += size
    return 1


cdef int reserve(Text* text, Py_ssize_t more) except -1:
    """Have room for so many bytes more."""
    cdef Py_ssize_t room = text.room
    cdef char* data
    if text.size + more <= room:
        return 0
    while room < text.size + more:
        room *= 2
    data = <char*> PyMem_Realloc(text.data, room)
    if data == NULL:
        raise MemoryError()
    text.data, text.room = data, room
    return 0
