"""What the prose names is there: keys, options, messages, lines of the generated DAG; and links lead somewhere."""

import re
import subprocess
import sys
from urllib.parse import urlsplit

import click
import pytest
from markdown_it import MarkdownIt

from kedro_airflow_k8s.cli import airflow_k8s
from tests.docs import messages
from tests.docs.pages import DOCS, PAGES, ROOT

GOLDEN = ROOT / "tests/golden/spaceflights.py"
README = ROOT / "README.md"
FILES = [*sorted(DOCS.glob("*.md")), README, ROOT / ".github/CONTRIBUTING.md"]
# The package index shows the README, so its links to files of the repository are absolute.
REPOSITORY = re.compile(r"https://github\.com/getindata/kedro-airflow-k8s/(?:blob|tree)/main/")
# Options that are not the plugin's: of `kedro run` in a pod, of kedro-mlflow.
OTHERS = {"--nodes", "--params"}
# Keys of the old plugin that this one has not.
GONE = {
    "run_config.failure_handlers",
    "run_config.kubernetes_pod_templates",
    "run_config.spark",
    "run_config.startup_time",
}
# Where the page of errors quotes Kubernetes instead of the plugin.
FOREIGN = "What Kubernetes says"


def inline(file):
    """Return the pieces of code and the links in a page's prose."""
    tokens = [
        child
        for token in MarkdownIt().enable("table").parse(file.read_text(encoding="utf-8"))
        for child in token.children or ()
    ]
    return [token.content for token in tokens if token.type == "code_inline"], [
        token.attrs["href"] for token in tokens if token.type == "link_open"
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Return the folder of the pages as Sphinx builds them, from nothing, with each warning an error."""
    folder = tmp_path_factory.mktemp("html")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-n",
        "-E",
        "-q",
        "-d",
        folder / "trees",
        DOCS,
        folder / "html",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


def test_the_pages_are_built(built):
    """Sphinx has nothing to say: no page is out of reach, no internal link or anchor leads nowhere."""
    pages = {page.stem for page in DOCS.glob("*.md")}

    assert pages <= {page.stem for page in built.glob("*.html")}


@pytest.mark.parametrize("name", ["", *airflow_k8s.commands])
def test_every_command_is_in_the_reference(name):
    """The page of commands has each command with each of its options, wherever it is read."""
    page = (DOCS / "cli.md").read_text(encoding="utf-8")
    command = airflow_k8s.commands[name] if name else airflow_k8s
    options = {
        option for parameter in command.params if isinstance(parameter, click.Option) for option in parameter.opts
    }

    section = page.partition(f"\n## {name or 'Before the command'}\n")[2].partition("\n## ")[0]
    assert options == {*re.findall(r"--?[a-z][a-z-]*", "\n".join(re.findall(r"^\| `(.*?)` \|", section, re.MULTILINE)))}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_links_are_well_formed(file):
    """A link is to a file that is there, or an address; whether that answers, a job of its own finds out."""
    for link in inline(file)[1]:
        parts = urlsplit(link)
        if inside := REPOSITORY.match(link):
            assert (ROOT / link[inside.end() :].partition("#")[0]).exists(), link
        elif parts.scheme:
            assert parts.scheme == "https", link
            assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), link
        elif parts.path:
            assert (file.parent / parts.path).exists(), link


def test_the_readme_leads_to_the_pages():
    """Whoever reads the README finds the documentation."""
    linked = {REPOSITORY.sub("", link).partition("#")[0] for link in inline(README)[1]}

    assert {"docs/quickstart.md", "docs/configuration.md", "docs/troubleshooting.md"} <= linked


def test_the_readme_has_no_relative_links():
    """On the package index a relative link leads nowhere; a link within the page does."""
    assert [] == [link for link in inline(README)[1] if not link.startswith(("https://", "#"))]


def keys():
    """Return the dotted keys of the configuration, lists and maps as they are written in the reference."""
    reference = (DOCS / "configuration.md").read_text(encoding="utf-8")
    return {*re.findall(r"^\| `([^`]+)` \|", reference, re.MULTILINE)}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_keys_in_prose_exist(file):
    """A key of the configuration that a page names is in the reference."""
    named = {code.partition(":")[0] for code in inline(file)[0] if code.startswith("run_config.")}
    known = keys() | {re.sub(r"\[\]|\.<name>$", "", key) for key in keys()} | GONE
    known |= {f"{key}.<name>" for key in known} | {f"{key}[]" for key in known} | {f"{key}.*" for key in known}

    assert [] == sorted(named - known)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_options_in_prose_exist(file):
    """An option that a page names is one of the plugin's."""
    named = {re.match(r"--[a-z0-9-]+", code)[0] for code in inline(file)[0] if re.match(r"--[a-z]", code)}
    commands = [airflow_k8s, *airflow_k8s.commands.values()]
    known = {option for command in commands for parameter in command.params for option in parameter.opts}

    assert [] == sorted(named - known - OTHERS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_commands_in_prose_exist(file):
    """A command that a page names is one of the plugin's."""
    named = {code.split()[2] for code in inline(file)[0] if re.match(r"kedro airflow-k8s [a-z]", code)}

    assert [] == sorted(named - {*airflow_k8s.commands})


def headings():
    """Return the messages that the page of errors explains, without those of Kubernetes."""
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8").partition(f"## {FOREIGN}")[0]
    return [code.strip("` ") for code in re.findall(r"^### (`.+`)$", text, re.MULTILINE)]


@pytest.mark.parametrize("message", headings())
def test_messages_are_those_of_the_plugin(message):
    """A message that the page of errors explains is one that the plugin has."""
    assert any(messages.says(text, message) for text in messages.of(ROOT / "kedro_airflow_k8s"))


@pytest.mark.parametrize("package", ["airflow", "operators"])
def test_messages_from_elsewhere_are_explained(package):
    """What is said of Airflow, and in the tasks' logs, where nobody knows the plugin, is on the page of errors."""
    raised = messages.raised(ROOT / "kedro_airflow_k8s" / package)

    explained = {text for text in raised for message in headings() if messages.says(text, message)}

    assert [] == sorted(raised - explained)


def test_a_message_that_is_not_the_plugins_is_noticed():
    """The check above is not one that any text passes."""
    texts = messages.of(ROOT / "kedro_airflow_k8s")

    assert not any(messages.says(text, "no pipeline … in that project") for text in texts)


def test_the_generated_dag_is_explained_from_top_to_bottom():
    """The parts of the file that the page shows are, one after the other, the whole file."""
    blocks = [block for block in PAGES["generated-dag.md"] if block.marks.get("golden", "").startswith(GOLDEN.name)]

    # A part of a function stands on the page without the function's indentation.
    lines, shown = (
        [line.strip() for line in text.splitlines() if line.strip()]
        for text in (GOLDEN.read_text(encoding="utf-8"), "".join(block.text for block in blocks))
    )
    assert lines == shown


def test_the_code_of_the_generated_dag_is_generated():
    """No block of code on that page is written by hand."""
    assert [] == [str(block) for block in PAGES["generated-dag.md"] if "golden" not in block.marks]
