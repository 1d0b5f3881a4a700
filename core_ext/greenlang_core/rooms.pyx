"""Memory that grows as it is written, of one kind of integer, and is read as a buffer.

Arrays of Python grow in pages of 4 KiB, and clearing these took two fifths of the time of reading a table;
blocks that are large are huge pages.
"""

from cpython.buffer cimport PyBUF_FORMAT, PyBUF_WRITABLE
from cython cimport final
from libc.string cimport memcpy

from greenlang_core.blocks cimport acquire, release


@final
cdef class Room:
    """As many items as its owner shows; `BufferError` for one that would write to them."""

    def __dealloc__(self):
        if self._block.start != NULL:
            release(self._block)

    def __len__(self):
        return self._shape

    def __getbuffer__(self, Py_buffer* view, int flags):
        if flags & PyBUF_WRITABLE:
            raise BufferError("codes of texts are only read")
        view.buf = self._block.start
        view.obj = self
        view.len = self._shape * self._stride
        view.itemsize = self._stride
        view.readonly = True
        view.ndim = 1
        view.format = self._format if flags & PyBUF_FORMAT else NULL
        view.shape = &self._shape
        view.strides = &self._stride
        view.suboffsets = NULL
        view.internal = NULL
        self._views += 1

    def __releasebuffer__(self, Py_buffer* view):
        self._views -= 1

    cdef char* bytes_of(self) noexcept nogil:
        return <char*> self._block.start

    cdef int hold(self, Py_ssize_t items, Py_ssize_t used) except -1:
        cdef:
            Block larger
            size_t size = items * self._stride
        if size <= self._block.size:
            return 0
        if self._views:
            raise BufferError("memory that somebody reads does not grow")
        # Half as much again, so that growing to any size copies little more than twice that size.
        larger = acquire(max(size, self._block.size + (self._block.size >> 1)))
        if larger.start == NULL:
            raise MemoryError(f"{size} bytes do not fit in memory")
        if self._block.start != NULL:
            memcpy(larger.start, self._block.start, used * self._stride)
            release(self._block)
        self._block = larger
        return 0

    cdef void show(self, Py_ssize_t items) noexcept:
        self._shape = items


cdef Room room_of(char kind, Py_ssize_t items):
    cdef Room room = Room.__new__(Room)
    room._format[0] = kind
    room._format[1] = 0
    room._stride = 8 if kind in (c"q", c"Q") else 4 if kind == c"i" else 1
    room.hold(max(items, 1), 0)
    return room
