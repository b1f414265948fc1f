"""What Kedro's config loader reads in a process that has the plugin's hooks."""

import copy
import subprocess
import sys

import pytest
from kedro.config import OmegaConfigLoader
from kedro.framework.project import settings
from omegaconf.errors import InterpolationKeyError

from kedro_airflow_k8s.image import loader

loader.install()


@pytest.fixture
def conf(tmp_path, monkeypatch):
    """Return a function that writes a file of the environment `base`."""
    monkeypatch.setenv("KEDRO_CONFIG_SET", "value")
    (tmp_path / "local").mkdir()

    def write(name, content):
        (tmp_path / "base").mkdir(exist_ok=True)
        (tmp_path / "base" / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path

    return write


def load(conf_source, kind="parameters", loader_class=OmegaConfigLoader, **arguments):
    loader = loader_class(str(conf_source), base_env="base", default_run_env="local", **arguments)
    return loader[kind]


def test_any_kind_of_configuration_may_refer_to_variables(conf):
    """That of another plugin, too, whenever it is read."""
    folder = conf("mlflow.yml", "server: {uri: 'http://${set}/${other|x}'}")

    assert load(folder, "mlflow", config_patterns={"mlflow": ["mlflow*"]}) == {"server": {"uri": "http://value/x"}}


def test_a_default_comes_before_a_key_of_the_same_name(conf):
    """A reference without a default is that key where no variable is set; one with a default never is."""
    folder = conf("parameters.yml", "own: mine\nkey: ${own}\ndefault: ${own|other}\nset: mine\nvariable: ${set}")

    assert {"own": "mine", "key": "mine", "default": "other", "set": "mine", "variable": "value"} == load(folder)


def test_a_loader_derived_from_kedros_reads_variables(conf):
    """A project that adds something to the loader keeps the variables."""

    class Loader(OmegaConfigLoader):
        def __getitem__(self, key):
            return {"own": True, **super().__getitem__(key)}

    assert load(conf("parameters.yml", "a: ${set|x}"), loader_class=Loader) == {"own": True, "a": "value"}


def test_json_files_may_refer_to_variables(conf):
    """Their text is YAML, too."""
    assert load(conf("parameters.json", '{"a": "${set}", "b": ["${no|\\u00e9}"]}')) == {"a": "value", "b": ["é"]}


def test_a_mark_of_the_byte_order_is_no_part_of_the_text(conf):
    """Editors of Windows write one."""
    assert load(conf("parameters.yml", "\ufeffa: ${no|1}\nb: 2\nc: '${set}'\n")) == {"a": "1", "b": 2, "c": "value"}


@pytest.mark.parametrize("kind", ["credentials", "parameters", "catalog"])
@pytest.mark.parametrize(
    "secret",
    [
        "Zz${sekret}w",
        "p${w",
        "${w}",
        r"a\${oc.env:HOME}b",
        r"a\\${b}\\",
        "${oc.env:HOME}",
        r"$\{",
        "\\",
        "}${ '\"\n${${",
    ],
)
def test_a_value_is_resolved_once_in_every_kind(conf, monkeypatch, kind, secret):
    """Kedro resolves credentials twice, and a password may look like an interpolation."""
    monkeypatch.setenv("KEDRO_CONFIG_P", secret)
    folder = conf(
        f"{kind}.yml", "c:\n  a: ${p}\n  b: x-${p|y}${p}\n  d: ${no|${p}}\n  e: ${no|-${p}-${p}}\n  f: ${.a}-${c.a}"
    )

    assert load(folder, kind)["c"] == {
        "a": secret,
        "b": f"x-{secret}{secret}",
        "d": secret,
        "e": f"-{secret}-{secret}",
        "f": f"{secret}-{secret}",
    }


@pytest.mark.parametrize("kind", ["credentials", "parameters"])
def test_a_default_is_resolved_once_in_every_kind(conf, kind):
    """What is escaped in a default stays text, and a default keeps its type."""
    folder = conf(f"{kind}.yml", "c: {a: 'x${no|y\\${b}z}', n: 5, d: '${no|${.n}}', e: '${no|${set}/${.n}}'}")

    assert load(folder, kind)["c"] == {"a": "xy${b}z", "n": 5, "d": 5, "e": "value/5"}


def test_a_loader_can_be_copied(conf):
    """The copy reads as the original does."""
    folder = conf("parameters.yml", "a: ${set}")
    loader = OmegaConfigLoader(str(folder), base_env="base", default_run_env="local")

    assert copy.deepcopy(loader)["parameters"] == copy.copy(loader)["parameters"] == {"a": "value"}


def test_a_file_that_is_no_text_is_kedros_to_complain_about(conf):
    """The plugin changes nothing about it."""
    with pytest.raises(UnicodeDecodeError):
        load(conf("parameters.yml", b"a: \xff ${set}"))


@pytest.mark.parametrize("reference", ["${section.no}", "${.no}", "${list[7]}"])
def test_other_missing_keys_are_omegaconfs_to_complain_about(conf, reference):
    """Only a plain name could be a variable."""
    with pytest.raises(Exception, match=r"no|7") as caught:
        load(conf("parameters.yml", f"section: {{a: '{reference}'}}\nlist: []"))

    assert not isinstance(caught.value, loader.MissingVariable)


def test_a_missing_name_is_still_omegaconfs_kind_of_error(conf):
    """Who catches that of OmegaConf catches it; all places of the name are told."""
    folder = conf("parameters.yml", "a: x\nb: [1, '${no}']\nc: ${no}")

    with pytest.raises(InterpolationKeyError) as caught:
        load(folder)

    assert str(caught.value) == (
        f"{folder.name}/base/parameters.yml, line 2, 3: b[1]: ${{no}} is neither a key of this configuration nor a "
        "variable; set KEDRO_CONFIG_NO for ${no}, or write a default, ${no|...}"
    )


@pytest.mark.parametrize("name", ["commit-id|1", "a.b|1", "a.b|x.y"])
def test_a_name_that_no_variable_can_have_is_said(conf, name):
    """Whoever writes a default means a variable."""
    folder = conf("parameters.yml", f"z: x\nb: ${{{name}}}")

    with pytest.raises(loader.MissingVariable) as caught:
        load(folder)

    assert str(caught.value) == (
        f"{folder.name}/base/parameters.yml, line 2: b: ${{{name}}}: only letters, digits and _ make the name of a"
        " variable, as in ${name|default}"
    )


def test_hooks_that_are_disabled_change_nothing(conf, monkeypatch):
    """As with any plugin of Kedro, by the name of its distribution."""
    monkeypatch.setattr(type(settings), "DISABLE_HOOKS_FOR_PLUGINS", ("kedro-airflow-k8s",), raising=False)

    with pytest.raises(InterpolationKeyError) as caught:
        load(conf("parameters.yml", "a: ${set|x}"))

    assert not isinstance(caught.value, loader.MissingVariable)


def test_the_hooks_bring_nothing_along():
    """Each `kedro run` imports them, so they need only what Kedro has imported anyway."""
    code = (
        "import sys, kedro.config, kedro.framework.session, kedro.framework.project; before = set(sys.modules);"
        "import kedro_airflow_k8s.image.hooks; print(*sorted(set(sys.modules) - before))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1].split() == [
        "kedro_airflow_k8s",
        "kedro_airflow_k8s.contract",
        "kedro_airflow_k8s.image",
        "kedro_airflow_k8s.image.hooks",
        "kedro_airflow_k8s.image.loader",
        "kedro_airflow_k8s.image.variables",
    ]
