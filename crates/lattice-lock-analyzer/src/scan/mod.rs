mod counts;
mod detect;
mod lexer;
mod line;
mod script;
mod skim;
mod state;
mod tally;
mod window;

pub(crate) use counts::Counts;
pub(crate) use lexer::{Kind, Sink, Word, join, lex};
pub(crate) use skim::MOST_SKIMMED;
pub(crate) use state::{Learner, Scan};
pub(crate) use tally::{FULL, Hit, Hits};
pub(crate) use window::{Window, pieces};
