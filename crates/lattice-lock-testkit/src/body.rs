//! Bodies that come in pieces, slowly, or not to their end.
//!
//! An end in the middle is an error of the body, which hyper answers by closing the connection; the server sees
//! which it was, and resets the socket where the script says so. The pieces before it are flushed first, so that a
//! caller has read exactly these.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame};
use tokio::time::{Sleep, sleep};

use crate::exchange::Ending;

/// A body in pieces, which may come slowly and break off after the last one.
pub(crate) struct Reply {
    pieces: VecDeque<Bytes>,
    pause: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    rest: Rest,
}

/// What comes after the pieces.
enum Rest {
    End,
    /// Nothing, for as long as the caller waits.
    Silence,
    /// Once more around the loop, so that the pieces are written before the connection breaks.
    Flush(Cut),
    Break(Cut),
}

/// The script says that the exchange breaks off here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// In the middle of the body, with an orderly end of the connection.
    Truncated,
    /// With a reset.
    Reset,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the exchange breaks off as scripted")
    }
}

impl std::error::Error for Cut {}

impl Reply {
    /// These pieces, as far as the ending lets them come, with a pause after each.
    pub(crate) fn new(pieces: Vec<Bytes>, ending: Ending, pause: Duration) -> Self {
        let length = pieces.iter().map(Bytes::len).sum::<usize>();
        let (end, rest) = match ending {
            Ending::Whole => (length, Rest::End),
            Ending::Truncated(at) => (at.unwrap_or(length / 2), Rest::Flush(Cut::Truncated)),
            Ending::Reset(at) => (at.unwrap_or(0), Rest::Flush(Cut::Reset)),
            Ending::Stalled(at) => (at, Rest::Silence),
        };
        Self {
            pieces: until(pieces, end),
            pause,
            waiting: None,
            rest,
        }
    }
}

/// The first so many bytes of some pieces.
fn until(pieces: Vec<Bytes>, mut left: usize) -> VecDeque<Bytes> {
    let mut kept = VecDeque::new();
    for piece in pieces {
        let length = piece.len().min(left);
        left -= length;
        if length > 0 {
            kept.push_back(piece.slice(..length));
        }
    }
    kept
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if let Some(waiting) = &mut self.waiting {
            ready!(waiting.as_mut().poll(context));
            self.waiting = None;
        }
        if let Some(piece) = self.pieces.pop_front() {
            if !self.pause.is_zero() {
                self.waiting = Some(Box::pin(sleep(self.pause)));
            }
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match self.rest {
            Rest::End => Poll::Ready(None),
            Rest::Silence => Poll::Pending,
            Rest::Break(cut) => Poll::Ready(Some(Err(cut))),
            Rest::Flush(cut) => {
                self.rest = Rest::Break(cut);
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}
