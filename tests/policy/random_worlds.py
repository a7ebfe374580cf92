"""Random pools, policies, hints and failures, each from a seed; and an independent judgement of who may serve a call.

Nothing of the policy's own code is asked who may: regions, agreements and the like are judged here by plain sets, over a small
world of which all is known.
"""

from routed_llm.catalog.deployments import Deployment
from routed_llm.catalog.prices import Price
from routed_llm.errors import ConfigurationError, ProviderError
from routed_llm.policy.strategies import policy_of
from routed_llm.results import Answer, Usage

#: region -> the areas that it lies in, as far as these worlds ask
REGIONS = {
    "eu-central-1": {"eu-central-1", "de", "eu", "europe"},
    "westeurope": {"westeurope", "nl", "eu", "europe"},
    "eu-west-2": {"eu-west-2", "uk", "europe"},
    "us-east-1": {"us-east-1", "us", "americas"},
    "asia-northeast1": {"asia-northeast1", "jp", "apac"},
}
AREAS = ("eu", "de", "us", "uk", "apac", "eu-central-1")
#: location -> the areas in which its callers may be
LOCATIONS = {
    "de": {"eu", "de", "eu-central-1"},
    "us-east-1": {"us"},
    "uk": {"uk"},
    "jp": {"apac"},
    "nowhere": set(AREAS),
    None: set(AREAS),
}
AGREEMENTS = ("baa", "dpa", "soc2")
CLASSES = ("personal", "health", "finance", "secret")
TASKS = ("code_debug", "translation", "chat")
NEEDS = ("tools", "images", "search")
KINDS = ("server_error", "rate_limit", "timeout", "overloaded", "auth", "connection", "empty", "bad_request", "quota",
         "context_length", "content_policy", "not_found")  # fmt: skip


class Scripted:
    """An endpoint in memory: fails or answers as its script says, and writes down that it was asked."""

    fingerprint = "scripted"

    def __init__(self, name, rng, asked, fails):
        self.name, self.rng, self.asked, self.fails = name, rng, asked, fails
        self.modes = frozenset({"sync", "async"} if rng.random() < 0.85 else {rng.choice(["sync", "async"])})

    def call(self, request, patience):
        self.asked.append(self.name)
        if self.rng.random() < self.fails:
            kind = self.rng.choice(KINDS)
            raise ProviderError(kind, "scripted", status=500, retry_after=self.rng.choice([None, 0.1, 30.0]))
        return Answer("yes", usage=Usage(10, 5))


def maybe(rng, share, value):
    return value() if rng.random() < share else None


def some(rng, of):
    return tuple(each for each in of if rng.random() < 0.4)


def deployment(rng, number, position, asked, fails):
    name = f"m{number}"
    price = maybe(rng, 0.8, lambda: Price.from_usd(input=rng.choice([0.1, 1, 10]), output=rng.choice([0.4, 4, 40])))
    region = maybe(rng, 0.7, lambda: rng.choice(list(REGIONS)))
    return Deployment(
        name, name, rng.choice(["p", "q"]), f"served-{name}", Scripted(name, rng, asked, fails),
        price=price, context=rng.choice([None, 50, 100_000]), max_output=rng.choice([None, 100, 8_000]),
        abilities={need: rng.random() < 0.6 for need in NEEDS if rng.random() < 0.7}, region=region,
        tags=some(rng, ("fast", "strong")), private=rng.random() < 0.3, weight=rng.choice([0.0, 1.0, 3.0]), position=position,
        quality=maybe(rng, 0.7, lambda: rng.choice([0.3, 0.6, 0.9])),
        strengths={task: rng.choice([0.2, 0.7, 0.95]) for task in TASKS if rng.random() < 0.3},
        knowledge=maybe(rng, 0.5, lambda: rng.choice(["2023-01-01", "2025-06-01"])),
        factuality=maybe(rng, 0.5, lambda: rng.choice([0.5, 0.9])), agreements=some(rng, AGREEMENTS),
        place=rng.choice([None, "device", "on_premises", "cloud"]), languages=some(rng, ("de", "en")),
        traits={"tone": "concise"} if rng.random() < 0.3 else {}, network=maybe(rng, 0.3, lambda: rng.random() / 5),
    )  # fmt: skip


def pool(rng, asked, fails=0.0):
    count = rng.randint(1, 7)
    positions = rng.sample(range(count), count)
    return [deployment(rng, number, positions[number], asked, fails) for number in range(count)]


def names(rng, deployments):
    return rng.choice([*(d.id for d in deployments), "p"]) if deployments[0].provider == "p" else rng.choice(deployments).id


def demand(rng):
    table = {}
    if rng.random() < 0.4:
        table["private"] = True
    if rng.random() < 0.5:
        table["agreements"] = [rng.choice(AGREEMENTS)]
    if rng.random() < 0.3:
        table["region"] = [rng.choice(AREAS)]
    return table or {"private": True}


def guard(rng, deployments):
    """A strategy that constrains every call, as data, and how it is judged."""
    kind = rng.choice(["private", "nearest", "rule", "profile"])
    if kind == "private":
        rules = {c: demand(rng) if rng.random() < 0.6 else [demand(rng), demand(rng)] for c in CLASSES if rng.random() < 0.6}
        return {"strategy": "private", "rules": rules}
    if kind == "nearest":
        return {
            "strategy": "nearest",
            "residency": {area: [rng.choice(AREAS)] for area in rng.sample(AREAS, rng.randint(1, 2))},
        }
    if kind == "profile":
        return {"strategy": "preference", "profiles": {"ann": {"exclude": [names(rng, deployments)], "disliked": ["m0"]}}}
    effect = rng.choice([demand(rng), {"deny": [names(rng, deployments)]}, {"allow": [names(rng, deployments), "m0"]}])
    return {"strategy": "rules", "rules": [{"name": "guard", **effect}]}


def picking(rng, deployments):
    return rng.choice(
        [
            "ordered",
            "cheapest",
            "fastest",
            "best",
            "auto",
            "weighted",
            "round_robin",
            "least_busy",
            "task",
            "fresh",
            "local_first",
            "sticky",
            "preference",
            {"strategy": "balanced", "cost": rng.random(), "quality": 1.0},
            {"strategy": "balanced", "min_quality": 0.5, "speed": 0},
            {"strategy": "best", "max_cost": 0.01},
            {"strategy": "task", "models": {"code": names(rng, deployments), "translation": [names(rng, deployments)]}},
            {"strategy": "fresh", "factuality": 0.7, "then": "cheapest"},
            {"strategy": "nearest", "then": "weighted"},
            {"strategy": "local_first", "up_to": "easy", "then": "cheapest"},
        ]
    )


def composed(rng, deployments, depth=0):
    """A policy without outer constraints: pieces, branches, and rules that switch."""
    kind = rng.choice(["pick", "refine", "first", "when", "split", "switch", "guarded"]) if depth < 2 else "pick"

    def below():
        return composed(rng, deployments, depth + 1)

    if kind == "refine":
        return [*rng.sample(["sticky", "fresh", "local_first", "preference", "nearest", "task", "budget"], 2), "cheapest"]
    if kind == "first":
        return {"first": [below(), below()]}
    if kind == "when":
        return {"when": {rng.choice(["tier", "task"]): rng.choice(["gold", "chat"])}, "then": below(), "otherwise": below()}
    if kind == "split":
        return {"split": [[below(), 1], [below(), 2]]}
    if kind == "switch":
        rule = {"name": "switch", "if": {"tier": "gold"}, "policy": below(), **rng.choice([{}, demand(rng)])}
        return {"strategy": "rules", "rules": [rule]}
    if kind == "guarded":
        return [guard(rng, deployments), picking(rng, deployments)]
    return picking(rng, deployments)


def policy(rng, deployments):
    """A policy with its guards: what constrains every call that it decides."""
    guards = [guard(rng, deployments) for _ in range(rng.choice([0, 1, 1, 2]))]
    for _ in range(20):
        inner = composed(rng, deployments)
        data = [*guards, inner] if guards else inner
        if guards and rng.random() < 0.3:
            data = {"first": [data, composed(rng, deployments)]}
            firm = [g for g in guards if g["strategy"] in ("private", "nearest")]
        else:
            firm = guards
        try:
            return policy_of(data), firm
        except ConfigurationError as error:  # two that each pick in their own way
            if "own way" not in str(error):
                raise
    return policy_of(guards or "ordered"), guards


def hints(rng, deployments):
    found = {}
    for name, value in (
        ("task", lambda: rng.choice(TASKS)),
        ("domain", lambda: rng.choice(["legal", "general"])),
        ("difficulty", lambda: rng.choice(["easy", "middle", "hard"])),
        ("language", lambda: rng.choice(["de", "en"])),
        ("sensitivity", lambda: some(rng, CLASSES)),
        ("location", lambda: rng.choice([name for name in LOCATIONS if name])),
        ("user", lambda: rng.choice(["ann", "bob"])),
        ("session", lambda: rng.choice(["s1", "s2"])),
        ("tier", lambda: rng.choice(["gold", "free"])),
        ("knowledge_after", lambda: "2025-01-01"),
    ):
        if rng.random() < 0.5:
            found[name] = value()
    for name, value in (
        ("region", lambda: (rng.choice(AREAS),)),
        ("private", lambda: True),
        ("agreements", lambda: (rng.choice(AGREEMENTS),)),
        ("needs", lambda: (rng.choice(NEEDS),)),
        ("exclude", lambda: (names(rng, deployments),)),
        ("prefer", lambda: (names(rng, deployments),)),
        ("quality", lambda: rng.choice([0.3, 0.6])),
        ("factuality", lambda: 0.6),
        ("max_cost", lambda: rng.choice([0.001, 1.0])),
        ("profile", lambda: {"liked": [deployments[0].id], "exclude": [names(rng, deployments)]}),
    ):
        if rng.random() < 0.15:
            found[name] = value()
    return found


# Who may serve a call, judged by plain sets.


def lies_in(one, areas):
    return one.region is not None and any(area in REGIONS[one.region] for area in areas)


def meets(one, table):
    return (
        (not table.get("private") or one.private)
        and all(name in one.agreements for name in table.get("agreements", ()))
        and (not table.get("region") or lies_in(one, table["region"]))
        and (not table.get("allow") or any(one.answers_to(name) for name in table["allow"]))
        and not any(one.answers_to(name) for name in table.get("deny", ()))
    )


def passes_hints(one, said, mode="sync"):
    cannot = any(one.abilities.get(need) is False for need in said.get("needs", ()))
    factuality = said.get("factuality")
    return (
        mode in one.endpoint.modes
        and not cannot
        and meets(one, {name: said[name] for name in ("private", "agreements", "region") if name in said})
        and not any(one.answers_to(name) for name in said.get("exclude", ()))
        and ("max_cost" not in said or one.price is not None)
        and (factuality is None or (one.factuality is not None and one.factuality >= factuality))
        and ("quality" not in said or one.quality is not None or bool(one.strengths))
    )


def passes_guard(one, rule, said, classes):
    """Whether a deployment may serve a call under a guard; ``classes`` is None where nobody found them out."""
    if rule["strategy"] == "rules":
        return meets(one, rule["rules"][0])
    if rule["strategy"] == "preference":
        profile = {**(rule["profiles"]["ann"] if said.get("user") == "ann" else {}), **said.get("profile", {})}
        return not any(one.answers_to(name) for name in profile.get("exclude", ()))
    if rule["strategy"] == "nearest":
        inside = LOCATIONS[said.get("location")]
        return all(lies_in(one, regions) for area, regions in rule["residency"].items() if area in inside)
    for each in CLASSES if classes is None else classes:
        tables = rule["rules"].get(each, {"private": True})
        if not any(meets(one, table) for table in (tables if isinstance(tables, list) else [tables])):
            return False
    return True
