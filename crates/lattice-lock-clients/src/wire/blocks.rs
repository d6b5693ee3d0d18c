//! The parts of a reply in the making.
//!
//! Every wire says where a part stands, by the index that it gives or by a place that is fixed for its kind, and
//! the parts come out in the order of these places. Where a hostile or confused stream gives one place to several
//! parts, each takes a turn there: words that were told are never taken back, and no call is lost. The size of all
//! parts together is bounded, and each part counts a little more than its words, so that a million empty ones are
//! not free.

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
#[derive(Debug)]
pub(super) struct Blocks {
    wire: Wire,
    parts: BTreeMap<(u64, u64), Part>,
    size: usize,
    /// What has not been handed on yet; nothing is noted for a whole reply.
    news: Option<VecDeque<Delta>>,
}

impl Blocks {
    /// Parts of a reply on this wire.
    pub(super) fn of(wire: Wire) -> Self {
        Self {
            wire,
            parts: BTreeMap::new(),
            size: 0,
            news: None,
        }
    }

    /// Parts that are told as they come.
    ///
    /// Only what a reader of a stream shows is told: a signature, a sealed thought and what has no type here are in
    /// the reply alone.
    pub(super) fn telling(wire: Wire) -> Self {
        Self {
            news: Some(VecDeque::new()),
            ..Self::of(wire)
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
    ///
    /// For wires whose pieces have no place of their own and come one after the other.
    pub(super) fn next_place(&self) -> u64 {
        self.parts
            .last_key_value()
            .map_or(0, |((place, _), _)| place.saturating_add(1))
    }

    /// The last place, with what stands there.
    pub(super) fn last(&self) -> Option<(u64, &Part)> {
        self.parts
            .last_key_value()
            .map(|((place, _), part)| (*place, part))
    }

    /// More words at this place.
    pub(super) fn text(&mut self, place: u64, words: &str) -> Result<(), Unreadable> {
        let is_text = |part: &Part| matches!(part, Part::Text(_));
        let part = self.open(place, words.len(), is_text, || Part::Text(String::new()))?;
        if let Part::Text(text) = part {
            text.push_str(words);
        }
        self.tell(words, || Delta::Text(words.to_owned()));
        Ok(())
    }

    /// More of a thought at this place.
    pub(super) fn reasoning(&mut self, place: u64, words: &str) -> Result<(), Unreadable> {
        self.thought(place, words.len(), |thought| thought.text.push_str(words))?;
        self.tell(words, || Delta::Reasoning(words.to_owned()));
        Ok(())
    }

    /// What seals the reasoning at this place, whole or in pieces.
    pub(super) fn sign(&mut self, place: u64, signature: &str) -> Result<(), Unreadable> {
        self.thought(place, signature.len(), |thought| {
            let signed = thought.signature.get_or_insert_default();
            signed.push_str(signature);
        })
    }

    /// Reasoning of which only a sealed form is there.
    pub(super) fn sealed(&mut self, place: u64, data: &str) -> Result<(), Unreadable> {
        self.sign(place, data)?;
        self.thought(place, 0, |thought| thought.is_sealed = true)
    }

    /// The provider's name of the reasoning at this place.
    pub(super) fn name_reasoning(&mut self, place: u64, id: String) -> Result<(), Unreadable> {
        self.thought(place, id.len(), |thought| thought.id = Some(id))
    }

    /// A call begins; one that has begun goes on.
    pub(super) fn call(&mut self, place: u64, id: &str, name: &str) -> Result<(), Unreadable> {
        let is_begun = |part: &Part| part.as_tool_call().is_some_and(|call| call.id() == id);
        if self.last_at(place).is_some_and(is_begun) {
            return Ok(());
        }
        let begin = || Part::ToolCall(ToolCall::new(id, name, ""));
        self.open(place, id.len() + name.len(), |_| false, begin)?;
        let (id, name) = (id.to_owned(), name.to_owned());
        self.tell("call", || Delta::ToolCall { place, id, name });
        Ok(())
    }

    /// More of the arguments of the call at this place; without a call there, they belong to nobody.
    pub(super) fn arguments(&mut self, place: u64, json: &str) -> Result<(), Unreadable> {
        self.grow(json.len())?;
        if let Some(call) = self.call_at(place) {
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
        self.grow(signature.len())?;
        if let Some(call) = self.call_at(place) {
            call.signature = Some(signature);
        }
        Ok(())
    }

    /// Whether the call at this place has arguments.
    pub(super) fn has_arguments(&mut self, place: u64) -> bool {
        let call = self.call_at(place);
        call.is_some_and(|call| !call.arguments.is_empty())
    }

    /// Whether a call stands at this place.
    pub(super) fn is_call(&mut self, place: u64) -> bool {
        self.call_at(place).is_some()
    }

    /// Something that has no type here, so many bytes long.
    pub(super) fn opaque(
        &mut self,
        place: u64,
        wire: Wire,
        value: Value,
        size: usize,
    ) -> Result<(), Unreadable> {
        self.open(place, size, |_| false, || Part::Opaque(wire, value))?;
        Ok(())
    }

    /// Something that has no type here, as it was kept, where it came last.
    pub(super) fn opaque_at(&mut self, place: u64) -> Option<&mut Value> {
        let mut turns = self.parts.range_mut((place, 0)..=(place, u64::MAX));
        match turns.next_back()? {
            (_, Part::Opaque(_, value)) => Some(value),
            _ => None,
        }
    }

    /// Counts so many bytes before they are kept, here or elsewhere for this reply, so that the bound holds for all
    /// of it.
    pub(super) fn grow(&mut self, bytes: usize) -> Result<(), Unreadable> {
        self.size = self.size.saturating_add(bytes);
        if self.size > LARGEST {
            return Err(Unreadable::Malformed(
                "the reply is longer than a client reads",
            ));
        }
        Ok(())
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

    /// What came last at this place.
    fn last_at(&self, place: u64) -> Option<&Part> {
        let mut turns = self.parts.range((place, 0)..=(place, u64::MAX));
        turns.next_back().map(|(_, part)| part)
    }

    /// The call that came last at this place.
    fn call_at(&mut self, place: u64) -> Option<&mut ToolCall> {
        let turns = self.parts.range_mut((place, 0)..=(place, u64::MAX));
        turns.rev().find_map(|(_, part)| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        })
    }

    fn thought(
        &mut self,
        place: u64,
        bytes: usize,
        change: impl FnOnce(&mut Reasoning),
    ) -> Result<(), Unreadable> {
        let is_thought = |part: &Part| matches!(part, Part::Reasoning(_));
        let wire = self.wire;
        let begin = || Part::Reasoning(Reasoning::on(wire));
        if let Part::Reasoning(thought) = self.open(place, bytes, is_thought, begin)? {
            change(thought);
        }
        Ok(())
    }

    /// The part that so many bytes are added to: what came last at this place, if it is such a one, else one that
    /// begins.
    fn open(
        &mut self,
        place: u64,
        bytes: usize,
        goes_on: impl Fn(&Part) -> bool,
        begin: impl FnOnce() -> Part,
    ) -> Result<&mut Part, Unreadable> {
        let mut turns = self.parts.range((place, 0)..=(place, u64::MAX));
        let last = turns.next_back();
        let (turn, is_new) = match last {
            Some(((_, turn), part)) if goes_on(part) => (*turn, false),
            Some(((_, turn), _)) => (turn.saturating_add(1), true),
            None => (0, true),
        };
        self.grow(bytes + if is_new { PART } else { 0 })?;
        Ok(self.parts.entry((place, turn)).or_insert_with(begin))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn told(blocks: &mut Blocks) -> String {
        let words = std::iter::from_fn(|| blocks.news());
        let words = words.filter_map(|delta| match delta {
            Delta::Text(words) | Delta::Arguments { json: words, .. } => Some(words),
            _ => None,
        });
        words.collect()
    }

    #[test]
    fn what_was_told_stays_though_something_else_begins_in_its_place() {
        let mut blocks = Blocks::telling(Wire::Gemini);
        blocks.text(0, "a").unwrap();
        blocks.call(0, "1", "f").unwrap();
        blocks.arguments(0, "[]").unwrap();
        blocks.call(0, "2", "g").unwrap();
        blocks.text(0, "b").unwrap();
        blocks.arguments(0, "{").unwrap();
        blocks.arguments(0, "}").unwrap();
        blocks.text(0, "c").unwrap();
        blocks.reasoning(0, "d").unwrap();
        assert_eq!(told(&mut blocks), "a[]b{}c");
        let call = |id, name, arguments| Part::ToolCall(ToolCall::new(id, name, arguments));
        let text = |words: &str| Part::Text(words.to_owned());
        let parts = blocks.parts();
        let expected = [
            text("a"),
            call("1", "f", "[]"),
            call("2", "g", "{}"),
            text("bc"),
        ];
        assert_eq!(parts[..4], expected);
        assert!(matches!(&parts[4..], [Part::Reasoning(thought)] if thought.text == "d"));
    }

    #[test]
    fn a_call_that_begins_twice_is_one() {
        let mut blocks = Blocks::telling(Wire::Gemini);
        blocks.call(0, "1", "f").unwrap();
        blocks.arguments(0, "[").unwrap();
        blocks.call(0, "1", "f").unwrap();
        blocks.arguments(0, "]").unwrap();
        let call = Part::ToolCall(ToolCall::new("1", "f", "[]"));
        assert_eq!(blocks.parts(), [call]);
    }

    #[test]
    fn a_reply_without_end_is_given_up() {
        let check = |add: &dyn Fn(&mut Blocks, u64) -> Result<(), Unreadable>| {
            let mut blocks = Blocks::of(Wire::Gemini);
            let taken = (0..1_000_000).take_while(|at| add(&mut blocks, *at).is_ok());
            assert!(taken.count() <= LARGEST / PART);
        };
        check(&|blocks, at| blocks.text(at, ""));
        check(&|blocks, _| {
            blocks.call(0, "", "f")?;
            blocks.text(0, "")
        });
        check(&|blocks, at| blocks.sign(at, ""));
        let words = "x".repeat(1 << 10);
        check(&|blocks, _| blocks.grow(words.len()));
    }
}
