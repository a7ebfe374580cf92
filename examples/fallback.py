"""A model goes down: calls go on with the next one at once, and the failed one is left alone for a while.

The simulated models are served over HTTP here, so that one of them can be made to fail.
"""

from routed_llm import RoutedChatModel
from routed_llm.errors import CallFailed
from routed_llm.testing import DEFAULT_MODELS, Sandbox, SandboxServer, sandbox_entries

with SandboxServer(Sandbox()) as server:
    entries = sandbox_entries(DEFAULT_MODELS, server.base_url)
    model = RoutedChatModel(entries[:3])

    def ask() -> None:
        answer = model.invoke("What is 17 * 23?")
        routing = answer.response_metadata["routing"]
        tried = [attempt["model"] for attempt in routing["attempts"]]
        print(f"{answer.text} by {routing['model']}, tried {len(tried)}")

    ask()

    # one WARNING line tells of the fallback: model, cause, price ratio, and when the failed one is tried again
    server.sandbox.fail("sandbox-small", status=503)
    ask()  # tries small, then medium
    ask()  # small is left alone now

    # streams fall back too, as long as nothing was shown
    pieces = list(model.stream("What is 17 * 23?"))
    print("streamed by", pieces[-1].response_metadata["model_name"])

    # when nothing is left there is one error, with every attempt
    server.sandbox.fail(status=500)
    try:
        ask()
    except CallFailed as error:
        print("failed:", error)  # names every attempt
