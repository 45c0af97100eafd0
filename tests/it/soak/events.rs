//! Reads the stream of events all the while, as another service would, and judges it in the end.
//!
//! A Redis that is emptied loses events for good, those that were published and not read yet. Whoever runs the service sends
//! what happened before that once more (`order-app events replay`), and the reader has it then.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use order_queue::{EntryId, EventReader, RedisLink, RedisUrl};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::told::Violation;

/// Between two tries while Redis is away.
const PAUSE: Duration = Duration::from_millis(20);

/// Milliseconds since the epoch.
pub type Moment = u64;

/// Now, by this machine's clock, which is Redis's and PostgreSQL's, too.
pub fn now() -> Moment {
    u64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

/// A moment as requests and commands take it.
pub fn written(at: Moment) -> String {
    chrono::DateTime::from_timestamp_millis(i64::try_from(at).unwrap()).unwrap().to_rfc3339()
}

/// An event where it stood in the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// When it was added.
    pub added: Moment,
    pub order: i64,
    pub seq: i64,
}

/// What has befallen the stream.
#[derive(Debug, Clone, Default)]
pub struct Fate {
    /// The moments before which Redis may have lost everything. An entry of that very millisecond may be of either side.
    pub lost: Vec<Moment>,
    /// From when to when events were sent once more.
    pub replays: Vec<(Moment, Moment)>,
}

#[derive(Default)]
struct Read {
    entries: Vec<Entry>,
    /// From an event's moment to its entry in the stream, and to its reading, in milliseconds, of those that were read for
    /// the first time.
    lags: Vec<(u64, u64)>,
    known: BTreeSet<(i64, i64)>,
    odd: Vec<String>,
}

/// The reader.
pub struct Events {
    read: Arc<Mutex<Read>>,
    reading: JoinHandle<()>,
}

impl Drop for Events {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

impl Events {
    /// Begins to read, from the first entry on.
    pub fn of(redis: &str) -> Self {
        let link = RedisLink::connect(&RedisUrl::parse(redis).unwrap());
        let read = Arc::new(Mutex::new(Read::default()));
        let reading = tokio::spawn(read_on(EventReader::new(&link), Arc::clone(&read)));
        Self { read, reading }
    }

    /// Whether an event was read.
    pub fn has(&self, order: i64, seq: i64) -> bool {
        self.read.lock().unwrap().known.contains(&(order, seq))
    }

    /// How many entries there were, repeats and all.
    pub fn count(&self) -> usize {
        self.read.lock().unwrap().entries.len()
    }

    /// How soon after they happened events were on the stream, and were read: p50 and p99 of each, in milliseconds.
    pub fn lags(&self) -> [(u64, u64); 2] {
        let (added, read): (Vec<_>, Vec<_>) = self.read.lock().unwrap().lags.iter().copied().unzip();
        [added, read].map(|mut lags| {
            lags.sort_unstable();
            let at = |percent: usize| lags.get(lags.len() * percent / 100).or(lags.last()).copied().unwrap_or_default();
            (at(50), at(99))
        })
    }

    /// What is wrong with the stream as it was read: what was no event, and what was out of its order's sequence.
    pub fn violations(&self, fate: &Fate) -> Vec<Violation> {
        let read = self.read.lock().unwrap();
        let odd = read.odd.iter().map(|text| Violation::general(format!("no event: {text}")));
        odd.chain(out_of_sequence(&read.entries, fate)).collect()
    }
}

async fn read_on(reader: EventReader, read: Arc<Mutex<Read>>) {
    let mut place = EntryId::BEGINNING;
    loop {
        let Ok(entries) = reader.after(place).await else {
            sleep(PAUSE).await;
            continue;
        };
        let now = now();
        let mut read = read.lock().unwrap();
        for entry in entries {
            place = entry.id;
            let text = entry.event.unwrap_or_default();
            match event(&text) {
                Some((order, seq, happened)) => {
                    let added = entry.id.to_string().split('-').next().and_then(|added| added.parse().ok());
                    let added: Moment = added.unwrap_or_default();
                    read.entries.push(Entry { added, order, seq });
                    if read.known.insert((order, seq)) {
                        read.lags.push((added.saturating_sub(happened), now.saturating_sub(happened)));
                    }
                }
                None => read.odd.push(text),
            }
        }
    }
}

/// The order, the sequence and the moment of a document.
fn event(text: &str) -> Option<(i64, i64, Moment)> {
    let event: Value = serde_json::from_str(text).ok()?;
    let happened: chrono::DateTime<chrono::Utc> = event["occurred_at"].as_str()?.parse().ok()?;
    let moment = u64::try_from(happened.timestamp_millis()).ok()?;
    let (order, seq) = (event["order_id"].as_i64()?, event["seq"].as_i64()?);
    (event["id"] == format!("{order}-{seq}").as_str()).then_some((order, seq, moment))
}

/// Between two losses, every event of an order comes after the one before it, or was there before; the first may be any, since
/// the others may have been published before the loss. What is sent once more begins anew, once in each replay.
fn out_of_sequence(entries: &[Entry], fate: &Fate) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut eras: BTreeMap<(usize, i64), BTreeSet<i64>> = BTreeMap::new();
    let mut begun_anew = BTreeSet::new();
    for entry in entries {
        let era = fate.lost.iter().filter(|lost| **lost <= entry.added).count();
        let seen = eras.entry((era, entry.order)).or_default();
        let follows = seen.is_empty() || seen.contains(&entry.seq) || seen.contains(&(entry.seq - 1));
        let replay = fate.replays.iter().position(|(from, to)| (*from..=*to).contains(&entry.added));
        let mut anew = || replay.is_some_and(|replay| begun_anew.insert((replay, era, entry.order)));
        if !follows && !anew() {
            let what = format!("event {} was published after {seen:?}", entry.seq);
            found.push(Violation::of(entry.order, what));
        }
        seen.insert(entry.seq);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(entries: &[(Moment, i64)]) -> Vec<Entry> {
        entries.iter().map(|(added, seq)| Entry { added: *added, order: 1, seq: *seq }).collect()
    }

    fn out(entries: &[(Moment, i64)], fate: &Fate) -> usize {
        out_of_sequence(&stream(entries), fate).len()
    }

    #[test]
    fn repeats_are_no_disorder_and_gaps_are() {
        let calm = Fate::default();
        assert_eq!(out(&[(1, 1), (2, 2), (3, 1), (4, 2), (5, 3)], &calm), 0);
        assert_eq!(out(&[(1, 1), (2, 3), (3, 2)], &calm), 1);
        assert_eq!(out(&[(1, 2), (2, 1)], &calm), 1);
    }

    #[test]
    fn what_was_lost_may_be_missing_and_what_came_after_it_may_not() {
        let fate = Fate { lost: vec![10], replays: vec![(30, 40)] };
        assert_eq!(out(&[(1, 1), (10, 4), (11, 5)], &fate), 0);
        assert_eq!(out(&[(1, 1), (9, 4), (11, 5)], &fate), 1);
        assert_eq!(out(&[(11, 5), (12, 7)], &fate), 1);
        assert_eq!(out(&[(11, 5), (31, 1), (32, 2), (33, 6), (34, 3)], &fate), 0);
        assert_eq!(out(&[(11, 5), (41, 1)], &fate), 1);
        assert_eq!(out(&[(11, 9), (31, 1), (32, 4)], &fate), 1, "a replay begins once");
    }
}
