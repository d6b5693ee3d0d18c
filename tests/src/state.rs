use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One value that the whole process shares: how to show it, and how to put it back.
pub struct ProcessDefault {
    name: &'static str,
    show: Box<dyn Fn() -> String + Send + Sync>,
    reset: Box<dyn Fn() + Send + Sync>,
}

impl ProcessDefault {
    /// Declares a default. `show` must not initialise it, and what it returns must differ whenever the
    /// default does.
    pub fn new(
        name: &'static str,
        show: impl Fn() -> String + Send + Sync + 'static,
        reset: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        Self {
            name,
            show: Box::new(show),
            reset: Box::new(reset),
        }
    }
}

impl fmt::Debug for ProcessDefault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessDefault")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The process-wide defaults, as they were when this was made.
#[derive(Debug, Default)]
pub struct State {
    defaults: Vec<(ProcessDefault, String)>,
    turn: Mutex<()>,
}

impl State {
    /// Captures the defaults. They are reset first, so that the capture is what a reset leads back to.
    #[must_use]
    pub fn new(defaults: impl IntoIterator<Item = ProcessDefault>) -> Self {
        let capture = |default: ProcessDefault| {
            (default.reset)();
            let shown = (default.show)();
            (default, shown)
        };
        Self {
            defaults: defaults.into_iter().map(capture).collect(),
            turn: Mutex::new(()),
        }
    }

    /// Waits for its turn to touch the defaults, and finds them as captured; so does whoever comes next.
    pub fn exclusive(&self) -> Exclusive<'_> {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.reset();
        Exclusive {
            state: self,
            _turn: turn,
        }
    }

    /// Names the defaults that are not as captured, and resets them. It waits until nobody is exclusive.
    pub(crate) fn leaks(&self) -> Vec<&'static str> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let differs =
            |(default, captured): &&(ProcessDefault, String)| (default.show)() != *captured;
        let leaks: Vec<_> = self
            .defaults
            .iter()
            .filter(differs)
            .map(|(default, _)| default.name)
            .collect();
        if !leaks.is_empty() {
            self.reset();
        }
        leaks
    }

    fn reset(&self) {
        for (default, _) in &self.defaults {
            (default.reset)();
        }
    }
}

/// The right to touch the process-wide defaults; they are reset when it ends, also by a panic.
#[derive(Debug)]
pub struct Exclusive<'a> {
    state: &'a State,
    _turn: MutexGuard<'a, ()>,
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        self.state.reset();
    }
}
