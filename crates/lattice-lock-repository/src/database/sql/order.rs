use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DbErr, ExecResult, QueryResult, Statement};

/// A statement, and what is wanted of it.
pub(crate) enum Order {
    Execute(Statement),
    Unprepared(String),
    One(Statement),
    All(Statement),
}

/// What became of an [`Order`], in the same variants.
pub(crate) enum Answer {
    Done(ExecResult),
    One(Option<QueryResult>),
    All(Vec<QueryResult>),
}

/// What is said in the log about statements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Watch {
    /// Whether each one is.
    pub(crate) echo: bool,
    /// From which time on one is slow.
    pub(crate) slow: Option<Duration>,
}

impl Watch {
    fn log(self, summary: &str, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if self.echo {
            tracing::info!(statement = summary, micros, "statement");
        }
        if self.slow.is_some_and(|slow| took >= slow) {
            tracing::warn!(statement = summary, micros, "slow statement");
        }
    }

    fn is_on(self) -> bool {
        self.echo || self.slow.is_some()
    }
}

impl Order {
    pub(crate) async fn run(
        self,
        on: &impl ConnectionTrait,
        watch: Watch,
    ) -> Result<Answer, DbErr> {
        if !watch.is_on() {
            return self.send(on).await;
        }
        let (summary, sent) = (self.summary().to_owned(), Instant::now());
        let answer = self.send(on).await;
        watch.log(&summary, sent.elapsed());
        answer
    }

    async fn send(self, on: &impl ConnectionTrait) -> Result<Answer, DbErr> {
        match self {
            Self::Execute(statement) => on.execute_raw(statement).await.map(Answer::Done),
            Self::Unprepared(sql) => on.execute_unprepared(&sql).await.map(Answer::Done),
            Self::One(statement) => on.query_one_raw(statement).await.map(Answer::One),
            Self::All(statement) => on.query_all_raw(statement).await.map(Answer::All),
        }
    }

    /// What may be logged of it: placeholders instead of values, and of a text that may contain values the first word.
    fn summary(&self) -> &str {
        match self {
            Self::Execute(statement) | Self::One(statement) | Self::All(statement) => {
                &statement.sql
            }
            Self::Unprepared(sql) => sql.split_whitespace().next().unwrap_or_default(),
        }
    }
}

impl Answer {
    pub(crate) fn done(self) -> Result<ExecResult, DbErr> {
        match self {
            Self::Done(result) => Ok(result),
            Self::One(_) | Self::All(_) => Err(mismatched()),
        }
    }

    pub(crate) fn one(self) -> Result<Option<QueryResult>, DbErr> {
        match self {
            Self::One(row) => Ok(row),
            Self::Done(_) | Self::All(_) => Err(mismatched()),
        }
    }

    pub(crate) fn all(self) -> Result<Vec<QueryResult>, DbErr> {
        match self {
            Self::All(rows) => Ok(rows),
            Self::Done(_) | Self::One(_) => Err(mismatched()),
        }
    }
}

fn mismatched() -> DbErr {
    DbErr::Custom("an answer of another sort than was asked for".into())
}
