"""Files at a location, a folder or `s3://bucket/prefix`: list, read and copy them unchanged.

Paths are relative to the location, with `/`. Errors: ConfigError where a person must act (no such
folder or bucket, no access), FetchError where trying again may help, ChangedError where a file is
no longer what it was when it was listed.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)

from connectors._base import Delivery, Landed, Source
from models.errors import ConfigError, FetchError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK = 1 << 20
_A_PERSON_MUST_ACT = {
    "NoSuchBucket",
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "AllAccessDisabled",
    "PermanentRedirect",
    "401",
    "403",
}
_CHANGED = {"PreconditionFailed", "412"}
_ABSENT = {"NoSuchKey", "404"}


class ChangedError(FetchError):
    """A file changed between listing and copying it."""


@dataclass(frozen=True)
class StoredFile:
    """A file: size in bytes, `modified` as sortable UTC text, `mark` differs once rewritten."""

    path: str
    size: int
    modified: str
    mark: str


class Store(Protocol):
    """What a folder and a bucket have in common."""

    def files(self, under: str = "") -> Iterator[StoredFile]:
        """Yield the files below `under`, by path."""

    def find(self, path: str) -> StoredFile | None:
        """Return one file, None where there is none."""

    def read(self, file: StoredFile) -> bytes:
        """Return a small file's bytes."""

    def copy(self, file: StoredFile, target: Path) -> None:
        """Copy a file as a stream; ChangedError if it is not the one that was found."""

    def fingerprint(self, file: StoredFile) -> str:
        """Return what stands for the file's content wherever a copy of it lies."""


def open_store(location: str, **connection: Any) -> Store:
    """Return the store of a location; `connection` = endpoint_url, region, profile, for S3."""
    if location.startswith("s3://"):
        return _Bucket(location, **connection)
    return _Folder(location)


def discover_files(source: Source, landed: Landed, suffixes: tuple[str, ...]) -> Iterator[Delivery]:
    """Yield every file, each a slot; one whose size and time are known is not read to be hashed.

    The day of a file is not known before it is read, so a window leaves none out.
    """
    store = open_store(source.location)
    for file in store.files():
        is_hidden = any(part.startswith(".") for part in Path(file.path).parts)
        if file.path.endswith(suffixes) and not is_hidden:
            known = [m for m in landed.get(file.path, ()) if m.request.get("mark") == file.mark]
            version = known[-1].version if known else store.fingerprint(file).strip('"')[:16]
            yield Delivery(file.path, version, file.modified, request={"mark": file.mark})


def fetch_file(source: Source, delivery: Delivery, folder: Path) -> Path:
    """Copy a slot's file as it was when it was found; return the copy."""
    store = open_store(source.location)
    file = store.find(delivery.slot)
    if file is None or file.mark != delivery.request["mark"]:
        raise ChangedError(f"{source.name}: {delivery.slot} changed while it was fetched")
    copy = folder / delivery.slot
    copy.parent.mkdir(parents=True, exist_ok=True)
    store.copy(file, copy)
    return copy


class _Folder:
    def __init__(self, location: str) -> None:
        self.root = Path(location).expanduser()
        if not self.root.is_dir():
            raise ConfigError(f"location {location} is not a folder; allowed: a folder that exists")

    def files(self, under: str = "") -> Iterator[StoredFile]:
        for path in sorted((self.root / under).rglob("*")):
            if path.is_file():
                yield self._stored(path)

    def find(self, path: str) -> StoredFile | None:
        file = self.root / path
        return self._stored(file) if file.is_file() else None

    def _stored(self, path: Path) -> StoredFile:
        stat = path.stat()
        seconds, rest = divmod(stat.st_mtime_ns, 1_000_000_000)
        moment = f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
        name = path.relative_to(self.root).as_posix()
        return StoredFile(name, stat.st_size, moment, f"{stat.st_size}-{stat.st_mtime_ns}")

    def read(self, file: StoredFile) -> bytes:
        return (self.root / file.path).read_bytes()

    def copy(self, file: StoredFile, target: Path) -> None:
        try:
            shutil.copyfile(self.root / file.path, target)
        except FileNotFoundError as error:
            raise ChangedError(f"{file.path} disappeared while it was copied") from error
        if self.find(file.path) != file or target.stat().st_size != file.size:
            raise ChangedError(f"{file.path} changed while it was copied")

    def fingerprint(self, file: StoredFile) -> str:
        with (self.root / file.path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


class _Bucket:
    def __init__(
        self,
        location: str,
        endpoint_url: str | None = None,
        region: str | None = None,
        profile: str | None = None,
    ) -> None:
        self.bucket, _, prefix = location.removeprefix("s3://").rstrip("/").partition("/")
        self.prefix = f"{prefix}/" if prefix else ""
        if not self.bucket:
            raise ConfigError(f"location {location} names no bucket; allowed: s3://bucket/prefix")
        with _explained(location):
            session = boto3.Session(profile_name=profile, region_name=region)
            self.client: S3Client = session.client(
                "s3",
                endpoint_url=endpoint_url,
                config=Config(
                    retries={"mode": "standard", "max_attempts": 5},
                    connect_timeout=10,
                    read_timeout=60,
                ),
            )

    def _url(self, path: str) -> str:
        return f"s3://{self.bucket}/{self.prefix}{path}"

    def files(self, under: str = "") -> Iterator[StoredFile]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix + under
        )
        with _explained(self._url(under)):
            for page in pages:
                for item in page.get("Contents", []):
                    path = item["Key"].removeprefix(self.prefix)
                    yield _object(path, item["Size"], item["LastModified"], item["ETag"])

    def find(self, path: str) -> StoredFile | None:
        try:
            with _explained(self._url(path)):
                head = self.client.head_object(Bucket=self.bucket, Key=self.prefix + path)
        except FileNotFoundError:
            return None
        return _object(path, head["ContentLength"], head["LastModified"], head["ETag"])

    def read(self, file: StoredFile) -> bytes:
        return b"".join(self._chunks(file))

    def copy(self, file: StoredFile, target: Path) -> None:
        with target.open("wb") as output:
            output.writelines(self._chunks(file))

    def _chunks(self, file: StoredFile) -> Iterator[bytes]:
        try:
            with _explained(self._url(file.path)):
                answer = self.client.get_object(
                    Bucket=self.bucket, Key=self.prefix + file.path, IfMatch=file.mark
                )
                yield from answer["Body"].iter_chunks(_CHUNK)
        except FileNotFoundError as error:
            raise ChangedError(f"{file.path} disappeared while it was fetched") from error

    def fingerprint(self, file: StoredFile) -> str:
        return file.mark


def _object(path: str, size: int, modified: datetime, etag: str) -> StoredFile:
    return StoredFile(path, size, f"{modified.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z", etag)


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn botocore's errors into ours; an object that is not there is a FileNotFoundError."""
    try:
        yield
    except (NoCredentialsError, NoRegionError, ProfileNotFound) as error:
        raise ConfigError(f"{url}: {error}") from error
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _ABSENT:
            raise FileNotFoundError(url) from error
        if code in _CHANGED:
            raise ChangedError(f"{url} changed while it was fetched") from error
        kind = ConfigError if code in _A_PERSON_MUST_ACT else FetchError
        raise kind(f"{url}: {error}") from error
    except (BotoCoreError, ConnectionError) as error:
        raise FetchError(f"{url}: {error}") from error
