"""Programs of steps over value slots, and the runs of those that wait."""

from cpython.object cimport PyObject

from greenlang_core.crew cimport Crew


cdef enum StepKind:
    CALL        # a function of one value, and preset options
    CONSTANT    # the same value always
    LIST        # its inputs as a list
    RECORD      # its inputs under names
    MAP         # a program on each item
    FILTER      # the items for which a program is true
    CHOOSE      # the program that the truth, or a selector, of its first input names


cdef struct Step:
    StepKind kind
    bint is_async
    bint needs_task
    Py_ssize_t first_input      # its inputs are `inputs[first_input : last_input]`, slots below its own
    Py_ssize_t last_input
    Py_ssize_t first_option     # its option values are `options[first_option : last_option]`
    Py_ssize_t last_option
    Py_ssize_t first_release    # slots that nobody reads after it, in `releases`
    Py_ssize_t last_release
    PyObject* function          # CALL: the function; CONSTANT: the value; CHOOSE: the selector, or None
    PyObject* names             # CALL: option names; RECORD: field names
    PyObject* programs          # MAP, FILTER, CHOOSE: a tuple of programs


cdef class Program:
    # Steps in an order in which they can run. Slot 0 is the input, slot n the output of step n.
    cdef Step* steps
    cdef Py_ssize_t* inputs
    cdef Py_ssize_t* releases
    cdef PyObject** options         # borrowed from `_kept`
    cdef int* edges                 # (count,) inputs of a step that are other steps' outputs
    cdef int* readers               # (count + 1,) how often a slot is read; the result once more
    cdef Py_ssize_t* first_reader   # (count + 2,) the steps that read slot s are
    cdef Py_ssize_t* reading        # `reading[first_reader[s] : first_reader[s + 1]]`
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t result
    cdef readonly bint is_async
    cdef bint is_single             # one plain call of the input: what a map runs without a frame of slots
    cdef Py_ssize_t scratch         # the most arguments of a call with options
    cdef object _as_items           # list or tuple from any other iterable; raises for what is none
    cdef object _context            # decimal context that a run sets; None for that of the caller
    cdef list _kept                 # owns what the arrays borrow

    cdef int allocate(self, Py_ssize_t inputs, Py_ssize_t options) except -1
    cdef int load(self, steps) except -1
    cdef int connect(self) except -1
    cdef PyObject* keep(self, object value)
    cdef object execute(self, object value, list trail)
    cdef object perform(self, Step* step, PyObject** slots, PyObject** scratch, list trail)
    cdef object over_items(self, Step* step, object value, list trail)
    cdef object items_of(self, object value)
    cdef Program chosen(self, Step* step, PyObject** slots)


cdef class Execution:
    # One run of a program with asynchronous steps: which slots are filled, which steps can start.
    cdef Program program
    cdef list slots                 # (count + 1,) NULL until filled and again once read for the last time
    cdef int* waiting               # (count,) inputs that a step still waits for
    cdef int* unread                # (count + 1,) readers that a slot still waits for
    cdef Py_ssize_t* starting       # queue of asynchronous steps that can start: they leave first, so that
    cdef Py_ssize_t* computing      # waiting overlaps computing; queue of the synchronous ones
    cdef Py_ssize_t first_starting, last_starting, first_computing, last_computing
    cdef Crew crew
    cdef list trail
    cdef dict trails                # of steps that run programs of their own, until they end

    cdef bint advance(self) except -1
    cdef int enqueue(self, Py_ssize_t index) except -1
    cdef int start(self, Py_ssize_t index) except -1
    cdef int complete(self, Py_ssize_t index, object output) except -1
    cdef int note(self, Py_ssize_t index) except -1
    cdef object output_of(self, Py_ssize_t index)
    cdef object coroutine_of(self, Py_ssize_t index)
