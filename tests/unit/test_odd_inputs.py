"""Odd files, values and projects: each compiles to exactly what was written, or ends in one clear error."""

import ast
import json
import re

import jinja2
import pytest

from .conftest import PIPELINES

BASE = "run_config: {image: i:1, namespace: n, experiment_name: e"
LINES = "run_config:\n  image: i:1\n  namespace: n\n  experiment_name: e\n"
FILE = "conf/base/airflow-k8s.yaml"
CONTAINER = ("pod", "spec", "containers", 0)
DEFAULT = ("pod", "metadata")


@pytest.fixture
def compiled(kedro_project, tmp_path):
    """Return a function that compiles a project with such files, and returns the result and the files written."""

    def run(config, *arguments, pipelines=PIPELINES, files=()):
        project = kedro_project(pipelines, "")
        for name, content in {FILE: config, **dict(files)}.items():
            project.write(name, "").write_bytes(content if isinstance(content, bytes) else content.encode())
        result = project.run(*arguments, "compile", "-t", str(tmp_path / "out"))
        return result, sorted((tmp_path / "out").rglob("*")) if (tmp_path / "out").exists() else []

    return run


def value(node, names):
    """Return what an expression of a generated file stands for; a call stands for its own source."""
    match node:
        case ast.Dict():
            return {value(key, names): value(entry, names) for key, entry in zip(node.keys, node.values, strict=True)}
        case ast.List() | ast.Tuple():
            return [value(entry, names) for entry in node.elts]
        case ast.Name():
            return names[node.id]
        case ast.Call():
            return ast.unparse(node)
    return ast.literal_eval(node)


def read(file):
    """Return what a generated file gives to Airflow, by its syntax: arguments of the DAG, the pod, and the tasks."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list)
    found = {"__doc__": "", "functions": {}}
    for node in function.body:
        if isinstance(node, ast.Assign) and not isinstance(node.value, ast.Call) and node.targets[0].id != "functions":
            found[node.targets[0].id] = value(node.value, found)
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    tasks = [{word.arg: value(word.value, found) for word in call.keywords} for call in calls]
    dag = {word.arg: value(word.value, found) for word in function.decorator_list[0].keywords}
    return {**found, "dag": dag, "tasks": {task["task_id"]: task for task in tasks if "task_id" in task}}


def rendered(given):
    """Return what Airflow makes of a templated value."""
    if isinstance(given, dict):
        return {key: rendered(entry) for key, entry in given.items()}
    if isinstance(given, list):
        return [rendered(entry) for entry in given]
    return jinja2.Environment().from_string(given).render() if isinstance(given, str) else given


def at(found, path):
    for key in path:
        found = found[key]
    return found if path[0] == "dag" else rendered(found)


def assert_error(outcome, said):
    result, written = outcome
    assert isinstance(result.exception, SystemExit), result.exception
    assert (1, []) == (result.exit_code, written), result.output
    assert said in result.output
    assert re.match("(Warning: .*\n)*Error: ", result.output)
    assert "Traceback" not in result.output
    assert len(result.output) < 1500
    assert result.output.replace("\n", "").isprintable()


TEXTS = [
    *("'", '"', "'''", '"""', '"\\', "\\", "\\n", "it's \"both\" \\'", "`code`", "</script><b>&amp;&lt;", "<!-- -->"),
    *("{{ ds }}", "{{", "}}", "{% raw %}", "{%- endraw -%}", "{# c #}", "{{ '}}' }}", "{{ '{{' }}\\", "# no", "%s {0}"),
    *("$(HOME)", "$$", "${HOME}", "$HOME `id`; rm -rf /", "a\nb", "a\r\nb\rc", "end\n", " ends ", "\t", "\n\n"),
    *("żółć 日本", "😀👩‍👩‍👧", "\u202eltr\u202c", "\u200b\ufeff", "\u2028\u2029\x85", "e\u0301", "\x01\x07\x1b\x7f"),
    *(
        "null",
        "~",
        "true",
        "[]",
        "- a",
        "a: b",
        "!!python/name:os",
        "&a *a",
        "@x",
        "---",
        "x" * 100_000,
        "{{ x }}" * 999,
    ),
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text[:20]))
def test_odd_text_arrives_as_written(compiled, text):
    """Any text in quotes is exactly that text, where Airflow takes it as it is and where Airflow renders it."""
    quoted = json.dumps(text, ensure_ascii=False).replace("\x7f", "\\x7f").replace("${", "\\\\${")
    result, (file,) = compiled(
        f"{BASE}, description: {quoted}, resources: {{__default__: {{annotations: {{note: {quoted}}}}}}}}}"
    )

    assert 0 == result.exit_code, result.output
    found = read(file)
    assert (text, text) == (at(found, ("dag", "description")), at(found, (*DEFAULT, "annotations", "note")))


PLAIN = (
    *(
        "on",
        "No",
        "YES",
        "off",
        "y",
        "True",
        "012",
        "0o17",
        "0x1F",
        "0b1",
        "1_000",
        "2024_01",
        "12:30",
        "1:2:3",
        "1.10",
    ),
    *(
        "1e3",
        "1E400",
        ".5",
        "+1",
        "-0",
        ".inf",
        "-.INF",
        ".NaN",
        "2024-01-01",
        "2024-01-01 00:00:00Z",
        "9" * 60,
        "=",
        "???",
    ),
)


@pytest.mark.parametrize("text", PLAIN)
def test_plain_scalars_are_text_where_text_is_due(compiled, text):
    """What YAML takes for a number, a boolean or a date is the letters that the user typed."""
    config = f"{BASE}, description: {text}, resources: {{__default__: {{annotations: {{note: {text}}}}}}}}}"
    result, (file,) = compiled(config)

    assert 0 == result.exit_code, result.output
    found = read(file)
    assert (text, text) == (at(found, ("dag", "description")), at(found, (*DEFAULT, "annotations", "note")))


FORMS = {
    "CRLF": (LINES + "  description: d\n").replace("\n", "\r\n"),
    "CR": (LINES + "  description: d\n").replace("\n", "\r"),
    "BOM": "\ufeff" + LINES + "  description: d\n",
    "tabs beside values": LINES + "  description:\td\t# x\n",
    "quoted keys": LINES + "  'description': 'd'\n",
    "flow": f'{BASE}, "description": "d"}}',
    "folded": LINES + "  description: >-\n    d\n",
    "merge key": "_x: &x {image: x, description: d}\n" + LINES + "  <<: *x\n",
    "merge of two": "_x: &x {description: d}\n_y: &y {description: y}\n" + LINES + "  <<: [*x, *y]\n",
    "alias": "_x: &x d\n" + LINES + "  description: *x\n",
    "tag": LINES + "  description: !!str d\n",
    "binary": LINES + "  description: !!binary ZA==\n",
    "reference": "_x: d\n" + LINES + "  description: ${_x}\n",
    "a section with comments only": LINES
    + "  description: d\n  volume:\n    # size: 1Gi\n  secrets:\n  resources:\n    large:\n",
    "a twin of other keys": {FILE: LINES + "  description: d\n", "conf/base/airflow-k8s.yml": "host: http://x"},
    "JSON": {
        FILE: "",
        "conf/base/airflow-k8s.json": f'{{"run_config": {json.dumps({"image": "i", "namespace": "n", "experiment_name": "e", "description": "d"})}}}',
    },
    "an environment over the base": {
        FILE: LINES + "  description: 1.10\n",
        "conf/local/airflow-k8s.yaml": "run_config: {description: d}",
    },
    "a folder of that name": {FILE: LINES + "  description: d\n", "conf/local/airflow-k8s.yaml/x": "- x"},
    "a backup": {
        FILE: LINES + "  description: d\n",
        "conf/local/airflow-k8s.yaml~": "- x",
        "conf/base/.airflow-k8s.yaml": "- x",
    },
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_odd_forms_of_a_file_mean_the_same(compiled, form):
    """Line ends, marks, quotes, anchors, comments and other files change nothing of what is said."""
    result, (file,) = compiled(form) if isinstance(form, str) else compiled("", files=form)

    assert 0 == result.exit_code, result.output
    assert "d" == at(read(file), ("dag", "description"))


MANY = [f"V{number}" for number in range(2000)]
EXACT = [
    ("image: 'a b{{ x }}'", (*CONTAINER, "image"), "a b{{ x }}"),
    ("namespace: 007", ("pod", "metadata", "namespace"), "007"),
    ("service_account_name: no", ("pod", "spec", "serviceAccountName"), "no"),
    ("image_pull_secrets: ' a,, b-1 ,'", ("pod", "spec", "imagePullSecrets"), [{"name": "a"}, {"name": "b-1"}]),
    ("image_pull_secrets: 5", ("pod", "spec", "imagePullSecrets"), [{"name": "5"}]),
    ("project_path: '/a b/{{ x }}'", (*CONTAINER, "workingDir"), "/a b/{{ x }}"),
    ("catchup: on", ("dag", "catchup"), True),
    ("catchup: 'no'", ("dag", "catchup"), False),
    ("startup_timeout: 1_000", ("tasks", "data_volume_init", "startup_timeout_seconds"), 1000),
    ("startup_time: '30'", ("tasks", "data_volume_init", "startup_timeout_seconds"), 30),
    ("startup_timeout: ${run_config.volume.owner}, volume: {owner: 5}", ("pod", "spec", "securityContext", "fsGroup"), 5),
    ("volume: {size: 1.50e3}", ("claim", "spec", "resources", "requests", "storage"), "1.50e3"),
    ("cron_expression: null", ("dag", "schedule"), None),
    ("cron_expression: ' 0  5 * * MON-FRI'", ("dag", "schedule"), " 0  5 * * MON-FRI"),
    ("cron_expression: '@Midnight'", ("dag", "schedule"), "@Midnight"),
    ("start_date: 2024-02-29", ("dag", "start_date"), "datetime(2024, 2, 29, tzinfo=timezone.utc)"),
    ("start_date: 00010101", ("dag", "start_date"), "datetime(1, 1, 1, tzinfo=timezone.utc)"),
    ("env_vars: [NO, Y, A.b-C]", (*CONTAINER, "env"), ["NO", "Y", "A.b-C"]),
    (f"env_vars: [{', '.join(MANY)}]", (*CONTAINER, "env"), MANY),
    ("secrets: [{secret: 1.10, key: 012, deploy_target: _}]", (*CONTAINER, "env"), ["_"]),
    ("resources: {__default__: {labels: {a: 1.10, b: on, c: '', d/e: x}}}", (*DEFAULT, "labels"), {"a": "1.10", "b": "on", "c": "", "d/e": "x"}),
    ("resources: {__default__: {node_selectors: {a: 0x1F}}}", ("pod", "spec", "nodeSelector"), {"a": "0x1F"}),
    ("resources: {__default__: {requests: {cpu: 0.50, x.y/z: 2}, limits: {x.y/z: 2}}}", (*CONTAINER, "resources", "requests"), {"cpu": "0.50", "x.y/z": "2"}),
    ("resources: {__default__: {tolerations: [{operator: Exists}]}}", ("pod", "spec", "tolerations"), [{"operator": "Exists"}]),
    ("external_dependencies: [{dag_id: 2024-01-01, task_id: żółć.on}]", ("tasks", "wait_for_2024-01-01_żółć.on", "external_dag_id"), "2024-01-01"),
    ("external_dependencies: [{dag_id: a_b}, {dag_id: a, task_id: b}]", ("tasks", "wait_for_a_b-2", "external_task_id"), "b"),
    ("run_name: 2024_01", ("dag", "dag_id"), "2024_01"),
    ("run_name: no", ("dag", "dag_id"), "no"),
    ("run_name: class", ("dag", "dag_id"), "class"),
    ("run_name: żółć.日本", ("dag", "dag_id"), "żółć.日本"),
    ("run_name: ../../etc/x", ("dag", "dag_id"), "..-..-etc-x"),
    ('run_name: "a\\nb\\u202e<c>"', ("dag", "dag_id"), "a-b-c"),
    (f"run_name: {'x' * 250}", ("dag", "dag_id"), "x" * 250),
]  # fmt: skip


@pytest.mark.parametrize(("run", "path", "expected"), EXACT, ids=[run[:40] for run, *_ in EXACT])
def test_odd_values_arrive_as_written(compiled, run, path, expected):
    """Each value stands in the file as it was written, in a file called as the DAG."""
    overridden = run.partition(":")[0]
    base = re.sub(rf"{overridden}: [^,]+(, )?", "", BASE) if overridden in ("image", "namespace") else BASE
    result, (file,) = compiled(f"{base}, {run}}}")

    assert 0 == result.exit_code, result.output
    found = read(file)
    got = [entry["name"] for entry in at(found, (*path[:-1],))["env"]] if path[-1] == "env" else at(found, path)
    assert expected == got if not isinstance(expected, dict) else expected.items() <= got.items()
    assert f"{found['dag']['dag_id']}.py" == file.name


@pytest.mark.parametrize("name", ["x" * 300, "日" * 250, "😀" + "é" * 200])
def test_a_name_too_long_for_airflow_or_a_file_is_cut_and_said(compiled, name):
    """A DAG's id has at most 250 characters, and its file's name 255 bytes."""
    result, (file,) = compiled(f"{BASE}, run_name: {name}}}")

    assert 0 == result.exit_code, result.output
    assert f"the DAG is called '{file.stem}'" in result.output
    assert len(file.name.encode()) <= 255
    assert re.fullmatch(r"[\w.-]{100,250}", file.stem)


NO_SECTION = "should be a section of keys and values"
NAME = "should be lower-case letters, digits"
WORD = "should be letters, digits, '-', '_' and '.'"
REFUSED = [
    # types
    ("catchup: 2", "run_config.catchup: should be true or false, got '2'"),
    ("catchup:", "run_config.catchup: should be true or false, got null"),
    ("catchup: [true]", "run_config.catchup: should be true or false, got ['true']"),
    ("startup_timeout: 1.5", "run_config.startup_timeout: should be a whole number, got '1.5'"),
    ("startup_timeout: 12:30", "run_config.startup_timeout: should be a whole number, got '12:30'"),
    ("startup_timeout: 010", "startup_timeout: should be a whole number, without zeros before it, got '010'"),
    ("startup_timeout: .inf", "run_config.startup_timeout: should be a whole number, got '.inf'"),
    ("startup_timeout: .nan", "run_config.startup_timeout: should be a whole number, got '.nan'"),
    ("startup_timeout: true", "run_config.startup_timeout: should be a whole number, got 'true'"),
    (f"startup_timeout: 1{'0' * 400}", "run_config.startup_timeout: should be at most 2147483647, got '1000"),
    ("description: [a]", "run_config.description: should be text, got ['a']"),
    (f"description: [{'a, ' * 9999}a]", "run_config.description: should be text, got ['a', 'a', "),
    ('description: "a\\0b"', "run_config.description: should be text without NUL, which Airflow's database"),
    ("description: !!binary /w==", "run_config.description: should be text, got b'\\xff'"),
    ("description: ${run_config.volume}, volume: {size: 1Gi}", "run_config.description: should be text, got {'size'"),
    ("image: ' i '", "run_config.image: should be an image without spaces around it, got ' i '"),
    ("image_pull_secrets: {a: b}", "run_config.image_pull_secrets: should be a list, got {'a': 'b'}"),
    ("image_pull_secrets: [a, a]", "run_config.image_pull_secrets: named more than once: a"),
    ("image_pull_secrets: ['a, b']", f"run_config.image_pull_secrets[0]: {NAME}"),
    # sections
    ("volume: []", f"run_config.volume: {NO_SECTION}, got []"),
    ("volume: no", f"run_config.volume: {NO_SECTION}, got 'no'"),
    ("secrets: {secret: a}", "run_config.secrets: should be a list, got {'secret': 'a'}"),
    ("secrets: [a]", f"run_config.secrets[0]: {NO_SECTION}, got 'a'"),
    ("secrets: [null]", "run_config.secrets[0].secret: required, but missing"),
    ("resources: [large]", f"run_config.resources: {NO_SECTION}, got ['large']"),
    ("resources: {large: [a]}", f"run_config.resources.large: {NO_SECTION}, got ['a']"),
    ("env_vars: A", "run_config.env_vars: should be a list, got 'A'"),
    ("env_vars: {A: b}", "run_config.env_vars: should be a list, got {'A': 'b'}"),
    ("env_vars: !!set {A}", "run_config.env_vars: "),
    # keys
    ("on: x", "run_config: the key True is no text, as YAML reads numbers, on, off, yes and no; put it in quotes"),
    ("1.5: x", "run_config: the key 1.5 is no text"),
    ("'': x", "run_config.'': not an option"),
    ('"a\\nb": x', "run_config.'a\\nb': not an option"),
    ('"\\u202eimage": x', "run_config.'\\u202eimage': not an option; did you mean 'image'?"),
    ("startup_timeot: 3", "run_config.startup_timeot: not an option; did you mean 'startup_timeout'?"),
    ("Catchup: true", "run_config.Catchup: not an option; did you mean 'catchup'?"),
    ("size: 1Gi", "run_config.size: not an option; it belongs in run_config.volume"),
    ("key: x", "it belongs in run_config.volume"[:13]),
    ("volume: {namespace: x}", "run_config.volume.namespace: not an option; it belongs in run_config"),
    ("output: x", "run_config.output: not an option; it belongs at the top of the file"),
    ("startup_timeout: 5, startup_time: 6", "run_config.startup_time: not an option; did you mean 'startup_timeout'?"),
    # names of Kubernetes
    ("namespace: Air_Flow", f"run_config.namespace: {NAME}"),
    ("namespace: żółć", f"run_config.namespace: {NAME}"),
    (f"namespace: {'n' * 64}", "run_config.namespace: should be at most 63 characters, got 'nnn"),
    ("service_account_name: Run Ner", f"run_config.service_account_name: {NAME}"),
    ("volume: {storageclass: Fast_SSD}", f"run_config.volume.storageclass: {NAME}"),
    ("volume: {storageclass: ''}", "run_config.volume.storageclass: should be text that is not empty, got ''"),
    ("volume: {size: 0}", "run_config.volume.size: should be above 0, got '0'"),
    ("volume: {size: 10GB}", "run_config.volume.size: should be an amount such as 500m, 2 or 1Gi, got '10GB'"),
    ("volume: {size: -1Gi}", "run_config.volume.size: should be an amount"),
    ("volume: {owner: 99999999999}", "run_config.volume.owner: should be at most 2147483647, got '99999999999'"),
    ("volume: {access_modes: [ReadWriteOnce, ReadWriteOnce]}", "access_modes: named more than once: ReadWriteOnce"),
    ("secrets: [{secret: My_Secret}]", f"run_config.secrets[0].secret: {NAME}"),
    ("secrets: [{secret: a, key: a b, deploy_target: X}]", f"run_config.secrets[0].key: {WORD}, got 'a b'"),
    ("secrets: [{secret: a, key: k, deploy_target: 1X}]", "secrets[0].deploy_target: should be the name of an environ"),
    ("secrets: [{secret: a, key: k, deploy_target: ..}]", "secrets[0].deploy_target: should be the name of an environ"),
    ("secrets: [{secret: a, deploy_target: X}]", "run_config.secrets[0].deploy_target: should be absent without a key"),
    ("secrets: [{secret: a, deploy_type: file}]", "secrets[0].deploy_type: should be one of 'env', 'volume', got 'file'"),
    ("secrets: [{secret: a, deploy_type: volume}]", "secrets[0].deploy_target: should be an absolute path in the image"),
    ("secrets: [{secret: a, deploy_type: volume, deploy_target: '/a:b'}]", "deploy_target: should be an absolute path"),
    ("secrets: [{secret: a, deploy_type: volume, deploy_target: /}]", "deploy_target: should be a folder below /, got '/'"),
    (f"secrets: [{'{secret: a, deploy_type: volume, deploy_target: /a},' * 2}]", "secrets: named more than once: /a"),
    ("project_path: home", "run_config.project_path: should be an absolute path in the image"),
    ("project_path: /a/../b", "run_config.project_path: should be an absolute path in the image, without ':' and '..'"),
    ("env_vars: ['A B']", "run_config.env_vars[0]: should be the name of an environment variable"),
    ("env_vars: [żółć]", "run_config.env_vars[0]: should be the name of an environment variable"),
    (f"env_vars: [{'A' * 251}]", "run_config.env_vars[0]: should be at most 250 characters"),
    (f"env_vars: [{'A,' * 2000}]", "run_config.env_vars: named more than once: A"),
    ("env_vars: [X], secrets: [{secret: a, key: k, deploy_target: X}]", "env_vars: named more than once, together with"),
    # resources
    ("resources: {a b: {}}", f"run_config.resources.a b: {WORD}, as a tag of Kedro has, got 'a b'"),
    ("resources: {a: {labels: {x: a b}}}", f"run_config.resources.a.labels.x: {WORD}"),
    (f"resources: {{a: {{labels: {{x: {'y' * 64}}}}}}}", "resources.a.labels.x: should be at most 63 characters"),
    ("resources: {a: {labels: {x y: z}}}", f"run_config.resources.a.labels.x y: {WORD}"),
    ("resources: {a: {labels: {x: {y: z}}}}", "run_config.resources.a.labels.x: should be text, got {'y': 'z'}"),
    ("resources: {a: {labels: {x: null}}}", "run_config.resources.a.labels.x: should be text, got null"),
    ("resources: {a: {labels: {dag_id: z}}}", "labels.dag_id: is a label that Airflow itself sets; take another name"),
    ("resources: {a: {labels: {kedro-airflow-k8s/node: z}}}", "is a label that the plugin itself sets"),
    ("resources: {a: {labels: {on: z}}}", "run_config.resources.a.labels: the key True is no text"),
    ("resources: {a: {annotations: {x y: z}}}", f"run_config.resources.a.annotations.x y: {WORD}"),
    (f"resources: {{a: {{annotations: {{x: {'y' * 270_000}}}}}}}", "should be at most 262144 bytes in all, got 270001"),
    ("resources: {a: {requests: {cpu: lots}}}", "requests.cpu: should be an amount such as 500m, 2 or 1Gi, got 'lots'"),
    ("resources: {a: {requests: {cpu: .nan}}}", "run_config.resources.a.requests.cpu: should be an amount"),
    ("resources: {a: {requests: {gpu: 1}}}", "resources.a.requests.gpu: should be cpu, memory, ephemeral-storage, "),
    ("resources: {a: {limits: {x.y/gpu: 0.5}}}", "resources.a.limits.x.y/gpu: should be a whole number, got '0.5'"),
    ("resources: {a: {requests: {x.y/gpu: 1}}}", "requests.x.y/gpu: should be the same as limits.x.y/gpu (null), got '1'"),
    (
        "resources: {__default__: {limits: {memory: 1Gi}}, a: {requests: {memory: 1025Mi}}}",
        "run_config.resources.a.requests.memory: should be at most limits.memory ('1Gi'), got '1025Mi'",
    ),
    ("resources: {a: {tolerations: {key: x}}}", "run_config.resources.a.tolerations: should be a list"),
    ("resources: {a: {tolerations: [{value: y}]}}", "tolerations[0].key: required, but missing, unless operator is"),
    ("resources: {a: {tolerations: [{key: x, operator: Exists, value: y}]}}", "value: should be absent where operator"),
    ("resources: {a: {tolerations: [{key: x, tolerationSeconds: 5}]}}", "effect: should be 'NoExecute' beside toler"),
    # Airflow
    ("cron_expression: 5", "run_config.cron_expression: should be a cron expression, one of @once"),
    ("cron_expression: off", "run_config.cron_expression: should be a cron expression, one of @once"),
    ("cron_expression: '{{ x }}'", "run_config.cron_expression: should be a cron expression, one of @once"),
    ("cron_expression: '@reboot'", "run_config.cron_expression: should be a cron expression, one of @once"),
    (f"cron_expression: '{'9' * 999} * * * *'", "run_config.cron_expression: should be a cron expression"),
    ("cron_expression: 'R * * * *'", "run_config.cron_expression: should be a cron expression without R"),
    ("cron_expression: '0 0 30 2 *'", "run_config.cron_expression: never happens, or only once: '0 0 30 2 *'"),
    ("cron_expression: '0 0 1 1 * 0 2050'", "run_config.cron_expression: never happens, or only once"),
    ("start_date: 20240230", "run_config.start_date: should be a date written YYYYMMDD, got '20240230'"),
    ("start_date: 2024_01_01", "run_config.start_date: should be a date written YYYYMMDD, got '2024_01_01'"),
    ("start_date: ٢٠٢٤٠١٠١", "run_config.start_date: should be a date written YYYYMMDD, got '٢٠٢٤٠١٠١'"),
    ("start_date: 99991231", "run_config.start_date: should be a date before the year 3000, got '99991231'"),
    ("run_name: '///'", "'///' cannot be a DAG id"),
    ("run_name: 😀", "'😀' cannot be a DAG id"),
    ("run_name: {a: b}", "run_config.run_name: should be text, got {'a': 'b'}"),
    ("macro_params: [dss]", "run_config.macro_params[0]: 'dss' is no macro that is a text; did you mean 'ds'?"),
    ("macro_params: [ds], variables_params: [ds]", "variables_params: named more than once, together with macro_params"),
    ("variables_params: ['{{ x }}']", "run_config.variables_params[0]: should be a name of letters, digits"),
    ("external_dependencies: [{dag_id: a b}]", "external_dependencies[0].dag_id: should be an id of Airflow"),
    ("external_dependencies: [{dag_id: a, timeout: 0}]", "external_dependencies[0].timeout: should be above 0, got '0'"),
    ("external_dependencies: [{dag_id: a, execution_delta: 1000000000000000}]", "execution_delta: should be at most"),
    ("external_dependencies: [{dag_id: a}, {dag_id: a}]", "external_dependencies: named more than once: a"),
]  # fmt: skip


@pytest.mark.parametrize(("run", "said"), REFUSED, ids=[run[:60] for run, _ in REFUSED])
def test_a_wrong_value_is_one_clear_error(compiled, run, said):
    """The error names the file, the key, what should be there and what was given; nothing is written."""
    overridden = run.partition(":")[0]
    base = re.sub(rf"{overridden}: [^,]+(, )?", "", BASE) if overridden in ("image", "namespace") else BASE
    outcome = compiled(f"{base}, {run}}}")

    assert_error(outcome, said)
    assert FILE in outcome[0].output or "run_name" in outcome[0].output
