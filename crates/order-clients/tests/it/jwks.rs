//! The published keys: taken as they are, within limits, from the one address that was set.

use order_clients::{Deadlines, Guards, JwksClient};

use crate::raw::{Answer, Raw};
use crate::{HASTY, PATIENT, kind};

fn client(url: &str, deadlines: Deadlines) -> JwksClient {
    JwksClient::new(url, deadlines, &Guards::default()).unwrap()
}

#[tokio::test]
async fn the_set_is_what_is_at_the_address() {
    let server = Raw::always(Answer::ok(r#"{"keys":[]}"#)).await;
    let url = format!("{}/realms/shop/.well-known/jwks.json", server.url);
    assert_eq!(client(&url, PATIENT).fetch().await, Ok(br#"{"keys":[]}"#.to_vec()));
    let request = &server.requests()[0];
    assert!(request.starts_with("GET /realms/shop/.well-known/jwks.json HTTP/1.1"), "{request}");
    assert!(!request.to_lowercase().contains("authorization"), "{request}");
}

#[tokio::test]
async fn what_is_no_set_is_an_error_in_time() {
    let redirect = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n".to_vec();
    let endless = Answer::Flood(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n".to_vec(), vec![b' '; 65536]);
    for (answer, deadlines, expected) in [
        (Answer::status("404 Not Found", ""), PATIENT, "bad answer"),
        (Answer::status("503 Service Unavailable", ""), PATIENT, "unavailable"),
        (Answer::status("204 No Content", ""), PATIENT, "bad answer"),
        (Answer::Bytes(redirect), PATIENT, "bad answer"),
        (endless, PATIENT, "bad answer"),
        (Answer::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{}".to_vec()), PATIENT, "unavailable"),
        (Answer::Silence(b"HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{".to_vec()), HASTY, "unavailable"),
    ] {
        let server = Raw::always(answer).await;
        assert_eq!(kind(&client(&server.url, deadlines).fetch().await), expected);
    }
    assert_eq!(kind(&client("http://127.0.0.1:1/jwks.json", PATIENT).fetch().await), "unavailable");
    assert!(JwksClient::new("ftp://keys", PATIENT, &Guards::default()).is_err());
}
