"""Options of all layers of the suite."""


def pytest_addoption(parser):
    parser.addoption("--write-golden", action="store_true", help="write the golden files instead of comparing them")
