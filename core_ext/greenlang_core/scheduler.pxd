"""Programs of steps over value slots."""

from cpython.object cimport PyObject

from greenlang_core.runs cimport Run


cdef enum StepKind:
    CALL        # a function of one value, and preset options
    CONSTANT    # the same value always
    LIST        # its inputs as a list
    RECORD      # its inputs under names
    MAP         # a program on each item
    FILTER      # the items for which a program is true
    GROUP       # a program, as one step
    CHOOSE      # the program that the truth, or a selector, of its first input names


cdef struct Step:
    StepKind kind
    bint is_plain               # a synchronous call without options or anything that comes before it
    bint is_async
    bint needs_task
    bint has_timeout            # its guard lets it wait for no more than `timeout_s`
    bint around                 # its guard is asked before it, not only when it failed
    bint is_timed               # its guard is told when it took longer than `sla_s`
    double sla_s
    PyObject* guard             # what covers it; NULL for nothing
    Py_ssize_t first_input      # its inputs are `inputs[first_input : last_input]`, slots below its own
    Py_ssize_t last_input
    Py_ssize_t first_option     # its option values are `options[first_option : last_option]`
    Py_ssize_t last_option
    Py_ssize_t first_release    # slots that nobody reads after it, in `releases`
    Py_ssize_t last_release
    PyObject* function          # CALL: the function; CONSTANT: the value; CHOOSE: the selector, or None
    PyObject* names             # CALL: option names; RECORD: field names
    PyObject* programs          # MAP, FILTER, GROUP, CHOOSE: a tuple of programs


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
    cdef bint is_single_wait        # the same of an asynchronous function
    cdef Py_ssize_t scratch         # the most arguments of a call with options
    cdef object _as_items           # list or tuple from any other iterable; raises for what is none
    cdef object context             # decimal context that a run sets; None for that of the caller
    cdef readonly object labels     # what people call each step; None for its number
    cdef list _kept                 # owns what the arrays borrow

    cdef int allocate(self, Py_ssize_t inputs, Py_ssize_t options) except -1
    cdef int load(self, steps, guards) except -1
    cdef int connect(self) except -1
    cdef PyObject* keep(self, object value)
    cdef object execute(self, object value, list trail, Run run)
    cdef int fill(self, Py_ssize_t index, PyObject** slots, object output) noexcept
    cdef object output_of(self, Py_ssize_t index, PyObject** slots, list trail, Run run)
    cdef object recovered(self, Py_ssize_t index, PyObject** slots, object error, list trail, Run run)
    cdef object in_hands_of_guard(self, Py_ssize_t index, PyObject** slots, object error, list trail, Run run)
    cdef object attempted(
        self, Py_ssize_t index, int attempt, PyObject** slots, PyObject** scratch, list trail, Run run
    )
    cdef object recorded(
        self, Py_ssize_t index, Py_ssize_t item, int attempt,
        object value, PyObject** slots, PyObject** scratch, list trail, Run run,
    )
    cdef object perform(self, Step* step, PyObject** slots, PyObject** scratch, list trail, Run run)
    cdef object over_items(self, Step* step, object value, list trail, Run run)
    cdef object items_of(self, object value)
    cdef Program chosen(self, Step* step, PyObject** slots)
    cpdef str label(self, Py_ssize_t index)


cdef class Attempt:
    cdef Program program
    cdef Py_ssize_t index
    cdef PyObject** slots           # of the run that asks; NULL once it has its answer
    cdef readonly list trail
    cdef Run run
    cdef int tried                  # how often the step was tried

    @staticmethod
    cdef Attempt of(Program program, Py_ssize_t index, PyObject** slots, list trail, Run run)
    cdef object value(self)


cdef object exact_context(object context)
cdef int check_deadline(Run run) except -1
cdef int check_decimals(object expected) except -1
