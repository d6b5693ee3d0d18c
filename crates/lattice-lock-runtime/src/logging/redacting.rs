use std::io::{self, Write};

use lattice_lock_errors::redact;
use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;

/// Wraps a writer of log lines so that what looks like a credential does not get through.
///
/// Defence in depth, for what was logged by mistake: whatever a subscriber writes, from whichever crate, field or
/// span, is redacted as a whole line. A host with a subscriber of its own can use it there:
/// `tracing_subscriber::fmt().with_writer(Redacting::new(std::io::stderr))`.
#[derive(Clone, Copy, Debug)]
pub struct Redacting<M>(M);

impl<M> Redacting<M> {
    /// Wraps `inner`, anything that `with_writer` accepts.
    #[must_use]
    pub const fn new(inner: M) -> Self {
        Self(inner)
    }
}

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for Redacting<M> {
    type Writer = RedactingWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        RedactingWriter(self.0.make_writer())
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Self::Writer {
        RedactingWriter(self.0.make_writer_for(meta))
    }
}

/// The writer of one log line, made by [`Redacting`].
///
/// Each write is redacted by itself: `tracing-subscriber` writes a line at once. What is not UTF-8 is replaced.
#[derive(Debug)]
pub struct RedactingWriter<W>(W);

impl<W: Write> Write for RedactingWriter<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0
            .write_all(redact(&String::from_utf8_lossy(line)).as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
