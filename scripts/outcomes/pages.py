"""The fixed texts of the page on strategies and recorded outcomes."""

__all__ = ["AUTO", "DATA_HEAD", "HEAD", "SIGNALS", "SUMMARY"]

HEAD = """\
# Strategies on recorded outcomes

Written by `scripts/write_strategies_table.py`. Real prompts, and for each of them recorded quality and cost of every model of a
pool: nothing is simulated. The strategies are the library's own, with its own features; what a router is told of the models
(mean cost of a request, mean quality, mean quality by task) is learned on the other four of five folds. Quality is the mean
recorded quality (0 to 1) of the models chosen, cost the mean of their recorded costs. Where data sets tell tokens and no
dollars, the cost is an estimate at list prices of autumn 2024; each data set's section says which, with source, licence and the
year of the answers. Models and prices of today are others: read the order, not the dollars.

![Quality over cost of models and strategies, one panel a data set](strategies-outcomes.svg)

**The line** is what one gets without any router, by sending random shares of the prompts to the cheapest and to the strongest
model. **The hull** is the best that mixes of fixed models reach; it is known only afterwards. Heights are qualities: +0.02 is
two more right answers in a hundred at the same cost; for what costs more than the strongest model, the line is level. Intervals
are 95 %, by 400 bootstrap samples of the prompts.

How to read it: where the quality of the models is known, most of what can be saved is saved by choosing the right *models*
(`balanced` with a floor); reading the prompt adds to it, but little: nothing that reads only the prompt is far above the hull.
Where nothing but prices is known, the dearest model may not be the strongest; between the cheapest and the dearest, `auto` is
better than a mix at random on three of six data sets beyond chance, and on none worse. Where prices do not follow quality it
can then pay as much as the strongest model, or more. In pools of two, equal weights of `balanced` tie, and roundings decide.
"""

SUMMARY = """
## All data sets

Means over the six data sets. Gained: share of what the strongest model gains over the cheapest. Paid: share of what it costs.
Above the line: in shares of what the strongest model gains; worst: in the worst data set.

| strategy | gained | paid | above the line | worst |
| --- | --- | --- | --- | --- |
"""

AUTO = """
## `auto` by prices alone

With no quality known, `auto` takes the dearest model for the strongest, which in the two sets of ZeroEval it is not. So it is
compared with the line between the cheapest and the *dearest* model here: what the same two models give without reading the
prompt. The thresholds were set on these data sets by `scripts/calibrate_auto.py`; the last column is what they give when they
are set on the other data sets alone.

The last column is kinder than a test on new data: it leaves a data set out of the two thresholds, but the weights of the
signs, the 60 words, the four models of a ladder and the rule that sets the thresholds were chosen by hand with all six in view,
after some forty variants.

| data set | cheapest, dearest | quality | above the line | 95 % | set on the others |
| --- | --- | --- | --- | --- | --- |
"""

SIGNALS = """
## What the prompt tells

How well a signal ranks prompts by what a strong model gains over a weak one: the area under the share of the gain that is
reached, over the share of the extra *cost* that is paid, highest signal first; 0.5 is chance. Over the share of *calls* (last
row) length ranks well, but long prompts cost more, and that takes all of it back: beyond the length of a question, more text
is material. `demand` counts length up to 60 different words, and against a strong model beyond. The weak and the strong model
are those that the data sets name.

| signal | routellm_mmlu | routellm_gsm8k | mmlu_pro | zeroeval_gsm | zeroeval_math-l5 | llmrouter | mean |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""

DATA_HEAD = """\
| strategy | quality | $ per 1,000 | above the line (95 %) | above the hull |
| --- | --- | --- | --- | --- |
"""
