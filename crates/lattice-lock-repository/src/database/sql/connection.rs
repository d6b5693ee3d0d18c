use async_trait::async_trait;
use lattice_lock_errors::Result;
use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use super::order::{Answer, Order};
use super::{OpenTransaction, Pool};

type Outcome<T> = std::result::Result<T, DbErr>;

/// Where statements go: to any connection of a pool, or to that of a transaction.
///
/// Each runs to its end also when its future is dropped.
#[derive(Clone)]
pub(crate) enum Connection {
    Apart(Pool),
    Within(OpenTransaction),
}

impl Connection {
    pub(crate) fn require_sound(&self) -> Result<()> {
        match self {
            Self::Apart(_) => Ok(()),
            Self::Within(transaction) => transaction.require_sound(),
        }
    }

    async fn run(&self, order: Order) -> Outcome<Answer> {
        match self {
            Self::Apart(pool) => pool.run(order).await,
            Self::Within(transaction) => transaction.run(order).await,
        }
    }
}

#[async_trait]
impl ConnectionTrait for Connection {
    fn get_database_backend(&self) -> DbBackend {
        match self {
            Self::Apart(pool) => pool.backend(),
            Self::Within(transaction) => transaction.backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Outcome<ExecResult> {
        self.run(Order::Execute(statement)).await?.done()
    }

    async fn execute_unprepared(&self, sql: &str) -> Outcome<ExecResult> {
        self.run(Order::Unprepared(sql.to_owned())).await?.done()
    }

    async fn query_one_raw(&self, statement: Statement) -> Outcome<Option<QueryResult>> {
        self.run(Order::One(statement)).await?.one()
    }

    async fn query_all_raw(&self, statement: Statement) -> Outcome<Vec<QueryResult>> {
        self.run(Order::All(statement)).await?.all()
    }
}
