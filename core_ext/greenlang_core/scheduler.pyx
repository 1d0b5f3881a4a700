"""Runs programs of steps over value slots.

A synchronous program is one loop over an array of steps, each a vectorcall on the slots themselves; programs
that wait are run by `executions`.  Values are handed through untouched, and let go after their last reader.

A step may have a guard: what covers it.  The loop does not see it until the step fails, and then asks it to
`recover`; only a guard that must come before its step (`around`) is asked first, and a time limit for what is
only told (`sla_s`) is two looks at the clock.

When a step fails, every level adds to `trail` where it stood, innermost first: `(program, step index)`, and between
them the number of the item that a map was at, and what a guard has to say.
"""

from cpython.list cimport PyList_GET_SIZE, PyList_New
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from libc.stdint cimport int32_t
from libc.string cimport memcpy, memset

from contextvars import copy_context
from decimal import getcontext

from greenlang_core.recording cimport END, FAIL, Recorder
from greenlang_core.runs cimport Run, clock_now, coarse_now, machine_now

cdef extern from "Python.h":
    object PyObject_Vectorcall(PyObject* function, PyObject** arguments, size_t count, PyObject* names)
    void PyList_SET_ITEM(object items, Py_ssize_t index, object value)
    object PyContext_CopyCurrent()
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1
    object PyContextVar_Set(object variable, object value)
    int PyContextVar_Get(object variable, PyObject* otherwise, PyObject** value) except -1

cdef enum:
    # Slots that a run keeps on the C stack; a longer program takes memory for the run.
    STACK_SLOTS = 24

_KINDS = {
    "call": CALL, "constant": CONSTANT, "list": LIST, "record": RECORD, "map": MAP, "filter": FILTER,
    "choose": CHOOSE, "group": GROUP,
}


cdef object _decimal_variable():
    """The context variable behind `decimal.getcontext`, whose own functions take twice as long as setting it."""
    for variable in copy_context():
        if variable.name == "decimal_context" and variable.get() is getcontext():
            return variable
    raise ImportError("decimal keeps its context in no context variable")


getcontext()    # makes one
cdef object DECIMAL_VARIABLE = _decimal_variable()


cdef object exact_context(object context):
    """A copy of the caller's context variables, in which this is the decimal context."""
    own = PyContext_CopyCurrent()
    PyContext_Enter(own)
    PyContextVar_Set(DECIMAL_VARIABLE, context)
    PyContext_Exit(own)
    return own


def _is_alike(context, expected):
    """Whether a context computes as another does, as a copy that some library put back."""
    return context.prec == expected.prec and dict(context.traps) == dict(expected.traps)


cdef int check_decimals(object expected) except -1:
    """Refuse the result of a run in which a step set another decimal context for those after it."""
    cdef PyObject* present = NULL
    PyContextVar_Get(DECIMAL_VARIABLE, NULL, &present)
    is_other = present != <PyObject*>expected
    Py_XDECREF(present)
    if is_other and not _is_alike(getcontext(), expected):
        raise RuntimeError(
            "an agent of the run called decimal.setcontext(), and what came after it was not computed exactly; "
            "take `with decimal.localcontext():` for a context of your own"
        )
    return 0


cdef class Program:
    """Steps over slots, compiled once and run any number of times, also at once.

    Parameters
    ----------
    steps : sequence of tuples
        `("call", inputs, function, option_names, option_values, is_async, needs_task)`, `("constant", (), value)`,
        `("list", inputs)`, `("record", inputs, names)`, `("map", inputs, program)`, `("filter", inputs, program)`,
        `("group", inputs, program)` or `("choose", (key, input), programs, selector)`; a selector gives the number
        of the program for a key, and without one (None) the first program is for true and the second for false.
    guards : mapping, optional
        What covers a step, by its number: an object with `around`, `sla_s`, `timeout_s`, `waits`, `late`, `run`
        and `arun`, as `Guard` in the stubs says.
    result : int
        The slot that is the result.
    as_items : callable
        Gives a list or a tuple for what a map is asked to run through and is neither.
    context : decimal.Context, optional
        The decimal context of its steps. It is set as it stands, so it must be one that steps cannot change;
        with it, a run has context variables of its own, as a task does.
    labels : sequence of str, optional
        What people call each step.

    Raises
    ------
    ValueError
        If a step reads a slot that is not before it.
    """

    def __init__(self, steps, Py_ssize_t result, *, as_items, context=None, guards=None, labels=None):
        cdef Py_ssize_t input_count = 0, option_count = 0
        self.count = len(steps)
        self.result = result
        self._as_items = as_items
        self.context = context
        self.labels = labels
        self._kept = []
        if not 0 <= result <= self.count:
            raise ValueError("the result is not one of the slots")
        for index, step in enumerate(steps):
            input_count += len(step[1])
            for slot in step[1]:
                if not 0 <= slot <= index:
                    raise ValueError(f"step {index} reads slot {slot}, which is not before it")
            if step[0] == "call":
                option_count += len(step[3])
        self.allocate(input_count, option_count)
        self.load(steps, guards or {})
        self.connect()

    cdef int allocate(self, Py_ssize_t inputs, Py_ssize_t options) except -1:
        if self.steps != NULL:
            raise ValueError("a program is made once")
        self.steps = <Step*>PyMem_Calloc(self.count + 1, sizeof(Step))
        self.inputs = <Py_ssize_t*>PyMem_Calloc(inputs + 1, sizeof(Py_ssize_t))
        self.releases = <Py_ssize_t*>PyMem_Calloc(inputs + self.count + 1, sizeof(Py_ssize_t))
        self.options = <PyObject**>PyMem_Calloc(options + 1, sizeof(PyObject*))
        self.edges = <int*>PyMem_Calloc(self.count + 1, sizeof(int))
        self.readers = <int*>PyMem_Calloc(self.count + 1, sizeof(int))
        self.first_reader = <Py_ssize_t*>PyMem_Calloc(self.count + 2, sizeof(Py_ssize_t))
        self.reading = <Py_ssize_t*>PyMem_Calloc(inputs + 1, sizeof(Py_ssize_t))
        if (
            self.steps == NULL or self.inputs == NULL or self.releases == NULL or self.options == NULL
            or self.edges == NULL or self.readers == NULL or self.first_reader == NULL or self.reading == NULL
        ):
            raise MemoryError()
        return 0

    cdef int load(self, steps, guards) except -1:
        cdef Py_ssize_t index, input_count = 0, option_count = 0
        cdef Step* step
        for index, given in enumerate(steps):
            step = &self.steps[index]
            step.kind = _KINDS[given[0]]
            step.first_input = input_count
            for slot in given[1]:
                self.inputs[input_count] = slot
                input_count += 1
            step.last_input = input_count
            step.first_option = step.last_option = option_count
            if step.kind == CALL:
                _, _, function, names, values, is_async, needs_task = given
                step.function = self.keep(function)
                step.is_async = is_async
                step.needs_task = needs_task
                step.names = self.keep(tuple(names)) if names else NULL
                for value in values:
                    self.options[option_count] = self.keep(value)
                    option_count += 1
                step.last_option = option_count
                if names:
                    self.scratch = max(self.scratch, 1 + len(names))
            elif step.kind == CONSTANT:
                step.function = self.keep(given[2])
            elif step.kind == RECORD:
                step.names = self.keep(tuple(given[2]))
            elif step.kind == MAP or step.kind == FILTER or step.kind == GROUP:
                step.programs = self.keep((given[2],))
            elif step.kind == CHOOSE:
                step.programs = self.keep(tuple(given[2]))
                step.function = self.keep(given[3])
            if step.programs != NULL:
                step.is_async = any((<Program?>program).is_async for program in <tuple>step.programs)
            guard = guards.get(index)
            if guard is not None:
                step.guard = self.keep(guard)
                step.around = guard.around
                step.has_timeout = guard.timeout_s is not None
                step.is_timed = guard.sla_s is not None
                step.sla_s = guard.sla_s or 0
                # A handler may wait where the step that it covers does not.
                self.is_async = self.is_async or guard.waits
            step.is_plain = step.kind == CALL and step.names == NULL and not step.around and not step.is_timed
            self.is_async = self.is_async or step.is_async
        is_one_call = (
            self.count == 1 and self.result == 1 and self.steps[0].is_plain and self.steps[0].guard == NULL
        )
        self.is_single = is_one_call and not self.is_async
        self.is_single_wait = is_one_call and self.is_async and not self.steps[0].needs_task
        return 0

    cdef PyObject* keep(self, object value):
        self._kept.append(value)
        return <PyObject*>value

    cdef int connect(self) except -1:
        """Work out who reads what, and after which step a slot is let go."""
        cdef Py_ssize_t index, slot, position, releases = 0
        cdef Step* step
        self.readers[self.result] += 1
        last_reader = {}
        readers = [[] for _ in range(self.count + 1)]
        for index in range(self.count):
            step = &self.steps[index]
            last_reader[index + 1] = index
            for position in range(step.first_input, step.last_input):
                slot = self.inputs[position]
                readers[slot].append(index)
                last_reader[slot] = index
                self.readers[slot] += 1
                self.edges[index] += slot != 0
        released = [[] for _ in range(self.count)]
        for slot, index in last_reader.items():
            if slot != self.result:
                released[index].append(slot)
        position = 0
        for index in range(self.count):
            self.steps[index].first_release = releases
            for slot in released[index]:
                self.releases[releases] = slot
                releases += 1
            self.steps[index].last_release = releases
        for slot in range(self.count + 1):
            self.first_reader[slot] = position
            for index in readers[slot]:
                self.reading[position] = index
                position += 1
        self.first_reader[self.count + 1] = position
        return 0

    cpdef str label(self, Py_ssize_t index):
        """What people call a step."""
        return f"step {index + 1}" if self.labels is None else self.labels[index]

    def __dealloc__(self):
        PyMem_Free(self.steps)
        PyMem_Free(self.inputs)
        PyMem_Free(self.releases)
        PyMem_Free(self.options)
        PyMem_Free(self.edges)
        PyMem_Free(self.readers)
        PyMem_Free(self.first_reader)
        PyMem_Free(self.reading)

    def run(self, value, list trail, Run run=None):
        """Run a program without asynchronous steps.

        Raises
        ------
        ValueError
            If the program has asynchronous steps.
        BaseException
            What a step raised; `trail` then says where, and last after how many seconds.
        """
        if self.is_async:
            raise ValueError("the program has asynchronous steps; await executions.arun() instead")
        cdef double started_s = coarse_now(run)
        own = None
        if self.context is not None:
            own = exact_context(self.context)
            PyContext_Enter(own)
        try:
            if run is None or run.recorder is None:
                output = self.execute(value, trail, run)
            else:
                output = self.recorded(-1, -1, 1, value, NULL, NULL, trail, run)
            if own is not None:
                check_decimals(self.context)
            return output
        except BaseException:
            trail.append(max(0.0, clock_now(run) - started_s))
            raise
        finally:
            if own is not None:
                PyContext_Exit(own)

    cdef object execute(self, object value, list trail, Run run):
        """Run all steps in their order."""
        cdef:
            PyObject* stack[STACK_SLOTS]
            PyObject** slots = stack
            Py_ssize_t index = 0, position, size = self.count + 1 + self.scratch
            Step* step
            bint watched = run is not None and run.is_watched
            object output = None, failure = None
        if size > STACK_SLOTS:
            slots = <PyObject**>PyMem_Malloc(size * sizeof(PyObject*))
            if slots == NULL:
                raise MemoryError()
        memset(slots, 0, size * sizeof(PyObject*))
        Py_INCREF(value)
        slots[0] = <PyObject*>value
        try:
            while index < self.count:
                if failure is not None:
                    # Outside of `except`, so that a later error does not carry the earlier one as its context.
                    error, failure = failure, None
                    try:
                        output = self.recovered(index, slots, error, trail, run)
                    except BaseException:
                        trail.append((self, index))
                        raise
                    error = None
                    if run is not None and run.recorder is not None:
                        run.recorder.tell(self, index, -1, output)
                    self.fill(index, slots, output)
                    index += 1
                try:
                    while index < self.count:
                        step = &self.steps[index]
                        if step.is_plain and not watched:
                            output = PyObject_Vectorcall(
                                step.function, slots + self.inputs[step.first_input], 1, NULL
                            )
                        else:
                            output = self.output_of(index, slots, trail, run)
                        self.fill(index, slots, output)
                        # Or an output that nobody reads would live through the next step.
                        output = None
                        index += 1
                except Exception as raised:
                    if self.steps[index].guard == NULL:
                        trail.append((self, index))
                        raise
                    failure = raised
                except BaseException:
                    trail.append((self, index))
                    raise
            return <object>slots[self.result]
        finally:
            for position in range(self.count + 1):
                Py_XDECREF(slots[position])
            if slots != stack:
                PyMem_Free(slots)

    cdef inline int fill(self, Py_ssize_t index, PyObject** slots, object output) noexcept:
        """Keep a step's output, and let go of what it was the last to read."""
        cdef Step* step = &self.steps[index]
        cdef Py_ssize_t position
        Py_INCREF(output)
        slots[index + 1] = <PyObject*>output
        for position in range(step.first_release, step.last_release):
            Py_XDECREF(slots[self.releases[position]])
            slots[self.releases[position]] = NULL
        return 0

    cdef object output_of(self, Py_ssize_t index, PyObject** slots, list trail, Run run):
        """The output of a synchronous step that is watched, timed or guarded from before it starts."""
        cdef Step* step = &self.steps[index]
        cdef double started, elapsed
        if run is not None:
            check_deadline(run)
        if step.around:
            output = self.in_hands_of_guard(index, slots, None, trail, run)
        elif step.is_timed:
            started = clock_now(run)
            output = self.attempted(index, 1, slots, slots + self.count + 1, trail, run)
            elapsed = clock_now(run) - started
            if elapsed > step.sla_s:
                (<object>step.guard).late(elapsed, run)
        else:
            output = self.attempted(index, 1, slots, slots + self.count + 1, trail, run)
        if run is not None and run.recorder is not None:
            run.recorder.tell(self, index, -1, output)
        return output

    cdef object recovered(self, Py_ssize_t index, PyObject** slots, object error, list trail, Run run):
        """What its guard makes of a step that failed; raises what the guard lets through."""
        cdef Step* step = &self.steps[index]
        if step.around:
            # The guard was there when it failed.
            raise error
        return self.in_hands_of_guard(index, slots, error, trail, run)

    cdef object in_hands_of_guard(self, Py_ssize_t index, PyObject** slots, object error, list trail, Run run):
        """What its guard gives for a step, which failed with `error`, or was not tried yet."""
        cdef Step* step = &self.steps[index]
        cdef Recorder recorder = None if run is None else run.recorder
        cdef int32_t outer = -1, span = -1
        attempt = Attempt.of(self, index, slots, trail, run)
        attempt.tried = error is not None
        if recorder is not None:
            outer = recorder.current
            recorder.current = span = recorder.open(self, index, -1, 0)
        try:
            output = (<object>step.guard).run(attempt, attempt.value(), run, error, clock_now(run))
        except BaseException:
            if recorder is not None:
                recorder.mark(span, FAIL)
            raise
        finally:
            attempt.slots = NULL
            if recorder is not None:
                recorder.current = outer
        if recorder is not None:
            recorder.mark(span, END)
        return output

    cdef inline object attempted(
        self, Py_ssize_t index, int attempt, PyObject** slots, PyObject** scratch, list trail, Run run
    ):
        """The output of one try of a synchronous step."""
        if run is None or run.recorder is None:
            return self.perform(&self.steps[index], slots, scratch, trail, run)
        return self.recorded(index, -1, attempt, None, slots, scratch, trail, run)

    cdef object recorded(
        self, Py_ssize_t index, Py_ssize_t item, int attempt,
        object value, PyObject** slots, PyObject** scratch, list trail, Run run,
    ):
        """The same in a span of its own; for step -1, the result of the whole program on a value."""
        cdef Recorder recorder = run.recorder
        cdef int32_t outer = recorder.current, span = recorder.open(self, index, item, attempt)
        recorder.current = span
        try:
            if index < 0:
                output = self.execute(value, trail, run)
            else:
                output = self.perform(&self.steps[index], slots, scratch, trail, run)
        except BaseException:
            recorder.mark(span, FAIL)
            raise
        finally:
            recorder.current = outer
        recorder.mark(span, END)
        return output

    cdef object perform(self, Step* step, PyObject** slots, PyObject** scratch, list trail, Run run):
        """The output of one synchronous step, or the coroutine of a call to an asynchronous function."""
        cdef:
            Py_ssize_t position, count = step.last_input - step.first_input
            list outputs
            dict record
        if step.kind == CALL:
            if step.names == NULL:
                return PyObject_Vectorcall(step.function, slots + self.inputs[step.first_input], 1, NULL)
            scratch[0] = slots[self.inputs[step.first_input]]
            memcpy(
                scratch + 1, self.options + step.first_option,
                (step.last_option - step.first_option) * sizeof(PyObject*),
            )
            return PyObject_Vectorcall(step.function, scratch, 1, step.names)
        if step.kind == CONSTANT:
            return <object>step.function
        if step.kind == LIST:
            outputs = PyList_New(count)
            for position in range(count):
                value = <object>slots[self.inputs[step.first_input + position]]
                Py_INCREF(value)
                PyList_SET_ITEM(outputs, position, value)
            return outputs
        if step.kind == RECORD:
            record = {}
            for position in range(count):
                record[(<tuple>step.names)[position]] = <object>slots[self.inputs[step.first_input + position]]
            return record
        value = <object>slots[self.inputs[step.last_input - 1]]
        if step.kind == CHOOSE:
            return self.chosen(step, slots).execute(value, trail, run)
        if step.kind == GROUP:
            return (<Program>(<tuple>step.programs)[0]).execute(value, trail, run)
        return self.over_items(step, value, trail, run)

    cdef object over_items(self, Step* step, object value, list trail, Run run):
        """Map or filter a list, or whatever gives items one by one, with a synchronous program."""
        cdef:
            Program program = <Program>(<tuple>step.programs)[0]
            bint watched = run is not None and run.is_watched
            PyObject* function = program.steps[0].function if program.is_single and not watched else NULL
            PyObject* argument
            Recorder recorder = None if run is None else run.recorder
            bint is_map = step.kind == MAP
            object items = self.items_of(value), item, output
            list outputs = []
            Py_ssize_t index = 0
            bint taken = False
        try:
            # Not a range: a step may change the list that it is given an item of.
            for item in items:
                taken = True
                if function != NULL:
                    argument = <PyObject*>item
                    output = PyObject_Vectorcall(function, &argument, 1, NULL)
                elif recorder is None:
                    output = program.execute(item, trail, run)
                else:
                    output = program.recorded(-1, index, 1, item, NULL, NULL, trail, run)
                    recorder.tell(program, -1, index, output)
                if is_map:
                    outputs.append(output)
                elif output:
                    outputs.append(item)
                index += 1
                taken = False
        except BaseException:
            # Where the items themselves fail, as a generator may, it is the map that failed.
            if taken:
                if function != NULL:
                    trail.append((program, 0))
                trail.append(index)
            raise
        return outputs

    cdef object items_of(self, object value):
        return value if type(value) is list or type(value) is tuple else self._as_items(value)

    cdef Program chosen(self, Step* step, PyObject** slots):
        key = <object>slots[self.inputs[step.first_input]]
        if <object>step.function is None:
            return <Program>(<tuple>step.programs)[0 if key else 1]
        return <Program?>(<tuple>step.programs)[(<object>step.function)(key)]


cdef class Attempt:
    """One more try of a step, for its guard to call."""

    @staticmethod
    cdef Attempt of(Program program, Py_ssize_t index, PyObject** slots, list trail, Run run):
        cdef Attempt attempt = Attempt.__new__(Attempt)
        attempt.program = program
        attempt.index = index
        attempt.slots = slots
        attempt.trail = trail
        attempt.run = run
        return attempt

    cdef object value(self):
        """What the step is given."""
        cdef Step* step = &self.program.steps[self.index]
        return <object>self.slots[self.program.inputs[step.last_input - 1]]

    def __call__(self):
        cdef PyObject** scratch = self.slots + self.program.count + 1
        # Of tries that failed only the last is told.
        self.trail.clear()
        if self.run is not None:
            check_deadline(self.run)
        self.tried += 1
        return self.program.attempted(self.index, self.tried, self.slots, scratch, self.trail, self.run)


cdef int check_deadline(Run run) except -1:
    """Refuse to start what can no longer end in time."""
    if run.left() <= 0:
        raise TimeoutError("the deadline of the run passed before this step started")
    return 0
