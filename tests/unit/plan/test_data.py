"""What may pass from one task to another."""

import pytest

from kedro_airflow_k8s.errors import PlanError
from kedro_airflow_k8s.project import Dataset, Node

from .test_plan import planned

NODES = (
    Node("load", outputs=("raw", "t@pandas")),
    Node("clean", (), ("load",), ("raw",), ("table",)),
    Node("report", (), ("load", "clean"), ("t@text", "table")),
)


def with_datasets(run=None, **arguments):
    found = {"raw": Dataset(False, "data/raw.csv"), "table": Dataset(False, "data/t.csv")}
    found.update(arguments.pop("datasets", {}))
    return planned(run, **{"nodes": NODES, "datasets": found, **arguments})


def test_a_dataset_in_memory_between_tasks_is_an_error():
    """The error names dataset, producer and consumers, and what to write into the catalog."""
    with pytest.raises(PlanError) as caught:
        with_datasets(datasets={"table": Dataset(True), "t@pandas": Dataset(True)})

    assert str(caught.value).splitlines() == [
        "these datasets would pass in memory between tasks, which share none:",
        "  table: from 'clean' to 'report'",
        "  t@pandas: from 'load' to 'report'",
        "Give each an entry in the catalog, such as table: {type: pickle.PickleDataset, filepath: data/table.pkl}, or"
        " all of them a dataset factory; or say --allow-memory-datasets",
    ]


def test_memory_can_be_allowed():
    """Who knows better says so."""
    assert with_datasets(datasets={"table": Dataset(True)}, allow_memory=True).warnings == ()


@pytest.mark.parametrize("path", ["/tmp/x.csv", "other/x.csv", "data/../x.csv", "../data/x.csv"])
def test_a_file_outside_the_volume_is_a_warning(path):
    """What one pod writes there, no other finds."""
    (warning,) = with_datasets(datasets={"raw": Dataset(False, path)}).warnings

    assert warning == (
        f"dataset 'raw' lies at {path}, outside the shared volume at /home/kedro_docker/data, where no other task finds"
        " it (raw: from 'load' to 'clean')"
    )


@pytest.mark.parametrize("path", ["data/x.csv", "./data/a/../x.csv", "/home/kedro_docker/data/x.csv"])
def test_a_file_in_the_volume_is_fine(path):
    """Relative to the project, or absolute in the image."""
    assert with_datasets(datasets={"raw": Dataset(False, path)}).warnings == ()


def test_without_a_volume_no_file_is_shared():
    """Datasets that pass between tasks must then be remote."""
    warnings = with_datasets({"volume": {"disabled": True}}, datasets={"table": Dataset(False)}).warnings

    assert [warning.partition(",")[0] for warning in warnings] == ["dataset 'raw' lies at data/raw.csv"]


def test_a_dataset_that_nothing_makes_is_a_warning():
    """A pod would fail over it; who reads it is told."""
    (warning,) = with_datasets(nodes=(Node("load", inputs=("compannies",)),), unknown=("compannies",)).warnings

    assert warning == (
        "dataset 'compannies' is read by 'load', but no node writes it and the catalog does not have it; is the name"
        " right? If a hook of the project adds it, give it an entry there, {type: MemoryDataset}"
    )


def test_a_configuration_that_the_image_has_not_is_a_warning():
    """What it says of datasets and parameters would count here only."""
    (warning,) = with_datasets(absent=("conf/local/catalog.yml", "conf/local/parameters.yml")).warnings

    assert warning == (
        ".dockerignore keeps out of the image conf/local/catalog.yml, conf/local/parameters.yml, which counts here; put"
        " what pods need into conf/base, or compile for another environment with --env"
    )


def test_results_that_go_with_the_run_are_a_remark():
    """A run can succeed and leave nothing: that is as it is meant, but has to be known."""
    results = {
        "report": Dataset(False, "data/report.csv"),
        "plot": Dataset(False, "/home/kedro_docker/plots/x.png"),
        "remote": Dataset(False),
        "last": Dataset(True),
        "mounted": Dataset(False, "/mnt/share/x.csv"),
    }
    (remark,) = with_datasets(results=results).remarks
    assert remark == (
        "what nodes write to 'report', 'plot' is gone with the pods and the volume of the run; give what should stay a"
        " remote address in the catalog"
    )
    assert with_datasets(results={"remote": Dataset(False)}).remarks == ()
    (remark,) = with_datasets(results={f"r{number}": Dataset(False, "data/x") for number in range(7)}).remarks
    assert remark.startswith("what nodes write to 'r0', 'r1', 'r2', 'r3', 'r4' and 2 others is gone")


def test_a_file_that_the_image_has_not_is_a_warning():
    """Who reads it is told, and how to have it there."""
    (warning,) = with_datasets(nodes=(Node("load", inputs=("raw",)),), left_out={"raw": "data/raw.csv"}).warnings

    assert warning == (
        "dataset 'raw' is read by 'load' from data/raw.csv, which .dockerignore keeps out of the image; keep it there"
        " with a line !data/raw.csv, or have it in remote storage"
    )
