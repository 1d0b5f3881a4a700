"""Secrets: read with the key and the name that they were written with, and with nothing else."""

import base64
import os

import pytest
from msgspec.structs import replace

from greenlang.engine.tenancy import KeyStore, audit_page, read_key
from greenlang.errors import InputError, StoreError
from greenlang.stores.rows import Replace
from greenlang.stores.tables import SECRETS

KEY, OTHER = os.urandom(32), os.urandom(32)


def test_a_secret_is_read_as_it_was_put_and_kept_as_nothing_like_it(run):
    async def use(store):
        keys = KeyStore(store.rows, [KEY])
        assert await keys.put("acme", "erp", b"hunter2", actor="mia")
        assert await keys.value("acme", "erp") == b"hunter2"
        assert await keys.value("other", "erp") is None
        assert await keys.names("acme") == ("erp",)
        assert await keys.put("acme", "erp", b"hunter3", actor="mia")
        assert await keys.value("acme", "erp") == b"hunter3"
        (kept,) = await store.rows.rows("acme", SECRETS)
        assert b"hunter" not in kept.value
        told = repr(await audit_page(store.rows, "acme"))
        assert "secret.put" in told
        assert "hunter" not in told
        assert await keys.remove("acme", "erp", actor="mia")
        assert not await keys.remove("acme", "erp", actor="mia")
        assert await keys.value("acme", "erp") is None

    run(use)


def test_keys_are_changed_without_losing_what_the_old_one_wrote(run):
    async def use(store):
        await KeyStore(store.rows, [KEY]).put("acme", "old", b"1", actor="")
        both = KeyStore(store.rows, [OTHER, KEY])
        await both.put("acme", "new", b"2", actor="")
        assert [await both.value("acme", name) for name in ("old", "new")] == [b"1", b"2"]
        with pytest.raises(StoreError, match="is encrypted with key"):
            await KeyStore(store.rows, [OTHER]).value("acme", "old")

    run(use)


def test_what_was_moved_or_changed_in_the_store_is_not_believed(run):
    async def use(store):
        keys = KeyStore(store.rows, [KEY])
        await keys.put("acme", "a", b"1", actor="")
        await keys.put("acme", "b", b"2", actor="")
        of_a, of_b = await store.rows.rows("acme", SECRETS)
        moved = replace(of_a, value=of_b.value, revision=2)
        assert await store.rows.write("acme", [Replace(SECRETS, moved)])
        with pytest.raises(StoreError, match="is not as it was written"):
            await keys.value("acme", "a")
        flipped = replace(of_b, value=of_b.value[:-1] + bytes([of_b.value[-1] ^ 1]), revision=2)
        assert await store.rows.write("acme", [Replace(SECRETS, flipped)])
        with pytest.raises(StoreError, match="is not as it was written"):
            await keys.value("acme", "b")

    run(use)


def test_keys_are_32_bytes_in_base64():
    assert read_key(base64.b64encode(KEY).decode() + "\n") == KEY
    for wrong in ("", "secret", base64.b64encode(KEY[:31]).decode(), "%" * 44):
        with pytest.raises(InputError, match="is no key of a key store") as caught:
            read_key(wrong)
        assert not wrong or wrong not in str(caught.value)
