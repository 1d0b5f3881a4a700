"""Arrow's C data interface, as PyCapsules, for decimal128 arrays.

https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
"""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF, PyObject
from cython cimport final
from libc.stdint cimport uint8_t, uintptr_t
from libc.stdlib cimport calloc, free

from greenlang_core.validity cimport validity_over
from greenlang_core.wide cimport MAX_DIGITS, int128


#: By scale. Consumers move a schema out of its capsule, so its format outlives both.
cdef list FORMATS = [f"d:{MAX_DIGITS},{scale}".encode() for scale in range(MAX_DIGITS + 1)]

cdef enum:
    NULLABLE = 2

# What an exported array owns, wherever its struct was moved to.
cdef struct Exported:
    PyObject* owner
    PyObject* bitmap        # of the rows that are not null; NULL: all of them
    const void* buffers[2]  # of `bitmap`, and rows


# ---- giving ------------------------------------------------------------------------------------------------

cdef void release_schema(ArrowSchema* schema) noexcept:
    schema.release = NULL


cdef void release_array(ArrowArray* array) noexcept with gil:
    """Called by whoever took the array, on any thread."""
    cdef Exported* exported = <Exported*> array.private_data
    Py_DECREF(<object> exported.owner)
    Py_XDECREF(exported.bitmap)
    free(exported)
    array.release = NULL


cdef void drop_schema(object capsule) noexcept:
    cdef ArrowSchema* schema = <ArrowSchema*> PyCapsule_GetPointer(capsule, "arrow_schema")
    if schema.release != NULL:
        schema.release(schema)
    free(schema)


cdef void drop_array(object capsule) noexcept:
    cdef ArrowArray* array = <ArrowArray*> PyCapsule_GetPointer(capsule, "arrow_array")
    if array.release != NULL:
        array.release(array)
    free(array)


cdef void fill_schema(ArrowSchema* schema, int scale) noexcept:
    """Describe decimal128(38, scale) in a struct that is all zero."""
    schema.format = <const char*> <bytes> FORMATS[scale]
    schema.name = ""
    schema.flags = NULLABLE
    schema.release = release_schema


cdef object schema_capsule(int scale):
    cdef ArrowSchema* schema = <ArrowSchema*> calloc(1, sizeof(ArrowSchema))
    if schema == NULL:
        raise MemoryError("no memory for an Arrow schema")
    fill_schema(schema, scale)
    return PyCapsule_New(schema, "arrow_schema", drop_schema)


cdef tuple array_capsules(object owner, const int128* rows, Py_ssize_t length, int scale, bytes bitmap):
    """A schema and an array that keeps `owner` alive until it is released; `bitmap` is None without nulls."""
    cdef:
        object schema = schema_capsule(scale)
        ArrowArray* array = <ArrowArray*> calloc(1, sizeof(ArrowArray))
        Exported* exported = <Exported*> calloc(1, sizeof(Exported))
    if array == NULL or exported == NULL:
        free(array)
        free(exported)
        raise MemoryError("no memory for an Arrow array")
    Py_INCREF(owner)
    exported.owner = <PyObject*> owner
    if bitmap is not None:
        Py_INCREF(bitmap)
        exported.bitmap = <PyObject*> bitmap
        exported.buffers[0] = <const char*> bitmap
        array.null_count = -1  # the consumer's to count, if it needs to
    exported.buffers[1] = rows
    array.length = length
    array.n_buffers = 2
    array.buffers = exported.buffers
    array.private_data = exported
    array.release = release_array
    return schema, PyCapsule_New(array, "arrow_array", drop_array)


# ---- taking ------------------------------------------------------------------------------------------------

@final
cdef class ArrowDecimals:
    """An imported decimal128 array, released with the last column over it."""

    def __dealloc__(self):
        if self.array.release != NULL:
            self.array.release(&self.array)


cdef ArrowDecimals import_decimals(object source):
    """Take over a decimal128 array; what is of another type is refused."""
    schema_of, array_of = source.__arrow_c_array__()
    cdef:
        ArrowSchema* schema = <ArrowSchema*> PyCapsule_GetPointer(schema_of, "arrow_schema")
        ArrowArray* array = <ArrowArray*> PyCapsule_GetPointer(array_of, "arrow_array")
    return moved(array, scale_of(schema.format))


cdef ArrowDecimals moved(ArrowArray* array, int scale):
    """Own the array; who gave it no longer releases it."""
    cdef:
        ArrowDecimals decimals = ArrowDecimals.__new__(ArrowDecimals)
        const uint8_t* bits
        Py_ssize_t first, last
        bytes bitmap
    decimals.scale = scale
    decimals.array = array[0]
    array.release = NULL
    decimals.length = decimals.array.length
    decimals.rows = <const int128*> decimals.array.buffers[1] + decimals.array.offset
    if <uintptr_t> decimals.rows % 8 != 0:
        raise ValueError("the Arrow buffer is not aligned to 8 bytes, as the format demands; copy the array first")
    bits = <const uint8_t*> decimals.array.buffers[0]
    if bits != NULL and decimals.array.null_count != 0:
        # Copied, because results share it and outlive the array: it is a 128th of the rows.
        first, last = decimals.array.offset >> 3, (decimals.array.offset + decimals.length + 7) >> 3
        bitmap = (<const char*> bits)[first:last]
        decimals.validity = validity_over(
            bitmap, <const uint8_t*> <const char*> bitmap, decimals.array.offset & 7, decimals.length
        )
    return decimals


cdef int scale_of(const char* text) except? -1:
    """The scale of `d:PRECISION,SCALE[,128]`."""
    format = (<bytes> text).decode()
    if format.startswith("+s"):
        raise TypeError("an Arrow table or struct is no column; give one of its columns")
    kind, _, parameters = format.partition(":")
    precision, *rest = parameters.split(",") if kind == "d" else [""]
    if not rest or rest[1:] not in ([], ["128"]):
        raise TypeError(f"Arrow type '{format}' is not decimal128; cast it to decimal128 first")
    return int(rest[0])
