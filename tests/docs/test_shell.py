"""The commands of the pages are run, in order, in the project that the quickstart makes."""

import re
import shlex

import click
import pytest

from kedro_airflow_k8s.cli import airflow_k8s
from tests.docs import shell
from tests.docs.pages import BLOCKS, PAGES, ROOT, of, read

# What is not to be had here.
ELSEWHERE = ("airflow", "run", "sandbox")
README = [block for block in read(ROOT / "README.md") if block.language == "sh"]
COMPILE = "\nkedro airflow-k8s compile\n"


def commands(text):
    """Return the plugin's commands in a shell block, each as the words after `kedro airflow-k8s`."""
    lines = text.replace("\\\n", " ").splitlines()
    found = (re.search(r"(?:^|[;&(] *|\b[A-Z_]+=\S+ )kedro airflow-k8s (.+)", line) for line in lines)
    return [shlex.split(match[1], comments=True) for match in found if match]


def parse(words):
    """Read a command line as the plugin does, and do nothing. Raises `click.UsageError`."""
    (place, *_) = [number for number, word in enumerate(words) if word in airflow_k8s.commands] or [0]
    if words[place] not in airflow_k8s.commands:
        raise click.UsageError(f"no command of the plugin in {words}")
    with airflow_k8s.make_context("airflow-k8s", words[: place + 1]) as group:
        airflow_k8s.commands[words[place]].make_context(words[place], words[place + 1 :], parent=group)


def test_the_quickstart_compiles(quickstart):
    """What a reader without an Airflow does in the quickstart ends with a DAG and an image's recipe."""
    assert (quickstart / "dags/price-model.py").exists()
    assert (quickstart / "Dockerfile").exists()
    assert (quickstart / "data/08_reporting/report.json").exists()


@pytest.mark.parametrize(
    "page",
    [
        name
        for name, blocks in PAGES.items()
        if name != "quickstart.md" and any(block.caption or block.language == "sh" for block in blocks)
    ],
)
def test_the_commands_of_a_page_work(page, project, tmp_path):
    """A page's commands end well, and with its files the project compiles still."""
    end = COMPILE if any(block.caption for block in PAGES[page]) else ""

    done = shell.run(PAGES[page], project, tmp_path / "home", without=ELSEWHERE, end=end)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", [*of("sh"), *README], ids=str)
def test_the_plugins_commands_are_used_rightly(block):
    """Every command of the plugin on a page, those that need an Airflow among them, has only options that it takes."""
    for words in commands(block.text):
        parse(words)


def test_what_is_not_run_here_is_run_with_an_airflow():
    """A command that needs an Airflow is at least parsed, by the test above; tests/e2e/test_docs.py runs it."""
    needs = {block.marks["needs"] for block in BLOCKS if "needs" in block.marks}

    assert {*ELSEWHERE} == needs


def test_every_stub_is_used():
    """The list of what is not run has nothing on it that no page needs."""
    used = {name.strip() for block in BLOCKS for name in block.marks.get("stub", "").split(",")}

    assert {*shell.STUBS} - {"xdg-open"} == used - {""}


def test_an_unlisted_command_fails(tmp_path):
    """A command that is neither run nor listed fails; so does a listed one where the block does not say so."""
    (block, *_) = of("sh")
    for text in ("no-such-command --at all", "docker push image"):
        done = shell.run([type(block)("page.md", 1, "sh", text)], tmp_path, tmp_path / "home")

        assert done.returncode in {99, 127}


def test_usage_of_a_command_is_checked():
    """An option that a command has not is noticed."""
    (words,) = commands("X=1 kedro airflow-k8s compile --no-such-option")

    with pytest.raises(click.UsageError):
        parse(words)
