use std::error::Error as StdError;
use std::fmt;

use lattice_lock_errors::{Error, Severity, redact};

/// How many causes of an error are written.
const DEEPEST_CAUSE: usize = 32;

/// Writes an error to the log, at the level that its severity asks for; a critical one with `critical = true`.
///
/// Whoever handles an error calls this, once; whoever passes it on does not.
pub fn log_error(error: &Error) {
    macro_rules! write_at {
        ($level:ident, $critical:literal) => {
            tracing::$level!(
                code = error.code().as_str(),
                kind = error.kind().as_str(),
                critical = $critical,
                trace_id = error.trace_id().map(tracing::field::display),
                causes = %Causes(error),
                remedy = error.remedy(),
                "{error}"
            )
        };
    }
    let severity = error.severity();
    if severity >= Severity::Critical {
        write_at!(error, true);
    } else if severity >= Severity::Error {
        write_at!(error, false);
    } else if severity >= Severity::Warning {
        write_at!(warn, false);
    } else {
        write_at!(info, false);
    }
}

/// The causes of an error on one line, redacted.
struct Causes<'a>(&'a Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let causes = std::iter::successors(self.0.source(), |cause| StdError::source(*cause));
        for (at, cause) in causes.take(DEEPEST_CAUSE).enumerate() {
            f.write_str(if at == 0 { "" } else { ": " })?;
            f.write_str(&redact(&cause.to_string()))?;
        }
        Ok(())
    }
}
