"""Write a synthetic Kedro project of any size, to measure what the plugin costs.

    python bench_project.py OUT N_NODES N_DATASETS [--tagged]

Run it with the Python whose Kedro shall open the project: that version goes into its pyproject.toml. The nodes form
layers: `node_i` reads what the nodes i-1 and i//2 wrote. Of its datasets `ds_0`, `ds_1` ... the first N_DATASETS are in
the catalog, so fewer datasets than nodes leave some in memory, and more are there for the loader alone. With --tagged
every node asks for the resources `large`.
"""

import argparse
import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

# A dataset is 10 YAML nodes; OmegaConf 2.4 refuses to load more than 10,000 from one file.
DATASETS_PER_FILE = 500

PYPROJECT = """\
[tool.kedro]
package_name = "bench"
project_name = "Bench"
kedro_init_version = "{kedro}"
source_dir = "src"
"""

REGISTRY = """\
from kedro.pipeline import Pipeline

from bench.layers import create_pipeline


def register_pipelines() -> dict[str, Pipeline]:
    return {"__default__": create_pipeline()}
"""

LAYERS = """\
from kedro.pipeline import Pipeline, node

NODES = {nodes}


def add(options, *tables):
    total = tables[0] + options["step"]
    for table in tables[1:]:
        total = (total + table) % 1000
    return total


def inputs(i):
    tables = sorted({{f"ds_{{i - 1}}", f"ds_{{i // 2}}"}}) if i else ["ds_raw"]
    return ["params:model_options", *tables]


def create_pipeline():
    return Pipeline([node(add, inputs(i), f"ds_{{i}}", name=f"node_{{i}}", tags={tags}) for i in range(NODES)])
"""

PARAMETERS = """\
model_options:
  step: 1
"""

AIRFLOW_K8S = """\
host: http://localhost:8080
output: dags
run_config:
  image: registry.example.com/bench:latest
  namespace: airflow
  experiment_name: Bench
  run_name: bench
  cron_expression: "@daily"
  start_date: "20260101"
  description: A synthetic pipeline
  volume:
    size: 1Gi
  resources:
    __default__:
      requests: {cpu: 500m, memory: 256Mi}
      limits: {memory: 1Gi}
    large:
      labels: {team: tables}
      requests: {memory: 8Gi}
      limits: {memory: 16Gi}
      node_selectors: {pool: large}
"""

DATASET = """\
{name}:
  type: pandas.CSVDataset
  filepath: data/{name}.csv
  save_args:
    index: false
"""


def files(nodes: int, datasets: int, kedro: str, tags: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the path of each file of the project, and its text."""
    yield "pyproject.toml", PYPROJECT.format(kedro=kedro)
    yield ".telemetry", "consent: false\n"
    yield "conf/local/.gitkeep", ""
    yield "conf/base/airflow-k8s.yaml", AIRFLOW_K8S
    yield "conf/base/parameters.yml", PARAMETERS
    yield "conf/base/catalog.yml", DATASET.format(name="ds_raw")
    for start in range(0, datasets, DATASETS_PER_FILE):
        numbers = range(start, min(start + DATASETS_PER_FILE, datasets))
        yield f"conf/base/catalog_{start}.yml", "".join(DATASET.format(name=f"ds_{i}") for i in numbers)
    yield "data/ds_raw.csv", "value\n1\n2\n3\n"
    yield "src/bench/__init__.py", ""
    yield "src/bench/settings.py", ""
    yield "src/bench/pipeline_registry.py", REGISTRY
    yield "src/bench/layers.py", LAYERS.format(nodes=nodes, tags=tags)


def write_project(folder: Path, nodes: int, datasets: int, *, tagged: bool = False) -> None:
    """Write the project into a folder that is empty or does not exist; raise FileExistsError for any other."""
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty; name a folder that is, or none at all")
    for path, text in files(nodes, datasets, importlib.metadata.version("kedro"), ["resources.large"] * tagged):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write a synthetic Kedro project of any size.")
    parser.add_argument("folder", metavar="OUT", type=Path)
    parser.add_argument("nodes", metavar="N_NODES", type=int)
    parser.add_argument("datasets", metavar="N_DATASETS", type=int)
    parser.add_argument("--tagged", action="store_true")
    write_project(**vars(parser.parse_args()))
