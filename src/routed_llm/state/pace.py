"""Whether an answer came late: later than calls of its kind mostly come from this deployment.

Kinds are told apart by how much was to be read and to be written before the time was taken, in powers of two: in one kind times
differ by a factor of about two where they follow the tokens, so that neither long prompts nor long answers nor much reasoning
count as late. Each kind has its normal, which follows shorter times quickly and longer ones slowly: with the weights below it
stays near the common time even where two of five calls are late, and a deployment that is slower for good is taken as it is
after some tens of calls. The factor and the slack are a choice: late is more than :data:`FACTOR` times the normal and
:data:`SLACK` seconds, so that the jitter of a network and of small machines is not.
"""

from __future__ import annotations

from routed_llm.results import Usage

__all__ = ["Pace"]

FACTOR, SLACK = 4.0, 0.25
#: weights with which the normal follows a time below it, one above it, and one that is late
_DOWN, _UP, _LATE = 0.2, 0.02, 0.005
#: calls of a kind after which its normal says something
_ENOUGH = 5
#: tokens up to which prompts and answers are all alike, in bits
_READ, _WRITTEN = 10, 5


class Pace:
    """The normals of one deployment. The lock is the caller's."""

    __slots__ = ("_kinds",)

    def __init__(self) -> None:
        #: kind -> its normal in seconds, and how many calls made it
        self._kinds: dict[int, list[float]] = {}

    def is_late(self, seconds: float, first_content: float | None, usage: Usage | None) -> bool:
        """Note an answer; whether it came late.

        Args:
            seconds: how long the whole answer took.
            first_content: the same to its first content, where it was a stream; then that counts.
            usage: its tokens.
        """
        if usage is None:
            return False
        read = (usage.input_tokens - usage.cache_read).bit_length()
        kind = read if read > _READ else _READ
        if first_content is None:
            written, time = usage.output_tokens.bit_length(), seconds
        else:
            written, time, kind = usage.reasoning.bit_length(), first_content, kind + 64
        kind += 128 * (written if written > _WRITTEN else _WRITTEN)
        known = self._kinds.get(kind)
        if known is None:
            self._kinds[kind] = [time, 1]
            return False
        normal = known[0]
        late = time > FACTOR * normal + SLACK
        known[0] = normal + (_DOWN if time < normal else _LATE if late else _UP) * (time - normal)
        known[1] += 1
        return late and known[1] > _ENOUGH
