//! What befalls the service, and when: drawn from a seed before anything starts, so that it can be played again.
//!
//! There are four tracks side by side, one for each thing that breaks. A track has one fault at a time, and goes through all
//! its kinds before it repeats one.

use std::time::Duration;

use order_sandbox::Service as Outside;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// How many instances there are.
pub const INSTANCES: usize = 3;
/// How far the clock of an instance is off that has a wrong one, in minutes.
const OFF: i32 = 10;

/// What is done to an instance, or to what lies between it and the databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToInstance {
    /// `kill -9`; another one takes its place.
    Kill,
    /// SIGTERM; another one takes its place when it is gone.
    Restart,
    /// Killed, and its successor has a clock that is so many minutes ahead, or behind.
    ClockOff(i32),
    /// Nothing gets through to PostgreSQL for so long.
    CutFromPostgres(Duration),
    /// Nothing gets through to Redis for so long.
    CutFromRedis(Duration),
}

/// What is done to PostgreSQL, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToPostgres {
    /// `kill -9`, and away for so long.
    Kill(Duration),
    /// It ends every connection by force.
    EndConnections,
    /// The answers to the next so many commits of orders are lost, between an instance and it.
    LoseAnswers { instance: usize, commits: u32 },
    /// The next so many commits of orders don't arrive: their connections are reset.
    Reset { instance: usize, commits: u32 },
    /// Every task that is in somebody's hands may be taken by anybody, as if whoever has it had stalled.
    EndLeases,
}

/// What is done to Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToRedis {
    /// `kill -9`, away for so long, and empty then.
    Kill(Duration),
    /// `FLUSHALL`.
    Empty,
    /// It answers nothing for so long, its connections open.
    Freeze(Duration),
    /// It takes nothing more for so long.
    Fill(Duration),
}

/// How an outside service misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Misbehaviour {
    /// Nobody listens.
    Down,
    /// It takes its time, sometimes more than anybody waits.
    Slow,
    /// 503, and 500.
    Failing,
    /// 422, to whatever is asked for.
    Refusing,
    /// What it answers is no JSON, or half of one.
    Garbage,
    /// It acts, and its answer is lost.
    AnswersLost,
    /// Connections are reset before it has heard anything.
    Reset,
}

impl Misbehaviour {
    const ALL: [Self; 7] =
        [Self::Down, Self::Slow, Self::Failing, Self::Refusing, Self::Garbage, Self::AnswersLost, Self::Reset];

    fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Slow => "slow",
            Self::Failing => "failing",
            Self::Refusing => "refusing",
            Self::Garbage => "answering garbage",
            Self::AnswersLost => "losing answers",
            Self::Reset => "resetting connections",
        }
    }
}

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Instance(usize, ToInstance),
    Postgres(ToPostgres),
    Redis(ToRedis),
    Outside(Outside, Misbehaviour, Duration),
}

impl Fault {
    /// What kind of fault it is, as a summary counts it.
    pub fn kind(self) -> String {
        match self {
            Self::Instance(_, ToInstance::Kill) => "instance killed".to_owned(),
            Self::Instance(_, ToInstance::Restart) => "instance restarted".to_owned(),
            Self::Instance(_, ToInstance::ClockOff(off)) => format!("instance with a clock {off:+} min"),
            Self::Instance(_, ToInstance::CutFromPostgres(_)) => "instance cut off from PostgreSQL".to_owned(),
            Self::Instance(_, ToInstance::CutFromRedis(_)) => "instance cut off from Redis".to_owned(),
            Self::Postgres(ToPostgres::Kill(_)) => "PostgreSQL killed".to_owned(),
            Self::Postgres(ToPostgres::EndConnections) => "PostgreSQL ends connections".to_owned(),
            Self::Postgres(ToPostgres::LoseAnswers { .. }) => "answers to commits lost".to_owned(),
            Self::Postgres(ToPostgres::Reset { .. }) => "commits reset on their way".to_owned(),
            Self::Postgres(ToPostgres::EndLeases) => "leases ended early".to_owned(),
            Self::Redis(ToRedis::Kill(_)) => "Redis killed".to_owned(),
            Self::Redis(ToRedis::Empty) => "Redis emptied".to_owned(),
            Self::Redis(ToRedis::Freeze(_)) => "Redis frozen".to_owned(),
            Self::Redis(ToRedis::Fill(_)) => "Redis full".to_owned(),
            Self::Outside(_, how, _) => format!("outside service {}", how.name()),
        }
    }
}

/// A fault at its time after the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    pub at: Duration,
    pub fault: Fault,
}

/// Faults of one track, one after another.
pub type Track = Vec<Planned>;

/// Draws from a seed and a place, so that what happens in one place doesn't change what is drawn in another.
pub fn chance(seed: u64, place: &[u64]) -> StdRng {
    // Numbers that are near to each other are to give states that are not.
    let mixed = place.iter().fold(seed, |mixed, n| (mixed ^ n).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29));
    StdRng::seed_from_u64(mixed)
}

/// The plan of a run of this length. With clocks that can be set wrong, or without.
pub fn plan(seed: u64, length: Duration, clocks: bool) -> Vec<Track> {
    vec![
        track(chance(seed, &[1]), length, (3_500, 5_500), |chance| instances(chance, clocks)),
        track(chance(seed, &[2]), length, (6_000, 9_000), postgres),
        track(chance(seed, &[3]), length, (6_000, 10_000), redis),
        track(chance(seed, &[4]), length, (1_500, 2_800), outside),
    ]
}

/// Fills the time with faults, by the round that is drawn of them, with a pause of so many milliseconds between two.
fn track(
    mut chance: StdRng,
    length: Duration,
    (least, most): (u64, u64),
    round: impl Fn(&mut StdRng) -> Vec<Fault>,
) -> Track {
    let (mut at, mut planned, mut drawn) = (Duration::ZERO, Vec::new(), Vec::new());
    loop {
        at += Duration::from_millis(chance.random_range(least..=most));
        if at >= length {
            return planned;
        }
        if drawn.is_empty() {
            drawn = round(&mut chance);
            drawn.shuffle(&mut chance);
        }
        planned.extend(drawn.pop().map(|fault| Planned { at, fault }));
    }
}

fn seconds(chance: &mut StdRng, least: f64, most: f64) -> Duration {
    Duration::from_secs_f64(chance.random_range(least..=most))
}

fn instances(chance: &mut StdRng, clocks: bool) -> Vec<Fault> {
    let mut round = vec![
        ToInstance::Kill,
        ToInstance::Kill,
        ToInstance::Restart,
        ToInstance::CutFromPostgres(seconds(chance, 1.0, 4.0)),
        ToInstance::CutFromRedis(seconds(chance, 1.0, 4.0)),
    ];
    if clocks {
        round.extend([ToInstance::ClockOff(OFF), ToInstance::ClockOff(-OFF)]);
    }
    round.into_iter().map(|what| Fault::Instance(chance.random_range(0..INSTANCES), what)).collect()
}

fn postgres(chance: &mut StdRng) -> Vec<Fault> {
    let instance = chance.random_range(0..INSTANCES);
    let other = chance.random_range(0..INSTANCES);
    let round = [
        ToPostgres::Kill(seconds(chance, 0.2, 2.5)),
        ToPostgres::EndConnections,
        ToPostgres::LoseAnswers { instance, commits: chance.random_range(1..=4) },
        ToPostgres::Reset { instance: other, commits: chance.random_range(1..=4) },
        ToPostgres::EndLeases,
    ];
    round.into_iter().map(Fault::Postgres).collect()
}

fn redis(chance: &mut StdRng) -> Vec<Fault> {
    let round = [
        ToRedis::Kill(seconds(chance, 0.2, 4.0)),
        ToRedis::Empty,
        ToRedis::Freeze(seconds(chance, 1.0, 4.0)),
        ToRedis::Fill(seconds(chance, 1.0, 4.0)),
    ];
    round.into_iter().map(Fault::Redis).collect()
}

/// Every misbehaviour twice, each of a service that is drawn for it; of the payment service more often than of others.
fn outside(chance: &mut StdRng) -> Vec<Fault> {
    let misbehaviours = Misbehaviour::ALL.into_iter().flat_map(|how| [how, how]);
    misbehaviours
        .map(|how| {
            let payment = chance.random_bool(0.3);
            let of = if payment { Outside::Payment } else { Outside::ALL[chance.random_range(0..Outside::ALL.len())] };
            Fault::Outside(of, how, seconds(chance, 0.8, 2.5))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn a_seed_is_a_plan() {
        assert_eq!(plan(7, MINUTE, true), plan(7, MINUTE, true));
        assert_ne!(plan(7, MINUTE, true), plan(8, MINUTE, true));
    }

    #[test]
    fn every_kind_of_fault_happens_within_a_minute() {
        let kinds = |tracks: Vec<Track>| -> BTreeSet<String> {
            tracks.iter().flatten().map(|planned| planned.fault.kind()).collect()
        };
        let all = kinds(plan(0, 10 * MINUTE, true));
        assert_eq!(all.len(), 6 + 5 + 4 + 7, "{all:?}");
        for seed in 0..200 {
            let missing: Vec<_> = all.difference(&kinds(plan(seed, MINUTE, true))).cloned().collect();
            assert!(missing.is_empty(), "seed {seed}: {missing:?}");
        }
    }

    #[test]
    fn a_track_is_in_the_order_of_its_times_and_ends_with_the_run() {
        for track in plan(3, MINUTE, false) {
            assert!(track.is_sorted_by_key(|planned| planned.at));
            assert!(track.iter().all(|planned| planned.at < MINUTE));
        }
    }
}
