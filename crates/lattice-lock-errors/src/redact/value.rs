//! Where a value ends.

use super::text::{Text, WINDOW, is_blank, is_break, is_name, is_quote, is_soft};

/// The beginning of a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    /// Where the value itself begins, behind the quotes.
    pub(super) inner: usize,
    quotes: Quotes,
}

#[derive(Clone, Copy, Debug)]
enum Quotes {
    None,
    /// One quote behind some backslashes: `\"` in JSON within JSON.
    One {
        mark: u8,
        escapes: usize,
    },
    /// Three quotes, as in TOML, hold also line breaks.
    Three(u8),
}

impl Opening {
    /// The beginning of the value at `at`.
    pub(super) fn at(text: &Text<'_>, at: usize) -> Self {
        let prefixed = matches!(text.at(at), Some(b'b' | b'r' | b'u' | b'f' | b'B'))
            && text.at(at + 1).is_some_and(is_quote);
        let start = at + usize::from(prefixed);
        let first = text.run_within(start, 8, |byte| byte == b'\\');
        let Some(mark) = text.at(first).filter(|byte| is_quote(*byte)) else {
            return Self {
                inner: at,
                quotes: Quotes::None,
            };
        };
        let count = text.run_within(first, 3, |byte| byte == mark) - first;
        let doubled = count == 2 && text.at(first + 2).is_some_and(|byte| !is_end(byte));
        Self {
            inner: first + if count == 2 && !doubled { 1 } else { count },
            quotes: if count == 3 {
                Quotes::Three(mark)
            } else {
                let escapes = first - start;
                Quotes::One { mark, escapes }
            },
        }
    }

    pub(super) fn is_quoted(self) -> bool {
        !matches!(self.quotes, Quotes::None)
    }

    /// Where the value ends; `line` says that only the end of the line ends it.
    pub(super) fn end(self, text: &Text<'_>, line: bool) -> usize {
        match self.quotes {
            Quotes::None => open_end(text, self.inner, line),
            Quotes::One { mark, escapes } => quoted_end(text, self.inner, mark, escapes).0,
            Quotes::Three(mark) => thrice_quoted_end(text, self.inner, mark),
        }
    }
}

/// What can stand right behind a value.
pub(super) fn is_end(byte: u8) -> bool {
    is_break(byte) || is_soft(byte) || matches!(byte, b'.' | b':' | b'<')
}

/// The end of a quoted value, and of its closing quote; a line break ends a value that nothing closes.
///
/// A quote closes if it has as many backslashes as the opening one, or if those before these are a value's
/// own, in pairs.
fn quoted_end(text: &Text<'_>, inner: usize, mark: u8, escapes: usize) -> (usize, usize) {
    let mut at = inner;
    loop {
        let slashes = text.run(at, |byte| {
            byte != mark && !matches!(byte, b'\\' | b'\n' | b'\r')
        });
        let quote = text.run(slashes, |byte| byte == b'\\');
        let count = quote - slashes;
        match text.at(quote) {
            Some(byte) if byte == mark => {
                let own = count.saturating_sub(escapes);
                if own.is_multiple_of(2 * (escapes + 1)) {
                    return (slashes + own, quote + 1);
                }
                at = quote + 1;
            }
            Some(b'\n' | b'\r') | None => return (quote, quote),
            Some(_) => at = quote,
        }
    }
}

fn thrice_quoted_end(text: &Text<'_>, inner: usize, mark: u8) -> usize {
    let mut at = inner;
    loop {
        let quote = text.run(at, |byte| byte != mark);
        let end = text.run_within(quote, 3, |byte| byte == mark);
        if end - quote == 3 || end == quote {
            return quote;
        }
        at = end;
    }
}

/// The end of a value that no quotes hold together.
pub(super) fn open_end(text: &Text<'_>, from: usize, line: bool) -> usize {
    let mut open = Open {
        text,
        from,
        line,
        depth: 0,
        pending: None,
    };
    let mut at = from;
    loop {
        match open.step(at) {
            Step::To(next) => at = next,
            Step::End(end) => return end,
        }
    }
}

struct Open<'a, 't> {
    text: &'a Text<'t>,
    from: usize,
    line: bool,
    /// How many brackets are open: what they hold belongs to the value, as in `Some("…")`.
    depth: usize,
    /// A soft byte that has only a name behind it so far. It ends the value if that is another pair, as in
    /// `token=…,user=…`.
    pending: Option<usize>,
}

enum Step {
    To(usize),
    End(usize),
}

impl Open<'_, '_> {
    fn step(&mut self, at: usize) -> Step {
        let Some(byte) = self.text.at(at) else {
            return Step::End(at);
        };
        match byte {
            byte if is_blank(byte) => self.blank(at),
            byte if is_break(byte) => Step::End(at),
            b'[' if self.text.has_marker(at) => Step::To(at + super::MARKER.len()),
            b'(' | b'[' | b'{' if !self.line => self.deeper(at),
            byte if is_quote(byte) => self.quote(at, byte),
            byte if is_soft(byte) => self.soft(at, byte),
            b'=' | b':' | b'.' | b'<' => self.punctuation(at, byte),
            byte if is_name(byte) => Step::To(at + 1),
            _ => self.solid(at),
        }
    }

    fn solid(&mut self, at: usize) -> Step {
        self.pending = None;
        Step::To(at + 1)
    }

    fn deeper(&mut self, at: usize) -> Step {
        self.depth += 1;
        self.solid(at)
    }

    fn blank(&mut self, at: usize) -> Step {
        let within = self.line || self.depth > 0;
        if within || (self.text.at(at + 1) == Some(b'{') && self.is_type_name(at)) {
            self.solid(at)
        } else {
            Step::End(at)
        }
    }

    /// Whether what was read so far is a type's name, as in `Token { value: … }`.
    fn is_type_name(&self, end: usize) -> bool {
        let name = self.text.run_within(self.from, WINDOW, is_name);
        name == end
            && self
                .text
                .at(self.from)
                .is_some_and(|byte| byte.is_ascii_uppercase())
    }

    fn quote(&mut self, at: usize, mark: u8) -> Step {
        let parameter = self.line && self.text.before(at, self.from) == Some(b'=');
        if self.depth == 0 && !parameter {
            return self.soft(at, mark);
        }
        let escapes = at - self.text.run_back(at, self.from, |byte| byte == b'\\');
        let (_, end) = quoted_end(self.text, at + 1, mark, escapes);
        self.pending = None;
        Step::To(end)
    }

    fn soft(&mut self, at: usize, byte: u8) -> Step {
        if self.depth > 0 {
            self.depth -= usize::from(matches!(byte, b')' | b']' | b'}'));
            return self.solid(at);
        }
        if self.line && !is_quote(byte) {
            let escaped_break = matches!(self.text.at(at + 1), Some(b'n' | b'r'));
            let ends = byte == b'\\' && (escaped_break || self.is_last(at));
            return if ends { Step::End(at) } else { self.solid(at) };
        }
        if self.is_last(at) {
            return Step::End(at);
        }
        self.pending = Some(at);
        Step::To(at + 1)
    }

    fn punctuation(&mut self, at: usize, byte: u8) -> Step {
        let outside = self.depth == 0 && !self.line;
        match self.pending {
            Some(soft) if outside && matches!(byte, b'=' | b':') && at > soft + 1 => {
                Step::End(soft)
            }
            _ if outside && byte != b'=' && self.is_last(at) => Step::End(at),
            _ if outside && byte == b'<' && self.text.at(at + 1) == Some(b'/') => Step::End(at),
            _ => self.solid(at),
        }
    }

    fn is_last(&self, at: usize) -> bool {
        self.text
            .at(at + 1)
            .is_none_or(|next| is_break(next) || is_soft(next))
    }
}
