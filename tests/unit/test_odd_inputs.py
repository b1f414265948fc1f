"""Odd files, values and projects: each compiles to exactly what was written, or ends in one clear error."""

import ast
import re

import jinja2
import pytest

from .conftest import PIPELINES

FILE = "conf/base/airflow-k8s.yaml"
LOCAL = "conf/local/airflow-k8s.yaml"
LINES = "run_config:\n  image: i:1\n  namespace: n\n  experiment_name: e\n"
VALID = LINES + "  description: d\n"
JINJA = jinja2.Environment()
CONTAINER = ("pod", "spec", "containers", 0)


@pytest.fixture
def compiled(kedro_project, tmp_path):
    """Return a function that compiles a project with such files, and returns the result and the files written."""

    def run(config, *options, pipelines=PIPELINES):
        project = kedro_project(pipelines, "")
        for name, content in (config if isinstance(config, dict) else {FILE: config}).items():
            project.write(name, "").write_bytes(content if isinstance(content, bytes) else content.encode())
        result = project.run(*options, "compile", "-t", str(tmp_path / "out"))
        return result, sorted((tmp_path / "out").rglob("*")) if (tmp_path / "out").exists() else []

    return run


def section(run):
    """Return a configuration in which `run_config` is valid but for what is in `run`."""
    required = {"image": "i:1", "namespace": "n", "experiment_name": "e"}
    given = [f"{key}: {text}" for key, text in required.items() if not run.startswith(f"{key}:")]
    return f"run_config: {{{', '.join([*given, run])}}}"


def value(node, names):
    """Return what an expression of a generated file stands for, its source if it is a call."""
    match node:
        case ast.Dict():
            return {value(key, names): value(entry, names) for key, entry in zip(node.keys, node.values, strict=True)}
        case ast.List() | ast.Tuple():
            return [value(entry, names) for entry in node.elts]
        case ast.Name():
            return names.get(node.id, node.id)
        case ast.Constant():
            return node.value
    return ast.unparse(node)


def read(file):
    """Return what a generated file gives to Airflow, by its syntax: arguments of the DAG, variables, and tasks."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list)
    found = {}
    for node in function.body:
        if isinstance(node, ast.Assign):
            found[node.targets[0].id] = value(node.value, found)
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    tasks = [{word.arg: value(word.value, found) for word in call.keywords} for call in calls]
    dag = {word.arg: value(word.value, found) for word in function.decorator_list[0].keywords}
    return {**found, "dag": dag, "tasks": {task["task_id"]: task for task in tasks if "task_id" in task}}


def at(found, path):
    """Return what stands at the path, or the names of a list's entries for `*`, after Airflow's rendering."""
    given = found
    for key in path:
        given = [entry["name"] for entry in given] if key == "*" else given[key]
    return given if path[0] == "dag" else rendered(given)


def rendered(given):
    """Render the templates in a value; Airflow does not in what is the DAG's own."""
    if isinstance(given, dict):
        return {key: rendered(entry) for key, entry in given.items()}
    if isinstance(given, list):
        return [rendered(entry) for entry in given]
    return JINJA.from_string(given).render() if isinstance(given, str) else given


def only_file(outcome):
    result, written = outcome
    assert 0 == result.exit_code, result.output
    (file,) = written
    return file


def assert_error(outcome, said):
    result, written = outcome
    assert isinstance(result.exception, SystemExit), result.exception
    assert (1, []) == (result.exit_code, written), result.output
    assert result.output.startswith("Error: ")
    assert said in result.output
    assert "Traceback" not in result.output
    assert len(result.output) < 1000
    assert result.output.replace("\n", "").isprintable()


TEXTS = [
    "'", '"', "'''", '"""', '"\\', "\\", "\\n", "it's \"both\" \\'", "`code`", "</script><b>&amp;&lt;", "<!-- -->",
    "{{ ds }}", "{{", "}}", "{% raw %}", "{%- endraw -%}", "{# c #}", "{{ '}}' }}", "{{ '{{' }}\\", "{{ x }}" * 999,
    "$", "$$", "$(HOME)", "${HOME}", "$HOME `id`; rm -rf /", "%s {0}", "a\nb", "a\r\nb\rc", "end\n", " ends ", "\t",
    "\n\n", "żółć 日本", "😀👩\u200d👧", "\u202eltr\u202c", "\u200b\ufeff", "\u2028\x85", "e\u0301", "\x01\x7f",
    "# no", "---", "null", "~", "true", "[]", "- a", "a: b", "!!python/name:os", "&a *a", "@x", "x" * 100_000,
]  # fmt: skip


def quoted(text):
    """Return the text in YAML's quotes; for OmegaConf a reference is none after a backslash."""
    escaped = "".join(char if char.isalnum() else f"\\U{ord(char):08x}" for char in text)
    return '"{}"'.format(escaped.replace(r"\U00000024\U0000007b", r"\\${"))


def test_text_in_quotes_arrives_as_written(compiled):
    """Any text is exactly that text, where Airflow takes it as it is and where Airflow renders it."""
    whole = "".join(TEXTS)
    notes = {f"note{number}": text for number, text in enumerate(TEXTS)}
    entries = ", ".join(f"{key}: {quoted(text)}" for key, text in notes.items())

    run = f"description: {quoted(whole)}, resources: {{__default__: {{annotations: {{{entries}}}}}}}"
    found = read(only_file(compiled(section(run))))

    assert notes == at(found, ("pod", "metadata", "annotations"))
    assert whole == at(found, ("dag", "description"))


PLAIN = [
    *"on No YES off y True 012 0o17 0x1F 0b1 1_000 2024_01 12:30 1:2:3 1.10 1e3 1E400 .5 +1 -0 .inf -.INF .NaN".split(),
    *("2024-01-01", "2024-01-01 00:00:00Z", "9" * 60),
]


def test_text_without_quotes_is_what_was_typed(compiled):
    """What YAML takes for a number, a boolean or a date is text where text is due, letter by letter."""
    entries = ", ".join(f"note{number}: {text}" for number, text in enumerate(PLAIN))

    run = f"description: 12:30, resources: {{__default__: {{annotations: {{{entries}}}}}}}"
    found = read(only_file(compiled(section(run))))

    assert PLAIN == [*at(found, ("pod", "metadata", "annotations")).values()]
    assert "12:30" == at(found, ("dag", "description"))


JSON = '{"run_config": {"image": "i", "namespace": "n", "experiment_name": "e", "description": "d"}}'
FORMS = {
    "CRLF": VALID.replace("\n", "\r\n"),
    "CR": VALID.replace("\n", "\r"),
    "BOM": "\ufeff" + VALID,
    "tabs beside values": VALID.replace(": d", ":\td\t# x"),
    "quoted keys": VALID.replace("description", "'description'"),
    "flow": section('"description": "d"'),
    "folded": VALID.replace(": d", ": >-\n    d"),
    "merge key": f"_x: &x {{image: x, description: d}}\n{LINES}  <<: *x\n",
    "merge of two": f"_x: &x {{description: d}}\n_y: &y {{description: 1.10}}\n{LINES}  <<: [*x, *y]\n",
    "alias": f"_x: &x d\n{LINES}  description: *x\n",
    "tag": VALID.replace(": d", ": !!str d"),
    "binary": VALID.replace(": d", ": !!binary ZA=="),
    "reference": f"_x: d\n{LINES}  description: ${{_x}}\n",
    "only comments in sections": f"{VALID}  volume:\n    # size: 1Gi\n  secrets:\n  resources:\n    large:\n",
    "JSON": {FILE: "", "conf/base/airflow-k8s.json": JSON},
    "twin of other keys": {FILE: VALID, "conf/base/airflow-k8s.yml": "host: http://x"},
    "environment over base": {FILE: LINES + "  description: 1.10\n", LOCAL: "run_config: {description: d}"},
    "environment of references": {FILE: LINES, LOCAL: "_x: d\nrun_config: {description: '${_x}'}"},
    "environment that drops a section": (
        {FILE: f"{VALID}  volume: {{size: 9Gi}}\n", LOCAL: "run_config: {volume: null}"}
    ),
    "folder of that name": {FILE: VALID, f"{LOCAL}/x": "- x"},
    "backups": {FILE: VALID, f"{LOCAL}~": "- x", "conf/base/.airflow-k8s.yaml": "- x"},
}


@pytest.mark.parametrize("config", FORMS.values(), ids=FORMS)
def test_odd_forms_of_a_file_mean_the_same(compiled, config):
    """Line ends, marks, quotes, anchors, comments and other files change nothing of what is said."""
    file = only_file(compiled(config))

    assert "d" == at(read(file), ("dag", "description"))


MANY = [f"V{number}" for number in range(2000)]
EXACT = [
    ("image: 1.10", (*CONTAINER, "image"), "1.10"),
    ("namespace: 007", ("pod", "metadata", "namespace"), "007"),
    ("service_account_name: no", ("pod", "spec", "serviceAccountName"), "no"),
    ("image_pull_secrets: ' a,, b-1 ,'", ("pod", "spec", "imagePullSecrets", "*"), ["a", "b-1"]),
    ("image_pull_secrets: 5", ("pod", "spec", "imagePullSecrets", "*"), ["5"]),
    ("project_path: '/a b/{{ x }}'", (*CONTAINER, "workingDir"), "/a b/{{ x }}"),
    ("catchup: on", ("dag", "catchup"), True),
    ("catchup: 'no'", ("dag", "catchup"), False),
    ("startup_timeout: 1_000", ("tasks", "data_volume_init", "startup_timeout_seconds"), 1000),
    ("startup_time: '30'", ("tasks", "data_volume_init", "startup_timeout_seconds"), 30),
    ("description: 5, volume: {owner: '${run_config.description}'}", ("pod", "spec", "securityContext", "fsGroup"), 5),
    ("volume: {size: 1.50e3}", ("claim", "spec", "resources", "requests", "storage"), "1.50e3"),
    ("cron_expression: null", ("dag", "schedule"), None),
    ("cron_expression: ' 0  5 * * MON-FRI'", ("dag", "schedule"), " 0  5 * * MON-FRI"),
    ("cron_expression: '@Midnight'", ("dag", "schedule"), "@Midnight"),
    ("start_date: 2024-02-29", ("dag", "start_date"), "datetime(2024, 2, 29, tzinfo=timezone.utc)"),
    ("start_date: 00010101", ("dag", "start_date"), "datetime(1, 1, 1, tzinfo=timezone.utc)"),
    ("env_vars: [NO, Y, A.b-C]", (*CONTAINER, "env", "*"), ["NO", "Y", "A.b-C"]),
    (f"env_vars: [{', '.join(MANY)}]", (*CONTAINER, "env", "*"), MANY),
    ("secrets: [{secret: 1.10, key: 012, deploy_target: _}]", (*CONTAINER, "env", "*"), ["_"]),
    ("resources: {__default__: {labels: {a: ''}}}", ("pod", "metadata", "labels", "a"), ""),
    ("resources: {__default__: {node_selectors: {a/b: on}}}", ("pod", "spec", "nodeSelector"), {"a/b": "on"}),
    ("resources: {__default__: {requests: {cpu: 0.50}}}", (*CONTAINER, "resources"), {"requests": {"cpu": "0.50"}}),
    ("resources: {__default__: {limits: {x.y/z: 1e99}}}", (*CONTAINER, "resources"), {"limits": {"x.y/z": "1e99"}}),
    ("resources: {large: {labels: {x: 1.10}}}", ("large_pod", "metadata", "labels", "x"), "1.10"),
    ("resources: {__default__: {tolerations: [key: on]}}", ("pod", "spec", "tolerations"), [{"key": "on"}]),
    ("external_dependencies: [dag_id: 2024_01]", ("tasks", "wait_for_2024_01", "external_dag_id"), "2024_01"),
    ("external_dependencies: [dag_id: żółć.on]", ("tasks", "wait_for_żółć.on", "external_dag_id"), "żółć.on"),
    ("run_name: 2024_01", ("dag", "dag_id"), "2024_01"),
    ("run_name: no", ("dag", "dag_id"), "no"),
    ("run_name: class", ("dag", "dag_id"), "class"),
    ("run_name: żółć.1", ("dag", "dag_id"), "żółć.1"),
    ("run_name: żółć.日本", ("dag", "dag_id"), "dag-żółć.日本"),
    ("run_name: ../../etc/x", ("dag", "dag_id"), "..-..-etc-x"),
    ('run_name: "a\\nb\\u202e<c>"', ("dag", "dag_id"), "a-b-c"),
    (f"run_name: {'x' * 240}", ("dag", "dag_id"), "x" * 240),
]  # fmt: skip


@pytest.mark.parametrize(("run", "path", "expected"), EXACT, ids=[run[:40] for run, *_ in EXACT])
def test_odd_values_arrive_as_written(compiled, run, path, expected):
    """Each value stands in the file as it was written, and the file is called as the DAG."""
    file = only_file(compiled(section(run)))

    found = read(file)
    assert expected == at(found, path)
    assert f"{found['dag']['dag_id']}.py" == file.name


@pytest.mark.parametrize("name", ["x" * 250, "x" * 300, "日" * 250, "é" * 200])
def test_a_name_too_long_for_airflow_or_a_file_is_cut_and_said(compiled, name):
    """A DAG's id has at most 250 characters, and Airflow's files and folders that bear its file's name 255 bytes."""
    outcome = compiled(section(f"run_name: {name}"))

    file = only_file(outcome)
    assert f"the DAG is called '{file.stem}'" in outcome[0].output
    assert file.stem == read(file)["dag"]["dag_id"]
    assert len(f"{file.name}.log".encode()) <= 255


NAME = "should be lower-case letters, digits"
WORD = "should be letters, digits, '-', '_' and '.'"
SECTION = "should be a section of keys and values"
REFUSED = {
    # of the wrong type
    "catchup: 2": "run_config.catchup: should be true or false, got '2'",
    "catchup: null": "run_config.catchup: should be true or false, got null",
    "startup_timeout: 1.5": "run_config.startup_timeout: should be a whole number, got '1.5'",
    "startup_timeout: 12:30": "run_config.startup_timeout: should be a whole number, got '12:30'",
    "startup_timeout: 010": "startup_timeout: should be a whole number, without zeros before it, got '010'",
    "startup_timeout: true": "run_config.startup_timeout: should be a whole number, got 'true'",
    f"startup_timeout: 1{'0' * 400}": "run_config.startup_timeout: should be at most 2147483647, got '1000",
    f"description: [{'a, ' * 999}a]": "run_config.description: should be text, got ['a', 'a', ",
    'description: "a\\0b"': "run_config.description: should be text without NUL, which Airflow's database",
    "description: !!binary /w==": "run_config.description: should be text, got b'\\xff'",
    "description: '${run_config.volume}', volume: {size: 1Gi}": "run_config.description: should be text, got {'size'",
    "image: ' i '": "run_config.image: should be an image such as registry.example.com/team/demo:1, without capitals before the tag",
    "volume: []": f"run_config.volume: {SECTION}, got []",
    "volume: no": f"run_config.volume: {SECTION}, got 'no'",
    "secrets: {secret: a}": "run_config.secrets: should be a list, got {'secret': 'a'}",
    "secrets: [a]": f"run_config.secrets[0]: {SECTION}, got 'a'",
    "secrets: [null]": "run_config.secrets[0].secret: required, but missing",
    "resources: {large: [a]}": f"run_config.resources.large: {SECTION}, got ['a']",
    "env_vars: A": "run_config.env_vars: should be a list, got 'A'",
    "env_vars: !!set {A}": "run_config.env_vars: ",
    # under an odd key
    "on: x": "run_config: the key True is no text, as YAML reads numbers, on, off, yes and no; put it in quotes",
    "1.5: x": "run_config: the key 1.5 is no text",
    "'': x": "run_config.'': not an option",
    '"a\\nb": x': "run_config.'a\\nb': not an option",
    '"\\u202eimage": x': "run_config.'\\u202eimage': not an option; did you mean 'image'?",
    "startup_timeot: 3": "run_config.startup_timeot: not an option; did you mean 'startup_timeout'?",
    "Catchup: true": "run_config.Catchup: not an option; did you mean 'catchup'?",
    "size: 1Gi": "run_config.size: not an option; it belongs in run_config.volume",
    "dag_id: x": "run_config.dag_id: not an option; it belongs in run_config.external_dependencies[]",
    "volume: {namespace: x}": "run_config.volume.namespace: not an option; it belongs in run_config",
    "output: x": "run_config.output: not an option; it belongs at the top of the file",
    "startup_timeout: 5, startup_time: 6": "run_config.startup_time: not an option beside 'startup_timeout'",
    # refused by Kubernetes
    "namespace: Air_Flow": f"run_config.namespace: {NAME}",
    f"namespace: {'n' * 64}": "run_config.namespace: should be at most 63 characters, got 'nnn",
    "service_account_name: Run Ner": f"run_config.service_account_name: {NAME}",
    "image_pull_secrets: [a, a]": "run_config.image_pull_secrets: named more than once: a",
    "image_pull_secrets: ['a, b']": f"run_config.image_pull_secrets[0]: {NAME}",
    "volume: {storageclass: Fast_SSD}": f"run_config.volume.storageclass: {NAME}",
    "volume: {size: 0}": "run_config.volume.size: should be above 0, got '0'",
    "volume: {size: 10GB}": "run_config.volume.size: should be an amount such as 500m, 2 or 1Gi, got '10GB'",
    "volume: {owner: 99999999999}": "run_config.volume.owner: should be at most 2147483647, got '99999999999'",
    "volume: {access_modes: [ReadWriteOnce, ReadWriteOnce]}": "access_modes: named more than once: ReadWriteOnce",
    "secrets: [secret: My_Secret]": f"run_config.secrets[0].secret: {NAME}",
    "secrets: [{secret: a, key: a b, deploy_target: X}]": f"run_config.secrets[0].key: {WORD}, got 'a b'",
    "secrets: [{secret: a, key: k, deploy_target: 1X}]": "deploy_target: should be the name of an environment variable",
    "secrets: [{secret: a, deploy_target: X}]": "run_config.secrets[0].deploy_target: should be absent without a key",
    "secrets: [{secret: a, deploy_type: volume, deploy_target: '/a:b'}]": "should be an absolute path in the image",
    "secrets: [{secret: a, deploy_type: volume, deploy_target: /}]": "deploy_target: should be a folder below /",
    "secrets: [&a {secret: a, deploy_type: volume, deploy_target: /a}, *a]": "secrets: named more than once: /a",
    "secrets: [{secret: a, deploy_type: volume, deploy_target: /a}, {secret: b, deploy_type: volume, deploy_target: /a/}]": (
        "secrets: named more than once: /a"
    ),
    "project_path: /a/../b": "run_config.project_path: should be an absolute path in the image, without ':' and '..'",
    "env_vars: [żółć]": "run_config.env_vars[0]: should be the name of an environment variable",
    "env_vars: [..]": "run_config.env_vars[0]: should be the name of an environment variable",
    f"env_vars: [{'A' * 251}]": "run_config.env_vars[0]: should be at most 250 characters",
    f"env_vars: [{'A, B, ' * 99}]": "run_config.env_vars: named more than once: A, B",
    "env_vars: [X], secrets: [{secret: a, key: k, deploy_target: X}]": "env_vars: named more than once, together with",
    "resources: {a b: {}}": f"run_config.resources.a b: {WORD}, as a tag of Kedro has, got 'a b'",
    "resources: {a: {labels: {x: a b}}}": f"run_config.resources.a.labels.x: {WORD}",
    f"resources: {{a: {{labels: {{x: {'y' * 64}}}}}}}": "resources.a.labels.x: should be at most 63 characters",
    "resources: {a: {labels: {x y: z}}}": f"run_config.resources.a.labels.x y: {WORD}",
    "resources: {a: {labels: {on: z}}}": "run_config.resources.a.labels: the key True is no text",
    "resources: {a: {labels: {dag_id: z}}}": "labels.dag_id: is a label that Airflow itself sets; take another name",
    "resources: {a: {labels: {kedro-airflow-k8s/node: z}}}": "is a label that the plugin itself sets",
    "resources: {a: {annotations: {x y: z}}}": f"run_config.resources.a.annotations.x y: {WORD}",
    f"resources: {{a: {{annotations: {{x: {'y' * 270_000}}}}}}}": "should be at most 262144 bytes in all, got 270001",
    "resources: {a: {requests: {cpu: lots}}}": "requests.cpu: should be an amount such as 500m, 2 or 1Gi, got 'lots'",
    "resources: {a: {requests: {cpu: .nan}}}": "run_config.resources.a.requests.cpu: should be an amount",
    "resources: {a: {requests: {gpu: 1}}}": "resources.a.requests.gpu: should be cpu, memory, ephemeral-storage, ",
    "resources: {a: {limits: {x.y/gpu: 0.5}}}": "resources.a.limits.x.y/gpu: should be a whole number, got '0.5'",
    "resources: {a: {requests: {hugepages-2Mi: 2Mi}}}": "hugepages-2Mi: should be the same as limits.hugepages-2Mi (null)",
    "resources: {a: {labels: {'<<': x}}}": f"run_config.resources.a.labels.<<: {WORD}",
    "resources: {a: {requests: {x.y/gpu: 1}}}": "should be the same as limits.x.y/gpu (null)",
    "resources: {__default__: {limits: {memory: 1Gi}}, a: {requests: {memory: 1025Mi}}}": (
        "run_config.resources.a.requests.memory: should be at most limits.memory ('1Gi'), got '1025Mi'"
    ),
    "resources: {a: {tolerations: [value: y]}}": "tolerations[0].key: required, but missing, unless",
    "resources: {a: {tolerations: [{key: x, operator: Exists, value: y}]}}": "value: should be absent where",
    "resources: {a: {tolerations: [{key: x, tolerationSeconds: 5}]}}": "effect: should be 'NoExecute' beside",
    # refused by Airflow
    "cron_expression: 5": "run_config.cron_expression: should be a cron expression, one of @once",
    "cron_expression: off": "run_config.cron_expression: should be a cron expression, one of @once",
    "cron_expression: '@reboot'": "run_config.cron_expression: should be a cron expression, one of @once",
    f"cron_expression: '{'9' * 999} * * * *'": "run_config.cron_expression: should be a cron expression",
    "cron_expression: 'R * * * *'": "run_config.cron_expression: should be a cron expression without R",
    "cron_expression: '0 0 30 2 *'": "run_config.cron_expression: never happens, or only once: '0 0 30 2 *'",
    "cron_expression: '0 0 1 1 * 0 2050'": "run_config.cron_expression: never happens, or only once",
    "start_date: 2024_01_01": "run_config.start_date: should be a date written YYYYMMDD, got '2024_01_01'",
    "start_date: 99991231": "run_config.start_date: should be a date before the year 3000, got '99991231'",
    "macro_params: [dss]": "run_config.macro_params[0]: 'dss' is no macro that is a text; did you mean 'ds'?",
    "macro_params: [ds], variables_params: [ds]": "variables_params: named more than once, together with macro_params",
    "variables_params: ['{{ x }}']": "run_config.variables_params[0]: should be a name of letters, digits",
    "external_dependencies: [dag_id: a b]": "external_dependencies[0].dag_id: should be an id of Airflow",
    "external_dependencies: [{dag_id: a, execution_delta: 1000000000000000}]": "execution_delta: should be at most",
    "external_dependencies: [dag_id: a, dag_id: a]": "external_dependencies: named more than once: a",
}


@pytest.mark.parametrize(("run", "said"), REFUSED.items(), ids=[run[:60] for run in REFUSED])
def test_a_wrong_value_is_one_clear_error(compiled, run, said):
    """The error names the file, the key, what should be there and what was given; nothing is written."""
    outcome = compiled(section(run))

    assert_error(outcome, said)
    assert outcome[0].output.startswith(f"Error: {FILE}")


BROKEN = {
    "empty": ("", "run_config: required, but missing"),
    "comments only": ("# nothing\n---\n", "run_config: required, but missing"),
    "null section": ("run_config:\n", "run_config.experiment_name: required, but missing"),
    "text": ("<!DOCTYPE html><p>Log in</p>", f"{SECTION}, not text '<!DOCTYPE html><p>Log in</p>'"),
    "number": ("42", f"{SECTION}, not text '42'"),
    "list": ("- a\n- b\n", f"{SECTION}, not a list"),
    "section that is text": ("run_config: x", f"run_config: {SECTION}, got 'x'"),
    "tab": ("run_config:\n\timage: i\n", "line 2, column 1: found character '\\t' that cannot start any token"),
    "unclosed": (f"{LINES}  description: 'x\n", "line 6, column 1: found unexpected end of stream"),
    "bad indentation": (f"{LINES} run_name: x\n", "line 5, column 2: expected <block end>"),
    "at sign": (f"{LINES}  cron_expression: @daily\n", "line 5, column 20: found character '@'"),
    "stars": (f"{LINES}  cron_expression: * * * * *\n", "line 5, column 21: expected alphabetic or numeric character"),
    "braces": (f"{LINES}  description: {{{{ x }}}}\n", "line 5, column 17: a key should be text; put in quotes"),
    "conflict": (f"{LINES}<<<<<<< HEAD\n  run_name: a\n=====\n", "line 6, column 11: could not find expected ':'"),
    "equals sign": (f"{LINES}  description: =\n", "line 5: !!value is no type that a configuration has"),
    "key twice": (f"{LINES}  image: j\n", "line 5, column 3: the key 'image' stands here for the second time"),
    "section twice": (LINES + LINES, "line 5, column 1: the key 'run_config' stands here for the second time"),
    "boolean key": (f"{LINES}on: x\n", "line 5, column 1: the key 'on' is no text for YAML; put it in quotes"),
    "null key": (f"{LINES}  ~: x\n", "line 5, column 3: the key '~' is no text for YAML; put it in quotes"),
    "unknown tag": (f"{LINES}  description: !foo x\n", "line 5: !foo is no type that a configuration has"),
    "Python tag": (f"{LINES}  description: !!python/name:os.system\n", "line 5: !!python/name:os.system is no type"),
    "unknown alias": (f"{LINES}  description: *x\n", "line 5, column 16: found undefined alias 'x'"),
    "alias of itself": (f"{LINES}  description: &a [*a]\n", "an alias stands within what it is the alias of"),
    "too deep": ("a: " + "[" * 1100 + "]" * 1100, "too many brackets within brackets"),
    "NUL": (LINES + "  description: a\0b\n", "line 5: the character '\\x00' may not stand in YAML as such"),
    "Latin-1": ((LINES + "  description: ü\n").encode("latin-1"), "line 5: should be text in UTF-8, got the byte"),
    "UTF-16": (LINES.encode("utf-16"), "line 1: should be text in UTF-8, got the byte 0xff"),
    "binary": (bytes(range(256)), "line 2: should be text in UTF-8, got the byte 0x80"),
    "no-break space": (LINES.replace("  names", "\u00a0\u00a0names"), "line 4, column 18: mapping values are not"),
    "wide colon": (LINES.replace("image:", "image\uff1a"), "line 3, column 12: mapping values are not allowed here"),
    "invisible space": (LINES.replace("image", "\u200bimage"), "run_config.'\\u200bimage': not an option"),
    "unknown reference": (f"{LINES}  description: ${{nope}}\n", "run_config.description: ${nope} is neither a key"),
    "reference with a dash": (f"{LINES}  description: ${{a-b|c}}\n", "${a-b|c}: only letters, digits and _ make the name"),
    "reference in brackets": (f"{LINES}  env_vars: [${{nope|A}}]\n", "flow sequence, from line 5 on); put ${...} in quotes"),
    "broken reference": (f"{LINES}  description: 'a ${{'\n", "run_config.description: "),
    "reference to itself": (f"{LINES}  description: ${{run_config.description}}\n", "description: Recursive interpolation"),
    "unknown resolver": (f"{LINES}  description: ${{foo:x}}\n", "run_config.description: Unsupported interpolation"),
    "section of the file at the top": (f"namespace: n\n{LINES}", "namespace: not an option; it belongs in run_config"),
    "address with a space": (f"host: http://x y\n{LINES}", "host: should be an address such as https://airflow.example"),
    "address with a port too large": (f"host: http://u:p@x:99999\n{LINES}", "got 'http://...@x:99999'"),
    "name of no letters": (section("run_name: '///'"), "'///' cannot be a DAG id, which has letters, digits"),
    "name of a picture": (section("run_name: 😀"), "'😀' cannot be a DAG id"),
    "name of dots": (section("run_name: .."), "'..' cannot be a DAG id"),
    "empty name": (section("run_name: ''"), "run_config.run_name: should be text that is not empty, got ''"),
    "twin": ({FILE: LINES, "conf/base/airflow-k8s.yml": LINES}, "Duplicate keys found in conf/base/airflow-k8s."),
    "environment's file broken": ({FILE: LINES, LOCAL: "host: ["}, f"{LOCAL}: line 1, column 8: expected the node"),
    "environment's file a list": ({FILE: LINES, LOCAL: "- a"}, f"{LOCAL}: {SECTION}, not a list"),
    "list over a section": (
        {FILE: f"{LINES}  volume: {{size: 1Gi}}\n", LOCAL: "run_config: {volume: []}"},
        f"{LOCAL}: run_config.volume: is a list, while airflow-k8s.yaml in base has it otherwise",
    ),
    "nothing over a section": (
        {FILE: f"{LINES}  volume: {{size: 1Gi}}\n", LOCAL: "run_config:\n  volume:\n"},
        f"{LOCAL}: run_config.volume: has no value, and would drop the section of conf/base/airflow-k8s.yaml; leave the"
        " key out, or write null",
    ),
    "nothing over all": (
        {FILE: LINES, LOCAL: "run_config:\n  # image: x\n"},
        f"{LOCAL}: run_config: has no value, and would drop the section of conf/base/airflow-k8s.yaml",
    ),
    "catalog broken": ({FILE: LINES, "conf/base/catalog.yml": "a: [\n"}, "conf/base/catalog.yml: line 2, column 1"),
    "catalog a list": ({FILE: LINES, "conf/base/catalog.yml": "- a\n"}, f"catalog.yml: {SECTION}, not a list"),
    "catalog pattern of another name": (
        {FILE: LINES, "conf/base/catalog.yml": "'{x}': {type: pickle.PickleDataset, filepath: 'data/{y}'}"},
        "Kedro refuses the catalog: Incorrect dataset configuration provided. Keys used in the configuration {'{y}'}",
    ),
    "catalog pattern unknown": (
        {FILE: LINES, "conf/base/catalog.yml": "'{x:zz}': {type: pickle.PickleDataset}"},
        "the catalog has a pattern that Kedro cannot use: format spec 'zz' not recognised",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("config", "said"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_one_clear_error(compiled, config, said):
    """The error names the file and the line, or the key; nothing is written."""
    assert_error(compiled(config), said)


REGISTRY = """
from kedro.pipeline import node, pipeline


def identity(x):
    return x


def register_pipelines():
    whole = pipeline([{nodes}])
    return {{"__default__": whole, **dict.fromkeys({more}, whole)}}
"""


def registry(*names, tags=(), more=()):
    """Return a registry with nodes of these names, which do not depend on each other, and more pipelines."""
    nodes = [f"node(identity, 'raw', 'out{n}', name={name!r}, tags={tags!r})" for n, name in enumerate(names)]
    return REGISTRY.format(nodes=", ".join(nodes), more=list(more))


@pytest.mark.parametrize(
    "names",
    [
        ["n" * 300 + "a", "n" * 300 + "b", "日" * 300],
        ["żółć.日本", "..", "-", "_", "٣"],
        ["final", "kedro", "external_pipelines", "create_pipeline_storage", "data_volume_init", "pod", "claim"],
        ["a.b", "a_b", "a-b", "a-b-2", "A.B"],
        ["--all", "-h", "1", "None", "class", "dag", "functions"],
        [None, None, ""],
    ],
    ids=["long", "of other scripts", "of ours", "with equal slugs", "of other meanings", "none"],
)
def test_odd_nodes_get_a_task_each(compiled, names):
    """Every node that Kedro takes has a valid task id of its own, and its exact name as argument."""
    found = read(only_file(compiled(section("volume: {skip_init: true}"), pipelines=registry(*names))))

    tasks = {task_id: rendered(task["nodes"])[0] for task_id, task in found["tasks"].items() if "nodes" in task}
    assert all(re.fullmatch(r"[\w.-]{1,250}", task_id) for task_id in tasks)
    assert len(names) == len(tasks) == len({*tasks.values()})
    assert {name for name in names if name} <= {*tasks.values()}


@pytest.mark.parametrize("name", ["żółć", "a.b", "1", "__default__x"])
def test_odd_names_of_resources_are_found_by_their_tags(compiled, name):
    """A node gets the entry that its tag names, letter by letter."""
    config = section(f"resources: {{'{name}': {{requests: {{cpu: 2}}}}}}")
    found = read(only_file(compiled(config, pipelines=registry("one", tags=(f"resources.{name}",)))))

    (pod,) = (pod for local, pod in found.items() if "pod" in local and local != "init_pod")
    assert {"requests": {"cpu": "2"}} == pod["spec"]["containers"][0]["resources"]


@pytest.mark.parametrize(
    "name", ["a b", "a/b", "../x", "{{ x }}", "żółć", "x" * 300, "a,b", "-x", "'q\"", "$(x)", "a\nb"]
)
def test_odd_names_of_pipelines_give_a_valid_file(compiled, name):
    """A pipeline's name becomes part of an id that Airflow takes, and stands in the arguments as it is."""
    outcome = compiled(section("run_name: x"), f"--pipeline={name}", pipelines=registry("one", more=[name]))

    file = only_file(outcome)
    arguments = at(read(file), (*CONTAINER, "args"))
    assert re.fullmatch(r"x-[\w.-]{1,248}", file.stem)
    assert {f"--pipeline={name.replace('$', '$$')}"} >= {*arguments} - {"kedro", "run", "--env=local"}


@pytest.mark.parametrize("env", ["a b", "żółć", "{{ x }}", "$(x)", "-e", "'q\"", "a\nb", "local/"])
def test_odd_names_of_environments_arrive(compiled, env):
    """The environment's name stands in the arguments, as Kubernetes and Airflow leave it."""
    outcome = compiled({FILE: LINES, f"conf/{env}/.gitkeep": ""}, f"--env={env}")

    arguments = at(read(only_file(outcome)), (*CONTAINER, "args"))
    assert ["kedro", "run", f"--env={env.replace('$', '$$')}"] == arguments


PROJECTS = {
    "environment above": (PIPELINES, ("-e", ".."), "conf/..: no such environment; there are: base, local"),
    "environment elsewhere": (PIPELINES, ("-e", "/etc"), "conf//etc: no such environment; there are: base, local"),
    "long environment": (PIPELINES, ("-e", "x" * 300), "no such environment; there are: base, local"),
    "pipeline that is a number": (registry("x", more=[5]), ("-p", "5"), "no pipeline '5' in this project"),
    "pipeline that is text": ("def register_pipelines():\n    return {'__default__': 'x'}\n", (), "is a str; check"),
    "registry that is a number": ("def register_pipelines():\n    return 5\n", (), "cannot be loaded: TypeError"),
    "registry without function": ("x = 1\n", (), "has no attribute 'register_pipelines'"),
    "registry that raises": ("raise RuntimeError('a\\n\\u202eb')\n", (), "RuntimeError: a \\u202eb"),
    "registry with a mistake": ("def (\n", (), "SyntaxError: invalid syntax ("),
    "registry that exits": ("import sys\nsys.exit(3)\n", (), "cannot be loaded: SystemExit: 3 ("),
    "comma in a node's name": (registry("a,b"), (), "a,b"),
    "template as a node's name": (registry("{{ x }}"), (), "{{ x }}"),
    "node twice": (registry("a", "a"), (), "a"),
    "colon in a tag": (registry("a", tags=("resources:large",)), (), "resources:large"),
    "two machines": (registry("a", tags=("resources.a", "resources.b")), (), "has several resources tags"),
}  # fmt: skip


@pytest.mark.parametrize("option", ["-e", "-p"])
def test_an_empty_environment_or_pipeline_is_wrong_usage(compiled, option):
    """It usually comes from a variable that is not set; the default may be production's."""
    result, written = compiled(LINES, option, "")

    assert (2, []) == (result.exit_code, written), result.output
    assert f"Invalid value for '{option}' / " in result.output


@pytest.mark.parametrize(("pipelines", "options", "said"), PROJECTS.values(), ids=PROJECTS)
def test_a_broken_project_is_one_clear_error(compiled, pipelines, options, said):
    """The error names the environment, pipeline, node or line that is wrong; nothing is written."""
    assert_error(compiled(LINES, *options, pipelines=pipelines), said)
