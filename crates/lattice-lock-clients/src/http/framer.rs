//! From the bytes of a stream to its events.
//!
//! | framing | an event is | ends with |
//! |---|---|---|
//! | events | the `data` lines of a server-sent event, joined by line feeds, with its `event` name | an empty line |
//! | lines | one line | a line feed |
//! | messages | a message of AWS's event stream, unread | its own length |
//!
//! Lines end with a line feed, a carriage return, or both, wherever the network cut between them; a byte order mark
//! at the beginning and comments are skipped, as is any field but these two. What is incomplete at the end of the
//! connection is handed on as an event for the wire to judge. Nothing longer than the bound is ever kept, so that a
//! line without end does not become memory, and a byte is looked at once however often more of them come.
//!
//! Sources: the WHATWG's HTML standard, "Server-sent events"
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>), whose fields `id` and `retry` say nothing
//! here, since no stream is taken up again; and AWS's "Event stream encoding", of which only the length is read
//! here and the sums by AWS's own crate.

use crate::wire::{Event, Framing};

/// The longest event that is kept, in bytes: the last one of a stream may hold the whole reply once more.
const LONGEST: usize = 32 * 1024 * 1024;

/// An event, or a line of one, is longer than [`LONGEST`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// Cuts the bytes of a stream into events, however they were cut on their way. It keeps what is incomplete and
/// nothing else.
#[derive(Debug)]
pub(crate) struct Framer {
    framing: Framing,
    bytes: Vec<u8>,
    /// Where what has not been read begins.
    start: usize,
    /// Up to where no line ends.
    scanned: usize,
    name: String,
    data: Vec<u8>,
    /// Whether the event has data, which may be empty.
    has_data: bool,
    /// Whether the event was handed on and is to be forgotten.
    is_told: bool,
    state: State,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    New,
    Begun,
    /// Nothing that comes can be a message any more.
    #[cfg(feature = "bedrock")]
    Broken,
}

impl Framer {
    pub(crate) fn new(framing: Framing) -> Self {
        Self {
            framing,
            bytes: Vec::new(),
            start: 0,
            scanned: 0,
            name: String::new(),
            data: Vec::new(),
            has_data: false,
            is_told: false,
            state: State::New,
        }
    }

    /// How many bytes it has room for.
    #[cfg(feature = "__fuzz")]
    pub(crate) fn held(&self) -> usize {
        self.bytes.capacity() + self.data.capacity() + self.name.capacity()
    }

    /// Adds bytes as they came.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.bytes.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        if self.bytes.len() + self.data.len() + bytes.len() > LONGEST {
            return Err(TooLong);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole event.
    pub(crate) fn next(&mut self) -> Option<Event<'_>> {
        self.forget();
        #[cfg(feature = "bedrock")]
        if self.framing == Framing::Messages {
            return self.message();
        }
        while let Some((from, to)) = self.line() {
            if self.read(from, to) {
                return Some(self.event());
            }
        }
        None
    }

    /// What is left where the stream ends: servers forget the line end of their last word.
    pub(crate) fn last(&mut self) -> Option<Event<'_>> {
        self.forget();
        #[cfg(feature = "bedrock")]
        if self.framing == Framing::Messages {
            return None;
        }
        let (from, end) = (self.start, self.bytes.len());
        self.start = end;
        self.scanned = end;
        let to = end - usize::from(self.bytes[from..].ends_with(b"\r"));
        let is_told = from < end && self.read(from, to);
        (is_told || self.has_data).then(|| self.event())
    }

    /// The next whole message: its length, of itself and all, stands in its first four bytes. What cannot be a
    /// length is handed on, to be refused by whoever reads it, and there is no message behind it.
    #[cfg(feature = "bedrock")]
    fn message(&mut self) -> Option<Event<'_>> {
        if self.state == State::Broken {
            return None;
        }
        let waiting = &self.bytes[self.start..];
        let head: [u8; 4] = waiting.get(..4)?.try_into().ok()?;
        let length = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
        let is_length = (16..=LONGEST).contains(&length);
        let end = if is_length { length } else { head.len() };
        let message = waiting.get(..end)?;
        if !is_length {
            self.state = State::Broken;
        }
        self.data.clear();
        self.data.extend_from_slice(message);
        self.start += end;
        self.scanned = self.start;
        self.has_data = true;
        Some(self.event())
    }

    fn event(&mut self) -> Event<'_> {
        self.is_told = true;
        Event {
            name: &self.name,
            data: &self.data,
        }
    }

    fn forget(&mut self) {
        if std::mem::take(&mut self.is_told) {
            self.name.clear();
            self.data.clear();
            self.has_data = false;
        }
    }

    /// The next whole line, without its end.
    fn line(&mut self) -> Option<(usize, usize)> {
        let Some(found) = memchr::memchr2(b'\n', b'\r', &self.bytes[self.scanned..]) else {
            self.scanned = self.bytes.len();
            return None;
        };
        let (from, to) = (self.start, self.scanned + found);
        // A line feed behind a carriage return makes an empty line of its own, which `read` must not take for the
        // end of an event; so it waits for it.
        let next = match (self.bytes[to], self.bytes.get(to + 1)) {
            (b'\r', None) => {
                self.scanned = to;
                return None;
            }
            (b'\r', Some(b'\n')) => to + 2,
            _ => to + 1,
        };
        self.start = next;
        self.scanned = next;
        Some((from, to))
    }

    /// Takes a line, and says whether it ends an event.
    fn read(&mut self, from: usize, to: usize) -> bool {
        let mut line = &self.bytes[from..to];
        if std::mem::replace(&mut self.state, State::Begun) == State::New {
            line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        }
        if self.framing == Framing::Lines {
            self.data.clear();
            self.data.extend_from_slice(line);
            return !line.trim_ascii().is_empty();
        }
        if line.is_empty() {
            // A name without data is no event, and is forgotten.
            self.is_told = !self.has_data;
            self.forget();
            return self.has_data;
        }
        let colon = line.iter().position(|byte| *byte == b':');
        let (field, value) = match colon {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &line[..0]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
                self.has_data = true;
            }
            b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
            _ => {}
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(framing: Framing, pieces: &[&[u8]]) -> Vec<(String, String)> {
        let own = |event: Event<'_>| {
            let data = String::from_utf8_lossy(event.data).into_owned();
            (event.name.to_owned(), data)
        };
        let mut framer = Framer::new(framing);
        let mut events = Vec::new();
        for piece in pieces {
            framer.push(piece).unwrap();
            while let Some(event) = framer.next() {
                events.push(own(event));
            }
        }
        events.extend(framer.last().map(own));
        events
    }

    fn check(text: &str, expected: &[(&str, &str)]) {
        let events = read(Framing::Events, &[text.as_bytes()]);
        let events: Vec<_> = events
            .iter()
            .map(|(name, data)| (name.as_str(), data.as_str()))
            .collect();
        assert_eq!(events, expected, "{text:?}");
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        let slowly = read(Framing::Events, &bytes);
        assert_eq!(slowly.len(), events.len(), "{text:?}, byte by byte");
    }

    #[test]
    fn events_are_set_apart_by_empty_lines() {
        check("", &[]);
        check("data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")]);
        check("event: x\ndata: a\n\n", &[("x", "a")]);
        check("data: a\r\n\r\ndata: b\r\n\r\n", &[("", "a"), ("", "b")]);
        check("data: a\r\rdata: b\r\r", &[("", "a"), ("", "b")]);
        check("data: a\ndata: b\n\n", &[("", "a\nb")]);
        check("data:a\n\n", &[("", "a")]);
        check("data\n\n", &[("", "")]);
        check("\u{feff}data: a\n\n", &[("", "a")]);
    }

    #[test]
    fn comments_unknown_fields_and_names_alone_are_no_events() {
        check(": ping\n\nid: 7\nretry: 1\n\n", &[]);
        check("event: x\n\ndata: a\n\n", &[("", "a")]);
        check("<html>\n<body>\n\n", &[]);
    }

    #[test]
    fn what_is_left_at_the_end_is_the_last_event() {
        check("data: a\n\ndata: b", &[("", "a"), ("", "b")]);
        check("data: a\n", &[("", "a")]);
        check("event: x\n", &[]);
    }

    #[test]
    fn lines_are_events_and_empty_ones_are_not() {
        let lines = read(Framing::Lines, &[b"{\"a\":1}\n\n{\"b\"", b":2}\r\n{}"]);
        let lines: Vec<_> = lines.iter().map(|(_, data)| data.as_str()).collect();
        assert_eq!(lines, ["{\"a\":1}", "{\"b\":2}", "{}"]);
    }

    #[test]
    fn a_line_without_end_is_given_up() {
        for start in [&b"data: "[..], b"", b"data: x\ndata: "] {
            let mut framer = Framer::new(Framing::Events);
            framer.push(start).unwrap();
            let piece = vec![b'x'; 1 << 20];
            let taken = (0..1024).take_while(|_| {
                let is_taken = framer.push(&piece).is_ok();
                assert!(framer.next().is_none());
                is_taken
            });
            assert!(taken.count() <= LONGEST >> 20);
            assert!(framer.bytes.capacity() <= 2 * LONGEST + (1 << 21));
        }
    }

    #[cfg(feature = "bedrock")]
    #[test]
    fn behind_what_cannot_be_a_length_there_is_no_message() {
        let message = [&[0, 0, 0, 16][..], &[7; 12]].concat();
        let all = [&message[..], &[0, 0, 0, 15], &message].concat();
        let whole = read(Framing::Messages, &[&all]);
        assert_eq!(whole.len(), 2);
        let bytes: Vec<&[u8]> = all.chunks(1).collect();
        assert_eq!(read(Framing::Messages, &bytes), whole);
        let (start, end) = all.split_at(25);
        assert_eq!(read(Framing::Messages, &[start, end]), whole);
    }

    proptest! {
        #[test]
        fn however_bytes_are_cut_the_events_are_the_same(
            text in "(data: ?[a-z]{0,3}|event: [a-z]|:|[a-z])?(\n|\r|\r\n)",
            more in proptest::collection::vec("(data: ?[a-z]{0,3}|event: [a-z]|: x|)(\n|\r\n)", 0..12),
            at in any::<prop::sample::Index>(),
        ) {
            let text = text + &more.concat();
            let at = at.index(text.len());
            let whole = read(Framing::Events, &[text.as_bytes()]);
            let cut = read(Framing::Events, &[&text.as_bytes()[..at], &text.as_bytes()[at..]]);
            prop_assert_eq!(whole, cut);
        }

        #[test]
        fn no_bytes_make_it_panic(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..10)) {
            for framing in [Framing::Events, Framing::Lines] {
                let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
                read(framing, &pieces);
            }
        }
    }
}
