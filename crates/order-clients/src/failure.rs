//! Why a call has no answer to read, and what that means to each who asks: may it have been heard, was it the service's
//! fault, is it worth another try?

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The service's breaker is open.
    BreakerOpen,
    /// As many calls of the service as there may be are under way.
    TooMany,
    /// No connection.
    NoConnection,
    /// No connection in time.
    ConnectTimeout,
    /// A connection, and no answer in time.
    Timeout,
    /// The connection broke before an answer.
    Broken,
    /// An answer began, and did not end in time.
    BodyTimeout,
    /// An answer began, and broke off.
    BrokenOff,
    /// The answer is over its limit.
    TooLarge,
}

impl Failure {
    /// What happened, in words that can be shown to an operator.
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::BreakerOpen => "left alone for a while after failures",
            Self::TooMany => "too many calls at once",
            Self::NoConnection => "no connection",
            Self::ConnectTimeout => "no connection in time",
            Self::Timeout => "no answer in time",
            Self::Broken => "the connection broke before an answer",
            Self::BodyTimeout => "no whole answer in time",
            Self::BrokenOff => "the answer broke off",
            Self::TooLarge => "the answer is larger than 1 MiB",
        }
    }

    /// Whether it is certain that not a byte of the call has left.
    pub(crate) fn not_sent(self) -> bool {
        match self {
            Self::BreakerOpen | Self::TooMany | Self::NoConnection | Self::ConnectTimeout => true,
            Self::Timeout | Self::Broken | Self::BodyTimeout | Self::BrokenOff | Self::TooLarge => false,
        }
    }

    /// Whether the service was asked and failed, as its breaker counts it. An answer that is too large is an answer:
    /// what can't be used is the caller's to judge, and may be about one product among many.
    pub(crate) fn is_of_service(self) -> bool {
        match self {
            Self::BreakerOpen | Self::TooMany | Self::TooLarge => false,
            Self::NoConnection
            | Self::ConnectTimeout
            | Self::Timeout
            | Self::Broken
            | Self::BodyTimeout
            | Self::BrokenOff => true,
        }
    }

    /// Whether a second try may well do better, and there is time for it: after what fails at once.
    pub(crate) fn may_pass(self) -> bool {
        match self {
            Self::NoConnection | Self::Broken | Self::BrokenOff => true,
            Self::BreakerOpen
            | Self::TooMany
            | Self::ConnectTimeout
            | Self::Timeout
            | Self::BodyTimeout
            | Self::TooLarge => false,
        }
    }

    /// The `outcome` in metrics.
    pub(crate) fn outcome(self) -> &'static str {
        match self {
            Self::BreakerOpen => "breaker_open",
            Self::TooMany => "too_many",
            Self::NoConnection | Self::ConnectTimeout => "no_connection",
            Self::Timeout | Self::BodyTimeout => "timeout",
            Self::Broken | Self::BrokenOff => "broken",
            Self::TooLarge => "too_large",
        }
    }
}
