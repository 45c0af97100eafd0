//! `order-app check`: what `serve` needs, one line each; what is wrong says which setting to look at. Touches no data.

use order_clients::{Deadlines, probe};
use order_domain::ports::ServiceName;
use order_persistence::{DatabaseUrl, Report};

use crate::Failure;
use crate::keys;
use crate::settings::{Given, Settings, Trust};

pub(crate) async fn run() -> Result<(), Failure> {
    let settings = Given::read().settings()?;
    println!("ok     settings");
    for name in &settings.without_effect {
        println!("note   {name} is set and has no effect");
    }
    let mut wrong = 0;
    let mut say = |what: &str, found: Result<String, String>| match found {
        Ok(found) => println!("ok     {what}: {found}"),
        Err(reason) => {
            wrong += 1;
            println!("wrong  {what}: {reason}");
        }
    };
    say("database", database(&settings).await);
    if let Some(url) = &settings.redis {
        say("redis", order_queue::check(url).await);
    }
    for (service, url, setting) in [
        (ServiceName::User, &settings.user_service, "USER_SERVICE_URL"),
        (ServiceName::Product, &settings.product_service, "PRODUCT_SERVICE_URL"),
        (ServiceName::Cart, &settings.cart_service, "CART_SERVICE_URL"),
        (ServiceName::Payment, &settings.payment_service, "PAYMENT_SERVICE_URL"),
        (ServiceName::Notification, &settings.notification_service, "NOTIFICATION_SERVICE_URL"),
    ] {
        let found = probe(service, url, Deadlines::default()).await;
        let found = found.map(|()| "answers".to_owned()).map_err(|reason| format!("{reason}; look at {setting}"));
        say(&service.to_string(), found);
    }
    if let Trust::Published { algorithm, url } = &settings.trust {
        say("keys of tokens", keys::look_at(*algorithm, url).await);
    }
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::Other("one thing is wrong".into())),
        wrong => Err(Failure::Other(format!("{wrong} things are wrong"))),
    }
}

async fn database(settings: &Settings) -> Result<String, String> {
    let look = |error: &dyn std::fmt::Display| format!("{error}; look at DATABASE_URL");
    if let DatabaseUrl::Sqlite(path) = &settings.database_url
        && !path.exists()
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        return match folder {
            Some(folder) if !folder.is_dir() => {
                Err(format!("there is no folder {}; look at DATABASE_URL", folder.display()))
            }
            _ if !settings.auto_migrate => Err(format!("there is no file {}; run `order-app migrate`", path.display())),
            _ => Ok("a new file will be made".into()),
        };
    }
    let Report { pending, .. } =
        order_persistence::migrate(&settings.database_url, false).await.map_err(|error| look(&error))?;
    match (pending.is_empty(), settings.auto_migrate) {
        (true, _) => Ok("up to date".into()),
        (false, true) => Ok(format!("will be migrated at start: {}", pending.join(", "))),
        (false, false) => Err(format!("lacks {}; run `order-app migrate`", pending.join(", "))),
    }
}
