"""Options of all layers of the suite."""

import signal

# A shell ignores Ctrl-C for what it starts in the background, and children inherit that: undo it for those that tests
# interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser):
    parser.addoption("--write-golden", action="store_true", help="write the golden files instead of comparing them")
