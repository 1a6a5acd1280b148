//! The password was changed, or an access rule is missing. Waiting does not help, so the service reports both
//! immediately.

use std::time::Instant;

use fluss::config::{Config, SecurityProtocol};
use fluss::error::ErrorKind;
use fluss_mock::MockCluster;

use crate::Outcome;
use crate::service::{Orders, config};

pub(crate) async fn a_wrong_password_is_told_at_once() -> Outcome {
    let cluster = MockCluster::builder()
        .sasl_user("operator", "secret")
        .sasl_user("clerk", "pencil")
        .super_user("operator")
        .start()
        .await?;
    let login = |user: &str, password: &str| Config {
        security_protocol: SecurityProtocol::SaslPlain,
        sasl_username: user.to_owned(),
        sasl_password: password.into(),
        ..config(&cluster)
    };

    let mistaken = login("operator", "forgotten");
    let (started, call_timeout) = (Instant::now(), mistaken.call_timeout);
    let refused = Orders::open(mistaken).await;
    let error = refused.err().ok_or("authenticated with a wrong password")?;
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(!error.to_string().contains("forgotten"));
    assert!(started.elapsed() < call_timeout, "it was retried");

    // The right password, but the clerk has no permissions.
    let refused = Orders::open(login("clerk", "pencil")).await;
    let error = refused.err().ok_or("the clerk may create tables")?;
    assert_eq!(error.kind(), ErrorKind::Authorization);

    Orders::open(login("operator", "secret"))
        .await?
        .keep(1)
        .await?;
    Ok(())
}
