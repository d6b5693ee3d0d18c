//! What the beginning of a line says about the line.

use crate::CodeLanguage;

/// What a line is, as its first bytes show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Blank,
    Prose,
    Fence,
    Code(CodeLanguage),
    /// Code of a language that its beginning does not tell.
    AnyCode,
    Diff,
    Table,
    Item,
    Heading,
    Trace(CodeLanguage),
    Error,
    Log,
}

impl Line {
    /// Whether it is code, other than a query or a patch.
    pub(crate) const fn is_code(self) -> bool {
        match self {
            Self::Code(language) => !matches!(language, CodeLanguage::Sql),
            Self::AnyCode => true,
            _ => false,
        }
    }
}

/// How far into a line the search for signs of code goes.
const REACH: usize = 160;

/// What the line at the beginning of `rest` is.
pub(crate) fn classify(rest: &[u8]) -> Line {
    let indent = rest
        .iter()
        .take(64)
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count();
    let line = &rest[indent..];
    let Some(first) = line.first() else {
        return Line::Blank;
    };
    match first {
        b'\n' | b'\r' => Line::Blank,
        b'`' if line.starts_with(b"```") => Line::Fence,
        b'~' if line.starts_with(b"~~~") => Line::Fence,
        b'|' => Line::Table,
        b'#' => hash(line),
        b'0'..=b'9' => digit(line),
        b'[' => bracket(line),
        b'-' | b'+' | b'*' | b'@' => mark(line, indent),
        b'{' | b'}' | b')' | b']' | b';' | b'/' | b'<' | b'>' | b'$' => sign(line),
        _ => word(line, indent),
    }
}

fn hash(line: &[u8]) -> Line {
    match line {
        [b'#', b'!', b'/', ..] => Line::Code(CodeLanguage::Shell),
        [b'#', b'[', ..] => Line::Code(CodeLanguage::Rust),
        [b'#', b'0'..=b'9', b' ', ..] | [b'#', b'0'..=b'9', b'0'..=b'9', b' ', ..] => {
            if has(line, b"0x") {
                Line::Trace(CodeLanguage::C)
            } else {
                Line::Prose
            }
        }
        _ if line.starts_with(b"#include") || line.starts_with(b"#define") => {
            Line::Code(CodeLanguage::C)
        }
        [b'#', b' ' | b'#', ..] => Line::Heading,
        _ => Line::Prose,
    }
}

fn digit(line: &[u8]) -> Line {
    match line {
        [b'0'..=b'9', b'.' | b')', b' ', ..]
        | [b'0'..=b'9', b'0'..=b'9', b'.' | b')', b' ', ..] => Line::Item,
        _ if is_time(line) => Line::Log,
        _ => Line::Prose,
    }
}

/// Whether the line begins with a date or a time of day.
fn is_time(line: &[u8]) -> bool {
    let digits = |places: &[usize]| places.iter().all(|at| line[*at].is_ascii_digit());
    match line {
        [_, _, _, _, b'-' | b'/', _, _, b'-' | b'/', _, ..] => digits(&[0, 1, 2, 3, 5, 8]),
        [_, _, b':', _, _, b':', _, ..] => digits(&[0, 1, 3, 4, 6]),
        _ => false,
    }
}

fn bracket(line: &[u8]) -> Line {
    let levels: [&[u8]; 6] = [
        b"[INFO", b"[WARN", b"[ERROR", b"[DEBUG", b"[error", b"[info",
    ];
    if is_time(&line[1..]) || levels.iter().any(|level| line.starts_with(level)) {
        Line::Log
    } else {
        Line::Prose
    }
}

#[expect(clippy::match_same_arms, reason = "the order of the arms decides")]
fn mark(line: &[u8], indent: usize) -> Line {
    match line {
        [b'-' | b'+', b' ', b' ', ..] if has_any(line, b"(){};=<>") => Line::Diff,
        [b'-' | b'*' | b'+', b' ', ..] => Line::Item,
        [b'@', b'@', b' ', ..] | [b'+', b'+', b'+', b' ', ..] => Line::Diff,
        [b'-', b'-', b'-', b' ', b'a' | b'/', ..] => Line::Diff,
        [b'+' | b'-', next, ..]
            if indent == 0 && !matches!(next, b'+' | b'-' | b'0'..=b'9' | b'\n') =>
        {
            if has_any(line, b"(){};=<>") {
                Line::Diff
            } else {
                Line::Prose
            }
        }
        [b'@', b'a'..=b'z' | b'A'..=b'Z', ..] if has_any(line, b"(.") || !has(line, b" ") => {
            Line::AnyCode
        }
        _ => Line::Prose,
    }
}

#[expect(clippy::match_same_arms, reason = "the order of the arms decides")]
fn sign(line: &[u8]) -> Line {
    match line {
        [b'{' | b'}' | b')' | b']' | b';', ..] => Line::AnyCode,
        [b'/', b'/' | b'*', ..] => Line::AnyCode,
        [b'<', b'?', b'p', b'h', b'p', ..] => Line::Code(CodeLanguage::Php),
        [b'<', b'/' | b'!' | b'a'..=b'z' | b'A'..=b'Z', ..] if has(line, b">") => {
            Line::Code(CodeLanguage::Html)
        }
        [b'>', b'>', b'>', b' ', ..] => Line::Code(CodeLanguage::Python),
        [b'$', b' ', ..] => Line::Code(CodeLanguage::Shell),
        _ => Line::Prose,
    }
}

/// What a line that begins so may be.
struct Opening {
    text: &'static [u8],
    line: Line,
    /// The line must also hold one of these bytes, unless there are none.
    with: &'static [u8],
}

const fn opening(text: &'static [u8], line: Line, with: &'static [u8]) -> Opening {
    Opening { text, line, with }
}

const CALL: &[u8] = b"(={;";

/// Grouped by the first byte, `a` to `z`: only the group of the line's own first byte is looked at.
const SMALL: [&[Opening]; 26] = [
    &[
        opening(b"at ", Line::Trace(CodeLanguage::Java), b"\x05"),
        opening(b"async def ", Line::Code(CodeLanguage::Python), b"("),
        opening(
            b"async function",
            Line::Code(CodeLanguage::JavaScript),
            b"(",
        ),
        opening(b"assert ", Line::AnyCode, b"=(<>"),
    ],
    &[],
    &[
        opening(b"class ", Line::AnyCode, b":{("),
        opening(b"const ", Line::Code(CodeLanguage::JavaScript), b"="),
        opening(b"console.", Line::Code(CodeLanguage::JavaScript), b"("),
        opening(b"case ", Line::AnyCode, b":"),
    ],
    &[
        opening(b"def ", Line::Code(CodeLanguage::Python), b"(:"),
        opening(b"defmodule ", Line::Code(CodeLanguage::Elixir), b""),
        opening(b"diff --git", Line::Diff, b""),
    ],
    &[
        opening(b"error[E", Line::Error, b""),
        opening(b"error: ", Line::Error, b""),
        opening(b"elif ", Line::Code(CodeLanguage::Python), b":"),
        opening(b"else:", Line::Code(CodeLanguage::Python), b""),
        opening(b"export ", Line::Code(CodeLanguage::TypeScript), b"={("),
        opening(b"enum ", Line::AnyCode, b"{"),
        opening(b"end\n", Line::Code(CodeLanguage::Ruby), b""),
    ],
    &[
        opening(b"fn ", Line::Code(CodeLanguage::Rust), b"("),
        opening(b"func ", Line::Code(CodeLanguage::Go), b"("),
        opening(b"fun ", Line::Code(CodeLanguage::Kotlin), b"("),
        opening(b"function ", Line::Code(CodeLanguage::JavaScript), b"("),
        opening(b"for (", Line::AnyCode, b""),
        opening(b"for ", Line::Code(CodeLanguage::Python), b":"),
        opening(b"from ", Line::Code(CodeLanguage::Python), b"\x01"),
        opening(b"fatal: ", Line::Error, b""),
    ],
    &[opening(b"goroutine ", Line::Trace(CodeLanguage::Go), b"[")],
    &[],
    &[
        opening(b"import ", Line::AnyCode, b"\x02"),
        opening(b"if (", Line::AnyCode, b""),
        opening(b"if ", Line::Code(CodeLanguage::Python), b"\x03"),
        opening(b"impl", Line::Code(CodeLanguage::Rust), b"{"),
        opening(b"int ", Line::Code(CodeLanguage::C), CALL),
        opening(b"interface ", Line::Code(CodeLanguage::TypeScript), b"{"),
    ],
    &[],
    &[],
    &[
        opening(b"let ", Line::Code(CodeLanguage::Rust), b"="),
        opening(b"local ", Line::Code(CodeLanguage::Lua), b"="),
    ],
    &[
        opening(b"mod ", Line::Code(CodeLanguage::Rust), b"{;"),
        opening(b"match ", Line::Code(CodeLanguage::Rust), b"{"),
    ],
    &[opening(
        b"namespace ",
        Line::Code(CodeLanguage::CSharp),
        b"{;",
    )],
    &[],
    &[
        opening(b"pub ", Line::Code(CodeLanguage::Rust), b"({;:<"),
        opening(b"public ", Line::Code(CodeLanguage::Java), b"({;"),
        opening(b"private ", Line::Code(CodeLanguage::Java), b"({;"),
        opening(b"protected ", Line::Code(CodeLanguage::Java), b"({;"),
        opening(b"package ", Line::Code(CodeLanguage::Java), b"\x02"),
        opening(b"print(", Line::Code(CodeLanguage::Python), b""),
        opening(b"printf(", Line::Code(CodeLanguage::C), b""),
    ],
    &[],
    &[
        opening(b"return ", Line::AnyCode, b";(=+*[{\""),
        opening(b"return;", Line::AnyCode, b""),
        opening(b"require", Line::Code(CodeLanguage::Ruby), b"'\"("),
    ],
    &[
        opening(b"static ", Line::AnyCode, CALL),
        opening(b"struct ", Line::AnyCode, b"{"),
        opening(b"select ", Line::Code(CodeLanguage::Sql), b"\x04"),
        opening(b"self.", Line::Code(CodeLanguage::Python), b"(="),
        opening(b"std::", Line::Code(CodeLanguage::Cpp), b""),
        opening(b"sudo ", Line::Code(CodeLanguage::Shell), b""),
    ],
    &[
        opening(b"thread '", Line::Trace(CodeLanguage::Rust), b""),
        opening(b"try:", Line::Code(CodeLanguage::Python), b""),
        opening(b"try {", Line::AnyCode, b""),
        opening(b"type ", Line::AnyCode, b"={"),
        opening(b"template<", Line::Code(CodeLanguage::Cpp), b""),
        opening(b"throw ", Line::AnyCode, b";("),
    ],
    &[
        opening(b"use ", Line::Code(CodeLanguage::Rust), b"\x02"),
        opening(b"using ", Line::Code(CodeLanguage::CSharp), b";"),
    ],
    &[
        opening(b"var ", Line::Code(CodeLanguage::JavaScript), b"="),
        opening(b"val ", Line::Code(CodeLanguage::Kotlin), b"="),
        opening(b"void ", Line::Code(CodeLanguage::C), b"("),
    ],
    &[
        opening(b"while (", Line::AnyCode, b""),
        opening(b"while ", Line::Code(CodeLanguage::Python), b"\x03"),
        opening(b"with ", Line::Code(CodeLanguage::Python), b"\x03"),
    ],
    &[],
    &[],
    &[],
];

/// The same for `A` to `Z`.
const CAPITAL: &[Opening] = &[
    opening(b"Traceback (most", Line::Trace(CodeLanguage::Python), b""),
    opening(b"File \"", Line::Trace(CodeLanguage::Python), b""),
    opening(b"Exception in thread", Line::Trace(CodeLanguage::Java), b""),
    opening(b"Caused by:", Line::Trace(CodeLanguage::Java), b""),
    opening(
        b"Unhandled exception",
        Line::Trace(CodeLanguage::CSharp),
        b"",
    ),
    opening(b"SELECT ", Line::Code(CodeLanguage::Sql), b""),
    opening(b"INSERT INTO", Line::Code(CodeLanguage::Sql), b""),
    opening(b"UPDATE ", Line::Code(CodeLanguage::Sql), b"="),
    opening(b"DELETE FROM", Line::Code(CodeLanguage::Sql), b""),
    opening(b"CREATE ", Line::Code(CodeLanguage::Sql), b""),
    opening(b"ALTER TABLE", Line::Code(CodeLanguage::Sql), b""),
    opening(b"FROM ", Line::Code(CodeLanguage::Dockerfile), b""),
    opening(b"RUN ", Line::Code(CodeLanguage::Dockerfile), b""),
    opening(b"INFO", Line::Log, b""),
    opening(b"WARN", Line::Log, b""),
    opening(b"ERROR", Line::Log, b""),
    opening(b"DEBUG", Line::Log, b""),
    opening(b"Error: ", Line::Error, b""),
    opening(b"ERROR: ", Line::Error, b""),
    opening(b"TypeError", Line::Error, b""),
    opening(b"ValueError", Line::Error, b""),
    opening(b"KeyError", Line::Error, b""),
    opening(b"ReferenceError", Line::Error, b""),
    opening(b"SyntaxError", Line::Error, b""),
];

fn word(line: &[u8], indent: usize) -> Line {
    let openings = match line[0] {
        first @ b'a'..=b'z' => SMALL[(first - b'a') as usize],
        b'A'..=b'Z' => CAPITAL,
        _ => return Line::Prose,
    };
    let found = openings
        .iter()
        .find(|o| line.get(1) == o.text.get(1) && line.starts_with(o.text) && o.holds(line));
    match found {
        Some(opening) => opening.line,
        None if indent >= 4 && has_any(line, b"=;{}()") => Line::AnyCode,
        None => Line::Prose,
    }
}

impl Opening {
    fn holds(&self, line: &[u8]) -> bool {
        match self.with {
            [] => true,
            [1] => has(line, b" import "),
            [2] => is_path(&line[self.text.len()..]),
            [3] => ends_with(line, b':'),
            [4] => has(line, b" from "),
            [5] => is_frame(&line[self.text.len()..]),
            with => has_any(line, with),
        }
    }
}

/// Whether what follows `import`, `use` or `package` is a path and not the next word of a sentence.
fn is_path(rest: &[u8]) -> bool {
    let line = this_line(rest);
    if line.iter().any(|b| matches!(b, b'{' | b'"' | b'\'' | b';'))
        || has(rest, b"::")
        || has(rest, b" as ")
    {
        return true;
    }
    let words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .count();
    words == 1
}

/// Whether what follows `at` is a function's qualified name.
fn is_frame(rest: &[u8]) -> bool {
    let name = this_line(rest)
        .split(|b| *b == b' ')
        .next()
        .unwrap_or_default();
    name.iter().rev().skip(1).any(|b| matches!(b, b'.' | b'('))
}

fn this_line(rest: &[u8]) -> &[u8] {
    let reach = &rest[..rest.len().min(REACH)];
    reach.split(|b| *b == b'\n').next().unwrap_or_default()
}

fn ends_with(line: &[u8], end: u8) -> bool {
    this_line(line).trim_ascii_end().last() == Some(&end)
}

fn has_any(line: &[u8], signs: &[u8]) -> bool {
    this_line(line).iter().any(|b| signs.contains(b))
}

fn has(line: &[u8], part: &[u8]) -> bool {
    let line = this_line(line);
    let begins = |at: &usize| line[*at] == part[0] && line[*at..].starts_with(part);
    (0..line.len()).any(|at| begins(&at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Line) {
        assert_eq!(classify(line.as_bytes()), expected, "{line}");
    }

    #[test]
    fn code_is_told_from_prose_that_begins_alike() {
        check("from typing import List", Line::Code(CodeLanguage::Python));
        check("from the image, tell me who it is", Line::Prose);
        check("import os", Line::AnyCode);
        check("import the data and plot it", Line::Prose);
        check("use std::fmt;", Line::Code(CodeLanguage::Rust));
        check("use async/await instead please", Line::Prose);
        check("let x = 3;", Line::Code(CodeLanguage::Rust));
        check("let me know when you are done", Line::Prose);
        check("return the highest price", Line::Prose);
        check("    return a + b", Line::AnyCode);
        check("class of 1999 reunion speech", Line::Prose);
        check("if it rains, what then?", Line::Prose);
        check("if x > 3:", Line::Code(CodeLanguage::Python));
        check("SELECT id FROM users", Line::Code(CodeLanguage::Sql));
        check("select a nice name for my cat", Line::Prose);
    }

    #[test]
    fn traces_logs_and_diffs_are_seen() {
        check(
            "Traceback (most recent call last):",
            Line::Trace(CodeLanguage::Python),
        );
        check(
            "    at com.acme.Main.run(Main.java:12)",
            Line::Trace(CodeLanguage::Java),
        );
        check("at the end of the day (as they say)", Line::Prose);
        check(
            "thread 'main' panicked at src/main.rs:3:5:",
            Line::Trace(CodeLanguage::Rust),
        );
        check("#1  0x00007ffff in main ()", Line::Trace(CodeLanguage::C));
        check("2024-05-01 12:00:00 starting", Line::Log);
        check("12:00:01 INFO up", Line::Log);
        check("[2024-05-01T12:00:00Z] up", Line::Log);
        check("@@ -1,3 +1,4 @@", Line::Diff);
        check("+let y = f(x);", Line::Diff);
        check("+    let y = f(x);", Line::Diff);
        check("-5 degrees outside", Line::Prose);
    }

    #[test]
    fn structure_of_a_text_is_seen() {
        check("", Line::Blank);
        check("   \n", Line::Blank);
        check("```rust", Line::Fence);
        check("| a | b |", Line::Table);
        check("- an item", Line::Item);
        check("12) an item", Line::Item);
        check("## Heading", Line::Heading);
        check("1999 was a good year", Line::Prose);
    }
}
