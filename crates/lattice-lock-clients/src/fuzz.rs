//! What the fuzz targets call: everything between the bytes of a network and a reply, without the network.

use lattice_lock_providers::{ModelName, Provider, Wire};
use tokio::runtime::{Builder, Runtime};

use crate::http::{Framer, HttpClients, arrived};
use crate::wire::{self, Asked, Event, Framing, Heading, Protocol};
use crate::{ChatReply, ChatRequest, Delta, LARGEST_COUNT};

/// What streams are read with: a clock, and clients that are made once.
#[derive(Debug)]
pub struct Lab {
    runtime: Runtime,
    clients: HttpClients,
}

impl Default for Lab {
    fn default() -> Self {
        let runtime = Builder::new_current_thread().enable_time().build();
        Self {
            runtime: runtime.expect("a thread can wait"),
            clients: HttpClients::new().expect("the defaults are usable"),
        }
    }
}

impl Lab {
    /// Any bytes as a reply of `wire`, whole and in pieces.
    ///
    /// # Panics
    ///
    /// Where a reply depends on how its bytes were cut on their way, where it is not what its pieces told, where it
    /// holds more than came, or where a count is none.
    pub fn check(&self, wire: Wire, bytes: &[u8]) {
        let _ = whole(wire, bytes);
        let read = self.pieces(wire, [bytes]);
        assert_eq!(self.pieces(wire, bytes.chunks(1)), read, "byte by byte");
        assert_eq!(self.pieces(wire, uneven(bytes)), read, "in uneven pieces");
    }

    /// Reads a stream whose bytes come in these parts.
    ///
    /// # Panics
    ///
    /// Where the reply is not what its pieces told.
    #[must_use]
    pub fn pieces<'a>(&self, wire: Wire, parts: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
        let mut outcome = Outcome {
            told: Vec::new(),
            reply: None,
            so_far: None,
            failure: None,
        };
        let mut came = 0;
        let parts = parts.into_iter().map(<[u8]>::to_vec);
        let parts: Vec<_> = parts.inspect(|part| came += part.len()).collect();
        self.runtime.block_on(self.read(wire, parts, &mut outcome));
        let (text, all) = outcome.told.iter().map(length).fold((0, 0), sum);
        assert!(all <= came, "no more is told than came");
        if let Some(reply) = &outcome.reply {
            assert_eq!(reply.text().len(), text, "what was told is what was said");
            let calls = outcome.told.iter();
            let calls = calls.filter(|delta| matches!(delta, Delta::ToolCall { .. }));
            assert_eq!(reply.tool_calls().count(), calls.count(), "and called");
        }
        for reply in outcome.reply.iter().chain(&outcome.so_far) {
            check_reply(wire, reply);
        }
        outcome
    }

    async fn read(&self, wire: Wire, parts: Vec<Vec<u8>>, outcome: &mut Outcome) {
        let provider = Provider::local().speaks(wire);
        let stream = arrived(&self.clients, &provider, &model(), parts);
        let mut stream = stream.expect("a local provider can be called");
        // The time that it took is the only thing that may differ.
        let timeless = |reply: ChatReply| reply.with_latency(std::time::Duration::ZERO);
        while let Some(item) = stream.next().await {
            match item {
                Ok(Delta::Done(reply)) => outcome.reply = Some(timeless(*reply)),
                Ok(delta) => outcome.told.push(delta),
                Err(error) => outcome.failure = Some(error.code().as_str()),
            }
        }
        outcome.so_far = stream.so_far().map(timeless);
    }
}

fn speaker(wire: Wire) -> Option<(Provider, &'static dyn Protocol)> {
    let provider = Provider::local().speaks(wire);
    Some((provider, wire::protocol(wire)?))
}

fn model() -> ModelName {
    "m".parse().expect("a letter is a name")
}

/// The bytes in pieces whose lengths they say themselves.
fn uneven(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let length = usize::from(*bytes.first()? % 64) + 1;
        let (piece, rest) = bytes.split_at(length.min(bytes.len()));
        bytes = rest;
        Some(piece)
    })
}

/// Reads a whole reply, a listing of models, an error and vectors. The reply, if it is one.
#[must_use]
pub fn whole(wire: Wire, bytes: &[u8]) -> Option<ChatReply> {
    let (provider, protocol) = speaker(wire)?;
    let _ = protocol.models(bytes);
    let _ = protocol.class(&wire::Problem::read(bytes));
    let _ = protocol.embeddings().map(|it| it.embedded(bytes));
    let said = protocol.said(&provider, bytes).ok()?;
    let reply = said.into_reply(&model(), Heading::default());
    check_reply(wire, &reply);
    Some(reply)
}

/// What came of a stream.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    /// What was told as it came.
    pub told: Vec<Delta>,
    /// The reply, if it is a whole one.
    pub reply: Option<ChatReply>,
    /// What there is to book, whatever came of it.
    pub so_far: Option<ChatReply>,
    /// The code of the error that it ended with.
    pub failure: Option<&'static str>,
}

fn sum(one: (usize, usize), other: (usize, usize)) -> (usize, usize) {
    (one.0 + other.0, one.1 + other.1)
}

/// How many bytes of text, and of anything, a delta tells.
fn length(delta: &Delta) -> (usize, usize) {
    match delta {
        Delta::Text(words) => (words.len(), words.len()),
        Delta::Reasoning(words) => (0, words.len()),
        Delta::Arguments { json, .. } => (0, json.len()),
        Delta::ToolCall { name, .. } => (0, name.len()),
        Delta::Done(_) => (0, 0),
    }
}

/// Counts are counts, and what a model said can be sent back to it.
fn check_reply(wire: Wire, reply: &ChatReply) {
    // Buckets that are sums of a few figures are bounded by these.
    let mut counts = reply.usage().reported();
    assert!(counts.all(|(_, count)| count <= 3 * LARGEST_COUNT));
    let Some((provider, protocol)) = speaker(wire) else {
        return;
    };
    let answered = ChatRequest::new("Hi")
        .push(reply.to_message())
        .push(crate::Message::user("More."));
    let _ = protocol.body(&Asked {
        provider: &provider,
        model: &model(),
        request: &answered,
        streams: true,
    });
}

/// Any bytes as a stream of any framing.
///
/// # Panics
///
/// Where the events depend on how the bytes were cut on their way, or where more is kept than came.
pub fn frame(bytes: &[u8]) {
    let framings = [
        Framing::Events,
        Framing::Lines,
        #[cfg(feature = "bedrock")]
        Framing::Messages,
    ];
    for framing in framings {
        let read = events(framing, [bytes]);
        assert_eq!(events(framing, bytes.chunks(1)), read, "byte by byte");
        assert_eq!(events(framing, uneven(bytes)), read, "in uneven pieces");
        let told: usize = read
            .iter()
            .map(|(name, data)| name.len().min(data.len()) + data.len())
            .sum();
        assert!(told <= 2 * bytes.len(), "no more is told than came");
    }
}

fn events<'a>(
    framing: Framing,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> Vec<(String, Vec<u8>)> {
    let own = |event: Event<'_>| (event.name.to_owned(), event.data.to_vec());
    let mut framer = Framer::new(framing);
    let (mut events, mut came) = (Vec::new(), 0);
    for part in parts {
        came += part.len();
        framer.push(part).expect("less than the longest event");
        while let Some(event) = framer.next() {
            events.push(own(event));
        }
        // Room grows by doubling, and a name that is not UTF-8 is shown in three bytes for one.
        assert!(framer.held() <= 8 * came + 64, "no more is kept than came");
    }
    events.extend(framer.last().map(own));
    events
}

/// Events that are written as text, in AWS's frames: one on each line, its type before its payload; an exception's
/// begins with `!`. The checksums of frames let a fuzzer through to nothing behind them.
#[cfg(feature = "bedrock")]
#[must_use]
pub fn framed(text: &[u8]) -> Vec<u8> {
    use aws_smithy_eventstream::frame::write_message_to;
    use aws_smithy_types::event_stream::{Header, HeaderValue, Message};

    let mut frames = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let at = line
            .iter()
            .position(|byte| *byte == b' ')
            .unwrap_or(line.len());
        let (kind, payload) = line.split_at(at);
        let kind = String::from_utf8_lossy(&kind[..kind.len().min(255)]).into_owned();
        let header = |name: &'static str, value: String| {
            Header::new(name, HeaderValue::String(value.into()))
        };
        let (of, name, kind) = match kind.strip_prefix('!') {
            Some(kind) => ("exception", ":exception-type", kind.to_owned()),
            None => ("event", ":event-type", kind),
        };
        let message = Message::new(payload.to_vec())
            .add_header(header(":message-type", of.to_owned()))
            .add_header(header(name, kind));
        // A line that is too long for a frame makes none.
        let _ = write_message_to(&message, &mut frames);
    }
    frames
}

/// The wires by the names of their seeds.
pub const WIRES: &[(&str, Wire)] = &[
    ("openai_chat", Wire::OpenAiChat),
    ("openai_responses", Wire::OpenAiResponses),
    ("anthropic_messages", Wire::AnthropicMessages),
    ("gemini", Wire::Gemini),
    ("ollama_chat", Wire::OllamaChat),
    #[cfg(feature = "bedrock")]
    ("bedrock_converse", Wire::BedrockConverse),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The seeds of a target, by their paths.
    fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
        let seeds = fs::read_dir(folder.join(target)).unwrap();
        let seeds = seeds.map(|seed| seed.unwrap().path());
        seeds
            .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
            .collect()
    }

    #[test]
    fn the_seeds_of_the_fuzz_targets_hold_here_too() {
        let lab = Lab::default();
        for (name, wire) in WIRES {
            let (mut wholes, mut streams) = (0, 0);
            for (path, bytes) in seeds(name) {
                wholes += usize::from(whole(*wire, &bytes).is_some());
                let read = lab.pieces(*wire, [&*bytes]);
                lab.check(*wire, &bytes);
                for at in (0..bytes.len()).step_by(bytes.len() / 16 + 1) {
                    let (start, end) = bytes.split_at(at);
                    assert_eq!(lab.pieces(*wire, [start, end]), read, "{path}");
                    let mut odd = bytes.clone();
                    odd[at] ^= 0x20;
                    let _ = whole(*wire, &odd);
                    let _ = lab.pieces(*wire, [&*odd]);
                    let _ = whole(*wire, start);
                    let _ = lab.pieces(*wire, [start]);
                }
                streams += usize::from(read.reply.is_some());
            }
            assert!(wholes >= 8 && streams >= 8, "{name}: {wholes}, {streams}");
        }
    }

    #[test]
    fn every_seed_is_cut_into_the_same_events() {
        let names = WIRES.iter().map(|(name, _)| *name).chain(["framing"]);
        for (_, bytes) in names.flat_map(seeds) {
            frame(&bytes);
        }
    }

    #[cfg(feature = "bedrock")]
    #[test]
    fn events_written_as_text_are_read_as_a_stream() {
        let lab = Lab::default();
        let mut streams = 0;
        for (_, bytes) in seeds("bedrock_events") {
            let frames = framed(&bytes);
            lab.check(Wire::BedrockConverse, &frames);
            let read = lab.pieces(Wire::BedrockConverse, [&*frames]);
            streams += usize::from(read.reply.is_some());
        }
        assert!(streams >= 8, "{streams}");
    }
}
