#!/usr/bin/env python3
"""What usages cost by two public price lists, in exact fractions.

Reads LiteLLM's model_prices_and_context_window.json and genai-prices' data.v2.json, draws usages from a seed, and writes
them with their costs as lines of JSON. It knows the lists' formats and rules, and nothing of this crate. No float is ever
made from a number of the lists.

    python3 generate.py LITELLM_JSON GENAI_JSON > all.jsonl
"""
import json, random, re, sys
from datetime import datetime, timedelta, timezone
from fractions import Fraction as F

SEED = 20261126

INPUT_SIDE = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "input_audio", "input_image")
OUTPUT_SIDE = ("output", "reasoning", "output_audio")
COUNTED = ("web_searches", "requests")
BUCKETS = INPUT_SIDE + OUTPUT_SIDE + COUNTED


class Num(str):
    """A JSON number, kept as its text."""
    @property
    def value(self):
        return F(str(self))


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f, parse_float=Num, parse_int=Num)


def dec(x):
    """Fraction -> exact plain decimal text; refuses a non-terminating one."""
    den, twos, fives = x.denominator, 0, 0
    while den % 2 == 0:
        den //= 2; twos += 1
    while den % 5 == 0:
        den //= 5; fives += 1
    if den != 1:
        raise ArithmeticError(f"not a finite decimal: {x}")
    k = max(twos, fives)
    scaled = x.numerator * 10 ** k // x.denominator
    sign, digits = ("-" if scaled < 0 else ""), str(abs(scaled)).rjust(k + 1, "0")
    whole, frac = (digits[:-k], digits[-k:].rstrip("0")) if k else (digits, "")
    return sign + whole + ("." + frac if frac else "")


def sig_digits(text):
    mant = re.split("[eE]", text)[0].replace(".", "").replace("-", "")
    return len(mant.lstrip("0").rstrip("0"))


def noisy(text):
    """Float noise: as many significant digits as a double's repr can carry (16 or 17)."""
    return sig_digits(text) >= 16


def parse_at(at):
    return datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


class Unpriced(Exception):
    pass


class Result:
    def __init__(self):
        self.parts, self.amb, self.noise = {}, [], False

    def unsure(self, why):
        if why not in self.amb:
            self.amb.append(why)

    def add(self, bucket, count, text, scale=F(1), why=()):
        """count units at the price written as `text`, times `scale`."""
        self.parts[bucket] = self.parts.get(bucket, F(0)) + count * F(str(text)) * scale
        if count:
            self.noise |= noisy(str(text))
            for w in why:
                self.unsure(w)

    @property
    def total(self):
        return sum(self.parts.values(), F(0))


def prompt_total(usage):
    return sum(usage.get(b, 0) for b in INPUT_SIDE)


# --------------------------------------------------------------------------- LiteLLM

SUFFIX = {"standard": "", "batch": "_batches", "priority": "_priority", "flex": "_flex"}
LL_BASE = {
    "input": "input_cost_per_token",
    "cache_read": "cache_read_input_token_cost",
    "cache_write_5m": "cache_creation_input_token_cost",
    "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
    "input_audio": "input_cost_per_audio_token",
    "input_image": "input_cost_per_image_token",
    "output": "output_cost_per_token",
    "reasoning": "output_cost_per_reasoning_token",
    "output_audio": "output_cost_per_audio_token",
}
PSEUDO = ("sample_spec", "fallback_generalizations")
GEMINI_LIKE = ("gemini", "vertex_ai-language-models", "vertex_ai")


def ll_thresholds(e):
    """[(tokens, key part)] of the long-context tiers, ascending."""
    out = []
    for k in e:
        m = re.fullmatch(r"input_cost_per_token(_above_(\d+)k_tokens)", k)
        if m:
            out.append((int(m.group(2)) * 1000, m.group(1)))
    return sorted(out)


def ll_tier(e, prompt):
    inclusive = e.get("litellm_provider") == "xai"
    hit = ""
    for t, part in ll_thresholds(e):
        if prompt > t or (inclusive and prompt == t):
            hit = part
    return hit


def ll_pick(e, base, above, tier, name):
    """Price text, scale and doubts of one component; None when the list has no price for it."""
    suf = SUFFIX[tier]
    has = lambda k: isinstance(e.get(k), Num)
    half = F(1, 2) if tier == "batch" else F(1)
    if above:
        if has(base + above + suf):
            return e[base + above + suf], F(1), []
        if not suf:
            return (e[base], F(1), [f"{name}: no {above[1:]} rate, base rate kept"]) if has(base) else None
        if tier == "batch" and has(base + suf):
            return e[base + suf], F(1), [f"{name}: no long-context batch rate, flat batch rate kept (litellm-docs#1221)"]
        if has(base + above):
            return e[base + above], half, [f"{name}: no long-context {tier} rate; standard long-context rate" + (" halved" if tier == "batch" else "")]
        if has(base + suf):
            return e[base + suf], F(1), [f"{name}: no {above[1:]} rate at all, flat {tier} rate kept"]
        if has(base):
            return e[base], half, [f"{name}: no {tier} and no {above[1:]} rate; base rate" + (" halved" if tier == "batch" else "")]
        return None
    if has(base + suf):
        return e[base + suf], F(1), []
    if suf and has(base):
        return e[base], half, [f"{name}: no {tier} rate in the entry; " + ("half the standard rate (litellm-docs#1221)" if tier == "batch" else "standard rate (LiteLLM falls back)")]
    return None


def ll_component(e, bucket, above, tier):
    base = LL_BASE[bucket]
    get = lambda b, name=bucket: ll_pick(e, LL_BASE[b], above, tier, name)
    if bucket == "reasoning":
        own = e.get(base)
        out = ll_pick(e, LL_BASE["output"], above, tier, "reasoning(output)")
        if e.get("litellm_provider") == "xai" or not isinstance(own, Num):
            return out
        if tier == "standard":
            why = ["reasoning: own rate has no long-context variant, own rate kept"] if above else []
            return own, F(1), why
        suf = SUFFIX[tier]
        if isinstance(e.get(base + suf), Num):
            return e[base + suf], F(1), []
        if isinstance(e.get(LL_BASE["output"] + suf), Num) and out:
            # litellm#35925: follows the service tier's output rate
            t, s, why = out
            return t, s, why + (["reasoning: own rate without a batch variant; batch output rate"] if tier == "batch" else
                                ["reasoning: own rate is standard only; long-context service output rate"] if above else [])
        return ll_pick(e, base, "", tier, "reasoning")
    if bucket in ("cache_read", "cache_write_5m", "cache_write_1h"):
        b, extra = bucket, []
        known = lambda k: any(isinstance(e.get(LL_BASE[k] + a), Num) for a in ("", above))
        if b == "cache_write_1h" and not known(b):
            if not known("cache_write_5m"):
                return get("input")                    # a missing cache rate bills at the input rate
            b, extra = "cache_write_5m", ["cache_write_1h: no 1h rate, general cache-write rate"]
        if not known(b):
            return get("input")                        # a missing cache rate bills at the input rate
        suf = SUFFIX[tier]
        k = LL_BASE[b]
        if tier == "batch" and not any(isinstance(e.get(k + a + suf), Num) for a in ("", above)) \
                and isinstance(e.get("input_cost_per_token" + suf), Num):
            t, s, why = get("input")
            return t, s, why + extra + [f"{bucket}: no batch cache rate; batch input rate (litellm#39861)"]
        got = ll_pick(e, k, above, tier, bucket)
        return got and (got[0], got[1], got[2] + extra)
    return get(bucket)


def in_window(spec, t):
    m = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", spec)
    a, b = int(m[1]) * 60 + int(m[2]), int(m[3]) * 60 + int(m[4])
    now = t.hour * 60 + t.minute
    if a == b:
        return True
    return a <= now < b if a < b else (now >= a or now < b)


def off_peak_open(block, t):
    zone = {None: 0, "UTC": 0, "Asia/Shanghai": 8}[block.get("weekday_timezone")]
    day = (t + timedelta(hours=zone)).isoweekday()
    as_list = lambda x: x if isinstance(x, list) else [x]
    if "hours_utc" in block and any(in_window(w, t) for w in as_list(block["hours_utc"])):
        return True
    for rule in block.get("windows", []):
        days = [int(d) for d in rule["weekdays"]] if "weekdays" in rule else None
        if (days is None or day in days) and any(in_window(w, t) for w in as_list(rule["hours_utc"])):
            return True
    return False


def ll_cost(book, provider, model, tier, usage, at):
    e = book.get(model)
    if not isinstance(e, dict) or model in PSEUDO:
        raise Unpriced("unknown model")
    if e.get("litellm_provider") != provider:
        err = Unpriced("another provider's model")
        err.amb = "the key belongs to another provider; LiteLLM looks up by key, read as unpriced"
        raise err
    r, prompt = Result(), prompt_total(usage)
    above, view = ll_tier(e, prompt), e
    tiers = [t for t in e.get("tiered_pricing", []) if "range" in t]
    if tiers:                       # whole request at the one range (lo, hi] that holds the prompt
        tiers = sorted(tiers, key=lambda t: t["range"][0].value)
        row = next((t for t in tiers if prompt <= t["range"][1].value), None)
        if row is None:
            row = tiers[-1]
            r.unsure("prompt beyond the last range of tiered_pricing; last tier")
        view, above = dict(row, litellm_provider=provider), ""
        if tier != "standard":
            r.unsure("tiered_pricing has no service tiers")
    if "off_peak_pricing" in e:
        if at is None:
            r.unsure("off_peak_pricing without a time; standard rates")
        elif off_peak_open(e["off_peak_pricing"], parse_at(at)):
            block = e["off_peak_pricing"]
            view = dict(view)
            for k in ("input_cost_per_token", "output_cost_per_token", "output_cost_per_reasoning_token",
                      "cache_read_input_token_cost", "cache_creation_input_token_cost"):
                if k in block:
                    view[k] = block[k]
            above = ""
            if tier != "standard":
                r.unsure("off-peak block with a service tier")
    for b, n in usage.items():
        if b == "web_searches":
            s = e.get("search_context_cost_per_query")
            if not s:
                if n:
                    raise Unpriced("no price for web_searches")
                r.parts[b] = F(0); continue
            price = s["search_context_size_medium"]
            why = [] if len({v.value for v in s.values()}) == 1 else ["web_searches: price depends on the context size; medium"]
            k = n
            if n > 1 and e.get("web_search_billing_unit") != "per_query":
                if provider in GEMINI_LIKE:
                    k = 1
                    why.append("web_searches: billed per prompt by default, one flat charge")
                elif "claude" not in model:
                    why.append("web_searches: no billing unit in the entry (docs: per_prompt by default); per search")
            r.parts[b] = F(0)
            r.add(b, k, price, F(1), why)
        elif b == "requests":
            p = e.get("input_cost_per_request")
            if not isinstance(p, Num):
                if n:
                    raise Unpriced("no price for requests")
                r.parts[b] = F(0); continue
            r.add(b, n, p)
        else:
            got = ll_component(view, b, above, tier)
            if got is None:
                if n:
                    raise Unpriced(f"no price for {b}")
                r.parts[b] = F(0); continue
            r.add(b, n, *got)
    if isinstance(e.get("input_cost_per_request"), Num) and "requests" not in usage:
        r.unsure("per-request price, and the usage does not say how many requests; 0 counted")
    return r


# ----------------------------------------------------------------------- genai-prices

MTOK = F(1, 1_000_000)
GP_CHAIN = {
    "input": ("input_mtok",),
    "cache_read": ("cache_read_mtok", "input_mtok"),
    "cache_write_5m": ("cache_write_5m_mtok", "cache_write_mtok", "input_mtok"),
    "cache_write_1h": ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"),
    "input_audio": ("input_audio_mtok", "input_mtok"),
    "input_image": ("input_image_mtok", "input_mtok"),
    "output": ("output_mtok",),
    "reasoning": ("output_reasoning_mtok", "output_mtok"),
    "output_audio": ("output_audio_mtok", "output_mtok"),
}


def clause(c, ref, fold=False):
    (kind, arg), = [(k, v) for k, v in c.items() if k != "type"]
    if kind in ("or", "and"):
        return (any if kind == "or" else all)(clause(x, ref, fold) for x in arg)
    if kind == "regex":
        return re.search(arg, ref, re.I if fold else 0) is not None
    a, r = (arg.lower(), ref.lower()) if fold else (arg, ref)
    return {"equals": r == a, "starts_with": r.startswith(a), "ends_with": r.endswith(a), "contains": a in r}[kind]


def gp_find(provs, pid, ref, fold=False):
    """(model, other matches): the provider's own models first, then its fallback providers'."""
    p = provs.get(pid)
    if p is None:
        return None, []
    for q in [p] + [provs[f] for f in p.get("fallback_model_providers", []) if f in provs]:
        hits = [m for m in q["models"] if clause(m["match"], ref, fold)]
        if hits:
            return hits[0], hits[1:]
    return None, []


def gp_active(c, t):
    if c is None:
        return True, False
    if "start_date" in c:
        return t.strftime("%Y-%m-%d") >= c["start_date"], False
    hm = lambda s: datetime.strptime(s, "%H:%M:%SZ").time()
    a, b, now = hm(c["start_time"]), hm(c["end_time"]), t.time()
    return (a <= now < b), now == b


def gp_prices(m, at, r):
    p = m["prices"]
    if isinstance(p, dict):
        return p
    if at is None:
        raise ValueError("conditional prices need a time")
    t = parse_at(at)
    for cand in reversed(p):                 # tried last to first; the last active one is used
        ok, edge = gp_active(cand.get("constraint"), t)
        if edge:
            r.unsure("time of day exactly at end_time; taken as exclusive")
        if ok:
            return cand["prices"]
    return p[0]["prices"]                    # none active: the first


def gp_unit(price, prompt):
    if isinstance(price, Num):
        return price
    best = price["base"]
    for t in sorted(price["tiers"], key=lambda t: t["start"].value):
        if prompt > t["start"].value:
            best = t["price"]
    return best


def gp_cost(provs, pid, ref, tier, usage, at):
    m, rest = gp_find(provs, pid, ref)
    if m is None:
        raise Unpriced("unknown model")
    r, prompt = Result(), prompt_total(usage)
    f, _ = gp_find(provs, pid, ref, fold=True)
    if f is not m and f["prices"] != m["prices"]:
        r.unsure("another model matches when case is ignored")
    if any(x["prices"] != m["prices"] for x in rest):
        r.unsure("several models of the provider match; the first in the file")
    prices = gp_prices(m, at, r)
    if tier != "standard":
        e = Unpriced("list has standard prices only")
        e.amb = f"the list has no {tier} prices; its own calculator ignores the service tier and bills standard"
        raise e
    if not prices:
        r.unsure("model with an empty price list; taken as free (the docs speak of free models), not as unpriced")
    for b, n in usage.items():
        if b in GP_CHAIN:
            key = next((k for k in GP_CHAIN[b] if k in prices), None)
            scale = MTOK
        else:
            key = {"web_searches": "web_searches_kcount", "requests": "requests_kcount"}[b]
            key, scale = (key if key in prices else None), F(1, 1000)
        if key is None:
            if n and prices:
                e = Unpriced(f"no price for {b}")
                e.amb = f"no price for {b}: the list's own calculator bills 0, read as unpriced"
                raise e
            r.parts[b] = F(0)
            continue
        r.add(b, n, gp_unit(prices[key], prompt), scale)
    if "requests_kcount" in prices and usage.get("requests") != 1:
        r.unsure("the list bills exactly one request per calculation; the count in the usage is taken as written (absent: 0)")
    return r


# ------------------------------------------------------------------------- generation

FIXED_AT = ("2025-01-01T00:00:00Z", "2025-12-31T23:59:59Z", "2026-06-15T12:00:00Z", "2026-08-15T09:30:00Z", "2026-11-26T08:00:00Z")


class Gen:
    def __init__(self, book, provs):
        self.book, self.provs, self.rng = book, provs, random.Random(SEED)
        self.rows, self.seen, self.n = [], set(), {"litellm": 0, "genai-prices": 0}

    def emit(self, lst, provider, model, usage, tier=None, at=None):
        usage = {b: usage[b] for b in BUCKETS if b in usage}
        key = (lst, provider, model, tier, tuple(usage.items()), at)
        if key in self.seen or not usage:
            return
        self.seen.add(key)
        self.n[lst] += 1
        row = {"id": ("ll-" if lst == "litellm" else "gp-") + f"{self.n[lst]:05d}", "list": lst, "provider": provider, "model": model}
        if tier:
            row["service_tier"] = tier
        row["usage"] = usage
        if at:
            row["at"] = at
        f, src = (ll_cost, self.book) if lst == "litellm" else (gp_cost, self.provs)
        try:
            r = f(src, provider, model, tier or "standard", usage, at)
            row["cost_usd"] = dec(r.total)
            row["breakdown"] = {b: dec(r.parts[b]) for b in usage}
            if r.amb:
                row["ambiguous"] = "; ".join(r.amb)
            if r.noise:
                row["noise"] = True
        except Unpriced as e:
            row["cost_usd"], row["breakdown"] = None, {}
            amb = getattr(e, "amb", None)
            if amb is None and str(e) != "unknown model":
                amb = f"{e}: LiteLLM bills 0, read as unpriced"
            if amb:
                row["ambiguous"] = amb
        self.rows.append(row)

    # counts -------------------------------------------------------------
    def size(self):
        r = self.rng
        return r.choice((
            lambda: 0, lambda: 1, lambda: r.randrange(2, 100), lambda: r.randrange(100, 5000), lambda: r.randrange(100, 5000),
            lambda: r.randrange(5000, 120_000), lambda: r.randrange(5000, 120_000), lambda: r.randrange(120_000, 2_000_000),
            lambda: r.randrange(2_000_000, 2 ** 32), lambda: 2 ** r.randrange(0, 41), lambda: 2 ** 40))()

    def split(self, total, buckets):
        """total spread over the buckets, with an occasional explicit zero."""
        r, out = self.rng, {}
        bs = list(buckets)
        r.shuffle(bs)
        left = total
        for b in bs[:-1]:
            n = 0 if r.random() < 0.12 else r.randint(0, left)
            out[b], left = n, left - n
        out[bs[-1]] = left
        return out

    def usage(self, ins, outs, prompt=None, extra=None):
        r = self.rng
        ins = [b for b in ins if b == "input" or r.random() < 0.6] or ["input"]
        u = self.split(self.size() if prompt is None else prompt, ins)
        for b in outs:
            if b == "output" or r.random() < 0.7:
                u[b] = self.size() if r.random() < 0.8 else 0
        u.update(extra or {})
        return u

    def maybe_at(self, p=0.15):
        return self.rng.choice(FIXED_AT) if self.rng.random() < p else None

    def maybe_std(self):
        return "standard" if self.rng.random() < 0.2 else None

    def around(self, t):
        r = self.rng
        return [t - 1, t, t + 1, r.randrange(1, max(2, t // 2)), t + r.randrange(2, t), 2 ** 40]

    # LiteLLM -------------------------------------------------------------
    MODES = ("chat", "completion", "responses", "embedding", "image_generation", "image_edit", "realtime", "decisions", "evaluation", None)

    def ll_buckets(self, e):
        flat = [e] + [t for t in e.get("tiered_pricing", []) if "range" in t]
        has = lambda k: any(isinstance(x.get(k), Num) for x in flat)
        ins = ["input"] + [b for b in INPUT_SIDE[1:] if has(LL_BASE[b])]
        outs = [b for b in OUTPUT_SIDE if has(LL_BASE[b])]
        if "output" in outs and "reasoning" not in outs and (e.get("supports_reasoning") or self.rng.random() < 0.1):
            outs.append("reasoning")
        return ins, outs

    def litellm(self):
        r, book = self.rng, self.book
        ok = {}
        for k, e in book.items():
            if k in PSEUDO or e.get("mode") not in self.MODES or "input_cost_per_character" in e:
                continue
            tiered = any("range" in t for t in e.get("tiered_pricing", []))
            if not tiered and not isinstance(e.get("input_cost_per_token"), Num):
                continue
            if str(e.get("mode")).startswith("image") and any(x.startswith(("output_cost_per_image", "input_cost_per_image", "output_cost_per_pixel", "input_cost_per_pixel")) and not x.endswith(("_token", "_batches")) for x in e):
                continue
            ok[k] = e
        put = lambda k, u, tier=None, at=None: self.emit("litellm", ok[k]["litellm_provider"], k, u, tier, at)
        sample = lambda ks, n: r.sample(sorted(ks), min(n, len(ks)))
        offered = lambda e: [t for t in ("batch", "priority", "flex") if isinstance(e.get("input_cost_per_token" + SUFFIX[t]), Num)]
        # A: long-context tiers, every kind of threshold
        thr = sorted(k for k, e in ok.items() if ll_thresholds(e))
        pick = set(sample(thr, 70)) | {k for k in thr if ok[k]["litellm_provider"] == "xai" and r.random() < 0.5}
        for n in sorted({t for k in thr for t, _ in ll_thresholds(ok[k])}):
            pick |= set(sample([k for k in thr if n in [t for t, _ in ll_thresholds(ok[k])]], 6))
        for k in sorted(pick):
            e = ok[k]; ins, outs = self.ll_buckets(e)
            for t, _ in ll_thresholds(e):
                pts = self.around(t)
                for p in pts[:3] + [r.choice(pts[3:])]:
                    put(k, self.usage(ins, outs, p), self.maybe_std(), self.maybe_at())
                for tier in offered(e):
                    for p in r.sample(pts, 2):
                        put(k, self.usage(ins, outs, p), tier, self.maybe_at())
        # B: tiered_pricing ranges
        for k, e in ok.items():
            tiers = [t for t in e.get("tiered_pricing", []) if "range" in t]
            if tiers:
                ins, outs = self.ll_buckets(e)
                for hi in [t["range"][1].value for t in tiers][:-1]:
                    for p in r.sample([int(hi) - 1, int(hi), int(hi) + 1], 2):
                        put(k, self.usage(ins, outs, p), self.maybe_std())
                put(k, self.usage(ins, outs, r.randrange(1, 20000)))
                if r.random() < 0.3:
                    put(k, self.usage(ins, outs, int(tiers[-1]["range"][1].value) + r.choice((0, 1, 5000))))
        # C: off-peak windows (2026-11-23 is a Monday, 2026-11-28 a Saturday)
        for k, e in ok.items():
            if "off_peak_pricing" in e:
                ins, outs = self.ll_buckets(e)
                for at in ("2026-11-23T00:59:59Z", "2026-11-23T01:00:00Z", "2026-11-24T03:59:59Z", "2026-11-24T04:00:00Z", "2026-11-25T05:59:59Z",
                           "2026-11-25T06:00:00Z", "2026-11-26T09:59:59Z", "2026-11-26T10:00:00Z", "2026-11-27T23:59:59Z", "2026-11-28T02:00:00Z", "2026-11-29T08:00:00Z"):
                    put(k, self.usage(ins, outs, r.randrange(1, 300_000)), self.maybe_std(), at)
                put(k, self.usage(ins, outs, r.randrange(1, 300_000)))
        # D: service tiers
        for tier in ("batch", "priority", "flex"):
            for k in sample([k for k, e in ok.items() if tier in offered(e)], 180):
                ins, outs = self.ll_buckets(ok[k])
                put(k, self.usage(ins, outs, r.choice((None, r.randrange(1, 90_000)))), tier, self.maybe_at())
            for k in sample([k for k, e in ok.items() if not offered(e)], 12):     # tier the list has no price for
                put(k, self.usage(["input"], ["output"] if "output_cost_per_token" in ok[k] else [], r.randrange(1, 90_000)), tier)
        # E: reasoning, audio, image, one-hour writes
        for field, n in (("output_cost_per_reasoning_token", 80), ("input_cost_per_audio_token", 70), ("input_cost_per_image_token", 60),
                         ("output_cost_per_audio_token", 50), ("cache_creation_input_token_cost_above_1hr", 90)):
            bucket = next(b for b, f in LL_BASE.items() if f == field)
            for k in sample([k for k, e in ok.items() if isinstance(e.get(field), Num)], n):
                ins, outs = self.ll_buckets(ok[k])
                u = self.usage(ins, outs)
                u[bucket] = u.get(bucket) or self.size() or 17
                put(k, u, self.maybe_std(), self.maybe_at())
        for k in sample([k for k, e in ok.items() if "cache_creation_input_token_cost" in e and LL_BASE["cache_write_1h"] not in e], 12):
            put(k, {"input": 1000, "cache_write_1h": r.randrange(1, 50_000), "output": 10})
        for k in sample([k for k, e in ok.items() if LL_BASE["cache_read"] not in e and LL_BASE["cache_write_5m"] not in e], 60):   # missing cache rates
            put(k, self.split(r.randrange(1, 90_000), ["input", "cache_read", r.choice(("cache_write_5m", "cache_write_1h"))]) | ({"output": r.randrange(500)} if "output_cost_per_token" in ok[k] else {}))
        # F: counted units
        web = [k for k, e in ok.items() if e.get("search_context_cost_per_query")]
        for k in sample(web, 110) + [k for k in web if ok[k]["litellm_provider"] == "perplexity"]:
            ins, outs = self.ll_buckets(ok[k])
            put(k, self.usage(ins, outs, r.randrange(0, 90_000), {"web_searches": r.choice((0, 1, 1, 1, 2, 7, 1000))}), self.maybe_std())
        for k, e in ok.items():
            if isinstance(e.get("input_cost_per_request"), Num):
                for n in (0, 1, 1, 3, 2 ** 20):
                    put(k, {"input": self.size(), "output": self.size(), "requests": n})
                put(k, {"input": 100, "output": 100})
        # G: every provider, then models at large; noise; zeros; huge
        by = {}
        for k, e in ok.items():
            by.setdefault(e["litellm_provider"], []).append(k)
        for p in sorted(by):
            for k in sample(by[p], 3):
                ins, outs = self.ll_buckets(ok[k])
                put(k, self.usage(ins, outs), self.maybe_std(), self.maybe_at())
        for k in sample(ok, 1100):
            ins, outs = self.ll_buckets(ok[k])
            put(k, self.usage(ins, outs), self.maybe_std(), self.maybe_at())
        for k, e in ok.items():
            if any(isinstance(v, Num) and f.endswith(("_token", "_cost")) and "cost" in f and noisy(v) for f, v in e.items()):
                ins, outs = self.ll_buckets(e)
                put(k, {b: r.randrange(1, 10_000) for b in ins + outs})
        for k in sample(ok, 15):
            ins, outs = self.ll_buckets(ok[k])
            put(k, {b: 0 for b in ins + outs})
            put(k, {b: 2 ** 40 for b in ins + outs})
        # H: unknown and unpriced
        for prov, k in (("openai", "gpt-9-foo"), ("anthropic", "claude-2.0-delisted"), ("gemini", "gemini/gemini-exp-9999"), ("openai", "sample_spec"),
                        ("openai", "fallback_generalizations"), ("nobody", "gpt-4o"), ("mistral", "gpt-4o"), ("openai", "GPT-4O-nonesuch"), ("xai", "xai/grok-99")):
            self.emit("litellm", prov, k, {"input": 1000, "output": 100})
        for k in sample([k for k, e in ok.items() if "search_context_cost_per_query" not in e and "output_cost_per_token" in e], 5):
            put(k, {"input": 10, "output": 10, "web_searches": 2})
        for k in sample([k for k, e in ok.items() if LL_BASE["input_audio"] not in e], 5):
            put(k, {"input": 10, "input_audio": 10})

    # genai-prices --------------------------------------------------------
    def refs(self, c, own):
        """Names the clause of a model can match."""
        out = []
        for k, v in c.items():
            if k in ("or", "and"):
                for x in v:
                    out += self.refs(x, own)
            elif k == "equals":
                out.append(v)
            elif k == "starts_with":
                out += [v, v + "-20260101"]
            elif k == "contains":
                out += [v, "x/" + v + "-y"]
            elif k == "ends_with":
                out += [v, "some/" + v]
            elif k == "regex":
                s = v.lstrip("^").rstrip("$").replace(r"\d{8}", "20250929").replace(r"\.", ".").replace(r"\-", "-").replace(r"\/", "/")
                out.append(s)
        return out

    def gp_buckets(self, m):
        ps = [m["prices"]] if isinstance(m["prices"], dict) else [c["prices"] for c in m["prices"]]
        has = lambda k: any(k in p for p in ps)
        ins = ["input"] if has("input_mtok") or not any(ps) else []
        for b, key in (("cache_read", "cache_read_mtok"), ("cache_write_5m", "cache_write_mtok"), ("cache_write_1h", "cache_write_1h_mtok"),
                       ("input_audio", "input_audio_mtok"), ("input_image", "input_image_mtok")):
            if has(key):
                ins.append(b)
        outs = ["output", "reasoning"] if has("output_mtok") else []
        if has("output_audio_mtok"):
            outs.append("output_audio")
        cnt = [b for b, k in (("web_searches", "web_searches_kcount"), ("requests", "requests_kcount")) if has(k)]
        return ins, outs, cnt

    def gp_ats(self, m):
        if isinstance(m["prices"], dict):
            return [None]
        out = ["2024-01-01T00:00:00Z", "2027-06-01T18:00:00Z"]
        for c in m["prices"]:
            k = c.get("constraint") or {}
            if "start_date" in k:
                d = datetime.strptime(k["start_date"], "%Y-%m-%d")
                out += [(d + timedelta(seconds=s)).strftime("%Y-%m-%dT%H:%M:%SZ") for s in (-86400, -1, 0, 1, 43200, 86400)]
            if "start_time" in k:
                out += [f"2026-0{self.rng.randrange(1, 10)}-1{i}T{t}Z" for i, t in enumerate(("00:00:00", "00:29:59", "00:30:00", "12:00:00", "16:29:59", "16:30:00", "16:30:01", "23:59:59"))]
        return out

    def genai(self):
        r = self.rng
        models = [(p, m) for p in self.provs.values() for m in p["models"]]
        name = {}
        for p, m in models:
            cands = [x for x in dict.fromkeys([m["id"]] + self.refs(m["match"], m["id"])) if gp_find(self.provs, p["id"], x)[0] is m]
            if cands:
                name[(p["id"], m["id"])] = cands

        def put(p, m, u, tier=None, at=None, ref=None):
            cands = name.get((p["id"], m["id"]))
            if not cands:
                return
            ref = ref or (cands[0] if r.random() < 0.5 else r.choice(cands))
            if at is None and not isinstance(m["prices"], dict):
                at = r.choice(self.gp_ats(m))
            self.emit("genai-prices", p["id"], ref, u, tier, at)

        def use(m, prompt=None):
            ins, outs, cnt = self.gp_buckets(m)
            extra = {b: 1 if b == "requests" else r.choice((0, 1, 3, 250, 2 ** 20)) for b in cnt if b == "requests" or r.random() < 0.6}
            return self.usage(ins, outs, prompt, extra) if ins else {b: self.size() for b in outs} | extra

        def starts(m):
            ps = [m["prices"]] if isinstance(m["prices"], dict) else [c["prices"] for c in m["prices"]]
            return sorted({int(t["start"]) for q in ps for v in q.values() if isinstance(v, dict) for t in v["tiers"]})

        for p, m in models:                                           # tiers x dates
            for t in starts(m):
                for at in (self.gp_ats(m) if not isinstance(m["prices"], dict) else (None, self.maybe_at(1))):
                    pts = self.around(t)
                    for x in (pts if isinstance(m["prices"], dict) else r.sample(pts, 2)):
                        put(p, m, use(m, x), self.maybe_std(), at)
            if not isinstance(m["prices"], dict):
                for at in self.gp_ats(m):
                    put(p, m, use(m, r.randrange(1, 100_000)), None, at)
        for p, m in models:                                           # special buckets
            ins, outs, cnt = self.gp_buckets(m)
            special = [b for b in ins if b in ("input_audio", "input_image", "cache_write_1h")] + [b for b in outs if b == "output_audio"] + cnt
            q = m["prices"] if isinstance(m["prices"], dict) else m["prices"][0]["prices"]
            if special or "output_reasoning_mtok" in q:
                for _ in range(4):
                    put(p, m, use(m), self.maybe_std(), self.maybe_at())
                u = {b: self.size() or 5 for b in ins + outs}
                u.update({b: 1 for b in cnt})
                put(p, m, u)
            if "requests" in cnt:
                for n in (None, 0, 2):
                    put(p, m, {"input": 500, "output": 50} | ({"requests": n} if n is not None else {}))
        for p, m in models:                                           # models at large, all providers
            if p["id"] == "openrouter" and r.random() < 0.55:
                continue
            put(p, m, use(m), self.maybe_std(), self.maybe_at(0.2))
        for p, m in r.sample(models, 200):                            # other names the clauses match
            cands = name.get((p["id"], m["id"]), [])
            for ref in r.sample(cands, min(2, len(cands))):
                put(p, m, use(m, r.randrange(1, 100_000)), None, None, ref)
        cached = [(p, m) for p, m in models if "cache_read" not in self.gp_buckets(m)[0] and self.gp_buckets(m)[0] and "output" in self.gp_buckets(m)[1]]
        for p, m in r.sample(cached, 50):                             # missing cache rates
            put(p, m, self.split(r.randrange(1, 90_000), ["input", "cache_read", r.choice(("cache_write_5m", "cache_write_1h"))]) | {"output": r.randrange(500)})
        for pid in ("azure", "google"):                               # fallback_model_providers
            for q in self.provs[pid]["fallback_model_providers"]:
                for m in r.sample(self.provs[q]["models"], 18):
                    for ref in name.get((q, m["id"]), [])[:1]:
                        if not any(clause(x["match"], ref) for x in self.provs[pid]["models"]):
                            hit = gp_find(self.provs, pid, ref)[0]
                            if hit is not None:
                                self.emit("genai-prices", pid, ref, use(hit), None, r.choice(self.gp_ats(hit)))
        for p, m in r.sample(models, 15):
            ins, outs, cnt = self.gp_buckets(m)
            put(p, m, {b: 0 for b in ins + outs})
            put(p, m, {b: 2 ** 40 for b in ins + outs} | {b: 1 for b in cnt if b == "requests"})
        for p, m in r.sample(models, 24):                             # service tiers the list does not have
            put(p, m, use(m, r.randrange(1, 50_000)), r.choice(("batch", "flex", "priority")))
        emb = [(p, m) for p, m in models if "output" not in self.gp_buckets(m)[1] and self.gp_buckets(m)[0] and m["prices"]]
        for p, m in r.sample(emb, min(8, len(emb))):                  # a bucket without a price
            put(p, m, {"input": 100, "output": 3})
        for pid, ref in (("openai", "gpt-nonesuch-9"), ("anthropic", "no-such-model"), ("nobody", "gpt-4o"), ("google", "nonesuch"), ("mistral", "gpt-4o"), ("x-ai", "qwen-x"), ("deepseek", "zzz")):
            if gp_find(self.provs, pid, ref)[0] is None:
                self.emit("genai-prices", pid, ref, {"input": 1000, "output": 100})


# --------------------------------------------------------------------------- self-check

def selftest(book, provs):
    """Expected values below were worked out by hand from the two files, not by this program."""
    assert dec(F("2.9999900000000002e-06") * 1000) == "0.0029999900000000002" and dec(F(0)) == "0" and dec(F(5, 2)) == "2.5" and dec(F(1200)) == "1200"
    try:
        dec(F(1, 3)); assert False
    except ArithmeticError:
        pass

    def ll(model, usage, want, tier="standard", at=None, amb=False):
        r = ll_cost(book, book[model]["litellm_provider"], model, tier, usage, at)
        assert dec(r.total) == want and bool(r.amb) == amb, (model, dec(r.total), want, r.amb)

    def gp(pid, ref, usage, want, at=None, amb=False):
        r = gp_cost(provs, pid, ref, "standard", usage, at)
        assert dec(r.total) == want and bool(r.amb) == amb, (pid, ref, dec(r.total), want, r.amb)

    # gpt-6-astra: 1e-5 in, 1e-6 read, 1.25e-5 write, 5e-5 out; above 272k 2e-5/2e-6/2.5e-5/7.5e-5
    ll("gpt-6-astra", {"input": 172000, "cache_read": 100000, "output": 10}, "1.8205")            # exactly 272000: 1.72+0.1+0.0005
    ll("gpt-6-astra", {"input": 172001, "cache_read": 100000, "output": 10}, "3.64077")           # 3.44002+0.2+0.00075
    ll("gpt-6-astra", {"input": 300000, "output": 1000}, "12.15", tier="priority")                # 300000*4e-5 + 1000*1.5e-4
    ll("gpt-6-astra", {"input": 300000, "cache_write_5m": 4, "output": 1000}, "3.03755", tier="batch")  # 3 + 4*1.25e-5 + 1000*3.75e-5
    # xai reaches its threshold at equality: grok-4.20 (1.25e-6 -> 2.5e-6)
    x = {k: book["xai/grok-4.20"][k] for k in ("input_cost_per_token", "input_cost_per_token_above_200k_tokens")}
    ll("xai/grok-4.20", {"input": 200000}, dec(200000 * F(str(x["input_cost_per_token_above_200k_tokens"]))))
    ll("xai/grok-4.20", {"input": 199999}, dec(199999 * F(str(x["input_cost_per_token"]))))
    # tiered_pricing: qwen-plus-latest, one range for the whole request, own reasoning rate
    ll("dashscope/qwen-plus-latest", {"input": 256000, "output": 100, "reasoning": 100}, "0.10292")    # 0.1024+0.00012+0.0004
    ll("dashscope/qwen-plus-latest", {"input": 256001, "output": 100, "reasoning": 100}, "0.3087612")  # 0.3072012+0.00036+0.0012
    # off-peak: Monday 00:59 open, 01:00 closed, Saturday open
    for at, want in (("2026-11-23T00:59:59Z", "0.75"), ("2026-11-23T01:00:00Z", "1.5"), ("2026-11-28T02:00:00Z", "0.75")):
        ll("deepseek-flash", {"input": 1000000, "output": 1000000}, want, at=at)
    ll("perplexity/pplx-7b-online", {"input": 9, "output": 1000, "requests": 2}, "0.01028")       # 0.00028 + 2*0.005
    # genai: claude-sonnet-4-6 before and after 2026-03-13
    u = {"input": 100000, "cache_read": 50000, "cache_write_5m": 30000, "cache_write_1h": 20001, "output": 10, "web_searches": 3}
    gp("anthropic", "claude-sonnet-4-6", u, "1.125237", "2026-03-12T23:59:59Z")   # 0.6+0.03+0.225+0.240012+0.000225+0.03
    gp("anthropic", "claude-sonnet-4-6", dict(u, cache_write_1h=20000), "0.57765", "2026-03-12T23:59:59Z")  # 0.3+0.015+0.1125+0.12+0.00015+0.03
    gp("deepseek", "deepseek-chat", {"input": 1000000, "cache_read": 1000000, "output": 1000000}, "0.72", "2026-05-01T00:29:59Z")
    gp("deepseek", "deepseek-chat", {"input": 1000000, "cache_read": 1000000, "output": 1000000}, "1.44", "2026-05-01T00:30:00Z")
    gp("openai", "o3", {"input": 1, "output": 1}, "0.00001", "2025-06-10T00:00:00Z")              # (2+8)/1e6
    gp("perplexity", "sonar-pro", {"input": 1000, "output": 1000, "requests": 1}, "0.032")        # 0.003+0.015+0.014
    gp("perplexity", "sonar-deep-research", {"input": 100, "output": 100, "reasoning": 100, "web_searches": 2}, "0.0113")
    gp("openai", "gpt-realtime", {"input": 10, "input_audio": 10, "input_image": 10, "cache_read": 10, "output": 10, "output_audio": 10}, "0.001214")


def main():
    litellm, genai = sys.argv[1:]
    book = load(litellm)
    provs = {p["id"]: p for p in load(genai)}
    selftest(book, provs)
    g = Gen(book, provs)
    g.litellm()
    g.genai()
    for row in g.rows:                                     # the parts are the whole
        if row["cost_usd"] is not None:
            assert sum((F(v) for v in row["breakdown"].values()), F(0)) == F(row["cost_usd"]) >= 0
            assert set(row["breakdown"]) == set(row["usage"])
        print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
