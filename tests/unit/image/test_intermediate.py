"""Intermediate data in a store: whole or not at all, told apart by name, and with words that help where it fails."""

import json
import pickle
import threading
from pathlib import Path

import pytest
from kedro.io import DataCatalog, DatasetError, MemoryDataset

from kedro_airflow_k8s.contract import INTERMEDIATE_DATASETS, STORE, STORE_CREDENTIALS
from kedro_airflow_k8s.image import clean, intermediate
from kedro_airflow_k8s.image import store as store_module
from kedro_airflow_k8s.image.intermediate import IntermediateDataset, file_name, hand_over
from kedro_airflow_k8s.image.store import Store


@pytest.fixture
def dataset(tmp_path):
    """A dataset `table` that the task `make-table` writes."""
    return IntermediateDataset("table", "make-table", Store(str(tmp_path / "store")))


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("value", [{"a": [1, None]}, "", 0, [], b"\0" * 70_000, 1j], ids=repr)
def test_an_object_comes_back_as_it_was(dataset, value):
    dataset.save(value)

    assert value == dataset.load()


def test_a_function_without_a_name_passes_by_cloudpickle(dataset):
    dataset.save(lambda number: number + 1)

    assert dataset.load()(1) == 2


def test_a_second_save_replaces_the_first(dataset, tmp_path):
    dataset.save("first")
    dataset.save("second")

    assert dataset.load() == "second"
    assert files(tmp_path) == ["table.pkl"]


def test_what_cannot_be_pickled_is_named_with_the_ways_out(dataset, tmp_path):
    with pytest.raises(DatasetError) as caught:
        dataset.save({"lock": threading.Lock()})

    assert str(caught.value) == (
        "the intermediate dataset 'table' of task 'make-table' is a builtins.dict, which cannot be pickled"
        " (TypeError: cannot pickle '_thread.lock' object) and so cannot pass to another pod; make it in the node"
        " that uses it, or give it an entry in the catalog"
    )
    assert files(tmp_path) == []


def test_cloudpickle_is_named_as_a_remedy_where_it_is_missing(dataset, monkeypatch):
    monkeypatch.setattr(intermediate, "_cloudpickle", lambda: None)

    with pytest.raises(DatasetError, match=r"to another pod; install cloudpickle in the image, make it in the"):
        dataset.save(lambda: None)


def test_an_object_whose_pickling_breaks_off_leaves_the_one_before(dataset, tmp_path):
    dataset.save("before")

    with pytest.raises(DatasetError):
        dataset.save([b"\0" * 1_000_000, threading.Lock()])

    assert dataset.load() == "before"
    assert files(tmp_path) == ["table.pkl"]


def test_a_reader_without_an_object_names_the_task_that_writes_it(dataset, tmp_path):
    with pytest.raises(DatasetError) as caught:
        dataset.load()

    assert str(caught.value) == (
        f"the intermediate dataset 'table' is not in {tmp_path / 'store'}: the task 'make-table' writes it, and has"
        " not done so in this run, or it was removed at the end of the run; clear that task in Airflow, and what is"
        " downstream of it"
    )


def test_it_exists_once_it_is_written(dataset):
    before = dataset.exists()
    dataset.save(1)

    assert (before, dataset.exists()) == (False, True)


def test_a_store_that_refuses_is_named_with_the_key_to_look_at(tmp_path):
    store = tmp_path / "store"
    store.write_text("a file where the folder should be")

    with pytest.raises(DatasetError) as caught:
        IntermediateDataset("table", "make-table", Store(str(store))).save(1)

    assert str(caught.value) == (
        f"the intermediate dataset 'table' cannot be written in {store}: FileExistsError: [Errno 17] File exists:"
        f" '{store}'; check run_config.intermediate_data.store, and its credentials or those of the pod"
    )


def test_every_transcoding_of_a_dataset_is_one_file():
    assert file_name("table@pandas") == file_name("table@spark") == "table.pkl"


def test_any_name_gets_a_file_of_its_own(tmp_path):
    names = ["a/b", "a_b", "a b", "ä", "..", ".hidden", "hidden", "x" * 400, "x" * 401, "a:b"]

    for name in names:
        IntermediateDataset(name, "task", Store(str(tmp_path))).save(name)

    assert names == [IntermediateDataset(name, "task", Store(str(tmp_path))).load() for name in names]
    assert all(len(file) < 255 and not file.startswith(".") for file in files(tmp_path))


def test_a_catalog_hands_over_what_it_would_keep_in_memory(tmp_path):
    """Undeclared datasets and those declared as memory datasets; not what a hook of the project keeps elsewhere."""

    class Kept(MemoryDataset):
        """Like a dataset that a hook of the project has added."""

        def __init__(self) -> None:
            super().__init__()
            self._EPHEMERAL = False

    catalog = DataCatalog({"declared": MemoryDataset(), "kept": Kept()})
    datasets = {"undeclared": "one", "declared": "two", "kept": "three"}

    hand_over(catalog, {}, {STORE: str(tmp_path), INTERMEDIATE_DATASETS: json.dumps(datasets)})

    for name in datasets:
        catalog.save(name, name)
    assert files(tmp_path) == ["declared.pkl", "undeclared.pkl"]
    assert pickle.loads((tmp_path / "declared.pkl").read_bytes()) == "declared"


def test_the_store_logs_in_with_an_entry_of_the_credentials(tmp_path):
    environment = {STORE: "s3://bucket/run", STORE_CREDENTIALS: "minio"}

    assert intermediate.store({"minio": {"key": "x"}}, environment) == Store("s3://bucket/run", {"key": "x"})
    assert "x" not in str(intermediate.store({"minio": {"key": "x"}}, environment)).replace("s3://bucket/run", "")


def test_credentials_that_the_image_lacks_are_named():
    with pytest.raises(DatasetError) as caught:
        intermediate.store({}, {STORE: "s3://bucket/run", STORE_CREDENTIALS: "minio"})

    assert str(caught.value) == (
        "the project's credentials have no entry 'minio', which run_config.intermediate_data.credentials names for"
        " s3://bucket/run; is credentials.yml in the image, or mounted by run_config.secrets?"
    )


def test_the_folder_of_a_run_is_removed_once_and_for_all(tmp_path, capsys):
    IntermediateDataset("table", "make-table", Store(str(tmp_path / "run"))).save(1)
    environment = {STORE: str(tmp_path / "run")}

    assert (clean.main("local", environment), clean.main("local", environment)) == (None, None)

    assert not (tmp_path / "run").exists()
    assert capsys.readouterr().out.splitlines() == [
        f"Removed intermediate data in {tmp_path / 'run'}",
        f"There is no intermediate data in {tmp_path / 'run'}",
    ]


def test_a_store_that_is_away_is_asked_again(tmp_path, monkeypatch):
    """A server that is busy or restarts costs no run."""
    answers = iter([ConnectionRefusedError(), TimeoutError()])
    monkeypatch.setattr(store_module.time, "sleep", lambda seconds: None)
    real = Store._located

    def flaky(self, name):
        for error in answers:
            raise error
        return real(self, name)

    monkeypatch.setattr(Store, "_located", flaky)
    dataset = IntermediateDataset("table", "make-table", Store(str(tmp_path)))

    dataset.save(1)

    assert dataset.load() == 1


def test_a_store_that_stays_away_is_an_error_that_says_how(tmp_path, monkeypatch):
    def away(self, name):
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(store_module, "PATIENCE", 0)
    monkeypatch.setattr(Store, "_located", away)

    with pytest.raises(DatasetError, match=r"cannot be read in s3://b: ConnectionRefusedError: .*Connection refused"):
        IntermediateDataset("table", "make-table", Store("s3://b")).load()
