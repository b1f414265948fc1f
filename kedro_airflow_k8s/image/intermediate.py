"""Hands intermediate data from one pod to the next: a store takes what the catalog would keep in memory."""

from __future__ import annotations

import hashlib
import importlib
import json
import pickle
import re
from collections.abc import Callable, Mapping
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from kedro_airflow_k8s.contract import INTERMEDIATE_DATASETS, STORE, STORE_CREDENTIALS
from kedro_airflow_k8s.image.store import Store, StoreError

_PROTOCOL = 5
_NAME_LENGTH = 200


class IntermediateDataset(AbstractDataset[Any, Any]):
    """A Python object in a file of the run's store, pickled; `producer` is the task that writes it."""

    def __init__(self, name: str, producer: str, store: Store) -> None:
        self._name = name
        self._producer = producer
        self._store = store

    def load(self) -> Any:
        """Return the object. Raises `DatasetError` if its producer has written none in this run."""
        try:
            # Only the pods of this run write here.
            return self._store.read(file_name(self._name), pickle.load)
        except FileNotFoundError:
            raise DatasetError(
                f"the intermediate dataset {self._name!r} is not in {self._store.folder}: the task"
                f" {self._producer!r} writes it, and has not done so in this run, or it was removed at the end of the"
                " run; clear that task in Airflow, and what is downstream of it"
            ) from None
        except StoreError as error:
            raise self._unreachable("read", error) from error

    def save(self, data: Any) -> None:
        """Write the object, whole or not at all. Raises `DatasetError` if it cannot be pickled."""
        try:
            try:
                self._write(data, pickle.dump)
            except _Unpicklable as error:
                dump = _cloudpickle()
                if dump is None:
                    raise self._unpicklable(data, error, "install cloudpickle in the image, ") from error
                self._write(data, dump)
        except _Unpicklable as error:
            raise self._unpicklable(data, error, "") from error
        except OSError as error:
            raise self._unreachable("written", error) from error

    def _write(self, data: Any, dump: Callable[..., None]) -> None:
        def dumping(file: Any) -> None:
            stream = _Stream(file)
            try:
                dump(data, stream, protocol=_PROTOCOL)
            except Exception as error:
                if stream.failure is not None:
                    raise stream.failure from None
                raise _Unpicklable(f"{type(error).__name__}: {error}") from error

        self._store.write(file_name(self._name), dumping)

    def _exists(self) -> bool:
        return self._store.has(file_name(self._name))

    def _describe(self) -> dict[str, Any]:
        return {"name": self._name, "folder": self._store.folder}

    def _unreachable(self, done: str, error: Exception) -> DatasetError:
        return DatasetError(
            f"the intermediate dataset {self._name!r} cannot be {done} in {self._store.folder}: {error}; check"
            " run_config.intermediate_data.store, and its credentials or those of the pod"
        )

    def _unpicklable(self, data: Any, error: Exception, remedy: str) -> DatasetError:
        kind = f"{type(data).__module__}.{type(data).__qualname__}"
        return DatasetError(
            f"the intermediate dataset {self._name!r} of task {self._producer!r} is a {kind}, which cannot be pickled"
            f" ({error}) and so cannot pass to another pod; {remedy}make it in the node that uses it, or give it an"
            " entry in the catalog"
        )


def hand_over(catalog: Any, credentials: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Have the catalog keep intermediate datasets in the run's store, as the pod's environment names them.

    A dataset that the project itself keeps somewhere by now stays there. Raises `DatasetError` for a store whose
    credentials the project lacks.
    """
    run_store = store(credentials, environment)
    for name, producer in json.loads(environment[INTERMEDIATE_DATASETS]).items():
        # A hook of the project may have added it after the catalog's files were read.
        found = _found(catalog, name)
        if found is None or getattr(found, "_EPHEMERAL", False):
            dataset = IntermediateDataset(name, producer, run_store)
            if hasattr(catalog, "__setitem__"):
                catalog[name] = dataset
            else:  # Kedro 0.19
                catalog.add(name, dataset, replace=found is not None)


def store(credentials: Mapping[str, Any], environment: Mapping[str, str]) -> Store:
    """Return the run's store as the pod's environment names it. Raises `DatasetError` if it names no credentials."""
    entry = environment.get(STORE_CREDENTIALS)
    if not entry:
        return Store(environment[STORE])
    if not isinstance(credentials.get(entry), Mapping):
        raise DatasetError(
            f"the project's credentials have no entry {entry!r}, which run_config.intermediate_data.credentials names"
            f" for {environment[STORE]}; is credentials.yml in the image, or mounted by run_config.secrets?"
        )
    return Store(environment[STORE], credentials[entry])


def file_name(dataset: str) -> str:
    """Return the name of a dataset's file: the same for every transcoding, never that of another dataset."""
    name = dataset.partition("@")[0]
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", name).lstrip(".")[:_NAME_LENGTH]
    if plain != name:
        plain = f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
    return f"{plain}.pkl"


def _found(catalog: Any, name: str) -> Any:
    if name not in catalog:
        return None
    # Kedro 0.19 has no public way.
    return catalog.get(name) if hasattr(catalog, "get") else catalog._get_dataset(name)


class _Unpicklable(Exception):
    """The object cannot be pickled; the text says why."""


class _Stream:
    """Passes on what a pickler writes, and remembers if it was the file that failed rather than the pickler."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.failure: Exception | None = None

    def write(self, data: Any) -> int:
        """Write to the file."""
        try:
            return int(self._file.write(data))
        except Exception as error:
            self.failure = error
            raise


def _cloudpickle() -> Callable[..., None] | None:
    try:
        module: Any = importlib.import_module("cloudpickle")
    except ImportError:
        return None
    dump: Callable[..., None] = module.dump
    return dump
