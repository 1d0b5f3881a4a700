"""Webhooks, delivered to a real receiver."""

import asyncio
import base64
import hashlib
import hmac
import http.server
import json
import re
import socket
import threading
import time
from pathlib import Path

import pytest

from greenlang.errors import InputError
from greenlang.service.settings import WebhookSettings
from greenlang.service.webhooks import Courier
from greenlang.stores import Delivery

KEYS = [b"a key of thirty-two bytes, or so..", b"another key that has its own bytes"]
SECRETS = ["whsec_" + base64.b64encode(key).decode() for key in KEYS]
SUM = {"program": "sum", "input": [1, 2.50]}


class Receiver:
    """Answers deliveries with the statuses given, the last of them from then on."""

    def __init__(self, *statuses):
        self.got = []
        statuses = list(statuses)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(handler):  # noqa: N805  as the library has it
                body = handler.rfile.read(int(handler.headers["Content-Length"]))
                self.got.append((dict(handler.headers), body))
                handler.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
                handler.send_header("Location", "http://127.0.0.1:1/elsewhere")
                handler.send_header("Content-Length", "0")
                handler.end_headers()

            def log_message(handler, *_):  # noqa: N805
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def receiver():
    made = []

    def make(*statuses):
        made.append(Receiver(*statuses))
        return made[-1]

    yield make
    for each in made:
        each.stop()


def configured(folder, **settings):
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (folder / "serve.toml").write_text("\n".join(["[webhooks]", *lines]) + "\n")
    return "--config", str(folder / "serve.toml")


@pytest.fixture(scope="module")
def sender(serve, tmp_path_factory):
    """A server that may deliver to this machine."""
    folder = tmp_path_factory.mktemp("sender")
    served = serve("memory:", folder, *configured(folder, secrets=SECRETS, allow_private=True, attempts=2))
    yield served
    assert served.stop() == 0


def delivery(served, execution_id, until):
    """The one delivery of an execution, once it stands where it is waited for."""
    end = time.monotonic() + 20
    while True:
        _, told = served.call("GET", f"/v1/executions/{execution_id}/deliveries")
        made = told["data"]["deliveries"]
        assert len(made) <= 1
        assert time.monotonic() < end, made
        if made and until(made[0]):
            return made[0]
        time.sleep(0.05)


def test_the_end_of_an_execution_is_told_and_signed(sender, receiver):
    hook = receiver(204)
    for body in (SUM, {**SUM, "wait": 0}, {"program": "first", "input": [], "wait": 5}):
        hook.got.clear()
        _, told = sender.call("POST", "/v1/workflows/execute", {**body, "webhook": hook.url})
        name = told["data"]["execution_id"]
        made = delivery(sender, name, lambda made: made["state"] == "delivered")
        assert (made["state"], made["attempts"], made["last_status"]) == ("delivered", 1, 204)
        ((headers, payload),) = hook.got
        said = json.loads(payload)
        state = sender.call("GET", f"/v1/workflows/{name}/status")[1]["data"]["state"]
        assert said["type"] == f"execution.{state}"
        assert said["data"] == {"execution_id": name, "state": state}
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + payload
        expected = [base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in KEYS]
        assert headers["webhook-signature"] == " ".join(f"v1,{each}" for each in expected)
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60


@pytest.fixture(scope="module")
def is_new():
    """The recipe of the page, as users copy it."""
    page = Path(__file__).parents[2] / "docs" / "http.md"
    (recipe,) = re.findall(
        r"^```python\n(.*?def is_new.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    names = {}
    exec(recipe, names)  # noqa: S102  our own page
    return names


def test_the_recipe_of_the_page_tells_deliveries_from_replays(sender, receiver, is_new, monkeypatch):
    hook = receiver(503, 204)
    _, told = sender.call("POST", "/v1/workflows/execute", {**SUM, "webhook": hook.url})
    delivery(sender, told["data"]["execution_id"], lambda each: each["attempts"] == 1)
    sent, body = hook.got[0]
    headers = {name.lower(): value for name, value in sent.items()}
    recipe, seen = is_new["is_new"], set()
    assert recipe(SECRETS[0], headers, body, seen)
    assert recipe(SECRETS[1], headers, body, set())
    assert not recipe(SECRETS[0], headers, body, seen)  # again, within the minutes that it is good for
    later = str(int(headers["webhook-timestamp"]) + 400)
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    for secret, changes, altered in (
        (other, {}, body),
        (SECRETS[0], {}, body.replace(b"completed", b"cancelled")),
        (SECRETS[0], {"webhook-timestamp": later}, body),
        (SECRETS[0], {"webhook-id": "another"}, body),
        (SECRETS[0], {"webhook-signature": "v1,"}, body),
    ):
        with pytest.raises(ValueError, match="not signed"):
            recipe(secret, {**headers, **changes}, altered, set())
    monkeypatch.setattr(is_new["time"], "time", lambda: int(later))
    with pytest.raises(ValueError, match="another time"):
        recipe(SECRETS[0], headers, body, set())


def test_what_is_not_taken_is_tried_again_under_the_same_id(sender, receiver):
    hook = receiver(500)
    _, told = sender.call("POST", "/v1/workflows/execute", {**SUM, "webhook": hook.url})
    made = delivery(sender, told["data"]["execution_id"], lambda made: made["state"] == "given_up")
    assert (made["state"], made["attempts"], made["last_error"]) == ("given_up", 2, "answered 500")
    assert len({headers["webhook-id"] for headers, _ in hook.got}) == 1
    assert len({payload for _, payload in hook.got}) == 1


def test_a_receiver_that_is_gone_for_good_is_left_alone(sender, receiver):
    hook = receiver(410)
    _, told = sender.call("POST", "/v1/workflows/execute", {**SUM, "webhook": hook.url})
    made = delivery(sender, told["data"]["execution_id"], lambda made: made["state"] == "given_up")
    assert (made["attempts"], len(hook.got)) == (1, 1)


def test_a_receiver_that_does_not_answer_holds_up_no_other(sender, receiver):
    with socket.create_server(("127.0.0.1", 0), backlog=256) as silent:
        mute = f"http://127.0.0.1:{silent.getsockname()[1]}/hook"
        for _ in range(150):
            sender.call("POST", "/v1/workflows/execute", {**SUM, "webhook": mute})
        hook = receiver(204)
        began = time.monotonic()
        _, told = sender.call("POST", "/v1/workflows/execute", {**SUM, "webhook": hook.url})
        delivery(sender, told["data"]["execution_id"], lambda made: made["state"] == "delivered")
        assert time.monotonic() - began < 5  # the silent one is waited for for fifteen


def test_a_redirection_is_not_followed(sender, receiver):
    hook = receiver(302, 204)
    _, told = sender.call("POST", "/v1/workflows/execute", {**SUM, "webhook": hook.url})
    made = delivery(sender, told["data"]["execution_id"], lambda made: made["attempts"] == 1)
    assert made["last_error"] == "answered 302"


def test_a_name_that_leads_to_this_machine_is_given_up(serve, tmp_path, receiver):
    served = serve("memory:", tmp_path, *configured(tmp_path, secrets=SECRETS))
    hook = receiver(204)
    url = hook.url.replace("127.0.0.1", "localhost")
    _, told = served.call("POST", "/v1/workflows/execute", {**SUM, "webhook": url})
    made = delivery(served, told["data"]["execution_id"], lambda made: made["state"] == "given_up")
    assert (made["state"], hook.got) == ("given_up", [])
    assert "is a private address" in made["last_error"]
    assert served.stop() == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://10.1.2.3:8080/",
        "http://0.0.0.0/",
        "http://100.64.0.1/",
        "http://127。0。0。1/",
        "http://①②⑦.⓪.⓪.①/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://127.0.0.1./",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[64:ff9b:1::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://[fec0::1]/",
        "http://[fe80::1%25eth0]/",
        "http://[::127.0.0.1]/",
        "http://[::ffff:0:7f00:1]/",
        "http://[ff0e::1]/",
        "http://[5f00::1]/",
        "http://192.88.99.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://user:password@example.org/",
        "ftp://example.org/",
        "example.org",
        "http://",
        "http://example.org:0/",
        "http://example.org:99999/",
        "file:///etc/passwd",
    ],
)
def test_what_nothing_may_be_delivered_to_is_refused(url):
    courier = Courier(None, WebhookSettings(secrets=tuple(SECRETS)))
    with pytest.raises(InputError) as caught:
        courier.check(url)
    assert caught.value.place == "webhook"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/hook",
        "https://8.8.8.8/",
        "https://[2001:4860:4860::8888]/",
        "https://[64:ff9b::808:808]/",
        "https://bücher.example:8443/hook?a=1",
    ],
)
def test_what_lies_in_the_open_is_taken(url):
    Courier(None, WebhookSettings(secrets=tuple(SECRETS))).check(url)


class DueDeliveries:
    """A store with one delivery due to each URL, the first of which it may break at; how each was settled."""

    def __init__(self, *urls, breaks=False):
        self.due = [
            Delivery(
                id=number,
                execution_id=f"exec_{number}",
                tenant="acme",
                url=url,
                state="due",
                attempt=0,
                next_at=0,
                payload=b"{}",
                last_status=None,
                last_error=None,
            )
            for number, url in enumerate(urls)
        ]
        self.breaks = breaks
        self.settled = asyncio.Queue()

    async def claim_deliveries(self, *, limit, **_):
        if self.breaks:
            self.breaks = False
            raise RuntimeError("a driver's own")
        taken, self.due = self.due[:limit], self.due[limit:]
        return taken

    async def settle_delivery(self, number, *, state, **_):
        await self.settled.put((number, state))


def first_delivered(*urls, breaks=False, **settings):
    """What is settled first of deliveries that passed `check` in an earlier version: its number and state."""

    async def main():
        store = DueDeliveries(*urls, breaks=breaks)
        courier = Courier(store, WebhookSettings(secrets=tuple(SECRETS), **settings))
        working = asyncio.create_task(courier.deliver())
        settled = await asyncio.wait_for(store.settled.get(), 10)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await courier.close()
        return settled

    return asyncio.run(main())


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127。0。0。1", "①②⑦.⓪.⓪.①", "[::ffff:127.0.0.1]", "localhost", "127.1", "2130706433"],
)
def test_however_this_machine_is_written_nothing_is_delivered_to_it(receiver, host):
    hook = receiver(204)
    url = f"http://{host}:{hook.server.server_port}/hook"
    assert first_delivered(url)[1] in ("given_up", "due")
    assert hook.got == []


def test_a_private_address_is_delivered_to_where_that_is_allowed(receiver):
    hook = receiver(204)
    assert first_delivered(hook.url, allow_private=True) == (0, "delivered")
    assert len(hook.got) == 1


def test_a_receiver_that_never_answers_holds_up_no_other(receiver):
    hook = receiver(204)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        slow = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        urls = [slow] * 20 + [hook.url]
        assert first_delivered(*urls, allow_private=True, timeout_seconds=15.0) == (20, "delivered")


def test_deliveries_go_on_after_what_nobody_expected(receiver, caplog):
    hook = receiver(204)
    assert first_delivered(hook.url, breaks=True, allow_private=True) == (0, "delivered")
    assert "a driver's own" in caplog.text


def test_a_server_without_secrets_sends_none(server):
    response, told = server.call(
        "POST", "/v1/workflows/execute", {**SUM, "webhook": "https://example.org/hook"}
    )
    assert response.status == 400
    assert told["errors"][0]["field"] == "webhook"
    assert "sends no webhooks" in told["errors"][0]["message"]
