import json
import shutil

import pytest

from greenlang.errors import InputError, PackError
from greenlang.ledger import load_signer
from greenlang.packs import check_wheel, load_policy, open_wheel, sign_wheel, signature_path


@pytest.fixture
def own(wheel, tmp_path):
    path = tmp_path / "own" / wheel.name
    path.parent.mkdir()
    return open_wheel(shutil.copy(wheel, path))


def trust(folder, name, keys):
    """Trust, in the configuration `folder`, the key that is in another."""
    (folder / "trusted_keys").mkdir(parents=True, exist_ok=True)
    (folder / "trusted_keys" / f"{name}.pub").write_text(load_signer(keys).public_key)


def policy(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "packs.yaml").write_text(text)


def refused(rules_of, wheel, **options):
    with pytest.raises(PackError) as error:
        check_wheel(wheel, **options)
    return rules_of(error.value)


def test_a_wheel_of_our_own_is_verified(own):
    signed = sign_wheel(own)
    assert check_wheel(own) == signed
    assert signed.signer == load_signer().fingerprint


def test_a_signature_by_a_stranger_is_refused_until_the_key_is_trusted(
    own, tmp_path, own_configuration, rules_of
):
    sign_wheel(own, keys=tmp_path / "stranger")
    assert refused(rules_of, own) == {"signature.trusted"}
    trust(own_configuration, "acme", tmp_path / "stranger")
    assert check_wheel(own) is not None


def test_a_signature_of_another_list_is_refused(own, rules_of):
    sign_wheel(own)
    path = signature_path(own.path)
    signature = json.loads(path.read_text())
    signature["files"]["acme_pack/agents.py"] = "0" * 64
    path.write_text(json.dumps(signature))
    assert refused(rules_of, own) == {"signature.holds", "signature.files"}


@pytest.mark.parametrize("key", ["schema", "distribution", "version", "public_key", "signature"])
def test_a_changed_part_of_a_signature_is_refused(own, key):
    sign_wheel(own)
    path = signature_path(own.path)
    signature = json.loads(path.read_text())
    signature[key] = load_signer(own.path.parent / "other").public_key if key == "public_key" else "00"
    path.write_text(json.dumps(signature))
    with pytest.raises(PackError, match=r"signature\.holds"):
        check_wheel(own)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema": 1}', "\x00"])
def test_what_is_no_signature_is_told(own, text):
    signature_path(own.path).write_text(text)
    with pytest.raises(PackError, match="it holds no signature"):
        check_wheel(own)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"acme_pack/agents.py": "changed"}, "agents.py: it was changed"),
        ({"acme_pack/added.py": "new"}, "added.py: it was added"),
        ({"acme_pack/py.typed": None}, "py.typed: it was signed and is not there"),
    ],
)
def test_a_file_changed_after_signing_is_named(own, altered, changes, told, rules_of):
    sign_wheel(own)
    path = altered(changes)
    shutil.copy(signature_path(own.path), signature_path(path))
    with pytest.raises(PackError, match=told) as error:
        check_wheel(open_wheel(path))
    assert rules_of(error.value) == {"signature.files"}


def test_an_unsigned_wheel_is_refused_where_signatures_are_required(own, own_configuration, rules_of):
    assert check_wheel(own) is None
    policy(own_configuration, "schema: 1\nsignatures: required\n")
    assert refused(rules_of, own) == {"signature.present"}


def test_each_tenant_has_its_own_signers(own, tmp_path, own_configuration, rules_of):
    sign_wheel(own, keys=tmp_path / "acme")
    trust(own_configuration, "acme", tmp_path / "acme")
    policy(
        own_configuration,
        "schema: 1\ntenants:\n  brewery:\n    signers: [hops]\n  mill:\n    signatures: required\n"
        "    signers: [acme]\n",
    )
    assert check_wheel(own) is not None
    assert check_wheel(own, tenant="mill") is not None
    assert refused(rules_of, own, tenant="brewery") == {"signature.trusted"}
    signature_path(own.path).unlink()
    assert refused(rules_of, own, tenant="mill") == {"signature.present"}
    assert check_wheel(own, tenant="brewery") is None


@pytest.mark.parametrize(
    "text", ["schema: 2\n", "signature: required\n", "signatures: maybe\n", "- a\n", "a: &b c"]
)
def test_a_policy_that_is_wrong_is_told(text, own_configuration):
    policy(own_configuration, text)
    with pytest.raises(PackError, match=r"packs\.yaml"):
        load_policy()


def test_a_key_that_is_open_to_others_signs_nothing(own, own_configuration):
    load_signer()
    (own_configuration / "signing_key.pem").chmod(0o644)
    with pytest.raises(InputError, match="there is no key to sign with"):
        sign_wheel(own)
