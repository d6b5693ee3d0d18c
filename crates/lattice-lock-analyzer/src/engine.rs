//! One analysis from text to conclusions, without cache and without locks.

use crate::Attachment;
use crate::input::{Content, Input, Message, Role};
use crate::patterns::{Compiled, When};
use crate::scan::{FULL, Learner, MOST_SKIMMED, Scan, Window, lex, pieces};
use crate::set::Set;
use crate::task::TASKS;

/// Ten points in the unit of [`Read::points`].
pub(crate) const TEN_POINTS: i32 = 160;

/// What reading an input gave.
#[derive(Debug)]
pub(crate) struct Read<'s, L> {
    pub(crate) scan: Scan<'s, L>,
    /// The bytes of the whole input.
    pub(crate) total: u64,
    pub(crate) attachments: Set<Attachment>,
    /// The rules' votes, in sixteenths of a point.
    pub(crate) points: [i32; TASKS],
    /// How many messages the input has.
    pub(crate) messages: usize,
}

/// Reads the input once.
pub(crate) fn read<'s, L: Learner>(
    set: &'s Compiled,
    input: &Input<'_>,
    learner: L,
) -> Read<'s, L> {
    let mut scan = Scan::new(set, learner);
    let mut attachments = input.attachments;
    let (total, messages) = match input.content {
        Content::Prompt(text) => {
            text_into(&mut scan, set, text, Window::MAIN, false);
            (text.len() as u64, 1)
        }
        Content::Messages(messages) => {
            for message in messages {
                attachments = attachments.union(message.attachments);
            }
            conversation(&mut scan, set, messages);
            let total = messages
                .iter()
                .map(|message| message.text.len() as u64)
                .sum();
            (total, messages.len())
        }
    };
    scan.finish();
    structure(&mut scan, attachments);
    let points = points(&scan, set);
    Read {
        scan,
        total,
        attachments,
        points,
        messages,
    }
}

/// How many earlier messages are read: a long history says little about what is asked now.
const HISTORY: usize = 4;

fn conversation<L: Learner>(scan: &mut Scan<'_, L>, set: &Compiled, messages: &[Message<'_>]) {
    let Some(last) = last_asked(messages) else {
        return;
    };
    for (at, message) in messages.iter().enumerate() {
        let is_near = at + HISTORY >= last || (at == 0 && message.role == Role::System);
        if at != last && is_near {
            text_into(scan, set, message.text, Window::CONTEXT, true);
        }
    }
    scan.learner.was_context();
    text_into(scan, set, messages[last].text, Window::MAIN, false);
}

/// The message that asks: the user's last one, or else the last of all.
pub(crate) fn last_asked(messages: &[Message<'_>]) -> Option<usize> {
    let is_user = |message: &Message<'_>| message.role == Role::User;
    messages
        .iter()
        .rposition(is_user)
        .or(messages.len().checked_sub(1))
}

fn text_into<L: Learner>(
    scan: &mut Scan<'_, L>,
    set: &Compiled,
    text: &str,
    window: Window,
    is_context: bool,
) {
    scan.begin(is_context);
    let (mut end, mut skimmed) = (0, 0);
    for (at, part) in pieces(text, window).enumerate() {
        if at > 0 {
            skimmed += part.start.saturating_sub(end);
            if skimmed <= MOST_SKIMMED && !is_context {
                scan.skim(text.as_bytes(), end..part.start);
            } else {
                scan.gap();
            }
        }
        end = part.end;
        let piece = text.get(part).unwrap_or_default();
        scan.counts.read(piece.len());
        lex(piece, scan);
        if !is_context {
            set.regexes
                .each_match(piece, |signal| scan.speak(signal, FULL));
        }
    }
}

/// Lets the signals speak that listen to the structure instead of words.
fn structure<L: Learner>(scan: &mut Scan<'_, L>, attachments: Set<Attachment>) {
    for signal in scan.structural() {
        let holds = match signal.1 {
            When::Mark(mark) => scan.marks.contains(mark),
            When::Attachment(attachment) => attachments.contains(attachment),
        };
        if holds {
            scan.speak(signal.0, FULL);
        }
    }
}

fn points<L: Learner>(scan: &Scan<'_, L>, set: &Compiled) -> [i32; TASKS] {
    let mut points = [0; TASKS];
    for hit in scan.tally.hits() {
        for (sum, vote) in points
            .iter_mut()
            .zip(set.signals[hit.signal as usize].head.votes)
        {
            *sum += hit.vote(vote);
        }
    }
    points
}
