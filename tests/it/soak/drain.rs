//! After the last fault: waits until nothing is left to do, while somebody settles what only a person can.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::client::Client;
use super::faults;
use super::plan::chance;
use super::stage::Stage;
use super::told::Violation;
use super::{events::Events, staff};
use crate::support::Shop;
use crate::support::audit::Lived;

/// All of it may take so long.
const PATIENCE: Duration = Duration::from_secs(75);
/// Whoever has had a task for so long has lost it: a handler ends sooner.
const DEAD: Duration = Duration::from_secs(20);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(500);
/// How long the reader of events may take for what is in the stream.
const READ: Duration = Duration::from_secs(15);
/// How many answers are asked for once more.
const REPLAYS: usize = 150;
/// What waits for its retry is tried at once; what is wanted at a time waits for that.
const HURRY: &str = "UPDATE tasks SET run_at = now()
    WHERE NOT leased AND NOT dead AND run_at > now() AND order_id IS NOT NULL AND kind <> 'release'";
const TASKS: &str = "SELECT coalesce(string_agg(format('order %s: %s%s, tried %s times, due in %s: %s', order_id, kind,
        CASE WHEN leased THEN ' (in somebody''s hands)' ELSE '' END, attempts, date_trunc('second', run_at - now()),
        coalesce(last_error, 'no error')), E'\\n' ORDER BY run_at), '')
    FROM tasks WHERE order_id IS NOT NULL AND NOT dead";
const UNPUBLISHED: &str = "SELECT count(*)::text FROM outbox";
const OPEN: &str = "SELECT count(*)::text FROM payment_entries
    WHERE state = 'review' OR (state = 'booked' AND kind = 'refund' AND method = 'cash')";

/// What is left to do.
struct Left {
    tasks: String,
    unpublished: String,
    open: String,
}

impl Left {
    async fn of(stage: &Stage) -> Self {
        let engine = &stage.engine;
        Self {
            tasks: engine.text(TASKS).await,
            unpublished: engine.text(UNPUBLISHED).await,
            open: engine.text(OPEN).await,
        }
    }

    fn nothing(&self) -> bool {
        self.tasks.is_empty() && self.unpublished == "0" && self.open == "0"
    }
}

/// Waits until nothing is left. What is left after all is noted.
pub async fn drain(stage: &Stage, shop: &Shop) {
    let begun = Instant::now();
    let mut chance = chance(stage.world.seed, &[40]);
    loop {
        if begun.elapsed() > DEAD {
            stage.engine.expire_leases().await;
        }
        stage.engine.execute(HURRY).await;
        staff::settle(&stage.world, shop, &mut chance).await;
        faults::replay(stage).await;
        let left = Left::of(stage).await;
        if left.nothing() && stage.to_be_replayed().is_none() {
            return;
        }
        if begun.elapsed() > PATIENCE {
            let Left { tasks, unpublished, open } = left;
            let replay = stage.to_be_replayed().map(|_| stage.no_replay()).unwrap_or_default();
            let what = format!(
                "not at rest after {PATIENCE:?}: {unpublished} events unpublished, {open} payments wait for a person, these tasks: {tasks}\n{replay}"
            );
            stage.world.told.violation(Violation::general(what));
            return;
        }
        sleep(LOOK).await;
    }
}

/// Waits until every event was read, or nobody believes any more that it will be.
pub async fn read_all(events: &Events, lived: &[Lived]) -> Vec<Violation> {
    let begun = Instant::now();
    loop {
        let of = |one: &Lived| (one.order.id().get(), one.order.state().version);
        let missing = lived.iter().map(of).flat_map(|(order, version)| (1..=version).map(move |seq| (order, seq)));
        let missing: Vec<_> = missing.filter(|(order, seq)| !events.has(*order, *seq)).collect();
        if missing.is_empty() || begun.elapsed() > READ {
            let never = |(order, seq)| Violation::of(order, format!("event {seq} was never on the stream"));
            return missing.into_iter().map(never).collect();
        }
        sleep(LOOK).await;
    }
}

/// Asks for answers once more that were given long ago.
pub async fn ask_again(stage: &Stage, shop: &Shop) {
    let mut kept = stage.world.told.kept();
    let mut chance = chance(stage.world.seed, &[41]);
    // The first ones and the last ones are among them.
    let step = kept.len().div_ceil(REPLAYS).max(1);
    let mut n = 0;
    kept.retain(|_| {
        n += 1;
        n % step == 0 || n == 1
    });
    for kept in &kept {
        Client::new(&stage.world, shop, &kept.user, kept.role).replay(&mut chance, kept).await;
    }
}
