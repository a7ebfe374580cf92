"""Images and documents of the Messages API as parts of chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.providers.sandbox.check_messages import check_base64, check_media, unable
from routed_llm.providers.sandbox.checks import need, need_choice, need_list, need_object, need_text, only
from routed_llm.providers.sandbox.models import SandboxModel
from routed_llm.providers.sandbox.replies import Refusal

__all__ = ["media_of_block", "source_of_block"]

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_SOURCES = {"base64": {"type", "media_type", "data"}, "text": {"type", "media_type", "data"}, "url": {"type", "url"}}


def media_of_block(block: Mapping[str, Any], path: str, model: SandboxModel) -> dict[str, Any]:
    """The part of a checked block of type ``image`` or ``document``.

    Raises:
        Refusal: for a source that is not sound, and where the model does not take it.
    """
    where = f"{path}.source"
    source = need_object(need(block, "source", path), where)
    allowed = ("base64", "url") if block["type"] == "image" else ("base64", "url", "text")
    kind = need_choice(need(source, "type", where), f"{where}.type", allowed)
    only(source, _SOURCES[kind], where)
    if block["type"] == "image":
        return _image(source, kind, where, model)
    if kind == "text":
        need_choice(need(source, "media_type", where), f"{where}.media_type", ("text/plain",))
        return {"type": "text", "text": need_text(need(source, "data", where), f"{where}.data", filled=True)}
    if kind == "url":
        _address(source, where)
        if "pdf" not in model.abilities:
            raise unable(model, "file input", where)
        return {"type": "file", "file": {"file_url": source["url"]}}
    need_choice(need(source, "media_type", where), f"{where}.media_type", ("application/pdf",))
    data = need_text(need(source, "data", where), f"{where}.data", filled=True)
    file = {"filename": block.get("title") or "document.pdf", "file_data": f"data:application/pdf;base64,{data}"}
    check_media("file", file, where, model)
    return {"type": "file", "file": file}


def source_of_block(block: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The text of a checked block of type ``search_result`` (Claude documentation, search results).

    Raises:
        Refusal: where something is missing, or is no text.
    """
    told = [need_text(need(block, name, path), f"{path}.{name}", filled=True) for name in ("title", "source")]
    for number, value in enumerate(need_list(need(block, "content", path), f"{path}.content")):
        where = f"{path}.content.{number}"
        each = need_object(value, where)
        only(each, {"type", "text", "cache_control"}, where)
        need_choice(need(each, "type", where), f"{where}.type", ("text",))
        told.append(need_text(need(each, "text", where), f"{where}.text", filled=True))
    return {"type": "text", "text": "\n".join(told)}


def _image(source: Mapping[str, Any], kind: str, path: str, model: SandboxModel) -> dict[str, Any]:
    if kind == "url":
        url = _address(source, path)
    else:
        mime = need_choice(need(source, "media_type", path), f"{path}.media_type", _IMAGES)
        data = need_text(need(source, "data", path), f"{path}.data", filled=True)
        check_base64(data, f"{path}.data")
        url = f"data:{mime};base64,{data}"
    check_media("image_url", {"url": url}, path, model)
    return {"type": "image_url", "image_url": {"url": url}}


def _address(source: Mapping[str, Any], path: str) -> str:
    url = need_text(need(source, "url", path), f"{path}.url", filled=True)
    if not url.startswith(("http://", "https://")):
        raise Refusal(f"{path}.url: Only HTTPS URLs are supported.", exact=True)
    return url
