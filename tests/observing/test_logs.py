"""Lines of the log: their fields, that secrets stay out of them, and that nothing hostile breaks them."""

import contextlib
import json
import logging
import re
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenlang.observing.logs import JsonFormatter, TextFormatter
from greenlang.observing.redaction import REDACTED, plain, redact
from greenlang.stores import EventMetadata, Initiator, initiate

FIELDS = [
    "timestamp",
    "level",
    "service",
    "agent_id",
    "tenant_id",
    "trace_id",
    "span_id",
    "message",
    "context",
    "error",
]

KEY = "gl_0123456789abcdef_" + "A" * 43
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


def record(message, *arguments, level=logging.WARNING, error=None, context=None):
    info = None if error is None else (type(error), error, error.__traceback__)
    made = logging.LogRecord("greenlang.test", level, "test.py", 1, message, arguments, info)
    if context is not None:
        made.context = context
    return made


def told(*given, **named):
    line = JsonFormatter("agent-runtime").format(record(*given, **named))
    assert "\n" not in line
    return json.loads(line)


@pytest.fixture
def acting():
    initiate(Initiator("acme", EventMetadata("key:1", "req-9")))
    yield
    initiate(None)


def test_a_line_has_every_field_in_order(acting):
    read = told("Calculation %s", "completed", context={"agent_id": "fuels.stationary", "rows": 3})
    assert list(read) == FIELDS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", read.pop("timestamp"))
    assert read == {
        "level": "WARN",
        "service": "agent-runtime",
        "agent_id": "fuels.stationary",
        "tenant_id": "acme",
        "trace_id": None,
        "span_id": None,
        "message": "Calculation completed",
        "context": {"rows": 3, "logger": "greenlang.test", "request_id": "req-9"},
        "error": None,
    }


@pytest.mark.parametrize(
    ("level", "name"),
    [
        (logging.DEBUG, "DEBUG"),
        (logging.INFO, "INFO"),
        (logging.WARNING, "WARN"),
        (logging.ERROR, "ERROR"),
        (logging.CRITICAL, "ERROR"),
    ],
)
def test_levels_have_the_names_agreed_on(level, name):
    assert told("x", level=level)["level"] == name


def test_an_error_is_told_with_its_type_and_its_stack_without_secrets():
    try:
        raise ValueError(f"cannot reach postgresql://runtime:hunter2@db/greenlang with {KEY}")
    except ValueError as error:
        read = told("failed", error=error)["error"]
    assert read["type"] == "ValueError"
    assert "test_logs.py" in read["stack_trace"]
    assert "hunter2" not in json.dumps(read)
    assert "A" * 43 not in json.dumps(read)


SECRETS = [
    ("postgresql://runtime:hunter2@db.example.org/greenlang", "hunter2"),
    ("redis://:hunter2@cache:6379/0", "hunter2"),
    ("https://ghp0123456789abcdef@example.org/", "ghp0123456789abcdef"),
    ("amqp://u:p%40ss:w@rd@host/", "p%40ss"),
    ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
    ("authorization=Basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy"),
    ("{'Authorization': 'hunter2secret'}", "hunter2secret"),
    ('{"password": "hunter2"}', "hunter2"),
    ("password=hunter2 host=db", "hunter2"),
    ("/v1/x?api_key=hunter2&page=2", "hunter2"),
    ("/v1/x?access_token=hunter2", "hunter2"),
    ("client_secret: 'hunter2'", "hunter2"),
    ("PGPASSWORD=hunter2", "hunter2"),
    (f"sent {KEY} here", "A" * 43),
    (f"token was {JWT}", JWT),
    ("signed by whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg==", "aHVudGVyMm"),
    ("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----", "MC4CAQAwBQYDK2Vw"),
    ("-----BEGIN EC PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw", "MC4CAQAwBQYDK2Vw"),
]


@pytest.mark.parametrize(("text", "secret"), SECRETS)
def test_secrets_are_taken_out_of_every_part_of_a_line(text, secret):
    for line in (
        json.dumps(told(text)),
        json.dumps(told("%s", text)),
        json.dumps(told("x", context={"asked": [text, {"deep": (text,)}]})),
        json.dumps(told("x", context={text: 1})),
        TextFormatter().format(record("%s", text)),
    ):
        assert secret not in line
        assert REDACTED in line


@pytest.mark.parametrize(
    "name",
    ["password", "Authorization", "api_key", "apiKey", "X-Api-Key", "db_password", "client_secret", "token"],
)
def test_what_is_named_as_a_secret_is_not_told_whatever_it_is(name):
    assert plain({name: {"inner": "hunter2"}}) == {name: REDACTED}


@pytest.mark.parametrize(
    "text",
    [
        "https://host:8080/path?x=a@b",
        "a token of 3 letters",
        "agent fuels.stationary@1.0.0 failed",
        "passed 12 of 13",
        "the key stands for another request",
        "sha256:0123456789abcdef",
    ],
)
def test_what_is_no_secret_stays(text):
    assert redact(text) == text


def test_the_id_of_a_key_stays_so_that_it_can_be_revoked():
    assert redact(KEY) == f"gl_0123456789abcdef_{REDACTED}"


class Broken:
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize(
    "hostile",
    [
        "two\nlines",
        'forged"}\n{"level":"ERROR"',
        "\x1b[2J\x00\x07",
        "\ud800 half",
        "\u2028",
        float("nan"),
        10**400,
        Decimal("1E+999999"),
        b"\xff",
        Broken(),
        [[[[[[[[1]]]]]]]],
        {1: Broken(), None: {"password": "x"}},
    ],
    ids=range(12),
)
def test_whatever_is_logged_is_one_line_of_json(hostile):
    assert told("%s", hostile)["message"]
    assert "value" in told("x", context={"value": hostile})["context"]
    text = TextFormatter().format(record("%s", hostile))
    assert len(text.splitlines()) == 1
    assert text.isprintable() or "\ud800" in text


@pytest.mark.parametrize("arguments", [("one", "two"), (), ({},)])
def test_arguments_that_do_not_fit_are_told_all_the_same(arguments):
    assert "%d of %s" in told("%d of %s", *arguments)["message"]


def test_a_value_that_holds_itself_ends():
    value = []
    value.append(value)
    assert json.dumps(told("x", context={"value": value}))


@given(st.recursive(st.none() | st.floats() | st.text() | st.binary() | st.integers(), lambda inner: (
    st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)), max_leaves=20))  # fmt: skip
def test_any_context_is_told(value):
    json.loads(JsonFormatter("s").format(record("x", context={"value": value})))


def test_reading_for_secrets_takes_time_by_length_alone():
    import time

    for text in (
        "://" + "a:" * 40_000,
        "token" * 20_000,
        "-----BEGIN PRIVATE KEY-----" * 2_000,
        "eyJ." * 30_000,
    ):
        began = time.process_time()
        redact(text)
        assert time.process_time() - began < 1.0


def test_names_from_outside_stay_in_the_line(acting):
    initiate(Initiator("evil\n2025 ERROR forged", EventMetadata(None, "r")))
    assert len(TextFormatter().format(record("x")).splitlines()) == 1
    assert told("x")["tenant_id"] == "evil\n2025 ERROR forged"


def test_a_broken_log_call_writes_to_stderr_and_not_over_it():
    written = []
    handler = logging.Handler()
    handler.setFormatter(JsonFormatter("s"))
    handler.emit = lambda made: written.append(handler.format(made))
    logger = logging.getLogger("test.broken")
    logger.propagate = False
    logger.addHandler(handler)
    with contextlib.redirect_stderr(sys.stdout):
        logger.error("%s", Broken())
    assert json.loads(written[0])["level"] == "ERROR"
