use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use lattice_lock_errors::Error;
use serde::Serialize;

use crate::input::Content;
use crate::{Analyzer, Input, TaskAnalysis, TaskType};

/// A future that a router returns.
pub type OpinionFuture<'a> = Pin<Box<dyn Future<Output = Result<TaskType, Error>> + Send + 'a>>;

/// Someone who may know better when the analyzer is not sure: a language model or an embedding.
///
/// It is implemented above this crate, which does no I/O. It is asked only by [`Analyzer::consult`], never by
/// [`Analyzer::analyze`]. What it returns counts more than the analyzer's own guess; an error counts for nothing.
/// The future is dropped at the deadline, so it must be safe to drop.
///
/// ```
/// use std::future;
/// use lattice_lock_analyzer::{Analyzer, OpinionFuture, Outcome, Question, SecondOpinion, TaskType};
///
/// #[derive(Debug)]
/// struct Always(TaskType);
///
/// impl SecondOpinion for Always {
///     fn classify<'a>(&'a self, _: Question<'a>) -> OpinionFuture<'a> {
///         Box::pin(future::ready(Ok(self.0)))
///     }
/// }
///
/// # fn block_on<F: future::Future>(future: F) -> F::Output {
/// #     let mut future = std::pin::pin!(future);
/// #     let mut context = std::task::Context::from_waker(std::task::Waker::noop());
/// #     loop {
/// #         if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) { return output; }
/// #     }
/// # }
/// # block_on(async {
/// let analyzer = Analyzer::builder().ask_below(0.99).build();
/// let deadline = future::pending(); // In an application: a timer of its runtime.
/// let consulted = analyzer.consult("hm, the thing", &Always(TaskType::Vision), deadline).await;
/// assert_eq!(consulted.outcome(), Outcome::Overruled);
/// assert_eq!(consulted.analysis().primary(), TaskType::Vision);
/// # });
/// ```
pub trait SecondOpinion: fmt::Debug + Send + Sync {
    /// Says what kind of task it is.
    fn classify<'a>(&'a self, question: Question<'a>) -> OpinionFuture<'a>;
}

/// What a [`SecondOpinion`] is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    text: &'a str,
    analysis: &'a TaskAnalysis,
}

impl<'a> Question<'a> {
    /// The prompt, or the last message of the user.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// What the analyzer thinks.
    #[must_use]
    pub fn analysis(&self) -> &'a TaskAnalysis {
        self.analysis
    }
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// The analyzer was sure enough; nobody was asked.
    NotAsked,
    /// The second opinion is the same.
    Agreed,
    /// The second opinion is another, and counts.
    Overruled,
    /// There was no answer before the deadline.
    Late,
    /// The second opinion failed.
    Failed,
}

/// An analysis and what the second opinion made of it.
#[derive(Clone, Debug)]
pub struct Consulted {
    analysis: Arc<TaskAnalysis>,
    outcome: Outcome,
    error: Option<Error>,
}

impl Consulted {
    /// The analysis, with the second opinion's task type first if there was one.
    #[must_use]
    pub fn analysis(&self) -> &Arc<TaskAnalysis> {
        &self.analysis
    }

    /// What came of asking.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Why asking failed: [`OPINION_FAILED`](crate::codes::OPINION_FAILED), with the router's error as its source.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }
}

/// The share of the score that a second opinion has.
const WEIGHT: f32 = 0.75;

impl Analyzer {
    /// Analyses the input and, if the confidence is below [`ask_below`](crate::AnalyzerBuilder::ask_below), asks
    /// `router` until `deadline` is ready. Never fails: without an answer the analyzer's own stands.
    ///
    /// `deadline` is a timer of the caller's runtime, since this crate knows no clock. What was consulted is not
    /// cached, so [`analyze`](Self::analyze) always gives the analyzer's own answer.
    pub async fn consult<'a>(
        &self,
        input: impl Into<Input<'a>>,
        router: &dyn SecondOpinion,
        deadline: impl Future<Output = ()>,
    ) -> Consulted {
        let input = input.into();
        let analysis = self.analyze(input);
        if analysis.confidence() >= self.ask_below() {
            return Consulted {
                analysis,
                outcome: Outcome::NotAsked,
                error: None,
            };
        }
        let question = Question {
            text: last_text(&input),
            analysis: &analysis,
        };
        match first(router.classify(question), deadline).await {
            None => Consulted {
                analysis,
                outcome: Outcome::Late,
                error: None,
            },
            Some(Err(error)) => {
                let error = Error::new(crate::codes::OPINION_FAILED, "no second opinion")
                    .with_source(error);
                Consulted {
                    analysis,
                    outcome: Outcome::Failed,
                    error: Some(error),
                }
            }
            Some(Ok(task)) => {
                let is_same = task == analysis.primary();
                let outcome = if is_same {
                    Outcome::Agreed
                } else {
                    Outcome::Overruled
                };
                let analysis = Arc::new(analysis.with_opinion(task, WEIGHT));
                Consulted {
                    analysis,
                    outcome,
                    error: None,
                }
            }
        }
    }
}

fn last_text<'a>(input: &Input<'a>) -> &'a str {
    match input.content {
        Content::Prompt(text) => text,
        Content::Messages(messages) => {
            crate::engine::last_asked(messages).map_or("", |at| messages[at].text())
        }
    }
}

/// What `answer` gives, or nothing if `deadline` is ready before.
async fn first<T>(
    mut answer: Pin<Box<dyn Future<Output = T> + Send + '_>>,
    deadline: impl Future<Output = ()>,
) -> Option<T> {
    let mut deadline = pin!(deadline);
    std::future::poll_fn(|context| {
        if let Poll::Ready(answer) = answer.as_mut().poll(context) {
            return Poll::Ready(Some(answer));
        }
        deadline.as_mut().poll(context).map(|()| None)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Analyzer;
    use std::future::{pending, ready};
    use std::task::{Context, Waker};

    #[derive(Debug)]
    enum Router {
        Says(TaskType),
        Fails,
        Hangs,
        Forbidden,
    }

    impl SecondOpinion for Router {
        fn classify<'a>(&'a self, question: Question<'a>) -> OpinionFuture<'a> {
            assert!(!question.text().is_empty());
            match self {
                Self::Says(task) => Box::pin(ready(Ok(*task))),
                Self::Fails => Box::pin(ready("nonsense".parse())),
                Self::Hangs => Box::pin(pending()),
                Self::Forbidden => panic!("nobody may be asked"),
            }
        }
    }

    fn poll<T>(future: impl Future<Output = T>) -> Poll<T> {
        pin!(future).poll(&mut Context::from_waker(Waker::noop()))
    }

    fn consult(analyzer: &Analyzer, router: &Router) -> Consulted {
        match poll(analyzer.consult("hm", router, ready(()))) {
            Poll::Ready(consulted) => consulted,
            Poll::Pending => panic!("the deadline has passed"),
        }
    }

    #[test]
    fn a_sure_analysis_asks_nobody() {
        let analyzer = Analyzer::builder().ask_below(0.0).build();
        assert_eq!(
            consult(&analyzer, &Router::Forbidden).outcome(),
            Outcome::NotAsked
        );
    }

    #[test]
    fn another_opinion_counts_and_is_explained_but_not_cached() {
        let analyzer = Analyzer::builder().ask_below(1.0).build();
        let own = analyzer.analyze("hm");
        let consulted = consult(&analyzer, &Router::Says(TaskType::Vision));
        assert_eq!(consulted.outcome(), Outcome::Overruled);
        assert_eq!(consulted.analysis().primary(), TaskType::Vision);
        assert!(consulted.analysis().confidence() >= WEIGHT);
        assert!(
            consulted
                .analysis()
                .explain()
                .to_string()
                .contains("second opinion")
        );
        assert!(Arc::ptr_eq(&own, &analyzer.analyze("hm")));
        let sum: f32 = consulted
            .analysis()
            .scores()
            .iter()
            .map(|(_, score)| score)
            .sum();
        assert!((sum - 1.0).abs() < 1e-4);
    }

    #[test]
    fn the_same_opinion_makes_surer() {
        let analyzer = Analyzer::builder().ask_below(1.0).build();
        let own = analyzer.analyze("hm");
        let consulted = consult(&analyzer, &Router::Says(own.primary()));
        assert_eq!(consulted.outcome(), Outcome::Agreed);
        assert!(consulted.analysis().confidence() >= own.confidence());
    }

    #[test]
    fn a_dead_router_is_left_at_the_deadline() {
        let analyzer = Analyzer::builder().ask_below(1.0).build();
        assert_eq!(consult(&analyzer, &Router::Hangs).outcome(), Outcome::Late);
        assert!(poll(analyzer.consult("hm", &Router::Hangs, pending())).is_pending());
    }

    #[test]
    fn a_failing_router_leaves_the_own_answer() {
        let analyzer = Analyzer::builder().ask_below(1.0).build();
        let consulted = consult(&analyzer, &Router::Fails);
        assert_eq!(consulted.outcome(), Outcome::Failed);
        assert_eq!(
            consulted.error().map(Error::code),
            Some(crate::codes::OPINION_FAILED)
        );
        assert_eq!(
            consulted.analysis().primary(),
            analyzer.analyze("hm").primary()
        );
    }
}
