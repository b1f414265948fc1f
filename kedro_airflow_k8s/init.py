"""What `init` does: looks at the project, and writes the files that are not there yet."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro_airflow_k8s import contract, delivery, files, project, scaffold
from kedro_airflow_k8s.addresses import has_password
from kedro_airflow_k8s.errors import InitError
from kedro_airflow_k8s.project import Place


@dataclass(frozen=True)
class Outcome:
    """A file, as one says it within the project, and whether it was written or kept as it was."""

    file: str
    written: bool


@dataclass(frozen=True)
class InitOptions:
    """What to make: the configuration, and workflows if wanted; `force` replaces what is there.

    `env` is None for the base environment; without `host` or `output` the environment is to say it.
    """

    env: str | None = None
    host: str | None = None
    output: str | None = None
    workflows: bool = False
    force: bool = False


def init(metadata: Any, options: InitOptions) -> tuple[tuple[Outcome, ...], tuple[str, ...], str]:
    """Write the files for the project behind Kedro's `ProjectMetadata`.

    Returns what became of each file, what the user should know, and what to do next. Raises `ConfigError` for an
    environment that cannot be, `DeliveryError` for an output that cannot, `InitError` for a file that cannot be
    written, or should not hold what is asked for; then none is written.
    """
    if has_password(options.output or ""):
        raise InitError(
            "--output: a password does not belong into a file that git keeps; give the address without it, or leave "
            f"--output out and set {contract.CONFIG_PREFIX}AIRFLOW_DAGS"
        )
    place = project.place(metadata, options.env)
    delivery.located(options.output or "", place.path)
    wanted = [_configuration(place, options), *(_workflows(place, options) if options.workflows else ())]
    # Nothing is written if anything is in the way.
    targets = [(_target(place, own, there, options.force), text) for own, there, text in wanted]
    _write(place, {target: text for target, text in targets if target})
    outcomes = []
    for (own, there, _), (target, _) in zip(wanted, targets, strict=True):
        outcomes += [Outcome(place.short(file), bool(target)) for file in ([target] if target else there or [own])]
    return tuple(outcomes), tuple(_remarks(place, options)), _next(place, options)


_Wanted = tuple[Path, Sequence[Path], str]


def _configuration(place: Place, options: InitOptions) -> _Wanted:
    text = scaffold.configuration(
        scaffold.names(place.name, place.package),
        place.short(place.folder),
        options.host,
        options.output,
        place.below,
        variables=place.variables,
    )
    return place.folder / "airflow-k8s.yaml", place.there, text


def _workflows(place: Place, options: InitOptions) -> Iterator[_Wanted]:
    # GitHub reads them nowhere but at the root of the repository.
    root = place.repository.root if place.repository else place.path
    folder = root / scaffold.FOLDER
    named = scaffold.names(place.name, place.package)
    pipeline = scaffold.Pipeline(
        image=named.image,
        dag=named.dag,
        folder="" if place.path.resolve() == root.resolve() else place.path.resolve().relative_to(root).as_posix(),
        branch=place.repository.branch if place.repository else "main",
        env=options.env or "",
        output=options.output or scaffold.OUTPUT,
    )
    for name, text in scaffold.workflows(pipeline).items():
        spellings = [folder / f"{name}.{ending}" for ending in ("yml", "yaml")]
        yield spellings[0], [file for file in spellings if file.exists()], text


def _target(place: Place, own: Path, there: Sequence[Path], force: bool) -> Path | None:
    """Return the file to write, None for none; `there` are the files that are the same in whatever spelling."""
    if not there:
        return own
    if not force:
        return None
    if len(there) > 1 or there[0].suffix == ".json":
        listed = " and ".join(place.short(file) for file in there)
        raise InitError(
            f"{place.short(own)} would stand beside {listed}, and say the same keys; remove "
            f"{'those' if len(there) > 1 else 'that'} first"
        )
    return there[0]


def _write(place: Place, texts: Mapping[Path, str]) -> None:
    """Write all of the files or, if one cannot be, none."""
    contents = {}
    for file, text in texts.items():
        try:
            contents[file] = text.encode("utf-8")
        except UnicodeError as error:
            raise InitError(
                f"{place.short(file)} cannot be written in UTF-8: a name in it is no text in this locale; "
                "set LC_ALL to one of UTF-8, such as C.UTF-8"
            ) from error
    try:
        files.write(contents)
    except files.NotWritten as failure:
        reason = failure.error.strerror or failure.error
        raise InitError(f"{place.short(failure.file)} cannot be written: {reason}") from failure.error


def _next(place: Place, options: InitOptions) -> str:
    file = place.short(place.there[0] if place.there else place.folder / "airflow-k8s.yaml")
    env = f"-e {shlex.quote(options.env)} " if options.env else ""
    # Over a base file it sets next to nothing.
    task = f"set in {file} what differs there" if place.below else f"look over image and namespace in {file}"
    return f"{task}, then `kedro airflow-k8s {env}compile`"


def _remarks(place: Place, options: InitOptions) -> Iterator[str]:
    there = "" if options.force else "\n".join(file.read_text("utf-8", "replace") for file in place.there)
    given = {"host": options.host, "output": options.output}
    lines = " and ".join(f"`{key}: {value}`" for key, value in given.items() if there and value and value not in there)
    if lines:
        files = " and ".join(place.short(file) for file in place.there)
        yield f"set {lines} in {files} yourself; what is there is kept"
    if not options.workflows:
        return
    if place.repository is None:
        yield f"{place.path} is in no git repository yet; {scaffold.FOLDER} must be at its root"
    for file in place.there or [place.folder / "airflow-k8s.yaml"]:
        if place.repository and project.is_ignored(file):
            yield f"git ignores {place.short(file)}, which the workflows then do not see"
    if not (place.path / "requirements.txt").is_file():
        yield "there is no requirements.txt, which the workflows and kedro-docker's image install from"
