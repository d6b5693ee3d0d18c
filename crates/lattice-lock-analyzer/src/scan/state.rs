//! The one pass: every word, mark and line of a text is looked at once, and everything is learned from it.

use std::ops::Range;

use super::counts::Counts;
use super::detect::detect;
use super::lexer::{Kind, Sink, Word, join};
use super::line::{Line, classify};
use super::skim::fences;
use super::tally::{FULL, Tally};

use crate::patterns::{
    Action, Compiled, LANGUAGE_SETS, LONGEST_PHRASE, MOST_GAPS, WIDEST_GAP, When,
};
use crate::{CodeLanguage, Mark, PromptLanguage, Set};

/// Takes what the learned layer reads: hashes of words and of signals.
pub(crate) trait Learner {
    /// A feature of the text occurred.
    fn feature(&mut self, hash: u64);
    /// What was read so far was only context; the text itself follows.
    fn was_context(&mut self);
}

/// No lead word yet in this sentence.
const OPEN: u32 = u32::MAX;
/// How many words a denial reaches.
const DENIED: u32 = 4;
/// How many words of the ring are kept; a power of two.
const RING: usize = LONGEST_PHRASE;

/// Everything that one pass has seen so far.
#[derive(Debug)]
pub(crate) struct Scan<'s, L> {
    set: &'s Compiled,
    pub(crate) learner: L,
    pub(crate) tally: Tally,
    pub(crate) counts: Counts,
    pub(crate) marks: Set<Mark>,
    /// How many words of each set of languages were met.
    pub(crate) languages: [u16; LANGUAGE_SETS],
    pub(crate) code_languages: Set<CodeLanguage>,
    pub(crate) trace_language: Option<CodeLanguage>,
    pub(crate) code_blocks: u16,
    pub(crate) code_words: u32,
    pub(crate) log_lines: u32,
    pub(crate) text_lines: u32,
    pub(crate) code_lines: u32,
    pub(crate) items: u32,
    pub(crate) sums: u32,
    table_rows: u32,
    latex: u32,
    diff_lines: u32,
    ring: [u64; RING],
    run: u32,
    words: u32,
    lead: u32,
    sentences: u32,
    denied_from: u32,
    denied_until: u32,
    armed: [Armed; MOST_GAPS],
    zone: Zone,
    weak: bool,
    /// No line of the current text that is not blank was met yet.
    begins: bool,
    last: u64,
}

/// The first part of a phrase in two parts.
#[derive(Clone, Copy, Debug, Default)]
struct Armed {
    /// The number of its last word; 0 if it was not met.
    at: u32,
    denied: bool,
}

/// Where in the text the pass is.
#[expect(clippy::struct_excessive_bools, reason = "zones overlap in any way")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Zone {
    fence: bool,
    line: bool,
    inline: bool,
    quote: bool,
}

impl Zone {
    const fn is_code(self) -> bool {
        self.fence || self.line || self.inline
    }
}

impl<'s, L: Learner> Scan<'s, L> {
    pub(crate) fn new(set: &'s Compiled, learner: L) -> Self {
        Self {
            set,
            learner,
            tally: Tally::default(),
            counts: Counts::default(),
            marks: Set::new(),
            languages: [0; LANGUAGE_SETS],
            code_languages: Set::new(),
            trace_language: None,
            code_blocks: 0,
            code_words: 0,
            log_lines: 0,
            text_lines: 0,
            code_lines: 0,
            items: 0,
            sums: 0,
            table_rows: 0,
            latex: 0,
            diff_lines: 0,
            ring: [0; RING],
            run: 0,
            words: 0,
            lead: OPEN,
            sentences: 0,
            denied_from: 0,
            denied_until: 0,
            armed: [Armed::default(); MOST_GAPS],
            zone: Zone::default(),
            weak: false,
            begins: true,
            last: 0,
        }
    }

    /// A new text begins; what follows speaks weakly if it is only context.
    pub(crate) fn begin(&mut self, weak: bool) {
        self.weak = weak;
        self.begins = true;
        self.zone = Zone::default();
        self.sentences = 0;
        self.denied_until = 0;
        self.sentence();
        self.sentences = 0;
    }

    /// A part of the text is not read, only searched for fences.
    pub(crate) fn skim(&mut self, text: &[u8], part: Range<usize>) {
        let fence = self.zone.fence;
        self.gap();
        self.zone.fence = fence;
        fences(text, part, |rest| self.fence(rest));
    }

    /// A part of the text is left out: nothing is known about where the next piece stands.
    pub(crate) fn gap(&mut self) {
        self.zone = Zone::default();
        self.sentence();
    }

    fn sentence(&mut self) {
        self.run = 0;
        self.last = 0;
        self.denied_until = 0;
        if self.lead != OPEN {
            self.lead = OPEN;
            self.sentences += 1;
        }
    }

    fn mark(&mut self, mark: Mark) {
        self.marks.insert(mark);
    }

    fn act(&mut self, action: Action, words: u32) {
        match action {
            Action::Signal { signal, words } => self.signal(signal, u32::from(words), false),
            Action::After { signal, gap } => {
                let armed = self.armed[gap as usize % MOST_GAPS];
                let apart = self.words - armed.at;
                if armed.at != 0 && apart <= WIDEST_GAP && apart >= words {
                    self.signal(signal, apart + 1, armed.denied);
                }
            }
            Action::Opens { gap } => {
                self.armed[gap as usize % MOST_GAPS] = Armed {
                    at: self.words,
                    denied: self.is_denied(self.words),
                };
            }
            Action::Negator => {
                if self.denied_until < self.words {
                    self.denied_from = self.words;
                }
                self.denied_until = self.words + DENIED;
            }
            Action::Language(_) | Action::Filler => {}
        }
    }

    /// A signal's phrase of so many words ends with the current word; its first part may have been denied.
    fn signal(&mut self, signal: u16, words: u32, denied: bool) {
        let rule = self.set.rules[signal as usize];
        let first = self.words + 1 - words.min(self.words);
        let mut strength = if self.zone.is_code() || self.zone.quote {
            if rule.anywhere { FULL } else { 1 }
        } else {
            FULL
        };
        if rule.lead {
            if first != self.lead {
                return;
            }
            strength = if self.sentences == 0 {
                strength
            } else {
                strength / 2
            };
        }
        if self.weak {
            strength /= 2;
        }
        if !rule.firm && (denied || self.is_denied(first)) {
            strength = -(strength / 2);
        }
        if strength != 0 {
            self.speak(signal, strength);
        }
    }

    /// Whether a phrase that begins with this word is denied: "not working" is not, although a denial is in it.
    fn is_denied(&self, first: u32) -> bool {
        self.denied_from < first && first <= self.denied_until
    }

    /// A signal speaks; the learned layer hears it too.
    pub(crate) fn speak(&mut self, signal: u16, strength: i8) {
        let feature = self.set.signals[signal as usize].feature;
        self.learner
            .feature(if strength > 0 { feature } else { !feature });
        self.tally.add(signal, strength);
    }

    /// The natural language of the text.
    pub(crate) fn language(&self) -> PromptLanguage {
        detect(&self.counts, &self.set.table, &self.languages)
    }

    /// The signals that listen to the structure.
    pub(crate) fn structural(&self) -> &'s [(u16, When)] {
        &self.set.structural
    }

    /// The phrases that end with the current word; `pair` is the hash of it and the word before.
    fn phrases(&mut self, ends: u16, pair: u64) {
        let set = self.set;
        let mut lengths = ends & !3;
        while lengths != 0 {
            let words = lengths.trailing_zeros();
            lengths &= lengths - 1;
            if words > self.run {
                return;
            }
            let hash = if words == 2 {
                pair
            } else {
                self.last_words(words)
            };
            if let Some(found) = set.table.find(hash) {
                for action in found.actions {
                    self.act(*action, words);
                }
            }
        }
    }

    /// The hash of the last words, joined.
    fn last_words(&self, words: u32) -> u64 {
        let from = self.words.wrapping_sub(words - 1);
        (1..words).fold(self.at(from), |hash, i| join(hash, self.at(from + i)))
    }

    fn at(&self, word: u32) -> u64 {
        self.ring[word as usize % RING]
    }

    fn code_line(&mut self, language: Option<CodeLanguage>) {
        self.code_lines += 1;
        self.zone.line = true;
        if let Some(language) = language {
            self.code_languages.insert(language);
            if language == CodeLanguage::Sql {
                self.mark(Mark::Sql);
            }
        }
    }

    fn fence(&mut self, rest: &[u8]) {
        self.zone.fence = !self.zone.fence;
        if self.zone.fence {
            self.mark(Mark::CodeBlock);
            self.code_blocks = self.code_blocks.saturating_add(1);
            let tag = fence_tag(rest);
            if !tag.is_empty() {
                let language = CodeLanguage::of_fence(tag);
                self.code_languages.insert(language);
                match language {
                    CodeLanguage::Sql => self.mark(Mark::Sql),
                    CodeLanguage::Diff => self.mark(Mark::Diff),
                    CodeLanguage::Latex => self.mark(Mark::Math),
                    _ => {}
                }
            }
        }
    }

    /// What can only be said once the whole text was seen.
    pub(crate) fn finish(&mut self) {
        let words = self.counts.all_words();
        if words == 0 {
            self.mark(Mark::Wordless);
        }
        if self.table_rows >= 2 {
            self.mark(Mark::Table);
        }
        if self.items >= 2 {
            self.mark(Mark::List);
        }
        if self.latex >= 1
            || (self.sums >= 2 && self.code_lines == 0 && self.counts.of(Kind::NUMBER) >= 2)
        {
            self.mark(Mark::Math);
        }
        if self.diff_lines >= 2 {
            self.mark(Mark::Diff);
        }
        if self.code_lines >= 2 {
            self.mark(Mark::BareCode);
        }
        if words > 0
            && self.code_words * 10 >= words * 8
            && self.code_lines + u32::from(self.code_blocks) > 0
        {
            self.mark(Mark::OnlyCode);
        }
        if self.log_lines >= 2 {
            self.mark(Mark::Log);
        }
        if self.log_lines >= 2 && self.log_lines * 10 >= self.text_lines * 8 {
            self.mark(Mark::OnlyLog);
        }
    }
}

/// The language that a fence names.
fn fence_tag(rest: &[u8]) -> &str {
    let line = rest[..rest.len().min(80)]
        .split(|b| *b == b'\n')
        .next()
        .unwrap_or_default();
    let tag = line.trim_ascii_start().trim_ascii_end();
    let tag = tag
        .strip_prefix(b"```")
        .or_else(|| tag.strip_prefix(b"~~~"))
        .unwrap_or(tag);
    let end = tag
        .iter()
        .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'+' | b'#')))
        .unwrap_or(tag.len());
    std::str::from_utf8(&tag[..end]).unwrap_or_default()
}

impl<L: Learner> Sink for Scan<'_, L> {
    #[inline]
    fn word(&mut self, word: Word) {
        self.counts.word(word);
        self.words += 1;
        self.run += 1;
        self.ring[self.words as usize % RING] = word.hash;
        self.code_words += u32::from(self.zone.is_code());
        if word.kind() == Kind::CAMEL {
            self.mark(Mark::Identifier);
        }
        let set = self.set;
        let before = self.last;
        self.last = word.hash;
        match set.table.find(word.hash) {
            None => {
                if self.lead == OPEN {
                    self.lead = self.words;
                }
            }
            Some(found) => {
                if self.lead == OPEN && !found.is_filler() {
                    self.lead = self.words;
                }
                let met = &mut self.languages[usize::from(found.languages) % LANGUAGE_SETS];
                *met = met.wrapping_add(1);
                for action in found.actions {
                    self.act(*action, 1);
                }
                if found.ends > 1 {
                    let pair = join(before, word.hash);
                    if set.table.may_end_phrase(pair) {
                        self.phrases(found.ends, pair);
                    }
                }
            }
        }
        self.learner.feature(word.hash);
    }

    fn punctuation(&mut self, byte: u8, next: u8) {
        self.counts.marks += 1;
        match byte {
            b'.' | b'!' if next.is_ascii_whitespace() => self.sentence(),
            b'?' => {
                if !self.zone.is_code() {
                    self.mark(Mark::Question);
                }
                self.learner.feature(0x3F);
                self.sentence();
            }
            b',' | b';' | b':' | b'(' | b')' => {
                self.denied_until = 0;
                if byte == b':' && next == b'/' {
                    self.mark(Mark::Url);
                }
            }
            b'`' => {
                self.zone.inline = !self.zone.inline;
                self.mark(Mark::InlineCode);
            }
            b'"' => {
                self.zone.quote = !self.zone.quote;
                self.mark(Mark::Quote);
            }
            b'_' if next.is_ascii_alphanumeric() => self.mark(Mark::Identifier),
            b'/' if next.is_ascii_alphanumeric() => self.mark(Mark::Path),
            b'$' | b'{' if next == b'{' => self.mark(Mark::Placeholder),
            b'\\' if next.is_ascii_alphabetic() && !matches!(next, b'n' | b't' | b'r') => {
                self.latex += 1;
            }
            b'+' | b'*' | b'^' | b'=' if next.is_ascii_digit() || next == b' ' => self.sums += 1,
            _ => {}
        }
    }

    fn symbol(&mut self, symbol: char) {
        self.counts.symbols += 1;
        match symbol {
            '？' | '؟' => {
                self.mark(Mark::Question);
                self.sentence();
            }
            '。' | '！' | '．' | '।' => self.sentence(),
            '，' | '、' | '：' | '；' => self.denied_until = 0,
            '“' | '«' | '「' | '„' | '『' => {
                self.zone.quote = true;
                self.mark(Mark::Quote);
            }
            '”' | '»' | '」' | '』' => self.zone.quote = false,
            '∑' | '∫' | '√' | '≤' | '≥' | '∈' | '∀' | '∃' | '≠' | '∞' | '∂' =>
            {
                self.latex += 1;
            }
            _ => {}
        }
    }

    fn line(&mut self, rest: &[u8]) {
        self.counts.lines += 1;
        self.sentence();
        self.zone.line = false;
        self.zone.inline = false;
        self.zone.quote = false;
        let line = classify(rest);
        if matches!(rest.first(), Some(b' ' | b'\t')) {
            self.counts.indented += 1;
        }
        if line != Line::Blank {
            if self.begins && line.is_code() && !self.weak {
                self.mark(Mark::CodeFirst);
            }
            self.begins = false;
            self.text_lines += 1;
        }
        match line {
            Line::Blank | Line::Prose => {}
            Line::Fence => self.fence(rest),
            _ if self.zone.fence && !matches!(line, Line::Trace(_) | Line::Error | Line::Log) => {}
            Line::Code(language) => self.code_line(Some(language)),
            Line::AnyCode => self.code_line(None),
            Line::Diff => {
                self.diff_lines += 1;
                self.code_line(None);
            }
            Line::Table => self.table_rows += 1,
            Line::Item => self.items += 1,
            Line::Heading => self.mark(Mark::Heading),
            Line::Trace(language) => {
                self.mark(Mark::StackTrace);
                self.trace_language.get_or_insert(language);
                self.log_lines += 1;
            }
            Line::Error => {
                self.mark(Mark::ErrorMessage);
                self.log_lines += 1;
            }
            Line::Log => self.log_lines += 1,
        }
    }
}
