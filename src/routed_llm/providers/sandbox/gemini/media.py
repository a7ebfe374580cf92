"""Media of generateContent as parts of chat completions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from routed_llm.providers.sandbox.check_messages import check_media, unable
from routed_llm.providers.sandbox.checks import need_text
from routed_llm.providers.sandbox.gemini.spelling import fields, refuse
from routed_llm.providers.sandbox.models import SandboxModel

__all__ = ["media_of_part"]

_SOUNDS = {"audio/wav": "wav", "audio/x-wav": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3"}


def media_of_part(part: Mapping[str, Any], path: str, model: SandboxModel) -> dict[str, Any]:
    """The part of one with ``inlineData`` or ``fileData``.

    Raises:
        Refusal: for media that are not sound, and where the model does not take them.
    """
    if "fileData" in part:
        return _file(fields(part["fileData"], f"{path}.file_data", ("mimeType", "fileUri", "displayName")), path, model)
    if "inlineData" not in part:
        raise refuse(f"{path}: only media may stand here")
    blob = fields(part["inlineData"], f"{path}.inline_data", ("mimeType", "data", "displayName"))
    mime = need_text(blob.get("mimeType", ""), f"{path}.inline_data.mime_type", filled=True)
    data = need_text(blob.get("data", ""), f"{path}.inline_data.data", filled=True)
    data = data.replace("-", "+").replace("_", "/")  # JSON of protobuf takes both kinds of base64
    if mime.startswith("image/"):
        kind, inner = "image_url", {"url": f"data:{mime};base64,{data}"}
    elif mime in _SOUNDS:
        kind, inner = "input_audio", {"data": data, "format": _SOUNDS[mime]}
    elif mime == "application/pdf":
        kind, inner = "file", {"filename": "document.pdf", "file_data": f"data:{mime};base64,{data}"}
    else:
        raise refuse(f"Unsupported MIME type: {mime}")
    check_media(kind, inner, path, model)
    return {"type": kind, kind: inner}


def _file(file: Mapping[str, Any], path: str, model: SandboxModel) -> dict[str, Any]:
    """Something at an address; nothing is fetched."""
    url = need_text(file.get("fileUri", ""), f"{path}.file_data.file_uri", filled=True)
    mime = str(file.get("mimeType") or "application/pdf")
    if mime.startswith("image/"):
        check_media("image_url", {"url": url}, path, model)
        return {"type": "image_url", "image_url": {"url": url}}
    if mime in _SOUNDS and "audio" in model.abilities:
        return {"type": "input_audio", "input_audio": {"url": url}}
    if mime != "application/pdf" or "pdf" not in model.abilities:
        raise unable(model, f"files of type {mime}", path)
    return {"type": "file", "file": {"file_url": url}}
