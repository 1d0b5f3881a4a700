import hashlib

import pytest

from greenlang.agents import Discovery, Registry, agent, default_registry
from greenlang.errors import AgentError


@pytest.fixture(scope="session")
def problems(environment):
    """What a registry says is wrong, by the distribution's name."""
    told = environment.shown("show([str(problem) for problem in registry.problems])")
    return {text.partition(" ")[0]: text for text in told}


def test_agents_of_packs_and_plugins_are_there_by_name(environment):
    names = environment.shown("show(registry.names())")
    assert names == [
        "acme.double",
        "acme.other",
        "bolt.burn",
        "liar.absent",
        "liar.broken",
        "liar.effects",
        "liar.function",
        "liar.version",
        "plain.double",
    ]


def test_a_pack_is_imported_when_one_of_its_agents_is_resolved(environment):
    loaded = environment.shown(
        """
        def loaded(): return sorted(name for name in sys.modules if name.startswith(("acme", "plain")))
        before = loaded()
        registry.names(), registry.offers(), registry.factors(), registry.aliases(), registry.problems
        asked = loaded()
        registry.resolve("acme.double")
        show([before, asked, loaded()])
        """
    )
    before, asked, resolved = loaded
    assert before == []
    assert asked == ["plain_plugin"]
    assert resolved == ["acme_pack", "acme_pack.doubling", "plain_plugin"]


def test_without_a_plugin_of_code_pluggy_is_not_loaded(editable_environment):
    assert not editable_environment.shown("registry.resolve('acme.double'); show('pluggy' in sys.modules)")


def test_versions_of_one_agent_stand_side_by_side(environment):
    resolved = environment.shown(
        """
        show({str(asked): registry.resolve("acme.double", asked).version
              for asked in (None, "1", "1.0", ">=1,<1.1", ">=2.0.0rc1")})
        """
    )
    assert resolved == {
        "None": "1.1.0",
        "1": "1.1.0",
        "1.0": "1.0.0",
        ">=1,<1.1": "1.0.0",
        ">=2.0.0rc1": "2.0.0rc1",
    }


def test_what_is_resolved_runs(environment):
    values = environment.shown(
        """
        names = ["acme.double", "bolt.burn", "plain.double"]
        show([registry.resolve(name).function(21) for name in names])
        """
    )
    assert values == [42, 42, 42]


def test_offers_are_known_without_loading_them(environment):
    offers = environment.shown(
        """
        show([[offer.name, offer.version, offer.summary, sorted(offer.effects), offer.origin]
              for offer in registry.offers() if offer.name.startswith("acme")])
        """
    )
    origin = ["A test's.", ["pure"], "acme-pack 1.0.0"]
    assert offers == [
        ["acme.double", "1.0.0", *origin],
        ["acme.double", "1.1.0", *origin],
        ["acme.double", "2.0.0rc1", *origin],
        ["acme.other", "1.0.0", *origin],
    ]


def test_factor_files_come_from_packs_and_hooks(environment):
    factors = environment.shown(
        """
        show([[[file.pack, file.dataset, file.edition, file.read().text] for file in files]
              for files in (registry.factors(), registry.factors("plain-plugin"))])
        """
    )
    acme = ["acme-pack", "acme-fuels", "2024", "fuel,value\ncoal,1.5\n"]
    plain = ["plain-plugin", "own", "1", "fuel,value\n"]
    assert factors == [[acme, plain], [plain]]
    assert environment.shown("show([file.path.name for file in registry.aliases('acme-pack')])") == [
        "names.csv"
    ]


def test_an_editable_install_is_the_same_as_a_wheel(environment, editable_environment):
    code = """
        spec = registry.resolve("acme.double")
        show([spec.version, registry.code_identity(spec), len(registry.factors("acme-pack"))])
        """
    installed = environment.shown(code)
    assert installed == editable_environment.shown(code)
    assert installed[1].startswith("sha256:")


def test_an_editable_pack_is_not_imported_before_it_is_used(editable_environment):
    before, after = editable_environment.shown(
        """
        registry.offers(), registry.factors(), registry.problems
        before = "acme_pack" in sys.modules
        registry.resolve("acme.double")
        show([before, "acme_pack" in sys.modules])
        """
    )
    assert (before, after) == (False, True)


def test_the_identity_of_a_packs_code_is_a_digest_of_its_files(environment, sources):
    identity = environment.shown("show(registry.code_identity(registry.resolve('acme.double')))")
    folder = sources["acme-pack"]
    files = sorted(
        path.relative_to(folder).as_posix()
        for path in (folder / "acme_pack").rglob("*.*")
        if path.suffix != ".pyc"
    )
    lines = [f"{name}\0{hashlib.sha256((folder / name).read_bytes()).hexdigest()}\n" for name in files]
    assert len(files) == 7
    assert identity == "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()


@pytest.mark.parametrize(
    ("distribution", "told"),
    [
        (
            "bad-import",
            "bad-import 1.0.0: bad_import cannot be imported: ModuleNotFoundError: No module named",
        ),
        ("bad-exit", "bad_exit cannot be imported: SystemExit: 3; mend the plugin, or uninstall it"),
        ("bad-parameters", "a hook of bad_parameters is wrong: Plugin 'bad_parameters' for hook"),
        ("bad-hook-name", "unknown hook 'greenlang_agent'"),
        ("bad-failure", "its greenlang_agents failed: RuntimeError: out of luck"),
        ("bad-leave", "its greenlang_agents failed: SystemExit: 3; mend the plugin, or uninstall it"),
        ("bad-answer", "its greenlang_agents gave <built-in function len>, which is no Agent"),
        ("bad-runtime", "bad-runtime 1.0.0: it needs greenlang >=99, and this is 0.1"),
        ("no-runtime", "it does not say which greenlang-runtime it is made for; write dependencies"),
        ("no-hooks", "no_hooks implements no hook; mark its hooks with @hookimpl"),
        ("bad-key", "bad-key 1.0.0, pack.yaml, line 8: 'agent' is not a key here; write agents"),
        ("bad-version", "its version is 1.0.1, but the distribution's is 1.0.0"),
        ("bad-name", "its name is 'another-name', but the distribution is bad-name; write `name: bad-name`"),
        ("bad-file", "there is no file missing.csv; put it in the distribution's package data"),
        ("bad-module", "agent 'bad.module' is in os, which is not part of bad_module"),
        ("too-new", "it needs greenlang >=99, and this is 0.1"),
        ("bad-range", "'new' is not a range of versions; write one like >=0.1,<0.2"),
        (
            "twin-two",
            "agent 'twin.double' is declared by twin-one 1.0.0 and by twin-two 1.0.0; uninstall all but one",
        ),
    ],
)
def test_a_broken_plugin_is_told_by_its_distribution(problems, distribution, told):
    assert told in problems[distribution]


def test_the_doctor_tells_of_each_by_its_distribution_and_goes_on(environment, sources):
    told = environment.greenlang("doctor", code=1)
    assert "compiled core" in told
    named = {line.split()[1] for line in told.splitlines() if line.startswith("broken: ")}
    # What lies is told by the agents that are not what they say; twin-one is but the first of two.
    sound = {"acme-pack", "bolt-fuels", "plain-plugin", "twin-one"}
    assert named >= set(sources) - sound - {"liar-pack"}
    assert named.isdisjoint(sound)
    assert all(f"agent 'liar.{what}' 1.0.0" in told for what in ("absent", "function", "effects", "broken"))


def test_sound_plugins_have_no_problem(problems):
    assert {"acme-pack", "bolt-fuels", "plain-plugin"}.isdisjoint(problems)
    assert len(problems) == 18


@pytest.mark.parametrize(
    ("name", "version", "told"),
    [
        ("acme.duble", None, "there is no agent 'acme.duble'; did you mean acme.double"),
        ("zz.zz", None, "there is no agent 'zz.zz'; `greenlang agents list` shows those installed"),
        ("acme.double", "3", "agent 'acme.double' has no version 3; there is 1.0.0, 1.1.0, 2.0.0rc1"),
        ("acme.double", "new", "'new' is not a version or a range of versions"),
        ("twin.double", None, "agent 'twin.double' is declared by twin-one 1.0.0 and by twin-two 1.0.0"),
        (
            "liar.absent",
            None,
            "liar-pack 1.0.0: agent 'liar.absent' 1.0.0 is not what its pack.yaml declares",
        ),
        ("liar.function", None, "liar_pack:function is no agent; put @greenlang.agent on it"),
        (
            "liar.version",
            None,
            "liar_pack:double is liar.version 1.0.0; write the same in pack.yaml and in @agent",
        ),
        ("liar.effects", None, "its code declares the effects pure, its pack.yaml none"),
        (
            "liar.broken",
            None,
            "agent 'liar.broken' 1.0.0 cannot be loaded: liar_pack.broken cannot be imported",
        ),
    ],
)
def test_an_agent_that_cannot_be_resolved_is_told_why(environment, name, version, told):
    error = environment.shown(
        f"""
        from greenlang.errors import AgentError
        try:
            registry.resolve({name!r}, {version!r})
        except AgentError as error:
            show(str(error))
        """
    )
    assert told in error


class TestOwnAgents:
    """A program's own agents, beside whatever is installed."""

    @staticmethod
    def make(version, name="own.double"):
        @agent(name=name, version=version)
        def double(value):
            return value * 2

        return double

    def registry(self, *agents):
        return Registry(agents, discovery=Discovery((), ()))

    def test_they_resolve_by_name_and_version(self):
        old, new = self.make("1.0.0"), self.make("1.1.0")
        registry = self.registry(old, new)
        assert registry.names() == ("own.double",)
        assert registry.resolve("own.double") is new.spec
        assert registry.resolve("own.double", "1.0") is old.spec
        assert [offer.origin for offer in registry.offers()] == ["this program", "this program"]

    def test_two_of_one_name_and_version_clash(self):
        registry = self.registry(self.make("1.0.0"), self.make("1.0.0"), self.make("1.0.0", "own.single"))
        assert registry.names() == ("own.single",)
        with pytest.raises(AgentError, match="declared by this program and by this program"):
            registry.resolve("own.double")
        assert len(registry.problems) == 1


def test_a_process_has_one_registry_of_what_is_installed():
    assert default_registry() is default_registry()


def test_what_is_no_agent_is_refused_by_name():
    with pytest.raises(AgentError, match="<built-in function len> is no agent; make it one"):
        Registry([len])
