//! The board: one SQLite file, with a row for each order and the place in the stream.
//!
//! What makes it right, whatever happens: the events of a batch, the last `seq` of each order, and the place in the stream
//! are written in one transaction. So a restart begins exactly after what is on the board. An event that the board has
//! (`seq` not above the last) is passed over; one that is not the next is not dealt with, and neither is what follows, until
//! what is missing was told again.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::result::QueryResult;
use rust_decimal::Decimal;

use crate::event::{Event, Total};

diesel::table! {
    orders (id) {
        id -> BigInt,
        /// The last event that is on the board.
        seq -> BigInt,
        /// The last that was seen: a later one, while something is missing.
        seen -> BigInt,
        status -> Text,
        total -> Text,
        currency -> Text,
        /// The total before its last change.
        total_before -> Text,
    }
}

diesel::table! {
    place (one) {
        one -> Integer,
        entry -> Text,
    }
}

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS orders (
        id INTEGER PRIMARY KEY, seq INTEGER NOT NULL, seen INTEGER NOT NULL, status TEXT NOT NULL,
        total TEXT NOT NULL, currency TEXT NOT NULL, total_before TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), entry TEXT NOT NULL) STRICT;
    INSERT INTO place VALUES (1, '0-0') ON CONFLICT DO NOTHING;
";

/// An order on the board.
#[derive(Debug, Clone, Default, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = orders)]
pub(crate) struct Row {
    pub(crate) id: i64,
    pub(crate) seq: i64,
    seen: i64,
    pub(crate) status: String,
    pub(crate) total: String,
    pub(crate) currency: String,
    total_before: String,
}

/// What is worth saying of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// Events of an order are missing.
    Gap { order: i64, last: i64, seen: i64 },
    /// Nothing is missing any more.
    Whole { order: i64 },
}

/// The file.
pub(crate) struct Board {
    file: SqliteConnection,
}

impl Board {
    pub(crate) fn open(path: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let mut file = SqliteConnection::establish(path)?;
        diesel::connection::SimpleConnection::batch_execute(&mut file, "PRAGMA busy_timeout = 5000;")?;
        diesel::connection::SimpleConnection::batch_execute(&mut file, TABLES)?;
        Ok(Self { file })
    }

    /// The last entry of the stream that is on the board.
    pub(crate) fn place(&mut self) -> QueryResult<String> {
        place::table.select(place::entry).first(&mut self.file)
    }

    /// Takes the next entries of the stream, up to this place: all of it or nothing.
    pub(crate) fn take(&mut self, events: &[Event], up_to: &str) -> QueryResult<Vec<News>> {
        self.file.immediate_transaction(|file| {
            let mut news = Vec::new();
            for event in events {
                let row = orders::table.find(event.order).select(Row::as_select()).first(file).optional()?;
                let mut row = row.unwrap_or_else(|| Row { id: event.order, ..Row::default() });
                if event.seq <= row.seq {
                    continue;
                }
                news.extend(row.meets(event));
                diesel::insert_into(orders::table)
                    .values(&row)
                    .on_conflict(orders::id)
                    .do_update()
                    .set(&row)
                    .execute(file)?;
            }
            diesel::update(place::table).set(place::entry.eq(up_to)).execute(file)?;
            Ok(news)
        })
    }

    /// Every order.
    pub(crate) fn orders(&mut self) -> QueryResult<Vec<Row>> {
        orders::table.order(orders::id).select(Row::as_select()).load(&mut self.file)
    }

    /// How many orders stand where, and for how much, by currency.
    pub(crate) fn by_status(&mut self) -> QueryResult<BTreeMap<(String, String), (u64, Decimal)>> {
        let mut board = BTreeMap::new();
        for order in self.orders()? {
            let (count, total) = board.entry((order.status, order.currency)).or_insert((0, Decimal::ZERO));
            *count += 1;
            *total += order.total.parse::<Decimal>().unwrap_or_default();
        }
        Ok(board)
    }

    /// How many orders lack events.
    pub(crate) fn set_aside(&mut self) -> QueryResult<i64> {
        orders::table.filter(orders::seen.gt(orders::seq)).count().get_result(&mut self.file)
    }
}

impl Row {
    /// Deals with an event that is not on the board. What there is to say of it.
    fn meets(&mut self, event: &Event) -> Option<News> {
        let lacked = self.seen > self.seq;
        if event.seq > self.seq + 1 {
            let gap = News::Gap { order: self.id, last: self.seq, seen: event.seq };
            self.seen = self.seen.max(event.seq);
            return (!lacked).then_some(gap);
        }
        self.seq = event.seq;
        self.seen = self.seen.max(event.seq);
        self.status.clone_from(&event.status);
        match &event.total {
            Total::Stays => {}
            Total::Is { amount, currency } => {
                self.total_before = std::mem::replace(&mut self.total, amount.clone());
                self.currency.clone_from(currency);
            }
            Total::IsAgain => self.total.clone_from(&self.total_before),
        }
        let whole = lacked && self.seen == self.seq;
        whole.then_some(News::Whole { order: self.id })
    }
}
