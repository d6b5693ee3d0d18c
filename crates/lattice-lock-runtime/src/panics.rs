use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lattice_lock_errors::redact;

/// The longest part of a panic's message that is kept, in characters.
const LONGEST_MESSAGE: usize = 256;

/// Runs `f` and turns a panic into its message.
///
/// Whatever `f` captured must be dropped or still sound afterwards: callers drop it.
pub(crate) fn caught<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(message)
}

/// Runs a hook of the host's. A panic in it is logged and goes no further.
pub(crate) fn hook(name: &'static str, f: impl FnOnce()) {
    if let Err(panic) = caught(f) {
        tracing::error!(hook = name, panic, "a hook panicked");
    }
}

/// The text of a panic, redacted and cut.
pub(crate) fn message(payload: Box<dyn Any + Send>) -> String {
    let text = payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a message");
    let message = redact(text).chars().take(LONGEST_MESSAGE).collect();
    discard(payload);
    message
}

/// Drops a panic's payload, which may itself panic when dropped.
fn discard(payload: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    #[test]
    fn text_of_a_panic_is_kept_up_to_a_length() {
        assert_eq!(caught(|| panic!("no")), Err::<(), _>("no".to_string()));
        assert_eq!(
            caught(|| panic!("no {}", 2)),
            Err::<(), _>("no 2".to_string())
        );
        assert_eq!(
            caught(|| panic_any(7)),
            Err::<(), _>("a panic without a message".to_string())
        );
        let long = "é".repeat(1_000_000);
        assert_eq!(
            caught(|| panic!("{long}")),
            Err::<(), _>("é".repeat(LONGEST_MESSAGE))
        );
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_caught_too() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("again");
            }
        }
        assert!(caught(|| panic_any(Bomb)).map(|()| ()).is_err());
    }

    #[test]
    fn a_hook_that_panics_goes_no_further() {
        hook("test", || panic!("in the hook"));
    }
}
