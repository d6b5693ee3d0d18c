#!/usr/bin/env python3
"""Prices usages by published price lists with exact fractions, for `../vectors.rs`.

    generate.py LITELLM_JSON GENAI_JSON

writes an excerpt of both files and `usages.jsonl` beside itself. It knows the lists' own formats and the rules that their
authors give, and nothing of the crate that is tested:

- a price is for one token in LiteLLM's map and for a million in genai-prices;
- a length above which other prices hold is compared with the whole prompt, from any cache or none; the prompt must be
  longer (xAI: as long); the other prices then hold for the whole request;
- a cached token without a price is an input token, a token written for an hour without one is one written for five minutes;
- a token of reasoning is one of output, unless it has a price of its own (xAI's is not used);
- an amount is rounded to nine places, half to even, once.

Where a list leaves open which of two prices holds, no usage asks for it.
"""

import json
import pathlib
import random
import sys
from fractions import Fraction

HERE = pathlib.Path(__file__).parent
COUNT = 3000
DIGITS = 9

LITELLM_PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "gemini": "google", "mistral": "mistral",
                     "deepseek": "deepseek", "xai": "xai"}
GENAI_PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "google": "google", "x-ai": "xai", "mistral": "mistral",
                   "deepseek": "deepseek"}

LITELLM_FIELDS = {
    "input": "input_cost_per_token",
    "output": "output_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write_5m": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "reasoning": "output_cost_per_reasoning_token",
    "input_audio": "input_cost_per_audio_token",
    "output_audio": "output_cost_per_audio_token",
}
GENAI_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write_5m": "cache_write_mtok",
    "input_audio": "input_audio_mtok",
    "output_audio": "output_audio_mtok",
}
SERVICES = {"standard": "", "batch": "_batches", "flex": "_flex", "priority": "_priority"}
THRESHOLDS = [32, 100, 128, 200, 256, 272, 512]
PROMPT = ["input", "cache_read", "cache_write_5m", "cache_write_1h", "input_audio"]


def fraction(text):
    return Fraction(str(text))


def is_plain(value):
    """Whether a price has no more digits than somebody would have typed."""
    scaled = fraction(value)
    places = 0
    while scaled.denominator != 1:
        scaled *= 10
        places += 1
        if places > 18:
            return False
    return len(str(abs(scaled.numerator)).rstrip("0")) <= DIGITS


def litellm_tables(name, entry):
    """Per service: the base prices, and for each threshold those above it."""
    tables = {}
    for service, suffix in SERVICES.items():
        base = {bucket: entry[field + suffix] for bucket, field in LITELLM_FIELDS.items() if field + suffix in entry}
        if "input" not in base or "output" not in base:
            continue
        above = {}
        for thousands in THRESHOLDS:
            part = f"_above_{thousands}k_tokens"
            prices = {bucket: entry[field + part + suffix] for bucket, field in LITELLM_FIELDS.items()
                      if field + part + suffix in entry}
            if prices:
                above[thousands * 1000] = prices
        values = [value for prices in [base, *above.values()] for value in prices.values()]
        if all(value is not None and is_plain(value) for value in values):
            tables[service] = (base, above, Fraction(1))
    return tables


def genai_table(prices):
    base, above = {}, {}
    for bucket, field in GENAI_FIELDS.items():
        price = prices.get(field)
        if price is None:
            continue
        if isinstance(price, dict):
            base[bucket] = price["base"]
            for tier in price["tiers"]:
                above.setdefault(int(tier["start"]), {})[bucket] = tier["price"]
        else:
            base[bucket] = price
    values = [value for table in [base, *above.values()] for value in table.values()]
    if "input" in base and "output" in base and all(is_plain(value) for value in values):
        return (base, above, Fraction(1, 1_000_000))
    return None


def rate(prices, bucket, provider):
    """The price of a bucket, or None where the list does not say."""
    if bucket == "reasoning" and provider == "xai":
        return prices.get("output")
    if bucket in prices:
        return prices[bucket]
    return {
        "cache_read": prices.get("input"),
        "cache_write_5m": prices.get("input"),
        "cache_write_1h": prices.get("cache_write_5m", prices.get("input")),
        "reasoning": prices.get("output"),
    }.get(bucket)


def prices_of(table, usage, provider):
    base, above, unit = table
    prompt = sum(usage.get(bucket, 0) for bucket in PROMPT)
    reached = [start for start in above if prompt > start or (provider == "xai" and prompt == start)]
    if not reached:
        return base, unit
    prices = above[max(reached)]
    # Which price holds above a threshold for a bucket that has one below it and none above it is not said.
    if any(bucket in base and bucket not in prices for bucket in usage) or not {"input", "output"} <= prices.keys():
        return None, unit
    return prices, unit


def cost(table, usage, provider):
    prices, unit = prices_of(table, usage, provider)
    if prices is None:
        return None
    total = Fraction(0)
    for bucket, count in usage.items():
        price = rate(prices, bucket, provider)
        if price is None:
            return None
        total += count * fraction(price) * unit
    return total


def decimal(value):
    """A fraction of a power of ten, with all its digits."""
    places = 0
    while value.denominator != 1:
        value *= 10
        places += 1
    digits = str(value.numerator).rjust(places + 1, "0")
    text = digits[:len(digits) - places] + ("." + digits[len(digits) - places:] if places else "")
    return text.rstrip("0").rstrip(".") if "." in text else text


def nanos(value):
    # Python rounds a fraction half to even.
    return round(value * 10**9)


def usage_of(rng, table):
    base, above, _ = table
    size = rng.choice([10, 1_000, 50_000, 300_000, 1_000_000, 10**9])
    usage = {"input": rng.randrange(size), "output": rng.randrange(size)}
    for bucket in ["cache_read", "cache_write_5m", "cache_write_1h", "reasoning", "input_audio", "output_audio"]:
        sounds = bucket in ("input_audio", "output_audio")
        if rng.random() < 0.35 and (bucket in base or not sounds):
            usage[bucket] = rng.randrange(size)
    if above and rng.random() < 0.4:
        # Just below, at, and above a threshold.
        start = rng.choice(sorted(above)) + rng.choice([-1, 0, 1])
        for bucket in PROMPT[1:]:
            usage.pop(bucket, None)
        cached = rng.randrange(start) if rng.random() < 0.5 else 0
        usage["input"] = start - cached
        if cached:
            usage["cache_read"] = cached
    return usage


def candidates(litellm, genai):
    found = []
    for name, entry in litellm.items():
        provider = LITELLM_PROVIDERS.get(entry.get("litellm_provider"))
        if provider is None or entry.get("mode") != "chat" or "tiered_pricing" in entry or "off_peak_pricing" in entry:
            continue
        short = name.removeprefix(entry["litellm_provider"] + "/")
        if "/" in short or short.startswith("ft:"):
            continue
        tables = litellm_tables(name, entry)
        if tables:
            found.append(("litellm", name, f"{provider}/{short}", provider, tables))
    for entry in genai:
        provider = GENAI_PROVIDERS.get(entry["id"])
        for model in entry["models"] if provider else []:
            if isinstance(model["prices"], dict):
                table = genai_table(model["prices"])
                if table and "/" not in model["id"]:
                    found.append(("genai", (entry["id"], model["id"]), f"{provider}/{model['id']}", provider,
                                  {"standard": table}))
    return found


def main():
    litellm = json.load(open(sys.argv[1]), parse_float=str)
    genai = json.load(open(sys.argv[2]), parse_float=str)
    rng = random.Random(4711)
    found = candidates(litellm, genai)
    # Those with the most to say, and some of the others.
    by_size = sorted(found, key=lambda it: -sum(len(base) + 8 * len(above) for base, above, _ in it[4].values()))
    chosen = by_size[:70] + rng.sample(by_size[70:], 50)
    lines = []
    while len(lines) < COUNT:
        source, entry, model, provider, tables = rng.choice(chosen)
        service = rng.choice(sorted(tables))
        usage = usage_of(rng, tables[service])
        standard, long, _ = tables.get("standard", tables[service])
        # Nor is it said which price of a service holds for a bucket that has one of its own in the standard list only, or
        # for a length that has.
        if any(bucket in standard and bucket not in tables[service][0] for bucket in usage):
            continue
        # What lasts for twelve hours is not what lasts for one.
        if "cache_write_1h" in usage and source == "litellm" and any("_above_12hr" in key for key in litellm[entry]):
            continue
        prompt = sum(usage.get(bucket, 0) for bucket in PROMPT)
        if any(prompt >= start and start not in tables[service][1] for start in long):
            continue
        amount = cost(tables[service], usage, provider)
        if amount is not None:
            lines.append({"list": source, "model": model, "tier": service, "usage": usage, "usd": decimal(amount),
                          "nanos": nanos(amount)})
    write(litellm, genai, chosen, lines)


def write(litellm, genai, chosen, lines):
    # Read once more, so that each number is written as it was.
    raw = [json.load(open(path), parse_float=Literal) for path in sys.argv[1:3]]
    names = [name for source, name, *_ in chosen if source == "litellm"]
    wanted = {name for source, name, *_ in chosen if source == "genai"}
    models = {name: {key: value for key, value in raw[0][name].items() if "cost" in key or key in
                     ("litellm_provider", "mode", "max_input_tokens", "max_output_tokens")} for name in names}
    providers = []
    for entry in raw[1]:
        kept = [model for model in entry["models"] if (entry["id"], model["id"]) in wanted]
        if kept:
            kept = [{key: model[key] for key in ("id", "match", "prices") if key in model} for model in kept]
            providers.append({"id": entry["id"], "models": kept})
    (HERE / "litellm.json").write_text(unquoted(models))
    (HERE / "genai-prices.json").write_text(unquoted(providers))
    with open(HERE / "usages.jsonl", "w") as file:
        for line in lines:
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


class Literal(str):
    """A number's own digits."""


def unquoted(value):
    mark = "\u0001"

    def marked(value):
        if isinstance(value, Literal):
            return mark + value + mark
        if isinstance(value, dict):
            return {key: marked(item) for key, item in value.items()}
        if isinstance(value, list):
            return [marked(item) for item in value]
        return value

    text = json.dumps(marked(value), indent=1)
    return text.replace('"\\u0001', "").replace('\\u0001"', "") + "\n"


main()
