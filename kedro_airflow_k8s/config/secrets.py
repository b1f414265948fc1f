"""The entries of `run_config.secrets`, and what they become: variables or files of the nodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from kedro_airflow_k8s.config.kubernetes import ENV_NAME, DnsName, SecretKey
from kedro_airflow_k8s.config.section import Section
from kedro_airflow_k8s.config.values import Text, Wrong, folder


@dataclass(frozen=True)
class SecretVariable:
    """One key of a Kubernetes secret as the environment variable `name`."""

    secret: str
    key: str
    name: str


@dataclass(frozen=True)
class SecretVariables:
    """All keys of a Kubernetes secret as environment variables of the same names."""

    secret: str


@dataclass(frozen=True)
class SecretFiles:
    """A Kubernetes secret, or one key of it, as files in a folder of the container."""

    secret: str
    key: str | None
    folder: str


class Secret(Section):
    """A Kubernetes secret, or one key of it, that the nodes get."""

    deploy_type: Literal["env", "volume"] = "env"
    """How: as environment variables, or as files."""
    deploy_target: Text | None = None
    """Name of the variable, or folder of the files; none for all keys of a secret as variables of the same names."""
    secret: DnsName
    """Name of the secret."""
    key: SecretKey | None = None
    """Key of the secret; none means all of its keys."""

    @model_validator(mode="after")
    def _has_a_target(self) -> Secret:
        try:
            self.deployed()
        except ValueError as error:
            raise Wrong({"deploy_target": str(error)}) from None
        return self

    def deployed(self) -> SecretVariable | SecretVariables | SecretFiles:
        """Return what the nodes get. Raises `ValueError` if the target does not suit it."""
        target = self.deploy_target
        if self.deploy_type == "volume":
            folder(target)
            return SecretFiles(self.secret, self.key, str(target))
        if self.key is not None:
            return SecretVariable(self.secret, self.key, ENV_NAME.check(target or ""))
        if target is not None:
            raise ValueError("should be absent without a key; the variables are named as the keys are")
        return SecretVariables(self.secret)


def _deployed(secrets: tuple[Secret, ...]) -> tuple[SecretVariable | SecretVariables | SecretFiles, ...]:
    return tuple(secret.deployed() for secret in secrets)


Secrets = Annotated[tuple[Secret, ...], AfterValidator(_deployed)]
