"""References to variables in the text of configuration files, as OmegaConf reads them."""

import io
import warnings

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from omegaconf.errors import InterpolationKeyError

from kedro_airflow_k8s.image import variables

ODD = "a ${oc.env:HOME} ${b|c} \\${d} {e} '\"\n# ż😀 "
NAMES = variables.given(
    {"KEDRO_CONFIG_SET": ODD, "KEDRO_CONFIG_EMPTY": "", "KEDRO_CONFIG_2ND_X": "2", "KEDRO_CONFIG_": "x", "HOME": "/"}
)


@pytest.fixture(scope="module", autouse=True)
def own_resolver():
    """Leave the resolver of the process as it was: other tests read files by the plugin's own."""
    yield
    OmegaConf.clear_resolver(variables.RESOLVER)


def load(text):
    """Return what OmegaConf reads, all of it resolved."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        OmegaConf.register_new_resolver(variables.RESOLVER, lambda *words: variables.value(NAMES, *words), replace=True)
    return OmegaConf.to_container(OmegaConf.load(io.StringIO(variables.translated(text, NAMES))), resolve=True)


def test_variables_go_by_their_lower_case_names():
    """The prefix goes; what has another one, or nothing after it, is none; capitals win over other letters."""
    found = variables.given(
        {"KEDRO_CONFIG_a_1": "x", "KEDRO_CONFIG_A_1": "y", "KEDRO_CONFIG_": "", "XKEDRO_CONFIG_B": ""}
    )

    assert found == {"a_1": "y"}


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "with a default": ("a: ${set|d}", {"a": ODD}),
        "bare": ("a: ${set}", {"a": ODD}),
        "in double quotes": ('a: "${set}"', {"a": ODD}),
        "in the middle": ("a: x-${2nd_x}.${2nd_x|y}-z", {"a": "x-2.2-z"}),
        "with spaces": ("a: ${ set | d }", {"a": ODD}),
        "in capitals": ("a: ${SET|d}", {"a": ODD}),
        "set to nothing": ("a: ${empty|d}", {"a": ""}),
        "in a block": ("a:\n- |\n  x ${2nd_x}\n  y\n- b", {"a": ["x 2\ny\n", "b"]}),
        "in a folded block": ("a: >-\n  x ${2nd_x}\n  y\nb: 1", {"a": "x 2 y", "b": 1}),
        "in a resolver": ("a: ${oc.decode:${2nd_x}}", {"a": 2}),
        "over a key of its name": ("set: ${set}\nb: ${set}", {"set": ODD, "b": ODD}),
    }.values(),
)
def test_a_variable_that_is_set_is_text_as_it_is(text, expected):
    """Nothing in it is YAML, nor OmegaConf's."""
    assert load(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "number": ("a: ${no|5}", "5"),
        "number in quotes": ('a: "${no|5}"', "5"),
        "empty": ("a: ${no|}", ""),
        "spaces around": ("a: ${no| x y }", "x y"),
        "address": ("a: ${no|http://x:1/y?z=1&q}", "http://x:1/y?z=1&q"),
        "colon and comment in quotes": ('a: "${no|x: y # z}"', "x: y # z"),
        "YAML's double quotes": ('a: "${no|\\u00e9\\"}"', 'é"'),
        "YAML's single quotes": ("a: '${no|it''s}'", "it's"),
        "braces": ("a: '${no|{\"k\": 1}}'", '{"k": 1}'),
        "what OmegaConf would read": ("a: ${no|null, [1}", "null, [1"),
        "a bar": ("a: ${no|x|y}", "x|y"),
        "a backslash at the end": ("a: ${no|c:\\}", "c:\\"),
        "another variable": ("a: ${no|${2nd_x}}", "2"),
        "another default": ("a: ${no|${neither|x}}", "x"),
        "a key": ("b: 5\na: ${no|${b}}", 5),
        "text and a key": ("b: 5\na: ${no|x-${b}-y}", "x-5-y"),
        "an escaped reference": ("a: ${no|\\${b}}", "${b}"),
        "over two lines": ("a: ${no|x\n  y}", "x y"),
        "converted": ("a: ${oc.decode:${no|0.5}}", 0.5),
    }.values(),
)
def test_a_default_is_text_as_yaml_reads_it(text, expected):
    """A default that is nothing but an interpolation is what that is."""
    assert load(text)["a"] == expected


@pytest.mark.parametrize(
    "text",
    [
        "a: \\${set|d}",
        "a: ${b}\nb: 1",
        "b: {c: 1}\na: ${b.c}",
        "a: {b: '${.c}', c: 1}",
        "a: ${oc.select:b,3}",
        "${set}: 1  # ${set}",
        "&k ${set}: 1",
        "!!str ${set|b}: 1",
        "? &k !!str ${set|b}\n: 1",
        "a: 1  # ${set|x}",
        "a: $set {set} $(set) {{ set }}",
    ],
)
def test_all_else_is_left_as_it_is(text):
    """Escaped references, keys, comments and OmegaConf's own interpolations are what they are without the plugin."""
    assert load(text) == OmegaConf.to_container(OmegaConf.load(io.StringIO(text)), resolve=True)


@pytest.mark.parametrize("text", ["a: ${no}", "a: ${SET}", "a: ${no.set|x}"])
def test_no_other_name_is_a_variable(text):
    """Without a default only what is set, in lower case, is replaced."""
    with pytest.raises(InterpolationKeyError):
        load(text)


@pytest.mark.parametrize("text", ["a: [${set}", "a: b: ${set|c}", "a: \x00${set}"])
def test_broken_yaml_is_not_touched(text):
    """The line and column in the parser's complaint are those of the file."""
    assert variables.translated(text, NAMES) == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="{}$")), st.sampled_from(["'", '"']))
@example("\x85\u2028\ufeff\x7f\\", "'")
def test_any_default_survives(default, quote):
    """Whatever the letters of a default are, and however they are quoted in YAML, they arrive."""
    text = yaml.safe_dump({"b": [1, f"x{{${{no|{default}}}}}y"]}, default_style=quote)

    assert load(text) == {"b": [1, f"x{{{default.strip()}}}y"]}


def test_a_value_with_an_anchor_or_a_tag_is_none_but_a_value():
    """Only what marks a key makes it one."""
    assert load("a: &x ${2nd_x}\nb: !!str ${2nd_x}\n&k c: ${2nd_x}") == {"a": "2", "b": "2", "c": "2"}


def test_lines_of_a_reference():
    """A name that is nowhere is looked for as it was written."""
    assert variables.lines("a: ${x}\nb: ${x|y} ${ xx }\nc: [${ x }, ${x}]\n", "x") == [1, 3]
