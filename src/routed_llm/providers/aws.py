"""Requests that are signed instead of carrying a key: AWS Signature Version 4, by botocore (extra ``bedrock``).

What botocore finds (environment, profiles, roles, containers) is read like every other key: in a thread where it may block, and
anew when it was refused. Nothing of it is kept but in a :class:`~routed_llm.providers.credentials.Key`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from routed_llm.errors import ConfigurationError, MissingKey
from routed_llm.providers.credentials import Credential, Key
from routed_llm.providers.http_endpoint import HttpEndpoint
from routed_llm.providers.transport import Target

__all__ = ["AwsEndpoint", "aws_credential", "signing"]

_REGION = re.compile(r"bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com")
#: name of the service in signatures (AWS service authorization reference, Amazon Bedrock)
SERVICE = "bedrock"


def aws_credential(provider: str, path: str) -> Credential:
    """What botocore finds of AWS credentials, as one key; nothing is looked for until the first call.

    Raises:
        MissingKey: without botocore; the message says how to get it, or do without.
    """
    if find_spec("botocore") is None:
        told = "needs the extra: pip install 'routed-llm[bedrock]', or set AWS_BEARER_TOKEN_BEDROCK, or pass api_key=."
        raise MissingKey(f"{provider} {told}", path=f"{path}.api_key")
    return Credential([botocore_credentials], path)


class NoAwsCredentials(Exception):
    """Botocore found none; the name of this class stands in the error of the attempt."""


def botocore_credentials() -> str:
    """Access key, secret key and token of the session, packed as one text."""
    from botocore.session import get_session

    found = get_session().get_credentials()
    frozen = None if found is None else found.get_frozen_credentials()
    if frozen is None or not frozen.access_key:
        raise NoAwsCredentials
    return json.dumps([frozen.access_key, frozen.secret_key, frozen.token], separators=(",", ":"))


def signing(url: str, region: str | None, path: str) -> Callable[..., AwsEndpoint]:
    """Makes endpoints that sign for the region of an address, else the given one, else that of the environment.

    Raises:
        ConfigurationError: where none of them tells a region.
    """
    found = _REGION.search(urlsplit(url).netloc)
    told = found[1] if found else region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if told is None:
        raise ConfigurationError("requests are signed for a region: pass region=, or set AWS_REGION.", path=f"{path}.region")
    return partial(AwsEndpoint, region=told)


class AwsEndpoint(HttpEndpoint):
    """An endpoint whose requests are signed, each with its body.

    Args:
        region: of the signature, such as ``eu-central-1``.
        more: as of :class:`~routed_llm.providers.http_endpoint.HttpEndpoint`.
    """

    def __init__(self, *arguments: Any, region: str, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.region = region

    def _addressed(self, key: Key, url: str, body: bytes) -> Target:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        unsigned = AWSRequest(method="POST", url=url, data=body, headers={"content-type": "application/json"})
        SigV4Auth(Credentials(*json.loads(key.value)), SERVICE, self.region).add_auth(unsigned)
        return Target(url, {**self._plain.headers, **dict(unsigned.headers.items())})
