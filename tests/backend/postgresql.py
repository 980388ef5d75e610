"""Fixture ``postgresql``: the address of an empty database on a real PostgreSQL, which one session shares."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from backend.processes import free_port

_USER = "scanproof"
_DEBIAN = Path("/usr/lib/postgresql")
_OPTIONS = "-c fsync=off -c full_page_writes=off -c unix_socket_directories= -c listen_addresses=127.0.0.1"
_numbers = itertools.count()


def _programs() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``, the newest on Debian, where they are not on the PATH."""
    if found := shutil.which("initdb"):
        return Path(found).parent
    return max(_DEBIAN.glob("*/bin"), key=lambda folder: int(folder.parent.name), default=None)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt-get install postgresql)")
    # PostgreSQL refuses to run as root, and its user cannot enter the folders of pytest.
    folder = Path(tempfile.mkdtemp(prefix="scanproof-postgresql-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data, port = folder / "data", free_port()

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(programs / program), "-D", str(data), *arguments]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, timeout=60)

    try:
        run("initdb", "--auth=trust", f"--username={_USER}", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8")
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", f"{_OPTIONS} -p {port}", "start")
        try:
            yield f"postgresql+psycopg://{_USER}@127.0.0.1:{port}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def postgresql(postgresql_server: str) -> str:
    name = f"test_{next(_numbers)}"
    engine = create_engine(f"{postgresql_server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{postgresql_server}/{name}"
