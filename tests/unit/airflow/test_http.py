"""Requests over a network that fails: what is repeated, for how long, and what is said."""

import ssl
import time as real_time
import traceback
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
import trustme

from kedro_airflow_k8s.airflow import connect
from kedro_airflow_k8s.airflow.access import Authorization, Login, bearer
from kedro_airflow_k8s.airflow.http import LostAnswer, Transport
from kedro_airflow_k8s.errors import AirflowError, AirflowUnreachable

from .conftest import LOGIN, Fault

VERSION = "/api/v2/version"


def frames(error):
    """Write down an error, its chain and the values in its frames, but for those of the tests."""
    found = traceback.TracebackException.from_exception(error, capture_locals=True)
    chain = [found]
    while found := found.__cause__ or (None if found.__suppress_context__ else found.__context__):
        chain.append(found)
    for link in chain:
        link.stack[:] = [frame for frame in link.stack if "tests" not in frame.filename]
    return "".join("".join(link.format(chain=False)) for link in chain)


@pytest.fixture
def transport(serve, time, said):
    """A transport to a FakeAirflow, which it brings along."""
    state = serve()
    made = Transport(state.url, Login(Authorization()), report=said.append, clock=time.clock)
    made.state = state
    return made


def test_nobody_listens(free_port, time, said):
    """A refused connection is tried again, said, and given up within 30 s with the reason."""
    url = f"http://127.0.0.1:{free_port}"
    with pytest.raises(AirflowUnreachable) as error:
        connect(url, {}, report=said.append, clock=time.clock)

    assert f"Airflow at {url} cannot be reached: connection refused" == str(error.value)
    assert [f"Airflow at {url}: connection refused; trying again"] == said
    assert 5 <= time.time <= 30


def test_no_such_host(time):
    """A name that cannot be resolved is said to be one."""
    with pytest.raises(AirflowUnreachable, match="cannot be reached: the host name is not found"):
        connect("http://airflow.invalid", {}, clock=time.clock)

    assert time.time <= 30


@pytest.mark.parametrize("host", ["http://a b", "http://" + "a" * 70 + ".example", "http://[::1", "http://:0x/"])
def test_no_address(host, time):
    """What is no address is an error of ours, not of a library."""
    with pytest.raises(AirflowError):
        connect(host, {}, clock=time.clock)


def test_silence_ends_with_the_time_limit(transport, monkeypatch):
    """A server that accepts and does not answer takes no longer than the limit."""
    monkeypatch.setattr("kedro_airflow_k8s.airflow.http._ATTEMPT", 0.2)
    transport.state.faults = [Fault("hang", times=9)]
    began = real_time.monotonic()
    with pytest.raises(AirflowUnreachable, match="cannot be reached: timed out"):
        transport.send("GET", VERSION, seconds=0.5)

    assert real_time.monotonic() - began < 4


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=500, times=3),
        Fault("status", status=503, times=3),
        Fault("reset", times=2),
        Fault("cut", times=2),
        Fault("cut", times=2, after=True),
    ],
    ids=["500", "503", "reset", "cut off", "cut short"],
)
def test_passing_trouble_is_got_over(transport, fault):
    """What is safe to repeat is repeated until it succeeds."""
    transport.state.faults = [fault]
    answer = transport.send("GET", VERSION)

    assert {"version": "3.3.2"} == answer.body
    assert len(transport.state.requests) in {3, 4}


def test_lasting_trouble_is_named(transport, time):
    """After six attempts the user reads what the server answers."""
    transport.state.faults = [Fault("status", status=502, times=99, body='{"detail": "no upstream"}')]
    with pytest.raises(AirflowUnreachable, match="it answers 502, no upstream"):
        transport.send("GET", VERSION)

    assert 6 == len(transport.state.requests)
    assert time.time <= 30


@pytest.mark.parametrize("fault", [Fault("reset"), Fault("status", status=500), Fault("cut")], ids=lambda it: it.kind)
def test_what_is_not_safe_is_not_repeated(transport, fault):
    """The server may have done it: the request is sent once."""
    transport.state.faults = [fault]
    with pytest.raises(LostAnswer):
        transport.send("POST", VERSION, repeat=False)

    assert 1 == len(transport.state.requests)


def test_a_refusal_for_being_too_many_is_always_repeated(transport, time):
    """429 says that nothing was done; Retry-After says when to come back."""
    transport.state.faults = [Fault("status", status=429, headers={"Retry-After": "40"}, times=2)]
    answer = transport.send("GET", VERSION, repeat=False)

    assert 200 == answer.status
    assert [40, 40] == time.slept


def test_retry_after_can_be_a_date(transport, time):
    """The other format of the header."""
    moment = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=20), usegmt=True)
    transport.state.faults = [Fault("status", status=503, headers={"Retry-After": moment})]
    transport.send("GET", VERSION)

    assert 15 < time.time <= 20


def test_a_retry_after_of_an_hour_is_not_waited_for(transport, time):
    """It is bounded, and named."""
    transport.state.faults = [Fault("status", status=429, headers={"Retry-After": "3600"}, times=9)]
    with pytest.raises(AirflowUnreachable, match=r"too many requests \(429\) and says to come back in 3600 s"):
        transport.send("GET", VERSION)

    assert [] == time.slept


def test_pauses_grow_and_vary(transport, time):
    """Backoff with jitter, lest all clients come back at once."""
    transport.state.faults = [Fault("reset", times=4)]
    transport.send("GET", VERSION)

    bounds = [(0.375, 0.625), (0.75, 1.25), (1.5, 2.5), (3, 5)]
    assert all(low <= pause <= high for (low, high), pause in zip(bounds, time.slept, strict=True))
    assert [0.5, 1, 2, 4] != time.slept


def test_a_netrc_file_does_not_replace_the_login(transport, tmp_path, monkeypatch):
    """The user said who they are in the environment."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login other password stolen\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    transport.send("GET", VERSION)
    transport.at(transport.host, Login(bearer("mine"))).send("GET", VERSION)

    assert [None, "Bearer mine"] == [headers.get("Authorization") for headers in transport.state.headers]


@pytest.mark.parametrize(
    "proxy",
    [
        "http://[::1",
        "a proxy",
        "://",
        f"http://{'a' * 70}.example:3128",
        "http://127.0.0.1:99999",
        "http://żółw:planted@127.0.0.1:1",
        "socks5://127.0.0.1:1",
    ],
)
def test_a_proxy_that_is_not_an_address_is_named(time, monkeypatch, proxy):
    """It is not mistaken for the address of Airflow."""
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(AirflowUnreachable, match="HTTP_PROXY should be the address of a proxy, such as") as error:
        connect("http://airflow.example.com", {}, clock=time.clock)

    assert "planted" not in str(error.value)


def test_an_answer_without_an_end_is_not_read_to_it(transport, monkeypatch):
    """It would fill the memory of this machine."""
    monkeypatch.setattr("kedro_airflow_k8s.airflow.http._LARGEST", 1 << 20)
    transport.state.faults = [Fault("status", status=200, body="x" * (2 << 20))]
    with pytest.raises(AirflowUnreachable, match="its answer is longer than 1 MiB"):
        transport.send("GET", VERSION)


def test_nothing_is_sent_after_the_deadline(transport, time):
    """Not even once more."""
    time.time = 10
    with pytest.raises(AirflowUnreachable, match="has not answered in time"):
        transport.until(10).send("GET", VERSION)

    assert [] == transport.state.requests


def test_repetitions_end_with_the_deadline(transport, time):
    """Even if the server asks for more time."""
    transport.state.faults = [Fault("status", status=429, headers={"Retry-After": "40"}, times=9)]
    with pytest.raises(AirflowUnreachable, match="come back in 40 s"):
        transport.until(50).send("GET", VERSION)

    assert [40] == time.slept


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_server_that_quotes_the_token_does_not_get_it_printed(serve, time, status):
    """No secret is in the text, the chain or the frames of an error."""
    state = serve(anonymous=True)
    client = connect(state.url, {"AIRFLOW_API_TOKEN": "planted-secret"}, clock=time.clock)
    state.faults = [Fault("echo", status=status, times=99)]
    with pytest.raises(AirflowError) as error:
        client.unpause("demo")

    assert "planted" not in frames(error.value)
    assert "you sent" in str(error.value)
    assert "planted" not in str(error.value)


def test_a_lost_connection_does_not_print_the_token(serve, time):
    """Nor does an error of the network."""
    state = serve()
    client = connect(state.url, LOGIN, clock=time.clock)
    state.faults = [Fault("reset", times=99)]
    with pytest.raises(AirflowUnreachable) as error:
        client.dag("demo")

    assert "planted" not in frames(error.value)
    assert "planted" not in str(error.value)


def test_credentials_in_the_address_are_refused_and_not_shown():
    """An address is printed; so it may hold none."""
    with pytest.raises(AirflowError) as error:
        connect("http://me:planted@127.0.0.1:1/x", {})

    assert "host: http://...@127.0.0.1:1/x comes with credentials" in str(error.value)
    assert "planted" not in str(error.value)


@pytest.fixture(scope="module")
def authority():
    """A certificate authority that nobody knows."""
    return trustme.CA()


@pytest.fixture
def secure(serve, authority):
    """A FakeAirflow behind TLS."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    return serve(tls)


@pytest.fixture
def bundle(authority, tmp_path):
    """What makes it trusted."""
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return {"AIRFLOW__CLIENT__SSL_VERIFY": str(tmp_path / "ca.pem")}


def test_an_untrusted_certificate(secure, time):
    """Refused at once, and the user learns what to set."""
    with pytest.raises(AirflowUnreachable, match=r"its certificate is not trusted .*AIRFLOW__CLIENT__SSL_VERIFY"):
        connect(secure.url, LOGIN, clock=time.clock)

    assert [] == time.slept


def test_a_bundle_that_trusts_the_certificate(secure, bundle):
    """SSL_VERIFY can be a path."""
    client = connect(secure.url, {**LOGIN, **bundle})

    assert "3.3.2" == str(client.version)


def test_a_trigger_may_have_arrived_where_the_tls_connection_breaks(secure, bundle, time):
    """As over a plain one: the run is looked for, and the user learns that there may be one."""
    client = connect(secure.url, {**LOGIN, **bundle}, clock=time.clock)
    secure.add_dag("demo")
    secure.faults = [Fault("leave", path="/dagRuns", after=True, times=99)]
    with pytest.raises(AirflowUnreachable, match="Whether it has started run mine is not known"):
        client.trigger("demo", "mine")

    assert ["mine"] == list(secure.runs)


@pytest.mark.filterwarnings("error::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("value", ["False", "0"])
def test_certificates_can_be_left_unchecked(secure, said, monkeypatch, tmp_path, value):
    """With one warning, even if the environment names a bundle for requests."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    client = connect(secure.url, {**LOGIN, "AIRFLOW__CLIENT__SSL_VERIFY": value}, report=said.append)

    assert "3.3.2" == str(client.version)
    assert ["Warning: AIRFLOW__CLIENT__SSL_VERIFY switches off the check of Airflow's certificate"] == said


def test_a_bundle_that_is_not_there():
    """Named with the value given."""
    with pytest.raises(AirflowError, match=r"should be True, False or a CA bundle; '/no/such\.pem' cannot"):
        connect("http://127.0.0.1:1", {"AIRFLOW__CLIENT__SSL_VERIFY": "/no/such.pem"})


def test_tls_to_a_server_without(serve, time):
    """https:// for http:// is said to be that."""
    with pytest.raises(AirflowUnreachable, match="it does not speak TLS"):
        connect(serve().url.replace("http:", "https:"), {}, clock=time.clock)


def test_what_nobody_foresaw_shows_no_token(transport, monkeypatch):
    """The frames of the libraries hold the header; an error of theirs is ours, without them."""

    def fail(*arguments):
        raise ZeroDivisionError("planted-token")

    monkeypatch.setattr("kedro_airflow_k8s.airflow.http.read_answer", fail)
    transport = transport.at(transport.host, Login(bearer("planted-token")))
    with pytest.raises(AirflowError, match=r"failed with ZeroDivisionError: \*\*\*") as error:
        transport.send("GET", VERSION)

    assert "planted" not in frames(error.value)


def test_an_airflow_that_is_not_reached_does_not_print_the_environment(free_port, time):
    """Not even where tracebacks show variables."""
    with pytest.raises(AirflowUnreachable) as error:
        connect(f"http://127.0.0.1:{free_port}", {"AIRFLOW_API_TOKEN": "planted-token"}, clock=time.clock)

    assert "planted" not in frames(error.value)
