//! Finds credentials in text: one pass over the bytes looks for anchors, and hand-written rules around each anchor
//! decide whether it belongs to a credential and where that ends.
//!
//! What keeps a second pass from finding more than the first:
//! - What lies before the last replacement is never looked at again, exactly as if the marker stood there.
//! - A rule never accepts less text and refuses more of it, so shortening what follows an anchor that was
//!   refused does not make it accepted.
//! - A pair whose value begins with the marker is done, unless the value visibly goes on.
//! - No anchor is part of the marker, and none contains one of its brackets.

mod anchor;
mod name;
mod opaque;
mod pair;
mod pem;
mod scheme;
mod shape;
mod text;
mod url;
mod value;

use std::borrow::Cow;
use std::ops::Range;

use anchor::Anchor;
use text::Text;

/// What stands in the place of a credential.
const MARKER: &str = "[redacted]";

/// Replaces what looks like a credential in `text` with `[redacted]`.
///
/// It is for text that others wrote: messages of foreign errors, replies, headers, URLs, configuration.
/// Found are
/// - keys by their shape: `sk-…` (OpenAI, Anthropic and others), `AIza…`, `xai-…`, `gsk_…`,
///   `AKIA…` with a secret beside it, `hf_…`, `ghp_…`, `github_pat_…`, `xoxb-…`, `sk_live_…`, `llk_…` and others
///   like them, JSON web tokens, and private key blocks, also such as were cut short;
/// - bearer tokens, basic credentials, the user-info of a URL (`postgres://user:p@ss@host`);
/// - values with a telling name: `password=…`, `"api_key": "…"`, `\"token\":\"…\"`, `client_secret => '…'`,
///   `--password …`, `?key=…&sig=…`, `Authorization: …`, `Cookie: …`.
///
/// # What is kept
///
/// Words that only look alike (`sk-learn`, `task-force`, `tokenizer`), plurals and counts (`max_tokens: 42`,
/// `token_type: bearer`), keys that identify and do not open (`cache_key`, `primary key`), small numbers after
/// `token`, values that say that there is none (`password: null`, `secret: missing`), and a URL's user without a
/// password if it is a plain word (`ssh://git@host`). Any other `…_key`, and `key` itself, hides its value only if
/// that looks random: 16 letters and digits mixed, or more.
///
/// # What is missed
///
/// A password in prose or under a name that does not tell; what follows the first word of an unquoted
/// passphrase; values that begin on the line after their name; encodings other than the escapes of JSON and
/// URLs. A value known to be secret belongs in a [`Secret`](crate::Secret).
///
/// # Guarantees
///
/// Text in which nothing is found is returned as it is, without an allocation. A second pass changes
/// nothing. The time taken grows with the length of the text and with nothing else.
///
/// ```
/// use lattice_lock_errors::redact;
///
/// assert_eq!(
///     redact("cannot reach postgres://app:hunter2@db:5432/app?token=4f7a1c9b2e8d"),
///     "cannot reach postgres://[redacted]@db:5432/app?token=[redacted]",
/// );
/// assert_eq!(redact("token count: 42"), "token count: 42");
/// ```
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    Search::new(&Text::new(text)).run()
}

/// As [`redact`], for a value whose name is known: it goes whole if the name tells that it is secret.
pub(crate) fn redact_field<'v>(name: &str, value: &'v str) -> Cow<'v, str> {
    if pair::is_secret(name, value) {
        Cow::Borrowed(MARKER)
    } else {
        redact(value)
    }
}

/// The parts of the text that a match hides.
struct Found {
    hidden: Range<usize>,
    /// A second part, as the secret beside an access key id.
    beside: Option<Range<usize>>,
}

impl Found {
    fn one(hidden: Range<usize>) -> Self {
        Self {
            hidden,
            beside: None,
        }
    }

    fn end(&self) -> usize {
        self.beside.as_ref().unwrap_or(&self.hidden).end
    }
}

struct Search<'a, 't> {
    text: &'a Text<'t>,
    /// Where to look on.
    at: usize,
    /// The end of the last match: what is before it counts as gone.
    floor: usize,
    /// How much of the text `output` has.
    copied: usize,
    output: String,
    reach: url::Reach,
}

impl<'a, 't> Search<'a, 't> {
    fn new(text: &'a Text<'t>) -> Self {
        Self {
            text,
            at: 0,
            floor: 0,
            copied: 0,
            output: String::new(),
            reach: url::Reach::default(),
        }
    }

    fn run(mut self) -> Cow<'t, str> {
        let whole = self.text.whole();
        while let Some((anchor, place)) = anchor::next(self.text, self.at..whole.len()) {
            self.at = place.start + 1;
            if let Some(found) = self.examine(anchor, place) {
                self.at = found.end();
                self.floor = found.end();
                self.hide(found.hidden);
                found.beside.into_iter().for_each(|part| self.hide(part));
            }
        }
        if self.copied == 0 {
            return Cow::Borrowed(whole);
        }
        self.output.push_str(&whole[self.copied..]);
        Cow::Owned(self.output)
    }

    fn examine(&mut self, anchor: Anchor, place: Range<usize>) -> Option<Found> {
        match anchor {
            Anchor::Name => pair::named(self.text, place, self.floor),
            Anchor::Query(strict) => pair::query(self.text, place.end, strict),
            Anchor::Url if self.reach.is_open(self.text, place.end) => {
                url::user_info(self.text, place, self.floor).map(Found::one)
            }
            Anchor::Url => None,
            _ => shape::find(self.text, anchor, place, self.floor),
        }
    }

    fn hide(&mut self, part: Range<usize>) {
        let whole = self.text.whole();
        if &whole[part.clone()] == MARKER {
            return;
        }
        self.output.push_str(&whole[self.copied..part.start]);
        self.output.push_str(MARKER);
        self.copied = part.end;
    }
}

#[cfg(test)]
mod tests;
