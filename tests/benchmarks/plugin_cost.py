"""What the plugin costs beside Kedro: `python tests/benchmarks/plugin_cost.py` in an environment that has both."""

import shutil
import sys
import tempfile
from pathlib import Path

from bench_project import write_project
from compare import compare

# A command of the project's own that only loads what `compile` loads: what Kedro itself costs.
FLOOR = """
import click


@click.group()
def cli():
    pass


@cli.command()
@click.pass_obj
def floor(metadata):
    from kedro.framework.project import pipelines, settings

    conf = str(metadata.project_path / "conf")
    loader = settings.CONFIG_LOADER_CLASS(conf_source=conf, env="local", **settings.CONFIG_LOADER_ARGS)
    loader["catalog"]
    len(pipelines["__default__"].nodes)
"""
# Kedro finds plugins by their entry points; without ours it is as if the plugin were not installed.
WITHOUT = """
import importlib.metadata
found = importlib.metadata.EntryPoints.select
def select(self, **wanted):
    return importlib.metadata.EntryPoints(e for e in found(self, **wanted) if e.name != "airflow-k8s")
importlib.metadata.EntryPoints.select = select
"""
# The hooks are looked for in all that is installed.
WITHOUT_HOOKS = """
import importlib.metadata
every = importlib.metadata.distributions
ours = "kedro_airflow_k8s-"
importlib.metadata.distributions = lambda **wanted: (one for one in every(**wanted) if ours not in str(one._path))
"""
RUN = """
import sys
from kedro.framework.cli.cli import main
sys.argv = ["kedro", "run", "--nodes=node_0"]
main()
"""
HELP = """
import sys
from kedro.framework.cli.cli import main
sys.argv = ["kedro", "--help"]
main()
"""


def main() -> None:
    """Print the ratios for `kedro --help`, `kedro run` and `compile`."""
    with tempfile.TemporaryDirectory() as folder:
        sizes = {}
        for nodes in (10, 100, 1000):
            project = Path(folder) / f"n{nodes}"
            write_project(project, nodes, nodes)
            (project / "src/bench/cli.py").write_text(FLOOR, encoding="utf-8")
            sizes[nodes] = project
        python = [sys.executable, "-W", "ignore", "-c"]
        plain = {"PYTHONDONTWRITEBYTECODE": ""}
        compare("kedro --help", [*python, HELP], [*python, WITHOUT + HELP], cwd=sizes[10], **plain)
        for nodes, project in sizes.items():
            run, alone = [*python, RUN], [*python, WITHOUT_HOOKS + RUN]
            compare(f"kedro run of a node, {nodes} datasets", run, alone, cwd=project, **plain)
        referring = Path(folder) / "referring"
        shutil.copytree(sizes[1000], referring)
        for catalog in referring.glob("conf/base/catalog*"):
            text = catalog.read_text(encoding="utf-8")
            catalog.write_text(text.replace("filepath: data/", "filepath: ${root|data}/"), encoding="utf-8")
        plainly = f"import os; os.chdir({str(sizes[1000])!r})"
        compare("the same, 1000 references / none", [*python, RUN], [*python, plainly + RUN], cwd=referring, **plain)
        for nodes, project in sizes.items():
            kedro = [sys.executable, "-W", "ignore", "-m", "kedro"]
            compile_ = [*kedro, "airflow-k8s", "compile", "-t", "out"]
            compare(f"compile, {nodes} nodes / Kedro's load", compile_, [*kedro, "floor"], cwd=project, **plain)


if __name__ == "__main__":
    main()
