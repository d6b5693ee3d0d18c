//! The parts of a reply in the making.
//!
//! Every wire says where a part stands, by the index that it gives or by a place that is fixed for its kind, and the parts come
//! out in the order of these places. What stands at a place keeps its kind: a hostile or confused stream that names a place
//! twice adds to it or is not heard, and never takes back words that were told. The size of all parts together is bounded,
//! and each part counts a little more than its words, so that a million empty ones are not free.

use std::collections::{BTreeMap, VecDeque};

use lattice_lock_providers::Wire;
use serde_json::Value;

use super::Unreadable;
use crate::{Delta, Part, Reasoning, ToolCall};

/// The largest reply that is kept, in bytes of what the model said; each part counts a little more.
const LARGEST: usize = 32 * 1024 * 1024;

/// What a part counts beside its words, so that a million empty ones are no small reply.
const PART: usize = 128;

/// The parts of a reply in the making, each at a place of its own. Whole replies and streams are made of the same
/// words in the same places, so that they come to the same.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    parts: BTreeMap<u64, Part>,
    size: usize,
    /// What has not been handed on yet; nothing is noted for a whole reply.
    news: Option<VecDeque<Delta>>,
}

impl Blocks {
    /// Parts that are told as they come.
    pub(super) fn telling() -> Self {
        Self {
            news: Some(VecDeque::new()),
            ..Self::default()
        }
    }

    /// What has come since this was asked last.
    pub(super) fn news(&mut self) -> Option<Delta> {
        self.news.as_mut()?.pop_front()
    }

    /// Whether anything was said.
    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The place after the last one.
    pub(super) fn next_place(&self) -> u64 {
        self.parts
            .last_key_value()
            .map_or(0, |(place, _)| place.saturating_add(1))
    }

    /// The last place, with what stands there.
    pub(super) fn last(&self) -> Option<(u64, &Part)> {
        self.parts
            .last_key_value()
            .map(|(place, part)| (*place, part))
    }

    /// More words at this place. Where something else stands, they are neither kept nor told.
    pub(super) fn text(&mut self, place: u64, words: &str) -> Result<(), Unreadable> {
        self.grow(place, words.len())?;
        let part = self.parts.entry(place);
        let part = part.or_insert_with(|| Part::Text(String::new()));
        if let Part::Text(text) = part {
            text.push_str(words);
            self.tell(words, || Delta::Text(words.to_owned()));
        }
        Ok(())
    }

    /// More of a thought at this place.
    pub(super) fn reasoning(&mut self, place: u64, words: &str) -> Result<(), Unreadable> {
        self.grow(place, words.len())?;
        if self.thought(place, |thought| thought.text.push_str(words)) {
            self.tell(words, || Delta::Reasoning(words.to_owned()));
        }
        Ok(())
    }

    /// What seals the reasoning at this place, whole or in pieces.
    pub(super) fn sign(&mut self, place: u64, signature: &str) -> Result<(), Unreadable> {
        self.grow(place, signature.len())?;
        self.thought(place, |thought| {
            let signed = thought.signature.get_or_insert_default();
            signed.push_str(signature);
        });
        Ok(())
    }

    /// Reasoning of which only a sealed form is there.
    pub(super) fn sealed(&mut self, place: u64, data: &str) -> Result<(), Unreadable> {
        self.sign(place, data)?;
        self.thought(place, |thought| thought.is_sealed = true);
        Ok(())
    }

    /// The provider's name of the reasoning at this place.
    pub(super) fn name_reasoning(&mut self, place: u64, id: String) -> Result<(), Unreadable> {
        self.grow(place, id.len())?;
        self.thought(place, |thought| thought.id = Some(id));
        Ok(())
    }

    /// What stands at this place for something else stays as it is. Whether a thought does.
    fn thought(&mut self, place: u64, change: impl FnOnce(&mut Reasoning)) -> bool {
        let part = self.parts.entry(place);
        let part = part.or_insert_with(|| Part::Reasoning(Reasoning::default()));
        let Part::Reasoning(reasoning) = part else {
            return false;
        };
        change(reasoning);
        true
    }

    /// A call begins; one that has begun is named. What stands at this place for something else stays as it is.
    pub(super) fn call(&mut self, place: u64, id: &str, name: &str) -> Result<(), Unreadable> {
        self.grow(place, id.len() + name.len())?;
        if self.parts.contains_key(&place) && !self.is_call(place) {
            return Ok(());
        }
        let call = ToolCall::new(id, name, "");
        let (id, name) = (id.to_owned(), name.to_owned());
        self.parts.insert(place, Part::ToolCall(call));
        self.tell("call", || Delta::ToolCall { place, id, name });
        Ok(())
    }

    /// More of the arguments of the call at this place; without a call there, they belong to nobody.
    pub(super) fn arguments(&mut self, place: u64, json: &str) -> Result<(), Unreadable> {
        self.grow(place, json.len())?;
        if let Some(Part::ToolCall(call)) = self.parts.get_mut(&place) {
            call.arguments.push_str(json);
            self.tell(json, || Delta::Arguments {
                place,
                json: json.to_owned(),
            });
        }
        Ok(())
    }

    /// What seals the call at this place.
    pub(super) fn sign_call(&mut self, place: u64, signature: String) -> Result<(), Unreadable> {
        self.grow(place, signature.len())?;
        if let Some(Part::ToolCall(call)) = self.parts.get_mut(&place) {
            call.signature = Some(signature);
        }
        Ok(())
    }

    /// Whether the call at this place has arguments.
    pub(super) fn has_arguments(&self, place: u64) -> bool {
        matches!(self.parts.get(&place), Some(Part::ToolCall(call)) if !call.arguments.is_empty())
    }

    /// Whether a call stands at this place.
    pub(super) fn is_call(&self, place: u64) -> bool {
        matches!(self.parts.get(&place), Some(Part::ToolCall(_)))
    }

    /// Something that has no type here, so many bytes long. Words that were told stay where they stand.
    pub(super) fn opaque(
        &mut self,
        place: u64,
        wire: Wire,
        value: Value,
        size: usize,
    ) -> Result<(), Unreadable> {
        self.grow(place, size)?;
        if let Some(Part::Opaque(..)) | None = self.parts.get(&place) {
            self.parts.insert(place, Part::Opaque(wire, value));
        }
        Ok(())
    }

    /// Something that has no type here, as it was kept.
    pub(super) fn opaque_at(&mut self, place: u64) -> Option<&mut Value> {
        match self.parts.get_mut(&place) {
            Some(Part::Opaque(_, value)) => Some(value),
            _ => None,
        }
    }

    /// The parts in their order. Empty words are none, and a call without arguments has the empty object.
    pub(super) fn parts(&self) -> Vec<Part> {
        let is_there = |part: &&Part| match part {
            Part::Text(text) => !text.is_empty(),
            Part::Reasoning(reasoning) => {
                !reasoning.text.is_empty() || reasoning.signature.is_some()
            }
            _ => true,
        };
        let mut parts: Vec<Part> = self.parts.values().filter(is_there).cloned().collect();
        for part in &mut parts {
            if let Part::ToolCall(call) = part
                && call.arguments.trim().is_empty()
            {
                call.arguments.replace_range(.., "{}");
            }
        }
        parts
    }

    /// Counts what is added before it is kept, so that the bound holds whatever is kept.
    fn grow(&mut self, place: u64, bytes: usize) -> Result<(), Unreadable> {
        let part = if self.parts.contains_key(&place) {
            0
        } else {
            PART
        };
        self.size = self.size.saturating_add(bytes).saturating_add(part);
        if self.size > LARGEST {
            return Err(Unreadable::Malformed(
                "the reply is longer than a client reads",
            ));
        }
        Ok(())
    }

    /// Notes a piece for whoever reads a stream; of a whole reply, and of no words, nothing is told.
    fn tell(&mut self, words: &str, delta: impl FnOnce() -> Delta) {
        if let Some(news) = &mut self.news
            && !words.is_empty()
        {
            news.push_back(delta());
        }
    }
}
