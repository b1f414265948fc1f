"""The project's settings: all of them Kedro's defaults."""
