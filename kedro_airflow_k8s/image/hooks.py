"""Kedro's hooks of the plugin, by the entry point `kedro.hooks`.

Kedro imports this module wherever a session begins, so in every pod: it needs nothing but Kedro and what Kedro needs.
"""

from __future__ import annotations

import logging
import os
from typing import Any

from kedro.framework.hooks import hook_impl

from kedro_airflow_k8s.contract import STORE
from kedro_airflow_k8s.image import loader, variables


class Hooks:
    """Kedro's hooks of the plugin."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Say so where the project's own config loader keeps the variables from being used."""
        reason = loader.stepping_aside(type(context.config_loader))
        if reason and variables.given(os.environ):
            logging.getLogger(__name__).warning(reason)

    # Last, so that datasets which a hook of the project adds are there.
    @hook_impl(trylast=True)
    def after_catalog_created(self, catalog: Any, conf_creds: dict[str, Any]) -> None:
        """Hand intermediate data on through the run's store, in a pod that has one."""
        if os.environ.get(STORE):
            from kedro_airflow_k8s.image import intermediate

            intermediate.hand_over(catalog, conf_creds, os.environ)


def activated() -> Hooks:
    """Return the hooks, with Kedro's config loader reading variables from now on.

    It has to read them before the first hook is called: a loader reads globals.yml as it is made.
    """
    loader.install()
    return Hooks()


hooks = activated()
