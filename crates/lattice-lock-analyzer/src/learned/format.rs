use lattice_lock_errors::Error;
use serde::Serialize;

use super::ROW;
use crate::codes::{MODEL_INVALID, MODEL_VERSION};
use crate::task::TASKS;

const MAGIC: [u8; 4] = *b"LLAM";
/// Raised whenever the same text would give other features or sums, or the layout changes.
const VERSION: u32 = 2;
/// The bytes before the first row.
const HEADER: usize = 160;
/// The most rows: with the header they stay within 256 KiB.
pub(crate) const MOST_ROWS: u32 = 8_192;

/// What a model file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ModelCard {
    /// The version of the format and of the features.
    pub version: u32,
    /// The seed that the training began with.
    pub seed: u64,
    /// A hash of the training data: every prompt, task type and family, in order.
    pub data_hash: u64,
    /// How many prompts it was trained on.
    pub samples: u32,
    /// How many rows the model has.
    pub rows: u32,
    /// The share of prompts that plain five-fold cross-validation got right.
    pub plain_accuracy: f32,
    /// The mean F1 over the task types in plain five-fold cross-validation.
    pub plain_macro_f1: f32,
    /// The expected calibration error in plain five-fold cross-validation.
    pub plain_calibration_error: f32,
    /// The share of prompts that were got right by a model trained on all other families.
    pub family_accuracy: f32,
    /// The mean F1 over the task types, by models trained on all other families.
    pub family_macro_f1: f32,
}

/// How the votes of rules and words become log-odds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fusion {
    /// The log-odds of ten points of the rules.
    pub(crate) rules: f32,
    /// The log-odds of one unit of a row's weight.
    pub(crate) unit: f32,
    /// What all log-odds are multiplied with at last, so that scores are probabilities.
    pub(crate) sharpness: f32,
    /// The log-odds of each task type before anything was read.
    pub(crate) bias: [f32; TASKS],
}

impl Default for Fusion {
    /// Without a learned layer the rules' points count as they are.
    fn default() -> Self {
        let mut bias = [0.0; TASKS];
        bias[crate::TaskType::General.index()] = 0.8;
        Self {
            rules: 1.0,
            unit: 0.0,
            sharpness: 1.0,
            bias,
        }
    }
}

/// Writes a model file.
pub(crate) fn encode(card: &ModelCard, fusion: &Fusion, rows: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + rows.len());
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(card.seed.to_le_bytes());
    bytes.extend(card.data_hash.to_le_bytes());
    bytes.extend(card.samples.to_le_bytes());
    bytes.extend(card.rows.to_le_bytes());
    let figures = [
        card.plain_accuracy,
        card.plain_macro_f1,
        card.plain_calibration_error,
        card.family_accuracy,
        card.family_macro_f1,
        fusion.rules,
        fusion.unit,
        fusion.sharpness,
    ];
    for number in figures.into_iter().chain(fusion.bias) {
        bytes.extend(number.to_le_bytes());
    }
    bytes.resize(HEADER, 0);
    bytes.extend(rows);
    let checksum = checksum(&bytes);
    bytes[8..16].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Reads the head of a model file and checks the whole of it; the rows begin at the returned place.
///
/// # Errors
///
/// `MODEL_INVALID` and `MODEL_VERSION`.
pub(crate) fn decode(bytes: &[u8]) -> Result<(ModelCard, Fusion, usize), Error> {
    let invalid = |reason: &'static str| Error::new(MODEL_INVALID, reason);
    if bytes.len() < HEADER || bytes[..4] != MAGIC {
        return Err(invalid("not a model file"));
    }
    let mut fields = Fields { bytes, at: 4 };
    let version = fields.u32();
    if version != VERSION {
        return Err(Error::new(MODEL_VERSION, "model of another version").with("version", version));
    }
    if fields.u64() != checksum(bytes) {
        return Err(invalid("damaged model file"));
    }
    let (seed, data_hash, samples, rows) = (fields.u64(), fields.u64(), fields.u32(), fields.u32());
    let card = ModelCard {
        version,
        seed,
        data_hash,
        samples,
        rows,
        plain_accuracy: fields.f32(),
        plain_macro_f1: fields.f32(),
        plain_calibration_error: fields.f32(),
        family_accuracy: fields.f32(),
        family_macro_f1: fields.f32(),
    };
    let fusion = Fusion {
        rules: fields.f32(),
        unit: fields.f32(),
        sharpness: fields.f32(),
        bias: std::array::from_fn(|_| fields.f32()),
    };
    let numbers = [fusion.rules, fusion.unit, fusion.sharpness];
    if !numbers.iter().chain(&fusion.bias).all(|n| n.is_finite()) {
        return Err(invalid("a weight is no number"));
    }
    let is_sized = rows > 0 && rows <= MOST_ROWS && bytes.len() == HEADER + rows as usize * ROW;
    is_sized
        .then_some((card, fusion, HEADER))
        .ok_or_else(|| invalid("the rows do not fit the header"))
}

struct Fields<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let field = self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.first_chunk::<N>());
        self.at += N;
        field.copied().unwrap_or([0; N])
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }

    fn f32(&mut self) -> f32 {
        f32::from_le_bytes(self.take())
    }
}

/// A hash of everything but the place where it is written; it finds damage, not forgery.
fn checksum(bytes: &[u8]) -> u64 {
    fnv(fnv(FNV, &bytes[..8]), &bytes[16..])
}

/// Where an FNV-1a hash begins.
pub(crate) const FNV: u64 = 0xCBF2_9CE4_8422_2325;

/// Goes on with an FNV-1a hash, eight bytes at a time.
pub(crate) fn fnv(mut hash: u64, bytes: &[u8]) -> u64 {
    for chunk in bytes.chunks(8) {
        let mut eight = [0; 8];
        eight[..chunk.len()].copy_from_slice(chunk);
        hash = (hash ^ u64::from_le_bytes(eight)).wrapping_mul(0x0000_0100_0000_01B3);
        hash ^= hash >> 29;
    }
    hash ^ bytes.len() as u64
}
