"""Files with one mistake each: those of the text, of the top, of models and their keys here, all others beside it."""

from mistake import Mistake, model, of
from mistakes_in_choosing import NAMES, REST, RULES, STRATEGIES

TEXTS = [
    Mistake("no-toml", "models = [\n", "", "no valid TOML", "every bracket is closed"),
    Mistake("no-quotes", "strategy = cheapest\n", "", "no valid TOML", "Texts stand in quotes"),
    Mistake("yaml-in-toml", "strategy: cheapest\nmodels:\n", "", "no valid TOML", "Write key = value"),
    Mistake("open-text", 'strategy = "cheapest\n', "", "no valid TOML", "quote"),
    Mistake("table-twice", "[limits]\nfirst = 1\n[limits]\ntotal = 2\n", "", "no valid TOML", "once"),
    Mistake("key-twice", 'strategy = "cheapest"\nstrategy = "auto"\n', "", "no valid TOML", "once"),
    Mistake("huge", "seed = 99999999999999999999999\n", "seed", "more than 64 bits", "write a smaller one"),
]

TOP = [
    of("unknown-top", 'stratgy = "cheapest"', "stratgy", "not known here", "Did you mean 'strategy'?"),
    of("unknown-section", "[polices]\na = 'cheapest'", "polices", "not known here", "Did you mean 'policies'?"),
    of("peer-word", "model_list = []", "model_list", "not known here", "Did you mean 'models'?"),
    of("unknown-routing", "[routing]\nsed = 3", "routing.sed", "not known here", "Did you mean 'seed'?"),
    of(
        "said-twice", 'strategy = "auto"\nrouting = {strategy = "auto"}', "routing.strategy", "top of the file", "leave one out"
    ),
    of("seed-text", 'seed = "3"', "seed", "whole number", "without quotes"),
    of("seed-broken", "seed = 3.5", "seed", "not 3.5", "must be a whole number"),
    of("quiet-text", 'quiet_fallbacks = "yes"', "quiet_fallbacks", "not 'yes'", "true or false, without quotes"),
    of("ratio-zero", "max_price_ratio = 0", "max_price_ratio", "not 0", "a number of at least 1"),
    of("ratio-small", "max_price_ratio = 0.5", "max_price_ratio", "not 0.5", "a number of at least 1"),
    of("ratio-infinite", "max_price_ratio = inf", "max_price_ratio", "not inf", "a finite number"),
    of("purpose", 'purpose = "chatting"', "purpose", "not 'chatting'", "Did you mean 'chat'?"),
    of("limits-unknown", "[limits]\nfirts = 3", "limits.firts", "not known here", "Did you mean 'first'?"),
    of("limits-negative", "[limits]\ntotal = -1.0", "limits.total", "not -1.0", "a number above 0"),
    of("limits-whole", "[limits]\nattempts = 2.5", "limits.attempts", "not 2.5", "must be a whole number"),
    of("limits-timeout", "[limits]\ntimeout = 3", "limits.timeout", "not known here", "attempt = SECONDS"),
]

PROVIDERS = [
    of("row-key", "[providers.mine]\nbase_ulr = 'x'", "providers.mine.base_ulr", "not known here", "Did you mean 'base_url'?"),
    of(
        "row-url",
        "[providers.mine]\nbase_url = 'x.example'",
        "providers.mine.base_url",
        "not 'x.example'",
        "must begin with http",
    ),
    of("row-kind", "[providers.mine]\nlocal = 'yes'", "providers.mine.local", "not 'yes'", "true or false"),
    of("row-list", "[providers.mine]\nkey_env = [3]", "providers.mine.key_env[0]", "not 3", "must be a text"),
    of(
        "row-dialect",
        "[providers.mine]\ndialect = 'openai'",
        "providers.mine.dialect",
        "not 'openai'",
        "Did you mean 'openai.chat'?",
    ),
    of(
        "row-word",
        "[providers.mine]\nstream_usage = 'alway'",
        "providers.mine.stream_usage",
        "not 'alway'",
        "Did you mean 'always'?",
    ),
    of("row-name", "[providers.mine]\nname = 'x'", "providers.mine.name", "names it already", "leave name out"),
    of(
        "row-alias",
        "[providers.mine]\naliases = 'claude'",
        "providers.mine.aliases",
        "a name of anthropic",
        "choose another one",
    ),
    of("row-number", "[providers]\nmine = 3", "providers.mine", "not 3", "must be a table"),
    of(
        "row-secret",
        "[providers.mine.extra_headers]\nx-api-key = 'k'",
        "providers.mine.extra_headers.x-api-key",
        "who you are",
        "env:NAME",
    ),
    of("strict-text", 'strict_params = "yes"', "strict_params", "not 'yes'", "true or false, without quotes"),
]

MODELS = [
    Mistake("models-empty", "models = []\n", "models", "not nothing", "a list of models"),
    Mistake("models-number", "models = 5\n", "models", "not 5", "tables such as [models.fast]"),
    model("dialect", 'dialect = "openai.respond"', ".dialect", "not 'openai.respond'", "Did you mean 'openai.responses'?"),
    Mistake("model-number", "[models]\nfast = 5\n", "models.fast", "not 5", "must be a table"),
    Mistake("listed-number", 'models = ["sandbox", 3]\n', "models[1]", "not 3", "must be a table"),
    Mistake("no-model", "[models.fast]\nregion = 'eu'\n", "models.fast.model", "is missing", "write model = 'provider:name'"),
    Mistake(
        "model-twice", 'models = ["sandbox:sandbox-small", "sandbox:sandbox-small"]\n', "", "two models are named", "alias"
    ),
    Mistake("provider", '[models]\na = "opena:gpt-5"\n', "models.a", "unknown provider 'opena'", "Did you mean 'openai'?"),
    Mistake("no-provider", '[models]\na = "my-model"\n', "models.a", "names no provider", "write 'provider:model'"),
    Mistake("no-name", '[models]\na = "openai:"\n', "models.a", "names no model", "write 'openai:model'"),
    Mistake("no-key", '[models]\na = "groq:llama"\n', "models.a", "no key for groq", "Set GROQ_API_KEY"),
    Mistake("no-address", '[models]\na = "azure_openai:x"\n', "models.a.base_url", "needs an address", "Set AZURE_OPENAI"),
    Mistake(
        "sandbox-name", '[models]\na = "sandbox:sandbox-smal"\n', "models.a", "has no model", "Did you mean 'sandbox-small'?"
    ),
    model("model-key", 'modle = "x"', ".modle", "not known here", "Did you mean 'model'?"),
    model("model-timeout", "timeout = 3", ".timeout", "not known here", "into [limits]"),
    model("model-temperature", "temperature = 0", ".temperature", "not known here", "params = {temperature"),
    model("model-factory", 'factory = "app:make"', ".factory", "not known here", "Objects are given in Python"),
    model("named-twice", 'name = "quick"', ".name", "names the model 'fast' already", "leave name out"),
    model("price-key", "price = {inptu = 1}", ".price.inptu", "not known here", "Did you mean 'input'?"),
    model("price-negative", "price = {input = -1}", ".price.input", "not -1", "at least 0"),
    model("price-text", 'price = {input = "$1"}', ".price.input", "not '$1'", "a number without quotes"),
    model("price-number", "price = 3", ".price", "not 3", "must be a table"),
    model("price-huge", "price = {input = 1e12}", ".price", "cannot be meant", "per million tokens"),
    model("hours-to", 'price = {hours = [{from = "1:00"}]}', ".price.hours[0].to", "is missing", "write to = ..."),
    model(
        "hours-clock",
        'price = {hours = [{from = "25:00", to = "1:00", input = 1}]}',
        ".price.hours[0].from",
        "not '25:00'",
        "a time of day such as '16:30'",
    ),
    model(
        "hours-empty",
        'price = {hours = [{from = "1:00", to = "1:00", input = 1}]}',
        ".price.hours[0]",
        "begin when it ends",
        "needs no window",
    ),
    model(
        "hours-share",
        'price = {hours = [{from = "1:00", to = "3:00", input = 1}, {from = "2:00", to = "4:00", input = 1}]}',
        ".price.hours[1]",
        "share some time",
        "a time has one price",
    ),
    model("context", "context = 0", ".context", "not 0", "a number above 0"),
    model("ability", 'abilities = ["tool"]', ".abilities", "unknown ability 'tool'", "Did you mean 'tools'?"),
    model("abilities-number", "abilities = 3", ".abilities", "not 3", "a list such as ['tools'"),
    model("tags", "tags = [1]", ".tags", "not a list", "a list of these"),
    model("private", 'private = "yes"', ".private", "not 'yes'", "true or false"),
    model("weight", "weight = -1", ".weight", "not -1", "at least 0"),
    model("quality", "quality = 90", ".quality", "not 90", "of at most 1"),
    model("strength-range", "strengths = {code = 7}", ".strengths.code", "not 7", "of at most 1"),
    model(
        "strength-name",
        "strengths = {code_debgu = 0.7}",
        ".strengths.code_debgu",
        "unknown strength",
        "Did you mean 'code_debug'?",
    ),
    model(
        "strength-language",
        'strengths = {"language:german" = 0.7}',
        ".strengths.language:german",
        "unknown strength",
        "'language:de'",
    ),
    model("knowledge", 'knowledge = "last year"', ".knowledge", "not 'last year'", "a date such as '2026-03-31'"),
    model("place", 'place = "onprem"', ".place", "not 'onprem'", "one of device, on_premises, cloud"),
    model("languages", 'languages = ["german"]', ".languages", "not 'german'", "ISO 639"),
    model("traits", "traits = {tone = [1]}", ".traits.tone", "not [1]", "a text, a number"),
    model("network", "network = -0.1", ".network", "not -0.1", "at least 0"),
    model("prepaid", "prepaid = {tokens = 5}", ".prepaid.tokens", "not known here", "Did you mean 'tokens_per_minute'?"),
    model("latency", "latency = {first_token = 1}", ".latency.first_token", "not known here", "Did you mean 'first_content'?"),
    model("rates", "limits = {rpm = 5}", ".limits.rpm", "not known here", "requests_per_minute"),
    model("certificate", 'client_cert = ["a"]', ".client_cert", "not a list", "a list of two files"),
    model(
        "address", 'model = "vllm:m"\nbase_url = "localhost:8000"', ".base_url", "not 'localhost:8000'", "begin with http://"
    ),
    model("no-deployment", "deployments = []", ".model", "is missing", "write model = "),
    model("deployment", 'deployments = [{region = "eu"}]', ".deployments[0].model", "is missing", "write model = "),
    model(
        "deployment-key",
        'deployments = ["sandbox:sandbox-small", {modl = "x"}]',
        ".deployments[1].modl",
        "not known here",
        "Did you mean 'model'?",
    ),
    model(
        "deployment-value",
        'deployments = [{model = "sandbox:sandbox-small", quality = 2}]',
        ".deployments[0].quality",
        "not 2",
        "of at most 1",
    ),
    of("defaults-key", "[defaults]\nproxi = 'http://p:1'", "defaults.proxi", "not known here", "Did you mean 'proxy'?"),
    of("defaults-value", "[defaults]\nquality = 2", "defaults.quality", "not 2", "of at most 1"),
]

SECRETS = [
    model(
        "key-literal",
        'api_key = "my-own-key-0123456789"',
        ".api_key",
        "does not belong in a file",
        "write api_key = 'env:NAME'",
    ),
    model(
        "key-in-list", 'api_key = ["env:A", "my-own-key-0123456789"]', ".api_key[1]", "does not belong in a file", "'env:NAME'"
    ),
    model("key-dollar", 'api_key = "${MY_KEY}"', ".api_key", "write it as", "'env:MY_KEY'"),
    model("key-environ", 'api_key = "os.environ/MY_KEY"', ".api_key", "write it as", "'env:MY_KEY'"),
    model("key-no-variable", 'api_key = "env:"', ".api_key", "names no environment variable", "'env:OPENAI_API_KEY'"),
    model("key-no-file", 'api_key = "file:"', ".api_key", "names nothing", "write 'file:PATH'"),
    model("key-number", "api_key = 5", ".api_key", "must tell where the key is", "'env:NAME'"),
    model("key-elsewhere", 'region = "sk-0123456789abcdefghijkl"', ".region", "looks like a key", "write api_key = 'env:NAME'"),
    model(
        "header",
        'headers = {Authorization = "Bearer abc"}',
        ".headers.Authorization",
        "does not belong",
        "api_key = 'env:NAME'",
    ),
    model(
        "header-in-params",
        'params = {extra_headers = {x-api-key = "my-own-key"}}',
        ".params.extra_headers.x-api-key",
        "does not belong",
        "api_key = 'env:NAME'",
    ),
    model(
        "key-in-params",
        'params = {extra_body = {api_key = "my-own-key"}}',
        ".params.extra_body.api_key",
        "does not belong",
        "'env:NAME'",
    ),
    model(
        "key-in-address",
        'base_url = "https://host/v1?api-key=my-own-key"',
        ".base_url",
        "behind the ? of an address",
        "api_key = 'env:NAME'",
    ),
    model(
        "key-in-command",
        "api_key = 'command:curl -H \"Authorization: Bearer my-own-key-0123456789\" https://host'",
        ".api_key",
        "holds a key itself",
        "let the program read it",
    ),
    model("key-after-words", 'tags = ["use sk-0123456789abcdefghijkl"]', ".tags[0]", "looks like a key", "'env:NAME'"),
    Mistake("key-as-model", 'models = ["openai:sk-0123456789abcdefghijkl"]\n', "models[0]", "looks like a key", "'env:NAME'"),
    Mistake("key-as-name", '[models]\nsk-0123456789abcdefghijkl = "x:y"\n', "models", "looks like a key", "'env:NAME'"),
    model("proxy", 'proxy = "http://me:secret@proxy:8080"', ".proxy", "a password does not belong", "HTTPS_PROXY"),
    model(
        "address-password",
        'base_url = "http://me:secret@host/v1"',
        ".base_url",
        "a password does not belong",
        "api_key = 'env:",
    ),
    model("key-unset", 'model = "openai:gpt-5-mini"\napi_key = "env:NOT_SET_HERE"', ".api_key", "NOT_SET_HERE", "is not set"),
    model(
        "file-missing",
        'model = "openai:gpt-5-mini"\napi_key = "file:/nowhere/key"',
        ".api_key",
        "/nowhere/key",
        "does not exist",
    ),
]

MISTAKES = [*TEXTS, *TOP, *PROVIDERS, *MODELS, *SECRETS, *NAMES, *STRATEGIES, *RULES, *REST]
