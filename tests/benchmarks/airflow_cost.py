"""What a generated file costs Airflow, beside a plain one that asks for the same pods.

    python tests/benchmarks/airflow_cost.py GENERATED.py

Run it with an Airflow's Python on the file that the plugin compiled from a project of `bench_project.py`. The plain
file is the hand-written kind: KubernetesPodOperators with Kubernetes client objects, and the same edges.
"""

import gc
import json
import statistics
import sys
import time
from pathlib import Path
from types import SimpleNamespace

RUNS = 10

PLAIN = """
from airflow import DAG
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes.client import models as k8s
try:
    from airflow.providers.standard.operators.empty import EmptyOperator
except ImportError:
    from airflow.operators.empty import EmptyOperator
from datetime import datetime, timezone

with DAG("plain", schedule="@daily", start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), catchup=False):
    tasks = {}
    for task_id, (template, downstream) in TASKS.items():
        if template is None:
            tasks[task_id] = EmptyOperator(task_id=task_id)
            continue
        metadata, spec = template["metadata"], template["spec"]
        (container,) = spec["containers"]
        tasks[task_id] = KubernetesPodOperator(
            task_id=task_id,
            namespace=metadata["namespace"],
            labels=metadata["labels"],
            annotations=metadata.get("annotations"),
            image=container["image"],
            image_pull_policy=container["imagePullPolicy"],
            arguments=container["args"],
            node_selector=spec.get("nodeSelector"),
            security_context=k8s.V1PodSecurityContext(fs_group=spec["securityContext"]["fsGroup"]),
            volumes=[
                k8s.V1Volume(
                    name=volume["name"],
                    persistent_volume_claim=k8s.V1PersistentVolumeClaimVolumeSource(
                        claim_name=volume["persistentVolumeClaim"]["claimName"]
                    ),
                )
                for volume in spec["volumes"]
            ],
            volume_mounts=[
                k8s.V1VolumeMount(name=mount["name"], mount_path=mount["mountPath"])
                for mount in container["volumeMounts"]
            ],
            container_resources=k8s.V1ResourceRequirements(**container["resources"]),
            startup_timeout_seconds=600,
            log_events_on_failure=True,
            log_pod_spec_on_failure=False,
            on_finish_action="delete_pod",
        )
    for task_id, (template, downstream) in TASKS.items():
        for other in downstream:
            tasks[task_id] >> tasks[other]
"""


def load(source: str, name: str, **names):
    """Execute the source of a DAG file and return its DAG and the CPU seconds that took."""
    from airflow import DAG

    code = compile(source, name, "exec")
    gc.collect()
    before = {id(found) for found in gc.get_objects() if issubclass(type(found), DAG)}
    started = time.process_time()
    scope = {"__name__": name, "__doc__": None, **names}
    exec(code, scope)
    taken = time.process_time() - started
    (dag,) = (found for found in gc.get_objects() if issubclass(type(found), DAG) and id(found) not in before)
    return dag, taken, scope


def serialise(dag):
    """Return the size of the serialised DAG and the CPU seconds that making it took."""
    try:
        from airflow.serialization.serialized_objects import DagSerialization
    except ImportError:
        from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization
    gc.collect()
    started = time.process_time()
    data = DagSerialization.to_dict(dag)
    return len(json.dumps(data)), time.process_time() - started


def pods(dag):
    """Return what every pod operator of the DAG would ask Kubernetes for, without the parts that are random."""
    from kubernetes.client import ApiClient

    found = {}
    for task in dag.tasks:
        if hasattr(task, "build_pod_request_obj"):
            task.hook = SimpleNamespace(is_in_cluster=False)
            pod = ApiClient().sanitize_for_serialization(task.build_pod_request_obj())
            del pod["metadata"]["name"]
            # What a KubernetesPodOperator has no argument for.
            pod["spec"].pop("shareProcessNamespace", None)
            pod["spec"]["containers"][0].pop("workingDir", None)
            found[task.task_id] = pod
    return found


def main() -> None:
    """Print the ratios, after checking that both files ask for the same pods."""
    import airflow.providers.cncf.kubernetes.operators.pod  # noqa: F401 - imported before the clock starts

    ours = Path(sys.argv[1]).read_text(encoding="utf-8")
    dag, _, _ = load(ours, "ours")
    nodes = {task.task_id for task in dag.tasks if task.task_type == "NodePodOperator"}
    tasks = {
        task.task_id: (task.pod_template_dict if task.task_id in nodes else None, sorted(task.downstream_task_ids))
        for task in dag.tasks
    }
    plain, _, _ = load(PLAIN, "plain", TASKS=tasks)
    expected, asked = pods(plain), pods(dag)
    assert {name: asked[name] for name in nodes} == expected, "the files ask for different pods"

    figures: dict[str, list[tuple[float, float]]] = {"import": [], "serialise": [], "size": []}
    for _ in range(RUNS):
        (a, a_taken, _), (b, b_taken, _) = load(ours, "ours"), load(PLAIN, "plain", TASKS=tasks)
        (a_size, a_time), (b_size, b_time) = serialise(a), serialise(b)
        for name, pair in zip(figures, ((a_taken, b_taken), (a_time, b_time), (a_size, b_size)), strict=True):
            figures[name].append(pair)
        del a, b
    print(f"{len(nodes)} nodes, pods equal")
    for name, pairs in figures.items():
        x, y = (statistics.median(values) for values in zip(*pairs, strict=True))
        print(f"{name}: {x:.4g} / {y:.4g} = {x / y:.3f}   (medians of {RUNS}{'' if name == 'size' else ', CPU s'})")


if __name__ == "__main__":
    main()
