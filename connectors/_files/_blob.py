"""Blobs in a container of an Azure storage account, read with azure-storage-blob.

Access is a connection string in AZURE_STORAGE_CONNECTION_STRING (or the variable that the source
names), else whatever Azure's own chain of logins finds: environment, workload identity, CLI.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobProperties, ContainerClient, ExponentialRetry

from connectors._files._stored import ChangedError, StoredFile, Streamed
from models.errors import ConfigError, FetchError

_CONNECTION_STRING = "AZURE_STORAGE_CONNECTION_STRING"
_LOCATION = re.compile(
    r"(?:az://(?P<account>[^/]+)|https://(?P<host>(?P<name>[^./]+)\.[^/]+))"
    r"/(?P<container>[^/]+)/?(?P<prefix>.*)"
)


class Container(Streamed):
    """The blobs of a container whose names start with the location's prefix."""

    def __init__(
        self,
        location: str,
        connection_string_env: str | None = None,
        account_url: str | None = None,
    ) -> None:
        match = _LOCATION.fullmatch(location.rstrip("/"))
        if not match:
            raise ConfigError(
                f"location {location} names no container; allowed: az://account/container/prefix "
                "or https://account.blob.core.windows.net/container/prefix"
            )
        self.account = match["account"] or match["name"]
        self.container = match["container"]
        self.prefix = f"{match['prefix']}/" if match["prefix"] else ""
        host = (match["host"] or f"{self.account}.blob.core.windows.net").replace(".dfs.", ".blob.")
        self.client = self._client(connection_string_env, account_url or f"https://{host}")

    def _client(self, variable: str | None, account_url: str) -> ContainerClient:
        connection_string = os.environ.get(variable or _CONNECTION_STRING, "").strip()
        settings: dict[str, Any] = {
            "retry_policy": ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=4),
            "connection_timeout": 10,
            "read_timeout": 60,
        }
        if variable and not connection_string:
            raise ConfigError(
                f"the environment variable {variable} is not set: it holds the connection string"
            )
        if not connection_string:
            return ContainerClient(
                account_url, self.container, credential=DefaultAzureCredential(), **settings
            )
        try:
            client = ContainerClient.from_connection_string(
                connection_string, self.container, **settings
            )
        except ValueError:
            # The SDK's own sentence could repeat the key.
            raise ConfigError(
                f"the environment variable {variable or _CONNECTION_STRING} holds no connection "
                "string of a storage account"
            ) from None
        if client.account_name != self.account:
            raise ConfigError(
                f"the connection string in {variable or _CONNECTION_STRING} is of the account "
                f"{client.account_name}; allowed: {self.account}, which the location names"
            )
        return client

    def _url(self, path: str) -> str:
        return f"az://{self.account}/{self.container}/{self.prefix}{path}"

    def files(self, under: str = "") -> Iterator[StoredFile]:
        """Yield the blobs below `under`, by name."""
        with _explained(self._url(under)):
            blobs = self.client.list_blobs(
                name_starts_with=self.prefix + under or None, include=["metadata"]
            )
            for blob in blobs:
                # Where the account has folders, they are listed too.
                if (blob.metadata or {}).get("hdi_isfolder") != "true":
                    yield self._stored(blob)

    def find(self, path: str) -> StoredFile | None:
        """Return one blob, None where there is none."""
        properties = self._properties(path)
        return self._stored(properties) if properties else None

    def _properties(self, path: str) -> BlobProperties | None:
        try:
            with _explained(self._url(path)):
                return self.client.get_blob_client(self.prefix + path).get_blob_properties()
        except FileNotFoundError:
            return None

    def _stored(self, blob: BlobProperties) -> StoredFile:
        modified = f"{blob.last_modified.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
        # A listing has ETags without the quotes that they have everywhere else.
        return StoredFile(
            blob.name.removeprefix(self.prefix), blob.size, modified, blob.etag.strip('"')
        )

    def pieces(self, file: StoredFile) -> Iterator[bytes]:
        """Yield a blob's bytes, if it is the one that was found."""
        with _explained(self._url(file.path)):
            download = self.client.get_blob_client(self.prefix + file.path).download_blob(
                etag=f'"{file.mark}"', match_condition=MatchConditions.IfNotModified
            )
            yield from download.chunks()

    def fingerprint(self, file: StoredFile) -> str:
        """Return the MD5 that was stored with the blob, else its ETag."""
        properties = self._properties(file.path)
        md5 = properties.content_settings.content_md5 if properties else None
        return bytes(md5).hex() if md5 else file.mark


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turn the SDK's errors into ours; a blob that is not there is a FileNotFoundError."""
    try:
        yield
    except ResourceModifiedError as error:
        raise ChangedError(f"{url} changed while it was fetched") from error
    except ResourceNotFoundError as error:
        if "ContainerNotFound" in str(getattr(error, "error_code", "")):
            raise ConfigError(f"{url}: there is no such container") from error
        raise FileNotFoundError(url) from error
    except ClientAuthenticationError as error:
        raise ConfigError(f"{url}: no login of this machine may read it: {_said(error)}") from error
    except HttpResponseError as error:
        kind = ConfigError if error.status_code in (401, 403) else FetchError
        raise kind(f"{url}: {_said(error)}") from error
    except AzureError as error:
        raise FetchError(f"{url}: {_said(error)}") from error


def _said(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
