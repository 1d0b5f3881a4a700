"""Arrow's C stream interface, as PyCapsules: decimal128 columns in chunks.

https://arrow.apache.org/docs/format/CStreamInterface.html
"""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from greenlang_core.arrow_capsules cimport ArrowArray, ArrowSchema, fill_schema, moved, scale_of


cdef extern from "arrow_abi.h":
    struct ArrowArrayStream:
        int (*get_schema)(ArrowArrayStream*, ArrowSchema*) noexcept
        int (*get_next)(ArrowArrayStream*, ArrowArray*) noexcept
        const char* (*get_last_error)(ArrowArrayStream*) noexcept
        void (*release)(ArrowArrayStream*) noexcept
        void* private_data


# What an exported stream owns: the chunk until it is asked for, then an array of length 0.
cdef struct Exported:
    ArrowArray chunk
    int scale


# ---- giving ------------------------------------------------------------------------------------------------

cdef int give_schema(ArrowArrayStream* stream, ArrowSchema* schema) noexcept with gil:
    memset(schema, 0, sizeof(ArrowSchema))
    fill_schema(schema, (<Exported*> stream.private_data).scale)
    return 0


cdef int give_chunk(ArrowArrayStream* stream, ArrowArray* array) noexcept:
    """The chunk, then a released array, which is how a stream ends."""
    cdef Exported* exported = <Exported*> stream.private_data
    array[0] = exported.chunk
    exported.chunk.release = NULL
    return 0


cdef const char* last_error(ArrowArrayStream* stream) noexcept:
    return NULL  # nothing above fails


cdef void release_stream(ArrowArrayStream* stream) noexcept:
    cdef Exported* exported = <Exported*> stream.private_data
    if exported.chunk.release != NULL:
        exported.chunk.release(&exported.chunk)
    free(exported)
    stream.release = NULL


cdef void drop_stream(object capsule) noexcept:
    cdef ArrowArrayStream* stream = <ArrowArrayStream*> PyCapsule_GetPointer(capsule, "arrow_array_stream")
    if stream.release != NULL:
        stream.release(stream)
    free(stream)


cdef object stream_capsule(tuple capsules, int scale):
    cdef:
        ArrowArray* array = <ArrowArray*> PyCapsule_GetPointer(capsules[1], "arrow_array")
        ArrowArrayStream* stream = <ArrowArrayStream*> calloc(1, sizeof(ArrowArrayStream))
        Exported* exported = <Exported*> calloc(1, sizeof(Exported))
    if stream == NULL or exported == NULL:
        free(stream)
        free(exported)
        raise MemoryError("no memory for an Arrow stream")
    exported.chunk = array[0]  # moved: its capsule no longer releases it
    array.release = NULL
    exported.scale = scale
    stream.get_schema = give_schema
    stream.get_next = give_chunk
    stream.get_last_error = last_error
    stream.release = release_stream
    stream.private_data = exported
    return PyCapsule_New(stream, "arrow_array_stream", drop_stream)


# ---- taking ------------------------------------------------------------------------------------------------

cdef list import_chunks(object source):
    """Take over every chunk; `OSError` with the producer's own words if it fails."""
    capsule = source.__arrow_c_stream__()
    cdef:
        ArrowArrayStream* stream = <ArrowArrayStream*> PyCapsule_GetPointer(capsule, "arrow_array_stream")
        ArrowSchema schema
        ArrowArray array
        int scale
        list chunks = []
    check(stream, stream.get_schema(stream, &schema))
    try:
        scale = scale_of(schema.format)
    finally:
        schema.release(&schema)
    while True:
        check(stream, stream.get_next(stream, &array))
        if array.release == NULL:
            return [*chunks, scale]
        chunks.append(moved(&array, scale))


cdef int check(ArrowArrayStream* stream, int status) except -1:
    cdef const char* message
    if status != 0:
        message = stream.get_last_error(stream)
        raise OSError(status, "no reason given" if message == NULL else (<bytes> message).decode("utf-8", "replace"))
    return 0
