use super::text::Text;

/// A word of this length in base64 is a line of a key, not of prose.
const LONG_WORD: usize = 24;

/// How many words of a header such as `Proc-Type: 4,ENCRYPTED` are taken.
const HEADER_WORDS: usize = 12;

/// Where the private key block ends whose `-----BEGIN` ends at `at`; nothing if it is another kind of block.
///
/// A block is taken to its `-----END …-----` line. One that was cut short is taken as far as its words look
/// like lines of base64, and one word beyond, which may be the last line.
pub(super) fn block_end(text: &Text<'_>, at: usize) -> Option<usize> {
    let body = label_end(text, at)?;
    let dashes = next_dashes(text, body);
    if text.has(dashes, "-----END") {
        let label = dashes + "-----END".len();
        return Some(label_end(text, label).unwrap_or(label));
    }
    Some(cut_short_end(text, body))
}

/// The end of ` RSA PRIVATE KEY-----`; the words may be separated as in a form, by `+` or `%20`.
fn label_end(text: &Text<'_>, at: usize) -> Option<usize> {
    let label = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'+' | b'%');
    let end = text.run_within(at, 48, label);
    let words = text.bytes(at..end);
    let private = words.windows(7).any(|word| word == b"PRIVATE");
    (private && text.has(end, "-----")).then_some(end + 5)
}

fn next_dashes(text: &Text<'_>, from: usize) -> usize {
    let mut at = from;
    loop {
        at = text.run(at, |byte| byte != b'-');
        let end = text.run(at, |byte| byte == b'-');
        if end - at >= 5 || end == at {
            return at;
        }
        at = end;
    }
}

fn cut_short_end(text: &Text<'_>, body: usize) -> usize {
    let mut end = after_headers(text, body);
    let mut long = true;
    while long {
        let start = after_breaks(text, end);
        let word_end = text.run(start, is_base64);
        if word_end == start {
            break;
        }
        long = word_end - start >= LONG_WORD;
        end = word_end;
    }
    end
}

/// Skips lines such as `DEK-Info: AES-128-CBC,0F…`.
fn after_headers(text: &Text<'_>, body: usize) -> usize {
    let mut end = body;
    let mut at = body;
    for _ in 0..HEADER_WORDS {
        let start = after_breaks(text, at);
        at = text.run(start, |byte| {
            is_base64(byte) || matches!(byte, b'-' | b':' | b',' | b'.')
        });
        let line = text.run_within(start, LONG_WORD, is_base64) == start + LONG_WORD;
        if at == start || line {
            break;
        }
        if text.before(at, start) == Some(b':') || text.bytes(start..at).contains(&b',') {
            end = at;
        }
    }
    end
}

/// Skips white space, real or escaped.
fn after_breaks(text: &Text<'_>, from: usize) -> usize {
    let mut at = from;
    loop {
        let blank = text.run(at, |byte| byte.is_ascii_whitespace());
        let escape = text.run(blank, |byte| byte == b'\\');
        let letter = matches!(text.at(escape), Some(b'n' | b'r' | b't'));
        if escape == blank || !letter {
            return blank;
        }
        at = escape + 1;
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}
