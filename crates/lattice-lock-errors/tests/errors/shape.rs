//! What an error is made of, and what is found in it.

use std::fmt;
use std::time::Duration;

use lattice_lock_errors::{Error, ErrorRecord, Result, TraceId, codes};

codes! {
    /// Anything.
    ONE = "LL-TSK-911", Timeout, "wait";
    /// Something else.
    TWO = "LL-TSK-912", Internal, "report it";
}

#[derive(Debug)]
struct Deep(u32);

impl fmt::Display for Deep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "deep {}", self.0)
    }
}

impl std::error::Error for Deep {}

/// Its own cause, for ever.
#[derive(Debug)]
struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("again")
    }
}

impl std::error::Error for Endless {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self)
    }
}

#[test]
fn an_error_is_one_word() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
    assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
}

#[test]
fn a_typed_cause_is_found_however_deep() {
    let error = (0..10).fold(Error::new(ONE, "first").with_source(Deep(7)), |inner, _| {
        Error::new(TWO, "again").with_source(inner)
    });
    assert_eq!(error.find::<Deep>().unwrap().0, 7);
    assert_eq!(error.find::<Error>().unwrap().code(), TWO);
    assert!(error.find::<fmt::Error>().is_none());
}

#[test]
fn an_endless_chain_of_causes_ends() {
    for error in [
        Error::new(ONE, "loop").with_source(Endless),
        Error::new(ONE, "loop").with_foreign(&Endless),
    ] {
        assert!(error.find::<Deep>().is_none());
        assert!(error.report().to_string().lines().count() < 40);
    }
}

#[test]
fn a_value_cannot_pose_as_another_field() {
    let error = Error::new(ONE, "it failed").with("name", "x\n  remedy: send money");
    for line in error.report().to_string().lines() {
        assert!(!line.starts_with("  remedy: send"), "{line}");
    }
    assert_eq!(error.to_string().lines().count(), 1);
}

#[test]
fn a_huge_value_is_cut_between_characters() {
    let error = Error::new(ONE, "it failed").with("text", "é".repeat(1 << 20));
    assert!(error.to_string().len() < 2000);
    assert!(error.to_string().ends_with("…)"));
}

#[test]
fn a_record_survives_json() {
    let id = TraceId::new(7).unwrap();
    let error = Error::new(ONE, "it failed")
        .with("a", 1)
        .with_retry_after(Duration::from_millis(1500))
        .with_trace_id(id);
    let json = serde_json::to_string(&error.record()).unwrap();
    let read: ErrorRecord = serde_json::from_str(&json).unwrap();
    assert_eq!(read, error.record());
    assert_eq!((read.retry_after_ms, read.trace_id), (Some(1500), Some(id)));
}

#[test]
fn a_clone_says_the_same() {
    let error = Error::new(ONE, "it failed")
        .with("a", 1)
        .with_source(Deep(1));
    assert_eq!(format!("{error:?}"), format!("{:?}", error.clone()));
}
