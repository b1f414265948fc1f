"""What may pass from one task to another."""

import pytest

from kedro_airflow_k8s.project import Dataset, Node

from .test_plan import notes, planned, warnings

NODES = (
    Node("load", outputs=("raw", "t@pandas")),
    Node("clean", (), ("load",), ("raw",), ("table",)),
    Node("report", (), ("load", "clean"), ("t@text", "table")),
)


def with_datasets(run=None, **arguments):
    found = {"raw": Dataset(False, "data/raw.csv"), "table": Dataset(False, "data/t.csv")}
    found.update(arguments.pop("datasets", {}))
    return planned(run, **{"nodes": NODES, "datasets": found, **arguments})


@pytest.mark.parametrize("path", ["/tmp/x.csv", "other/x.csv", "data/../x.csv", "../data/x.csv"])
def test_a_file_outside_the_volume_is_a_warning(path):
    """What one pod writes there, no other finds."""
    (warning,) = warnings(with_datasets(datasets={"raw": Dataset(False, path)}))

    assert warning == (
        f"dataset 'raw' lies at {path}, outside the shared volume at /home/kedro_docker/data, where no other task finds"
        " it (raw: from 'load' to 'clean')"
    )


@pytest.mark.parametrize("path", ["data/x.csv", "./data/a/../x.csv", "/home/kedro_docker/data/x.csv"])
def test_a_file_in_the_volume_is_fine(path):
    """Relative to the project, or absolute in the image."""
    assert warnings(with_datasets(datasets={"raw": Dataset(False, path)})) == ()


def test_without_a_volume_no_file_is_shared():
    """Datasets that pass between tasks must then be remote."""
    made = with_datasets({"volume": {"disabled": True}}, datasets={"table": Dataset(False)})

    assert [warning.partition(",")[0] for warning in warnings(made)] == ["dataset 'raw' lies at data/raw.csv"]


def test_a_dataset_that_nothing_makes_is_a_warning():
    """A pod would fail over it; who reads it is told."""
    (warning,) = warnings(
        with_datasets(
            nodes=(Node("load", inputs=("compannies",)),), datasets={"compannies": Dataset(True, known=False)}
        )
    )

    assert warning == (
        "dataset 'compannies' is read by 'load', but no node writes it and the catalog does not have it; is the name"
        " right? If a hook of the project adds it, give it an entry there, {type: MemoryDataset}"
    )


def test_a_configuration_that_the_image_has_not_is_a_warning():
    """What it says of datasets and parameters would count here only."""
    (warning,) = warnings(with_datasets(absent=("conf/local/catalog.yml", "conf/local/parameters.yml")))

    assert warning == (
        ".dockerignore keeps out of the image conf/local/catalog.yml, conf/local/parameters.yml, which counts here; put"
        " what pods need into conf/base, or compile for another environment with --env"
    )


def with_results(datasets):
    return with_datasets(nodes=(Node("make", outputs=tuple(datasets)),), datasets=datasets)


def test_results_that_go_with_the_run_are_a_remark():
    """A run can succeed and leave nothing: that is as it is meant, but has to be known."""
    results = {
        "report": Dataset(False, "data/report.csv"),
        "plot": Dataset(False, "/home/kedro_docker/plots/x.png"),
        "remote": Dataset(False),
        "last": Dataset(True),
        "mounted": Dataset(False, "/mnt/share/x.csv"),
    }
    (remark,) = notes(with_results(results))
    assert remark == (
        "what nodes write to 'report', 'plot' is gone with the pods and the volume of the run; give what should stay a"
        " remote address in the catalog"
    )
    assert notes(with_results({"remote": Dataset(False)})) == ()
    (remark,) = notes(with_results({f"r{number}": Dataset(False, "data/x") for number in range(7)}))
    assert remark.startswith("what nodes write to 'r0', 'r1', 'r2', 'r3', 'r4' and 2 others is gone")


def test_a_file_that_the_image_has_not_is_a_warning():
    """Who reads it is told, and how to have it there."""
    (warning,) = warnings(with_datasets(nodes=(Node("load", inputs=("raw",)),), left_out={"raw": "data/raw.csv"}))

    assert warning == (
        "dataset 'raw' is read by 'load' from data/raw.csv, which .dockerignore keeps out of the image; keep it there"
        " with a line !data/raw.csv, or have it in remote storage"
    )
