//! What may go wrong with a service, and which call it happens to.
//!
//! A fault is data: here it is only described and chosen. `gate` carries it out.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::service::{Place, Route, Service};

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The call waits for so many milliseconds, then goes on. A client that gives up does not stop it: the work is
    /// done all the same, as by a real server.
    Delay(u64),
    /// The call waits until [`Sandbox::release`](crate::Sandbox::release), then goes on.
    Hold,
    /// Another status, with a problem body. It is to be 400..=599.
    Status(u16),
    /// 200 with this JSON.
    Body(Value),
    /// 200 that says it is JSON and is not.
    Garbage,
    /// 200 with a body that never ends (about 10 MB/s).
    Endless,
    /// 200 that declares a longer body than it sends, then closes.
    Truncated,
    /// 302 to `/elsewhere` of the same service: whoever follows it shows up in the calls of [`Route::Other`].
    Redirect,
    /// The connection is reset (TCP RST) without a byte of an answer.
    Reset,
}

/// A fault of one service: what happens, and to which calls.
///
/// ```
/// # use order_sandbox::{Fault, FaultKind, Route};
/// // the second charge is done, but its answer is lost
/// let fault = Fault::new(FaultKind::Reset).acted().on(Route::Process).after(1).times(1);
/// # drop(fault);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[must_use]
pub struct Fault {
    #[serde(rename = "fault")]
    kind: FaultKind,
    #[serde(default)]
    acted: bool,
    #[serde(default)]
    route: Option<Route>,
    #[serde(default)]
    after: u32,
    #[serde(default)]
    times: Option<u32>,
}

impl Fault {
    /// Happens to every call of the service, in place of its work or (delay, hold) before it.
    pub fn new(kind: FaultKind) -> Self {
        Self { kind, acted: false, route: None, after: 0, times: None }
    }

    /// The service does the work, then the connection is reset: `Fault::new(FaultKind::Reset).acted()`.
    pub fn acted_answer_lost() -> Self {
        Self::new(FaultKind::Reset).acted()
    }

    /// Does the service's work first: the fault happens to the answer.
    pub fn acted(mut self) -> Self {
        self.acted = true;
        self
    }

    /// Only on this route.
    pub fn on(mut self, route: Route) -> Self {
        self.route = Some(route);
        self
    }

    /// Lets so many matching calls pass first.
    pub fn after(mut self, calls: u32) -> Self {
        self.after = calls;
        self
    }

    /// Only to the next so many calls.
    pub fn times(mut self, calls: u32) -> Self {
        self.times = Some(calls);
        self
    }

    /// Why this fault cannot be carried out, if so.
    pub(crate) fn flaw(&self) -> Option<&'static str> {
        match self.kind {
            FaultKind::Status(status) if !(400..=599).contains(&status) => Some("a status is 400..=599"),
            FaultKind::Delay(_)
            | FaultKind::Hold
            | FaultKind::Status(_)
            | FaultKind::Body(_)
            | FaultKind::Garbage
            | FaultKind::Endless
            | FaultKind::Truncated
            | FaultKind::Redirect
            | FaultKind::Reset => None,
        }
    }
}

/// What befalls one call.
#[derive(Debug)]
pub(crate) struct Mishap {
    pub(crate) kind: FaultKind,
    pub(crate) acted: bool,
}

impl Mishap {
    pub(crate) fn reset() -> Self {
        Self { kind: FaultKind::Reset, acted: false }
    }
}

/// The faults that are switched on, in the order in which they were.
#[derive(Default)]
pub(crate) struct Faults {
    active: Vec<(Service, Fault)>,
}

impl Faults {
    pub(crate) fn add(&mut self, service: Service, fault: Fault) {
        self.active.push((service, fault));
    }

    pub(crate) fn clear(&mut self, service: Service) {
        self.active.retain(|(of, _)| *of != service);
    }

    pub(crate) fn of(&self, service: Service) -> impl Iterator<Item = &Fault> {
        self.active.iter().filter(move |(of, _)| *of == service).map(|(_, fault)| fault)
    }

    /// The first fault that fits takes the call, and is dropped when it is used up.
    pub(crate) fn take(&mut self, place: Place) -> Option<Mishap> {
        let mut taken = None;
        for (service, fault) in &mut self.active {
            if *service != place.service || fault.route.is_some_and(|route| route != place.route) {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            if fault.times == Some(0) {
                continue;
            }
            fault.times = fault.times.map(|left| left - 1);
            taken = Some(Mishap { kind: fault.kind.clone(), acted: fault.acted });
            break;
        }
        self.active.retain(|(_, fault)| fault.times != Some(0));
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROCESS: Place = Place::new(Service::Payment, Route::Process);
    const REFUND: Place = Place::new(Service::Payment, Route::Refund);

    fn faults(fault: Fault) -> Faults {
        let mut faults = Faults::default();
        faults.add(Service::Payment, fault);
        faults
    }

    #[test]
    fn a_fault_happens_to_its_route_after_the_first_and_so_often() {
        let mut faults = faults(Fault::new(FaultKind::Garbage).on(Route::Process).after(1).times(2));
        let hits: Vec<bool> =
            [PROCESS, REFUND, PROCESS, PROCESS, PROCESS].map(|place| faults.take(place).is_some()).into();
        assert_eq!(hits, [false, false, true, true, false]);
        assert_eq!(faults.of(Service::Payment).count(), 0);
    }

    #[test]
    fn a_fault_without_limits_stays() {
        let mut faults = faults(Fault::new(FaultKind::Reset));
        assert!((0..9).all(|_| faults.take(REFUND).is_some()));
        assert!(faults.take(Place::new(Service::Cart, Route::Cart)).is_none());
    }

    #[test]
    fn a_fault_reads_and_writes_as_json() {
        let text = r#"{"fault":{"status":503},"acted":true,"route":"by_key","times":2}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!(fault, Fault::new(FaultKind::Status(503)).acted().on(Route::ByKey).times(2));
        assert_eq!(serde_json::from_str::<Fault>(&serde_json::to_string(&fault).unwrap()).unwrap(), fault);
        assert!(serde_json::from_str::<Fault>(r#"{"fault":"reset","time":1}"#).is_err());
    }
}
