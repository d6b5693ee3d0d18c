use std::borrow::Cow;
use std::fmt;

use lattice_lock_errors::Error;

use super::ROW;
use super::format::{FNV, Fusion, ModelCard, decode, fnv};

#[cfg(feature = "learned")]
static BUILTIN: &[u8] = include_bytes!("../../data/weights.bin");

/// The learned layer: int8 weights for hashed words, stems, pairs of words and signals.
///
/// The built-in model is part of the binary with the feature `learned`. Another one, made by the
/// [training](crate::training) module, can be given to the builder.
///
/// ```
/// use lattice_lock_analyzer::{Analyzer, Model};
///
/// let analyzer = Analyzer::builder().model(Model::none()).build();
/// assert!(analyzer.model_card().is_none());
/// assert!(Model::from_bytes(b"no model".to_vec()).is_err());
/// ```
#[derive(Clone)]
pub struct Model {
    bytes: Cow<'static, [u8]>,
    rows_at: usize,
    card: Option<ModelCard>,
    pub(crate) fusion: Fusion,
}

impl Model {
    /// The model that the crate ships; without the feature `learned`, [`Model::none`].
    #[must_use]
    pub fn builtin() -> Self {
        #[cfg(feature = "learned")]
        if let Ok(model) = Self::of(Cow::Borrowed(BUILTIN)) {
            return model;
        }
        Self::none()
    }

    /// No learned layer: the rules alone decide.
    #[must_use]
    pub fn none() -> Self {
        Self {
            bytes: Cow::Borrowed(&[]),
            rows_at: 0,
            card: None,
            fusion: Fusion::default(),
        }
    }

    /// Reads a model file.
    ///
    /// # Errors
    ///
    /// [`MODEL_INVALID`](crate::codes::MODEL_INVALID) if it is damaged or none at all;
    /// [`MODEL_VERSION`](crate::codes::MODEL_VERSION) if it was made for another version of this crate.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, Error> {
        Self::of(Cow::Owned(bytes))
    }

    fn of(bytes: Cow<'static, [u8]>) -> Result<Self, Error> {
        let (card, fusion, rows_at) = decode(&bytes)?;
        Ok(Self {
            bytes,
            rows_at,
            card: Some(card),
            fusion,
        })
    }

    /// The model file. Empty without a learned layer.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// A hash of the model file, to compare two trainings.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        fnv(FNV, &self.bytes)
    }

    /// What the model says about itself; nothing without a learned layer.
    #[must_use]
    pub fn card(&self) -> Option<&ModelCard> {
        self.card.as_ref()
    }

    /// The tags of all rows, and their weights.
    pub(crate) fn rows(&self) -> (&[u8], &[u8]) {
        let rows = &self.bytes[self.rows_at..];
        rows.split_at(rows.len() / ROW)
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("card", &self.card)
            .finish_non_exhaustive()
    }
}
