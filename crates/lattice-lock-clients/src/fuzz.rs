//! What the fuzz targets call: everything between the bytes of a network and a reply, without the network.

use lattice_lock_providers::{ModelName, Provider, Wire};

use crate::http::Framer;
use crate::wire::{self, Event, Heading, Protocol, Unreadable};
use crate::{ChatReply, LARGEST_COUNT};

fn speaker(wire: Wire) -> Option<(Provider, &'static dyn Protocol)> {
    let provider = Provider::local().speaks(wire);
    Some((provider, wire::protocol(wire)?))
}

fn reply(said: wire::Said) -> Option<ChatReply> {
    let model: ModelName = "m".parse().ok()?;
    let reply = said.into_reply(&model, Heading::default());
    // Buckets that are sums of a few figures are bounded by these.
    assert!(
        reply
            .usage()
            .reported()
            .all(|(_, count)| count <= 3 * LARGEST_COUNT)
    );
    Some(reply)
}

/// Reads a whole reply. The reply, if it is one.
#[must_use]
pub fn whole(wire: Wire, bytes: &[u8]) -> Option<ChatReply> {
    let (provider, protocol) = speaker(wire)?;
    let _ = protocol.models(bytes);
    let _ = wire::Problem::read(bytes);
    reply(protocol.said(&provider, bytes).ok()?)
}

/// Reads a stream whose bytes come in these two parts. The reply, if it is a whole one.
///
/// # Panics
///
/// Where the reply is not what its pieces told.
#[must_use]
pub fn pieces(wire: Wire, parts: [&[u8]; 2]) -> Option<ChatReply> {
    let (provider, protocol) = speaker(wire)?;
    let mut framer = Framer::new(protocol.framing());
    let mut reader = protocol.reader(&provider);
    let mut told = String::new();
    let mut take = |event: Event<'_>| -> Result<bool, Unreadable> {
        reader.take(event)?;
        while let Some(delta) = reader.news() {
            if let crate::Delta::Text(words) = delta {
                told.push_str(&words);
            }
        }
        Ok(reader.is_over())
    };
    let mut is_over = false;
    for part in parts {
        framer.push(part).ok()?;
        while !is_over {
            let Some(event) = framer.next() else { break };
            is_over = take(event).ok()?;
        }
    }
    if !is_over && let Some(event) = framer.last() {
        take(event).ok()?;
    }
    if !reader.is_whole() {
        return None;
    }
    let reply = reply(reader.said())?;
    assert_eq!(
        reply.text().len(),
        told.len(),
        "what was told is what was said"
    );
    Some(reply)
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

    #[test]
    fn the_seeds_of_the_fuzz_targets_hold_here_too() {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
        for (name, wire) in WIRES {
            let (mut wholes, mut streams) = (0, 0);
            for seed in fs::read_dir(seeds.join(name)).unwrap() {
                let path = seed.unwrap().path();
                let bytes = fs::read(&path).unwrap();
                wholes += usize::from(whole(*wire, &bytes).is_some());
                let read = pieces(*wire, [&bytes, b""]);
                streams += usize::from(read.is_some());
                for at in (0..bytes.len()).step_by(bytes.len() / 16 + 1) {
                    let (start, end) = bytes.split_at(at);
                    assert_eq!(pieces(*wire, [start, end]), read, "{}", path.display());
                    let mut odd = bytes.clone();
                    odd[at] ^= 0x20;
                    let _ = whole(*wire, &odd);
                    let _ = pieces(*wire, [&odd, b""]);
                    let _ = whole(*wire, start);
                    let _ = pieces(*wire, [start, b""]);
                }
            }
            assert!(wholes >= 8 && streams >= 8, "{name}: {wholes}, {streams}");
        }
    }
}
