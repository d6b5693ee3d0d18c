use std::process::Command;

use lattice_lock_clients::codes::TRUST_MISSING;
use lattice_lock_clients::{ChatRequest, HttpClients};
use lattice_lock_providers::{FailureClass, Provider};
use lattice_lock_testkit::ScriptedServer;
use rustls::crypto::CryptoProvider;

use crate::support::{class, clients, model};

/// The tests turn on a feature with which rustls finds no provider by itself, as it is in a host that turns on a
/// second one; what is not named explicitly panics here.
#[tokio::test]
async fn tls_needs_no_provider_of_the_process_and_installs_none() {
    let server = ScriptedServer::start().await.unwrap();
    let address = server.url().replace("http:", "https:");
    let provider = Provider::local().at(&address).unwrap();
    let client = clients().client(&provider);
    let error = client
        .chat(&model(), &ChatRequest::new("Hello?"))
        .await
        .unwrap_err();
    // The server speaks no TLS: the handshake began, and failed. On a machine without root certificates it is
    // not even begun.
    if error.code() != TRUST_MISSING {
        assert_eq!(class(&error), FailureClass::Connect, "{error:?}");
    }
    assert!(CryptoProvider::get_default().is_none());
}

#[test]
fn clients_are_made_without_a_runtime() {
    assert!(HttpClients::new().is_ok());
}

/// Runs the tests that use the network plainly in a process with these variables.
fn check(variables: &[(&str, &str)]) {
    let run = Command::new(std::env::current_exe().unwrap())
        .envs(variables.iter().copied())
        .args(["tls::tls_needs", "replies::openais"])
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{printed}");
    assert!(printed.contains("2 passed"), "{printed}");
}

#[test]
fn a_machine_without_root_certificates_still_reaches_its_own_servers() {
    check(&[
        ("SSL_CERT_FILE", "/dev/null"),
        ("SSL_CERT_DIR", "/nonexistent"),
    ]);
}

#[test]
fn a_proxy_that_the_environment_names_is_not_asked() {
    let nobody = "http://127.0.0.1:1";
    check(&[
        ("HTTP_PROXY", nobody),
        ("http_proxy", nobody),
        ("ALL_PROXY", nobody),
        ("NO_PROXY", ""),
    ]);
}
