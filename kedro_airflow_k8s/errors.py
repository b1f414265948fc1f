"""Every way in which the plugin fails; only `cli.py` turns one of these into an exit code.

KedroAirflowK8sError               exit 1
├── ConfigError                    airflow-k8s.yaml is missing, unreadable or wrong
├── ProjectError                   the Kedro project cannot be loaded or has no such pipeline
├── PlanError                      project and configuration do not make a valid DAG
├── DeliveryError                  the DAG file could not be written where Airflow reads it
├── InitError                      a file of `init` could not be written
├── SandboxError                   the local Airflow or the emulated cluster could not be set up
└── AirflowError                   the REST API of Airflow
    ├── AirflowUnreachable         no connection, a time-out, a bad certificate, or not an Airflow
    ├── AirflowDenied              not logged in, or not allowed
    ├── DagNotLoaded               Airflow did not load the uploaded file, or could not import it
    ├── RunFailed                  the DAG run ended in another state than success
    └── WaitTimeout                exit 124: the run did not end within the time given
"""

from __future__ import annotations


class KedroAirflowK8sError(Exception):
    """What is wrong, where, and what to do about it, in one text for the user."""

    exit_code = 1


class ConfigError(KedroAirflowK8sError):
    """`airflow-k8s.yaml` is missing, unreadable or wrong."""


class ProjectError(KedroAirflowK8sError):
    """The Kedro project cannot be loaded, or lacks what was asked of it."""


class PlanError(KedroAirflowK8sError):
    """Project and configuration, each valid, do not make a valid DAG together."""


class DeliveryError(KedroAirflowK8sError):
    """A file could not be written to where Airflow reads DAGs."""


class InitError(KedroAirflowK8sError):
    """A file that `init` makes could not be written, or would clash with one that is there."""


class SandboxError(KedroAirflowK8sError):
    """The sandbox's Airflow or its emulated cluster could not be set up."""


class AirflowError(KedroAirflowK8sError):
    """Airflow's REST API answered with an error."""


class AirflowUnreachable(AirflowError):
    """Nothing answered at the address, or what answered is not Airflow."""


class AirflowDenied(AirflowError):
    """Airflow does not know the user, or does not let them do this."""


class DagNotLoaded(AirflowError):
    """Airflow did not load the uploaded DAG file in time, or failed to import it."""


class RunFailed(AirflowError):
    """The DAG run ended in another state than `success`."""


class WaitTimeout(AirflowError):
    """The DAG run had not ended when the time to wait for it was over."""

    exit_code = 124
