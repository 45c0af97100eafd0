//! The traits through which a service around this domain meets the world. Few, cohesive, object-safe; held as
//! `Arc<dyn …>`. With the feature `mocks` each has a `mockall` mock beside it.

mod audit;
mod clock_ids;
mod desk;
mod events;
mod live;
mod services;
mod store;
mod tasks;

pub use audit::{
    AuditBatch, AuditReader, AuditedEvent, AuditedOrder, AuditedRows, AuditedTask, LedgerLine, SettledPlace,
};
pub use clock_ids::{Clock, IdGenerator};
pub use desk::{
    KindStatus, OpenTask, Pause, TaskDeed, TaskDesk, TaskFilter, TaskPage, TaskPlace, TaskState, TaskTouch,
};
pub use events::{
    EventAmounts, EventFacts, EventHistory, EventLine, EventStream, HistoryPlace, HistorySpan, Outbox, Outgoing,
    Publisher, StreamError, StreamEvent, Unpublished,
};
pub use live::{LiveEvent, LiveEvents, Subscription};
pub use services::{
    Availability, Bearer, Cart, CartService, NotificationService, Payment, PaymentError, PaymentReceipt,
    PaymentService, ProductService, ServiceError, ServiceName, UserService,
};
pub use store::{
    Cause, CommitError, Committed, GuardChange, IdempotencyKey, KEPT_AFTER_END, ListPlace, Loaded, OrderFilter,
    OrderPage, OrderReader, OrderStore, Page, PageStart, Placing, RECEIPT_AGE, Receipt, StoreError, StoredReceipt,
    Timeline, TimelineItem, WriteSet,
};
pub use tasks::{
    Chore, ChoreFigures, Claim, ClaimedChore, ClaimedTask, EntryFailure, Failure, Figures, KindFigures, Lane,
    MAX_TRIES, NewTask, Rest, Sweep, TaskKind, TaskRef, TaskSignal, TaskStore, Token, backoff_ceiling,
};

#[cfg(feature = "mocks")]
pub use {
    audit::MockAuditReader,
    clock_ids::{MockClock, MockIdGenerator},
    desk::MockTaskDesk,
    events::{MockEventHistory, MockEventStream, MockOutbox},
    live::{MockLiveEvents, MockSubscription},
    services::{MockCartService, MockNotificationService, MockPaymentService, MockProductService, MockUserService},
    store::{MockOrderReader, MockOrderStore},
    tasks::{MockTaskSignal, MockTaskStore},
};
