"""Bad input: a message with the place, what is wrong and what mends it, exit code 2, and nothing written."""

import pytest

HEADER = "id,period,site,activity,quantity,unit,region,method,tags\n"


def row(**changed: str) -> str:
    cells = {
        "id": "A-1",
        "period": "2025-03",
        "site": "Plant",
        "activity": "natural gas",
        "quantity": "1500",
        "unit": "MMBtu",
        "region": "US",
        "method": "",
        "tags": "",
        **changed,
    }
    return ",".join(f'"{cell}"' if "," in cell else cell for cell in cells.values()) + "\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (row(unit="bananas"), ["row 2", "column 'unit'", "bananas"]),
        (row(unit="kg"), ["row 2", "column 'unit'", "mass", "Natural Gas", "mmBtu"]),
        (row(quantity="1,234.5"), ["row 2", "column 'quantity'", "1,234.5", "write 1234.5"]),
        (row(quantity="NaN"), ["row 2", "column 'quantity'", "NaN"]),
        (row(quantity="1e400"), ["row 2", "column 'quantity'", "1e400"]),
        (row(quantity=""), ["row 2", "column 'quantity'", "empty"]),
        (row(activity="unobtainium"), ["row 2", "column 'activity'", "unobtainium"]),
        (row(activity="natural gaz"), ["row 2", "column 'activity'", "did you mean", "Natural gas"]),
        (row(region="ZZ"), ["row 2", "column 'region'", "ZZ"]),
        (row(region="DE"), ["row 2", "column 'region'", "DE", "'GB' or 'US'"]),
        (row(region=""), ["row 2", "column 'region'", "empty"]),
        (row(period="March"), ["row 2", "column 'period'", "2025-03"]),
        (row() + row(), ["row 3", "column 'id'", "A-1", "row 2"]),
        (row(activity="motor gasoline", unit="gal"), ["row 2", "fuels.stationary", "fuels.mobile", "method"]),
    ],
)
def test_a_wrong_row_is_told_and_nothing_is_written(greenlang, examples, tmp_path, content, words):
    (tmp_path / "data.csv").write_text(HEADER + content)
    done = greenlang(
        "run", examples / "inventory.gcel", "--input", "data.csv", "--output", "result.json", code=2
    )
    assert done.stdout == ""
    assert done.stderr.startswith("error: data.csv, row ")
    for word in words:
        assert word in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["data.csv"]


def test_all_wrong_rows_are_told_at_once(greenlang, examples, tmp_path):
    rows = [row(id=f"A-{number}", quantity="x", unit="y") for number in range(30)]
    (tmp_path / "data.csv").write_text(HEADER + "".join(rows))
    done = greenlang("run", examples / "inventory.gcel", "--input", "data.csv", code=2)
    assert done.stderr.count("column 'quantity'") == 10
    assert done.stderr.count("column 'unit'") == 10
    assert "and 40 more problems in data.csv" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["is empty"]),
        (b"id,quantity\n1,2\n", ["column 'period'", "column 'activity'", "column 'unit'", "missing"]),
        (b"id,period,activity,quantty,unit\n1,2025,x,2,kg\n", ["column 'quantity'", "'quantty'"]),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", ["UTF-8"]),
        (bytes(range(256)) * 64, ["data.csv, row 3", "UTF-8"]),
    ],
)
def test_a_file_that_is_no_activity_data_is_told(greenlang, examples, tmp_path, content, words):
    (tmp_path / "data.csv").write_bytes(content)
    done = greenlang("run", examples / "inventory.gcel", "--input", "data.csv", code=2)
    for word in words:
        assert word in done.stderr


def test_a_missing_file_a_folder_and_an_unreadable_file_are_told(greenlang, examples, tmp_path):
    program = examples / "inventory.gcel"
    assert "there is no file" in greenlang("run", program, "--input", "no.csv", code=2).stderr
    assert "is a folder" in greenlang("run", program, "--input", tmp_path, code=2).stderr
    assert "there is no file" in greenlang("run", "no.gcel", code=2).stderr
    assert "--input" in greenlang("run", program, code=2).stderr


def test_a_300_mb_file_is_refused_before_it_is_read(greenlang, examples, tmp_path):
    with (tmp_path / "big.csv").open("wb") as file:
        file.truncate(300 * 1024 * 1024)
    done = greenlang("run", examples / "inventory.gcel", "--input", "big.csv", code=2)
    for word in ("big.csv", "300 MB", "256 MB", "--max-input-size"):
        assert word in done.stderr


def test_a_date_outside_every_edition_is_refused_under_the_strict_policy(greenlang, examples, tmp_path):
    (tmp_path / "data.csv").write_text(HEADER + row(period="2019"))
    program = examples / "inventory.gcel"
    done = greenlang("run", program, "--input", "data.csv", "--vintage", "strict", code=2)
    for word in ("row 2", "column 'period'", "2019", "--vintage nearest"):
        assert word in done.stderr
    assert "vintage" in greenlang("run", program, "--input", "data.csv").stdout


def test_a_typo_in_a_program_is_told_with_line_caret_and_the_nearest_name(greenlang, examples, tmp_path):
    (tmp_path / "typo.gcel").write_text("main = ghg.intake >>\n    fuels.stationery >> ghg.inventory\n")
    done = greenlang("run", "typo.gcel", "--input", examples / "activities.csv", code=2)
    for word in ("typo.gcel:2:5", "fuels.stationery", "^", "fuels.stationary"):
        assert word in done.stderr


def test_a_mistake_in_a_factor_file_is_told_with_its_place(greenlang, examples, tmp_path):
    (tmp_path / "own.csv").write_text("activity,gas,value,unit\nnatural gas,CO2,53.06,kg/banana\n")
    done = greenlang(
        "run",
        examples / "inventory.gcel",
        "--input",
        examples / "activities.csv",
        "--factors",
        "own.csv",
        code=2,
    )
    for word in ("own.csv", "row 2", "column 'unit'"):
        assert word in done.stderr


def test_small_sizes_are_told_as_what_they_are(greenlang, examples, tmp_path):
    (tmp_path / "data.csv").write_text(HEADER + row() * 40)
    done = greenlang(
        "run", examples / "inventory.gcel", "--input", "data.csv", "--max-input-size", "1K", code=2
    )
    assert "at most 1 KB are read" in done.stderr
    assert " 0 MB" not in done.stderr


@pytest.mark.parametrize("option", ["--output", "--table"])
def test_a_place_that_cannot_be_written_to_is_told_before_anything_is_computed(
    greenlang, examples, tmp_path, option
):
    place = tmp_path / "no" / "rows.csv"
    told = f"error: '{place}' cannot be written: No such file or directory; make the folder first\n"
    for command in (("run", "no.gcel"), ("batch", "run", "no.csv")):
        if (command[0], option) != ("batch", "--table"):
            assert greenlang(*command, option, place, code=2).stderr == told
    assert "is a folder" in greenlang("run", "no.gcel", "--output", tmp_path, code=2).stderr


def test_what_computed_rows_cannot_be_written_to_can_be_written_later(greenlang, examples, tmp_path):
    data = examples / "activities.csv"
    (tmp_path / "rows.csv").symlink_to("/dev/full")
    done = greenlang("batch", "run", data, "--output", "rows.csv", "--failures", "f.csv", code=2)
    command = done.stderr.partition("write it with: greenlang ")[2].splitlines()[0]
    greenlang(*command.split(), "--failures", "f.csv")
    assert (tmp_path / "f.csv").read_text().startswith('"row"')


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.gcel", "", "write a program"),
        ("plan.json", "{}", "plan.json: this is not a plan"),
    ],
)
def test_what_is_no_program_is_told_as_one(greenlang, tmp_path, name, content, words):
    (tmp_path / name).write_text(content)
    assert words in greenlang("plan", name, code=2).stderr


def test_a_file_of_factors_is_named_as_it_was_typed(greenlang, examples):
    for command in (("factors", "check"), ("factors", "search", "diesel", "--factors")):
        said = greenlang(*command, "own/no.csv", code=2).stderr
        assert said == "error: there is no file 'own/no.csv'; check the path\n"


def test_a_value_that_is_nested_too_deeply_is_told(greenlang, tmp_path):
    (tmp_path / "sum.gcel").write_text("count\n")
    (tmp_path / "deep.json").write_text("[" * 200_000)
    assert "is not JSON" in greenlang("run", "sum.gcel", "--input", "deep.json", code=2).stderr


def test_nothing_is_written_over_what_is_read_or_written(greenlang, examples, tmp_path):
    data = tmp_path / "data.csv"
    data.write_text(HEADER + row())
    (tmp_path / "link.csv").symlink_to(data)
    program = examples / "inventory.gcel"
    for arguments, told in (
        (("run", program, "--input", "data.csv", "--table", "link.csv"), "read from"),
        (("run", program, "--input", "data.csv", "--output", "a.csv", "--table", "a.csv"), "written to"),
        (("batch", "run", "data.csv", "--output", "./data.csv"), "read from"),
    ):
        assert f"is {told} already" in greenlang(*arguments, code=2).stderr
    assert data.read_text() == HEADER + row()


@pytest.mark.parametrize("choice", [("--factors", "no.csv"), ("--gwp", "AR6"), ("--on-error", "skip")])
def test_a_choice_that_nothing_goes_by_is_told(greenlang, tmp_path, choice):
    (tmp_path / "sum.gcel").write_text("sum\n")
    (tmp_path / "value.json").write_text("[1, 2.5]")
    said = greenlang("run", "sum.gcel", "--input", "value.json", *choice, code=2).stderr
    assert "takes no activity data" in said
