"""How often a wait may ask Airflow."""

from __future__ import annotations


class Budget:
    """Saves up requests: one in each `seconds`, and at most `most`, which is what there is at first."""

    def __init__(self, now: float, most: float, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._saved = most
        self._counted = now

    def has(self, now: float, requests: float = 1) -> bool:
        """Tell whether so many are saved up; what is more than can be saved up may be spent when all is."""
        self._saved = min(self._most, self._saved + (now - self._counted) / self._seconds)
        self._counted = now
        return self._saved >= min(requests, self._most)

    def spend(self, requests: float = 1) -> None:
        """Count requests."""
        self._saved -= requests
