use std::fmt;

use crate::task::TASKS;
use crate::{TaskAnalysis, TaskType};

/// One signal's part in an analysis.
#[derive(Clone, Debug, PartialEq)]
pub struct Spoken<'a> {
    /// The section of the pattern file; `learned` for the learned layer, `start` for what held before anything was read.
    pub signal: &'a str,
    /// How often it was met.
    pub count: u8,
    /// Whether it was met only in denials ("don't write code"), so that it votes against.
    pub denied: bool,
    /// What it votes for (above 0) and against (below 0), in points as they count in the end: ten points make a
    /// task e times likelier.
    pub votes: Vec<(TaskType, f32)>,
}

/// Why an analysis says what it says. `Display` prints a line per signal.
#[derive(Clone, Debug)]
pub struct Explanation<'a> {
    analysis: &'a TaskAnalysis,
    spoken: Vec<Spoken<'a>>,
}

impl<'a> Explanation<'a> {
    pub(crate) fn new(analysis: &'a TaskAnalysis) -> Self {
        let evidence = &analysis.evidence;
        let signals = &evidence.set.signals;
        let mut spoken: Vec<Spoken<'a>> = evidence
            .hits()
            .iter()
            .map(|hit| {
                let signal = &signals[hit.signal as usize];
                let votes = signal
                    .head
                    .votes
                    .map(|points| points_of(hit.vote(points)) * evidence.scale);
                Spoken {
                    signal: &signal.name,
                    count: hit.count,
                    denied: hit.strength < 0,
                    votes: voted(&votes),
                }
            })
            .collect();
        for (signal, votes) in [("learned", &evidence.learned), ("start", &evidence.start)] {
            let votes = voted(&centred(votes));
            if !votes.is_empty() {
                spoken.push(Spoken {
                    signal,
                    count: 1,
                    denied: false,
                    votes,
                });
            }
        }
        Self { analysis, spoken }
    }

    /// The signals, in the order in which they were first met, and the learned layer and the start last.
    #[must_use]
    pub fn spoken(&self) -> &[Spoken<'a>] {
        &self.spoken
    }

    /// The analysis that is explained.
    #[must_use]
    pub fn analysis(&self) -> &'a TaskAnalysis {
        self.analysis
    }
}

#[expect(clippy::cast_precision_loss, reason = "votes are far below 2^24")]
fn points_of(sixteenths: i32) -> f32 {
    sixteenths as f32 / 16.0
}

/// The same votes around zero: only their differences count.
fn centred(votes: &[f32; TASKS]) -> [f32; TASKS] {
    let mean = votes.iter().sum::<f32>() / votes.iter().map(|_| 1.0).sum::<f32>();
    votes.map(|vote| vote - mean)
}

fn voted(votes: &[f32; TASKS]) -> Vec<(TaskType, f32)> {
    TaskType::ALL
        .into_iter()
        .zip(*votes)
        .filter(|(_, vote)| vote.abs() >= 0.05)
        .collect()
}

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let analysis = self.analysis;
        writeln!(f, "{} ({:.2})", analysis.primary(), analysis.confidence())?;
        for spoken in &self.spoken {
            write!(f, "  {}", spoken.signal)?;
            if spoken.count > 1 {
                write!(f, " x{}", spoken.count)?;
            }
            if spoken.denied {
                f.write_str(" (denied)")?;
            }
            f.write_str(":")?;
            for (task, vote) in &spoken.votes {
                write!(f, " {task} {vote:+.1}")?;
            }
            writeln!(f)?;
        }
        if let Some(task) = analysis.evidence.opinion {
            writeln!(f, "  second opinion: {task}")?;
        }
        writeln!(f, "  marks: {}", analysis.features().marks())?;
        writeln!(f, "  needs: {}", analysis.needs())?;
        write!(
            f,
            "  {}: {}",
            analysis.complexity(),
            analysis.complexity_reasons()
        )
    }
}
