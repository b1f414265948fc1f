"""Requests to one Airflow: each within its time, repeated where that is safe, sent as the user given."""

from __future__ import annotations

import copy
import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from kedro_airflow_k8s import __version__
from kedro_airflow_k8s.addresses import public
from kedro_airflow_k8s.airflow.access import Login
from kedro_airflow_k8s.airflow.answer import Answer, read_answer
from kedro_airflow_k8s.airflow.trouble import OVERDUE, Trouble, diagnose, is_address, misaddressed
from kedro_airflow_k8s.errors import AirflowError, AirflowUnreachable
from kedro_airflow_k8s.model import Report

TOTAL = 25.0  # seconds for a request with all its repetitions: with the start of Kedro, a user waits 30
_ATTEMPT = 20.0
_CONNECT = 5.0
_ATTEMPTS = 6
_LONGEST_PAUSE = 60.0
_ALL_PAUSES = 180.0
_LARGEST = 64 << 20


class LostAnswer(AirflowUnreachable):
    """No answer came, and the request may nevertheless have had its effect."""


@dataclass(frozen=True)
class Clock:
    """Seconds that only go forward, and how to let some pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


CLOCK = Clock()


class Transport:
    """The way to one Airflow: `host` is its address, a path prefix included, and `login` who asks."""

    def __init__(
        self,
        host: str,
        login: Login,
        *,
        verify: bool | str = True,
        report: Report = lambda text: None,
        clock: Clock = CLOCK,
    ) -> None:
        if not is_address(host):
            raise AirflowError(f"host: {public(host)!r} is not an address")
        if "@" in urlsplit(host).netloc:
            raise AirflowError(
                f"host: {public(host)} comes with credentials; put them into AIRFLOW_API_USERNAME and"
                " AIRFLOW_API_PASSWORD"
            )
        self.host = host.rstrip("/")
        self.login = login
        self.clock = clock
        self.report = report
        self._verify = verify
        self._told = False
        self._ahead = timedelta()
        self._deadline = math.inf
        self._session = requests.Session()
        self._session.headers.update({"Accept": "application/json", "User-Agent": f"kedro-airflow-k8s/{__version__}"})
        if verify is False:
            # Said once by us; urllib3 would say it at each request.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    def at(self, host: str, login: Login) -> Transport:
        """Return the way to another address, or for another login, over the same connections."""
        other = copy.copy(self)
        other.host, other.login = host, login
        return other

    def until(self, deadline: float) -> Transport:
        """Return the same way, which is closed at that time of the clock."""
        other = copy.copy(self)
        other._deadline = deadline
        return other

    def send(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        repeat: bool = True,
        redirect: bool = False,
        final: frozenset[int] = frozenset(),
        seconds: float = TOTAL,
    ) -> Answer:
        """Send a request and return what came back, whatever its status.

        With `repeat` false it is not sent again once the server may have received it: a lost answer is then
        `LostAnswer`. A status in `final` is an answer even if it tells of trouble. Raises `AirflowUnreachable` with the
        reason if there is no answer within `seconds`.
        """
        renewed = False
        deadline = min(self.clock.now() + seconds, self._deadline)
        if self.clock.now() >= deadline:
            raise AirflowUnreachable(f"Airflow at {self.host} has not answered in time")
        attempt, paused = 0, 0.0
        while True:
            attempt += 1
            began = self.clock.now()
            limit = max(1.0, min(_ATTEMPT, deadline - began))
            outcome = self._exchange(method, path, json, params, redirect, limit)
            if isinstance(outcome, Answer):
                if self._is_stale(outcome) and not renewed and self.login.renew():
                    renewed = True
                    continue
                trouble = None if outcome.status in final else _refusal(outcome)
                if trouble is None:
                    self._told, self._ahead = False, outcome.ahead
                    return outcome
            else:
                trouble = outcome
            if trouble.sent and not repeat:
                raise LostAnswer(f"Airflow at {self.host} did not confirm the request: {trouble.reason}")
            pause = _backoff(attempt)
            if isinstance(outcome, Answer) and outcome.retry_after is not None:
                pause = outcome.retry_after
                paused += pause
                # The server is there and names its time, which is not what the limit is for.
                longer = pause if pause <= _LONGEST_PAUSE and paused <= _ALL_PAUSES else 0
                deadline = min(deadline + longer, self._deadline)
            # What just took this long may do so again.
            needed = pause + max(self.clock.now() - began, 0.1)
            if not trouble.passing or attempt == _ATTEMPTS or self.clock.now() + needed > deadline:
                raise AirflowUnreachable(f"Airflow at {self.host} cannot be reached: {trouble.reason}")
            if attempt == 2 and not self._told:
                self._told = True
                self.report(f"Airflow at {self.host}: {trouble.reason}; trying again")
            self.clock.sleep(pause)

    def now(self) -> datetime:
        """Return the time by the server's clock, as its last answer told it: up to a second late, never early."""
        return datetime.now(timezone.utc) - self._ahead

    def _is_stale(self, answer: Answer) -> bool:
        return answer.status == 401 or (answer.status == 403 and "token" in answer.detail.lower())

    def _exchange(
        self, method: str, path: str, data: Any, params: Any, redirect: bool, limit: float
    ) -> Answer | Trouble:
        """Send once. The limit holds for all of it: name look-up, each of a name's addresses, and a slow body."""
        authorization = self.login.authorization
        result: list[Answer | Trouble] = []
        end = time.monotonic() + limit

        def exchange() -> None:
            try:
                with self._session.request(
                    method,
                    self.host + path,
                    json=data,
                    params=params,
                    auth=authorization,
                    timeout=(min(_CONNECT, limit), limit),
                    verify=self._verify,
                    allow_redirects=redirect,
                    stream=True,
                ) as response:
                    result.append(_read(response, end, authorization.hide))
            except requests.RequestException as error:
                result.append(diagnose(error))
            except (UnicodeError, urllib3.exceptions.LocationValueError):
                result.append(misaddressed())
            except Exception as error:
                # Only in words: the frames and the causes of an error hold what was sent, the credentials included.
                reason = f"the request failed with {type(error).__name__}: {authorization.hide(str(error))}"
                result.append(Trouble(reason, sent=True, passing=False))

        # `requests` limits each wait for the network, not their sum, and the look-up of a name not at all.
        thread = threading.Thread(target=exchange, daemon=True)
        thread.start()
        thread.join(limit + 1)
        return result[0] if result else OVERDUE


def _read(response: requests.Response, end: float, hide: Callable[[str], str]) -> Answer | Trouble:
    """Read an answer, if its body is neither too long nor too late."""
    content = bytearray()
    for chunk in response.iter_content(1 << 16):
        content += chunk
        if len(content) > _LARGEST:
            return Trouble(f"its answer is longer than {_LARGEST >> 20} MiB", sent=True, passing=False)
        if time.monotonic() > end:
            return OVERDUE
    return read_answer(response, bytes(content), hide)


def _refusal(answer: Answer) -> Trouble | None:
    """Tell whether this is no answer yet, but a server that is busy, broken, or breaks off."""
    if answer.status == 429:
        when = "" if answer.retry_after is None else f" and says to come back in {answer.retry_after:.0f} s"
        return Trouble(f"it gets too many requests (429){when}", sent=False, passing=True)
    if answer.status >= 500:
        return Trouble(f"it answers {answer.status}, {answer.detail}", sent=True, passing=True)
    if answer.ok and answer.breaks_off:
        return Trouble("its answer breaks off", sent=True, passing=True)
    return None


def _backoff(attempt: int) -> float:
    # Each client waits a little differently, so that they do not all come back at once.
    return min(8.0, 0.5 * 2.0 ** (attempt - 1)) * random.uniform(0.75, 1.25)  # noqa: S311 - not a secret
