//! SIGTERM: not ready, still answering, then gone, with nothing begun left undone.

use order_sandbox::{Fault, FaultKind, Route, Service as Outside};
use serde_json::json;

use crate::support::shop::{fill_cart, sandbox};
use crate::support::{Engine, Service, Shop, audit, eventually, on_both_engines};

on_both_engines! {
    /// Whoever balances the load sees that the service is not ready while it still answers everybody.
    async fn a_service_that_is_told_to_stop_says_so_and_answers_on(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start_with(&engine, &sandbox, &[("DRAIN_DELAY", "2s")]).await;
        let customer = Shop::customer(&service);
        assert_eq!(customer.get("/health/ready").await.status, 200);
        let id = customer.place().await.expect(201).id();
        customer.until(id, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;

        let stopped = tokio::spawn(service.stop());
        eventually("it says that it is not ready", || async { customer.get("/health/ready").await.status == 503 }).await;
        assert_eq!(customer.get("/health/live").await.status, 200);
        assert_eq!(customer.order(id).await["status"], json!("confirmed"));
        fill_cart(&sandbox, "ann");
        let late = customer.place().await.expect(201).id();
        assert!(stopped.await.unwrap().success());

        // It took the order and claimed nothing any more: the next instance does the rest.
        let service = Service::start(&engine, &sandbox).await;
        Shop::customer(&service).until(late, "status", "confirmed").await;
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        service.rest().await;
        assert_eq!(audit::clean(&engine, &sandbox).await.len(), 2);
    }

    /// A charge that is under way is waited for, and settled before the service is gone.
    async fn what_was_begun_is_finished(engine: Engine) {
        let sandbox = sandbox();
        sandbox.add_fault(Outside::Payment, Fault::new(FaultKind::Hold).on(Route::Process).times(1));
        let service = Service::start(&engine, &sandbox).await;
        let id = Shop::customer(&service).place().await.expect(201).id();
        sandbox.wait_for_calls(Outside::Payment, Route::Process, 1).await;
        let stopped = tokio::spawn(service.stop());
        sandbox.clear_all_faults();
        sandbox.release(Outside::Payment);
        assert!(stopped.await.unwrap().success());
        assert_eq!(sandbox.payment(&format!("order-{id}-order-1")).unwrap().attempts, 1);

        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        assert_eq!(customer.order(id).await["status"], json!("confirmed"), "at once: nothing was left to do");
        eventually("the cart is cleared", || async { sandbox.cart("ann").items.is_empty() }).await;
        service.rest().await;
        audit::clean(&engine, &sandbox).await;
    }
}

/// A service that goes on without its worker would take orders that nobody charges.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_ends_by_itself_takes_its_process_along_and_the_next_one_goes_on() {
    let (engine, sandbox) = (Engine::sqlite(), sandbox());
    let service = Service::start_with(&engine, &sandbox, &[("FAILPOINTS", "commit.claim.before=1*off->panic")]).await;
    // Whether it is answered is a matter of luck.
    drop(Shop::customer(&service).try_place(Some("k")).await);
    assert_eq!(service.end().await.code(), Some(1));
    let service = Service::start(&engine, &sandbox).await;
    let customer = Shop::customer(&service);
    let id = customer.try_place(Some("k")).await.unwrap().expect(201).id();
    customer.until(id, "status", "confirmed").await;
    service.rest().await;
    assert_eq!(audit::clean(&engine, &sandbox).await.len(), 1);
}

/// A panic amid a task or a request is that one's failure.
#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_panics_is_tried_again_and_the_process_lives() {
    let (engine, sandbox) = (Engine::sqlite(), sandbox());
    let points = "call.payment.charge.before=1*panic;call.payment.charge.after=1*panic;call.product.after=1*panic";
    let service = Service::start_with(&engine, &sandbox, &[("FAILPOINTS", points)]).await;
    let customer = Shop::customer(&service);
    customer.try_place(Some("k")).await.unwrap().expect(500);
    let id = customer.try_place(Some("k")).await.unwrap().expect(201).id();
    customer.until(id, "status", "confirmed").await;
    assert_eq!(sandbox.payments()[0].attempts, 1, "it panicked before it asked, then after; then it looked");
    service.rest().await;
    assert_eq!(audit::clean(&engine, &sandbox).await.len(), 1);
}
