//! What an analysis says of prompts of many sorts: named behaviours, at least 25 for each task type.
//!
//! None of these prompts is in the training data; a test holds that.

mod adversarial;
mod conclusions;
mod whole;

/// One test per named prompt: it asks for the task type of the module.
#[cfg(feature = "learned")]
macro_rules! behaviours {
    ($task:ident; $($name:ident: $prompt:expr;)+) => {
        $(
            #[test]
            fn $name() {
                crate::named::check($prompt, lattice_lock_analyzer::TaskType::$task);
            }
        )+
        /// The prompts of this module.
        pub(crate) const PROMPTS: &[&str] = &[$($prompt),+];
    };
}

#[cfg(feature = "learned")]
mod named;
#[cfg(feature = "learned")]
mod rough;
