//! The traits through which a service around this domain meets the world. Few, cohesive, object-safe; held as
//! `Arc<dyn …>`. With the feature `mocks` each has a `mockall` mock beside it.

mod clock_ids;
mod live;
mod services;
mod store;
mod tasks;

pub use clock_ids::{Clock, IdGenerator};
pub use live::{LiveEvent, LiveEvents, Subscription};
pub use services::{
    Bearer, Cart, CartService, NotificationService, Payment, PaymentError, PaymentReceipt, PaymentService,
    ProductService, ServiceError, ServiceName, UserService,
};
pub use store::{
    CommitError, Committed, IdempotencyKey, ListPlace, Loaded, OrderFilter, OrderPage, OrderReader, OrderStore, Page,
    PageStart, Placing, Receipt, StoreError, StoredReceipt, Timeline, TimelineItem, WriteSet,
};
pub use tasks::{
    Claim, ClaimedTask, EntryFailure, Failure, Lane, MAX_TRIES, NewTask, Sweep, TaskKind, TaskRef, TaskSignal,
    TaskStore, Token, backoff_ceiling,
};

#[cfg(feature = "mocks")]
pub use {
    clock_ids::{MockClock, MockIdGenerator},
    live::{MockLiveEvents, MockSubscription},
    services::{MockCartService, MockNotificationService, MockPaymentService, MockProductService, MockUserService},
    store::{MockOrderReader, MockOrderStore},
    tasks::{MockTaskSignal, MockTaskStore},
};
