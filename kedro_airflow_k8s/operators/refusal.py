"""What Kubernetes says when it refuses a pod or a claim."""

from __future__ import annotations

import json
import re
from typing import Any

# What to do about a refusal, by a part of its message.
WAYS_OUT = {
    "exceeded quota": "raise the quota of the namespace, or ask for less in run_config.resources",
    "must specify": "the namespace has a quota for this: set it in run_config.resources",
    "violates PodSecurity": "use a namespace whose Pod Security level allows such pods (run_config.namespace)",
    "admission webhook": "ask whoever runs the webhook what it wants",
    "namespaces .* not found": "create the namespace, or correct run_config.namespace",
    "serviceaccount .* not found": "create the service account, or correct run_config.service_account_name",
    "cannot [a-z]+ resource": "give Airflow's service account the role that the plugin's installation page shows",
    "Unauthorized": "renew the credentials of Airflow's Kubernetes connection",
}


def refusal(error: Any) -> str:
    """Return one line for an `ApiException`: Kubernetes' own message, and what to do."""
    try:
        message = json.loads(error.body)["message"]
    except (KeyError, TypeError, ValueError):
        message = error.reason
    message = " ".join(str(message).split())
    ways = [way for part, way in WAYS_OUT.items() if re.search(part, message)]
    return f"Kubernetes refuses ({error.status}): {'; '.join([message, *ways[:1]])}"
