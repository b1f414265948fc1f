"""Loading real Kedro projects."""

import functools
import subprocess
from datetime import datetime, timezone
from functools import partial
from pathlib import Path, PurePosixPath

import pytest

from kedro_airflow_k8s.errors import ConfigError, ProjectError
from kedro_airflow_k8s.project import Node, load, sandbox_source, source
from kedro_airflow_k8s.project.configuration import read
from kedro_airflow_k8s.project.docker import workdir
from kedro_airflow_k8s.project.functions import differ
from kedro_airflow_k8s.project.git import commit
from kedro_airflow_k8s.project.pipelines import _check_names
from tests.unit.conftest import PIPELINES

# What git looks at in a project.
PARTS = [Path("src/demo"), Path("conf"), Path("pyproject.toml")]

COMPOSED = """
from kedro.pipeline import node, pipeline
from kedro.framework.project import find_pipelines


def register_pipelines():
    pipelines = find_pipelines({arguments})
    pipelines["composed"] = pipelines["a"] + pipelines["b"]
    pipelines["__default__"] = {default}
    return pipelines
"""

PART = """
from kedro.pipeline import node, pipeline


def create_pipeline():
    return pipeline([node(lambda x: x, "in_{name}", "out_{name}", name="{name}")])
"""


def bootstrap(project):
    from kedro.framework.startup import bootstrap_project

    return bootstrap_project(project.path)


def with_parts(kedro_project, default, arguments=""):
    project = kedro_project(COMPOSED.format(default=default, arguments=arguments))
    project.write(f"src/{project.package}/pipelines/__init__.py", "")
    for name in "ab":
        project.write(f"src/{project.package}/pipelines/{name}/__init__.py", PART.format(name=name))
    return project


def test_nodes_come_with_tags_and_parents(kedro_project):
    """Nodes are in the order of the pipeline, with what they depend on."""
    loaded = load(bootstrap(kedro_project()), "local", "__default__")

    one = Node("one", ("resources.large",), (), ("raw",), ("clean",))
    assert loaded.nodes == (one, Node("two", (), ("one",), ("clean",), ("model",)))


def unknown(project):
    """Return the datasets that the catalog does not have."""
    return {name for name, dataset in project.datasets.items() if not dataset.known}


def test_a_dataset_that_nothing_makes_is_found(kedro_project):
    """It is no parameter, no node writes it, and the catalog does not have it, not even as one that a hook fills."""
    project = kedro_project()
    project.write("conf/base/catalog.yml", "")
    without = load(bootstrap(project), "local", "__default__")
    assert unknown(without) == {"raw", "clean", "model"}
    for entry in ("raw: {type: text.TextDataset, filepath: data/raw.txt}", "raw: {type: MemoryDataset}"):
        project.write("conf/base/catalog.yml", entry)
        assert "raw" not in unknown(load(bootstrap(project), "local", "__default__"))


def test_a_transcoded_dataset_is_a_dependency(kedro_project):
    """Nodes that share a dataset in two formats depend on each other although the names differ."""
    nodes = 'node(identity, "x", "t@pandas", name="w"), node(identity, "t@spark", "y", name="r")'
    pipelines = f"""
from kedro.pipeline import node, pipeline


def identity(x):
    return x


def register_pipelines():
    return {{"__default__": pipeline([{nodes}])}}
"""

    loaded = load(bootstrap(kedro_project(pipelines)), "local", "__default__")

    assert loaded.nodes[1] == Node("r", (), ("w",), ("t@spark",), ("y",))


def test_an_unknown_pipeline_is_an_error_that_lists_the_known(kedro_project):
    """A wrong name is answered with the right ones."""
    with pytest.raises(ProjectError, match=r"no pipeline 'nope' in this project; there are: __default__, empty, first"):
        load(bootstrap(kedro_project()), "local", "nope")


def test_an_empty_pipeline_is_an_error(kedro_project):
    """There is no DAG without nodes."""
    with pytest.raises(ProjectError, match="pipeline 'empty' has no nodes"):
        load(bootstrap(kedro_project()), "local", "empty")


@pytest.mark.parametrize("arguments", ["", "raise_errors=True"])
def test_a_pipeline_that_fails_to_import_is_an_error(kedro_project, arguments):
    """Kedro may only warn and go on with fewer nodes; a DAG without them would be worse than none."""
    project = with_parts(kedro_project, "pipelines['a']", arguments)
    project.write(f"src/{project.package}/pipelines/b/__init__.py", "import not_installed_here\n")

    with pytest.raises(ProjectError, match="not_installed_here"):
        load(bootstrap(project), "local", "__default__")


def test_other_warnings_are_passed_on(kedro_project):
    """A package of pipelines that makes none is no reason to stop, and Kedro says so."""
    project = with_parts(kedro_project, "pipelines['a']")
    project.write(f"src/{project.package}/pipelines/c/__init__.py", "")

    with pytest.warns(UserWarning, match="does not expose a 'create_pipeline' function"):
        load(bootstrap(project), "local", "__default__")


def test_a_circle_of_nodes_leads_to_the_project(kedro_project):
    """The line is not the one of the library that found it."""
    project = kedro_project(
        "from kedro.pipeline import node, pipeline\n\n\ndef register_pipelines():\n"
        "    one, two = node(lambda x: x, 'a', 'b', name='one'), node(lambda x: x, 'b', 'a', name='two')\n"
        "    return {'__default__': pipeline([one, two])}\n"
    )

    with pytest.raises(ProjectError, match=r"\(.*/pipeline_registry\.py, line 6\)$"):
        load(bootstrap(project), "local", "__default__")


def test_the_old_tag_of_resources_is_an_error_that_says_the_new_one(kedro_project):
    """Kedro refuses its colon; the line to change is the project's, not Kedro's."""
    project = kedro_project()
    registry = project.path / f"src/{project.package}/pipeline_registry.py"
    registry.write_text(registry.read_text().replace("resources.large", "resources:large"))

    said = r"The tag of resources is resources\.large since Kedro 0\.19 \(.*/pipeline_registry\.py, line \d+\)$"
    with pytest.raises(ProjectError, match=said):
        load(bootstrap(project), "local", "__default__")


@pytest.mark.parametrize("file", ["pipeline_registry.py", "pipelines/a/__init__.py"])
def test_a_filter_of_warnings_does_not_hide_a_pipeline_that_fails_to_import(kedro_project, file):
    """Data scientists like their notebooks quiet, and Kedro's warning is all that there is."""
    project = with_parts(kedro_project, "pipelines['a']")
    project.write(f"src/{project.package}/pipelines/b/__init__.py", "import not_installed_here\n")
    quiet = project.path / f"src/{project.package}/{file}"
    quiet.write_text(f"import warnings\n\nwarnings.filterwarnings('ignore')\n{quiet.read_text()}")

    with pytest.raises(ProjectError, match=r"pipelines\.b cannot be imported: .*not_installed_here"):
        load(bootstrap(project), "local", "__default__")


def test_a_composed_pipeline_is_selected_as_a_whole(kedro_project):
    """Where --pipeline would not find a composed pipeline in the pod, the option is left out."""
    project = with_parts(kedro_project, "pipelines['a'] + pipelines['b']")

    loaded = load(bootstrap(project), "local", "composed")

    from kedro.framework.project import pipelines

    expected = () if hasattr(pipelines, "set_requested") else ("composed",)
    assert expected == loaded.selection


def test_a_pipeline_of_its_own_package_is_selected_by_name(kedro_project):
    """A pipeline that Kedro finds alone is loaded alone in the pod."""
    project = with_parts(kedro_project, "pipelines['a'] + pipelines['b']")
    registry = project.path / f"src/{project.package}/pipeline_registry.py"
    registry.write_text("from kedro.framework.project import find_pipelines as register_pipelines\n")

    assert load(bootstrap(project), "local", "a").selection == ("a",)


def selection(project, name, old):
    """Return the selection of a pipeline, or `old` where Kedro always loads all pipelines."""
    metadata = bootstrap(project)
    from kedro.framework.project import pipelines

    found = load(metadata, "local", name).selection
    return found if hasattr(pipelines, "set_requested") else (found == (name,) and old)


def test_a_composed_pipeline_is_named_before_the_default_one(kedro_project):
    """If its nodes are not all in __default__, naming that too makes Kedro load everything."""
    project = with_parts(kedro_project, "pipelines['a']")

    expected = ("composed", "__default__")
    assert expected == selection(project, "composed", expected)


def test_a_composed_pipeline_is_named_with_its_parts_where_the_default_one_gets_in_the_way(kedro_project):
    """Here __default__ has another node that writes the same dataset, so the two cannot be added up."""
    project = with_parts(kedro_project, "pipeline([node(lambda x: x, 'in_a', 'out_a', name='other')])")

    expected = ("composed", "a", "b")
    assert expected == selection(project, "composed", expected)


def test_the_environment_lies_over_the_base_key_by_key(kedro_project):
    """An environment changes single keys of a section, and replaces lists."""
    project = kedro_project(config="run_config: {namespace: a, volume: {size: 1Gi, access_modes: [A, B]}}")
    project.write("conf/prod/airflow-k8s.yml", "run_config: {volume: {size: 9Gi, access_modes: [C]}}")

    found = source(bootstrap(project), "prod")

    assert found.content == {"run_config": {"namespace": "a", "volume": {"size": "9Gi", "access_modes": ["C"]}}}
    assert found.files == ("conf/base/airflow-k8s.yaml", "conf/prod/airflow-k8s.yml")


@pytest.mark.parametrize("base", ["", "secrets: {login: {USER: me}}\n"])
def test_an_escaped_reference_is_text(kedro_project, base):
    """It loses its backslash once, and is not parsed again as files of two environments are merged."""
    project = kedro_project()
    project.write("conf/base/airflow-k8s-sandbox.yaml", base)
    project.write("conf/local/airflow-k8s-sandbox.yaml", "secrets: {login: {PASSWORD: 'pa\\${ss', TAG: '\\${a}'}}\n")

    found = sandbox_source(bootstrap(project)).content["secrets"]["login"]

    assert {"USER": "me", "PASSWORD": "pa${ss", "TAG": "${a}"} == {"USER": "me", **found}
    assert ("USER" in found) == bool(base)


def test_a_missing_file_says_where_it_was_looked_for(kedro_project):
    """Without the file there is nothing to go by."""
    project = kedro_project()
    (project.path / "conf/base/airflow-k8s.yaml").unlink()

    with pytest.raises(ConfigError, match=r"no airflow-k8s.yaml in conf/local or conf/base"):
        source(bootstrap(project), "local")


def test_broken_yaml_is_an_error_with_file_and_line(kedro_project):
    """The parser's own words lead to the place."""
    project = kedro_project(config="host: x\nrun_config:\n  image: [1\n  namespace: y\n")

    with pytest.raises(ConfigError, match=r"conf/base/airflow-k8s\.yaml.* line 3"):
        source(bootstrap(project), "local")


def test_a_dataset_whose_name_begins_as_that_of_the_parameters_is_a_dataset(kedro_project):
    """Kedro's own rule: `parameters` as a whole, and what begins with `params:`."""
    project = kedro_project(PIPELINES.replace('"raw", "clean"', '"parameters_of_old", "clean"'))
    assert "parameters_of_old" in load(bootstrap(project), "local", "first").datasets
    for parameters in ("parameters", "params:a.b"):
        project = kedro_project(PIPELINES.replace('"raw"', f'"{parameters}"'))
        assert load(bootstrap(project), "local", "first").datasets.keys() == {"clean"}


OTHERS = """
from functools import partial

from kedro.framework.project import find_pipelines
from kedro.pipeline import node, pipeline


def train(x, trees=10):
    return trees


def register_pipelines():
    pipelines = find_pipelines(raise_errors=True)
    pipelines["whole"] = pipeline([node({whole}, "in_a", "out_a", name="a")])
    pipelines["__default__"] = pipeline([node({default}, "in_a", "out_a", name="a")])
    return pipelines
"""


@pytest.mark.parametrize(
    ("whole", "default", "same"),
    [
        ("partial(train, trees=40)", "partial(train, trees=40)", True),
        ("partial(train, trees=1)", "partial(train, trees=40)", False),
        ("lambda x: 1", "lambda x: 1", True),
        ("lambda x: 1", "lambda x: 2", False),
        ("train", "lambda x: 2", False),
    ],
)
def test_a_node_of_another_function_is_another_node(kedro_project, whole, default, same):
    """For Kedro nodes are equal by name, inputs and outputs; a pod would run the other function without a word."""
    project = kedro_project(OTHERS.format(whole=whole, default=default))
    project.write(f"src/{project.package}/pipelines/__init__.py", "")
    project.write(f"src/{project.package}/pipelines/x/__init__.py", PART.format(name="x"))

    if same:
        assert () == selection(project, "whole", ())
        return
    metadata = bootstrap(project)
    from kedro.framework.project import pipelines

    if hasattr(pipelines, "set_requested"):
        with pytest.raises(ProjectError, match=r"'whole' is composed in .* or with other functions; make 'whole' a"):
            load(metadata, "local", "whole")


def test_functions_that_are_plainly_not_the_same():
    """By their code, by the functions that they hold, or by plain values."""

    def held(value, other=lambda: 1):
        def inner(x):
            return value, other, x

        return inner

    def wrapped(function):
        return functools.wraps(function)(lambda *values: function(*values))

    def defaulted(value):
        def function(x, *, y=value):
            return x, y

        return function

    plain, another = len, print
    assert differ(plain, another)
    assert differ(held(1), held(2))
    assert differ(held(1, lambda: 1), held(1, lambda: 2))
    assert differ(wrapped(held(1)), wrapped(held(2)))
    assert differ(defaulted(1), defaulted(2))
    assert differ(lambda *a: a, lambda a: a)
    assert differ(lambda a: a == 1, lambda a: a is True)
    assert differ(partial(held, 1, lambda: 1), partial(held, 1, lambda: 2))
    assert differ(partial(held, value=1), partial(held, value=1.0))
    assert differ(Path("a").exists, Path("a").is_dir)


def test_functions_of_which_no_difference_can_be_told_are_the_same():
    """They were made anew with the pipeline, and hold what has no equality, or one that is no answer."""

    def make():
        def empty():
            return unset

        def own(x):
            return own, model, x

        model = {"model": object(), "fill": float("nan")}
        steps = [lambda x: x, object()]
        if steps is None:
            unset = 1
        return [
            empty,
            own,
            partial(own, model, steps=steps, when=datetime.now(), fill=float("nan")),
            functools.wraps(own)(lambda *values: own(*values)),
            Path("a").exists,
            [1].append,
            functools.lru_cache(own),
            type("Model", (), {"__call__": own})(),
        ]

    for one, other in zip(make(), make(), strict=True):
        assert not differ(one, other), one


def test_a_name_that_changes_with_the_process_is_refused():
    """Kedro 0.19 has the address of an object in the names that it makes; no pod would find such a node."""
    with pytest.raises(ProjectError, match="is called anew in each process; give it a name of its own"):
        _check_names((Node("<demo.Scale object at 0x7f5c875de350>([a]) -> [b]", named=False),))


def test_configuration_that_the_image_has_not_is_found(kedro_project):
    """Catalog, parameters and globals; credentials stay out of an image on purpose."""
    project = kedro_project()
    for name in ("catalog", "parameters_x", "globals", "credentials", ".ipynb_checkpoints/parameters-copy"):
        project.write(f"conf/local/{name}.yml", "a: {}")
    project.write("conf/local/parameters.yml", "# nothing yet\n\n")
    project.write(".dockerignore", "conf/local/*\n")

    found = load(bootstrap(project), "local", "__default__").absent

    assert found == ("conf/local/catalog.yml", "conf/local/parameters_x.yml", "conf/local/globals.yml")
    assert load(bootstrap(project), "base", "__default__").absent == ()


def test_an_unknown_environment_lists_the_known(kedro_project):
    """Kedro would only say that a path does not exist."""
    with pytest.raises(ConfigError, match=r"conf/prod: no such environment; there are: base, local"):
        source(bootstrap(kedro_project()), "prod")


def test_outside_git_there_is_no_commit(tmp_path, monkeypatch):
    """A project need not be in git."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    assert commit(tmp_path, PARTS) is None


def test_the_commit_is_read_from_git(tmp_path):
    """The commit and its date are those of HEAD."""
    when = "2024-03-01T23:30:00-05:00"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    env = {"GIT_COMMITTER_DATE": when, "PATH": __import__("os").environ["PATH"]}
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True, env=env)

    found = commit(tmp_path, PARTS)

    assert found.when == datetime(2024, 3, 2, 4, 30, tzinfo=timezone.utc)
    assert len(found.sha) == 40
    assert not found.changed


@pytest.mark.parametrize(
    ("file", "changed"),
    [("src/demo/nodes.py", True), ("conf/base/catalog.yml", True), ("pyproject.toml", True), ("dags/demo.py", False)],
)
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("others", ["normal", "no"])
def test_what_is_not_committed_is_told(tmp_path, file, changed, known, others):
    """Of the code and the configuration; the DAG file itself may be in git and must not depend on its former self."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "config", "status.showUntrackedFiles", others], check=True)
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    if known:
        (tmp_path / file).write_text("before")
        subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    (tmp_path / file).write_text("now")

    assert changed == commit(tmp_path, PARTS).changed


def test_a_commit_is_known_where_git_cannot_compare(tmp_path):
    """A damaged index takes away no more than the comparison."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    (tmp_path / ".git/index").write_text("no index")

    assert not commit(tmp_path, PARTS).changed


def test_no_program_of_a_repository_is_run(tmp_path):
    """Such as the one that watches its files for git."""
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "x"], check=True)
    subprocess.run([*git, "config", "core.fsmonitor", f"touch {tmp_path}/was-run; false"], check=True)

    assert commit(tmp_path, PARTS)
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [
        ("FROM python\nWORKDIR /home/kedro_docker\n", "/home/kedro_docker"),
        ("FROM a AS b\nWORKDIR /build\nFROM c\nWORKDIR /app\nworkdir sub\n", "/app/sub"),
        ("FROM a\nWORKDIR /x\nFROM b\n", None),
        ("FROM a AS base\nWORKDIR /x\nFROM --platform=linux/amd64 base\nWORKDIR \\\n  y\n", "/x/y"),
        ('FROM a\nWORKDIR "$HOME/x"\n', "/$HOME/x"),
        ("FROM a\n", None),
    ],
)
def test_the_project_lies_where_the_dockerfile_ends(tmp_path, dockerfile, expected):
    """The last WORKDIR of the last stage counts; a variable in it stays one."""
    (tmp_path / "Dockerfile").write_text(dockerfile)

    assert workdir(tmp_path) == (PurePosixPath(expected) if expected else None)


@pytest.mark.parametrize(
    ("argument", "expected"),
    [("name='one'", Node("one", (), (), ("a",), ("b",))), ("", None)],
)
def test_a_node_without_a_name_is_told_apart(kedro_project, argument, expected):
    """Kedro's own name for it is stable; the node is known not to be named."""
    pipelines = f"""
from kedro.pipeline import node, pipeline


def identity(x):
    return x


def register_pipelines():
    return {{"__default__": pipeline([node(identity, "a", "b", {argument})])}}
"""

    (node,) = load(bootstrap(kedro_project(pipelines)), "local", "__default__").nodes

    assert node.named == bool(expected)
    if expected:
        assert node == expected
    else:
        assert node.name.startswith("identity")


def test_a_name_that_kedro_run_would_split_is_an_error(kedro_project):
    """Kedro 0.19 names a node after its datasets; one with a lone bracket would run everything instead of it."""
    with pytest.raises(ProjectError, match="cannot select node"):
        _check_names((Node("f([a[]) -> [b]"),))
    _check_names((Node("f([a;b,c]) -> [d]"),))


LOADER = """
from kedro.config import AbstractConfigLoader


class Own(AbstractConfigLoader):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self["airflow-k8s"] = ANSWER


CONFIG_LOADER_CLASS = Own
"""


def test_a_kind_that_a_loader_does_not_know_is_not_there(kedro_project):
    """Kedro's abstract loader is a dict, and answers as one."""
    project = kedro_project()
    project.write(f"src/{project.package}/settings.py", LOADER.replace("ANSWER", "{'host': 'h'}"))
    metadata = bootstrap(project)

    assert source(metadata, "local").content == {"host": "h"}
    assert read(metadata, "local", "mlflow") is None


@pytest.mark.parametrize("answer", ["None", "[1]", "'text'"])
def test_a_loader_that_gives_no_mapping_is_an_error(kedro_project, answer):
    """The loader is the one to look at."""
    project = kedro_project()
    project.write(f"src/{project.package}/settings.py", LOADER.replace("ANSWER", answer))

    with pytest.raises(ConfigError, match=r"^Own\['airflow-k8s'\] should be a mapping, got (NoneType|list|str)$"):
        source(bootstrap(project), "local")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "globals.yml",
            "a: ${nope}",
            r"conf/base/globals\.yml, line 1: a: \$\{nope\} is neither a key .* set KEDRO_CONFIG_NOPE",
        ),
        ("globals.yml", "a: [", r"OmegaConfigLoader cannot read conf: "),
        ("catalog.yml", "a: {type: ${nope|x} }", r"conf/base/catalog\.yml: .* put \$\{\.\.\.\} in quotes"),
        ("catalog.yml", "a: {type: x, y: '${nope}'}", r"conf/base/catalog\.yml, line 1: a\.y: \$\{nope\} is neither"),
    ],
)
def test_a_mistake_in_what_is_read_along_is_an_error_that_leads_to_it(kedro_project, name, content, said):
    """The catalog and globals.yml are read, too."""
    project = kedro_project()
    project.write(f"conf/base/{name}", content)

    with pytest.raises(ConfigError, match=said):
        load(bootstrap(project), "local", "__default__")
