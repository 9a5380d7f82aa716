"""The broker's jars, exactly as jgo.lock.toml names them: fetched by jgo, refused if a checksum differs.

jgo records checksums in its lock file but does not enforce them, and writes a download straight to its final place. Here a jar is
fetched into a scratch directory, checked, and only then moved into the cache; what is in the cache is checked again at each start.
"""

import fcntl
import os
import shutil
import ssl
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from functools import cache
from hashlib import file_digest
from pathlib import Path
from typing import Any

from engine.errors import OutdialError

LOCK = Path(__file__).with_name("jgo.lock.toml")

#: Told what is being done, how many parts of it are done, and of how many.
Progress = Callable[[str, int, int], None]

#: Where distributions keep their certificates, for a Python that was built to look elsewhere.
_CA_BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")

_ATTEMPTS = 3


def silent(_what: str, _done: int, _total: int) -> None:
    """Progress that nobody watches."""


def kafka_version(lock: Path = LOCK) -> str:
    """The version of Kafka that the lock file names."""
    return next(str(jar.version) for jar in _locked(lock) if jar.artifactId == "kafka_2.13")


def ensure_jars(cache_dir: Path, progress: Progress = silent, lock: Path = LOCK) -> list[Path]:
    """All jars, in the lock's order, in `cache_dir`; fetches what is missing.

    Raises `OutdialError` if a jar is not what the lock says, or cannot be fetched. Jars fetched before that stay in the cache.
    """
    repository = cache_dir.resolve() / "m2"
    locked = _locked(lock)
    missing = _missing(repository, locked)
    if missing:
        with _alone(repository):
            missing = _missing(repository, missing)
            if missing:
                _fetch_all(repository, missing, progress)
    # Those that were there already; the others were checked on their way in.
    for jar in locked:
        if jar not in missing and not _is_genuine(_path(repository, jar), jar):
            raise OutdialError(
                f"{_path(repository, jar)} is not the jar that {lock.name} names (its SHA-256 differs), so the broker was not "
                "started: delete that file and run the command again"
            )
    return [_path(repository, jar) for jar in locked]


@cache
def _locked(lock: Path) -> list[Any]:
    from jgo.env import LockFile  # Takes 0.2 s, and only the broker's commands need it.

    dependencies: list[Any] = LockFile.load(lock).dependencies
    unchecked = [jar.artifactId for jar in dependencies if not jar.sha256]
    if unchecked:
        raise OutdialError(f"{lock.name} has no checksum for {', '.join(unchecked)}: write it anew with scripts/lock_jars.py")
    return dependencies


def _path(repository: Path, jar: Any) -> Path:
    name = f"{jar.artifactId}-{jar.version}{'-' + jar.classifier if jar.classifier else ''}.{jar.packaging}"
    return repository.joinpath(*jar.groupId.split("."), jar.artifactId, jar.version, name)


def _missing(repository: Path, jars: list[Any]) -> list[Any]:
    return [jar for jar in jars if not _path(repository, jar).exists()]


@contextmanager
def _alone(repository: Path) -> Iterator[None]:
    """One process at a time fetches into a cache: a second waits, then finds what the first has fetched."""
    repository.mkdir(parents=True, exist_ok=True)
    directory = os.open(repository, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _is_genuine(path: Path, jar: Any) -> bool:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest() == str(jar.sha256)


def _fetch_all(repository: Path, missing: list[Any], progress: Progress) -> None:
    what = "Fetching Apache Kafka from Maven Central"
    progress(what, 0, len(missing))
    with _scratch(repository) as scratch, _trusted_certificates(), ThreadPoolExecutor(4) as pool:
        fetches = [pool.submit(_fetch, repository, scratch, jar) for jar in missing]
        try:
            for done, fetch in enumerate(as_completed(fetches), 1):
                fetch.result()
                progress(what, done, len(missing))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _fetch(repository: Path, scratch: Path, jar: Any) -> None:
    fetched = _download(scratch, jar)
    if not _is_genuine(fetched, jar):
        raise OutdialError(
            f"{fetched.name} as fetched from Maven Central is not the jar that {LOCK.name} names (its SHA-256 differs): "
            "something on the way changes downloads; use another network, or copy the jars into OUTDIAL_CACHE"
        )
    target = _path(repository, jar)
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(fetched, target)


def _download(scratch: Path, jar: Any) -> Path:
    from jgo.maven import MavenContext
    from requests import RequestException

    for attempt in range(1, _ATTEMPTS + 1):
        # A directory for each attempt: jgo takes a file that a broken download left behind for a whole one.
        context = MavenContext(repo_cache=scratch / f"{attempt}", timeout=20)
        component = context.project(jar.groupId, jar.artifactId).at_version(jar.version)
        try:
            return Path(component.artifact(jar.classifier or "", jar.packaging).resolve())
        except (RequestException, RuntimeError, OSError) as error:
            if attempt == _ATTEMPTS:
                raise OutdialError(
                    f"Apache Kafka could not be fetched from Maven Central ({_root_cause(error)}): check the network and run the "
                    "command again, or set OUTDIAL_BOOTSTRAP to a broker that is already there"
                ) from error
    raise AssertionError("the last attempt either returns or raises")


def _root_cause(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {error}"


@contextmanager
def _scratch(repository: Path) -> Iterator[Path]:
    # Beside the repository, so that a jar is moved into it in one step.
    scratch = Path(tempfile.mkdtemp(prefix="fetching-", dir=repository.parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _trusted_certificates() -> Iterator[None]:
    """Has requests trust what the system trusts: it brings certificates of its own, which do not know a company's proxy."""
    bundle = _ca_bundle()
    if bundle is None or "REQUESTS_CA_BUNDLE" in os.environ:
        yield
        return
    os.environ["REQUESTS_CA_BUNDLE"] = bundle
    try:
        yield
    finally:
        del os.environ["REQUESTS_CA_BUNDLE"]


def _ca_bundle() -> str | None:
    candidates = (os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *_CA_BUNDLES)
    return next((path for path in candidates if path and Path(path).is_file()), None)
