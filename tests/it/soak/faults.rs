//! Carries the plan out, and heals what it has broken.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::join_all;
use order_sandbox::{Fault as Mishap, FaultKind, Route, Service as Outside};
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::events::{now, written};
use super::plan::{Fault, INSTANCES, Misbehaviour, ToInstance, ToPostgres, ToRedis, Track};
use super::stage::Stage;
use crate::command_line::{run, said};
use crate::support::proxy;

/// What every statement has in it that writes an order.
const WRITING: &str = "Main St";
/// Longer than anybody waits for an outside service, and less than that, in milliseconds.
const TOO_SLOW: u64 = 6_000;
const SLOW: u64 = 400;
/// So many calls meet the worse of the two faults of a kind, the others the lesser one.
const WORSE: u32 = 3;
/// Between two looks whether something has to be sent once more.
const LOOK: Duration = Duration::from_millis(250);

/// How many faults there were of each kind.
pub type Injected = Arc<Mutex<BTreeMap<String, u32>>>;

/// Plays a track from a moment on, one fault after another.
pub async fn play(track: Track, stage: Arc<Stage>, from: Instant, injected: Injected) {
    for planned in track {
        sleep_until(from + planned.at).await;
        *injected.lock().unwrap().entry(planned.fault.kind()).or_default() += 1;
        match planned.fault {
            Fault::Instance(n, what) => to_instance(&stage, n, what).await,
            Fault::Postgres(what) => to_postgres(&stage, what).await,
            Fault::Redis(what) => to_redis(&stage, what).await,
            Fault::Outside(outside, how, time) => to_outside(&stage, outside, how, time).await,
        }
    }
}

async fn to_instance(stage: &Stage, n: usize, what: ToInstance) {
    match what {
        ToInstance::Kill => stage.kill(n, 0).await,
        ToInstance::Restart => stage.restart(n).await,
        ToInstance::ClockOff(minutes) => stage.kill(n, minutes).await,
        ToInstance::CutFromPostgres(time) => cut(&stage.to_postgres[n].0, time).await,
        ToInstance::CutFromRedis(time) => cut(&stage.to_redis[n].0, time).await,
    }
}

async fn cut(proxy: &proxy::Proxy, time: Duration) {
    proxy.cut(true);
    sleep(time).await;
    proxy.cut(false);
}

async fn to_postgres(stage: &Stage, what: ToPostgres) {
    match what {
        ToPostgres::Kill(time) => {
            let mut server = stage.postgres.lock().await;
            server.kill();
            sleep(time).await;
            server.come_back().await;
        }
        ToPostgres::EndConnections => stage.engine.kill_backends().await,
        ToPostgres::LoseAnswers { instance, commits } => {
            stage.to_postgres[instance].0.disturb(WRITING, proxy::Fault::LoseAnswer, commits);
        }
        ToPostgres::Reset { instance, commits } => {
            stage.to_postgres[instance].0.disturb(WRITING, proxy::Fault::Reset, commits);
        }
        ToPostgres::EndLeases => stage.engine.expire_leases().await,
    }
}

async fn to_redis(stage: &Stage, what: ToRedis) {
    let mut redis = stage.redis.lock().await;
    match what {
        ToRedis::Kill(time) => {
            let from = now();
            redis.kill();
            sleep(time).await;
            block_in_place(|| redis.start_again());
            stage.lost(from);
        }
        ToRedis::Empty => {
            let from = now();
            block_in_place(|| redis.cli(&["FLUSHALL"]));
            stage.lost(from);
        }
        ToRedis::Freeze(time) => {
            redis.freeze(true);
            sleep(time).await;
            redis.freeze(false);
        }
        ToRedis::Fill(time) => {
            block_in_place(|| redis.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "1"]));
            sleep(time).await;
            block_in_place(|| redis.cli(&["CONFIG", "SET", "maxmemory", "0"]));
        }
    }
}

async fn to_outside(stage: &Stage, outside: Outside, how: Misbehaviour, time: Duration) {
    let sandbox = &stage.world.sandbox;
    let worse_at_first = |worse: Mishap, lesser: Mishap| {
        sandbox.add_fault(outside, worse.times(WORSE));
        sandbox.add_fault(outside, lesser);
    };
    match how {
        Misbehaviour::Down => sandbox.take_down(outside).await.unwrap(),
        // A removal that is late takes out of a cart what was put in meanwhile; nobody could know.
        Misbehaviour::Slow if outside == Outside::Cart => worse_at_first(
            Mishap::new(FaultKind::Delay(TOO_SLOW)).on(Route::Cart),
            Mishap::new(FaultKind::Delay(SLOW)).on(Route::Cart),
        ),
        Misbehaviour::Slow => {
            worse_at_first(Mishap::new(FaultKind::Delay(TOO_SLOW)), Mishap::new(FaultKind::Delay(SLOW)));
        }
        Misbehaviour::Failing => {
            worse_at_first(Mishap::new(FaultKind::Status(500)).acted(), Mishap::new(FaultKind::Status(503)));
        }
        Misbehaviour::Refusing => sandbox.add_fault(outside, Mishap::new(FaultKind::Status(422))),
        Misbehaviour::Garbage => {
            worse_at_first(Mishap::new(FaultKind::Truncated).acted(), Mishap::new(FaultKind::Garbage));
        }
        Misbehaviour::AnswersLost => sandbox.add_fault(outside, Mishap::acted_answer_lost()),
        Misbehaviour::Reset => stage.outside(outside).cut(true),
    }
    sleep(time).await;
    sandbox.clear_faults(outside);
    match how {
        Misbehaviour::Down => sandbox.bring_back(outside).await.unwrap(),
        Misbehaviour::Reset => stage.outside(outside).cut(false),
        Misbehaviour::Slow
        | Misbehaviour::Failing
        | Misbehaviour::Refusing
        | Misbehaviour::Garbage
        | Misbehaviour::AnswersLost => {}
    }
}

/// After the last fault everything is as it should be: every instance is a new one, with the right clock, and whatever an
/// older one had in its hands is anybody's.
pub async fn heal(stage: &Stage) {
    for (proxy, _) in &stage.to_postgres {
        // What is left of these would befall the statements of the drain.
        proxy.calm();
    }
    join_all((0..INSTANCES).map(|n| stage.restart(n))).await;
    stage.engine.expire_leases().await;
}

/// Sends events once more, as whoever runs the service would, whenever Redis has lost them. What has begun is finished.
pub async fn replay_on(stage: &Stage, closing: &CancellationToken) {
    while closing.run_until_cancelled(sleep(LOOK)).await.is_some() {
        replay(stage).await;
    }
}

/// The same, if there is anything to be sent.
pub async fn replay(stage: &Stage) {
    let Some(from) = stage.takes_replay() else { return };
    let begun = now();
    let settings = [("DATABASE_URL", stage.engine.url()), ("REDIS_URL", stage.redis_url.as_str())];
    let (since, until) = (written(from), written(begun));
    let output = run(&["events", "replay", "--from", &since, "--to", &until], &settings).await;
    // Some of it may be there.
    stage.fate.lock().unwrap().replays.push((begun, now()));
    if !output.status.success() {
        stage.gives_replay_back(from, said(&output));
    }
}
