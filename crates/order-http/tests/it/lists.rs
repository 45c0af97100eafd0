//! Pages of lists, and the way from one to the next.

use order_domain::time::Duration;
use order_testkit::builders::an_order;
use serde_json::Value;

use crate::support::{Answer, Shop, pairs};

fn ids(answer: &Answer) -> Vec<i64> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let list: Value = answer.json();
    list.as_array().expect("a plain array").iter().map(|order| order["id"].as_i64().expect("an id")).collect()
}

/// Where the next page is: what stands between `<` and `>` of the one link there is.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link")?;
    let reference = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
    let reference = reference.unwrap_or_else(|| panic!("{link}"));
    assert!(reference.starts_with('/') && !reference.starts_with("//"), "{link}");
    assert!(reference.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>\"\\^`{|}".contains(&byte)), "{link}");
    Some(reference.to_owned())
}

fn cursor(answer: &Answer) -> String {
    next(answer).expect("a link").rsplit_once("cursor=").expect("a cursor").1.to_owned()
}

/// Follows the links from a page to the last one: all ids, and how many pages there were.
async fn follow(shop: &Shop, path: &str, who: &str) -> (Vec<i64>, usize) {
    let (mut all, mut pages, mut path) = (Vec::new(), 0, path.to_owned());
    loop {
        let answer = shop.get(&path, who).await;
        all.extend(ids(&answer));
        pages += 1;
        match next(&answer) {
            Some(next) => path = next,
            None => return (all, pages),
        }
    }
}

/// Orders 1 to 25, of `ann` and (every fifth) of `ben`, two a minute; the even ones are paid.
async fn a_full_shop() -> Shop {
    let shop = Shop::open();
    for id in 1..=25 {
        let order = an_order().id(id).at(shop.store.now()).customer(if id % 5 == 0 { "ben" } else { "ann" });
        shop.keep(if id % 2 == 0 { order.paid() } else { order.placed() }).await;
        if id % 2 == 0 {
            shop.store.advance(Duration::from_mins(1));
        }
    }
    shop
}

#[actix_web::test]
async fn links_lead_through_the_whole_list() {
    let shop = a_full_shop().await;
    let newest_first: Vec<_> = (1..=25).rev().collect();
    for (path, pages) in [
        ("/orders", 2),
        ("/orders?limit=7", 4),
        ("/orders?limit=25", 1),
        ("/orders?limit=24", 2),
        ("/orders?limit=1", 25),
        ("/api/v1/orders?limit=10", 3),
        ("/orders/?limit=10&offset=0", 3),
    ] {
        assert_eq!(follow(&shop, path, "root").await, (newest_first.clone(), pages), "{path}");
    }
    let of_ann: Vec<_> = (1..=25).rev().filter(|id| id % 5 != 0).collect();
    assert_eq!(follow(&shop, "/orders/my-orders?limit=6", "ann").await, (of_ann, 4));
    assert_eq!(follow(&shop, "/orders/my-orders", "nobody").await, (vec![], 1));
}

#[actix_web::test]
async fn a_link_keeps_the_filters_and_the_limit_and_the_way_that_the_request_came() {
    let shop = a_full_shop().await;
    for (path, kept) in [
        ("/orders?limit=2", "/orders?limit=2&cursor="),
        ("/orders/?limit=2", "/orders?limit=2&cursor="),
        ("/api/v1/orders?limit=2", "/api/v1/orders?limit=2&cursor="),
        ("/api/v1/orders/my-orders/?limit=2", "/api/v1/orders/my-orders?limit=2&cursor="),
        ("/orders", "/orders?cursor="),
        // How far was skipped is in the cursor.
        ("/orders?limit=2&offset=3", "/orders?limit=2&cursor="),
        (
            "/orders?status=pending&limit=2&order_status=confirmed&status=&status=pending&unheard_of=%3E%3B",
            "/orders?limit=2&order_status=confirmed&status=pending&cursor=",
        ),
        (
            "/orders?created_to=2026-01-01T13:05:00%2B01:00&user_id=ann&scheduled=false&available=false&limit=2",
            "/orders?available=false&created_to=2026-01-01T13%3A05%3A00%2B01%3A00&limit=2&scheduled=false&user_id=ann&cursor=",
        ),
    ] {
        let who = if path.contains("my-orders") { "ann" } else { "root" };
        let link = next(&shop.get(path, who).await).unwrap_or_else(|| panic!("no link: {path}"));
        assert_eq!(link.rsplit_once('=').map(|(kept, _)| kept), kept.strip_suffix('='), "{path}");
    }
    let paid: Vec<_> = (1..=25).rev().filter(|id| id % 2 == 0).collect();
    assert_eq!(follow(&shop, "/orders?status=confirmed&limit=5", "root").await.0, paid);
    let several = "/orders?status=confirmed&status=pending&user_id=ben&limit=2";
    assert_eq!(follow(&shop, several, "root").await, (vec![25, 20, 15, 10, 5], 3));
    let (until_four, _) = follow(&shop, "/orders?created_to=2026-01-01T13:01:00%2B01:00&limit=1", "root").await;
    assert_eq!(until_four, [4, 3, 2, 1], "both of the minutes 12:00 and 12:01");
}

#[actix_web::test]
async fn orders_that_are_placed_meanwhile_move_no_page() {
    let shop = a_full_shop().await;
    let first = shop.get("/orders?limit=20", "root").await;
    shop.keep(an_order().id(26).at(shop.store.now()).placed()).await;
    let rest = shop.get(&next(&first).unwrap(), "root").await;
    assert_eq!((ids(&rest), next(&rest)), (vec![5, 4, 3, 2, 1], None));
}

#[actix_web::test]
async fn a_cursor_is_a_place_in_any_list() {
    let shop = a_full_shop().await;
    let cursor = cursor(&shop.get("/orders?limit=20", "root").await);
    let of = |path: &str| format!("{path}cursor={cursor}");
    assert_eq!(ids(&shop.get(&of("/orders?user_id=ben&"), "root").await), [5]);
    // Whose orders are shown is for the token to say.
    assert_eq!(ids(&shop.get(&of("/orders/my-orders?"), "ann").await), [4, 3, 2, 1]);
    assert_eq!(ids(&shop.get(&of("/orders?"), "bob").await), [0_i64; 0]);
    shop.get(&of("/orders?"), "ann").await.is_problem(403, "forbidden");
}

#[actix_web::test]
async fn couriers_page_through_what_they_may_take() {
    let shop = a_full_shop().await;
    let (free, pages) = follow(&shop, "/orders?available=true&limit=5", "bob").await;
    assert_eq!((free, pages), ((1..=25).rev().filter(|id| id % 2 == 0).collect(), 3));
    let link = next(&shop.get("/orders?available=true&limit=5", "bob").await).unwrap();
    let page = shop.get(&link, "bob").await;
    assert!(page.json().as_array().unwrap().iter().all(|order| order["delivery_address"].is_null()), "{}", page.text);
}

#[actix_web::test]
async fn a_cursor_that_is_none_is_refused() {
    let shop = a_full_shop().await;
    let good = cursor(&shop.get("/orders?limit=2", "root").await);
    let other = if good.starts_with('A') { "B" } else { "A" };
    let forged = [
        good[..26].to_owned(),
        format!("{good}A"),
        format!("{good}="),
        format!("{other}{}", &good[1..]),
        format!("{}%00", &good[..26]),
        "%F0%9F%8D%8E".repeat(7),
        "A".repeat(8_000),
        "0".into(),
        "-1".into(),
        "null".into(),
        "1%27%20OR%20%271%27=%271".into(),
    ];
    for cursor in forged {
        for path in ["/orders", "/orders/my-orders", "/api/v1/orders"] {
            let answer = shop.get(&format!("{path}?cursor={cursor}"), "root").await;
            assert_eq!(answer.errors("invalid"), pairs(&[("/query/cursor", "invalid_cursor")]), "{cursor}");
        }
    }
    assert_eq!(shop.get(&format!("/orders?cursor={good}&cursor={good}&offset="), "root").await.status, 200);
    for offset in ["0", "5"] {
        let both = shop.get(&format!("/orders?cursor={good}&offset={offset}"), "root").await;
        assert_eq!(both.errors("invalid"), pairs(&[("/query/cursor", "exclusive")]));
    }
    let all = shop.get("/orders?cursor=x&offset=10001&limit=0&scheduled=1", "root").await.errors("invalid");
    let expected = [
        ("/query/scheduled", "unknown_value"),
        ("/query/limit", "out_of_range"),
        ("/query/offset", "out_of_range"),
        ("/query/cursor", "exclusive"),
        ("/query/cursor", "invalid_cursor"),
    ];
    assert_eq!(all, pairs(&expected));
}

#[actix_web::test]
async fn what_is_wanted_at_a_time_is_found_and_shown() {
    let shop = Shop::open();
    let at = an_order().placed().now;
    shop.keep(an_order().placed()).await;
    shop.keep(an_order().id(2).placed().wanted_at(at + Duration::from_hours(2))).await;
    assert_eq!(ids(&shop.get("/orders?scheduled=true", "root").await), [2]);
    assert_eq!(ids(&shop.get("/orders?scheduled=false", "root").await), [1]);
    assert_eq!(ids(&shop.get("/orders/my-orders?scheduled=true&status=pending", "ann").await), [2]);
    assert_eq!(shop.get("/orders/2", "ann").await.json()["scheduled_for"], "2026-01-01T14:00:00Z");
    assert_eq!(shop.get("/orders/1", "ann").await.json()["scheduled_for"], Value::Null);
}
