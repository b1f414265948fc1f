"""Datasets as the catalog's configuration has them, compared with Kedro's own catalog."""

import pytest

from kedro_airflow_k8s.errors import ConfigError
from kedro_airflow_k8s.project.catalog import Dataset, datasets

CATALOG = """
_folder: data/02
plain: {type: pickle.PickleDataset, filepath: "${_folder}/plain.pkl"}
versioned: {type: pandas.CSVDataset, filepath: data/v.csv, versioned: true, credentials: not_there}
both@pandas: {type: pandas.CSVDataset, filepath: data/t.csv}
both@text: {type: text.TextDataset, filepath: data/t.csv}
remote: {type: pandas.ParquetDataset, filepath: s3://bucket/x.parquet}
kept: {type: MemoryDataset}
shared: {type: kedro.io.SharedMemoryDataset}
cached: {type: kedro.io.CachedDataset, dataset: {type: pickle.PickleDataset, filepath: data/c.pkl}}
tracked: {type: some.MlflowArtifactDataset, dataset: {type: pickle.PickleDataset, filepath: x/a.pkl}}
spark: {type: spark.SparkDataset, filepath: dbfs:/mnt/x.pkl}
volatile: {type: pickle.PickleDataset, filepath: memory://x.pkl}
lake: {type: pickle.PickleDataset, filepath: dbfs:/mnt/x.pkl}
"{layer}.{name}_cached":
  type: kedro.io.CachedDataset
  dataset: {type: pickle.PickleDataset, filepath: "data/{layer}/{name}.pkl"}
parts: {type: partitions.PartitionedDataset, path: data/parts, dataset: pandas.CSVDataset}
table: {type: library.that.is.not.Installed, database: x}
"{ns}.{name}_csv": {type: pandas.CSVDataset, filepath: "data/{ns}/{name}.csv"}
"{ns}.special_csv": {type: "kedro.io.{ns}Dataset"}
"int_{name}": {type: pickle.PickleDataset, filepath: "/tmp/{name}.pkl"}
"""


def look_up(kedro_project, *names, catalog=CATALOG):
    from kedro.framework.startup import bootstrap_project

    project = kedro_project()
    project.write("conf/base/catalog.yml", catalog)
    return datasets(bootstrap_project(project.path), "local", names)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plain", Dataset(False, "data/02/plain.pkl")),
        ("versioned", Dataset(False, "data/v.csv")),
        ("both@pandas", Dataset(False, "data/t.csv")),
        ("remote", Dataset(False)),
        ("kept", Dataset(True)),
        ("shared", Dataset(True)),
        ("cached", Dataset(False, "data/c.pkl")),
        ("a.b_cached", Dataset(False, "data/a/b.pkl")),
        ("tracked", Dataset(False)),
        ("spark", Dataset(False)),
        ("volatile", Dataset(True)),
        ("lake", Dataset(False, "dbfs:/mnt/x.pkl")),
        ("parts", Dataset(False, "data/parts")),
        ("table", Dataset(False)),
        ("a.b_csv", Dataset(False, "data/a/b.csv")),
        ("Memory.special_csv", Dataset(True)),
        ("int_x", Dataset(False, "/tmp/x.pkl")),
        ("nowhere", Dataset(True, known=False)),
    ],
)
def test_a_dataset_as_configured(kedro_project, name, expected):
    """Entries, factories, transcoded, versioned and remote datasets are told apart, none of them made."""
    assert look_up(kedro_project, name) == {name: expected}


def test_a_catch_all_comes_last(kedro_project):
    """A pattern that takes every name makes no dataset a memory dataset, and is less than any other pattern."""
    catalog = CATALOG + '"{any}": {type: pickle.PickleDataset, filepath: "data/{any}.pkl"}\n'

    assert look_up(kedro_project, "nowhere", "int_x", catalog=catalog) == {
        "nowhere": Dataset(False, "data/nowhere.pkl"),
        "int_x": Dataset(False, "/tmp/x.pkl"),
    }


def test_without_a_catalog_everything_is_in_memory(kedro_project):
    """A project need not have a catalog."""
    from kedro.framework.startup import bootstrap_project

    project = kedro_project()
    (project.path / "conf/base/catalog.yml").unlink()

    assert datasets(bootstrap_project(project.path), "local", ["x"]) == {"x": Dataset(True, known=False)}


@pytest.mark.parametrize(
    ("catalog", "said"),
    [
        (
            '"{a}": {type: MemoryDataset}\n"{b}": {type: MemoryDataset}\n',
            "Multiple catch-all patterns found in the catalog",
        ),
        ('"x_{a}": {type: text.TextDataset, filepath: "data/{b}"}\n', "Incorrect dataset configuration provided"),
    ],
)
def test_a_catalog_that_kedro_refuses_is_refused_although_the_pipeline_does_not_need_it(kedro_project, catalog, said):
    """Kedro would refuse it in every pod."""
    with pytest.raises(ConfigError, match=f"^Kedro refuses the catalog: .*{said}"):
        look_up(kedro_project, "plain", catalog=CATALOG + catalog)


def test_nothing_is_logged(kedro_project, caplog):
    look_up(kedro_project, "nowhere", catalog=CATALOG + '"{any}": {type: pickle.PickleDataset, filepath: "x/{any}"}\n')

    assert caplog.records == []
