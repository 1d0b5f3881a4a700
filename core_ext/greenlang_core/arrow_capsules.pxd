"""Arrow's C data interface, as PyCapsules, for decimal128 arrays."""

from greenlang_core.validity cimport Validity
from greenlang_core.wide cimport int128
from libc.stdint cimport int64_t


cdef extern from "arrow_abi.h":
    struct ArrowSchema:
        const char* format
        const char* name
        const char* metadata
        int64_t flags
        int64_t n_children
        ArrowSchema** children
        ArrowSchema* dictionary
        void (*release)(ArrowSchema*) noexcept
        void* private_data

    struct ArrowArray:
        int64_t length
        int64_t null_count
        int64_t offset
        int64_t n_buffers
        int64_t n_children
        const void** buffers
        ArrowArray** children
        ArrowArray* dictionary
        void (*release)(ArrowArray*) noexcept
        void* private_data


cdef class ArrowDecimals:
    # An imported array, moved out of its capsule; released with the last column over it.
    cdef ArrowArray array
    cdef const int128* rows
    cdef Py_ssize_t length
    cdef int scale
    cdef Validity validity      # None: no row is null


cdef ArrowDecimals import_decimals(object source)
cdef ArrowDecimals moved(ArrowArray* array, int scale)     # the array is released with what comes back
cdef int scale_of(const char* format) except? -1           # `TypeError` for another type than decimal128
cdef void fill_schema(ArrowSchema* schema, int scale) noexcept
cdef object schema_capsule(int scale)
cdef tuple array_capsules(object owner, const int128* rows, Py_ssize_t length, int scale, bytes bitmap)
