//! `docs/money.md` against the running service: its diagram has the moves that an entry can make, and each of its worked
//! examples comes out as it says, line by line.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use order_domain::payment::EntryState;
use order_domain::time::Timestamp;
use order_sandbox::{Decline, Fault, FaultKind, Product, Route, Sandbox, Service as Outside};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, audit, on_both_engines};

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/money.md")).unwrap()
}

/// A worked example.
#[derive(Default)]
struct Example {
    title: String,
    /// What the shop has set otherwise.
    settings: Vec<(String, String)>,
    steps: Vec<Step>,
}

/// What is done, and what the page says that it leads to.
struct Step {
    what: String,
    after: Books,
}

/// An order and its ledger, in the page's words.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Books {
    ledger: Vec<String>,
    order: String,
}

impl fmt::Display for Books {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.ledger.join("\n"), self.order)
    }
}

fn examples(page: &str) -> Vec<Example> {
    let worked = page.split("\n## Worked examples\n").nth(1).expect("worked examples");
    let mut examples: Vec<Example> = Vec::new();
    for line in worked.lines() {
        if let Some(title) = line.strip_prefix("### ") {
            examples.push(Example { title: title.to_owned(), ..Example::default() });
            continue;
        }
        let Some(example) = examples.last_mut() else { continue };
        if let Some(setting) = line.strip_prefix("In a shop with `") {
            let (name, value) = setting.split('`').next().unwrap().split_once('=').unwrap();
            example.settings.push((name.to_owned(), value.to_owned()));
        } else if let Some(step) = line.strip_prefix("**") {
            let what = step.split("**").next().unwrap().to_owned();
            example.steps.push(Step { what, after: Books::default() });
        } else if let Some(after) = example.steps.last_mut().map(|step| &mut step.after) {
            if line.starts_with("| ") && line.as_bytes()[2].is_ascii_digit() {
                after.ledger.push(line.to_owned());
            } else if line.starts_with('→') {
                line.clone_into(&mut after.order);
            }
        }
    }
    examples
}

/// The service that an example is done with.
struct Stage {
    engine: Engine,
    sandbox: Sandbox,
    customer: Shop,
    admin: Shop,
    id: i64,
}

impl Stage {
    async fn books(&self) -> Books {
        let of = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
        let amount = |value: &Value, name: &str| format!("{:.2}", value[name].as_f64().unwrap());
        let ledger = self.admin.get(&format!("/orders/{}/payments", self.id)).await.expect(200).json();
        let row = |entry: &Value| {
            let [kind, purpose, method, state] = ["kind", "purpose", "method", "state"].map(|name| of(entry, name));
            format!("| {} | {kind} | {purpose} | {method} | {} | {state} |", entry["n"], amount(entry, "amount"))
        };
        let order = self.admin.order(self.id).await;
        let [total, charged, refunded, collect] =
            ["total_amount", "charged_amount", "refunded_amount", "amount_to_collect"].map(|name| amount(&order, name));
        let (status, paid) = (of(&order, "status"), of(&order, "payment_status"));
        Books {
            ledger: ledger.as_array().unwrap().iter().map(row).collect(),
            order: format!(
                "→ {status}, {paid}; total {total}, charged {charged}, refunded {refunded}, to collect {collect}"
            ),
        }
    }

    /// Waits until the books are as the page says. What waits for its time need not.
    async fn comes_to(&self, title: &str, step: &Step) {
        let deadline = tokio::time::Instant::now() + Duration::from_mins(1);
        loop {
            let books = self.books().await;
            if books == step.after {
                return;
            }
            let (what, after) = (&step.what, &step.after);
            let late = tokio::time::Instant::now() > deadline;
            assert!(!late, "docs/money.md, {title}: {what}\nshould come to\n{after}\nand comes to\n{books}");
            self.engine.hurry().await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn payments(&self, fault: Fault) {
        self.sandbox.add_fault(Outside::Payment, fault);
    }

    /// Its next charge is taken, and nobody hears of it.
    fn answers_are_lost(&self) {
        self.payments(Fault::acted_answer_lost().on(Route::Process));
        self.payments(Fault::new(FaultKind::Status(503)).on(Route::ByKey));
    }

    fn takes_its_time(&self) {
        self.payments(Fault::new(FaultKind::Hold).on(Route::Process).times(1));
    }

    async fn order(&mut self) {
        self.id = self.customer.place().await.expect(201).id();
    }

    async fn held(&self) {
        self.sandbox.wait_until(|sandbox| sandbox.held(Outside::Payment) == 1).await;
    }

    async fn apples(&self, units: u32) {
        self.customer.edit(self.id, &[(1, units), (2, 1)]).await.expect(200);
    }

    async fn last_entry(&self) -> u32 {
        u32::try_from(self.books().await.ledger.len()).unwrap()
    }

    /// Does what the page says.
    async fn act(&mut self, what: &str) {
        match what {
            "Ann orders, and it is paid." => self.order().await,
            "Ann orders, and her card is declined." => {
                self.sandbox.add_decline(Decline::charges());
                self.order().await;
            }
            "Ann orders while the payment service is down." => {
                self.sandbox.take_down(Outside::Payment).await.unwrap();
                self.order().await;
            }
            "Ann orders; the payment service takes the money, and its answer is lost." => {
                self.answers_are_lost();
                self.order().await;
            }
            "Ann orders; the payment service takes its time." => {
                self.takes_its_time();
                self.order().await;
                self.held().await;
            }
            "Ann orders for the day after tomorrow, and it is paid." => {
                let now = std::time::UNIX_EPOCH + std::time::UNIX_EPOCH.elapsed().unwrap();
                let at = Timestamp::from(now + Duration::from_hours(48));
                let body = json!({ "delivery_address": "1 Main St", "scheduled_for": at.to_rfc3339() });
                let placed = self.customer.call(Method::POST, "/orders/scheduled", Some(body)).await;
                self.id = placed.expect(201).id();
            }
            "Its time comes, and there are no apples." => {
                self.sandbox.put_product(Product::new(1, "Apple", 2.99).stock(0));
                self.engine.time_passes(48 * 60 - 45).await;
            }
            "Ann wants one apple less." => self.apples(1).await,
            "Ann wants one apple more; the payment service takes its time." => {
                self.takes_its_time();
                self.apples(3).await;
                self.held().await;
            }
            "Ann wants one apple more; the payment service takes the money, and its answer is lost." => {
                self.answers_are_lost();
                self.apples(3).await;
                self.sandbox.wait_until(|sandbox| sandbox.payments().len() == 2).await;
            }
            "Ann cancels." => drop(self.customer.cancel(self.id).await.expect(200)),
            "The shop confirms the order as cash." => {
                self.admin.set_status(self.id, "confirmed").await.expect(200);
            }
            "It is delivered, and the courier takes the money." => {
                self.admin.take(self.id, "cora").await.expect(200);
                for status in ["preparing", "out_for_delivery", "delivered"] {
                    self.admin.set_status(self.id, status).await.expect(200);
                }
            }
            "The shop gives 2.50 back." => drop(self.admin.goodwill(self.id, 2.5).await.expect(200)),
            "The shop gives 2.50 back, and the payment service declines five times." => {
                self.sandbox.add_decline(Decline::refunds().times(5));
                self.admin.goodwill(self.id, 2.5).await.expect(200);
            }
            "The last refund was paid by hand." => {
                let n = self.last_entry().await;
                self.admin.resolve(self.id, n, "by_hand").await.expect(200);
            }
            "An admin finds the charge at the payment service." => {
                self.admin.resolve(self.id, 1, "settled").await.expect(200);
            }
            "The payment service answers." => drop(self.sandbox.release(Outside::Payment)),
            "The payment service declines." => {
                self.sandbox.add_decline(Decline::charges().times(1));
                self.sandbox.release(Outside::Payment);
            }
            "The payment service tells what it knows of the key." => self.sandbox.clear_faults(Outside::Payment),
            "A quarter of an hour passes." => self.engine.time_passes(16).await,
            "A day passes." => self.engine.time_passes(25 * 60).await,
            "Two more days pass." => self.engine.time_passes(48 * 60).await,
            other => panic!("docs/money.md has a step that this test can't do: {other}"),
        }
    }
}

async fn comes_out(engine: Engine, example: Example) {
    let sandbox = sandbox();
    let settings: Vec<_> = example.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let service = Service::start_with(&engine, &sandbox, &settings).await;
    let (customer, admin) = (Shop::customer(&service), Shop::admin(&service));
    let mut stage = Stage { engine: engine.clone(), sandbox, customer, admin, id: 0 };
    for step in &example.steps {
        stage.act(&step.what).await;
        stage.comes_to(&example.title, step).await;
    }
    stage.sandbox.clear_all_faults();
    stage.sandbox.bring_back(Outside::Payment).await.unwrap();
    service.rest_at_once().await;
    audit::clean(&engine, &stage.sandbox).await;
}

on_both_engines! {
    async fn each_worked_example_comes_out_as_the_page_says(engine: Engine) {
        let shared = engine.is_shared();
        let examples = examples(&page());
        assert!(examples.len() >= 11 && examples.iter().all(|example| !example.steps.is_empty()));
        for example in examples {
            let engine = if shared { Engine::postgres().await } else { Engine::sqlite() };
            comes_out(engine, example).await;
        }
    }
}

#[test]
fn the_diagram_has_the_moves_that_an_entry_can_make_and_no_others() {
    let page = page();
    let diagram = page.split("```mermaid\n").nth(1).unwrap().split("```").next().unwrap();
    let edges = diagram.lines().filter_map(|line| {
        let (from, to) = line.trim().split_once(" --> ")?;
        Some((from.to_owned(), to.split(':').next().unwrap().to_owned()))
    });
    let edges: BTreeSet<_> = edges.filter(|(from, to)| from != "[*]" && to != "[*]").collect();
    let pairs = EntryState::ALL.into_iter().flat_map(|from| EntryState::ALL.map(|to| (from, to)));
    let moves = pairs.filter(|(from, to)| from.may_become(*to));
    assert_eq!(edges, moves.map(|(from, to)| (from.name().to_owned(), to.name().to_owned())).collect());
}
