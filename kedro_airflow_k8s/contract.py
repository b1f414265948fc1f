"""What the places where code runs must agree on: the user's machine, Airflow's workers and the pods."""

# How a line of a task's log begins in which an operator says why its pod waits, or how it ended.
POD_WAITS = "Pod waits: "
POD_ENDED = "Pod ended: "
