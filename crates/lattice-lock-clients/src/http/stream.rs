//! A reply that comes piece by piece over HTTP.
//!
//! Bytes are asked of the network only when the next piece is asked for and no event is whole yet: whoever reads
//! slowly slows the provider down, and nothing piles up here. After the wire's last word the end of the
//! connection's message is waited for a moment, so that the connection can be used again; where it does not come,
//! the connection is given up and the reply stands. An error that comes before anything was said is the error of
//! the attempt; one that comes later is a cut stream, and what had come is kept for whoever must book it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use futures_core::Stream;
use http_body::Body as _;
use lattice_lock_errors::{Error, Result, Secret};
use lattice_lock_providers::ModelName;
use reqwest::Body;
use tokio::time::{Sleep, sleep};

use super::answer::{Head, Unread};
use super::client::Line;
use super::failure::Witness;
use super::framer::Framer;
use crate::stream::Pieces;
use crate::wire::{Heading, Reader, Unreadable};
use crate::{ChatReply, Delta};

/// A reply on its way.
#[derive(Debug)]
pub(super) struct Arriving {
    pub(super) line: Arc<Line>,
    pub(super) own: Option<Secret<String>>,
    pub(super) model: ModelName,
    pub(super) head: Head,
    pub(super) heading: Heading,
    pub(super) started: Instant,
    /// What came, where it is to be kept.
    pub(super) raw: Option<Vec<u8>>,
}

/// Reads a reply piece by piece, no faster than it is asked to.
///
/// What it holds is bounded: one event in the framer, one reply in the reader, each of at most 32 MiB, and as much
/// of the raw bytes where they are to be kept.
pub(super) struct Arrival {
    about: Arriving,
    body: Body,
    framer: Framer,
    reader: Box<dyn Reader>,
    /// How many bytes have come.
    bytes: usize,
    /// Ends no later than when nothing has come for too long. It is moved only when it ends: most pieces come long
    /// before, and moving it takes longer than reading one.
    idle: Pin<Box<Sleep>>,
    idle_timeout: Duration,
    /// While something is waited for. What is there already needs no clock, and a reader's own pause is no silence of
    /// the provider's.
    silence: Option<Silence>,
    is_over: bool,
    end: End,
    /// What went wrong, to be told after everything that came before it.
    failed: Option<Error>,
}

/// A wait for more.
struct Silence {
    since: tokio::time::Instant,
    is_too_long: bool,
}

/// How far the wait for the end of the connection's message has come.
enum End {
    /// It was not asked for.
    Ahead,
    /// It was not there; the connection's own task has a turn.
    Asked,
    /// It is waited for.
    Awaited,
}

/// The longest stream that is kept as it came, in bytes.
const LONGEST_RAW: usize = 32 * 1024 * 1024;

/// How long the end of a connection's message is waited for after the last word of its content.
const LINGER: Duration = Duration::from_millis(50);

impl Arriving {
    fn witness(&self) -> Witness<'_> {
        self.line.witness(self.own.as_ref())
    }

    fn keep(&mut self, bytes: &[u8]) {
        let has_room = |raw: &Vec<u8>| raw.len() + bytes.len() <= LONGEST_RAW;
        self.raw = self.raw.take().filter(has_room);
        if let Some(raw) = &mut self.raw {
            raw.extend_from_slice(bytes);
        }
    }

    fn failed(&self, error: Error) -> Error {
        error.with("model", &self.model)
    }
}

impl Arrival {
    pub(super) fn new(about: Arriving, body: Body, idle_timeout: Duration) -> Self {
        let protocol = about.line.protocol;
        Self {
            framer: Framer::new(protocol.framing()),
            reader: protocol.reader(&about.line.provider),
            about,
            body,
            bytes: 0,
            idle: Box::pin(sleep(idle_timeout)),
            idle_timeout,
            silence: None,
            is_over: false,
            end: End::Ahead,
            failed: None,
        }
    }

    fn reply(&self) -> ChatReply {
        let said = self.reader.said();
        let reply = said.into_reply(&self.about.model, self.about.heading.clone());
        let reply = reply.with_latency(self.about.started.elapsed());
        reply.with_raw(self.about.raw.clone())
    }

    /// Reads what is there, until there is something to tell.
    fn advance(&mut self) -> Result<(), Unreadable> {
        while !self.is_over {
            let Some(event) = self.framer.next() else {
                break;
            };
            let taken = self.reader.take(event);
            self.is_over = self.reader.is_over();
            taken?;
        }
        Ok(())
    }

    /// The connection has said everything.
    ///
    /// A wire that has no last word, or whose servers forget it, says itself where it may end; any other has to have
    /// said it.
    fn close(&mut self) -> Result<(), Unreadable> {
        if let Some(event) = self.framer.last() {
            self.reader.take(event)?;
        }
        if self.reader.is_whole() {
            self.is_over = true;
            return Ok(());
        }
        // A page that is no stream at all has no event in it.
        let is_stream = self.reader.has_begun() || self.about.head.is_of("text/event-stream");
        Err(if is_stream || self.bytes == 0 {
            Unreadable::Cut
        } else {
            Unreadable::Malformed("the body is no stream of the wire")
        })
    }

    fn unreadable(&self, why: &Unreadable) -> Error {
        let has_begun = self.reader.has_begun();
        let witness = self.about.witness();
        let error = witness.unreadable(&self.about.head, self.bytes, why, has_begun);
        self.about.failed(error)
    }

    fn unread(&self, unread: &Unread) -> Error {
        let error = self.about.witness().unread(&self.about.head, unread);
        self.about.failed(error)
    }

    /// The next bytes; `None` at the end.
    fn poll_bytes(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<()>>> {
        let frame = match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                ready!(self.poll_idle(context));
                let head = Some(&self.about.head);
                let what = "nothing more of the reply came";
                let error = self.about.witness().late(head, what, self.idle_timeout);
                return Poll::Ready(Err(self.about.failed(error)));
            }
        };
        self.silence = None;
        let bytes = match frame {
            None => return Poll::Ready(Ok(None)),
            Some(Err(error)) => return Poll::Ready(Err(self.unread(&error.into()))),
            Some(Ok(frame)) => frame.into_data().unwrap_or_default(),
        };
        self.bytes = self.bytes.saturating_add(bytes.len());
        self.about.keep(&bytes);
        let pushed = self.framer.push(&bytes);
        Poll::Ready(match pushed {
            Ok(()) => Ok(Some(())),
            Err(_) => Err(self.unread(&Unread::too_long())),
        })
    }

    /// Ends when nothing has come for too long. Then the connection's task has one more turn: if the thread was busy, what
    /// came meanwhile is not read yet.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let silence = self.silence.get_or_insert_with(|| Silence {
            since: tokio::time::Instant::now(),
            is_too_long: false,
        });
        loop {
            ready!(self.idle.as_mut().poll(context));
            let deadline = silence.since + self.idle_timeout;
            if deadline > self.idle.deadline() {
                self.idle.as_mut().reset(deadline);
            } else if std::mem::replace(&mut silence.is_too_long, true) {
                return Poll::Ready(());
            } else {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    /// Waits for the end of the body, without which the connection cannot be used again; not for long, since
    /// everything was said.
    ///
    /// Mostly it is there as soon as the connection's task has had a turn. A timer that is sooner than all others
    /// would wake the runtime from its sleep, which takes longer than reading a piece, and so it is not set before.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => break,
            }
        }
        match self.end {
            End::Ahead => {
                self.end = End::Asked;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            End::Asked => {
                self.end = End::Awaited;
                let deadline = tokio::time::Instant::now() + LINGER;
                self.idle.as_mut().reset(deadline);
            }
            End::Awaited => {}
        }
        self.idle.as_mut().poll(context)
    }
}

impl Stream for Arrival {
    type Item = Result<Delta>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(delta) = this.reader.news() {
                return Poll::Ready(Some(Ok(delta)));
            }
            if let Some(error) = this.failed.take() {
                return Poll::Ready(Some(Err(error)));
            }
            if this.is_over {
                ready!(this.poll_end(context));
                return Poll::Ready(Some(Ok(Delta::Done(Box::new(this.reply())))));
            }
            let read = match ready!(this.poll_bytes(context)) {
                Ok(Some(())) => this.advance(),
                Ok(None) => this.close(),
                Err(error) => return Poll::Ready(Some(Err(error))),
            };
            this.failed = read.err().map(|why| this.unreadable(&why));
        }
    }
}

impl Pieces for Arrival {
    fn so_far(&self) -> Option<ChatReply> {
        Some(self.reply())
    }
}
