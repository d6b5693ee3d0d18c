//! Keys that are known by their shape.

use std::ops::Range;

use super::anchor::Anchor;
use super::opaque::{is_random, is_words};
use super::text::{Text, WINDOW, is_blank};
use super::{Found, pem, scheme};

/// A key that begins with `prefix` and goes on with at least `least` bytes of `class` that are not words.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) prefix: &'static str,
    least: usize,
    class: Class,
}

#[derive(Clone, Copy, Debug)]
enum Class {
    /// Letters and digits.
    Plain,
    /// And `_` and `-`.
    Dashed,
    /// And `_`, `-` and `.`.
    Dotted,
    /// And `+` and `/`.
    Base64,
}

impl Class {
    fn accepts(self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric()
            || match self {
                Self::Plain => false,
                Self::Dashed => matches!(byte, b'_' | b'-'),
                Self::Dotted => matches!(byte, b'_' | b'-' | b'.'),
                Self::Base64 => matches!(byte, b'+' | b'/'),
            }
    }
}

const fn key(prefix: &'static str, least: usize, class: Class) -> Key {
    Key {
        prefix,
        least,
        class,
    }
}

/// The keys of model providers first, then of what is found beside them in logs and configuration.
pub(super) const KEYS: &[Key] = &[
    key("llk_", 16, Class::Dashed),
    // OpenAI, Anthropic, OpenRouter, DeepSeek and others.
    key("sk-", 16, Class::Dashed),
    // Stripe, ElevenLabs, Clerk.
    key("sk_", 16, Class::Dashed),
    key("rk_", 16, Class::Dashed),
    key("whsec_", 16, Class::Base64),
    // Google: API keys, newer API keys, OAuth access tokens, client secrets.
    key("AIza", 30, Class::Dashed),
    key("AQ.", 24, Class::Dotted),
    key("ya29.", 20, Class::Dotted),
    key("GOCSPX-", 16, Class::Dashed),
    key("xai-", 20, Class::Dashed),
    // Groq, Cerebras, Perplexity, Fireworks, Together, NVIDIA, Replicate, Hugging Face, Databricks.
    key("gsk_", 20, Class::Dashed),
    key("csk-", 20, Class::Dashed),
    key("pplx-", 20, Class::Dashed),
    key("fw_", 20, Class::Plain),
    key("tgp_v1_", 20, Class::Dashed),
    key("nvapi-", 20, Class::Dashed),
    key("r8_", 20, Class::Plain),
    key("hf_", 20, Class::Plain),
    key("dapi", 32, Class::Plain),
    // Amazon Bedrock.
    key("ABSK", 40, Class::Base64),
    key("bedrock-api-", 20, Class::Dashed),
    // LangSmith, Tavily.
    key("lsv2_", 20, Class::Dashed),
    key("tvly-", 16, Class::Dashed),
    // GitHub, GitLab, npm, PyPI.
    key("ghp_", 20, Class::Dashed),
    key("gho_", 20, Class::Dashed),
    key("ghu_", 20, Class::Dashed),
    key("ghs_", 20, Class::Dashed),
    key("ghr_", 20, Class::Dashed),
    key("github_pat_", 20, Class::Dashed),
    key("glpat-", 16, Class::Dotted),
    key("npm_", 20, Class::Plain),
    key("pypi-", 20, Class::Dashed),
    // Slack.
    key("xoxa-", 10, Class::Dashed),
    key("xoxb-", 10, Class::Dashed),
    key("xoxc-", 10, Class::Dashed),
    key("xoxd-", 10, Class::Dashed),
    key("xoxe-", 10, Class::Dashed),
    key("xoxe.", 10, Class::Dotted),
    key("xoxo-", 10, Class::Dashed),
    key("xoxp-", 10, Class::Dashed),
    key("xoxr-", 10, Class::Dashed),
    key("xoxs-", 10, Class::Dashed),
    key("xapp-", 16, Class::Dashed),
    key("hooks.slack.com/services/", 16, Class::Base64),
    // SendGrid, DigitalOcean, HashiCorp, Doppler, age, Postman.
    key("SG.", 24, Class::Dotted),
    key("dop_v1_", 20, Class::Plain),
    key("hvs.", 20, Class::Dashed),
    key("hvb.", 20, Class::Dashed),
    key("dp.pt.", 20, Class::Plain),
    key("AGE-SECRET-KEY-", 20, Class::Plain),
    key("PMAK-", 20, Class::Dashed),
];

/// The key, token or block at `place`, if it is one.
pub(super) fn find(
    text: &Text<'_>,
    anchor: Anchor,
    place: Range<usize>,
    floor: usize,
) -> Option<Found> {
    let hidden = match anchor {
        Anchor::Key(index) => prefixed(text, &KEYS[index], place, floor),
        Anchor::Aws => return aws(text, place, floor),
        Anchor::Jwt => jwt(text, place.start, floor),
        Anchor::Pem => pem::block_end(text, place.end).map(|end| place.start..end),
        Anchor::Bearer => scheme::bearer(text, place.end),
        Anchor::Basic => scheme::basic(text, place.end),
        Anchor::Name | Anchor::Query(_) | Anchor::Url => None,
    };
    hidden.map(Found::one)
}

fn prefixed(text: &Text<'_>, key: &Key, place: Range<usize>, floor: usize) -> Option<Range<usize>> {
    let accept = |byte| key.class.accepts(byte);
    if !text.has(place.start, key.prefix) || !begins_word(text, place.start, floor) {
        return None;
    }
    let probe = text.bytes(place.end..text.run_within(place.end, WINDOW, accept));
    let telling = probe.len() >= key.least && !is_words(probe);
    telling.then(|| place.start..text.run(place.end, accept))
}

/// An access key id, and the secret access key if it is right beside.
fn aws(text: &Text<'_>, place: Range<usize>, floor: usize) -> Option<Found> {
    let upper = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let end = text.run_within(place.start, 21, upper);
    let whole = !text
        .at(end)
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    if end - place.start != 20 || !whole || !begins_word(text, place.start, floor) {
        return None;
    }
    Some(Found {
        hidden: place.start..end,
        beside: aws_secret(text, end),
    })
}

fn aws_secret(text: &Text<'_>, id_end: usize) -> Option<Range<usize>> {
    let between =
        |byte| is_blank(byte) || matches!(byte, b':' | b'/' | b',' | b';' | b'|' | b'\n' | b'\r');
    let secret = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'=');
    let start = text.run_within(id_end, 4, between);
    let end = text.run_within(start, 41, secret);
    let telling = start > id_end && end - start == 40 && is_random(text.bytes(start..end));
    telling.then_some(start..end)
}

/// Three parts in base64, or as much of them as a cut left, but more than the header.
fn jwt(text: &Text<'_>, start: usize, floor: usize) -> Option<Range<usize>> {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let joined = text.before(start, floor).is_some_and(part) && !is_escaped(text, start, floor);
    if joined || !text.has(start, "eyJ") {
        return None;
    }
    let header = text.run(start, part);
    let payload = text.run_within(header + 1, 4, part);
    let telling = header - start >= 10 && text.at(header) == Some(b'.') && payload == header + 5;
    telling.then(|| start..text.run(header, |byte| part(byte) || byte == b'.'))
}

/// Whether what begins at `at` is not the rest of a longer word, as `sk-` is in `task-force`.
fn begins_word(text: &Text<'_>, at: usize, floor: usize) -> bool {
    let before = text.before(at, floor);
    !before.is_some_and(|byte| byte.is_ascii_alphanumeric()) || is_escaped(text, at, floor)
}

/// Whether an escape ends at `at`, whose letters and digits are not part of a word: `\n`, `%20`, `\u0022`.
fn is_escaped(text: &Text<'_>, at: usize, floor: usize) -> bool {
    let seen = text.bytes(floor.max(at.saturating_sub(6)).min(at)..at);
    matches!(seen, [.., b'\\', b'n' | b'r' | b't'])
        || matches!(seen, [.., b'%', x, y] if is_hex(*x) && is_hex(*y))
        || matches!(seen, [b'\\', b'u', b'0', b'0', x, y] if is_hex(*x) && is_hex(*y))
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}
