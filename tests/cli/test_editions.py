"""Editions that a run keeps to."""


def test_a_run_refuses_a_misspelt_dataset(greenlang, examples):
    refused = greenlang(
        "run",
        examples / "inventory.gcel",
        "--input",
        examples / "activities.csv",
        "--edition",
        "ghg-emission-factor-hubb=2025",
        code=2,
    )
    assert "there is no such dataset; write 'ghg-emission-factors-hub'" in refused.stderr
