"""Every hook, implemented by plugins that pip installed (in distributions/), used as users would."""

import http.client
import json
import re
import subprocess

import pytest

RUN = """
import asyncio
import greenlang as gl

with gl.Runtime() as runtime:
    plan = runtime.compile("every.double")
    print("gives", runtime.run(plan, "21", tenant="acme"))
"""


@pytest.fixture(scope="session")
def hooked(install_projects):
    return install_projects("every-hook", "other-hooks", "hook-pack")


def test_agents_and_factor_files_come_from_hooks(hooked):
    names, files = hooked.shown("show([registry.names(), [file.read().text for file in registry.factors()]])")
    assert names == ["every.double", "pack.halve"]
    assert files == ["boiler,value\nnorth,1.5\n"]


def test_what_is_collected_for_other_rooms_is_there_by_key(hooked):
    found = hooked.shown(
        """
        from greenlang.agents import EngineBackend, EventSink, Route, StoreBackend
        show({kind.__name__: [[key, item.summary] for key, item in registry.contributions(kind).items()]
              for kind in (EngineBackend, EventSink, Route, StoreBackend)})
        """
    )
    assert found == {
        "EngineBackend": [["every", "An engine."]],
        "EventSink": [["every", "A sink."]],
        "Route": [["GET /boilers/{site}", "Count boilers."], ["GET /agents", "Not yours."]],
        # `every` is claimed twice, so nobody has it.
        "StoreBackend": [["kept", "A store."], ["other", "Alone."]],
    }


def test_a_backend_is_opened_with_its_url(hooked):
    opened = hooked.shown(
        """
        from greenlang.agents import EngineBackend
        show(registry.contributions(EngineBackend)["every"].open("every://host"))
        """
    )
    assert opened == "opened every://host"


def test_a_store_is_opened_by_the_scheme_of_its_url(hooked):
    opened, refused = hooked.shown(
        """
        from greenlang.errors import InputError
        from greenlang.stores import open_store

        opened = open_store("kept://host/name", "a seal")
        try:
            open_store("every://host/name", "a seal")
        except InputError as error:
            show([opened, str(error)])
        """
    )
    assert opened == "opened kept://host/name with a seal"
    problem, _, schemes = refused.partition("; ")
    assert "names no store" in problem
    assert "kept://" in schemes
    # It is claimed twice.
    assert "every" not in schemes


def test_routes_are_answered_below_the_api_and_take_none_of_its_own(hooked):
    command = [hooked.python, "-m", "greenlang", "serve", "--port", "0", "--store", "memory:"]
    with subprocess.Popen(command, env=hooked.environ, stderr=subprocess.PIPE, text=True) as server:
        told = server.stderr.readline()
        while "serving" not in told:
            told += server.stderr.readline()
        port = re.search(r"http://127.0.0.1:(\d+)", told)[1]

        def get(path):
            connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=30)
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, json.loads(response.read())

        status, found = get("/v1/boilers/north")
        assert (status, found["data"]) == (200, {"site": "north", "tenant": "default", "boilers": 3})
        status, refused = get("/v1/boilers/nowhere")
        assert (status, refused["errors"][0]["hint"]) == (400, "name one of ours")
        assert "agents" in get("/v1/agents")[1]["data"]
        assert "/v1/boilers/{site}" in get("/openapi.json")[1]["paths"]
        server.terminate()
    assert "a plugin's GET /agents is left out: the API itself answers there" in told


def test_lifecycle_hooks_run_around_an_execution(hooked):
    assert hooked.run("-c", RUN).splitlines() == [
        "pre_init 21 acme",
        "post_init",
        "pre_validate",
        "post_validate 21",
        "before pre_execute",
        "other pre_execute",
        "after pre_execute",
        "post_execute 42 False",
        "other cleanup",
        "cleanup True",
        "gives 42",
    ]


def test_they_run_around_an_asynchronous_one_too(hooked):
    program = RUN.replace("runtime.run(", "asyncio.run(runtime.arun(").replace('"acme")', '"acme"))')
    assert hooked.run("-c", program) == hooked.run("-c", RUN)


def test_what_fails_is_told_to_them(hooked):
    printed = hooked.run("-c", RUN.replace('"21"', '"many"'), code=1)
    traced = printed.partition("Traceback")[0].splitlines()
    assert traced == [
        "pre_init many acme",
        "post_init",
        "on_error invalid literal for int() with base 10: 'many'",
        "other cleanup",
        "cleanup False",
    ]
    assert printed.splitlines()[-1] == "in the hook pre_validate of every-hook 1.0.0"


def test_the_command_line_runs_them_and_prints_a_plugins_report(hooked):
    (hooked.folder / "double.gcel").write_text("every.double >> pack.halve\n")
    (hooked.folder / "value.json").write_text("21\n")
    done = hooked.greenlang("run", "double.gcel", "--input", "value.json", "--format", "hash")
    *traced, value = done.splitlines()
    assert value.startswith("21 sha256:")
    assert traced[0] == "pre_init 21 default"
    # The pack's module is registered because one of its agents is used.
    assert "post_init of the pack" in traced
    assert "post_execute 21 True" in traced


def test_a_report_that_fails_is_told_by_its_name(hooked):
    (hooked.folder / "double.gcel").write_text("every.double >> pack.halve\n")
    (hooked.folder / "value.json").write_text("21\n")
    done = hooked.greenlang("run", "double.gcel", "--input", "value.json", "--format", "broken", code=2)
    assert "error: the report 'broken' cannot be made: ZeroDivisionError" in done


def test_an_unknown_format_is_told_with_those_of_plugins(hooked):
    done = hooked.greenlang("run", "double.gcel", "--format", "pdf", code=2)
    assert "'pdf' is not one of table, json, csv, jsonl, parquet, arrow, broken, hash." in done


def test_a_plugins_command_is_listed_and_runs(hooked):
    listed = hooked.greenlang("--help")
    assert "Commands of plugins:" in listed
    assert "boilers  Count boilers." in listed
    assert hooked.greenlang("boilers", "--more", "2") == "5\n"


def test_a_command_that_cannot_be_loaded_is_told(hooked):
    done = hooked.greenlang("halves", code=2)
    assert "the command 'halves' cannot be loaded from hook_pack.absent:halves: ModuleNotFound" in done


def test_the_commands_of_the_runtime_ask_no_plugin(hooked):
    loaded = hooked.shown(
        """
        import greenlang.cli
        greenlang.cli.greenlang.get_command(None, "units")
        show(sorted({"every_hook", "other_hooks", "hook_pack", "pluggy"} & set(sys.modules)))
        """
    )
    assert loaded == []


def test_a_pack_is_imported_for_the_hooks_that_it_names_alone(hooked):
    loaded = hooked.shown(
        """
        from greenlang.agents import Command, ReportFormat
        registry.lifecycle, registry.contributions(ReportFormat)
        before = "hook_pack" in sys.modules
        show([before, sorted(registry.contributions(Command)), "hook_pack" in sys.modules])
        """
    )
    assert loaded == [False, ["boilers", "halves", "run"], True]


def test_doctor_tells_of_names_that_are_taken(hooked):
    *_, command_told, store_told = hooked.greenlang("doctor", code=1).splitlines()
    assert command_told == (
        "broken: other-hooks 2.0.0: its Command 'run' is called like one of the runtime; give it another name"
    )
    assert store_told == (
        "broken: other-hooks 2.0.0: StoreBackend 'every' is brought by every-hook 1.0.0 too; "
        "uninstall one of them"
    )


def test_what_is_wrong_is_known_to_machines_too(hooked):
    problems = hooked.shown("show([str(problem) for problem in registry.check()])")
    assert json.dumps(problems).count("other-hooks 2.0.0") == 1
