//! Reads what chat completions say, whole or in pieces, and sorts what they say was used.
//!
//! A stream has hundreds of pieces and a few words in each, so that all that is wanted of one is found on one way
//! through its text. A whole reply has its message where a piece has its `delta`, and goes the same way.
//!
//! Two things differ between the servers that speak this wire and are looked for here: whether reasoning is within
//! the completion (xAI counts it beside), which the provider's [`ReasoningCount`] says, and where the usage of a
//! stream stands, for which every place is looked at and the last one counts.

use std::borrow::Cow;

use lattice_lock_providers::{Bucket, Provider, ReasoningCount};
use serde_json::value::RawValue;

use super::keep;
use crate::wire::json::{self, Want, Wants};
use crate::wire::layout::{At, Figure, Layout, alone, at, inside, whole, within};
use crate::wire::usage::{ReportedUsage, Written};
use crate::wire::{Blocks, Event, Reader, Said, Unreadable, reach};
use crate::{Delta, FinishReason};

/// Where the parts of a message stand in a reply: reasoning before words, words before calls.
const REASONING: u64 = 0;
const TEXT: u64 = 1;
const REFUSAL: u64 = 2;
const CALLS: u64 = 3;

/// What a message is made of, unread: its words, its refusal, its reasoning by either name, and its calls in the new
/// way and the old one.
pub(super) type Fields<'a> = [Option<&'a RawValue>; 6];

const MESSAGE_NAMES: [&str; 6] = [
    "content",
    "refusal",
    "reasoning_content",
    "reasoning",
    "tool_calls",
    "function_call",
];

static MESSAGE: &Wants = &[
    (MESSAGE_NAMES[0], Want::Value(11)),
    (MESSAGE_NAMES[1], Want::Value(12)),
    (MESSAGE_NAMES[2], Want::Value(13)),
    (MESSAGE_NAMES[3], Want::Value(14)),
    (MESSAGE_NAMES[4], Want::Value(15)),
    (MESSAGE_NAMES[5], Want::Value(16)),
];

const fn around(choice: &'static Wants) -> [(&'static str, Want); 6] {
    [
        ("id", Want::Value(0)),
        ("model", Want::Value(1)),
        ("service_tier", Want::Value(2)),
        ("usage", Want::Value(3)),
        ("error", Want::Value(4)),
        ("choices", Want::First(5, choice)),
    ]
}

pub(super) static WHOLE: &Wants = &around(&[
    ("index", Want::Value(6)),
    ("finish_reason", Want::Value(7)),
    ("usage", Want::Value(8)),
    ("message", Want::Object(10, MESSAGE)),
]);

/// Some servers write the message so far beside its new piece, and some a piece in the place of a message.
static PIECE: &Wants = &around(&[
    ("index", Want::Value(6)),
    ("finish_reason", Want::Value(7)),
    ("usage", Want::Value(8)),
    ("message", Want::Value(9)),
    ("delta", Want::Object(10, MESSAGE)),
]);

/// What a reply says, or a piece of one.
pub(super) struct Around<'a> {
    pub(super) choice: Option<Spoken<'a>>,
    pub(super) is_error: bool,
}

/// Its first choice.
///
/// Of others, which only `n` in the extra body brings, nothing is read: they are in the usage all the same.
pub(super) struct Spoken<'a> {
    index: Option<&'a RawValue>,
    pub(super) finish: Option<&'a RawValue>,
    /// Some servers put the usage beside the choice's last piece.
    usage: Option<&'a RawValue>,
    pub(super) message: Option<Fields<'a>>,
    /// What stands where a whole reply has its message.
    instead: Option<&'a RawValue>,
}

impl<'a> Spoken<'a> {
    fn piece(&self) -> Option<Fields<'a>> {
        let names = MESSAGE_NAMES;
        let instead = || {
            self.instead
                .map(|message| json::inner(Some(message), names))
        };
        self.message.or_else(instead)
    }
}

/// A reply in the making, whole or in pieces.
#[derive(Debug)]
pub(super) struct Reply {
    layout: &'static Layout,
    blocks: Blocks,
    id: Option<String>,
    model: Option<String>,
    tier: Option<String>,
    finish: Option<FinishReason>,
    usage: Written,
    is_refused: bool,
    is_over: bool,
}

impl Reply {
    pub(super) fn new(provider: &Provider, blocks: Blocks) -> Self {
        Self {
            layout: layout(provider.reasoning_count()),
            blocks,
            id: None,
            model: None,
            tier: None,
            finish: None,
            usage: Written::Nothing,
            is_refused: false,
            is_over: false,
        }
    }

    /// Reads what stands around the choices, and gives back the first of these.
    pub(super) fn around<'a>(
        &mut self,
        body: &'a [u8],
        wants: &'static Wants,
    ) -> Result<Around<'a>, Unreadable> {
        let [
            id,
            model,
            tier,
            usage,
            error,
            choice,
            index,
            finish,
            beside,
            instead,
            has_message,
            message @ ..,
        ]: [Option<&RawValue>; 17] = reach(body, wants)?;
        keep(&mut self.id, id);
        keep(&mut self.model, model);
        keep(&mut self.tier, tier);
        self.usage.replace(usage);
        let choice = choice.map(|_| Spoken {
            index,
            finish,
            usage: beside,
            message: has_message.map(|_| message),
            instead,
        });
        let is_error = error.is_some();
        Ok(Around { choice, is_error })
    }

    /// Takes a message or a piece of one: both have the same fields.
    pub(super) fn speak(&mut self, message: Fields<'_>) -> Result<(), Unreadable> {
        let [content, refusal, reasoning, thoughts, calls, function] = message;
        if let Some(words) = json::borrowed(reasoning).or_else(|| json::borrowed(thoughts)) {
            self.blocks.reasoning(REASONING, &words)?;
        }
        if let Some(words) = words(content) {
            self.blocks.text(TEXT, &words)?;
        }
        if let Some(words) = json::borrowed(refusal).filter(|words| !words.is_empty()) {
            self.is_refused = true;
            self.blocks.text(REFUSAL, &words)?;
        }
        for (at, call) in json::items(calls).into_iter().enumerate() {
            self.call(at as u64, call)?;
        }
        if let Some(function) = function {
            self.function(CALLS, "call_0", function)?;
        }
        Ok(())
    }

    /// Takes a call or a piece of one: only the first piece has a name.
    fn call(&mut self, at: u64, call: &RawValue) -> Result<(), Unreadable> {
        let [index, id, function, custom] =
            json::inner(Some(call), ["index", "id", "function", "custom"]);
        let place = CALLS + json::read::<u32>(index).map_or(at, u64::from);
        let id = json::borrowed(id).filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| Cow::Owned(format!("call_{}", place - CALLS)));
        match function.or(custom) {
            Some(function) => self.function(place, &id, function),
            None => Ok(()),
        }
    }

    fn function(&mut self, place: u64, id: &str, function: &RawValue) -> Result<(), Unreadable> {
        let [name, arguments, input] = json::inner(Some(function), ["name", "arguments", "input"]);
        let name = json::borrowed(name).filter(|name| !name.is_empty());
        if let Some(name) = name
            && !self.blocks.is_call(place)
        {
            self.blocks.call(place, id, &name)?;
        }
        let arguments = arguments.or(input);
        // Some servers write an object where a text of JSON belongs.
        let text = json::borrowed(arguments)
            .or_else(|| arguments.map(|arguments| Cow::Borrowed(arguments.get())));
        match text {
            Some(text) => self.blocks.arguments(place, &text),
            None => Ok(()),
        }
    }

    pub(super) fn finish(&mut self, word: Option<&RawValue>) {
        if let Some(word) = word {
            self.finish = Some(finish_of(json::borrowed(Some(word)).as_deref()));
        }
    }
}

/// A message's words: a text, or the texts among a list of parts, joined.
fn words(content: Option<&RawValue>) -> Option<Cow<'_, str>> {
    json::borrowed(content).or_else(|| json::content(content).map(Cow::Owned))
}

impl Reader for Reply {
    fn take(&mut self, event: Event<'_>) -> Result<(), Unreadable> {
        if event.data.trim_ascii() == b"[DONE]" {
            self.is_over = true;
            return Ok(());
        }
        let Around { choice, is_error } = self.around(event.data, PIECE)?;
        if is_error {
            return Err(Unreadable::problem(event.data));
        }
        let Some(choice) = choice else { return Ok(()) };
        // Only one choice is asked for; of several the first counts, as it does in a whole reply.
        if json::read::<u32>(choice.index).unwrap_or(0) != 0 {
            return Ok(());
        }
        if let Some(piece) = choice.piece() {
            self.speak(piece)?;
        }
        self.finish(choice.finish);
        self.usage.replace(choice.usage);
        Ok(())
    }

    fn news(&mut self) -> Option<Delta> {
        self.blocks.news()
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    /// Servers that leave out the last word have said everything when they have said why they stopped and what
    /// it took.
    fn is_whole(&self) -> bool {
        self.is_over || (self.finish.is_some() && self.usage.is_there())
    }

    fn has_begun(&self) -> bool {
        !self.blocks.is_empty()
    }

    fn said(&self) -> Said {
        Said {
            id: self.id.clone(),
            model: self.model.clone(),
            parts: self.blocks.parts(),
            finish: if self.is_refused {
                FinishReason::Refused
            } else {
                self.finish.unwrap_or_default()
            },
            usage: ReportedUsage::of(&self.usage, self.layout),
            tier: self.tier.clone(),
        }
    }
}

fn finish_of(word: Option<&str>) -> FinishReason {
    match word {
        Some("stop") => FinishReason::Stop,
        Some("length") => FinishReason::Length,
        Some("tool_calls" | "function_call") => FinishReason::ToolCalls,
        Some("content_filter") => FinishReason::ContentFiltered,
        _ => FinishReason::Other,
    }
}

pub(super) const PROMPT: At = at("prompt_tokens");
const CACHED_AUDIO: Figure = alone(
    within(
        ["prompt_tokens_details", "cached_tokens_details"],
        "audio_tokens",
    ),
    Bucket::CacheReadAudio,
);
const CACHED: Figure = whole(
    inside("prompt_tokens_details", "cached_tokens"),
    Bucket::CacheRead,
    &[CACHED_AUDIO],
);
const AUDIO_IN: Figure = whole(
    inside("prompt_tokens_details", "audio_tokens"),
    Bucket::InputAudio,
    &[CACHED_AUDIO],
);
/// What is written lives half an hour where nothing else is said, and has the bucket of the shorter life.
const WRITTEN: Figure = alone(
    inside("prompt_tokens_details", "cache_write_tokens"),
    Bucket::CacheWrite5m,
);
const REASONED: Figure = alone(
    inside("completion_tokens_details", "reasoning_tokens"),
    Bucket::Reasoning,
);
const AUDIO_OUT: Figure = alone(
    inside("completion_tokens_details", "audio_tokens"),
    Bucket::OutputAudio,
);

const fn figures(completion: &'static [Figure]) -> [Figure; 8] {
    [
        whole(
            PROMPT,
            Bucket::Input,
            &[CACHED, WRITTEN, AUDIO_IN, CACHED_AUDIO],
        ),
        CACHED,
        WRITTEN,
        AUDIO_IN,
        CACHED_AUDIO,
        whole(at("completion_tokens"), Bucket::Output, completion),
        REASONED,
        AUDIO_OUT,
    ]
}

/// `prompt_tokens` contains the cached tokens, those written to a cache and the audio ones, of which some may be
/// cached; `completion_tokens` contains the audio ones and the reasoning ones. Pictures are counted apart and
/// priced as text, and so stay in the input. Tokens of a prediction stay in the output, whether it was accepted or
/// not: they are priced as such.
static WITHIN: Layout = Layout {
    figures: &figures(&[REASONED, AUDIO_OUT]),
    total: Some(at("total_tokens")),
    sum: None,
};

/// As [`WITHIN`], where reasoning is counted beside `completion_tokens`.
static BESIDE: Layout = Layout {
    figures: &figures(&[AUDIO_OUT]),
    total: Some(at("total_tokens")),
    sum: None,
};

fn layout(reasoning: ReasoningCount) -> &'static Layout {
    match reasoning {
        ReasoningCount::BesideOutput => &BESIDE,
        _ => &WITHIN,
    }
}
