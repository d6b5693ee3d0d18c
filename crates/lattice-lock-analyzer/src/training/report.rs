use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::extract::Seen;
use crate::TaskType;
use crate::task::TASKS;

/// How many bands of confidence the calibration error is measured in.
const BANDS: usize = 10;
/// The upper ends of the bands of prompt length, in bytes.
const LENGTHS: [usize; 5] = [50, 200, 1000, 4000, usize::MAX];

/// One sample's answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    task: usize,
    given: usize,
    confidence: f64,
    bytes: usize,
    family: String,
}

impl Answer {
    pub(crate) fn new(seen: &Seen, family: &str, scores: &[f64; TASKS]) -> Self {
        let best = (0..TASKS).fold(0, |best, task| {
            if scores[task] > scores[best] {
                task
            } else {
                best
            }
        });
        Self {
            task: seen.task,
            given: best,
            confidence: scores[best],
            bytes: seen.bytes,
            family: family.to_owned(),
        }
    }

    fn is_right(&self) -> bool {
        self.task == self.given
    }
}

/// The figures of prompts of about the same length.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LengthBand {
    /// The longest prompts of the band, in bytes; nothing for the last band.
    pub up_to: Option<usize>,
    /// How many prompts there are.
    pub samples: usize,
    /// The share that was got right.
    pub accuracy: f64,
}

/// What cross-validation found. `Display` prints a table.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    samples: usize,
    accuracy: f64,
    macro_f1: f64,
    calibration_error: f64,
    sharpness: f64,
    confusion: [[u32; TASKS]; TASKS],
    lengths: Vec<LengthBand>,
    families: BTreeMap<String, (usize, f64)>,
}

impl Report {
    pub(crate) fn new(answers: &[Answer], sharpness: f64) -> Self {
        let mut confusion = [[0; TASKS]; TASKS];
        for answer in answers {
            confusion[answer.task][answer.given] += 1;
        }
        let mut report = Self {
            samples: answers.len(),
            accuracy: share(answers, |_| true).1,
            macro_f1: 0.0,
            calibration_error: calibration_error(answers),
            sharpness,
            confusion,
            lengths: lengths(answers),
            families: families(answers),
        };
        let present: Vec<f64> = TaskType::ALL
            .into_iter()
            .filter_map(|task| report.f1(task))
            .collect();
        report.macro_f1 = present.iter().sum::<f64>() / whole(present.len());
        report
    }

    /// How many prompts were answered.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The share of prompts whose primary task type was right.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.accuracy
    }

    /// The mean F1 over the task types that occur.
    #[must_use]
    pub fn macro_f1(&self) -> f64 {
        self.macro_f1
    }

    /// The expected calibration error over ten bands of confidence.
    #[must_use]
    pub fn calibration_error(&self) -> f64 {
        self.calibration_error
    }

    /// The factor that fits the confidence to the share of right answers.
    #[must_use]
    pub fn sharpness(&self) -> f64 {
        self.sharpness
    }

    /// How many prompts of the first task type were taken for the second.
    #[must_use]
    pub fn confused(&self, truth: TaskType, answer: TaskType) -> u32 {
        self.confusion[truth.index()][answer.index()]
    }

    /// How many prompts of the task type there are.
    #[must_use]
    pub fn count(&self, task: TaskType) -> u32 {
        self.confusion[task.index()].iter().sum()
    }

    /// The share of a task type's prompts that were got right; nothing if there are none.
    #[must_use]
    pub fn recall(&self, task: TaskType) -> Option<f64> {
        let count = self.count(task);
        (count > 0).then(|| f64::from(self.confused(task, task)) / f64::from(count))
    }

    /// The harmonic mean of recall and precision; nothing if the task type does not occur.
    #[must_use]
    pub fn f1(&self, task: TaskType) -> Option<f64> {
        let count = self.count(task);
        let answered: u32 = self.confusion.iter().map(|row| row[task.index()]).sum();
        let right = f64::from(self.confused(task, task));
        (count > 0).then(|| 2.0 * right / f64::from(count + answered))
    }

    /// The figures by length of the prompt.
    #[must_use]
    pub fn lengths(&self) -> &[LengthBand] {
        &self.lengths
    }

    /// The number of prompts and the share got right, by family.
    #[must_use]
    pub fn families(&self) -> &BTreeMap<String, (usize, f64)> {
        &self.families
    }
}

fn share(answers: &[Answer], counts: impl Fn(&Answer) -> bool) -> (usize, f64) {
    let counted: Vec<&Answer> = answers.iter().filter(|answer| counts(answer)).collect();
    let right = counted.iter().filter(|answer| answer.is_right()).count();
    (counted.len(), whole(right) / whole(counted.len().max(1)))
}

fn calibration_error(answers: &[Answer]) -> f64 {
    let band = |answer: &Answer| {
        (0..BANDS - 1)
            .find(|n| answer.confidence * 10.0 < whole(n + 1))
            .unwrap_or(BANDS - 1)
    };
    let mut bands = [(0.0, 0.0); BANDS];
    for answer in answers {
        let (confidence, right) = &mut bands[band(answer)];
        *confidence += answer.confidence;
        *right += f64::from(u8::from(answer.is_right()));
    }
    let gaps: f64 = bands
        .iter()
        .map(|(confidence, right)| (confidence - right).abs())
        .sum();
    gaps / whole(answers.len().max(1))
}

fn lengths(answers: &[Answer]) -> Vec<LengthBand> {
    let mut from = 0;
    let band = |to: usize| {
        let (samples, accuracy) = share(answers, |answer| (from..to).contains(&answer.bytes));
        from = to;
        LengthBand {
            up_to: (to != usize::MAX).then_some(to),
            samples,
            accuracy,
        }
    };
    LENGTHS.into_iter().map(band).collect()
}

fn families(answers: &[Answer]) -> BTreeMap<String, (usize, f64)> {
    let mut families = BTreeMap::new();
    for answer in answers {
        if !families.contains_key(&answer.family) {
            families.insert(
                answer.family.clone(),
                share(answers, |other| other.family == answer.family),
            );
        }
    }
    families
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of samples are far below 2^52"
)]
fn whole(count: usize) -> f64 {
    count as f64
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} prompts: accuracy {:.3}, macro-F1 {:.3}, calibration error {:.3}, sharpness {:.2}",
            self.samples, self.accuracy, self.macro_f1, self.calibration_error, self.sharpness
        )?;
        for task in TaskType::ALL {
            write!(
                f,
                "  {:21} recall {:.2} F1 {:.2} |",
                task.as_str(),
                self.recall(task).unwrap_or(0.0),
                self.f1(task).unwrap_or(0.0)
            )?;
            for answer in TaskType::ALL {
                write!(f, "{:5}", self.confused(task, answer))?;
            }
            writeln!(f)?;
        }
        for band in &self.lengths {
            let up_to = band
                .up_to
                .map_or("longer".to_owned(), |bytes| format!("up to {bytes} bytes"));
            writeln!(
                f,
                "  {up_to}: {} prompts, accuracy {:.3}",
                band.samples, band.accuracy
            )?;
        }
        for (family, (samples, accuracy)) in &self.families {
            writeln!(f, "  {family}: {samples} prompts, accuracy {accuracy:.3}")?;
        }
        Ok(())
    }
}
