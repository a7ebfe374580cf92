"""A router at work: prices change, a model comes, another goes while it streams, and all of it is taken back."""

from routed_llm import Model, RoutedChatModel, Router

router = Router({"small": "sandbox:sandbox-small", "large": "sandbox:sandbox-large"}, "cheapest")
model = RoutedChatModel(router=router)


def ask() -> str:
    return model.invoke("What is 17 * 23?").response_metadata["routing"]["model"]


print("at first:", ask())
router.update(prices={"small": {"input": 50, "output": 200}}, why="the new price list")
print("with new prices:", ask())
router.add({"medium": Model("sandbox:sandbox-medium")})
print("with one more model:", ask())

pieces = []
for chunk in model.stream("What is 17 * 23?"):
    if not pieces:
        router.remove("medium")  # which is answering
    pieces.append(chunk.text)
print("streamed by one that had gone:", "".join(pieces))
print("without it:", ask())

router.rollback(0)
print("as it was:", ask())

for revision in router.catalog_revisions():
    print(revision.number, revision.why, [(change.deployment, change.what) for change in revision.changes])
