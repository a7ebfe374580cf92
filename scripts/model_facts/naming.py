"""One model under the names of its hosts: ``us.anthropic.claude-sonnet-4-5-20250929-v1:0`` is ``claude-sonnet-4-5``."""

from __future__ import annotations

import re

__all__ = ["area_of", "plain_name"]

_REGION = re.compile(r"^(us|us-gov|eu|apac|jp|au|ca|global)\.")
_MAKER = re.compile(
    r"^(anthropic|amazon|meta|mistral|cohere|ai21|deepseek|qwen|openai|google|moonshotai|minimax|nvidia|zai|xai)\."
)
_HOST = re.compile(r"^databricks-")
#: dates, revisions of a host, and words that tell how a model was trained to chat, which only some names hold
_ENDINGS = re.compile(r"(@default|@\d{8}|-v\d+(:\d+)?|:\d+|-\d{8}|-\d{4}-\d{2}-\d{2}|-maas|(?<!turbo)-instruct|-it)$")
#: Fireworks writes a point as ``p``
_POINT = re.compile(r"(?<=\d)p(?=\d)")


def area_of(name: str) -> str:
    """What stands before a name at Amazon Bedrock for the area within which a call may go, such as ``eu.``; mostly nothing."""
    found = _REGION.match(name)
    return found[0] if found else ""


def plain_name(name: str) -> str:
    """The name without host, maker, region, date and revision, with dashes for points; equal names are one model.

    >>> plain_name("us.anthropic.claude-sonnet-4-5-20250929-v1:0"), plain_name("accounts/fireworks/models/glm-5p3")
    ('claude-sonnet-4-5', 'glm-5-3')
    """
    found = name.lower().rsplit("/", 1)[-1]
    for prefix in (_REGION, _MAKER, _HOST):
        found = prefix.sub("", found)
    while (shorter := _ENDINGS.sub("", found)) != found:
        found = shorter
    return _POINT.sub("-", found).replace(".", "-")
