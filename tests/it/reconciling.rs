//! `order-app reconcile`: the ledger against an export of the payment service.

use std::io::Write;
use std::process::Output;

use order_sandbox::{Outcome, Sandbox};
use tempfile::NamedTempFile;

use crate::command_line::{run, said};
use crate::support::shop::sandbox;
use crate::support::{Engine, Service, Shop, on_both_engines};

const EVER: [&str; 4] = ["--from", "2000-01-01", "--to", "2099-12-31"];

/// What the payment service would export: one line for each key.
fn exported(sandbox: &Sandbox) -> Vec<String> {
    let line = |payment: order_sandbox::Payment| {
        let minor = payment.amount_minor;
        let outcome = if payment.outcome == Outcome::Accepted { "accepted" } else { "declined" };
        format!("{},{}.{:02},{outcome}", payment.key, minor / 100, minor % 100)
    };
    sandbox.payments().into_iter().map(line).collect()
}

async fn reconcile(engine: &Engine, period: &[&str], lines: &[String]) -> Output {
    let mut file = NamedTempFile::new().unwrap();
    writeln!(file, "key,amount,status\n{}", lines.join("\n")).unwrap();
    let path = file.path().to_str().unwrap();
    run(&[&["reconcile", "--payments", path], period].concat(), &[("DATABASE_URL", engine.url())]).await
}

/// The rows below the heading, without the columns between key and line.
fn rows(output: &Output) -> Vec<String> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let mut lines = text.lines();
    let heading = "difference,key,order,kind,ledger_amount,ledger_state,export_amount,export_status,line,what";
    assert_eq!(lines.next(), Some(heading));
    lines.map(str::to_owned).collect()
}

on_both_engines! {
    async fn what_is_missing_extra_or_different_is_a_row_each(engine: Engine) {
        let sandbox = sandbox();
        let service = Service::start(&engine, &sandbox).await;
        let customer = Shop::customer(&service);
        let one = customer.place().await.expect(201).id();
        customer.until(one, "status", "confirmed").await;
        customer.cancel(one).await.expect(200);
        customer.until(one, "payment_status", "refunded").await;
        assert!(service.rest().await.success());

        let lines = exported(&sandbox);
        assert_eq!(lines, [format!("order-{one}-order-1,12.47,accepted"), format!("order-{one}-cancel-2,12.47,accepted")]);
        let agreed = reconcile(&engine, &EVER, &lines).await;
        assert_eq!((agreed.status.code(), rows(&agreed).len()), (Some(0), 0), "{}", said(&agreed));
        assert!(said(&agreed).contains("compared 2 line(s) of the export with the ledger, and 2 entries"));

        let (charge, refund) = (format!("order-{one}-order-1"), format!("order-{one}-cancel-2"));
        let cases: [(Vec<String>, String); 7] = [
            (vec![lines[0].clone()], format!("missing,{refund},{one},refund,12.47,settled,,,,the export does not have it")),
            (
                [&lines[..], &["order-999-order-1,5.00,accepted".to_owned()]].concat(),
                "extra,order-999-order-1,,,,,5.00,settled,4,the ledger has no such entry".to_owned(),
            ),
            (
                [&lines[..], &["=cmd(),5.00,accepted".to_owned()]].concat(),
                "extra,'=cmd(),,,,,5.00,settled,4,the ledger has no such entry".to_owned(),
            ),
            (
                vec![format!("{charge},12.48,accepted"), lines[1].clone()],
                format!("different,{charge},{one},charge,12.47,settled,12.48,settled,2,\"12.48 there, 12.47 here\""),
            ),
            (
                vec![format!("{charge},12.47,declined"), lines[1].clone()],
                format!("different,{charge},{one},charge,12.47,settled,12.47,declined,2,\"declined there, settled here\""),
            ),
            (
                [&lines[..], &lines[..1]].concat(),
                format!("extra,{charge},{one},charge,12.47,settled,12.47,settled,4,settled before in the same export"),
            ),
            (
                vec![format!("order-{one}-edit-1,12.47,accepted"), lines[0].clone(), lines[1].clone()],
                format!("extra,order-{one}-edit-1,,,,,12.47,settled,2,the ledger has no such entry"),
            ),
        ];
        for (lines, row) in cases {
            let output = reconcile(&engine, &EVER, &lines).await;
            assert_eq!((output.status.code(), rows(&output)), (Some(1), vec![row]), "{}", said(&output));
            assert!(said(&output).contains("there is one difference"));
        }
        // Nothing settled then, so nothing is missing; what the export has is looked up whatever its time.
        let before = reconcile(&engine, &["--from", "2000-01-01", "--to", "2000-12-31"], &lines[..1]).await;
        assert_eq!(before.status.code(), Some(0), "{}", said(&before));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_or_a_period_that_can_not_be_used_is_said_to_be_so() {
    let engine = Engine::sqlite();
    run(&["migrate"], &[("DATABASE_URL", engine.url())]).await;
    let torn =
        reconcile(&engine, &EVER, &["order-1-order-1,1.00,accepted".into(), "order-1-cancel-2,lots,accepted".into()])
            .await;
    assert_eq!(torn.status.code(), Some(2));
    assert!(said(&torn).contains("line 3: amount \"lots\" is no amount such as 10.98"), "{}", said(&torn));
    for (period, word) in [
        (["--from", "yesterday", "--to", "2026-01-01"], "it is a day, 2026-11-30, or a moment"),
        (["--from", "2026-01-02", "--to", "2026-01-01"], "--from is after --to"),
    ] {
        let refused = reconcile(&engine, &period, &[]).await;
        assert_eq!(refused.status.code(), Some(2));
        assert!(said(&refused).contains(word), "{}", said(&refused));
    }
    let missing = ["reconcile", "--payments", "/no/such/file", "--from", "2026-01-01", "--to", "2026-01-01"];
    let missing = run(&missing, &[("DATABASE_URL", engine.url())]).await;
    assert_eq!(missing.status.code(), Some(2));
    assert!(said(&missing).contains("/no/such/file: "), "{}", said(&missing));
}
