"""Models of several deployments, all of them behind one server."""

from contextlib import contextmanager

from kit import Pool

from routed_llm import Model


@contextmanager
def one_and(count, way):
    """A pool of a model ``one`` with a single deployment, and a model ``many`` with several."""
    with Pool({"one": {}, "many": {}}) as pool:
        place = {"base_url": pool.server.base_url, "private": False}
        each = place if way == "file" else Model(**place, api_key="any")
        pool.about = {"one": {}, "many": {"deployments": [each] * count}}
        yield pool
