//! Named places, *sites*, at which a test lets something go wrong: before and after whatever the outside can see.
//!
//! Without the feature `fault-points` a site is nothing: no call, no text in the binary. No release has the feature; a
//! test looks at the feature tree. With it, the environment says what happens (see `arm`); what it does not name goes on
//! as if nothing were there.
//!
//! A site is a name in quotes where it stands, `commit.place.before`, so that a test finds every site by reading the
//! source: a new one is covered by being there. It never waits for anything by itself and never changes a result.

#[cfg(feature = "fault-points")]
mod armed;

#[cfg(feature = "fault-points")]
pub use armed::{Armed, NotArmed, arm, hit};

/// A site.
///
/// ```
/// order_faults::point!("answer.before");
/// ```
#[macro_export]
macro_rules! point {
    ($name:literal) => {
        $crate::hit($name)
    };
}

/// Two sites around a piece of work: `NAME.before` and `NAME.after`. A piece that is left early (`?`, a caller that goes
/// away) never comes to the second.
///
/// ```
/// let sum = order_faults::around!("sum", 1 + 1);
/// assert_eq!(sum, 2);
/// ```
#[macro_export]
macro_rules! around {
    ($name:literal, $work:expr) => {{
        $crate::hit(concat!($name, ".before"));
        let done = $work;
        $crate::hit(concat!($name, ".after"));
        done
    }};
}

/// What a site is where there are none.
#[cfg(not(feature = "fault-points"))]
#[doc(hidden)]
pub const fn hit(_site: &'static str) {}
