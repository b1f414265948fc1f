"""How Sphinx builds these pages: `tox run -e docs`, then `docs/_build/html/index.html`."""

from kedro_airflow_k8s import __version__

project = "kedro-airflow-k8s"
release = __version__
extensions = ["myst_parser"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"{project} {release}"
myst_heading_anchors = 3
# Addresses that stand for the reader's own.
linkcheck_ignore = [r"https://([a-z0-9.-]+\.)?example\.com"]
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["tables.css"]
