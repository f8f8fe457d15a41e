"""Objects in a bucket, read with boto3."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
)

from connectors._files._stored import ChangedError, StoredFile, Streamed
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


class Bucket(Streamed):
    """The objects of a bucket whose keys start with the location's prefix."""

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

    def pieces(self, file: StoredFile) -> Iterator[bytes]:
        with _explained(self._url(file.path)):
            answer = self.client.get_object(
                Bucket=self.bucket, Key=self.prefix + file.path, IfMatch=file.mark
            )
            yield from answer["Body"].iter_chunks(_CHUNK)

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
