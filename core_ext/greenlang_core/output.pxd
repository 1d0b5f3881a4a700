"""Bytes that are written one after the other, into memory that grows as they need it."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from libc.string cimport memcpy


cdef struct Output:
    char* data
    Py_ssize_t size
    Py_ssize_t room


cdef inline int begin(Output* output, Py_ssize_t room) except -1:
    """Have room, at least for a byte; `discard` gives it back."""
    output.data = <char*> PyMem_Malloc(room)
    if output.data == NULL:
        raise MemoryError(f"{room} bytes of text")
    output.size, output.room = 0, room
    return 0


cdef inline void discard(Output* output) noexcept:
    PyMem_Free(output.data)
    output.data = NULL


cdef inline bytes bytes_of(const Output* output):
    return PyBytes_FromStringAndSize(output.data, output.size)


cdef inline char* reserve(Output* output, Py_ssize_t more) except NULL:
    """Have room for so many bytes more; gives where they begin."""
    cdef Py_ssize_t room = output.room
    cdef char* data
    if output.size + more > room:
        while room < output.size + more:
            room *= 2
        data = <char*> PyMem_Realloc(output.data, room)
        if data == NULL:
            raise MemoryError(f"{room} bytes of text")
        output.data, output.room = data, room
    return output.data + output.size


cdef inline int put(Output* output, const char* piece, Py_ssize_t size) except -1:
    memcpy(reserve(output, size), piece, size)
    output.size += size
    return 0
